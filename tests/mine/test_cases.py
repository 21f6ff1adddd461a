"""Cases of twins against naive loops over all pairs, with planted families, leaks, controls and order of rows."""

from collections import Counter
from itertools import combinations

import numpy as np
import polars as pl
import pytest

from protrek_hm.data.twins import read_cases, write_cases
from protrek_hm.errors import FileFormatError, NothingFoundError
from protrek_hm.homology import align, connected_components
from protrek_hm.mine.case_split import GivenSplit
from protrek_hm.mine.cases import in_all_wordings, mine_cases, read_twin_tables, reworded
from protrek_hm.mine.config import CaseConfig
from protrek_hm.mine.leaks import check_split

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
PRODUCTS = ("limonene", "pinene", "cubebol|limonene", None)


@pytest.fixture
def natural(make_families):
    """Homologs with labels of two facts or one or none."""
    generator = np.random.default_rng(5)
    table = make_families(4, families=12, members=7)
    labels = [PRODUCTS[place] for place in generator.integers(0, len(PRODUCTS), table.height)]
    return table.select("id", "sequence").with_columns(
        label=pl.Series(labels, dtype=pl.String),
        text=pl.Series([label and f"Makes {label}." for label in labels], dtype=pl.String),
        set=pl.lit("adenylation-domains"),
        control=pl.lit("no"),
    )


def mutants_of(name, length, positions, *, set_name, seed=0, assay=None, **columns):
    """Return a wild type and its single mutants."""
    generator = np.random.default_rng(seed)
    wild = "".join(generator.choice(LETTERS, length))
    rows = [{"id": name, "sequence": wild, "text": f"{name} works.", "set": set_name, "control": "no"}]
    for place in positions:
        for new in "AW":
            if wild[place] != new:
                mutation = f"{wild[place]}{place + 1}{new}"
                rows.append(
                    {
                        "id": f"{assay or name}:{mutation}",
                        "sequence": wild[:place] + new + wild[place + 1 :],
                        "set": set_name,
                        "wild_type": name,
                        "mutation": mutation,
                        "assay": assay,
                        "control": "no",
                        **{key: make(place) for key, make in columns.items()},
                    }
                )
    return pl.DataFrame(rows, infer_schema_length=None)


def assay_of(name, length, *, kind="activity", assay=None, seed=0, flip=1):
    """Return an assay whose score rises with the position; a tenth is high, a tenth low."""

    def level(place):
        return (
            "high"
            if flip * place > flip * (length * 0.5) + length * 0.4
            else "low"
            if flip * place < flip * (length * 0.5) - length * 0.4
            else None
        )

    return mutants_of(
        *(name, length, range(length)),
        set_name="dms",
        seed=seed,
        assay=assay or f"{name}_{kind}",
        score=lambda place: float(flip * place),
        level=level,
        text=lambda place: level(place) and f"{name}: {level(place)} {kind}.",
        kind=lambda place: kind,
    )


def both_ids(cases):
    return {frozenset(pair) for pair in cases.select("id_a", "id_b").iter_rows()}


def test_natural_cases_are_all_pairs_with_disjoint_labels(natural):
    config = CaseConfig(cases_per_protein=1000, known_fraction=0, threads=1)
    mined = mine_cases(natural, config)
    truth = set()
    for one, other in combinations(natural.drop_nulls("label").iter_rows(named=True), 2):
        found = align(one["sequence"], other["sequence"])
        if (
            0.7 <= found.identity <= 0.9999
            and found.coverage >= 0.8
            and not set(one["label"].split("|")) & set(other["label"].split("|"))
        ):
            truth.add(frozenset((one["id"], other["id"])))
    assert len(truth) > 20
    assert both_ids(mined.cases) == truth
    told = dict(natural.select("id", "text").iter_rows())
    assert all(
        row["text_a"] == told[row["id_a"]] and row["text_b"] == told[row["id_b"]] for row in mined.cases.to_dicts()
    )
    assert set(mined.cases["kind"]) == {"natural"}


