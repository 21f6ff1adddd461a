import numpy as np
import polars as pl
import pytest

from protrek_hm.homology import HomologyConfig, connected_components, find_homologs
from protrek_hm.homology.identity import identity
from protrek_hm.mine import leaks, mine_hard_negatives
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.corpus import build_corpus
from protrek_hm.mine.gate import Gate
from protrek_hm.mine.negatives import LEAST_TEXT_SIMILARITY, MOST_IDENTITY, MOST_TEXT_SIMILARITY, draw_easy_pairs
from protrek_hm.mine.split import NEAR_IDENTICAL


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


CONFIG = MineConfig(min_identity=0.85, split_identity=0.6, medium=60, easy=0, neighbours=False, threads=1)


@pytest.fixture
def proteins(make_families):
    """Families of which some share a fold."""
    return make_families(6, families=15, members=8)


@pytest.fixture
def medium(proteins):
    return mine_hard_negatives(proteins, CONFIG).medium


def test_each_source_keeps_its_bounds(proteins, medium):
    structure = dict(zip(proteins["id"], proteins["structure"], strict=True))
    drug = dict(zip(proteins["id"], proteins["drug"], strict=True))
    sources = set()
    for row in medium.iter_rows(named=True):
        source = row["reasons"].split(";")[0].removeprefix("medium:")
        sources.add(source)
        both = (row["anchor_seq"], row["hard_neg_seq"])
        exact = {round(identity(*ordered), 6) for ordered in (both, both[::-1])}  # ties go by the order
        assert row["seq_similarity"] in exact
        assert row["seq_similarity"] < CONFIG.min_identity
        assert row["type"] == "medium"
        assert drug[row["anchor_id"]] != drug[row["hard_neg_id"]]
        if source == "relative":
            assert row["anchor_id"][:-2] == row["hard_neg_id"][:-2]
            assert row["seq_similarity"] >= CONFIG.split_identity
        elif source == "fold":
            assert structure[row["anchor_id"]] == structure[row["hard_neg_id"]]
        else:
            assert LEAST_TEXT_SIMILARITY <= row["text_similarity"] <= NEAR_IDENTICAL
    assert sources == {"relative", "fold", "text"}


def test_shares_sides_and_directions(medium):
    assert dict(medium["split"].value_counts().iter_rows()) == {"train": 42, "valid": 6, "test": 12}
    forward = set(medium.select("anchor_id", "hard_neg_id").iter_rows())
    assert len(forward) == medium.height
    assert forward == {(b, a) for a, b in forward}


def test_none_unless_asked_for(proteins):
    result = mine_hard_negatives(proteins, MineConfig(easy=0, threads=1))
    assert result.medium.is_empty()
    assert "medium" not in result.report.splits["train"]


def test_the_leak_check_reads_them(tmp_path, monkeypatch):
    monkeypatch.setattr(leaks, "search", lambda *_, **__: pl.DataFrame(schema={"query": int, "target": int}))
    letters = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
    sequences = ["".join(np.random.default_rng(seed).choice(letters, 80)) for seed in range(6)]
    for name, (a, b) in {
        "hard_negatives_train": (0, 1),
        "hard_negatives_test": (2, 3),
        "medium_negatives_test": (4, 0),
    }.items():
        row = {"anchor_seq": [sequences[a]], "hard_neg_seq": [sequences[b]]}
        pl.DataFrame(row).write_csv(tmp_path / f"{name}.csv")
    assert leaks.check_split(tmp_path, threads=1)[0].shared_proteins == 1
