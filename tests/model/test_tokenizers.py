"""Tokenizers against the published vocabularies, letter by letter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, EsmTokenizer

from protrek_hm.model.tokenizers import (
    protein_tokenizer,
    residue_tokenizer,
    structure_tokenizer,
    train_text_tokenizer,
    vocabulary_lines,
)

# vocab.txt of facebook/esm2_t33_650M_UR50D
ESM2 = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO", ".", "-", "<null_1>", "<mask>"]
# The 20 states of Foldseek
STATES = "ACDEFGHIKLMNPQRSTVWY".lower()


def test_residues_have_the_ids_of_esm2():
    tokenizer = residue_tokenizer(100)
    assert {token: tokenizer.convert_tokens_to_ids(token) for token in ESM2} == {
        token: number for number, token in enumerate(ESM2)
    }
    assert len(tokenizer) == 33
    letters = "".join(ESM2[4:29])
    assert tokenizer(letters)["input_ids"] == [0, *range(4, 29), 2]


def test_every_other_letter_is_unknown_and_alone():
    assert residue_tokenizer(100)("MJJ?1M")["input_ids"] == [0, 20, 3, 3, 3, 3, 20, 2]


def test_spellings_of_a_protein_have_the_same_tokens():
    for make, wanted in ((residue_tokenizer, "MKVLA"), (structure_tokenizer, "dvpqa")):
        tokenizer = make(100)
        for spelling in (wanted.lower(), wanted.upper(), f" {wanted[:2]}\t{wanted[2:]}\r\n"):
            assert tokenizer(spelling)["input_ids"] == tokenizer(wanted)["input_ids"]
    assert residue_tokenizer(100)("mk<mask>v \n")["input_ids"] == residue_tokenizer(100)("MK<mask>V")["input_ids"]


def test_structures_know_all_states_in_either_case():
    tokenizer = structure_tokenizer(100)
    ids = tokenizer(STATES)["input_ids"]
    assert ids == tokenizer(STATES.upper())["input_ids"]
    assert len(set(ids[1:-1])) == 20
    assert tokenizer.unk_token_id not in ids


@pytest.mark.parametrize("make", [residue_tokenizer, structure_tokenizer])
def test_long_inputs_are_cut_and_short_ones_padded(make):
    batch = make(10)(["A" * 50, "AA"], truncation=True, padding=True)
    assert [len(ids) for ids in batch["input_ids"]] == [10, 10]
    assert batch["input_ids"][0][-1] == 2, "the end token stays"
    assert batch["input_ids"][1][4:] == [1] * 6
    assert batch["attention_mask"][1] == [1] * 4 + [0] * 6


def test_words_are_those_of_the_texts():
    texts = ["Hydrolyses penicillin.", "Hydrolyses cefotaxime."]
    tokenizer = train_text_tokenizer(texts, vocabulary=200, max_tokens=20)
    assert tokenizer.tokenize("HYDROLYSES cefotaxime") == ["hydrolyses", "cefotaxime"]
    ids = tokenizer(texts[0])["input_ids"]
    assert (ids[0], ids[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
    assert tokenizer.decode(ids, skip_special_tokens=True) == "hydrolyses penicillin."


def test_the_order_of_the_texts_does_not_matter():
    texts = [f"word{number} of family {number % 7}" for number in range(50)]
    for vocabulary in (100, 150):
        orders = (texts, texts[::-1] * 2, texts)
        made = [train_text_tokenizer(each, vocabulary=vocabulary, max_tokens=20).get_vocab() for each in orders]
        assert made[0] == made[1] == made[2]
        assert len(made[0]) <= vocabulary


MARKS = ["<cls>", "<pad>", "<eos>", "<unk>"]
FOLDSEEK = [*MARKS, *"pynwrqhgdlvtmfsaeikc#", "<mask>"]
SAPROT = [*MARKS, "<mask>", *(a + s for a in "ACDEFGHIKLMNPQRSTVWY#" for s in "pynwrqhgdlvtmfsaeikc#")]


def slow(tmp_path_factory, tokens):
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    path.write_text("\n".join(tokens))
    return EsmTokenizer(str(path))


@pytest.fixture(scope="module")
def esm2(tmp_path_factory):
    own = slow(tmp_path_factory, ESM2)
    return own, protein_tokenizer(own, max_tokens=100_000)


@pytest.fixture(scope="module")
def saprot(tmp_path_factory):
    return slow(tmp_path_factory, SAPROT)


pieces = st.sampled_from([*"LAGVSERTIDPKQNFYMHWCXBUZOJ.-? \n", "<mask>", "<cls>"])


@given(st.lists(pieces, max_size=30).map("".join))
@settings(max_examples=200, deadline=None)
def test_ids_are_those_of_esms_own_tokenizer(esm2, text):
    own, fast = esm2
    assert fast(text)["input_ids"] == own(text)["input_ids"]


def test_lower_case_is_raised(esm2):
    own, fast = esm2
    for text in ("mkv", "Mk V", "mk<mask>v\n"):
        wanted = text.upper().replace("<MASK>", "<mask>")
        assert fast(text)["input_ids"] == own(wanted)["input_ids"]


def test_padding_and_attention_too(esm2):
    own, fast = esm2
    batch = ["M", "MKV", "JJ", ""]
    assert dict(fast(batch, padding=True)) == dict(own(batch, padding=True))
    assert fast.is_fast
    assert vocabulary_lines(fast).split("\n")[:-1] == ESM2


def test_3di_letters(tmp_path_factory):
    own = slow(tmp_path_factory, FOLDSEEK)
    fast = protein_tokenizer(own, max_tokens=50, structure=True)
    for text in ("dvpq", "d#v", "dxj", "b"):
        assert fast(text)["input_ids"] == own(text)["input_ids"]
    assert fast("DVPQ")["input_ids"] == own("dvpq")["input_ids"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("MKV", "M# K# V#"),
        ("MdKvV#", "Md Kv V#"),
        ("MXK", "M# ## K#"),
        ("MdXvKd", "Md #v Kd"),
        ("MUBZOJ", "M# ## ## ## ## ##"),
        ("#dM", "#d M#"),
    ],
)
def test_pairs_read_residues(saprot, text, tokens, tmp_path):
    fast = protein_tokenizer(saprot, max_tokens=50)
    assert fast.tokenize(text) == tokens.split()
    assert fast(tokens.replace(" ", ""))["input_ids"] == saprot(tokens.replace(" ", ""))["input_ids"]
    fast.save_pretrained(tmp_path)
    assert AutoTokenizer.from_pretrained(tmp_path).tokenize(text) == tokens.split()


def test_pairs_read_states(saprot):
    fast = protein_tokenizer(saprot, max_tokens=50, structure=True)
    assert fast.tokenize("DVp#v") == ["#d", "#v", "#p", "##", "#v"]


def test_vocabularies_that_cannot_be_read_so(tmp_path_factory, saprot):
    with pytest.raises(ValueError, match="the vocabulary lacks d v"):
        protein_tokenizer(slow(tmp_path_factory, [x for x in FOLDSEEK if x not in "dv"]), max_tokens=9, structure=True)
    with pytest.raises(ValueError, match="the vocabulary lacks A C D"):
        protein_tokenizer(slow(tmp_path_factory, FOLDSEEK), max_tokens=9)
    with pytest.raises(ValueError, match="are not 0, 1, 2"):
        vocabulary_lines(type("Gaps", (), {"get_vocab": lambda self: {"a": 0, "b": 2}})())
