import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.errors import FileFormatError, MissingColumnError, RecordError
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.corpus import Related, build_corpus
from protrek_hm.mine.split import (
    UNASSIGNED,
    TextLinks,
    apply_split_file,
    assign_components,
    given_splits,
    split_proteins,
)

SIZES = st.lists(st.integers(1, 30), min_size=3, max_size=12)


def chains(sizes):
    """Components of size + 1 proteins with `size` pairs each."""
    components = np.repeat(np.arange(len(sizes)), np.array(sizes) + 1)
    starts = np.concatenate([[0], np.cumsum(np.array(sizes) + 1)[:-1]])
    pairs = [
        (start + step, start + step + 1) for start, size in zip(starts, sizes, strict=True) for step in range(size)
    ]
    return components, np.array(pairs)


@given(SIZES, st.integers(0, 5))
def test_components_are_whole_and_every_side_has_some(sizes, seed):
    components, pairs = chains(sizes)
    sides = assign_components(components, pairs, MineConfig(seed=seed))
    for component in set(components.tolist()):
        assert len(set(sides[components == component].tolist())) == 1
    assert set(sides.tolist()) == {0, 1, 2}


def test_a_giant_goes_to_training():
    components, pairs = chains([500, 5, 4, 3, 3, 2])
    sides = assign_components(components, pairs, MineConfig(), largest=0.5)
    assert set(sides[components == 0].tolist()) == {0}
    assert {1, 2} <= set(sides.tolist())


def test_shares_are_kept_where_components_are_small():
    components, pairs = chains([3] * 200)
    sides = assign_components(components, pairs, MineConfig())
    held = np.bincount(sides[pairs[:, 0]], minlength=3) / len(pairs)
    np.testing.assert_allclose(held, [0.7, 0.1, 0.2], atol=0.01)


def test_a_large_component_is_held_out_only_where_no_smaller_one_will_do():
    """By size alone the second would be the validation, with four times its share."""
    components, pairs = chains([570, 392, 20, 15, 8, 5])
    corpus = corpus_of_proteins(len(components))
    assigned = split_proteins(corpus, lambda identity: components, pairs, MineConfig())
    assert set(assigned.splits[components < 2].tolist()) <= {0, 2}
    components, pairs = chains([200, 150, 40, 30])
    corpus = corpus_of_proteins(len(components))
    assigned = split_proteins(corpus, lambda identity: components, pairs, MineConfig(test_fraction=0.1))
    held = np.bincount(assigned.splits[pairs[:, 0]], minlength=3) / len(pairs)
    np.testing.assert_allclose(held, [350 / 420, 40 / 420, 30 / 420], atol=0.03)


def test_a_split_far_from_its_share_is_told_beforehand():
    components, pairs = chains([100, 100, 100])
    corpus = corpus_of_proteins(len(components))
    assigned = split_proteins(corpus, lambda identity: components, pairs, MineConfig())
    assert "the split valid holds 33 % of the twins where 10 % were asked" in assigned.warnings[-1]
    assert "--split proteins" in assigned.warnings[-1]


