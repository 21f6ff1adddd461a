import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.model.inputs import reader_of
from protrek_hm.search.explain import Protein, explain_pair
from protrek_hm.search.pairs import score_pairs
from protrek_hm.search.reading import NoticeWarning, cuts, residues_read, tell_cuts, tell_unread

WILD = "MKTAYIAKQRQISFVKSHFSRQLEER"


@pytest.fixture(scope="module")
def model():
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    tower = TowerConfig(layers=1, hidden=16, heads=2, max_tokens=20)
    config = ModelConfig(sequence=tower, text=tower, structure=None, dimension=8, vocabulary=120)
    return ProTrek.build(config, texts=["cleaves citrate"], device="cpu")


def test_a_protrek_reads_up_to_its_window(model, letter_encoder):
    assert [residues_read(model, length) for length in (5, 18, 26)] == [5, 18, 18]
    assert residues_read(letter_encoder(), 5000) == 5000
    assert tell_cuts(model, [WILD, WILD, "MKV"], task="sequence") is not None
    assert str(tell_cuts(model, [WILD, WILD, "MKV"], task="sequence")).startswith("1 of 2 sequences")
    assert tell_cuts(letter_encoder(), [WILD], task="sequence") is None
    assert tell_unread([("P1", 18, 18)]) == []


def test_the_changes_of_a_real_model_are_those_of_mutants_encoded_one_by_one(model):
    other = WILD[:2] + "W" + WILD[3:7] + WILD[9:20] + "P" + WILD[21:]
    why = explain_pair(model, "cleaves", Protein("wild", WILD), Protein(None, other))
    text = model.encode("cleaves", task="text").astype(np.float64)

    def score(sequence):
        return float(model.encode(sequence, task="sequence", packed=False).astype(np.float64) @ text)

    by_hand = {"T3W": WILD[:2] + "W" + WILD[3:], "K8_Q9del": WILD[:7] + WILD[9:], "R21P": WILD[:20] + "P" + WILD[21:]}
    assert {each.notation for each in why.substitutions} == set(by_hand)
    for each in why.substitutions:
        assert each.change == pytest.approx(score(by_hand[each.notation]) - score(WILD), abs=1e-6)
    assert why.gap == pytest.approx(score(WILD) - score(other), abs=1e-6)
    assert why.substitutions[-1].change == 0, "residue 21 lies behind the window"
    assert why.a.protrek_score == pytest.approx(why.a.score / model.temperature)
    assert [note.split(";")[0] for note in why.notes] == [
        "wild: the model reads residues 1 to 18 of 26",
        "B: the model reads residues 1 to 18 of 24",
    ]


def test_a_long_text_is_told_by_explain_and_by_loose_pairs(model):
    text = "cleaves " * 30
    why = explain_pair(model, text, Protein("a", "MKV"), Protein("b", "MKL"))
    assert why.notes[0].startswith("the text: the model reads tokens 1 to 18 of 30; ")
    with pytest.warns(NoticeWarning) as caught:
        score_pairs(model, [text], [WILD, "MKV"])
    assert [str(each.message).split(":")[0] for each in caught] == [
        "1 of 1 texts is longer than the model's 18 tokens",
        "1 of 2 sequences is longer than the model's 18 residues",
    ]
    assert score_pairs(model, ["cleaves"], ["MKV"]).shape == (1,)


@given(st.lists(st.text(alphabet="aé 蛋c", max_size=40), max_size=4))
@settings(max_examples=30, deadline=None)
def test_what_is_cut_is_what_the_tokenizer_says(model, texts):
    tokenize = reader_of(model.routes["text"]).tokenizer
    for text, cut in zip(texts, cuts(model, texts, task="text"), strict=True):
        tokens = len(tokenize(text, add_special_tokens=False)["input_ids"])
        assert (None if cut is None else (cut.length, cut.read, cut.unit)) == (
            (tokens, 18, "tokens") if tokens > 18 else None
        )
