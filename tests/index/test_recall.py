"""A hundred thousand proteins, built, opened and searched as a user does: found are those of numpy's product, by id."""

import numpy as np
import polars as pl

from protrek_hm.index.build import build_index
from protrek_hm.index.store import Index
from protrek_hm.index.update import remove_from_index

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
COUNT, DIMENSION, FLOOR = 100_000, 24, 0.97


class TableEncoder:
    """Reads a number off a sequence of four letters; its vectors are families in space."""

    temperature, tasks = 0.05, ("text", "sequence")

    def __init__(self):
        rng = np.random.default_rng(7)
        centres = rng.normal(size=(800, DIMENSION))
        drawn = centres[rng.integers(0, 800, COUNT)] + 0.5 * rng.normal(size=(COUNT, DIMENSION))
        self.vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)

    def fingerprint(self):
        return "table"

    def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
        places = np.array([[LETTERS.index(letter) for letter in each] for each in inputs])
        return self.vectors[places @ [8_000, 400, 20, 1]]


def test_of_the_ten_nearest_of_a_hundred_thousand_nearly_all_are_found(tmp_path):
    encoder = TableEncoder()
    spelled = ["".join(LETTERS[number // base % 20] for base in (8_000, 400, 20, 1)) for number in range(COUNT)]
    shuffled = np.random.default_rng(0).permutation(COUNT)
    table = pl.DataFrame(
        {"id": [f"P{number}" for number in shuffled], "sequence": [spelled[each] for each in shuffled]}
    )
    build_index(table, encoder, tmp_path / "index", model_name="m")
    removed = {f"P{number}" for number in range(0, COUNT, 50)}
    remove_from_index(tmp_path / "index", ids=sorted(removed))
    index = Index.open(tmp_path / "index")
    assert "sequence" in index.engines, "else nothing is tested"
    queries = encoder.vectors[1:COUNT:997]
    cosines, rows = index.nearest(queries, want="sequence", k=10)
    products = queries @ encoder.vectors.T
    products[:, ::50] = -2.0
    wanted = np.argsort(-products, axis=1)[:, :10]
    found = 0
    for each, values, row, product in zip(wanted, cosines, rows, products, strict=True):
        names = index.take(row)["id"].to_list()
        found += len({f"P{number}" for number in each.tolist()} & set(names))
        np.testing.assert_allclose(product[[int(name[1:]) for name in names]], values, atol=1e-5)
        assert not removed & set(names)
    assert found / wanted.size >= FLOOR
