import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.embeddings import Embeddings, number_distinct

SIZES = {"vectors": 2, "dimension": 3, "rows": 4}


@pytest.fixture
def file(tmp_path):
    Embeddings(np.eye(3, dtype=np.float32)[:2], np.array([0, 1, -1, 0])).save(tmp_path / "text.safetensors")
    return tmp_path / "text.safetensors"


def test_what_is_saved_is_loaded(file):
    loaded = Embeddings.load(file, **SIZES)
    np.testing.assert_array_equal(loaded.vectors, np.eye(3)[:2])
    assert loaded.of_row.tolist() == [0, 1, -1, 0]


@pytest.mark.parametrize("kept", [0, 4, 60, -1])
def test_a_file_that_is_cut_off_is_refused(file, kept):
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(FileFormatError, match="damaged or cut off"):
        Embeddings.load(file, **SIZES)


@pytest.mark.parametrize("name", SIZES)
def test_a_file_of_another_index_is_refused(file, name):
    with pytest.raises(FileFormatError, match="build it again"):
        Embeddings.load(file, **{**SIZES, name: 5})


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MissingFileError):
        Embeddings.load(tmp_path / "text.safetensors", **SIZES)


@given(st.lists(st.sampled_from(["A", "B", "C", "", None])))
def test_distinct_values_in_order_of_appearance(values):
    distinct, of_row = number_distinct(values)
    assert [distinct[i] if i >= 0 else None for i in of_row] == [value or None for value in values]
    firsts = [of_row.tolist().index(i) for i in range(len(distinct))]
    assert firsts == sorted(firsts)
