import numpy as np
import pytest
from scipy.stats import kstest

from protrek_hm.search.significance import LEAST, p_values


class Space:
    """Random directions; `offset` moves their middle away from the origin, as the space of a model has it."""

    def __init__(self, seed, *, offset, dimension=64):
        self.generator = np.random.default_rng(seed)
        self.dimension, self.middle = dimension, offset * self.generator.normal(size=dimension)
        self.spread = np.exp(self.generator.normal(size=dimension) / 2)

    def draw(self, count):
        vectors = self.generator.normal(size=(count, self.dimension)) * self.spread + self.middle
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("n", [50, 2000])
@pytest.mark.parametrize("offset", [0.0, 2.0])
def test_p_is_uniform_where_a_vector_could_as_well_be_of_the_sample(n, offset):
    space, found = Space(1, offset=offset), []
    for _ in range(25):  # a sample is shared by all queries: many samples
        queries, others = space.draw(40), space.draw(40)
        scores = np.einsum("ij,ij->i", queries, others).astype(np.float64)[:, None]
        found.append(p_values(scores, np.sort(queries @ space.draw(n).T, axis=1)))
    assert kstest(np.concatenate(found).ravel(), "uniform").pvalue > 0.01


def test_p_is_uniform_where_the_sample_is_the_whole_index():
    space = Space(6, offset=2.0)
    queries, index = space.draw(300), space.draw(150)
    scores = np.einsum("qd,nd->qn", queries, index, dtype=np.float64)
    p = p_values(scores, np.sort(queries @ index.T, axis=1))
    assert np.sort(p, axis=1) == pytest.approx(
        np.tile(np.arange(1, 151) / 150, (300, 1)), abs=1.5 / 150
    )  # a few near ties


def test_counts_agree_with_a_loop():
    generator = np.random.default_rng(2)
    background, scores = np.sort(generator.uniform(-1, 1, (5, 60))), generator.uniform(-1, 1, (5, 7))
    wanted = [
        [(1 + sum(b >= s for b in row)) / 61 for s in asked] for row, asked in zip(background, scores, strict=True)
    ]
    assert p_values(scores, background).tolist() == wanted


@pytest.mark.parametrize("offset", [0.0, 2.0])
def test_the_tail_is_reached_no_more_often_than_it_says(offset):
    space, found = Space(3, offset=offset), []
    for _ in range(10):
        queries = space.draw(20)
        scores = (queries @ space.draw(5_000).T).astype(np.float64)
        found.append(p_values(scores, np.sort(queries @ space.draw(2_000).T, axis=1)))
    p = np.concatenate(found)
    for level, least in ((1e-2, 0.8e-2), (1e-3, 0.4e-3), (1e-4, 0.0)):
        assert least < (p <= level).mean() < 1.3 * level


def test_p_falls_with_the_score_and_is_never_zero():
    background = np.sort(np.random.default_rng(4).normal(0.1, 0.1, (1, 2000)))
    scores = np.linspace(-0.5, 1, 3001)[None]
    p = p_values(scores, background)
    assert (np.diff(p) <= 0).all()
    assert (p > 0).all()
    assert p[0, 0] == 1


def test_a_vector_of_the_sample_is_not_counted_against_itself():
    background = np.array([[0.1, 0.2, 0.2, 0.5]])
    assert p_values(np.array([[0.5, 0.4, 0.2, 0.15]]), background).tolist() == [[1 / 4, 2 / 5, 3 / 4, 4 / 5]]


def test_no_tail_for_a_small_sample_and_nothing_for_no_score():
    background = np.sort(np.random.default_rng(5).normal(0, 0.1, (1, LEAST - 1)))
    assert p_values(np.array([[0.99, np.nan]]), background)[0].tolist() == [
        1 / LEAST,
        pytest.approx(np.nan, nan_ok=True),
    ]


def test_a_background_of_equal_cosines():
    p = p_values(np.array([[0.5, 0.6, 1.0]]), np.full((1, 500), 0.5))
    assert p[0, 0] == 1
    assert 0 < p[0, 2] <= p[0, 1] <= 1 / 501
