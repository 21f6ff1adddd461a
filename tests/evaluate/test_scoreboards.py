"""Scoreboards: their definitions against scikit-learn and loops, their files, and a model that knows the truth."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score

from protrek_hm.errors import FileFormatError, MissingColumnError, MissingFileError, NothingFoundError, RecordError
from protrek_hm.evaluate.scoreboards.ec import levels_right, rate, separate, transfer_all, weighted_auc, weighted_scores
from protrek_hm.evaluate.scoreboards.files import (
    TOTAL,
    Enzymes,
    read_class_texts,
    read_enzymes,
    read_protrek_folder,
    sections_of_table,
)
from protrek_hm.evaluate.scoreboards.sections import retrieve_sections

TABLES = st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=2, max_size=8).map(np.array)


@given(TABLES)
def test_weighted_scores_are_scikit_learns(table):
    true, predicted = table[:, :3], table[:, 3:]
    if true.any():
        found = weighted_scores(true, predicted)
        options = {"average": "weighted", "zero_division": 0}
        assert found["precision"] == pytest.approx(precision_score(true, predicted, **options))
        assert found["recall"] == pytest.approx(recall_score(true, predicted, **options))
        assert found["f1"] == pytest.approx(f1_score(true, predicted, **options))
        twice = weighted_scores(true, predicted, times=np.full(len(true), 2))
        assert twice == pytest.approx(found)


def test_weighted_auc_is_scikit_learns():
    rng = np.random.default_rng(0)
    true = rng.random((40, 5)) < 0.3
    scores = rng.integers(0, 4, (40, 5)) / 4
    assert weighted_auc(true, scores) == pytest.approx(roc_auc_score(true, scores, average="weighted"))


def naive_separation(distances):
    """Max separation, written as its paper describes it."""
    later = [*distances[1:], *[distances[-1]] * 10]
    separation = [abs(each - sum(later) / len(later)) for each in distances]
    gaps = [abs(first - second) for first, second in zip(separation, separation[1:], strict=False)]
    large = [number for number, gap in enumerate(gaps) if gap > sum(gaps) / len(gaps) + 1e-6]
    return 1 if not large or large[0] >= 5 else large[0] + 1


@given(st.lists(st.floats(0.01, 2), min_size=10, max_size=10, unique=True).map(sorted))
def test_separation_equals_a_naive_loop(distances):
    assert separate(np.array(distances)) == naive_separation(distances)


@pytest.mark.parametrize(
    ("predicted", "true", "levels"),
    [
        (["3.5.2.6"], ["3.5.2.6"], 4),
        (["3.5.2.1"], ["3.5.2.6", "1.1.1.1"], 3),
        (["3.1.2.6"], ["3.5.2.6"], 1),
        (["2.5.2.6"], ["3.5.2.6"], 0),
        (["3.5.-.-"], ["3.5.-.-"], 2),
        ([], ["3.5.2.6"], 0),
    ],
)
def test_levels(predicted, true, levels):
    assert levels_right(predicted, true) == levels


def test_files_of_clean_and_care(tmp_path):
    clean = tmp_path / "price.csv"  # tab-separated, whatever its name
    clean.write_text("Entry\tEC number\tSequence\nA\t1.1.1.1;2.7.1.5\tMKV\nB\t3.5.2.6\tMRV\n")
    assert read_enzymes(clean) == Enzymes(("A", "B"), ("MKV", "MRV"), (("1.1.1.1", "2.7.1.5"), ("3.5.2.6",)))
    care = tmp_path / "care.csv"  # a row for each protein and class, further columns
    care.write_text("index,Entry,Sequence,EC number,Length\n7,A,MKV,1.1.1.1,3\n8,A,MKV,2.7.1.5,3\n")
    assert read_enzymes(care).classes == (("1.1.1.1", "2.7.1.5"),)
    texts = tmp_path / "text2EC.csv"
    texts.write_text('EC number,Text,Text Incomplete\n1.1.1.1,"oxidoreductase; alcohol dehydrogenase",False\n')
    assert read_class_texts(texts) == {"1.1.1.1": "oxidoreductase; alcohol dehydrogenase"}


def test_classes_that_say_na_are_none(tmp_path):
    path = tmp_path / "care.csv"
    path.write_text("Entry,EC number,Sequence\nA,1.1.1.1,MKV\nB,NA,MRV\nC,#N/A,MWV\nD,-,MYV\nE,1.1.1.2; NA,MFV\n")
    assert read_enzymes(path) == Enzymes(("A", "E"), ("MKV", "MFV"), (("1.1.1.1",), ("1.1.1.2",)))
    path.write_text("EC number,Text\n1.1.1.1,nan\n1.1.1.2, oxidoreductase \n")
    assert read_class_texts(path) == {"1.1.1.2": "oxidoreductase"}
    path.write_text("Entry,EC number,Sequence\nA,1.1.1.1,MKV\nB,1.1.1.2;2.7.1.1\n")
    with pytest.raises(RecordError, match="care.csv:3: "):
        read_enzymes(path)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("Entry\tSequence\nA\tMKV\n", MissingColumnError, "no column 'EC number'"),
        ("Entry\tEC number\tSequence\nA\t1.1.1.1\tMJ1\n", FileFormatError, "A: letter 'J' at position 2"),
        ("Entry\tEC number\tSequence\nA\t\tMKV\n", FileFormatError, "no complete record"),
    ],
)
def test_bad_enzyme_tables(tmp_path, content, error, message):
    path = tmp_path / "bad.tsv"
    path.write_text(content)
    with pytest.raises(error, match=message):
        read_enzymes(path)


@pytest.fixture
def enzymes():
    """Return training and test enzymes of six classes; a test protein is a training one less its last letter."""
    rng = np.random.default_rng(0)
    classes = [f"{number}.1.1.{number}" for number in range(1, 7)]
    sequences = ["".join(rng.choice(list("ACDEFGHIKL"), 30)) for _ in classes]
    train = Enzymes(tuple("abcdef"), tuple(sequences), tuple((ec,) for ec in classes))
    return train, Enzymes(tuple("uvwxyz"), tuple(each[:-1] for each in sequences), train.classes)


class Knowing:
    """Puts an enzyme, what differs from it at its end, and the text of its class on one spot."""

    def __init__(self, train):
        self.spot = {sequence[:20]: ec for sequence, (ec,) in zip(train.sequences, train.classes, strict=True)}

    def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
        names = [each if task == "text" else self.spot[each[:20]] for each in inputs]
        return np.array([np.random.default_rng([*name.encode()]).normal(size=64) for name in names])


def test_who_knows_the_classes_scores_one(enzymes):
    train, test = enzymes
    texts = {ec: ec for (ec,) in train.classes}
    by_text, by_protein, by_search = (rate(each, test) for each in transfer_all(Knowing(train), train, test, texts))
    for result in (by_text, by_protein):
        assert {name: each.value for name, each in result.estimates.items()} == pytest.approx(
            dict.fromkeys(("precision", "recall", "f1", "auc"), 1.0)
        )
        assert [each.value for each in result.levels] == [1.0] * 4
        assert result.predicted == test.classes
    assert by_search.predicted == ((),) * 6  # the stand-in finds equal proteins only
    assert [each.value for each in by_search.levels] == [0.0] * 4


@pytest.mark.numeric
def test_tied_classes_are_told_apart_by_no_digit_and_no_order(enzymes):
    """The model reads all enzymes of a pair of classes alike: each class of the pair is as near, so half are right."""
    train, test = enzymes

    class Pairs(Knowing):
        def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
            names = [f"pair {int((each if task == 'text' else self.spot[each[:20]])[0]) // 2}" for each in inputs]
            found = np.array([np.random.default_rng([*name.encode()]).normal(size=64) for name in names])
            found /= np.linalg.norm(found, axis=1, keepdims=True)
            return found + np.random.default_rng(len(inputs)).uniform(-3e-8, 3e-8, found.shape)

    texts = {ec: ec for (ec,) in train.classes}
    turned = Enzymes(train.ids[::-1], train.sequences[::-1], train.classes[::-1])
    for known, told in ((train, texts), (turned, dict(reversed(texts.items())))):
        for transfer in transfer_all(Pairs(train), known, test, told)[:2]:
            result = rate(transfer, test)
            assert [each.value for each in result.levels] == [4 / 6] * 4, "classes 1 and 6 are alone: 2 + 4 / 2 of 6"
            assert transfer.classes[1][:2] == transfer.classes[2][:2] == ("2.1.1.2", "3.1.1.3")
            assert (transfer.distances[1][:2] == transfer.distances[1][0]).all()


def test_a_class_text_in_two_spellings_ties(enzymes):
    train, test = enzymes
    texts = {ec: ("Cuts\u00a0sugar" if ec < "3" else "cuts sugar.") for (ec,) in train.classes[:4]}
    by_text = transfer_all(Knowing(train), train, test, texts)[0]
    assert all((distances == distances[0]).all() for distances in by_text.distances)


@pytest.mark.parametrize("level", [0.1, 0.3, 1.1, 2 / 3])
def test_there_is_no_gap_between_equals(level):
    assert separate(np.full(10, level) + np.linspace(0, 1e-8, 10)) == 1


def test_without_texts_classes_are_not_looked_for_by_text(enzymes):
    train, test = enzymes
    assert [each.name for each in transfer_all(Knowing(train), train, test, None)] == ["nearest protein", "MMseqs2"]


@pytest.fixture
def protrek_folder(tmp_path):
    labels = {
        "P1": {"seq": "MKA", "foldseek": "dva", "Function": [0], "Pathway": [0], "Total": [0, 1]},
        "P2": {"seq": "MKC", "foldseek": "dvc", "Function": [1], "Total": [2]},
        "P3": {"seq": "MKD", "foldseek": "dvd", "Function": [1, 2], "Total": [2, 3]},
    }
    texts = {
        "Function": {"0": ["binds iron", "iron binder"], "1": ["cuts sugar"], "2": ["is inert"]},
        "Pathway": {"0": ["glycolysis"]},
        "Total": {"0": "Function|0", "1": "Pathway|0", "2": "Function|1", "3": "Function|2"},
    }
    (tmp_path / "uniprot2label.json").write_text(json.dumps(labels))
    (tmp_path / "label2text.json").write_text(json.dumps(texts))
    (tmp_path / "swissprot_ids.tsv").write_text("P1\nP3\n")
    return tmp_path


def test_protreks_folder(protrek_folder):
    data = read_protrek_folder(protrek_folder)
    assert data.sequences == ("MKA", "MKC", "MKD")
    assert data.texts["Function"] == ("binds iron", "cuts sugar", "is inert")
    assert data.texts[TOTAL] == ("binds iron", "glycolysis", "cuts sugar", "is inert")
    assert data.pairs["Function"].tolist() == [[0, 0], [1, 1], [2, 1], [2, 2]]
    assert data.asks == {0, 2}
    (protrek_folder / "label2text.json").write_text('{"Function": {"0": []}}')
    with pytest.raises(FileFormatError, match="not ProTrek's test data"):
        read_protrek_folder(protrek_folder)
    with pytest.raises(MissingFileError):
        read_protrek_folder(protrek_folder / "none")


def test_sections_are_rated_as_by_scikit_learn(protrek_folder, guesser):
    data = read_protrek_folder(protrek_folder)
    results = {(each.direction, each.section): each for each in retrieve_sections(guesser, data)}
    unit = {}
    for task, items in (("sequence", data.sequences), ("text", data.texts["Function"])):
        vectors = guesser.encode(list(items), task=task, batch_size=1, show_progress_bar=False)
        unit[task] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = np.round(unit["sequence"] @ unit["text"].T, 6)
    expected = []
    for protein, right in ((0, [0]), (2, [1, 2])):
        expected.append(average_precision_score(np.isin(range(3), right), scores[protein]))
    found = results["sequence → text", "Function"]
    assert (found.pool, found.estimates["map"].n) == (3, 2)
    assert found.estimates["map"].value == pytest.approx(np.mean(expected))
    mean = results["text → sequence", "all"].estimates["mrr"].value
    sections = [results["text → sequence", name].estimates["mrr"].value for name in ("Function", "Pathway")]
    assert mean == pytest.approx(np.mean(sections))


@pytest.mark.parametrize("folder", [True, False])
def test_a_text_in_two_spellings_is_one_text_of_a_section(folder, tmp_path):
    spellings = ("binds iron", "Binds\u00a0iron.", "cuts")
    if folder:
        labels = {f"P{n}": {"seq": f"MK{'ACD'[n]}", "Function": [n]} for n in range(3)}
        (tmp_path / "uniprot2label.json").write_text(json.dumps(labels))
        texts = {"Function": {str(n): [text] for n, text in enumerate(spellings)}}
        (tmp_path / "label2text.json").write_text(json.dumps(texts))
        data = read_protrek_folder(tmp_path)
    else:
        table = pl.DataFrame({"sequence": ["MKA", "MKC", "MKD"], "text": spellings})
        data = sections_of_table(table, ["text"], name="table.tsv")

    class Knows:
        def encode(self, inputs, /, **options):
            return np.eye(2)[[int(each in ("cuts", "MKD")) for each in inputs]]

    for result in retrieve_sections(Knows(), data):
        assert result.pool == (2 if result.direction == "sequence → text" else 3)
        assert {name: each.value for name, each in result.estimates.items()} == dict.fromkeys(result.estimates, 1.0)


def test_sections_of_a_table(oracle):
    table = pl.DataFrame(
        {
            "sequence": ["MK", "MR", "MV"],
            "function": ["text of MK", "text of MR", None],
            "pathway": [None, "text of MR", "text of MV"],
        }
    )
    data = sections_of_table(table, ["function", "pathway"], name="table.tsv")
    assert data.texts[TOTAL] == ("text of MK", "text of MR", "text of MV")
    for result in retrieve_sections(oracle, data):
        assert {name: each.value for name, each in result.estimates.items()} == dict.fromkeys(result.estimates, 1.0)
    with pytest.raises(MissingColumnError, match="no column 'cofactor'"):
        sections_of_table(table, ["cofactor"], name="table.tsv")
    with pytest.raises(NothingFoundError, match="no section has a text"):
        retrieve_sections(oracle, sections_of_table(table.with_columns(text=pl.lit(None)), ["text"], name="t"))
