import json

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import OptionError
from protrek_hm.figures.blocks import marks
from protrek_hm.index.build import build_index
from protrek_hm.search import reading
from protrek_hm.search.explain import Protein, explain, explain_pair
from protrek_hm.search.searcher import Searcher

WEIGHTS = dict(zip("ACDEFGHIKLMNPQRSTVWYBZXUO", np.linspace(-0.02, 0.02, 25), strict=True))
WILD = "MSIQHFRVALIPFFAAFCLPVFAHPETLVKVKDAEDQLGARVGYIELDLN"


class Linear:
    """Cosine with any text = the sum of its letters' weights, each times 1 to 3 by its position, and a pair's bonus."""

    temperature, tasks = 0.05, ("text", "sequence")

    def __init__(self, bonus=0.0):
        self.bonus, self.batches = bonus, []

    def fingerprint(self):
        return "linear"

    def score(self, sequence):
        single = sum(WEIGHTS[letter] * (1 + at % 3) for at, letter in enumerate(sequence))
        return single + self.bonus * (sequence[4:5] == "W") * (sequence[10:11] == "W")

    def encode(self, inputs, /, *, task, **_):
        if task == "text":
            return np.array([[2.0, 0.0]] * len(inputs))
        self.batches.append(list(inputs))
        scores = np.array([self.score(each) for each in inputs])
        return np.stack([scores, np.sqrt(1 - scores**2)], axis=1)


def substituted(sequence, changes):
    letters = list(sequence)
    for position, letter in changes.items():
        letters[position - 1] = letter
    return "".join(letters)


def test_a_linear_model_gives_back_the_weights_it_was_made_of():
    model, changes = Linear(), {5: "K", 12: "B", 31: "U"}
    mutant = substituted(WILD, changes)
    why = explain_pair(model, " any text ", Protein("wild", WILD), Protein(None, mutant))
    for each in why.substitutions:
        by_hand = (WEIGHTS[each.letter_b] - WEIGHTS[each.letter_a]) * (1 + (each.position_a - 1) % 3)
        assert each.change == pytest.approx(by_hand, abs=1e-6)
        assert each.change_in_b == pytest.approx(-by_hand, abs=1e-6)
    assert [each.notation for each in why.substitutions] == ["H5K", "P12B", "V31U"]
    assert why.gap == pytest.approx(model.score(WILD) - model.score(mutant), abs=1e-6)
    assert why.explained == pytest.approx(why.gap, abs=1e-6)
    assert why.explained_in_b == pytest.approx(why.gap, abs=1e-6)
    assert why.interaction == pytest.approx(0, abs=1e-6)
    assert why.text == "any text"
    assert why.a.protrek_score == pytest.approx(why.a.score / 0.05)
    assert why.identity == pytest.approx(47 / 50)
    assert why.notes == ()


def test_what_two_differences_do_together_is_said():
    model = Linear(bonus=0.1)
    mutant = substituted(WILD, {5: "W", 11: "W"})
    why = explain_pair(model, "text", Protein(None, WILD), Protein(None, mutant))
    assert why.winner == "b"
    assert why.interaction == pytest.approx(-0.1, abs=1e-6)  # the bonus is on neither difference alone
    assert why.explained_in_b == pytest.approx(why.gap - 0.1, abs=1e-6)  # and counts twice where each is taken back


def test_changes_with_gaps_are_those_of_mutants_made_by_hand():
    model = Linear()
    other = "GS" + WILD[:10] + WILD[13:30] + "Y" + WILD[31:] + "KK"
    why = explain_pair(model, "text", Protein(None, WILD), Protein(None, other))
    in_a = {
        "insGS_M1": "GS" + WILD,
        "I11_F13del": WILD[:10] + WILD[13:],
        "V31Y": WILD[:30] + "Y" + WILD[31:],
        "N50_insKK": WILD + "KK",
    }
    in_b = {
        "insGS_M1": other[2:],
        "I11_F13del": "GS" + WILD[:30] + "Y" + WILD[31:] + "KK",
        "V31Y": "GS" + WILD[:10] + WILD[13:] + "KK",
        "N50_insKK": other[:-2],
    }
    assert {each.notation for each in why.substitutions} == set(in_a)
    for each in why.substitutions:
        assert each.change == pytest.approx(model.score(in_a[each.notation]) - model.score(WILD), abs=1e-6)
        assert each.change_in_b == pytest.approx(model.score(in_b[each.notation]) - model.score(other), abs=1e-6)
    assert len(model.batches) == 1, "everything is encoded at once"
    assert len(model.batches[0]) == 2 + 2 * 4


def test_the_same_sequence_twice():
    why = explain_pair(Linear(), "text", Protein("P1", WILD), Protein("P2", WILD))
    assert (why.winner, why.gap, why.substitutions, why.explained, why.interaction) == (None, 0, (), 0, 0)
    assert why.notes == ("the two sequences are the same",)


