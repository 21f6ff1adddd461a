"""Small triplet tables with a known truth, and encoders that know it or do not."""

from itertools import permutations

import numpy as np
import polars as pl
import pytest

from protrek_hm.evaluate import EvaluateConfig

COLUMNS = ("anchor_seq", "anchor_text", "hard_neg_seq", "hard_neg_text", "component")


class Oracle:
    """Puts every text on its own protein: `text of X` and the sequence X get the same vector."""

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
        self.encoded += inputs
        sequences = [each.removeprefix("text of ") for each in inputs]
        return np.array([np.random.default_rng([*sequence.encode()]).normal(size=24) for sequence in sequences])


class TextBlind(Oracle):
    """Gives all texts one vector."""

    def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
        names = ["any"] * len(inputs) if task == "text" else inputs
        return super().encode(names, task=task, batch_size=batch_size, show_progress_bar=show_progress_bar)


class Guesser(Oracle):
    """Gives texts vectors that have nothing to do with those of their proteins."""

    def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
        names = [f"{task} {each}" for each in inputs]
        return super().encode(names, task=task, batch_size=batch_size, show_progress_bar=show_progress_bar)


def triplets(rows):
    """Build a table from rows of (protein, twin, component)."""
    cells = [(protein, f"text of {protein}", twin, f"text of {twin}", component) for protein, twin, component in rows]
    return pl.DataFrame(cells, schema=COLUMNS, orient="row")


@pytest.fixture
def oracle():
    return Oracle()


@pytest.fixture
def text_blind():
    return TextBlind()


@pytest.fixture
def guesser():
    return Guesser()


@pytest.fixture(scope="session")
def make_triplets():
    return triplets


@pytest.fixture(scope="session")
def hard():
    """Return 20 components of three twins each, every pair in both directions: 120 rows."""
    rng = np.random.default_rng(5)
    rows = []
    for component in range(20):
        base = "".join(rng.choice(list("ACDEFGHIKL"), 30))
        twins = [base[:at] + letter + base[at + 1 :] for at, letter in ((3, "M"), (9, "N"), (20, "P"))]
        rows += [(first, second, component) for first, second in permutations(twins, 2)]
    return triplets(rows)


@pytest.fixture(scope="session")
def easy(hard):
    """Return each distinct protein of `hard` against one of another component."""
    proteins = hard["anchor_seq"].unique(maintain_order=True).to_list()
    shifted = proteins[7:] + proteins[:7]
    return triplets(
        [(protein, other, at // 3) for at, (protein, other) in enumerate(zip(proteins, shifted, strict=True))]
    )


@pytest.fixture(scope="session")
def quick():
    return EvaluateConfig(resamples=200, shown_twins=4)


@pytest.fixture
def light_pictures(monkeypatch):
    """Write a report without its pictures."""
    monkeypatch.setattr("protrek_hm.evaluate.report.write.draw_all", lambda *_: {})
    monkeypatch.setattr("protrek_hm.evaluate.report.write.draw_cards", lambda *_, **__: None)


@pytest.fixture
def real_search():
    """Ask for MMseqs2 itself."""


@pytest.fixture(autouse=True)
def _quick_search(request, monkeypatch):
    """Let equal proteins be the only relatives: MMseqs2 takes a second and a half to start."""

    def search(queries, targets, **_):
        at = {target: number for number, target in enumerate(targets)}
        hits = [(number, at[query]) for number, query in enumerate(queries) if query in at]
        return pl.DataFrame(hits, schema={"query": pl.UInt32, "target": pl.UInt32}, orient="row")

    if "real_search" not in request.fixturenames:
        monkeypatch.setattr("protrek_hm.evaluate.baselines.search", search)
        monkeypatch.setattr("protrek_hm.evaluate.scoreboards.ec.search", search)
