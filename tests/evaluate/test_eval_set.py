"""Strata, against a naive count of every case."""

import numpy as np
import pytest

from protrek_hm.evaluate import evaluate
from protrek_hm.evaluate.eval_set import BINS, make_eval_set


def test_every_case_is_in_one_bin_of_each_grouping(hard):
    strata = make_eval_set(hard).strata
    for by in BINS:
        members = np.concatenate([each.cases for each in strata if each.by == by])
        assert sorted(members.tolist()) == list(range(len(hard)))


def test_bins_are_what_they_say(hard):
    labels = {(each.by, each.label): len(each.cases) for each in make_eval_set(hard).strata}
    # twins differ in two of 30 residues; three proteins a family
    assert labels == {
        ("identity", "90–95 %"): 120,
        ("differing residues", "2–5"): 120,
        ("length", "up to 100"): 120,
        ("family size", "3–5"): 120,
    }


def test_bins_by_identity_and_length(make_triplets):
    first = "ACDEFGHIKL" * 12
    rows = [(first, first[:changed] + "W" * (120 - changed), 0) for changed in (119, 113, 100, 60)]
    eval_set = make_eval_set(make_triplets(rows))
    labels = [(each.by, each.label, each.cases.tolist()) for each in eval_set.strata if each.by != "family size"]
    assert labels == [
        ("identity", "below 70 %", [3]),
        ("identity", "80–90 %", [2]),
        ("identity", "90–95 %", [1]),
        ("identity", "99–100 %", [0]),
        ("differing residues", "1", [0]),
        ("differing residues", "6–20", [1, 2]),
        ("differing residues", "more than 50", [3]),
        ("length", "101–200", [0, 1, 2, 3]),
    ]


def test_estimates_of_the_bins_add_up(letter_encoder, hard, quick):
    (result,) = evaluate({"letters": letter_encoder()}, hard, config=quick).models
    whole = result.estimates["hard_text_to_protein"]
    for by in BINS:
        bins = [each.estimates["hard_text_to_protein"] for each in result.strata if each.by == by]
        assert sum(each.n for each in bins) == whole.n
        assert sum(each.n * each.value for each in bins) / whole.n == pytest.approx(whole.value)
