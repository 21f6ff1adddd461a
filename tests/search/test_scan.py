"""A scan against loops over mutated sequences: the model's own vectors, the head's own preferences."""

import json

import numpy as np
import polars as pl
import pytest
import torch

from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.errors import FileFormatError, GivenUpError, OptionError
from protrek_hm.homology.lookup import Lookup
from protrek_hm.index.build import build_index
from protrek_hm.model import load_encoder
from protrek_hm.model.reader import packaged_reader
from protrek_hm.model.twin_head import HeadConfig, TwinHead, head_of
from protrek_hm.search.config import ScanConfig, parse_region
from protrek_hm.search.explain import Protein
from protrek_hm.search.render_scan import COLUMNS, save_scan, scan_table, write_scan
from protrek_hm.search.scan import read_protein, scan, scan_protein, windows
from protrek_hm.search.searcher import Searcher

WILD = "MSIQHFRVALIPFFAAFCLPVFAHPETLVKVKDAEDQLGARVGYIELDLN"


@pytest.fixture(scope="module")
def mini():
    return load_encoder("mini", device="cpu")


class Letters:
    """Reads each letter at its place: a vector that tells sequences apart, and texts by their first letters."""

    temperature, tasks = 0.05, ("text", "sequence")

    def __init__(self):
        self.largest = 0

    def fingerprint(self):
        return "letters"

    def encode(self, inputs, /, *, task, **_):
        self.largest = max(self.largest, len(inputs))
        vectors = np.zeros((len(inputs), 20))
        for row, each in enumerate(inputs):
            for place, letter in enumerate(each.upper()):
                if letter in AMINO_ACIDS:
                    vectors[row, AMINO_ACIDS.index(letter)] += 1 + 0.01 * place
        return vectors + 0.1


class Narrow(Letters):
    """The same, which reads windows of 12 residues."""

    window = 12

    def encode(self, inputs, /, *, task, **options):
        return super().encode([each[: self.window] if task == "sequence" else each for each in inputs], task=task)


@pytest.fixture
def narrow(monkeypatch):
    monkeypatch.setattr("protrek_hm.search.scan.residues_read", lambda model, length: min(length, model.window))
    return Narrow()


def naive(model, texts, protein, position, residue):
    """Score one variant and the protein by themselves."""
    variant = protein[: position - 1] + residue + protein[position:]
    vectors = [np.asarray(model.encode([each], task="sequence", batch_size=1)[0]) for each in (variant, protein)]
    scores = []
    for text in texts:
        asked = np.asarray(model.encode([text], task="text", batch_size=1)[0])
        cosines = [each @ asked / np.linalg.norm(each) / np.linalg.norm(asked) for each in vectors]
        scores.append(cosines[0] - cosines[1])
    return scores[0] - (scores[1] if len(scores) > 1 else 0)


def make_head(model):
    torch.manual_seed(0)
    return TwinHead(
        HeadConfig(hidden=8), dimension=packaged_reader().dimension, reader=packaged_reader().fingerprint()
    ).eval()


@pytest.mark.parametrize("from_text", [None, "hydrolyses penicillins"])
def test_a_scan_by_the_model_is_what_each_variant_gets_alone(mini, from_text):
    text = "hydrolyses cefotaxime"
    config = ScanConfig(region=(10, 12), signals=("model",))
    found = scan_protein(mini, text, Protein(None, WILD), from_text=from_text, config=config)
    assert (found.first, found.last, found.residues, found.head, found.notes) == (10, 12, WILD[9:12], None, ())
    for each in found.substitutions():
        texts = [text] if from_text is None else [text, from_text]
        assert each.model == pytest.approx(naive(mini, texts, WILD, each.position, each.residue), abs=2e-6)
    assert len(list(found.substitutions())) == 3 * 19
    assert [found.model[at, AMINO_ACIDS.index(own)] for at, own in enumerate(found.residues)] == [0, 0, 0]


def test_batches_change_nothing(mini):
    few, many = (
        scan_protein(mini, "a kinase", Protein(None, WILD), config=ScanConfig((1, 20), ("model",), batch_size=size))
        for size in (3, 64)
    )
    assert np.abs(few.model - many.model).max() < 2e-6


def test_a_scan_by_the_head_is_what_it_prefers(mini, monkeypatch):
    head = make_head(mini)
    monkeypatch.setattr("protrek_hm.search.scan.head_of", lambda model: head)
    config = ScanConfig(signals=("head",))
    both = scan_protein(mini, "resists heat", Protein(None, WILD), config=config)
    assert both.model is None
    [text] = head.read(["resists heat"])
    for position, residue in ((1, "A"), (7, "K"), (50, "W")):
        variant = WILD[: position - 1] + residue + WILD[position:]
        expected = head.prefer(text[None], [variant], [WILD], references=[WILD])[0]
        assert both.head[position - 1, AMINO_ACIDS.index(residue)] == pytest.approx(expected, abs=1e-5)
    change = scan_protein(mini, "resists heat", Protein(None, WILD), from_text="resists cold", config=config)
    other = scan_protein(mini, "resists cold", Protein(None, WILD), config=config)
    assert np.allclose(change.head, both.head - other.head, atol=1e-12)
    assert both.best(1)[0].head == max(each.head for each in both.substitutions())


