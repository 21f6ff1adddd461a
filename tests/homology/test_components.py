import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.homology.components import connected_components


def merge_naively(n, edges):
    """Truth: relabel until nothing changes."""
    labels = list(range(n))
    changed = True
    while changed:
        changed = False
        for a, b in edges:
            low = min(labels[a], labels[b])
            changed |= labels[a] != low or labels[b] != low
            labels[a] = labels[b] = low
    names = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    return [names[label] for label in labels]


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_agrees_with_naive_merging(graph):
    n, edges = graph
    found = connected_components(n, np.array(edges, dtype=np.int64).reshape(-1, 2))
    assert found.tolist() == merge_naively(n, edges)


def test_no_node_no_component():
    assert connected_components(0, np.empty((0, 2), dtype=np.int64)).tolist() == []


def test_edge_outside_is_refused():
    with pytest.raises(ValueError, match="outside"):
        connected_components(2, np.array([[0, 2]]))
