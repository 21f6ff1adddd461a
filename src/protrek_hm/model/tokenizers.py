"""Tokenizers of the three towers: fresh ones, and fast ones with the vocabularies of pretrained protein encoders.

Fresh ones read residues and 3Di letters as one token each, with ESM-2's vocabulary and order; words come from a
WordPiece vocabulary trained on the given texts, as BERT's does. ESM's own tokenizer is plain Python (1.5 ms for a
protein of 350 residues); the one made here gives the same ids.
"""

import re
from collections.abc import Iterable
from string import ascii_lowercase

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from protrek_hm.data.schema import AMINO_ACIDS

MAX_TEXT_TOKENS = 512
# ProTrek cuts no protein, and rotary positions have no end. The longest known proteins have some 45,000 residues
MAX_PROTEIN_TOKENS = 100_000
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


_RARE = "BJOUXZ"
_UNKNOWN = "#"  # SaProt's and Foldseek's letter for a residue, or a state, that is not known


def protein_tokenizer(
    tokenizer: PreTrainedTokenizerBase, *, max_tokens: int, structure: bool = False
) -> PreTrainedTokenizerFast:
    """Make a fast tokenizer from the vocabulary of a protein encoder: one token a residue, start and end tokens.

    As with ESM's, spaces count for nothing and a run of unknown letters is one unknown token; unlike there, residues
    may be lower case. A vocabulary of
    pairs, SaProt's, reads residues as those of unknown structure ("MK" as "M#K#"; "MdKv" stays), and 3Di letters
    as those of unknown residues ("dv" as "#d#v").

    structure: inputs are 3Di letters, of either case; residues otherwise.

    Raises
    ------
    ValueError
        If the vocabulary lacks one of the 20 residues or states, or a start, padding or unknown token.
    """
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    marks = {
        "cls_token": tokenizer.cls_token or tokenizer.bos_token,
        "eos_token": tokenizer.eos_token or tokenizer.sep_token,
        "pad_token": tokenizer.pad_token,
        "unk_token": tokenizer.unk_token,
        "mask_token": tokenizer.mask_token,
    }
    _require(vocabulary, [str(marks[name]) for name in ("cls_token", "pad_token", "unk_token")])
    pairs = f"M{_UNKNOWN}" in vocabulary and "M" not in vocabulary
    letters = AMINO_ACIDS.lower() if structure else AMINO_ACIDS
    shape = "{}" if not pairs else _UNKNOWN + "{}" if structure else "{}" + _UNKNOWN
    _require(vocabulary, [shape.format(letter) for letter in letters])

    fast = Tokenizer(models.WordLevel(vocabulary, unk_token=marks["unk_token"]))
    steps: list[normalizers.Normalizer] = [normalizers.Lowercase()] if structure else [] if pairs else [upper_case()]
    if pairs:
        steps += _pair_states(letters) if structure else _pair_residues(letters)
    fast.normalizer = normalizers.Sequence(steps)
    words = sorted(vocabulary.keys() - set(marks.values()), key=lambda word: (-len(word), word))
    fast.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex("|".join(map(re.escape, words))), behavior="isolated"),
        ]
    )
    ends = {str(marks[name]): vocabulary[str(marks[name])] for name in ("cls_token", "eos_token") if marks[name]}
    fast.post_processor = processors.TemplateProcessing(
        single=" $A ".join(ends) if len(ends) == 2 else f"{marks['cls_token']} $A",
        special_tokens=list(ends.items()),
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=fast,
        model_max_length=max_tokens,
        model_input_names=["input_ids", "attention_mask"],
        **{name: mark for name, mark in marks.items() if mark},
    )


def vocabulary_lines(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return a tokenizer's vocabulary as `vocab.txt` has it, the token of id 0 first.

    Raises
    ------
    ValueError
        If the ids leave one out.
    """
    by_id = {number: token for token, number in tokenizer.get_vocab().items()}
    if sorted(by_id) != list(range(len(by_id))):
        raise ValueError("the ids of the vocabulary are not 0, 1, 2, …")
    return "".join(f"{by_id[number]}\n" for number in range(len(by_id)))


def _require(vocabulary: dict[str, int], tokens: list[str]) -> None:
    lacking = [token for token in tokens if token not in vocabulary]
    if lacking:
        raise ValueError(f"the vocabulary lacks {' '.join(lacking)}")


def _pair_residues(letters: str) -> list[normalizers.Normalizer]:
    """Give each residue without a state the unknown state; rare residues are unknown ones."""
    bare = f"(?![a-z{_UNKNOWN}])"
    given = [normalizers.Replace(Regex(letter + bare), letter + _UNKNOWN) for letter in letters]
    rare = f"[{_RARE}]"
    return [
        *given,
        normalizers.Replace(Regex(rare + bare), _UNKNOWN * 2),
        normalizers.Replace(Regex(rare), _UNKNOWN),
    ]


def _pair_states(letters: str) -> list[normalizers.Normalizer]:
    """Give each state the unknown residue; a state that is unknown itself passes as '*' meanwhile."""
    given = [normalizers.Replace(letter, _UNKNOWN + letter) for letter in letters]
    return [normalizers.Replace(_UNKNOWN, "*"), *given, normalizers.Replace("*", _UNKNOWN * 2)]
