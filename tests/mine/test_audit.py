from math import sqrt

import polars as pl
import pytest

from protrek_hm.data import write_proteins
from protrek_hm.errors import FileFormatError, MissingFileError, NothingFoundError
from protrek_hm.files import write_json
from protrek_hm.mine import MineConfig, mine_hard_negatives
from protrek_hm.mine.audit import Rate, draw_sample, rate_gate, read_verdicts, write_audit


def test_rates_agree_with_a_plain_loop(make_families):
    proteins = make_families(2, families=8)
    result = mine_hard_negatives(proteins.drop("drug"), MineConfig(gate="text", easy=0, threads=1))
    rates = rate_gate(result.pairs, proteins, ["drug:equal"])
    drug = dict(zip(proteins["id"], proteins["drug"], strict=True))
    called, same = [], []
    for row in result.pairs.iter_rows(named=True):
        called.append(row["verdict"] == "different")
        same.append(drug[row["a_id"]] == drug[row["b_id"]])
    both = [c and s for c, s in zip(called, same, strict=True)]
    assert (rates.false_negatives.count, rates.false_negatives.total) == (sum(both), sum(called))
    assert (rates.same_called_different.count, rates.same_called_different.total) == (sum(both), sum(same))
    missed = sum(not c and not s for c, s in zip(called, same, strict=True))
    assert (rates.missed.count, rates.missed.total) == (missed, len(same) - sum(same))


def test_missing_labels_are_left_out():
    proteins = pl.DataFrame({"id": ["a", "b"], "drug": ["X", None]})
    pairs = pl.DataFrame({"a_id": ["a"], "b_id": ["b"], "verdict": ["different"]})
    rates = rate_gate(pairs, proteins, ["drug:set"])
    assert rates.false_negatives.total == rates.missed.total == 0


def test_the_sample_is_stratified_and_repeatable(make_families, tmp_path):
    proteins = make_families(2, families=8)
    pairs = mine_hard_negatives(proteins, MineConfig(easy=0, threads=1)).pairs
    sample = draw_sample(pairs, per_stratum=2, seed=1)
    assert sample.equals(draw_sample(pairs, per_stratum=2, seed=1))
    strata = pairs.select("verdict", "reasons").unique()
    assert sample.select("verdict", "reasons").unique().height == strata.height
    assert sample.group_by("verdict", "reasons").len()["len"].max() <= 2
    write_audit(sample, proteins, tmp_path)
    write_audit(sample, proteins, tmp_path, force=True)
    table = pl.read_csv(tmp_path / "audit.tsv", separator="\t")
    assert table["a_id"].to_list() == sample["a_id"].to_list()
    page = (tmp_path / "audit.html").read_text()
    assert page.count("<article>") == sample.height
    assert "<mark>" in page


def test_faults_are_told(tmp_path):
    with pytest.raises(MissingFileError, match="protrek-hm mine"):
        read_verdicts(tmp_path)
    path = tmp_path / "judged_pairs.parquet"
    path.write_text("no")
    with pytest.raises(FileFormatError):
        read_verdicts(tmp_path)
    pl.DataFrame({"verdict": []}).write_parquet(path)
    with pytest.raises(NothingFoundError):
        read_verdicts(tmp_path)


def table(ids):
    return pl.DataFrame({"id": ids, "sequence": ["MK"] * len(ids), "text": ["Red."] * len(ids)})


def test_another_table_than_the_one_that_was_mined_is_told(tmp_path):
    pl.DataFrame({"a_id": ["a", "a"], "b_id": ["b", "c"]}).write_parquet(tmp_path / "judged_pairs.parquet")
    write_proteins(table(["c", "b", "a"]), tmp_path / "mined.tsv")
    write_json(tmp_path / "mining_report.json", {"format_version": 1, "input": str(tmp_path / "mined.tsv")})
    assert read_verdicts(tmp_path)[1]["id"].to_list() == ["c", "b", "a"]
    write_proteins(table(["b"]), tmp_path / "other.tsv")
    with pytest.raises(
        FileFormatError, match=r"other.tsv: 2 of the proteins that were judged are not in it, such as a;"
    ):
        read_verdicts(tmp_path, tmp_path / "other.tsv")


def test_the_text_that_was_judged_is_shown(tmp_path):
    table = {"id": ["a", "a", "b"], "sequence": ["MK", "MK", "MR"], "text": [None, "Red.", "Blue."]}
    pair = {
        "verdict": ["same"],
        "reasons": [""],
        "a_id": ["a"],
        "b_id": ["b"],
        "identity": [0.5],
        "text_similarity": [0],
    }
    write_audit(pl.DataFrame(pair), pl.DataFrame(table), tmp_path)
    assert pl.read_csv(tmp_path / "audit.tsv", separator="\t")["a_text"].to_list() == ["Red."]


def test_what_a_spreadsheet_would_run_is_text(tmp_path):
    formulas = ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\t=1", "  =1", "\u200b=1", "＝1", "|cmd"]
    plain = ["a = b", "5-HT", "Beta-lactamase", "α=1"]
    texts = [*formulas, *plain]
    proteins = pl.DataFrame({"id": [f"P{i}" for i in range(13)], "sequence": ["MK"] * 13, "text": texts})
    pairs = proteins.select(
        a_id="id",
        b_id="id",
        verdict=pl.lit("same"),
        reasons=pl.lit(""),
        identity=pl.lit(0.5),
        text_similarity=pl.lit(-0.5),
    )
    write_audit(pairs, proteins, tmp_path)
    table = pl.read_csv(tmp_path / "audit.tsv", separator="\t")
    assert table["b_text"].to_list() == [*("'" + each for each in formulas), *plain]
    assert table["text_similarity"].to_list() == [-0.5] * 13


@pytest.mark.parametrize(("count", "total"), [(0, 10), (3, 10), (10, 10), (1, 1), (31, 3472), (350_766, 10**7)])
def test_is_wilson_s_formula(count, total):
    z, share = 1.959963984540054, count / total  # 97.5th percentile of the normal distribution
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    assert Rate(count, total).interval == pytest.approx((centre - half, centre + half), abs=1e-12)
    assert 0 <= Rate(count, total).interval[0] <= count / total <= Rate(count, total).interval[1] <= 1


def test_nothing_says_nothing():
    assert Rate(0, 0).interval == (0.0, 1.0)
