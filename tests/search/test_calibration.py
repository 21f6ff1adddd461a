import numpy as np
import polars as pl
import pytest
from scipy.stats import binom
from sklearn.isotonic import IsotonicRegression

from protrek_hm.errors import OptionError
from protrek_hm.index.layout import IndexInfo
from protrek_hm.index.segments import Embeddings
from protrek_hm.index.store import Index
from protrek_hm.search.calibration import FEWEST, Trials, are_relatives, ask_known, fit_isotonic, most_wrong
from protrek_hm.search.searcher import SearchConfig, Searcher

LETTERS = list("ACDEFGHIKLMNPQRSTVWY")


def drawn(seed, *, families, depth=6, pull=2.0):
    """Questions of families of 1 to 3; right hits score higher by `pull`, and some questions have none."""
    generator = np.random.default_rng(seed)
    family = np.repeat(np.arange(families), generator.integers(1, 4, families))
    right = generator.random((len(family), depth)) < generator.choice([0.0, 0.2, 0.7], families)[family][:, None]
    scores = generator.normal(size=right.shape) + pull * right
    order = np.argsort(-scores, axis=1)
    return Trials(np.take_along_axis(scores, order, 1), np.take_along_axis(right, order, 1), family)


def by_hand(trials, threshold):
    """Sum F and A over families, a family and a question at a time."""
    wrong = answered = 0.0
    for family in set(trials.family.tolist()):
        questions = [row for row, own in enumerate(trials.family) if own == family]
        for row in questions:
            passed = [
                right for right, score in zip(trials.right[row], trials.scores[row], strict=True) if score >= threshold
            ]
            shares = [passed[:k].count(False) / k for k in range(1, len(passed) + 1)]
            wrong += max(shares, default=0.0) / len(questions)
            answered += bool(passed) / len(questions)
    return wrong, answered


@pytest.mark.parametrize("seed", range(5))
def test_a_threshold_is_the_lowest_that_a_naive_search_finds(seed):
    trials = drawn(seed, families=30)
    every = np.sort(trials.scores.ravel())
    for level in (0.1, 0.2, 0.4):
        sums = [(t, *by_hand(trials, t)) for t in every]
        fits = [t for t, wrong, own in sums if (1 + wrong) / (1 + own) <= level + 1e-12 and own >= 20 - 1e-6]
        if fits:
            assert trials.threshold(level + 1e-12) == fits[0]
        else:
            with pytest.raises(OptionError, match="do not tell right from wrong"):
                trials.threshold(level)


def test_equal_scores_pass_together_or_not_at_all():
    trials = Trials(
        np.array([[2.0, 1.0]] * 9 + [[1.0, 1.0]]), np.array([[True, True]] * 9 + [[True, False]]), np.arange(10)
    )
    thresholds, levels, answered = trials.levels
    assert answered.tolist() == [9, 10]
    assert thresholds.tolist() == [2.0, 1.0]
    assert levels.tolist() == [1 / 10, pytest.approx(1.5 / 11)]


def realised(seed, level, *, calibrate, ask):
    """Return how many new families are answered, and the sum of their shares of wrong hits."""
    trials = drawn(seed, families=calibrate + ask)
    known = trials.family < calibrate
    try:
        least = Trials(trials.scores[known], trials.right[known], trials.family[known]).threshold(level)
    except OptionError:
        return 0.0, 0.0
    return by_hand(Trials(trials.scores[~known], trials.right[~known], trials.family[~known]), least)[::-1]


@pytest.mark.parametrize("level", [0.1, 0.2, 0.3])
def test_of_new_exchangeable_families_no_more_hits_are_wrong_than_promised(level):
    found = np.array([realised(seed, level, calibrate=60, ask=20) for seed in range(100)])
    answered, wrong = found.sum(axis=0)
    assert answered > 100, "or the test is empty"
    allowed = binom.ppf(0.999, round(answered), level)  # shares of 0 to 1 vary less than whole errors
    assert wrong <= allowed
    assert wrong / answered > level / 3, "and few are withheld that could be had"


def test_families_that_happen_to_stand_out_are_no_ground_for_a_promise():
    for seed in range(50):  # scores that say nothing, and nearly all is wrong
        generator = np.random.default_rng(seed)
        scores, right = -np.sort(-generator.normal(size=(200, 5))), generator.random((200, 5)) < 0.05
        with pytest.raises(OptionError, match="do not tell right from wrong"):
            Trials(scores, right, np.arange(200)).threshold(0.7)


