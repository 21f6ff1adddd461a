"""Tokenizers of the three towers, as fast tokenizers that any transformers installation loads.

Residues and 3Di letters are one token each, with ESM-2's vocabulary and order; words come from a WordPiece
vocabulary trained on the given texts, as BERT's does.
"""

from collections.abc import Iterable
from string import ascii_lowercase

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertTokenizer, PreTrainedTokenizerFast

# ESM-2's vocabulary: https://github.com/facebookresearch/esm, `esm/constants.py`
RESIDUE_TOKENS = ("<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>")
# Foldseek's 20 states in lower case, and '#' for residues of low confidence
STRUCTURE_TOKENS = ("<cls>", "<pad>", "<eos>", "<unk>", *"pynwrqhgdlvtmfsaeikc#", "<mask>")

_NO_BLANKS = normalizers.Replace(Regex(r"\s+"), "")


def residue_tokenizer(max_tokens: int) -> PreTrainedTokenizerFast:
    r"""Tokenize amino acids of either case, one token a residue: <cls> M K … <eos>; blanks count for nothing.

    >>> residue_tokenizer(100)("MK")["input_ids"], residue_tokenizer(100)("m k\n")["input_ids"]
    ([0, 20, 15, 2], [0, 20, 15, 2])
    """
    return _letter_tokenizer(RESIDUE_TOKENS, max_tokens, normalizers.Sequence([_NO_BLANKS, upper_case()]))


def structure_tokenizer(max_tokens: int) -> PreTrainedTokenizerFast:
    """Tokenize 3Di letters of either case, one token a residue; blanks count for nothing.

    >>> structure_tokenizer(100)("DV p")["input_ids"]
    [0, 12, 14, 4, 2]
    """
    return _letter_tokenizer(STRUCTURE_TOKENS, max_tokens, normalizers.Sequence([_NO_BLANKS, normalizers.Lowercase()]))


def upper_case() -> normalizers.Normalizer:
    """Raise letters to upper case: where plain SentenceTransformer is used, nothing else does."""
    return normalizers.Sequence([normalizers.Replace(letter, letter.upper()) for letter in ascii_lowercase])


def train_text_tokenizer(texts: Iterable[str], *, vocabulary: int, max_tokens: int) -> BertTokenizer:
    """Train a lower-casing WordPiece tokenizer on `texts`, with at most `vocabulary` entries."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words = sorted(set(texts))
    letters = sorted({letter for word in words for letter in tokenizer.normalizer.normalize_str(word)})
    # Letters inside of words are given here: the trainer would number them, and so settle ties, by chance
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"##{letter}" for letter in letters)]
    trainer = trainers.WordPieceTrainer(vocab_size=vocabulary, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(words, trainer)
    return BertTokenizer(vocab=tokenizer.get_vocab(), do_lower_case=True, model_max_length=max_tokens)


def _letter_tokenizer(
    tokens: tuple[str, ...], max_tokens: int, normalizer: normalizers.Normalizer
) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.WordLevel({token: i for i, token in enumerate(tokens)}, unk_token="<unk>"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), behavior="isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<cls> $A <eos>",
        special_tokens=[("<cls>", tokens.index("<cls>")), ("<eos>", tokens.index("<eos>"))],
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        cls_token="<cls>",
        pad_token="<pad>",
        eos_token="<eos>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=max_tokens,
        model_input_names=["input_ids", "attention_mask"],
    )
