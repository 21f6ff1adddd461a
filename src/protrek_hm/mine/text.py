"""Texts as the miner sees them: cleaned of curators' marks, compared over the whole corpus."""

import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

_MARKS = re.compile(
    r"\{ECO:[^}]*\}"  # evidence codes
    r"|\((?:PubMed|Ref)[:.][^)]*\)"  # citations
    r"|\((?:by similarity|probable|potential|possible|predicted)\)"
    r"|\b(?:by similarity|inferred from homology)\b",
    re.IGNORECASE,
)
_CHUNK = 200_000  # pairs multiplied at a time


def clean_text(text: str) -> str:
    """Drop what says how a statement is known: evidence codes, citations, "By similarity".

    Examples
    --------
    >>> clean_text("Binds heme (PubMed:123). (By similarity) {ECO:0000250}")
    'Binds heme.'
    """
    return re.sub(r"\s+([.,;])", r"\1", " ".join(_MARKS.sub(" ", text).split()))


def fold_text(text: str) -> str:
    """Return the form in which two texts that differ in marks, case, punctuation or spaces are one.

    Examples
    --------
    >>> fold_text("Binds heme. (By similarity)") == fold_text("binds  HEME")
    True
    """
    return " ".join(re.findall(r"\w+", clean_text(text).lower()))


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

    Exact: a blocked sparse product. Rows are distinct texts, so that boilerplate shared by thousands is one
    row.

    Examples
    --------
    >>> similar_texts(text_vectors(["a red cell", "red cell", "green leaf"]), least=0.9).tolist()
    [[0, 1]]
    """
    edges = []
    block = max(1, 2_000_000 // max(1, vectors.shape[0]))
    for start in range(0, vectors.shape[0], block):
        product = (vectors[start : start + block] @ vectors.T).tocoo()
        keep = (product.data >= least) & (product.row + start < product.col)
        edges.append(np.stack([product.row[keep] + start, product.col[keep]], axis=1))
    found = np.concatenate(edges) if edges else np.empty((0, 2))
    return found[np.lexsort((found[:, 1], found[:, 0]))].astype(np.int64)
