"""Proteins are mended or refused, never read as unknown tokens; what is too long is cut before it is tokenized."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import EsmTokenizer

from protrek_hm.errors import InputError, ModelError
from protrek_hm.model import ProTrek
from protrek_hm.model.inputs import clean_inputs, count_cut, cut_input, describe_cut, lengths, reader_of, window
from protrek_hm.model.tokenizers import RESIDUE_TOKENS, protein_tokenizer


@pytest.mark.parametrize(
    "spelling", ["mkvlaggw", "MKVL AGGW", "MKVL\nAGGW\r\n", "\tMKVLAGGW*", "MkVlaGgW ", " mkvlaggw\xa0* "]
)
def test_spellings_of_a_sequence_are_one_sequence(model, spelling):
    wanted, found, other = model.encode(["MKVLAGGW", spelling, "MKVLAGGF"], task="sequence")
    np.testing.assert_array_equal(found, wanted)
    assert np.abs(other - wanted).max() > 1e-3
    np.testing.assert_array_equal(model.encode(spelling, task="sequence"), model.encode("MKVLAGGW", task="sequence"))
    np.testing.assert_array_equal(model.score(["heme"], [spelling]), model.score(["heme"], ["MKVLAGGW"]))


def test_spellings_of_a_structure_are_one_structure(model):
    found = model.encode(["dvpq#", "DVPQ#", " dv\npq# ", "DvPq#"], task="structure")
    assert (found == found[0]).all()


@pytest.mark.parametrize(
    ("task", "wrong", "problem"),
    [
        ("sequence", "MKJV", "letter 'J' at position 3"),
        ("sequence", "mkjv", "letter 'J' at position 3"),
        ("sequence", "MK-V", "gap '-' at position 3"),
        ("sequence", "MK*V", r"stop '\*' at position 3"),
        ("sequence", "MK*<mask>V", r"stop '\*' at position 3"),
        ("sequence", "MK1", "letter '1' at position 3"),
        ("sequence", "MKß", "letter 'ß' at position 3"),
        ("sequence", "M\u212a", "letter '\u212a' at position 2"),
        ("sequence", ">sp|P1\nMKV", "letter '>' at position 1"),
        ("sequence", "MdKvVp", "as SaProt writes them"),
        ("sequence", "<cls>MK", "letter '<' at position 1"),
        ("sequence", "", "no residue in it"),
        ("sequence", " \n*", "no residue in it"),
        ("sequence", None, "a NoneType, not a string"),
        ("sequence", float("nan"), "a float, not a string"),
        ("structure", "dvz", "letter 'z' at position 3 is no 3Di letter"),
        ("structure", "dv-p", "letter '-' at position 3 is no 3Di letter"),
        ("structure", " ", "no 3Di letter in it"),
        ("text", "", "empty"),
        ("text", " \u200b\n", "empty"),
        ("text", "a\ud800kinase", "surrogate pair .* at position 2"),
        ("text", b"a kinase", "a bytes, not a string"),
    ],
)
def test_what_is_none_is_refused_by_number_letter_and_position(model, task, wrong, problem):
    good = "a kinase" if task == "text" else "DVP"
    with pytest.raises(InputError, match=f"^{task} 2 .*{problem}") as caught:
        model.encode([good, wrong, good], task=task)
    assert "\n" not in str(caught.value)
    assert caught.value.number == 2
    for options in ({"packed": False}, {"prompt": ""}):
        with pytest.raises(InputError):
            model.encode([wrong], task=task, **options)


@pytest.mark.parametrize("wrong", [None, 5, {"text": "a kinase"}, b"a kinase"])
def test_what_is_no_string_and_no_list_of_strings(model, wrong):
    with pytest.raises(InputError, match="^text 1 .*not a string"):
        model.encode(wrong, task="text")


def test_the_mask_may_stand_in_a_protein(model):
    transformer = reader_of(model.routes["sequence"])
    [found] = clean_inputs(["mk<mask>v"], "sequence", transformer.tokenizer)
    assert transformer.tokenizer.tokenize(found) == ["M", "K", "<mask>", "V"]
    assert clean_inputs(["D<mask>v"], "structure", reader_of(model.routes["structure"]).tokenizer) == ["d<mask>v"]


def esm(tmp_path, tokens):
    (tmp_path / "vocab.txt").write_text("\n".join(tokens))
    return EsmTokenizer(str(tmp_path / "vocab.txt"))


def test_letters_that_a_vocabulary_lacks(tmp_path):
    own = protein_tokenizer(esm(tmp_path, [each for each in RESIDUE_TOKENS if each not in "UO"]), max_tokens=9)
    with pytest.raises(InputError, match="letter 'U' at position 2 is none that this model knows"):
        clean_inputs(["MUK"], "sequence", own)


def test_pairs_of_residue_and_state(tmp_path):
    pairs = [a + s for a in "ACDEFGHIKLMNPQRSTVWY#" for s in "pynwrqhgdlvtmfsaeikc#"]
    own = protein_tokenizer(esm(tmp_path, [*RESIDUE_TOKENS[:4], "<mask>", *pairs]), max_tokens=9)
    given = ["MKV", "mkv*", "MdKvV#", "Md Kv\nV#", "MUX"]
    assert clean_inputs(given, "sequence", own) == ["MKV", "MKV", "MdKvV#", "MdKvV#", "MUX"]
    for wrong in ("Mdk", "MKz", "M1"):
        with pytest.raises(InputError):
            clean_inputs([wrong], "sequence", own)
    assert clean_inputs(["DVp"], "structure", own) == ["dvp"]


words = st.lists(
    st.sampled_from(
        ["kinase", "a", "heme", ".", "--", "x" * 99, "x" * 101, "glucose-6", "Ä", "中", " ", "\n", "[SEP]"]
    ),
    max_size=60,
)


@given(words, st.sampled_from(["", " "]))
@settings(max_examples=150, deadline=None)
def test_a_text_that_is_cut_has_the_same_tokens(model, monkeypatch_module, given_words, joint):
    transformer, text = reader_of(model.routes["text"]), joint.join(given_words)
    try:
        cut = cut_input(text, "text", transformer)
    except ModelError:
        return
    found, wanted = (transformer.tokenizer(each, truncation=True)["input_ids"] for each in (cut, text))
    assert found == wanted


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("protrek_hm.model.inputs._FIRST_LOOK", 2)
        yield


@pytest.mark.parametrize(
    ("task", "unit"),
    [("sequence", "MKVLA"), ("structure", "dvpqa"), ("text", "kinase "), ("text", "a."), ("text", "中")],
)
def test_a_huge_input_is_cut_before_it_is_tokenized(model, monkeypatch, task, unit):
    transformer, seen = reader_of(model.routes[task]), []
    preprocess = type(transformer).preprocess
    monkeypatch.setattr(
        type(transformer), "preprocess", lambda self, each, **k: seen.extend(each) or preprocess(self, each, **k)
    )
    small, huge = unit * 1_000, unit * 2_000_000
    tracemalloc.start()
    few, many = model.encode([small, huge], task=task)
    model.preprocess([huge], task=task)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(few, many)
    assert max(map(len, seen)) < 1_000
    assert peak < 6 * len(huge.encode())


def test_a_tokenizer_that_keeps_the_end_is_given_all(saved):
    model = ProTrek.from_pretrained(saved, device="cpu")
    reader_of(model.routes["sequence"]).tokenizer.truncation_side = "left"
    found = model.encode(["M" * 100 + "KVLAGGWACDEFGHIKLW", "M" * 300 + "KVLAGGWACDEFGHIKLW"], task="sequence")
    np.testing.assert_array_equal(found[0], found[1])
    other = model.encode(["M" * 100 + "KVLAGGWACDEFGHIKLF"], task="sequence")[0]
    assert np.abs(found[0] - other).max() > 1e-4


def test_a_word_without_end(model):
    with pytest.raises(ModelError, match="3,000,000 letters has fewer than 20 words in its first"):
        model.encode(["x" * 3_000_000], task="text")


def test_a_tokenizer_of_bytes_too():
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {each: number for number, each in enumerate([*letters, "in", "Ġb"])}
    own = Tokenizer(models.BPE(vocabulary, [("i", "n"), ("Ġ", "b")]))
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast = PreTrainedTokenizerFast(tokenizer_object=own, model_max_length=10)

    class Reader:
        tokenizer, max_seq_length = fast, 10

    text = "binds  iron, isn't it?  " * 100
    cut = cut_input(text, "text", Reader())
    assert len(cut) < len(text)
    assert fast(cut, truncation=True)["input_ids"] == fast(text, truncation=True)["input_ids"]


@pytest.mark.parametrize("task", ["text", "sequence", "structure"])
def test_what_is_cut_is_what_changes_when_its_end_is_lost(model, task):
    unit = "kinase " if task == "text" else "a" if task == "structure" else "A"
    inputs = [unit * length for length in (1, 17, 18, 19, 40)]
    assert window(model, task) == 18
    shorter = [unit * (length - 1) for length in (1, 17, 18, 19, 40)]
    same = np.isclose(model.encode(inputs[1:], task=task), model.encode(shorter[1:], task=task), atol=1e-6).all(axis=1)
    assert same.tolist() == [False, False, True, True]
    assert count_cut(model, inputs, task=task) == 2


def test_the_line(model):
    assert describe_cut(model, ["A" * 18], task="sequence") is None
    assert describe_cut(model, [], task="text") is None
    assert (
        describe_cut(model, ["A" * 19, "A"], task="sequence")
        == "1 of 2 sequences is longer than the model's 18 residues: the rest is not read"
    )
    assert "2 of 2 texts are longer than the model's 18 tokens" in str(
        describe_cut(model, ["glucose " * 30] * 2, task="text")
    )


def test_huge_inputs_are_counted_a_part_at_a_time(model):
    text = "glucose " * 60_000
    tracemalloc.start()
    assert lengths(model, [text, "glucose"], task="text") == [60_000, 1]
    assert count_cut(model, [text, "glucose"], task="text") == 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6  # all at once took 30 MB, and far more that tracemalloc does not see


def test_blanks_and_stops_count_for_nothing(model):
    assert lengths(model, ["MKV LA\n", "mkvla*", "MKVLA"], task="sequence") == [5, 5, 5]
