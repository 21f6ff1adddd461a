"""Families go whole to one split; what is drawn beside them is unseen, and drawn alike whatever the order of rows."""

from collections import Counter

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import FileFormatError, MissingColumnError
from protrek_hm.mine.case_split import (
    GivenSplit,
    deal_families,
    draw_known,
    draw_known_mutants,
    fix_families,
    read_split,
    with_families,
)
from protrek_hm.mine.config import CaseConfig


def families(count, name="s", cases=1):
    return pl.DataFrame({"set": name, "family": [f"{name}{number:03}" for number in range(count)], "cases": cases})


def test_each_set_has_its_shares_and_a_shared_family_one_split():
    first = families(50)
    second = pl.concat([families(30, "t"), first.head(20).with_columns(set=pl.lit("t"))])
    dealt = deal_families(pl.concat([first, second]), {}, CaseConfig())
    assert len(dealt) == 80
    for table in (first, second):
        count = Counter(dealt[family] for family in table["family"])
        assert count == {"train": 30, "valid": 10, "test": 10}


def test_a_large_family_is_trained_on_unless_it_is_fixed():
    table = families(10).with_columns(cases=pl.Series([50, 50, *[1] * 8]))
    dealt = deal_families(table, {"s001": "test"}, CaseConfig())
    assert (dealt["s000"], dealt["s001"]) == ("train", "test")
    assert Counter(dealt.values()) == {"train": 6, "valid": 2, "test": 2}


def test_test_families_are_unseen_where_there_are_enough():
    table = families(50)
    seen = set(table["family"][:30])
    shares = []
    for seed in range(10):
        dealt = deal_families(table, {"s000": "test"}, CaseConfig(seed=seed), seen=seen)
        test = [family for family, split in dealt.items() if split == "test"]
        assert len(test) == 10
        shares.append(sum(family not in seen for family in test))
    assert min(shares) >= 6
    assert max(shares) < 10, "the others are drawn from all"


def test_the_order_of_rows_decides_nothing():
    table = pl.concat([families(40), families(30, "t")])
    mixed = table.sample(fraction=1.0, shuffle=True, seed=1)
    assert deal_families(table, {}, CaseConfig()) == deal_families(mixed, {}, CaseConfig())
    assert deal_families(table, {}, CaseConfig()) != deal_families(table, {}, CaseConfig(seed=1))


def test_families_are_named_once_and_taken_from_the_file_if_it_has_all():
    table = pl.DataFrame(
        {"set": ["s", "t", "t"], "id": ["P", "P", "Q"], "sequence": ["MKTAYIAKQR", "WWWWWPPPPP", "GGGGGHHHHH"]}
    )
    config = CaseConfig(threads=1)
    assert with_families(table, GivenSplit(), config)["family"].to_list() == ["P", "P:2", "Q"]
    rows = table.select("set", "id", split=pl.lit("train"), family=pl.lit("F"))
    assert with_families(table, GivenSplit(rows), config)["family"].to_list() == ["F", "F", "F"]
    assert with_families(table, GivenSplit(rows.head(2)), config)["family"].to_list() == ["P", "P:2", "Q"]


def test_a_family_with_fixed_members_goes_to_the_strictest_split():
    members = pl.DataFrame({"set": "s", "id": list("abcdef"), "family": ["1", "1", "2", "2", "3", "4"]})
    given = GivenSplit(pl.DataFrame({"id": list("abcde"), "split": ["valid", "test", "train", "valid", "known"]}))
    assert fix_families(members, given) == ({"1": "test", "2": "valid", "3": "train"}, ["1", "2"])


def test_known_members_are_pairs_and_never_more_than_half():
    generator = np.random.default_rng(3)
    rows = []
    for family, size in (("f", 2), ("g", 4), ("h", 30)):
        members = [f"{family}{number}" for number in range(size)]
        pairs = [(a, b) for a in members for b in members if a < b]
        rows += [
            {"set": "s", "family": family, "a": a, "b": b} for a, b in pairs if generator.random() < 0.9 or size < 5
        ]
    pairs = pl.DataFrame(rows)
    known = draw_known(pairs, CaseConfig(), kept=(), given=())
    assert Counter(each[0] for each in known) == {"g": 2, "h": 6}
    both = pairs.filter(pl.col("a").is_in(list(known)) & pl.col("b").is_in(list(known)))
    assert set(both["a"]) | set(both["b"]) == known, "each of them stands in a case"
    assert draw_known(pairs.reverse(), CaseConfig(), kept=(), given=()) == known
    assert not draw_known(pairs, CaseConfig(known_fraction=0), kept=(), given=())
    assert not known.intersection(draw_known(pairs, CaseConfig(), kept=known, given=()))
    assert draw_known(pairs, CaseConfig(), kept={"h2"}, given={"h1", "h2"}) == {"h1"}


def test_known_mutants_are_whole_positions_and_never_all():
    rows = [
        (f"K{place}{new}", f"{wild}{place}{new}", wild)
        for wild in ("MK", "MR", "MS")
        for place in range(1, 21)
        for new in "ACD"
    ]
    rows += [("K1A", "one", "MW"), (None, "unnamed", "MW")]
    mutants = pl.DataFrame(rows, schema=["mutation", "sequence", "wild_sequence"], orient="row").with_row_index("row")
    drawn = draw_known_mutants(mutants, CaseConfig(), kept={"MK1A"})
    chosen = mutants.filter(pl.col("row").is_in(drawn.implode()))
    assert Counter(chosen["wild_sequence"])["MW"] == 0
    places = chosen.select("wild_sequence", place=pl.col("mutation").str.extract(r"(\d+)")).unique()
    assert Counter(places["wild_sequence"]) == {"MK": 4, "MR": 4, "MS": 4}
    assert len(set(places.filter(wild_sequence="MK")["place"]) - set(places.filter(wild_sequence="MR")["place"])) > 0
    assert "MK1A" not in set(chosen["sequence"])
    assert drawn.to_list() == draw_known_mutants(mutants.reverse(), CaseConfig(), kept={"MK1A"}).to_list()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\tpart\nP\ttest\n", "no column 'split'"),
        ("id\tsplit\nP\tdev\n", "'dev' is not a split; write train, valid, test, known"),
        ("id\tsplit\nP\ttest\nP\ttrain\n", "'P' is in two splits or families"),
    ],
)
def test_a_split_file_that_contradicts_itself(tmp_path, text, message):
    path = tmp_path / "split.tsv"
    path.write_text(text)
    with pytest.raises((FileFormatError, MissingColumnError), match=message):
        read_split(path)
