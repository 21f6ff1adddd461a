"""Invented cases with a known truth: substitutions by BLOSUM62, natural twins by one site; encoders, too."""

import numpy as np
import polars as pl
import pytest

from protrek_hm.evaluate.config import BoardConfig
from protrek_hm.homology.identity import CODE, SCORE

COLUMNS = ("id_a", "id_b", "a", "b", "text_a", "text_b", "set", "kind", "control", "family", "split")
LETTERS = "ACDEFGHIKLMNPQRSTVWY"
SPLITS = ("train", "train", "test", "valid", "test")


def invent(families=20, seed=1):
    """Build cases: per family four of wild type and mutant, two of mutants, a control, four natural ones."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(families):
        family, split = f"F{number}", SPLITS[number % len(SPLITS)]
        wild = "M" + "".join(rng.choice(list(LETTERS), 60))
        sites = [(at, letter) for at in range(1, 61) for letter in LETTERS if wild[at] != letter]
        chosen = [sites[each] for each in rng.choice(len(sites), 12, replace=False)]
        chosen.sort(key=lambda site: -SCORE[CODE[ord(wild[site[0]])], CODE[ord(site[1])]])
        mutants = [(f"P{number}:{wild[at]}{at + 1}{to}", wild[:at] + to + wild[at + 1 :]) for at, to in chosen]
        end = (family, split)
        for name, mutant in mutants[-4:]:
            texts = (f"Enzyme {number} works.", f"Loss of the activity of enzyme {number}.")
            rows.append((f"P{number}", name, wild, mutant, *texts, "curated", "wild-type-mutant", "no", *end))
        for (one, kept), (other, lost) in zip(mutants[:2], mutants[-2:], strict=True):
            texts = ("Variant that keeps the function.", "Variant that loses the function.")
            rows.append((one, other, kept, lost, *texts, "scans", "mutant-mutant", "no", *end))
        (one, first), (other, second) = mutants[5:7]
        same = ("Variant that keeps the function.",) * 2
        rows.append((one, other, first, second, *same, "scans", "mutant-mutant", "yes", *end))
        for turn in range(4):
            last = "known" if split == "train" and turn == 3 else split
            a, b = (wild[:5] + site + wild[6 : 20 + turn] + to + wild[21 + turn :] for site, to in ("CA", "WS"))
            ids = (f"N{number}.{turn}a", f"N{number}.{turn}b")
            rows.append((*ids, a, b, "Binds carbon.", "Binds tungsten.", "homologs", "natural", "no", family, last))
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


class Reader:
    """An encoder that knows the texts of each protein: its vector is their sum, and a little of its own."""

    def __init__(self, cases):
        self.vectors = {}
        for row in cases.iter_rows(named=True):
            for side in "ab":
                self._put(row[side], row[f"text_{side}"])

    def _put(self, protein, text):
        for each in (protein, text):
            if each not in self.vectors:
                self.vectors[each] = np.random.default_rng([*each.encode()]).normal(size=400)
                self.vectors[each] /= np.linalg.norm(self.vectors[each])
        self.vectors[protein] = self.vectors[protein] + 3 * self.vectors[text]

    def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
        return np.array([self.vectors[each] for each in inputs])


class Blind:
    """Gives everything of one task the same vector, and the rest random ones."""

    def __init__(self, task):
        self.task = task

    def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
        names = ["any"] * len(inputs) if task == self.task else inputs
        return np.array([np.random.default_rng([*each.encode()]).normal(size=24) for each in names])


@pytest.fixture(scope="session")
def cases():
    return invent()


@pytest.fixture(scope="session")
def invented():
    return invent


@pytest.fixture(scope="session")
def reader():
    return Reader


@pytest.fixture(scope="session")
def blind():
    return Blind


@pytest.fixture(scope="session")
def quick_board():
    return BoardConfig(resamples=200)
