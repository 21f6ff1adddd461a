import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.segments import Embeddings, Stack, number_distinct, open_array, write_array


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.data())
@settings(max_examples=50, deadline=None)
def test_a_stack_is_the_arrays_one_after_the_other(sizes, data):
    whole = np.arange(2 * sum(sizes)).reshape(-1, 2)
    stack = Stack(np.split(whole, np.cumsum(sizes)[:-1]))
    assert stack.shape == whole.shape
    chosen = np.array(data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1)))
    np.testing.assert_array_equal(stack[chosen], whole[chosen])
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, len(whole) + 2)] * 2)))
    np.testing.assert_array_equal(stack[start:stop], whole[start:stop])


def test_blocks_become_one_array(tmp_path):
    blocks = [np.ones((2, 3)), np.zeros((1, 3))]
    write_array(tmp_path / "a.npy", (3, 3), "float32", blocks)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.concatenate(blocks))
    assert isinstance(open_array(tmp_path / "a.npy", (3, 3), "float32"), np.memmap)


def test_what_does_not_fit_is_refused(tmp_path):
    path = tmp_path / "a.npy"
    with pytest.raises(MissingFileError):
        open_array(path, None, "float32")
    write_array(path, (2, 3), "float32", [np.ones((2, 3))])
    for shape, dtype in (((3, 2), "float32"), ((2, 3), "int64")):
        with pytest.raises(FileFormatError, match="holds float32"):
            open_array(path, shape, dtype)
    np.save(path, np.array([{}], dtype=object))
    with pytest.raises(FileFormatError, match="damaged"):
        open_array(path, None, "float32")


def test_a_full_disk_is_an_error_not_a_crash():
    from pathlib import Path

    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OSError, match="No space"):
        write_array(full, (9_000, 9), "float32", [np.ones((9_000, 9))])


@given(st.lists(st.sampled_from(["A", "B", "C", "", None])))
def test_distinct_values_in_order_of_appearance(values):
    distinct, of_row = number_distinct(values)
    assert [distinct[i] if i >= 0 else None for i in of_row] == [value or None for value in values]
    firsts = [of_row.tolist().index(i) for i in range(len(distinct))]
    assert firsts == sorted(firsts)


@given(st.lists(st.integers(-1, 5), max_size=20))
def test_rows_of_each_vector(of_row):
    held = Embeddings(np.eye(6, dtype=np.float32), np.array(of_row, dtype=np.int64))
    for vector in range(6):
        assert held.rows_of(vector).tolist() == [row for row, each in enumerate(of_row) if each == vector]
    used = sorted({each for each in of_row if each >= 0})
    assert (list(range(6)) if held.used is None else held.used.tolist()) == used
    assert held.count == len(used)
