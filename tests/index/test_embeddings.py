import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.index.embeddings import Embeddings, number_distinct


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
