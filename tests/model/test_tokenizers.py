"""Tokenizers against the published vocabularies, letter by letter."""

import pytest

from protrek_hm.model.tokenizers import residue_tokenizer, structure_tokenizer, train_text_tokenizer

# vocab.txt of facebook/esm2_t33_650M_UR50D
ESM2 = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO", ".", "-", "<null_1>", "<mask>"]
# The 20 states of Foldseek
FOLDSEEK = "ACDEFGHIKLMNPQRSTVWY".lower()


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
    ids = tokenizer(FOLDSEEK)["input_ids"]
    assert ids == tokenizer(FOLDSEEK.upper())["input_ids"]
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
