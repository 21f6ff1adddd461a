import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from protrek_hm.mine.text import pair_cosines, similar_texts, text_vectors

TEXTS = st.lists(
    st.lists(st.sampled_from(["red", "blue", "cell", "binds", "a", "iron"]), max_size=5).map(" ".join),
    min_size=1,
    max_size=12,
)


@given(TEXTS)
def test_pair_cosines_agree_with_the_dense_matrix(texts):
    vectors = text_vectors(texts)
    dense = vectors.toarray() @ vectors.toarray().T
    left, right = np.indices(dense.shape).reshape(2, -1)
    np.testing.assert_allclose(pair_cosines(vectors, left, right), dense.ravel(), atol=1e-12)


@given(TEXTS, st.sampled_from([0.3, 0.7, 0.95]))
def test_similar_texts_agree_with_the_dense_matrix(texts, least):
    vectors = text_vectors(texts)
    dense = vectors.toarray() @ vectors.toarray().T
    wanted = [(i, j) for i in range(len(texts)) for j in range(i + 1, len(texts)) if dense[i, j] >= least]
    assert [tuple(edge) for edge in similar_texts(vectors, least=least).tolist()] == wanted


def test_frequencies_come_from_the_whole_corpus():
    corpus = ["red cell", "red cell", "red iron"]
    expected = TfidfVectorizer().fit(corpus).transform(["red iron"]).toarray()
    np.testing.assert_allclose(text_vectors(["red iron"], corpus=corpus).toarray(), expected)