def test_families_are_components_and_stand_in_one_split(natural):
    mined = mine_cases(natural, CaseConfig(threads=1, known_fraction=0))
    sequences = natural["sequence"].to_list()
    near = [
        (one, other)
        for one, other in combinations(range(len(sequences)), 2)
        for found in [align(sequences[one], sequences[other])]
        if found.identity >= 0.5 and found.coverage >= 0.8
    ]
    truth = dict(zip(natural["id"], connected_components(len(sequences), np.array(near)).tolist(), strict=True))
    ours = dict(mined.proteins.select("id", "family").iter_rows())
    assert {(truth[one] == truth[other]) == (ours[one] == ours[other]) for one, other in combinations(truth, 2)} == {
        True
    }
    assert mined.proteins.group_by("family").agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(mined.cases["split"]) == {"train", "valid", "test"}


def test_no_protein_stands_in_more_cases_than_asked(natural):
    cases = mine_cases(natural, CaseConfig(cases_per_protein=2, threads=1)).cases
    count = Counter([*cases["id_a"], *cases["id_b"]])
    assert max(count.values()) == 2
    for pair in both_ids(mine_cases(natural, CaseConfig(cases_per_protein=1000, threads=1)).cases) - both_ids(cases):
        assert max(count[each] for each in pair) == 2, "no case is left out that would fit"


def test_what_is_known_is_never_trained_on(natural):
    mined = mine_cases(natural, CaseConfig(threads=1, valid_fraction=0.1, test_fraction=0.1))
    cases, split = mined.cases, dict(mined.proteins.select("sequence", "split").iter_rows())
    assert cases.filter(split="known").height > 3
    for row in cases.to_dicts():
        assert {split[row["a"]], split[row["b"]]} == {row["split"]}
    known = mined.proteins.filter(split="known")
    trained = set(mined.proteins.filter(split="train")["family"])
    assert set(known["family"]) <= trained


def test_a_mutant_beside_its_wild_type():
    table = mutants_of(
        "P1", 60, (3, 9, 20), set_name="mutadescribe", text=lambda place: None if place == 9 else f"Loss at {place}."
    )
    table = table.with_columns(
        control=pl.when(pl.col("mutation").str.contains("21")).then(pl.lit("yes")).otherwise("control")
    )
    mined = mine_cases(table, CaseConfig(known_fraction=0))
    told = table.filter(pl.col("wild_type").is_not_null() & pl.col("text").is_not_null())
    assert mined.cases.select("id_b", "control").sort("id_b").rows() == told.select("id", "control").sort("id").rows()
    assert set(mined.cases["id_a"]) == {"P1"}
    assert mined.cases["reference"].to_list() == mined.cases["a"].to_list()
    assert set(mined.cases["kind"]) == {"wild-type-mutant"}
    assert "mutadescribe: with a text" in str(mined.report)


def test_a_wild_type_without_a_text_is_counted():
    told, silent = (
        mutants_of(name, 60, (3, 9), set_name="mutadescribe", seed=seed, text=lambda place: f"Loss at {place}.")
        for name, seed in (("P1", 1), ("P2", 2))
    )
    silent = silent.with_columns(text=pl.when(pl.col("wild_type").is_not_null()).then("text"))
    mined = mine_cases(pl.concat([told, silent]))
    assert set(mined.cases["id_a"]) == {"P1"}
    assert "mutadescribe: wild type with a text" in str(mined.report)


def test_two_mutants_that_resist_different_drugs():
    drugs = {2: "resistant:quinolone", 5: "resistant:rifamycin", 8: "resistant:quinolone|resistant:rifamycin", 11: None}
    columns = {"label": drugs.get, "text": lambda place: str(drugs[place])}
    table = mutants_of("gyrA", 60, drugs, set_name="ncbi-point", seed=1, **columns)
    again = table.filter(pl.col("mutation").str.contains("6W$")).with_columns(id=pl.lit("2"), label=pl.lit(drugs[2]))
    mined = mine_cases(pl.concat([table, again]), CaseConfig(known_fraction=0, cases_per_protein=99))
    pairs = mined.cases.filter(kind="mutant-mutant")
    place = dict(table.select("id", pl.col("mutation").str.extract(r"(\d+)")).iter_rows())
    assert {frozenset(place[each] for each in pair) for pair in both_ids(pairs)} == {frozenset(("3", "6"))}
    assert not [each for pair in both_ids(pairs) for each in pair if each.endswith("6W")], "its two rows are one mutant"
    assert set(pairs["reference"]) == {table["sequence"][0]}