def test_a_level_lower_than_the_families_allow_is_refused_with_the_number_that_is_needed():
    perfect = [Trials(np.ones((n, 1)), np.ones((n, 1), dtype=bool), np.arange(n)) for n in (19, 24)]
    assert perfect[1].threshold(0.04) == 1.0
    with pytest.raises(OptionError, match=r"24 families to calibrate on, and this level needs 33: .* from 0.04, or"):
        perfect[1].threshold(0.03)
    with pytest.raises(OptionError, match=r"19 families to calibrate on, and this level needs 20: "):
        perfect[0].threshold(0.5)
    with pytest.raises(OptionError, match=r"0 families .* needs 20: .*; leave it out"):
        Trials(np.empty((0, 1)), np.empty((0, 1), dtype=bool), np.empty(0, dtype=np.int64)).threshold(0.1)


def test_scores_that_do_not_tell_right_from_wrong_are_refused_with_the_level_that_can_be_had():
    trials = Trials(np.ones((40, 1)), (np.arange(40) % 2 == 0)[:, None], np.arange(40))
    with pytest.raises(OptionError, match=r"40 families .* leave 51 % wrong; take a level from 0.52"):
        trials.threshold(0.1)
    assert trials.threshold(0.52) == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_who_allows_more_errors_gets_no_less_and_a_higher_score_is_worth_no_less(seed):
    trials = drawn(seed, families=80, pull=3.0)
    thresholds = [trials.threshold(level) for level in (0.15, 0.2, 0.3, 0.5, 0.7)]
    assert thresholds == sorted(thresholds, reverse=True)
    worth = trials.precision()(np.linspace(-5, 9, 99))
    assert (np.diff(worth) >= 0).all()
    assert 0 < worth[0] < worth[-1] < 1


def test_the_share_of_right_hits_agrees_with_another_isotonic_regression():
    generator = np.random.default_rng(4)
    scores = generator.normal(size=300).round(1)
    right, weights = generator.random(300) < 1 / (1 + np.exp(-2 * scores)), generator.uniform(0.2, 2, 300)
    other = IsotonicRegression().fit(
        np.concatenate([scores, [9.0, -9.0]]), np.concatenate([right, [0, 1]]), np.concatenate([weights, [1, 1]])
    )
    x = np.unique(scores)
    assert fit_isotonic(scores, right, weights)(x) == pytest.approx(other.predict(x))


def test_probabilities_are_frequencies_in_new_families():
    known, new = drawn(10, families=400), drawn(11, families=400)
    said, right = known.precision()(new.scores), new.right
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
        some = (said >= low) & (said < high)
        assert some.sum() > 50
        assert right[some].mean() == pytest.approx(said[some].mean(), abs=0.08)


def test_too_few_families_for_a_probability():
    assert drawn(0, families=FEWEST - 1).precision() is None


def test_the_most_that_is_wrong_among_the_first():
    right = np.random.default_rng(1).random((20, 7)) < 0.5
    naive = [[max((~row[:k]).mean() for k in range(1, n + 1)) for n in range(1, 8)] for row in right]
    assert most_wrong(right) == pytest.approx(np.array(naive))


def index_of(families, *, size=2, seed=0, texts=None, pull=3.0):
    """An index of families: `size` relatives of 80 % identity each, whose texts lie near their proteins."""
    generator = np.random.default_rng(seed)
    sequences, vectors = [], []
    for _ in range(families):
        ancestor, middle = generator.choice(LETTERS, 40), generator.normal(size=24)
        for _ in range(size):
            changed = ancestor.copy()
            changed[generator.choice(40, 4, replace=False)] = "W"
            sequences.append("".join(changed))
            vectors.append(middle + 0.2 * generator.normal(size=24))
    texts = texts or [f"text number {number}" for number in range(len(sequences))]
    records = pl.DataFrame({"id": [f"P{n}" for n in range(len(sequences))], "sequence": sequences, "text": texts})
    protein = np.array(vectors)
    held = {"text": pull * protein + generator.normal(size=protein.shape), "sequence": protein}
    units = {
        kind: (each / np.linalg.norm(each, axis=1, keepdims=True)).astype(np.float32) for kind, each in held.items()
    }
    info = IndexInfo(
        "m", None, "sha", 24, {"records": len(records)} | {kind: len(each) for kind, each in units.items()}
    )
    return Index(info, records, {kind: Embeddings(each, np.arange(len(each))) for kind, each in units.items()})


