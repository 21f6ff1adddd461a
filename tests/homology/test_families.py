import itertools

import numpy as np
import pytest

from protrek_hm.homology.components import connected_components
from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.families import find_families
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


def test_nothing_and_one():
    assert find_families([]).tolist() == []
    assert find_families(["MKT"]).tolist() == [0]