def test_a_drug_beside_its_class_is_no_other_function():
    drugs = {2: ("rifampin", "rifamycin"), 5: ("rifamycin", "rifamycin"), 8: ("quinolone", "quinolone"),
             11: ("rifaximin", "multidrug"), 14: ("linezolid|rifampin", "oxazolidinone/rifamycin"),
             17: ("oxazolidinone", "oxazolidinone"), 20: ("linezolid", "oxazolidinone"),
             23: ("ceftibuten", "beta-lactam"), 26: ("cephalosporin", "beta-lactam"),
             29: ("efflux", "efflux")}  # fmt: skip
    columns = {"label": lambda place: drugs[place][0], "text": lambda place: str(drugs[place])}
    table = mutants_of("rpoB", 60, drugs, set_name="ncbi-point", **columns, **{"class": lambda place: drugs[place][1]})
    mined = mine_cases(table, CaseConfig(known_fraction=0, cases_per_protein=999))
    place = dict(table.select("id", pl.col("mutation").str.extract(r"(\d+)").cast(pl.Int64) - 1).iter_rows())
    found = {frozenset(place[each] for each in pair) for pair in both_ids(mined.cases.filter(kind="mutant-mutant"))}
    alike = {(2, 5), (2, 14), (5, 14), (14, 17), (14, 20), (17, 20), (23, 26), *((place, 29) for place in drugs)}
    assert found == {frozenset(pair) for pair in combinations(drugs, 2)} - {frozenset(pair) for pair in alike}


def test_mutants_of_an_assay():
    table = assay_of("P1_HUMAN", 200)
    mined = mine_cases(table, CaseConfig(known_fraction=0, cases_per_assay=12))
    level = dict(table.select("id", "level").iter_rows())
    real, controls = mined.cases.filter(control="no"), mined.cases.filter(control="yes")
    assert {(level[a], level[b]) for a, b in real.select("id_a", "id_b").iter_rows()} == {("high", "low")}
    assert (real["score_a"] > real["score_b"]).all()
    assert len({*real["id_a"], *real["id_b"]}) == 24, "each mutant once"
    assert Counter((level[a], level[b]) for a, b in controls.select("id_a", "id_b").iter_rows()) == {
        ("high", "high"): 3,
        ("low", "low"): 3,
    }
    assert set(mined.cases.select("text_a", "text_b").rows()) == {
        ("P1_HUMAN: high activity.", "P1_HUMAN: low activity.")
    }
    assert set(mined.cases["family"]) == {"P1_HUMAN"}


def test_the_fold_is_kept_and_the_function_gone():
    """Abundance falls where activity rises, so that few mutants are abundant and inactive, as a naive loop says."""
    activity = assay_of("P1_HUMAN", 200)
    abundance = assay_of("P1_HUMAN", 200, kind="abundance").filter(pl.col("wild_type").is_not_null())
    generator = np.random.default_rng(2)
    abundance = abundance.with_columns(score=pl.Series(generator.random(abundance.height)))
    mined = mine_cases(pl.concat([activity, abundance]), CaseConfig(known_fraction=0))
    folded = dict(abundance.select("mutation", "score").iter_rows())
    score = dict(activity.drop_nulls("score").select("mutation", "score").iter_rows())
    halves = np.median(list(folded.values())), np.median(list(score.values()))
    level = dict(activity.select("mutation", "level").iter_rows())
    gone = {each for each in score if folded[each] >= halves[0] and level[each] == "low"}
    cases = mined.cases.filter(contrast="fold kept")
    assert {each.partition(":")[2] for each in cases["id_b"]} == gone
    works = {each.partition(":")[2] for each in cases["id_a"]}
    assert works
    assert all(folded[each] >= halves[0] and score[each] >= halves[1] for each in works)
    assert set(cases["assay"]) == {"P1_HUMAN_activity"}


