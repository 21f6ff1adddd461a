import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from protrek_hm.homology.identity import matches_and_columns
from protrek_hm.homology.scoring import Proteins
from protrek_hm.homology.verify import verify


def distances(proteins, pairs):
    return np.array([Levenshtein.distance(proteins.letters[a], proteins.letters[b]) for a, b in pairs.tolist()])


@pytest.mark.parametrize("gap_rate", [0, 0.005, 0.05])
@pytest.mark.parametrize("change", [0.03, 0.2, 0.6])
def test_every_pair_as_parasail_alone(change, gap_rate, families):
    members = families(5, sizes=[12, 12], lengths=[120, 90], change=change, gap_rate=gap_rate)
    proteins = Proteins.of(members)
    pairs = np.array([(a, b) for a in range(len(members)) for b in range(a)])
    matches, columns = verify(proteins, pairs, distances(proteins, pairs))
    for (a, b), found in zip(pairs.tolist(), zip(matches.tolist(), columns.tolist(), strict=True), strict=True):
        first, second = sorted([proteins.order[a], proteins.order[b]])
        assert found == matches_and_columns(members[first], members[second])


@pytest.mark.realdata
def test_resistance_proteins_as_parasail_alone(real_data):
    import polars as pl

    table = pl.read_csv(real_data / "amr_proteins.tsv.gz", separator="\t")
    members = table["protein_sequence"].unique(maintain_order=True).to_list()
    proteins = Proteins.of(members)
    pairs = np.random.default_rng(0).integers(0, len(members), size=(40_000, 2))
    near = np.abs(np.diff(proteins.lengths[pairs], axis=1)[:, 0]) < 10
    pairs = pairs[near & (pairs[:, 0] != pairs[:, 1])][:3_000]
    matches, columns = verify(proteins, pairs, distances(proteins, pairs))
    for index, (a, b) in enumerate(pairs.tolist()):
        first, second = sorted([proteins.order[a], proteins.order[b]])
        assert (matches[index], columns[index]) == matches_and_columns(members[first], members[second])
