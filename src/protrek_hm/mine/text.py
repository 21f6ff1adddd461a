"""Texts as the miner sees them: words and their weights, compared over the whole corpus."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

_CHUNK = 200_000  # pairs multiplied at a time
_PRODUCTS = 5_000_000  # shared words of texts looked at at a time


def text_vectors(texts: Sequence[str], *, corpus: Sequence[str] | None = None) -> csr_matrix:
    """Return TF-IDF vectors of unit length (scikit-learn's defaults, as in the reference).

    corpus: what the frequencies are counted in, repetitions included; `texts` themselves by default. Texts
    without a word of two letters get the zero vector, which is like nothing.
    """
    vectorizer = TfidfVectorizer()
    try:
        vectorizer.fit(texts if corpus is None else corpus)
    except ValueError:  # scikit-learn refuses a corpus without any word
        return csr_matrix((len(texts), 1))
    return csr_matrix(vectorizer.transform(texts))


def pair_cosines(
    vectors: csr_matrix, left: Int[np.ndarray, " pairs"], right: Int[np.ndarray, " pairs"]
) -> Float[np.ndarray, " pairs"]:
    """Return the cosine of each pair of rows, in [0, 1], without ever forming the square matrix.

    Examples
    --------
    >>> vectors = text_vectors(["red blood", "red blood", "green leaf"])
    >>> pair_cosines(vectors, np.array([0, 0]), np.array([1, 2])).round(3).tolist()
    [1.0, 0.0]
    """
    cosines = np.zeros(len(left))
    for start in range(0, len(left), _CHUNK):
        part = slice(start, start + _CHUNK)
        product = vectors[left[part]].multiply(vectors[right[part]])
        cosines[part] = np.asarray(product.sum(axis=1)).ravel()
    return np.clip(cosines, 0.0, 1.0)


def similar_texts(vectors: csr_matrix, *, least: float) -> Int[np.ndarray, "edges 2"]:
    """Return the pairs of rows whose cosine is at least `least`, each once with the lower row first.

    Exact, and close to linear in the rows for a high `least`: with the rarest words first, two texts that
    are alike share a word among the first ones of both, namely those before the rest of the vector is shorter
    than `least` (prefix filtering: Bayardo, Ma and Srikant 2007, doi:10.1145/1242572.1242591). Only pairs
    that do are multiplied. Rows are distinct texts of unit length, so that boilerplate shared by thousands is
    one row.

    Examples
    --------
    >>> similar_texts(text_vectors(["a red cell", "red cell", "green leaf"]), least=0.9).tolist()
    [[0, 1]]
    """
    heads = _rarest_words(vectors, least=least)
    work = np.cumsum(heads @ np.bincount(heads.indices, minlength=heads.shape[1]))
    starts = np.unique(np.searchsorted(work, np.arange(0, work[-1] if len(work) else 0, _PRODUCTS), side="left"))
    edges = [np.empty((0, 2), dtype=np.int64)]
    for start, end in pairwise([*starts.tolist(), vectors.shape[0]]):
        shared = (heads[start:end] @ heads.T).tocoo()
        left, right = shared.row.astype(np.int64) + start, shared.col.astype(np.int64)
        left, right = left[left < right], right[left < right]
        alike = pair_cosines(vectors, left, right) >= least
        edges.append(np.stack([left[alike], right[alike]], axis=1))
    found = np.concatenate(edges)
    return found[np.lexsort((found[:, 1], found[:, 0]))]


def _rarest_words(vectors: csr_matrix, *, least: float) -> csr_matrix:
    """Return ones at the words of each row that a row at least `least` alike must share one of."""
    order = np.argsort(np.bincount(vectors.indices, minlength=vectors.shape[1]), kind="stable")
    rarest_first = vectors[:, order].sorted_indices()
    squares = rarest_first.data**2
    before = np.concatenate([[0.0], np.cumsum(squares)])
    row = np.repeat(np.arange(vectors.shape[0]), np.diff(rarest_first.indptr))
    ends = before[rarest_first.indptr[1:]][row]
    kept = ends - before[:-1] >= least**2 - 1e-6  # what is left from this word on; sums are not exact
    return csr_matrix(
        (np.ones(int(kept.sum()), dtype=np.int32), (row[kept], rarest_first.indices[kept])), shape=vectors.shape
    )