def test_two_mutants_of_an_assay_are_one_case():
    activity = assay_of("P1_HUMAN", 20)
    extreme = activity.drop_nulls("level")["mutation"].implode()
    abundance = assay_of("P1_HUMAN", 20, kind="abundance").filter(pl.col("mutation").is_in(extreme))
    table = pl.concat([activity, abundance.with_columns(score=pl.lit(1.0), level=pl.lit(None, pl.String))])
    found = [mine_cases(table, CaseConfig(known_fraction=0, seed=seed)).cases for seed in range(20)]
    assert [len(both_ids(cases)) for cases in found] == [cases.height for cases in found]
    assert set(pl.concat(found)["contrast"]) == {"high, low", "fold kept", "one level"}


def test_known_mutants_are_at_positions_that_are_not_trained_on():
    tables = [assay_of("P1_HUMAN", 200), assay_of("P2_HUMAN", 150, seed=3)]
    twice = mutants_of("P1", 200, range(0, 200, 9), set_name="mutadescribe", text=lambda place: f"Loss at {place}.")
    mined = mine_cases(
        pl.concat([*tables, twice], how="diagonal_relaxed"), CaseConfig(valid_fraction=0, test_fraction=0)
    )
    places = mined.proteins.filter(pl.col("wild_type").is_not_null()).select(
        "sequence", "split", "family", place=pl.col("mutation").str.extract(r"(\d+)")
    )
    assert places.group_by("family", "place").agg(pl.col("split").n_unique())["split"].max() == 1
    share = (places["split"] == "known").mean()
    assert 0.15 < share < 0.25
    known, trained = (mined.cases.filter(split=split) for split in ("known", "train"))
    assert set(known["kind"]) == {"mutant-mutant", "wild-type-mutant"}
    assert not {*known["b"]} & {*trained["a"], *trained["b"]}
    assert not {*known.filter(kind="mutant-mutant")["a"]} & {*trained["a"], *trained["b"]}


def test_the_order_of_rows_decides_nothing_and_the_seed_does(natural, tmp_path):
    table = pl.concat([natural, assay_of("P1_HUMAN", 200)], how="diagonal_relaxed")
    mixed = table.sample(fraction=1.0, shuffle=True, seed=1)
    for name, rows, seed in (("a", table, 42), ("b", mixed, 42), ("c", table, 1)):
        write_cases(mine_cases(rows, CaseConfig(seed=seed, cases_per_assay=5)).cases, tmp_path / f"{name}.csv")
    a, b, c = ((tmp_path / f"{name}.csv").read_bytes() for name in "abc")
    assert a == b
    assert a != c
    assert read_cases(tmp_path / "a.csv").height == a.count(b"\n") - 1


def test_other_wordings_change_the_texts_alone(natural):
    mined = mine_cases(natural, CaseConfig())
    last = reworded(mined, wording=-1)
    texts = ["text_a", "text_b", "wording"]
    assert last.drop(texts).equals(mined.cases.drop(texts))
    label = dict(natural.select("id", "label").iter_rows())
    facts = label[last["id_a"][0]].replace("|", " and ")
    assert last["text_a"][0] == f"Domain that adenylates {facts} and loads it onto the peptidyl carrier protein."
    assert mine_cases(natural, CaseConfig(wording=-1)).cases.equals(last)
    assert last["reference"].null_count() == last.height, "there is no wild type"


def test_cases_in_all_wordings_that_are_trained_on(natural, tmp_path):
    mutants = mutants_of("P1", 60, (3, 9), set_name="untold", text=lambda place: f"Loss at {place}.")
    mined = mine_cases(pl.concat([natural, mutants], how="diagonal_relaxed"), CaseConfig())
    worded = in_all_wordings(mined)
    assert Counter(worded.filter(set="untold")["wording"]) == {0: 4}, "a set without templates has one wording"
    several = worded.filter(pl.col("set") != "untold")
    assert Counter(several["wording"]) == dict.fromkeys(range(4), mined.cases.height - 4)
    for number in range(4):
        assert several.filter(wording=number).equals(reworded(mined, wording=number).filter(pl.col("set") != "untold"))
    assert not set(worded["text_a"]) & set(reworded(mined, wording=-1).filter(pl.col("set") != "untold")["text_a"])
    write_cases(worded, tmp_path / "cases.parquet")
    assert read_cases(tmp_path / "cases.parquet").equals(worded)


