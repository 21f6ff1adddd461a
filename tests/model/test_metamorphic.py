"""What an answer may not depend on, and on what it must: the packaged models on real proteins, changed in known ways.

The showcase's proteins of less than 160 residues. Bounds leave room for any processor; the exact figures are pinned,
so that other weights are noticed: a cosine differs by some 1e-6 between processors.
"""

import random
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from protrek_hm.data.showcase import load_showcase
from protrek_hm.model import load_encoder
from protrek_hm.model.encoder import unit_vectors
from protrek_hm.model.locate import SHIPPED

LONGEST = 160
CONSERVATIVE = dict(zip("IVLMDEKRFYSTNQ", "VIMLEDRKYFTSQN", strict=True))
TAG = "GSHHHHHH"
PINNED = {  # share of shuffled proteins that lose to the true one, of twins and of other proteins; mean cosine of pairs
    "mini": (0.4857, 0.4784, 0.567, 0.308636),
    "mini-base": (0.4714, 0.4486, 0.5718, 0.148411),
    "mini-words": (0.6714, 0.5216, 0.7214, 0.069976),
}
FLOORS = {"alike": 0.8, "unknown": 0.9, "tagged": 0.45}
"""Cosine of a changed protein and its own, at least: one residue for one that is like it, or for U, O or X; a tag."""


@pytest.fixture(scope="module")
def proteins():
    return load_showcase().filter(pl.col("sequence").str.len_chars() < LONGEST)


def replaced(sequence, among, letter, rng):
    """Put a letter, or what `letter` says of it, in the place of one residue behind the first."""
    place = rng.choice([at for at, residue in enumerate(sequence) if at and residue in among])
    return f"{sequence[:place]}{letter(sequence[place])}{sequence[place + 1 :]}"


BEFORE_A_RELEASE = [pytest.param(name, marks=pytest.mark.release) for name in ("mini", "mini-base")]


@pytest.fixture(scope="module", params=["mini-words", *BEFORE_A_RELEASE])
def seen(request, proteins):
    """Vectors of a model: `text`s, and proteins as they are and `shuffled`, `alike`, with U, O or X, with a tag."""
    model, rng = load_encoder(request.param, device="cpu"), random.Random(0)
    whole = proteins["sequence"].to_list()
    changed = {
        "as_is": whole,
        "shuffled": ["".join(rng.sample(each, len(each))) for each in whole],
        "alike": [replaced(each, CONSERVATIVE, CONSERVATIVE.__getitem__, rng) for each in whole],
        "unknown": [replaced(each, each, lambda _: rng.choice("UOX"), rng) for each in whole],
        "tagged": [each + TAG for each in whole],
    }
    vectors = {name: unit_vectors(model, each, task="sequence") for name, each in changed.items()}
    texts = unit_vectors(model, proteins["text"].to_list(), task="text")
    return SimpleNamespace(name=request.param, model=model, text=texts, **vectors)


def test_figures_are_pinned(seen, proteins):
    assert {*PINNED} == {*SHIPPED}
    family, work = proteins["family"].to_numpy(), proteins["function"].to_numpy()
    kin = family[:, None] == family
    own, all_pairs = (seen.text * seen.as_is).sum(1), seen.text @ seen.as_is.T
    wins = own[:, None] - all_pairs > 1e-6
    shuffled = own - (seen.text * seen.shuffled).sum(1) > 1e-6
    figures = [shuffled.mean(), wins[kin & (work[:, None] != work)].mean(), wins[~kin].mean(), own.mean()]
    difference = np.abs(np.array(figures) - PINNED[seen.name])
    assert (difference < [0.03, 0.02, 0.005, 2e-5]).all(), (seen.name, np.round(figures, 6).tolist())


@pytest.mark.parametrize("how", FLOORS)
def test_a_small_change_of_a_protein_is_a_small_step(seen, how):
    cosines = (seen.as_is * getattr(seen, how)).sum(1)
    assert cosines.min() > FLOORS[how]
    others = seen.as_is @ seen.as_is.T
    assert np.median(cosines) > np.quantile(others, 0.75), "nearer than most proteins are to each other"


def test_how_a_text_is_spelled_moves_nothing(seen, proteins):
    texts = proteins["text"].to_list()[:8]
    spelled = [
        [each.lower() for each in texts],
        [each.upper() for each in texts],
        [f"  {each} ".replace(" ", " \n ") for each in texts],
        [each.replace(" ", "\u00a0") for each in texts],
    ]
    for these in spelled:
        found = unit_vectors(seen.model, these, task="text")
        np.testing.assert_allclose(found, seen.text[:8], atol=1e-5)


def test_order_company_and_copies_move_nothing(seen, proteins):
    few = proteins["sequence"].to_list()[:12]
    again = [*reversed(few), "MKV", few[3], *few]
    found = unit_vectors(seen.model, again, task="sequence", batch_size=5)
    np.testing.assert_allclose(found[:12][::-1], seen.as_is[:12], atol=1e-5)
    np.testing.assert_allclose(found[14:], seen.as_is[:12], atol=1e-5)
    assert (found[13] == found[17]).all(), "copies have one vector"
    alone = np.concatenate([unit_vectors(seen.model, [each], task="sequence") for each in few[:4]])
    np.testing.assert_allclose(alone, seen.as_is[:4], atol=1e-5)
