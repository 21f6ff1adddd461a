import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.homology import candidates
from protrek_hm.homology import families as room
from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.families import connected_components, find_families
from protrek_hm.homology.identity import matches_and_columns


def exhaustive(sequences, config):
    edges = []
    for (a, x), (b, y) in itertools.combinations(enumerate(sequences), 2):
        matches, columns = matches_and_columns(x, y)
        covered = (len(x) + len(y) - columns) / max(len(x), len(y))
        if matches >= config.min_identity * columns and covered >= config.coverage:
            edges.append((a, b))
    return np.array(edges, dtype=np.int64).reshape(-1, 2)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("threads", [1, 3])
def test_joins_what_exhaustive_search_joins(seed, threads, families):
    sequences = families(seed, sizes=[25, 15, 10, 8, 20], lengths=[300, 170, 120, 80, 40], change=0.9, gap_rate=0.01)
    config = HomologyConfig(min_identity=0.5, threads=threads)
    edges = exhaustive(sequences, config)
    truth = connected_components(len(sequences), edges)
    assert find_families(sequences, config).tolist() == truth.tolist()
    assert find_families(sequences, config, known=edges[::3]).tolist() == truth.tolist()


def test_an_interrupted_search_goes_on(families, tmp_path, monkeypatch):
    monkeypatch.setattr(candidates, "_PROTEINS_OF_A_SHARD", 8)
    sequences = families(7, sizes=[12, 9, 7], lengths=[170, 120, 40], change=0.9, gap_rate=0.01)
    config = HomologyConfig(min_identity=0.5, threads=1)
    whole = find_families(sequences, config)
    assert len(set(whole.tolist())) > 1

    def interrupt(stage, done, total):
        if done > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_families(sequences, config, work_dir=tmp_path, progress=interrupt)
    parts = sorted(tmp_path.rglob("*.parquet"))
    assert len(parts) >= 2
    parts[0].write_bytes(b"damaged")
    solved = []

    def join(search, piece):
        solved.append(piece[0].start)
        return join_shard(search, piece)

    join_shard = room._join_shard
    monkeypatch.setattr(room, "_join_shard", join)
    assert find_families(sequences, config, work_dir=tmp_path).tolist() == whole.tolist()
    assert {f"{start}.parquet" for start in solved}.isdisjoint(path.name for path in parts[1:])
    solved.clear()
    known = np.array([[0, 1]])
    joined = find_families(sequences, config, known=known, work_dir=tmp_path)
    assert solved, "what was found beside other known pairs may be less than all"
    assert joined.tolist() == find_families(sequences, config, known=known).tolist()


def test_nothing_and_one():
    assert find_families([]).tolist() == []
    assert find_families(["MKT"]).tolist() == [0]


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
