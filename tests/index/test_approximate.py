import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index import approximate, engines
from protrek_hm.index.approximate import Approximate, ApproximateEngine, Effort, promise, ranked
from protrek_hm.index.engines import tune
from protrek_hm.index.nearest import nearest

WORTH = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.integers(0, 4).map(float))


def test_the_best_of_many_is_about_what_is_promised():
    rng = np.random.default_rng(0)
    dimension, size, closeness = 256, 300, 0.8
    centre, query = np.eye(dimension)[0], np.array([0.3, np.sqrt(1 - 0.3**2), *np.zeros(dimension - 2)])
    best = []
    for _ in range(30):
        around = rng.normal(size=(size, dimension - 1))
        around /= np.linalg.norm(around, axis=1, keepdims=True)
        vectors = np.hstack([np.full((size, 1), closeness), np.sqrt(1 - closeness**2) * around])
        best.append((vectors @ query).max())
    promised = promise(
        np.array([query @ centre]), np.array([closeness]), np.array([size]), scatter=(1 - 0.3**2) ** 0.5 / 16
    )
    assert abs(np.mean(best) - promised[0]) < 0.02


@given(worth=WORTH, floor=st.integers(0, 5))
def test_lists_are_ranked_as_by_sorting_them(worth, floor):
    found = ranked(worth, np.full(len(worth), float(floor)))
    for row, places in zip(worth, found, strict=True):
        wanted = sorted((i for i, value in enumerate(row) if value >= floor), key=lambda i, row=row: (-row[i], i))
        assert [i for i in places.tolist() if i >= 0] == wanted
        assert (places[len(wanted) :] == -1).all()


def test_an_empty_list_promises_its_centre_at_most():
    cosines = np.array([[0.5, 0.5]], dtype=np.float32)
    promised = promise(cosines, np.array([1, 0.5], dtype=np.float32), np.array([0, 0]), scatter=0.1)
    assert promised.dtype == np.float32
    assert promised.tolist() == [[0.5, 0.25]]