def test_the_head_in_a_models_folder_is_found(tmp_path, mini):
    from protrek_hm.model import ProTrek

    ProTrek.from_pretrained("mini", device="cpu").save(str(tmp_path / "model"))
    head = make_head(mini)
    head.save(tmp_path / "model")
    loaded = load_encoder(tmp_path / "model", device="cpu")
    assert head_of(loaded).config == head.config
    assert loaded.fingerprint() == mini.fingerprint(), "the head is no part of the model"
    found = scan_protein(loaded, "a kinase", Protein(None, WILD), config=ScanConfig((4, 5)))
    assert found.notes == ()
    assert found.ordered_by == "head"
    assert found.head.shape == found.model.shape == (2, 20)


def test_without_a_head_it_is_said(mini, monkeypatch):
    monkeypatch.setattr("protrek_hm.search.scan.head_of", lambda model: None)
    found = scan_protein(mini, "a kinase", Protein(None, WILD), config=ScanConfig((4, 4)))
    assert found.head is None
    assert "no twin head" in found.notes[0]
    with pytest.raises(OptionError, match="no twin head; scan by --signals model"):
        scan_protein(mini, "a kinase", Protein(None, WILD), config=ScanConfig(signals=("head",)))


@pytest.mark.parametrize(("length", "size"), [(50, 12), (13, 12), (12, 12), (5, 12), (31, 1), (40, 7)])
def test_each_site_is_read_once_and_as_near_to_the_middle_as_windows_allow(length, size):
    found = windows(range(length), length, size)
    assert [site for sites in found.values() for site in sites] == list(range(length))
    starts = {*range(0, max(length - size, 0) + 1, max(size // 2, 1)), max(length - size, 0)}
    for start, sites in found.items():
        for site in sites:
            off = {each: abs(each + (size - 1) / 2 - site) for each in starts if each <= site < each + size}
            assert off[start] == min(off.values())


def test_a_long_protein_is_read_in_windows(narrow):
    found = scan_protein(narrow, "AAAWWK", Protein(None, WILD), config=ScanConfig(signals=("model",)))
    assert "the model reads 12 residues" in found.notes[0]
    assert found.model.any(axis=1).all(), "no site lies behind what is read"
    for position in (1, 6, 9, 25, 44, 50):
        starts = [*range(0, 39, 6), 38]
        start = min(
            (each for each in starts if each <= position - 1 < each + 12), key=lambda s: abs(s + 6.5 - position)
        )
        expected = naive(Letters(), ["AAAWWK"], WILD[start : start + 12], position - start, "W")
        if WILD[position - 1] != "W":
            assert found.model[position - 1, AMINO_ACIDS.index("W")] == pytest.approx(expected, abs=1e-6)


def test_letters_that_are_none_of_the_twenty_have_twenty_substitutions():
    found = scan_protein(Letters(), "KKA", Protein(None, "MKXUYIAKQR"), config=ScanConfig(signals=("model",)))
    assert sum(each.position in (3, 4) for each in found.substitutions()) == 40
    assert len(list(found.substitutions())) == 8 * 19 + 40


@pytest.fixture
def searcher(tmp_path):
    changed = WILD[:6] + "K" + WILD[7:]
    proteins = pl.DataFrame(
        {
            "id": ["wild", "R7K", "again", "two", "short", "R7X", "S2A", "same"],
            "sequence": [
                *(WILD, changed, changed, "A" + changed[1:], WILD[:-1]),
                *(WILD[:6] + "X" + WILD[7:], WILD[0] + "A" + WILD[2:], WILD),
            ],
            "text": ["AA", None, "KK", "CC", "CC", "DD", "EE", "WW"],
        }
    )
    build_index(proteins, Letters(), tmp_path / "index", model_name="letters")
    return Searcher.open(tmp_path / "index", model=Letters())


def test_variants_that_the_index_holds_are_marked(searcher):
    found = scan(searcher, "KK", "wild")
    assert found.protein == Protein("wild", WILD)
    assert found.same == ("wild", "same")
    assert found.known == {(7, "K"): ("R7K", "again"), (7, "X"): ("R7X",), (2, "A"): ("S2A",)}
    assert {each.notation: each.known for each in found.substitutions() if each.known} == {
        "R7K": ("R7K", "again"),
        "S2A": ("S2A",),
    }
    assert scan(searcher, "KK", WILD, config=ScanConfig((1, 5))).known == {(2, "A"): ("S2A",)}


def test_the_head_reads_the_relatives_of_the_index(searcher):
    asked = []

    class Head:
        def read(self, texts):
            return np.zeros((len(texts), 2))

        def scan(self, text, protein, profile=None, residues=None):
            asked.append(profile)
            return np.zeros((len(residues), 20))

    searcher.head = Head()
    scan(searcher, "KK", "wild", config=ScanConfig(signals=("head",)))
    distinct = Lookup.of(pl.Series(searcher.index.records["sequence"]).unique(maintain_order=True))
    assert len(distinct.starts) - 1 == 6
    assert asked[0].depth.max() > 1


def test_equal_scores_come_in_the_order_of_the_protein():
    found = scan_protein(Letters(), "K", Protein(None, "MTTTTTTTTT"), config=ScanConfig(signals=("model",)))
    object.__setattr__(found, "model", np.where(found.model > 0, 0.5, found.model * 0))
    assert [each.notation for each in found.best(2)] == [
        each.notation for each in found.substitutions() if each.model == 0.5
    ][:2]
    assert found.best(0) == []


def test_what_is_asked_wrongly():
    protein, model = Protein(None, WILD), Letters()
    for text, from_text, config, said in (
        (" ", None, None, "is empty; give a text"),
        ("a", "", None, "is empty; give a text"),
        ("a", " a ", None, "another"),
        ("a", None, ScanConfig((40, 60)), "the protein has 50 residues; name a region within it"),
        ("a", None, ScanConfig(most_residues=20), "more than 20 at once; name a region, such as 1-20, or raise most"),
    ):
        with pytest.raises(OptionError, match=said):
            scan_protein(model, text, protein, from_text=from_text, config=config)
    for bad in ({"signals": ()}, {"signals": ("words",)}, {"region": (0, 4)}, {"region": (9, 4)}, {"batch_size": 0}):
        with pytest.raises(OptionError):
            ScanConfig(**bad)
    for bad in ("", "5-", "a-b", "-4", "1-2-3", "5.5"):
        with pytest.raises(OptionError, match="such as 50-120"):
            parse_region(bad)


def test_a_protein_from_the_command_line(tmp_path, searcher):
    one, two = tmp_path / "one.fasta", tmp_path / "two.fasta"
    one.write_text(f">gene\n{WILD.lower()}\n")
    two.write_text(f">a\n{WILD}\n>b\n{WILD}A\n")
    assert read_protein(str(one), None) == Protein("gene", WILD)
    assert read_protein("wild", searcher.index) == Protein("wild", WILD)
    assert read_protein(WILD.lower() + "*", searcher.index) == Protein(None, WILD)
    with pytest.raises(FileFormatError, match="2 records, and one protein is scanned"):
        read_protein(str(two), None)
    with pytest.raises(OptionError, match="name its index with -i"):
        read_protein("TEM-1", None)
    with pytest.raises(OptionError, match="letter 'J' at position 11"):
        read_protein("MKTAYIAKQRJ", None)
    with pytest.raises(OptionError, match="wild"):
        read_protein("wilde", searcher.index)


def test_work_is_given_up_between_blocks():
    from protrek_hm.deadline import until

    told = []
    with pytest.raises(GivenUpError), until(lambda: len(told) == 2):
        scan_protein(Letters(), "a", Protein(None, WILD), progress=lambda *seen: told.append(seen))
    assert told == [("variants", 16 * 19, 950), ("variants", 32 * 19, 950)]


def test_a_folder_holds_table_json_and_pictures(tmp_path, searcher):
    found = scan(searcher, "KK", "wild", from_text="AA")
    save_scan(found, tmp_path / "out", {"fingerprint": "letters"})
    assert sorted(each.name for each in (tmp_path / "out").iterdir() if each.name[0] != ".") == [
        *("scan.json", "scan.pdf", "scan.png", "scan.tsv")
    ]
    table = pl.read_csv(tmp_path / "out" / "scan.tsv", separator="\t")
    assert table.columns == list(COLUMNS)
    assert len(table) == 950
    assert table.row(by_predicate=(pl.col("position") == 7) & (pl.col("residue") == "K"), named=True)["known"] == (
        "R7K again"
    )
    assert table["head"].null_count() == 950, "missing is not zero"
    content = json.loads((tmp_path / "out" / "scan.json").read_text())
    assert (content["format_version"], content["fingerprint"], content["from_text"]) == (1, "letters", "AA")
    assert np.abs(np.array(content["model"]) - found.model).max() < 1e-7
    assert scan_table(found)["model"].to_list() == table["model"].to_list()


def test_the_terminal_lists_the_highest_and_the_lowest(searcher, capsys):
    import sys

    found = scan(searcher, "KK", "wild")
    write_scan(found, sys.stdout, form="table", top=1)
    out = capsys.readouterr().out
    assert "wild: “KK”" in out
    assert "residues 1 to 50, 950 substitutions, ordered by the model; 4 known variants" in out
    assert found.best(1)[0].notation in out
    assert found.best(1, lowest=True)[0].notation in out
    assert all(line == line.rstrip() for line in out.splitlines())
