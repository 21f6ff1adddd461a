import numpy as np
import polars as pl
import pytest
from scipy.stats import kstest
from sklearn.linear_model import LogisticRegression

from protrek_hm.index.layout import IndexInfo
from protrek_hm.index.segments import Embeddings
from protrek_hm.index.store import Index
from protrek_hm.search.significance import LEAST, calibrate, fit_logistic, p_values


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


def drawn(seed, *, right, wrong):
    generator = np.random.default_rng(seed)
    cosines = np.concatenate([generator.normal(0.6, 0.1, right), generator.normal(0.2, 0.1, wrong)])
    return cosines, np.arange(right + wrong) < right


def test_agrees_with_another_logistic_regression():
    cosines, right = drawn(0, right=300, wrong=3000)
    found = fit_logistic(cosines, right)
    smoothed = np.where(right, 301 / 302, 1 / 3002)  # Platt's targets, as weights of both answers
    both = np.concatenate([cosines, cosines])[:, None], np.repeat([True, False], len(right))
    other = LogisticRegression(C=1e9, tol=1e-10).fit(*both, sample_weight=np.concatenate([smoothed, 1 - smoothed]))
    x = np.linspace(0, 1, 11)
    assert found(x) == pytest.approx(other.predict_proba(x[:, None])[:, 1], abs=1e-3)


def test_knows_the_truth_of_two_normal_distributions_at_other_odds():
    cosines, right = drawn(1, right=2000, wrong=200_000)
    found = fit_logistic(cosines, right).with_odds(1 / 100, 1 / 10_000)
    x = np.array([0.5, 0.6, 0.7])
    likelihood_ratio = np.exp(((x - 0.2) ** 2 - (x - 0.6) ** 2) / (2 * 0.1**2))
    assert found(x) == pytest.approx(likelihood_ratio / (likelihood_ratio + 10_000), abs=0.05)


def test_pairs_that_are_told_apart_without_fail_have_a_finite_slope():
    found = fit_logistic(np.array([0.9, 0.8, 0.1, 0.2]), np.array([True, True, False, False]))
    assert 0 < found.slope < 100


def index_of(texts, sequences, *, names=None, pull=2.0, seed=0):
    """An index in which a text lies near its protein, and equal strings have equal vectors."""
    generator = np.random.default_rng(seed)
    records = pl.DataFrame(
        {"id": names or [f"P{n}" for n in range(len(texts))], "sequence": sequences, "text": texts},
        schema_overrides={"text": pl.String},
    )
    of = dict(zip(sequences, generator.normal(size=(len(sequences), 16)), strict=True))
    noise = dict(zip(texts, generator.normal(size=(len(texts), 16)), strict=True))
    held = {"sequence": np.array([of[each] for each in sequences])}
    if any(texts):
        held["text"] = np.array([pull * of[s] + noise[t] for s, t in zip(sequences, texts, strict=True)])
    counts = {"records": len(records)} | {name: len(vectors) for name, vectors in held.items()}
    info = IndexInfo("m", None, "sha", 16, counts)
    return Index(info, records, {name: Embeddings(_unit(each), np.arange(len(each))) for name, each in held.items()})


def _unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


NAMES = [f"{number:03}" for number in range(300)]


def test_in_a_search_the_probabilities_are_frequencies():
    index = index_of(NAMES, NAMES)
    calibration = calibrate(index, "text", "sequence")
    cosines = index.embeddings["text"].vectors @ index.embeddings["sequence"].vectors.T
    chances, right = calibration(cosines.astype(np.float64)), np.eye(len(NAMES), dtype=bool)
    assert chances.sum() == pytest.approx(len(NAMES), rel=0.05)  # one of all that are searched, each time
    sure = chances > 0.5
    assert chances[sure].mean() == pytest.approx(right[sure].mean(), abs=0.1)
    assert calibrate(index, "sequence", "text").slope == pytest.approx(calibration.slope)


@pytest.mark.parametrize(("by", "want"), [("sequence", "sequence"), ("text", "text"), ("text", "structure")])
def test_nothing_to_learn_from(by, want):
    assert calibrate(index_of(NAMES, NAMES), by, want) is None


def test_no_texts_few_texts_or_an_untrained_model():
    assert calibrate(index_of([None] * 300, NAMES), "text", "sequence") is None
    assert calibrate(index_of([*NAMES[:10], *[None] * 290], NAMES), "text", "sequence") is None
    assert calibrate(index_of(["same"] * 300, NAMES), "text", "sequence") is None
    assert calibrate(index_of(NAMES, NAMES, pull=-2), "text", "sequence") is None
    untrained = [calibrate(index_of(NAMES, NAMES, pull=0, seed=seed), "text", "sequence") for seed in range(4)]
    assert all(each is None or each(np.array([0.9]))[0] < 0.2 for each in untrained)


def test_a_text_that_is_shared_is_never_wrong_for_those_who_share_it():
    halves = [name for name in NAMES[:150] for _ in range(2)]
    index = index_of(halves, NAMES)
    of_text = index.embeddings["text"].vectors[::2]
    twice = Embeddings(np.repeat(of_text, 2, axis=0), np.arange(300))
    shared = Index(index.info, index.records, {"sequence": twice, "text": twice})
    sharp = calibrate(shared, "text", "sequence")  # both proteins lie on their text: had one been wrong, so the other
    assert sharp(np.array([1.0]))[0] > 0.9
