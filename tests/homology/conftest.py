"""Random families for the tests of this room: descendants of an ancestor by substitutions and gaps."""

import numpy as np
import pytest

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))


def make_family(rng, *, length, members, change, gap_rate=0.005):
    """Return distinct descendants; `change` is the largest part of residues drawn anew."""
    ancestor = rng.choice(LETTERS, size=length)
    found = {}
    while len(found) < members:
        child = ancestor.copy()
        hit = rng.random(length) < change * rng.random()
        child[hit] = rng.choice(LETTERS, size=hit.sum())
        pieces = []
        for residue in child:
            fate = rng.random()
            if fate > gap_rate / 2:
                pieces.append(residue)
            if fate > 1 - gap_rate / 2:
                pieces.extend(rng.choice(LETTERS, size=rng.integers(1, 6)))
        found["".join(pieces)] = None
    return list(found)


def make_families(seed, *, sizes, lengths, change=0.35, gap_rate=0.005):
    """Return the members of several families, shuffled."""
    rng = np.random.default_rng(seed)
    proteins = {}
    for size, length in zip(sizes, lengths, strict=True):
        proteins.update(dict.fromkeys(make_family(rng, length=length, members=size, change=change, gap_rate=gap_rate)))
    return [str(protein) for protein in rng.permutation(list(proteins))]


@pytest.fixture(scope="session")
def family():
    return make_family


@pytest.fixture(scope="session")
def families():
    return make_families
