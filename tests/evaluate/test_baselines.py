"""Baselines: what they win on leaky tables, and that they win nothing on honest ones."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from protrek_hm.evaluate import evaluate
from protrek_hm.evaluate.baselines import description_only, kmer_probe, length_only, make_baselines, nearest_homolog
from protrek_hm.evaluate.cases import Pool, make_pool


def result_of(evaluation, name):
    (found,) = (baseline for baseline in evaluation.baselines if baseline.name == name)
    return found.estimates


def test_a_leaky_split_is_exposed_by_the_text_blind_baseline(oracle, quick, make_triplets):
    families = [[f"M{letter * size}" for size in range(1, 9)] for letter in "ACDEFGHIKL"]
    one_way = [(*pair, at) for at, family in enumerate(families) for pair in combinations(family, 2)]
    is_test = np.random.default_rng(0).random(len(one_way)) < 0.3  # over pairs: proteins stand on both sides
    test, train = (make_triplets(one_way).filter(side) for side in (is_test, ~is_test))
    evaluation = evaluate({"oracle": oracle}, test, config=quick, train=train)
    assert result_of(evaluation, "text-blind")["hard_text_to_protein"].value > 0.8
    assert evaluation.leaks.leaks


def test_it_wins_nothing_where_both_directions_stand(oracle, hard, quick):
    evaluation = evaluate({"oracle": oracle}, hard, config=quick)
    bound = result_of(evaluation, "text-blind bound")["hard_text_to_protein"]
    assert (bound.value, bound.n) == (0.5, hard.height)


def test_it_knows_nothing_of_unseen_proteins(oracle, hard, quick):
    seen = pl.col("component") < 10
    evaluation = evaluate({"oracle": oracle}, hard.filter(~seen), config=quick, train=hard.filter(seen))
    blind = result_of(evaluation, "text-blind")["hard_text_to_protein"]
    assert (blind.value, blind.ties) == (0.5, 60)


def test_length_alone_wins_where_long_texts_go_with_long_proteins():
    pool = Pool(texts=("a", "ab", "abc"), sequences=("MKV", "MKVMKV", "MKVMKVMKV"))
    score = length_only(pool)
    every = np.arange(3)
    table = np.array([score(np.full(3, text), every) for text in range(3)])
    assert table.argmax(axis=1).tolist() == [0, 1, 2]
    assert table.max() == 0.0


@pytest.mark.parametrize("known", [True, False])
def test_the_bound_is_named_as_such(hard, known):
    names = [each.name for each in make_baselines(make_pool([hard]), hard, hard if known else None, seed=0)]
    learned = ["text-blind", "description alone", "nearest homolog's text", "3-mer linear probe"]
    assert names == ["length only", *(learned if known else ["text-blind bound"])]


def test_shuffled_texts_expose_who_never_reads_them(text_blind, oracle, hard, quick):
    blind = evaluate({"blind": text_blind}, hard, config=quick)
    assert result_of(blind, "text shuffled, blind") == blind.models[0].estimates
    knowing = evaluate({"oracle": oracle}, hard, config=quick)
    assert result_of(knowing, "text shuffled, oracle")["hard_text_to_protein"].value == pytest.approx(0.5, abs=0.15)


@pytest.fixture(scope="module")
def families():
    """Return 40 families of four relatives; a text says the letter that rules the family, and nothing of its own."""
    rng = np.random.default_rng(0)
    words = {"K": "kinase of iron", "W": "inert wall", "C": "cuts sugar", "D": "dark transporter"}
    rows = []
    for family in range(40):
        letter = "KWCD"[family % 4]
        base = "".join(rng.choice([*"AEFGHILMNPQRSTVY", *letter * 6], 80))
        rows += [(family, base[:at] + "A" + base[at + 1 :], words[letter]) for at in range(0, 80, 20)]
    return pl.DataFrame(rows, schema=["family", "sequence", "text"], orient="row").unique(
        "sequence", maintain_order=True
    )


def pairs_of(families, rows):
    """Set each of the chosen proteins against the next one that has another text."""
    chosen = families.filter(rows)
    found = []
    for at, row in enumerate(chosen.iter_rows(named=True)):
        others = [other for other in chosen.slice(at + 1).iter_rows(named=True) if other["text"] != row["text"]]
        found += [(row, other) for other in others[:3]]
    cells = [(a["sequence"], a["text"], b["sequence"], b["text"]) for a, b in found]
    schema = ["anchor_seq", "anchor_text", "hard_neg_seq", "hard_neg_text"]
    return pl.DataFrame(cells, schema=schema, orient="row")


def accuracy(scorer, pool, test):
    texts = np.array([pool.texts.index(each) for each in test["anchor_text"]])
    right, wrong = (
        scorer(texts, np.array([pool.sequences.index(each) for each in test[column]]))
        for column in ("anchor_seq", "hard_neg_seq")
    )
    return float((0.5 * (np.sign(right - wrong) + 1)).mean())


@pytest.mark.usefixtures("real_search")
def test_the_nearest_homolog_knows_relatives_and_nobody_else(families):
    inside = pl.int_range(pl.len()) % 4 != 0
    train, related = pairs_of(families, inside), pairs_of(families, ~inside)
    pool = make_pool([related])
    assert accuracy(nearest_homolog(pool, train), pool, related) > 0.95
    train, strange = pairs_of(families, pl.col("family") < 20), pairs_of(families, pl.col("family") >= 20)
    pool = make_pool([strange])
    assert accuracy(nearest_homolog(pool, train), pool, strange) == pytest.approx(0.5, abs=0.05)


def test_counts_of_letters_give_the_family_away(families):
    train, test = pairs_of(families, pl.col("family") < 30), pairs_of(families, pl.col("family") >= 30)
    pool = make_pool([test])
    assert accuracy(kmer_probe(pool, train), pool, test) > 0.8


def test_one_pair_teaches_the_probe_nothing():
    pool = Pool(texts=("iron",), sequences=("MKV", "MKA"))
    train = pl.DataFrame({"anchor_seq": ["MKV"], "anchor_text": ["iron"]})
    assert kmer_probe(pool, train)(np.array([0, 0]), np.array([0, 1])).tolist() == [0.0, 0.0]


def test_descriptions_in_both_directions_teach_nothing(hard):
    pool = make_pool([hard])
    assert not description_only(pool, hard)(np.arange(5), np.arange(5)).any()
    assert not description_only(pool, hard.drop("hard_neg_text"))(np.arange(5), np.arange(5)).any()