@pytest.fixture(scope="module")
def vectors():
    """Families in 32 dimensions."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(60, 32))
    drawn = centres[rng.integers(0, 60, 3_000)] + 0.5 * rng.normal(size=(3_000, 32))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def lists(vectors):
    engine = Approximate.train(vectors, seed=0)
    engine.add(vectors[:2_900])
    return engine


def test_every_list_and_every_candidate_is_the_exact_search(vectors, lists, monkeypatch):
    monkeypatch.setattr(approximate, "EXACT", 10)
    engine = ApproximateEngine(lists, Effort(2.0, 0.1, 2_900))
    only = np.flatnonzero(np.arange(3_000) % 3 > 0)
    for chosen in (None, only):
        cosines, found, _ = engine.nearest(vectors[:40], vectors, k=7, only=chosen)
        wanted_cosines, wanted = nearest(vectors[:40], vectors, k=7, only=chosen)
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(cosines, wanted_cosines)


def test_few_lists_find_nearly_all_and_cosines_are_exact(vectors, lists, monkeypatch):
    monkeypatch.setattr(approximate, "EXACT", 10)
    effort, recall = tune(lists, vectors[:2_900], {"near": vectors[:2_900:30]})
    assert recall["near"] >= 0.98
    promises = lists.promises(lists.cosines(vectors[::30]), scatter=effort.scatter)
    looked_into = promises >= promises.max(axis=1, keepdims=True) - effort.reach
    assert (looked_into * lists.sizes).sum(axis=1).mean() < 0.9 * len(lists)
    engine = ApproximateEngine(lists, effort)
    wanted_cosines, wanted = nearest(vectors[5::30], vectors, k=10)  # the last hundred are compared one by one
    for only in (None, np.arange(3_000)):
        cosines, found, _ = engine.nearest(vectors[5::30], vectors, k=10, only=only)
        assert np.mean([np.isin(*pair).mean() for pair in zip(wanted, found, strict=True)]) >= 0.97
        same = found == wanted
        np.testing.assert_array_equal(cosines[same], wanted_cosines[same])


def test_vectors_beyond_the_engine_are_found(vectors, lists):
    engine = ApproximateEngine(lists, Effort(0.0, 0.1, 10))
    _, found, _ = engine.nearest(vectors[2_950:2_960], vectors, k=1)
    assert found[:, 0].tolist() == list(range(2_950, 2_960))


@pytest.mark.parametrize("k", [1, 5, 40, 400, 3_000, 10_000])
@pytest.mark.parametrize("step", [None, 1, 2, 90])
def test_there_are_as_many_as_are_asked_for_or_all_that_are_allowed(vectors, lists, monkeypatch, k, step):
    """The engine looks into one list alone: what it lacks is compared exactly."""
    monkeypatch.setattr(approximate, "EXACT", 1)
    effort = Effort(0.0, 0.1, 10)
    engine = ApproximateEngine(lists, effort, {400: effort})
    only = None if step is None else np.arange(0, 3_000, step)
    cosines, found, exact = engine.nearest(vectors[:20], vectors, k=k, only=only)
    wanted_cosines, wanted = nearest(vectors[:20], vectors, k=k, only=only)
    assert found.shape == wanted.shape
    assert (found >= 0).all()
    assert all(len(set(row)) == len(row) for row in found.tolist())
    np.testing.assert_array_equal(found[exact], wanted[exact])
    np.testing.assert_array_equal(cosines[exact], wanted_cosines[exact])
    assert exact.all() if k > 400 else exact.any() or k < 400
    if only is not None:
        assert np.isin(found, only).all()


def test_more_neighbours_are_tuned_for_or_compared_exactly(vectors, lists, monkeypatch):
    monkeypatch.setattr(approximate, "EXACT", 10)
    monkeypatch.setattr(engines, "WIDER", (100,))
    [wider] = engines._tune_wider(lists, vectors[:2_900], {"near": vectors[:2_900:3]})
    assert (wider.neighbours, wider.recall["near"] >= engines.AIM) == (100, True)
    narrow, _ = tune(lists, vectors[:2_900], {"near": vectors[:2_900:30]})
    engine = ApproximateEngine(lists, narrow, {100: Effort(wider.reach, wider.scatter, wider.candidates)})
    _, wanted = nearest(vectors[2_900:], vectors, k=100)
    _, found, exact = engine.nearest(vectors[2_900:], vectors, k=100)
    assert not exact.all()
    assert np.mean([np.isin(*pair).mean() for pair in zip(wanted, found, strict=True)]) >= 0.98
    _, found, exact = engine.nearest(vectors[2_900:], vectors, k=101)
    assert exact.all(), "nobody measured how to ask for more than 100"


def test_what_is_saved_is_opened_mapped_or_not(vectors, lists, tmp_path):
    lists.save(tmp_path / "e.faiss")
    asked = Effort(0.2, 0.1, 20)
    wanted = lists.candidates(vectors[:5], asked)
    for mapped in (True, False):
        opened = Approximate.open(tmp_path / "e.faiss", vectors=2_900, mapped=mapped)
        np.testing.assert_array_equal(opened.candidates(vectors[:5], asked), wanted)
    opened.add(vectors, start=2_900)
    assert len(opened) == 3_000
    with pytest.raises(FileFormatError, match="holds 2900 vectors, not 7"):
        Approximate.open(tmp_path / "e.faiss", vectors=7)
    (tmp_path / "e.faiss").write_bytes((tmp_path / "e.faiss").read_bytes()[:500])
    with pytest.raises(FileFormatError, match="damaged or cut off"):
        Approximate.open(tmp_path / "e.faiss", vectors=2_900)
    with pytest.raises(MissingFileError):
        Approximate.open(tmp_path / "nothing", vectors=1)


def test_the_same_seed_gives_the_same_lists(vectors, lists):
    again = Approximate.train(vectors, seed=0)
    again.add(vectors[:2_900])
    asked = Effort(0.1, 0.1, 30)
    np.testing.assert_array_equal(again.candidates(vectors[:9], asked), lists.candidates(vectors[:9], asked))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("only", [None, np.flatnonzero(np.arange(3_000) % 4 > 0)])
def test_an_answer_depends_on_neither_its_batch_nor_the_threads(vectors, lists, monkeypatch, threads, only):
    monkeypatch.setattr(approximate, "EXACT", 10)
    engine = ApproximateEngine(lists, Effort(0.1, 0.1, 40))
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        cosines, found, _ = engine.nearest(vectors[::9], vectors, k=10, only=only)
        for i, query in enumerate(vectors[::9]):
            alone = engine.nearest(query[None], vectors, k=10, only=only)
            assert alone[0].tobytes() == cosines[i].tobytes()
            assert alone[1].tobytes() == found[i].tobytes()
    finally:
        faiss.omp_set_num_threads(before)


def test_lists_know_how_closely_their_vectors_lie(vectors, lists):
    rotated, centres = lists._rotated(vectors[:2_900]), lists._centres
    owners = lists.owners(vectors[:2_900])
    sizes, closeness = lists._state
    np.testing.assert_array_equal(np.bincount(owners, minlength=lists.lists), sizes)
    wanted = np.bincount(owners, (rotated * centres[owners]).sum(axis=1), lists.lists) / np.maximum(sizes, 1)
    np.testing.assert_allclose(closeness[sizes > 0], wanted[sizes > 0], atol=1e-4)


def test_what_was_added_later_counts(vectors):
    engine = Approximate.train(vectors, seed=0)
    engine.add(vectors[:1_000])
    assert engine.sizes.sum() == 1_000
    engine.add(vectors, start=1_000)
    assert engine.sizes.sum() == 3_000