def asked(index, by="text", want="sequence"):
    return ask_known(index, by, want, index.sample(want))


def test_right_is_a_hit_of_the_text_or_of_the_family_and_each_family_counts_once():
    index = index_of(15, size=2)
    trials = asked(index)
    assert (trials.families, len(trials.scores)) == (15, 30)
    assert trials.right.sum(axis=1).tolist() == [2] * 30  # the protein itself, and its relative
    assert (trials.right[:, :2]).mean() > 0.9
    assert trials.weights.sum() == pytest.approx(15)
    assert (np.diff(trials.scores, axis=1) <= 0).all()


def test_a_text_in_other_letters_is_one_question_and_joins_families():
    texts = [f"text {number // 4}" if number % 2 else f"TEXT {number // 4}." for number in range(40)]
    trials = asked(index_of(20, size=2, texts=texts))
    assert (trials.families, len(trials.scores)) == (10, 10)
    assert trials.right.sum(axis=1).tolist() == [4] * 10


def test_texts_for_proteins_are_asked_in_the_same_way():
    trials = asked(index_of(15), "sequence", "text")
    assert trials.right[:, :2].mean() > 0.9
    assert trials.families == 15


@pytest.mark.parametrize(("by", "want"), [("sequence", "sequence"), ("text", "structure")])
def test_nothing_to_ask(by, want):
    index = index_of(3)
    assert ask_known(index, by, want, index.sample("sequence")).families == 0


def test_relatives_are_those_of_exact_identity():
    sequences = ["MKTAYIAKQR", "MKTAYWWWWW", "MKTAWWWWWW", "MKTAYIAKQR"]
    pairs = np.array([[0, 1], [0, 2], [0, 3], [2, 1], [1, 1]])
    assert are_relatives(sequences, pairs).tolist() == [True, False, True, True, True]


class Seer:
    """A stand-in for a model, which knows the vectors of an index by its texts."""

    temperature, tasks = 0.1, ("text", "sequence")

    def __init__(self, index):
        self.known = dict(zip(index.records["text"], index.embeddings["text"].vectors, strict=True))

    def fingerprint(self):
        return "sha"

    def encode(self, inputs, /, **_):
        return np.array([self.known[each] for each in inputs])


@pytest.fixture(scope="module")
def searcher():
    index = index_of(60, size=3, pull=2.0)
    return Searcher(index, Seer(index))


def test_what_is_promised_is_a_beginning_of_the_ranking_by_the_model(searcher):
    texts = searcher.index.records["text"].to_list()[:30]
    every = searcher.answer(texts, SearchConfig(k=50, signals=("model",)))
    for level in (0.05, 0.3):
        some = searcher.answer(texts, SearchConfig(k=50, fdr=level))
        sizes = [len(each) for each in some]
        assert 0 < sum(sizes) < 30 * 50
        for few, all_ in zip(some, every, strict=True):
            assert [hit.hits[0].id for hit in few] == [hit.hits[0].id for hit in all_[: len(few)]]
            assert f"{100 * level:g} %" in few.notes[0]
            assert "60 families" in few.notes[0]


def test_families_that_are_too_many_take_what_ranks_behind_them_along(searcher):
    texts = searcher.index.records["text"].to_list()[:40]
    for families in searcher.answer(texts, SearchConfig(k=1, fdr=0.6, group=True)):
        assert len(families) <= 1
        ranks = [hit.rank for family in families for hit in family.hits]
        assert sorted(ranks) == list(range(1, len(ranks) + 1))


def test_what_cannot_be_promised_is_refused(searcher):
    with pytest.raises(OptionError, match="60 families to calibrate on, and this level needs 99"):
        searcher.answer(["text number 1"], SearchConfig(fdr=0.01))
    with pytest.raises(OptionError, match="queries of another kind"):
        SearchConfig(fdr=0.2, query_type="sequence")
    with pytest.raises(OptionError, match="leave out the condition"):
        SearchConfig(fdr=0.2, where="length < 9")
    for outside in (0.0, 1.0, float("nan")):
        with pytest.raises(OptionError, match="between 0 and 1"):
            SearchConfig(fdr=outside)


def test_the_probability_of_a_hit_is_that_of_its_score(searcher):
    [hits] = searcher.search("text number 7", signals=("model",))
    assert hits[0].probability > 0.8 > 0.1 > hits[9].probability
    assert all(a.probability >= b.probability for a, b in zip(hits, hits[1:], strict=False))