def corpus_of_proteins(count):
    """Proteins whose texts share nothing."""
    rows = [(f"p{n}", "M" + "ACDEFGHIKL"[n % 10] * (n + 1), f"word{n}") for n in range(count)]
    return build_corpus(pl.DataFrame(rows, schema=["id", "sequence", "text"], orient="row"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_relative_and_no_text_stand_on_two_sides(make_families, seed):
    proteins = make_families(seed, families=12, members=5).with_columns(
        text=pl.col("text")
        + pl.Series([f" Family {row[1:3]}." for row in make_families(seed, families=12, members=5)["id"]])
    )
    corpus = build_corpus(proteins)
    related = Related(corpus.sequences, MineConfig(min_identity=0.5, threads=1))
    pairs = related.pairs.select("a", "b").to_numpy().astype(np.int64)
    assigned = split_proteins(corpus, related.families, pairs, MineConfig(split_identity=0.5))
    assert not assigned.warnings
    assert (assigned.splits[pairs[:, 0]] == assigned.splits[pairs[:, 1]]).all()
    texts = corpus.entries["text"].to_list()
    sides_of_text = {}
    for text, side in zip(texts, assigned.splits.tolist(), strict=True):
        sides_of_text.setdefault(text, set()).add(side)
    assert all(len(sides) == 1 for sides in sides_of_text.values())


def test_links_by_common_texts_are_given_up_with_a_warning(make_families):
    corpus = build_corpus(make_families(4, families=12, members=6))
    related = Related(corpus.sequences, MineConfig(min_identity=0.5, threads=1))
    pairs = related.pairs.select("a", "b").to_numpy().astype(np.int64)
    assigned = split_proteins(corpus, related.families, pairs, MineConfig())
    assert "do not keep proteins together" in assigned.warnings[0]
    assert "together" in assigned.notes[0]
    assert assigned.warnings[0].startswith(assigned.notes[0] + "; ")
    assert set(assigned.splits.tolist()) == {0, 1, 2}
    assert (assigned.splits[pairs[:, 0]] == assigned.splits[pairs[:, 1]]).all()


def test_given_stages_are_honoured(make_families):
    proteins = make_families(5, families=8)
    stages = [{"F0": "Test", "F1": "validation", "F2": "train"}.get(name[:2]) for name in proteins["id"]]
    corpus = build_corpus(proteins.with_columns(stage=pl.Series(stages)))
    related = Related(corpus.sequences, MineConfig(min_identity=0.5, threads=1))
    pairs = related.pairs.select("a", "b").to_numpy().astype(np.int64)
    for split in ("components", "proteins"):
        sides = split_proteins(corpus, related.families, pairs, MineConfig(split=split)).splits
        for name, side in zip(corpus.entries["id"], sides.tolist(), strict=True):
            assert side == {"F0": 2, "F1": 1, "F2": 0}.get(name[:2], side)


def test_a_stage_for_all_is_no_split(make_families):
    corpus = build_corpus(make_families(5).with_columns(stage=pl.lit("train")))
    assert set(given_splits(corpus).tolist()) == {UNASSIGNED}


PROTEINS = pl.DataFrame({"id": ["a", "b", "c"], "stage": ["test", "test", "test"]})


def test_the_file_replaces_the_stages(tmp_path):
    path = tmp_path / "split.tsv"
    path.write_text("id\tsplit\nb\tTrain\na\tvalid\n")
    assert apply_split_file(PROTEINS, path)["stage"].to_list() == ["valid", "train", None]


def test_words_for_one_side_agree_and_a_side_that_says_na_is_none(tmp_path):
    path = tmp_path / "split.tsv"
    path.write_text("id\tsplit\n a \tvalid\na\tdev\nb\tNA\nc\t test\n")
    assert apply_split_file(PROTEINS, path)["stage"].to_list() == ["valid", None, "test"]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("name\tsplit\na\ttest\n", MissingColumnError, "id"),
        ("id\tplace\na\ttest\n", MissingColumnError, "split"),
        ("id\tsplit\na\tsomewhere\n", FileFormatError, "somewhere"),
        ("id\tsplit\nz\ttest\n", FileFormatError, "none of the proteins"),
        ("id\tsplit\na\ttest\nb\ttest\na\ttrain\n", FileFormatError, "'a' is in two splits"),
        ("id\tsplit\na\ttest\nb\n", RecordError, ":3: .*1 field"),
    ],
)
def test_faults_are_told(tmp_path, content, error, message):
    path = tmp_path / "split.tsv"
    path.write_text(content)
    with pytest.raises(error, match=message):
        apply_split_file(PROTEINS, path)


def corpus_of(texts):
    letters = "ACDEFGHIKL"
    return build_corpus(
        pl.DataFrame(
            {
                "id": [f"p{n}" for n in range(len(texts))],
                "sequence": list(letters[: len(texts)]),
                "text": texts,
            }
        )
    )


def test_equal_and_nearly_equal_texts_are_linked():
    long = "a protein that binds iron and heme in red blood cells of many animals and carries oxygen to tissues"
    corpus = corpus_of(["Iron.", "zinc", "IRON", long, long + " a", "Zinc."])
    assert sorted(tuple(sorted(link)) for link in TextLinks(corpus).links().tolist()) == [(0, 2), (1, 5), (3, 4)]


def test_texts_of_many_families_can_be_left_out():
    corpus = corpus_of(["Iron.", "iron", "IRON", "Zinc.", "zinc"])
    families = np.array([0, 1, 2, 3, 3])
    assert TextLinks(corpus).links(families=families, most=2).tolist() == [[3, 4]]
    assert len(TextLinks(corpus).links(families=families, most=3)) == 3
