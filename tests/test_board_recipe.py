"""The split of the board as it is checked in, and cases made by it of sets as published."""

import json
from pathlib import Path

import polars as pl
import pytest

from protrek_hm.data.twins import read_cases, read_twins, write_cases
from protrek_hm.mine import CaseConfig, mine_cases, read_split
from protrek_hm.mine.leaks import check_split

RECIPES = Path(__file__).parents[1] / "recipes"
SPLIT = RECIPES / "board" / "split.tsv.gz"
SETS = ("ncbi-point", "mutadescribe", "dms", "terpene-synthases", "adenylation-domains", "catpred")


@pytest.fixture(scope="module")
def listed():
    return pl.read_csv(SPLIT, separator="\t")


def test_a_family_stands_in_one_split(listed):
    splits = listed.with_columns(pl.col("split").replace("known", "train")).group_by("family")
    assert splits.agg(pl.col("split").n_unique())["split"].max() == 1
    assert splits.agg(pl.col("seen_by_base").n_unique())["seen_by_base"].max() == 1
    assert SPLIT.stat().st_size < 300_000
    assert read_split(SPLIT).rows.height == listed.height


def test_what_the_packaged_models_put_aside_stays_held_out(listed):
    split = {(name, each): split for name, each, split in listed.select("set", "id", "split").iter_rows()}
    held_out = json.loads((RECIPES / "mini" / "held_out.json").read_text(encoding="utf-8"))
    for part, allowed in (("test", {"test"}), ("valid", {"valid", "test"})):
        for source, ids in held_out[f"components_{part}"].items():
            assert {split[source, each.removeprefix("WT_")] for each in ids} <= allowed
        assert {split["amr", each] for each in held_out[f"alleles_{part}"]["amr"]} <= {
            "known",
            "train",
            "test",
            "valid",
        }


def test_most_test_families_are_unseen_by_the_packaged_models(listed):
    families = listed.filter(pl.col("set").is_in(SETS), split="test").unique("family")
    assert families.height > 100
    assert (families["seen_by_base"] == "no").mean() >= 0.6


@pytest.fixture(scope="module")
def tables(real_data):
    twins = real_data / "twins"
    files = {
        "ncbi-point": sorted((twins / "ncbi_point").iterdir()),
        "terpene-synthases": sorted((twins / "terpene_synthases").iterdir()),
    }
    return [read_twins(name, paths).frame for name, paths in files.items()]


@pytest.mark.realdata
def test_cases_of_two_sets(tables, tmp_path):
    mined = mine_cases(pl.concat(tables, how="diagonal_relaxed"), CaseConfig(threads=1), given=read_split(SPLIT))
    assert mined.torn == []
    natural, mutants = (mined.cases.filter(set=name) for name in ("terpene-synthases", "ncbi-point"))
    assert set(natural["kind"]) == {"natural"}
    assert natural.height > 300
    assert natural["family"].n_unique() > 20
    beside = mutants.filter(kind="wild-type-mutant")
    assert beside["id_b"].n_unique() == beside.height > 1_000
    label = {name: set(facts.split("|")) for name, facts in tables[0].select("id", "label").drop_nulls().iter_rows()}
    pairs = mutants.filter(kind="mutant-mutant").select("id_a", "id_b").rows()
    assert len(pairs) > 100
    assert not any(label[a] & label[b] for a, b in pairs)
    write_cases(mined.cases, tmp_path / "cases.parquet")
    assert read_cases(tmp_path / "cases.parquet").equals(mined.cases)
    sides = check_split(tmp_path / "cases.parquet", threads=1)
    assert {side.split: side.related for side in sides} == {"valid": 0, "test": 0, "known": 0}