def test_strangers_are_aligned_and_scored_but_not_taken_apart():
    model = Linear()
    why = explain_pair(model, "text", Protein(None, WILD), Protein(None, "W" * 40))
    assert why.identity < 0.5
    assert len(why.substitutions) >= 40
    assert {(each.change, each.change_in_b) for each in why.substitutions} == {(None, None)}
    assert (why.explained, why.explained_in_b, why.interaction) == (None, None, None)
    assert why.gap == pytest.approx(model.score(WILD) - model.score("W" * 40), abs=1e-6)
    assert "no twins" in why.notes[0]


def test_more_differences_than_wanted():
    mutant = substituted(WILD, {5: "W", 11: "W"})
    assert explain_pair(Linear(), "t", Protein(None, WILD), Protein(None, mutant), most_differences=2).notes == ()
    why = explain_pair(Linear(), "t", Protein(None, WILD), Protein(None, mutant), most_differences=1)
    assert [each.change for each in why.substitutions] == [None, None]
    assert why.notes == ("2 differences, more than the 1 up to which single ones are scored",)


def test_what_lies_behind_the_window_changes_nothing_and_is_told(monkeypatch):
    monkeypatch.setattr(reading, "residues_read", lambda model, length, task="sequence": min(length, 20))
    monkeypatch.setattr("protrek_hm.search.explain.residues_read", reading.residues_read)
    behind, both = substituted(WILD, {40: "W"}), substituted(WILD, {10: "W", 40: "W"})
    why = explain_pair(Linear(), "t", Protein("P1", WILD), Protein(None, behind))
    assert (why.gap, why.substitutions[0].change, why.a.residues_read) == (0, 0, 20)
    assert [note[:42] for note in why.notes] == [
        "P1: the model reads residues 1 to 20 of 50",
        "B: the model reads residues 1 to 20 of 50;",
    ]
    why = explain_pair(Linear(), "t", Protein("P1", WILD), Protein(None, both))
    assert why.substitutions[0].change == pytest.approx(-why.gap)
    assert why.substitutions[1].change == 0


def test_as_dict_is_json_and_complete():
    why = explain_pair(Linear(), "t", Protein("P1", WILD), Protein(None, WILD[:20] + WILD[22:]))
    content = json.loads(json.dumps(why.as_dict()))
    assert list(content) == [
        *["text", "a", "b", "winner", "gap", "alignment", "identity", "coverage"],
        *["substitutions", "explained", "explained_in_b", "interaction", "notes", "votes"],
    ]
    assert content["a"].keys() == {"id", "sequence", "score", "protrek_score", "residues_read", "length"}
    assert content["alignment"]["marks"] == marks(why.alignment.a, why.alignment.b) == " " * 20 + "--" + " " * 28
    assert content["substitutions"][0] == {
        **{"column": 21, "position_a": 21, "position_b": 20, "letter_a": "VF", "letter_b": ""},
        **{"notation": "V21_F22del", "change": why.substitutions[0].change},
        "change_in_b": why.substitutions[0].change_in_b,
    }


@pytest.fixture(scope="module")
def searcher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain") / "index"
    proteins = pl.DataFrame(
        {"id": ["TEM-1", "TEM-2", "TEM-1"], "sequence": [WILD, WILD[:-1], WILD], "text": ["a", "b", "c"]}
    )
    build_index(proteins, Linear(), folder, model_name="linear")
    return Searcher.open(folder, model=Linear())


def test_ids_of_the_index_and_sequences_mix(searcher):
    why = explain(searcher, "text", "TEM-1", f" {WILD[:-1].lower()}* ")
    assert (why.a.id, why.a.sequence, why.b.id, why.b.sequence) == ("TEM-1", WILD, None, WILD[:-1])
    assert why == explain(searcher, "text", WILD, "TEM-2").__class__(**{**vars(why), "a": why.a, "b": why.b}), (
        "dataclasses compare by value"
    )


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("TEM-3", "TEM-1", "TEM-3.*TEM-1"),
        ("TEM-1", "TEM", "'TEM'"),
        ("TEM-1", "", "''"),
        (WILD[:20] + "J" + WILD, "TEM-1", r"MSIQHFRVALIPFFAAFCLPJMSIQHF.*…': letter 'J' at position 21"),
    ],
)
def test_what_is_neither_id_nor_sequence_is_refused(searcher, a, b, message):
    with pytest.raises(OptionError, match=message):
        explain(searcher, "text", a, b)


def test_an_empty_text_is_refused(searcher):
    with pytest.raises(OptionError, match="is empty"):
        explain(searcher, " ", "TEM-1", "TEM-2")
