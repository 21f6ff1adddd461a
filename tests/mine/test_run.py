from itertools import combinations

import polars as pl
import pytest

from protrek_hm.errors import NoTwinsError
from protrek_hm.homology import align
from protrek_hm.mine import MineConfig, mine_hard_negatives, write_mining


def exhaustive_twins(proteins, config):
    """All pairs, each aligned, with the planted truth."""
    twins = set()
    for one, other in combinations(proteins.iter_rows(named=True), 2):
        aligned = align(one["sequence"], other["sequence"])
        inside = config.min_identity <= aligned.identity <= config.max_identity
        if inside and aligned.coverage >= config.coverage and one["drug"] != other["drug"]:
            twins.add((one["id"], other["id"], round(aligned.identity, 6)))
            twins.add((other["id"], one["id"], round(aligned.identity, 6)))
    return twins


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("evidence", [(), ("drug:equal",)])
def test_exactly_the_planted_twins(make_families, seed, evidence):
    proteins = make_families(seed, families=6)
    config = MineConfig(evidence=evidence, neighbours=False, easy=20, threads=1)
    result = mine_hard_negatives(proteins if evidence else proteins.drop("drug"), config)
    found = set(result.triplets.select("anchor_id", "hard_neg_id", "seq_similarity").iter_rows())
    assert found == exhaustive_twins(proteins, config)
    assert result.triplets.height == len(found)
    texts = dict(zip(proteins["id"], proteins["text"], strict=True))
    for row in result.triplets.iter_rows(named=True):
        assert row["anchor_text"] == texts[row["anchor_id"]]
        assert row["hard_neg_text"] == texts[row["hard_neg_id"]]


@pytest.mark.parametrize("split", ["components", "proteins", "pairs"])
def test_sides_hold_what_the_split_promises(make_families, split):
    result = mine_hard_negatives(
        make_families(6, families=15), MineConfig(split=split, neighbours=False, easy=60, threads=1)
    )
    both = pl.concat([result.triplets, result.easy]).filter(pl.col("split").is_not_null())
    sides = {}
    for row in both.iter_rows(named=True):
        for name in (row["anchor_id"], row["hard_neg_id"]):
            sides.setdefault(name, set()).add(row["split"])
    if split == "pairs":
        pair = pl.concat_list("anchor_id", "hard_neg_id").list.sort().list.join(" ")
        assert result.triplets.group_by(pair.alias("pair")).agg(pl.col("split").n_unique())["split"].max() == 1
    else:
        assert all(len(found) == 1 for found in sides.values())
    assert result.easy["split"].value_counts().sort("split").rows() == [
        ("test", 12),
        ("train", 42),
        ("valid", 6),
    ]


def test_the_same_bytes_whatever_the_threads(make_families, tmp_path):
    proteins = make_families(8)
    for threads in (1, 2):
        config = MineConfig(easy=20, threads=threads)
        write_mining(mine_hard_negatives(proteins, config), tmp_path / str(threads))
    files = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert {
        "config.json",
        "easy_samples_test.csv",
        "hard_negatives_all.csv",
        "hard_negatives_valid.csv",
        "hard_negative_examples.pdf",
        "hard_negative_examples.png",
        "judged_pairs.parquet",
        "mining_report.json",
    } <= set(files)
    for name in files:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def test_identical_sequences_are_never_a_pair(make_families):
    proteins = make_families(1)
    double = proteins.head(3).with_columns(
        id=pl.col("id") + "b", text=pl.lit("Cadmium-hydrolyzing enzyme."), drug=pl.lit("cadmium")
    )
    config = MineConfig(neighbours=False, easy=0, threads=1)
    result = mine_hard_negatives(pl.concat([proteins, double]), config)
    assert (result.triplets["anchor_seq"] != result.triplets["hard_neg_seq"]).all()
    first = result.triplets.filter(anchor_seq=proteins["sequence"][0])
    assert set(first["anchor_text"]) == {proteins["text"][0], "Cadmium-hydrolyzing enzyme."}


@pytest.mark.parametrize(
    ("rows", "remedy"),
    [
        ([("a", "MKTAYIAKQR" * 5, "Binds zinc."), ("b", "WCWCHHPPGG" * 5, "Binds iron.")], "--min-identity"),
        (
            [("a", "MKTAYIAKQR" * 5, "Binds zinc."), ("b", "MKTAYIAKQR" * 4 + "MKTAYIAKQW", "Zinc binding.")],
            "--evidence",
        ),
    ],
)
def test_nothing_found_says_why_and_what_to_relax(rows, remedy):
    proteins = pl.DataFrame(rows, schema=["id", "sequence", "text"], orient="row")
    with pytest.raises(NoTwinsError, match=remedy) as raised:
        mine_hard_negatives(proteins, MineConfig(threads=1))
    assert "look alike" in str(raised.value.report)


def test_the_reference_on_request(make_families):
    proteins = make_families(3)
    result = mine_hard_negatives(proteins, MineConfig(compat="reference", easy=0, threads=1))
    assert set(result.triplets["reasons"]) == {"compat:reference"}
    order = dict(zip(proteins["id"], range(proteins.height), strict=True))
    assert all(order[a] < order[b] for a, b in result.triplets.select("anchor_id", "hard_neg_id").iter_rows())
    assert sum(result.report.reference.values()) > 0
    assert "in the reference" in str(result.report)


def test_every_stage_is_told(make_families):
    told = []
    mine_hard_negatives(
        make_families(1, families=8),
        MineConfig(easy=0, threads=1),
        progress=lambda stage, done, total: told.append((stage, done, total)),
    )
    ended = {stage: (done, total) for stage, done, total in told}
    assert list(ended) == ["pairs", "verdicts", "splits", "families"]
    assert all(done == total for done, total in ended.values())


def test_runs_of_unknown_residues_and_terms_without_aspect_are_told():
    base = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKR"
    proteins = pl.DataFrame(
        {
            "id": ["cut", "glue", "masked"],
            "sequence": [base, base.replace("HSLA", "HSWA"), base[:40] + "X" * 38],
            "text": ["Cleaves starch.", "Cleaves chitin.", "Binds heme."],
            "go": ["GO:0005737", "nucleus [GO:0005634]", None],
        }
    )
    warnings = mine_hard_negatives(proteins, MineConfig(easy=0, threads=1)).report.warnings
    assert any(told.startswith("the identities of 1 proteins say little: more than 10 % of their") for told in warnings)
    assert any(told.startswith("GO terms of 1 rows are not used") for told in warnings)
