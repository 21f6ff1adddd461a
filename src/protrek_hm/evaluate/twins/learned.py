"""Proteins that a model has not learned: among their nearest neighbours are mostly shuffled sequences.

A vector is only as good as what the model knows of the protein. Real proteins are mixed with as many shuffled ones, of
the same lengths and residues; the random-neighbour score of a protein is the share of shuffled sequences among its
nearest neighbours. Where it is near ½ or above, the model does not tell the protein from chance, and its cosines mean
nothing there.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from protrek_hm.model.encoder import Encoder, unit_vectors

NEIGHBOURS = 50
"""Neighbours of a protein that are looked at."""

UNLEARNED = 0.5
"""Share of shuffled sequences among them from which on a protein is flagged."""


def shuffled(sequence: str, *, seed: int) -> str:
    """Return the residues of a protein in random order, which depends on the protein and the seed alone.

    >>> sorted(shuffled("MKVW", seed=1)) == sorted("MKVW")
    True
    """
    rng = np.random.default_rng([seed, zlib.crc32(sequence.encode())])
    return "".join(rng.permutation([*sequence]).tolist())


def random_neighbour_scores(
    proteins: Float[np.ndarray, "proteins dim"],
    real: Float[np.ndarray, "real dim"],
    random: Float[np.ndarray, "random dim"],
    *,
    same: Bool[np.ndarray, "proteins real"] | None = None,
    neighbours: int = NEIGHBOURS,
) -> Float[np.ndarray, " proteins"]:
    """Return the share of shuffled sequences among the nearest neighbours of each protein, in [0, 1].

    Parameters
    ----------
    proteins, real, random
        Unit vectors of the proteins that are asked about, of real ones, and of shuffled ones.
    same
        Which of the real ones is the protein itself, and no neighbour.
    neighbours
        How many are looked at, at least 1; all where there are not so many.

    Examples
    --------
    >>> real, random = np.array([[1.0, 0.0], [0.8, 0.6]]), np.array([[0.0, 1.0], [-0.6, 0.8]])
    >>> random_neighbour_scores(np.array([[1.0, 0.0], [-1.0, 0.0]]), real, random, neighbours=2).tolist()
    [0.0, 1.0]
    """
    cosines = proteins @ np.concatenate([real, random]).T
    if same is not None:
        cosines[:, : len(real)][same] = -np.inf
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :neighbours]
    return np.asarray((nearest >= len(real)).mean(axis=1))


def unlearned(
    model: Encoder, name: str, proteins: Sequence[str], background: Sequence[str], *, batch_size: int, seed: int
) -> Bool[np.ndarray, " proteins"]:
    """Say which proteins have a random-neighbour score of at least `UNLEARNED`, among a background and its shuffles."""

    def encode(sequences: Sequence[str]) -> Float[np.ndarray, "n dim"]:
        return unit_vectors(model, sequences, task="sequence", name=name, batch_size=batch_size).astype(np.float64)

    same = np.array(proteins, dtype=object)[:, None] == np.array(background, dtype=object)[None, :]
    random = [shuffled(each, seed=seed) for each in background]
    scores = random_neighbour_scores(encode(proteins), encode(background), encode(random), same=same)
    return np.asarray(scores >= UNLEARNED)
