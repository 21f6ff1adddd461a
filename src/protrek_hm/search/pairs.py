"""Scores of loose pairs, without an index: how well a text fits a protein."""

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from protrek_hm.config import Modality
from protrek_hm.errors import OptionError
from protrek_hm.index.encoder import encode_unit
from protrek_hm.model.encoder import FingerprintedEncoder
from protrek_hm.search.reading import NoticeWarning, tell_cuts


def score_pairs(
    model: FingerprintedEncoder,
    texts: Sequence[str],
    sequences: Sequence[str],
    *,
    by: Literal["sequence", "structure"] = "sequence",
    batch_size: int = 32,
    progress: bool = False,
) -> Float[np.ndarray, " pairs"]:
    """Return the cosine of each text with the sequence beside it; ProTrek's own scale is this ÷ temperature.

    Each distinct text and sequence is encoded once.

    Parameters
    ----------
    texts, sequences
        As many of each, or one of either against all of the other, as `clean_query` returns them.
    by
        What `sequences` are: proteins, or the 3Di letters of their structures.
    progress
        Show a bar on stderr.

    Returns
    -------
    Cosines in [-1, 1], one for each pair.

    Raises
    ------
    OptionError
        If there are, say, two texts and three sequences.
    ModelError
        If the model has no such route, or gives a vector without direction.

    Warns
    -----
    NoticeWarning
        If the model does not read all of some inputs; it says how many.

    Examples
    --------
    >>> class Letters:
    ...     temperature, tasks, fingerprint = 0.1, ("text", "sequence"), lambda self: "letters"
    ...     def encode(self, inputs, /, **options):
    ...         return np.array([[each.count("K"), each.count("R")] for each in inputs])
    >>> score_pairs(Letters(), ["K", "KKKR"], ["MKKK", "MR"]).round(3).tolist()
    [1.0, 0.316]
    >>> score_pairs(Letters(), ["K"], ["MKKK", "MR", "KR"]).round(3).tolist()
    [1.0, 0.0, 0.707]
    """
    if len(texts) != len(sequences) and 1 not in (len(texts), len(sequences)):
        counts = f"{len(texts)} texts, {len(sequences)} {by}s"
        raise OptionError("pairs", counts, "give as many of each, or one of either")
    if not texts or not sequences:
        return np.empty(0)
    for notice in (tell_cuts(model, texts, task="text"), tell_cuts(model, sequences, task=by)):
        if notice is not None:
            warnings.warn(notice, NoticeWarning, stacklevel=2)
    text_vectors, text = _encode(model, texts, "text", batch_size=batch_size, progress=progress)
    vectors, protein = _encode(model, sequences, by, batch_size=batch_size, progress=progress)
    text, protein = np.broadcast_arrays(text, protein)
    return np.asarray(np.clip(np.einsum("ij,ij->i", text_vectors[text], vectors[protein]), -1, 1))


def _encode(
    model: FingerprintedEncoder,
    inputs: Sequence[str],
    task: Modality,
    *,
    batch_size: int,
    progress: bool,
) -> tuple[Float[np.ndarray, "distinct dim"], np.ndarray]:
    """Return a vector for each distinct input, and which one is whose."""
    distinct = {each: number for number, each in enumerate(dict.fromkeys(inputs))}
    vectors = encode_unit(model, list(distinct), task=task, batch_size=batch_size, progress=progress)
    return vectors.astype(np.float64), np.array([distinct[each] for each in inputs])