def test_a_given_split_is_kept_and_torn_families_are_named(natural):
    first = mine_cases(natural, CaseConfig())
    rows = first.proteins.select("set", "id", "split", "family")
    again = mine_cases(natural, CaseConfig(seed=7, cases_per_protein=99), given=GivenSplit(rows))
    assert again.proteins.select("id", "family", "split").equals(first.proteins.select("id", "family", "split"))
    none_known = first.proteins.with_columns(pl.col("split").replace("known", "train"))
    kept = mine_cases(natural, CaseConfig(), given=GivenSplit(none_known.select("set", "id", "split")))
    assert kept.proteins["split"].to_list() == none_known["split"].to_list(), "what is given as train is trained on"
    family = first.proteins["family"][0]
    torn = first.proteins.filter(family=family).head(2).with_columns(split=pl.Series(["test", "train"]))
    given = GivenSplit(torn.select("id", "split"))
    mined = mine_cases(natural, CaseConfig(), given=given)
    assert mined.torn == [family]
    assert set(mined.proteins.filter(family=family)["split"]) == {"test"}


def test_leaks_are_found_where_they_are_planted(natural, tmp_path):
    table = pl.concat([natural, *(assay_of(f"P{n}", 60, seed=n) for n in range(1, 9))], how="diagonal_relaxed")
    mined = mine_cases(table, CaseConfig(known_fraction=0.2))
    for name, clean in (("proteins", mined.proteins), ("cases", mined.cases)):
        clean.write_parquet(tmp_path / f"{name}.parquet")
        sides = {side.split: side for side in check_split(tmp_path / f"{name}.parquet", threads=1)}
        assert set(sides) == {"valid", "test", "known"}
        assert {side.related for side in sides.values()} == {0}
    moved = mined.proteins.filter(pl.col("split") == "test", pl.col("wild_type").is_null())["id"][0]
    leaky = mined.proteins.with_columns(split=pl.when(pl.col("id") == moved).then(pl.lit("train")).otherwise("split"))
    leaky.write_parquet(tmp_path / "leaky.parquet")
    assert {side.split: side.related > 0 for side in check_split(tmp_path / "leaky.parquet", threads=1)}["test"]
    twice = mined.cases.filter(split="known").head(1).with_columns(split=pl.lit("train"))
    pl.concat([mined.cases, twice]).write_parquet(tmp_path / "leaky.parquet")
    side = {side.split: side for side in check_split(tmp_path / "leaky.parquet", threads=1)}["known"]
    assert side.shared_proteins == side.related > 0


def test_a_mutant_in_another_split_than_its_wild_type_is_a_leak(tmp_path):
    mined = mine_cases(pl.concat([assay_of(f"P{n}", 60, seed=n) for n in range(1, 9)]), CaseConfig())
    moved = mined.proteins.filter(pl.col("split") == "train", pl.col("wild_type").is_not_null())["id"][0]
    leaky = mined.proteins.with_columns(split=pl.when(pl.col("id") == moved).then(pl.lit("test")).otherwise("split"))
    leaky.write_parquet(tmp_path / "leaky.parquet")
    assert {side.split: side.related for side in check_split(tmp_path / "leaky.parquet", threads=1)}["test"] == 1


def test_what_cannot_be_used_is_told(natural, tmp_path):
    with pytest.raises(FileFormatError, match="two rows of the set adenylation-domains have the id"):
        mine_cases(pl.concat([natural, natural.head(1)]))
    with pytest.raises(FileFormatError, match=r"the wild type 'gone' of 'F0M0' has no row \(mutants: 1\)"):
        mine_cases(natural.with_columns(wild_type=pl.when(pl.col("id") == "F0M0").then(pl.lit("gone"))))
    with pytest.raises(NothingFoundError, match="no case of twins"):
        mine_cases(natural.with_columns(label=pl.lit("limonene")))
    path = tmp_path / "scores.tsv"
    path.write_text("id\tsequence\ttext\tscore\nP1\tMK\tCuts.\thigh\n")
    with pytest.raises(FileFormatError, match="the score of 'P1', 'high', is no number"):
        read_twin_tables([path])
