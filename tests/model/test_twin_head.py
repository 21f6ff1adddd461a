"""The twin head: what must hold whatever it has learned, its file, and its features against naive ones."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.errors import FileFormatError, MissingFileError, ModelError
from protrek_hm.homology.lookup import Lookup
from protrek_hm.homology.profile import Profile
from protrek_hm.model.changes import (
    NEIGHBOURS,
    PROPERTIES,
    FeatureConfig,
    all_substitutions,
    describe_changes,
    differing_sites,
    width,
)
from protrek_hm.model.reader import packaged_reader
from protrek_hm.model.twin_head import HEAD, HeadConfig, TwinHead

WILD = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLGEENFKALVLIAFAQYLQQCPF"
ONE = WILD.replace("RGVF", "RGAF")
TWO = WILD.replace("HKSEV", "HKPEV")
SHORTER = WILD.replace("KDLG", "KDG")
PAIRS = [(WILD, ONE), (ONE, TWO), (WILD, SHORTER), (SHORTER, TWO)]


def make_head(config: HeadConfig | None = None, seed: int = 0) -> TwinHead:
    torch.manual_seed(seed)
    head = TwinHead(config or HeadConfig(), dimension=12, reader=packaged_reader().fingerprint(), weight=0.5)
    head.mean.uniform_(-0.1, 0.1)
    return head.eval()


def texts(count: int) -> np.ndarray:
    vectors = np.random.default_rng(0).normal(size=(count, 12)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("references", [None, [WILD] * 4])
def test_exchanging_the_proteins_changes_the_sign_alone(references: list[str | None] | None) -> None:
    head, a, b = make_head(), [x for x, _ in PAIRS], [y for _, y in PAIRS]
    there = head.prefer(texts(4), a, b, references=references)
    back = head.prefer(texts(4), b, a, references=references)
    assert np.array_equal(there, -back)
    assert (there != 0).all()


def test_equal_proteins_give_nothing() -> None:
    assert make_head().prefer(texts(2), [WILD, ONE], [WILD, ONE]).tolist() == [0.0, 0.0]
    assert make_head().prefer(texts(1), [ONE], [ONE], references=[WILD]).tolist() == [0.0]


def test_preferences_do_not_depend_on_what_is_asked_beside() -> None:
    head, a, b = make_head(), [x for x, _ in PAIRS], [y for _, y in PAIRS]
    together = head.prefer(texts(4), a, b)
    alone = [head.prefer(texts(4)[i : i + 1], [a[i]], [b[i]])[0] for i in range(4)]
    assert np.allclose(together, alone, atol=1e-5)


def test_with_a_reference_preferences_add_up() -> None:
    head = make_head()
    text = np.repeat(texts(1), 3, axis=0)
    ab, bc, ac = head.prefer(text, [WILD, ONE, WILD], [ONE, TWO, TWO], references=[WILD] * 3)
    assert ab + bc == pytest.approx(ac, abs=1e-5)


def test_of_too_many_changes_the_head_says_nothing() -> None:
    head = make_head(HeadConfig(most_changes=2))
    two, three = "GG" + WILD[2:], "GGG" + WILD[3:]
    text = np.repeat(texts(1), 3, axis=0)
    found = head.prefer(text, [two, three, two], [WILD, WILD, three], references=[None, None, WILD])
    assert (found != 0).tolist() == [True, False, False]


def test_a_scan_gives_what_each_variant_alone_gets() -> None:
    head, text = make_head(), texts(1)
    found = head.scan(text[0], WILD)
    assert found.shape == (len(WILD), 20)
    for place, residue in ((0, "A"), (20, "W"), (59, "D")):
        variant = WILD[:place] + residue + WILD[place + 1 :]
        expected = head.prefer(text, [variant], [WILD], references=[WILD])[0]
        assert found[place, AMINO_ACIDS.index(residue)] == pytest.approx(expected, abs=1e-5)
    assert all(found[place, AMINO_ACIDS.index(residue)] == 0.0 for place, residue in enumerate(WILD))
    assert np.allclose(head.scan(text[0], WILD, residues=range(17, 31)), found[17:31], atol=1e-5)


def test_texts_are_read_by_the_packaged_sentence_encoder() -> None:
    said = ["It keeps its activity.", "It loses its activity."]
    assert np.allclose(TwinHead.read(said), packaged_reader().encode(said), atol=1e-5)


def test_relatives_of_a_reference_are_read_where_conservation_is() -> None:
    pool = Lookup.of([ONE, TWO, WILD.replace("LFLFSS", "LYLWSS")])
    blind = make_head(HeadConfig(features=FeatureConfig(conservation=False)))
    for head, references, reads in ((make_head(), [WILD], True), (make_head(), None, False), (blind, [WILD], False)):
        alone = head.prefer(texts(1), [ONE], [TWO], references=references)
        seen = head.prefer(texts(1), [ONE], [TWO], references=references, relatives=pool)
        assert np.allclose(alone, seen) != reads


def test_a_saved_head_is_the_same(tmp_path: Path) -> None:
    head = make_head()
    head.save(tmp_path)
    again = TwinHead.load(tmp_path)
    assert (again.weight, again.config) == (0.5, head.config)
    assert np.array_equal(head.prefer(texts(1), [WILD], [ONE]), again.prefer(texts(1), [WILD], [ONE]))
    assert [each.name for each in tmp_path.iterdir()] == [HEAD]


def test_no_head_a_damaged_one_and_one_of_another_reader(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        TwinHead.load(tmp_path)
    other = make_head()
    other.reader = "another"
    other.save(tmp_path)
    with pytest.raises(ModelError, match="another sentence encoder"):
        TwinHead.load(tmp_path)
    make_head().save(tmp_path)
    path = tmp_path / HEAD
    save_file(load_file(path), path, metadata={"protrek-hm": '{"format_version": 99}'})
    with pytest.raises(FileFormatError, match="format_version 99"):
        TwinHead.load(tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FileFormatError, match="damaged"):
        TwinHead.load(tmp_path)


def test_sites_that_differ_are_those_of_a_naive_loop() -> None:
    naive = [
        [i, AMINO_ACIDS.index(x), AMINO_ACIDS.index(y)] for i, (x, y) in enumerate(zip(ONE, TWO, strict=True)) if x != y
    ]
    assert differing_sites(ONE, TWO).tolist() == naive
    [[place, own, other]] = differing_sites(WILD, SHORTER).tolist()
    assert (WILD[place], AMINO_ACIDS[own], other) == ("L", "L", 21)
    assert differing_sites("MXV", "MAV").tolist() == [[1, 20, 0]]


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
@pytest.mark.parametrize("read", ["substitution", "conservation"])
def test_features_have_the_width_that_is_told(neighbours: int, read: str) -> None:
    config = FeatureConfig(read == "substitution", neighbours, read == "conservation")
    found = describe_changes([WILD], [ONE], [Profile.of(WILD)], config)
    assert found.features.shape == (1, width(config))
    assert all_substitutions(WILD, Profile.of(WILD), config).shape == (20 * len(WILD), width(config))


def test_neighbours_are_means_over_the_window() -> None:
    config = FeatureConfig(substitution=False, neighbours=2, conservation=False)
    [features] = describe_changes([WILD], [ONE], [Profile.of(WILD)], config).features
    place = WILD.index("RGVF") + 2
    window = [PROPERTIES[AMINO_ACIDS.index(each), :6] for each in WILD[place - 2 : place + 3]]
    assert np.allclose(features[-6:], np.mean(window, axis=0), atol=1e-5)


def test_a_very_long_protein_and_odd_letters_are_read() -> None:
    long = "MKWVXBZUO" * 3_500
    other = long[:10_000] + "A" + long[10_001:]
    assert np.isfinite(make_head().prefer(texts(1), [long], [other])).all()
