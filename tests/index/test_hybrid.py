import numpy as np
import pytest

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index import hybrid
from protrek_hm.index.approximate import Approximate
from protrek_hm.index.engines import tune
from protrek_hm.index.hybrid import Engine, nearest_by_engine
from protrek_hm.index.nearest import nearest


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
    monkeypatch.setattr(hybrid, "EXACT", 10)
    engine = Engine(lists, 2.0, 2_900)
    only = np.flatnonzero(np.arange(3_000) % 3 > 0)
    for chosen in (None, only):
        cosines, found = nearest_by_engine(vectors[:40], vectors, k=7, engine=engine, only=chosen)
        wanted_cosines, wanted = nearest(vectors[:40], vectors, k=7, only=chosen)
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(cosines, wanted_cosines)


def test_few_lists_find_nearly_all_and_cosines_are_exact(vectors, lists, monkeypatch):
    monkeypatch.setattr(hybrid, "EXACT", 10)
    reach, candidates, recall = tune(lists, vectors[:2_900], {"near": vectors[:2_900:30]})
    assert recall["near"] >= 0.98
    assert lists.share(vectors[::30], reach=reach) < 0.9
    engine = Engine(lists, reach, candidates)
    wanted_cosines, wanted = nearest(vectors[5::30], vectors, k=10)  # the last hundred are compared one by one
    for only in (None, np.arange(3_000)):
        cosines, found = nearest_by_engine(vectors[5::30], vectors, k=10, engine=engine, only=only)
        assert np.mean([np.isin(*pair).mean() for pair in zip(wanted, found, strict=True)]) >= 0.97
        same = found == wanted
        np.testing.assert_array_equal(cosines[same], wanted_cosines[same])


def test_vectors_beyond_the_engine_are_found(vectors, lists):
    engine = Engine(lists, 0.0, 10)
    _, found = nearest_by_engine(vectors[2_950:2_960], vectors, k=1, engine=engine)
    assert found[:, 0].tolist() == list(range(2_950, 2_960))


def test_fewer_than_wanted_leave_empty_places(vectors, lists, monkeypatch):
    monkeypatch.setattr(hybrid, "EXACT", 1)
    engine = Engine(lists, 0.0, 10)
    cosines, found = nearest_by_engine(vectors[:1], vectors, k=5, engine=engine, only=np.array([7, 2_000, 2_999]))
    assert set(found[0].tolist()) <= {-1, 7, 2_000, 2_999}
    assert np.isnan(cosines[0, found[0] < 0]).all()


def test_what_is_saved_is_opened_mapped_or_not(vectors, lists, tmp_path):
    lists.save(tmp_path / "e.faiss")
    wanted = lists.candidates(vectors[:5], reach=0.2, count=20)
    for mapped in (True, False):
        opened = Approximate.open(tmp_path / "e.faiss", vectors=2_900, mapped=mapped)
        np.testing.assert_array_equal(opened.candidates(vectors[:5], reach=0.2, count=20), wanted)
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
    asked = {"reach": 0.1, "count": 30}
    np.testing.assert_array_equal(again.candidates(vectors[:9], **asked), lists.candidates(vectors[:9], **asked))
