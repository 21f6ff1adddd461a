"""Tokenizers of protein encoders against ESM's own, and the pairs of SaProt by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, EsmTokenizer

from protrek_hm.model.vocabularies import protein_tokenizer, vocabulary_lines

MARKS = ["<cls>", "<pad>", "<eos>", "<unk>"]
ESM2 = [*MARKS, *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]
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
