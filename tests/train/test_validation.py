"""Accuracy and loss against the table read row by row."""

import numpy as np
import polars as pl
import pytest

from protrek_hm.train.validation import TwinAccuracy


class Letters:
    """Texts and sequences as vectors of their first two letters' kinds."""

    def encode(self, inputs, *, task, batch_size, show_progress_bar):
        self.encoded = [*getattr(self, "encoded", []), *inputs]
        angles = {"A": 0.0, "C": 0.5, "D": 1.0, "E": 2.5}
        return np.array([[np.cos(angles[each[0]]), np.sin(angles[each[0]])] for each in inputs])


def test_row_by_row():
    rows = [("A", "A", "C"), ("A", "D", "C"), ("D", "C", "E"), ("C", "A", "D"), ("C", "A", "DD")]
    table = pl.DataFrame(rows, schema=["anchor_text", "anchor_seq", "hard_neg_seq"], orient="row")
    model = Letters()
    result = TwinAccuracy(table, margin=0.2, batch_size=3)(model)
    # cosines: 1 > cos .5; cos 1 < cos .5; cos .5 > cos 1.5; the last two are ties
    assert result["accuracy"] == pytest.approx((1 + 0 + 1 + 0.5 + 0.5) / 5)
    gaps = [1 - np.cos(0.5), np.cos(1) - np.cos(0.5), np.cos(0.5) - np.cos(1.5), 0, 0]
    assert result["loss"] == pytest.approx(np.mean([max(0, 0.2 - gap) for gap in gaps]))
    assert len(model.encoded) == 3 + 5, "each distinct text and sequence once"


def test_the_model_s_own_numbers(base, valid):
    scores = [base.score([text], [mine, other])[0] for text, mine, other in valid.iter_rows()]
    result = TwinAccuracy(valid, margin=0.2, batch_size=4)(base)
    assert result["accuracy"] == np.mean([mine > other for mine, other in scores])
    assert result["loss"] == pytest.approx(np.mean([max(0, other - mine + 0.2) for mine, other in scores]), abs=1e-6)
