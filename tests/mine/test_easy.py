import numpy as np
import polars as pl
import pytest

from protrek_hm.homology import HomologyConfig, connected_components, find_homologs
from protrek_hm.homology.identity import identity
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.corpus import build_corpus
from protrek_hm.mine.easy import MOST_IDENTITY, MOST_TEXT_SIMILARITY, draw_easy_pairs
from protrek_hm.mine.gate import Gate


@pytest.fixture
def setting(make_families):
    corpus = build_corpus(make_families(1, families=6))
    homologs = find_homologs(corpus.sequences, HomologyConfig(min_identity=0.5, max_identity=1.0))
    families = connected_components(len(corpus.sequences), homologs.select("a", "b").to_numpy().astype(np.int64))
    return corpus, families


def draw(setting, count, **config):
    corpus, families = setting
    everyone = np.arange(len(corpus.sequences))
    gate = Gate(corpus.entries, MineConfig(**config))
    return draw_easy_pairs(corpus, everyone, everyone, families=families, count=count, gate=gate)


def test_easy_pairs_are_unrelated_and_unlike(setting):
    corpus, families = setting
    pairs = draw(setting, 40)
    assert pairs.height == 40
    protein = corpus.entries["protein"].to_numpy()
    seen = set()
    for row in pairs.iter_rows(named=True):
        a, b = int(protein[row["left"]]), int(protein[row["right"]])
        assert families[a] != families[b]
        assert identity(corpus.sequences[min(a, b)], corpus.sequences[max(a, b)]) == pytest.approx(row["identity"])
        assert row["identity"] < MOST_IDENTITY
        assert row["text_similarity"] <= MOST_TEXT_SIMILARITY
        seen.add(frozenset((a, b)))
    assert len(seen) == 40


def test_the_seed_decides(setting):
    assert draw(setting, 10, seed=1).equals(draw(setting, 10, seed=1))
    assert not draw(setting, 10, seed=1).equals(draw(setting, 10, seed=2))


def test_there_may_be_none():
    corpus = build_corpus(pl.DataFrame({"id": ["a", "b"], "sequence": ["MK", "MR"], "text": ["Red.", "Blue."]}))
    pairs = draw((corpus, np.array([0, 0])), 5)
    assert pairs.is_empty()
