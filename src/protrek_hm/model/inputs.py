"""What a model is given, made ready for its tokenizer: cleaned, refused where it is none, cut at the window."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from torch import nn

from protrek_hm.config import Modality
from protrek_hm.data.schema import SEQUENCE_LETTERS, STRUCTURE_LETTERS, sequence_problem
from protrek_hm.errors import InputError, ModelError, OptionError, shorten

_PAIR = re.compile(f"([A-Z#])([{STRUCTURE_LETTERS}])?")
_ALL_PAIRS = re.compile(f"(?:[A-Z][{STRUCTURE_LETTERS}]){{3,}}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_FIRST_LOOK = 32  # characters for each token of the window: few texts have more
_LAST_LOOK = 2**18
_UNSETTLED = 8  # words at the end of a part that might be others if the text went on
_PART = 2**16
_MARKS = 2  # the start and end tokens
UNITS = {"text": "tokens", "sequence": "residues", "structure": "residues"}


class Routed(Protocol):
    """What has a tower for each task, as `ProTrek` does."""

    @property
    def routes(self) -> Mapping[str, nn.Module]:
        """The tower of each task."""
        ...


def reader_of(tower: nn.Module) -> Any:
    """Return a tower's first module: the encoder with its tokenizer."""
    return next(tower.children())


def require_route(task: object, routes: Sequence[str]) -> None:
    """Raise OptionError if a model with these routes has none for `task`."""
    if task not in routes:
        raise OptionError("task", task, f"this model encodes {', '.join(routes)}")


def clean_inputs(inputs: Sequence[Any], task: Modality, tokenizer: Any) -> list[str]:
    r"""Take from proteins what plays no part, and refuse what would be read as an unknown token.

    Sequences lose blanks and one trailing stop and become upper case; 3Di letters lose blanks and become lower case.
    The tokenizer's mask may stand in either. Texts stay as they are.

    Raises
    ------
    InputError
        If an input is no string, empty, or holds a letter that is none or that the tokenizer does not know.

    Examples
    --------
    >>> from protrek_hm.model.tokenizers import residue_tokenizer
    >>> clean_inputs(["mk\nV*", "M<mask>K"], "sequence", residue_tokenizer(10))
    ['MKV', 'M<mask>K']
    >>> clean_inputs(["MK", ""], "sequence", residue_tokenizer(10))
    Traceback (most recent call last):
    protrek_hm.errors.InputError: sequence 2 (''): no residue in it; mend it or leave it out
    """
    if task == "text":
        clean: Callable[[str], tuple[str, str | None]] = _clean_text
    elif task == "structure":
        clean = _structures(tokenizer)
    else:
        clean = _pairs if reads_pairs(tokenizer) else _sequences(tokenizer)
    cleaned = []
    for number, given in enumerate(inputs, start=1):
        if not isinstance(given, str):
            raise InputError(task, number, shorten(repr(given)), f"a {type(given).__name__}, not a string")
        ready, problem = clean(given)
        if problem is not None:
            raise InputError(task, number, repr(shorten(given)), problem)
        cleaned.append(ready)
    return cleaned


def cut_input(given: str, task: Modality, transformer: Any) -> str:
    """Return as much of a cleaned input as gives the same tokens, cut to the window, as all of it.

    Tokenizing takes some 300 bytes for each letter, wherever the result is cut.

    Raises
    ------
    ModelError
        If hundreds of thousands of letters of a text hold too few words to fill the window.
    """
    tokenizer, window = transformer.tokenizer, transformer.max_seq_length
    if window is None or len(given) <= window or tokenizer.truncation_side != "right":
        return given
    if task == "text":
        return _cut_text(given, tokenizer, window)
    mask = tokenizer.mask_token
    letters = len(mask) if mask and mask in given else 2 if reads_pairs(tokenizer) else 1
    return given[: letters * (window + 1)]


def reads_pairs(tokenizer: Any) -> bool:
    """Tell whether a tokenizer reads SaProt's pairs of a residue and a 3Di letter."""
    return "M#" in tokenizer.get_vocab()


def _clean_text(given: str) -> tuple[str, str | None]:
    lone = _SURROGATE.search(given)
    if lone is not None:
        return given, f"half of a surrogate pair ({lone[0]!r}) at position {lone.start() + 1}, which is no character"
    seen = any(letter.isprintable() and not letter.isspace() for letter in given)
    return given, None if seen else "empty: there is nothing to read"


def _sequences(tokenizer: Any) -> Callable[[str], tuple[str, str | None]]:
    mask, known = tokenizer.mask_token, _known(tokenizer, SEQUENCE_LETTERS)
    all_known = re.compile(f"[{known}]+")

    def clean(given: str) -> tuple[str, str | None]:
        if all_known.fullmatch(given):
            return given, None
        parts = [_upper(part) for part in _bare(given).split(mask)] if mask else [_upper(_bare(given))]
        plain, ready = "X".join(parts), (mask or "").join(parts)
        if all_known.fullmatch(plain) and not _ALL_PAIRS.fullmatch(given):
            return ready, None
        if plain == "*" or not plain:
            return ready, "no residue in it"
        if _ALL_PAIRS.fullmatch(given):
            return ready, "residues and 3Di letters in turn, as SaProt writes them; give the residues alone"
        return ready, sequence_problem(plain) or _unknown(plain, known)

    return clean


def _structures(tokenizer: Any) -> Callable[[str], tuple[str, str | None]]:
    known = STRUCTURE_LETTERS if reads_pairs(tokenizer) else _known(tokenizer, STRUCTURE_LETTERS)
    mask, all_known = tokenizer.mask_token, re.compile(f"[{known}]+")

    def clean(given: str) -> tuple[str, str | None]:
        if all_known.fullmatch(given):
            return given, None
        parts = [_lower(part) for part in (given.split(mask) if mask else [given])]
        plain = "#".join(parts)
        if all_known.fullmatch(plain):
            return mask.join(parts) if mask else plain, None
        return plain, _unknown(plain, known, "is no 3Di letter") if plain else "no 3Di letter in it"

    return clean


def _pairs(given: str) -> tuple[str, str | None]:
    """Clean what a vocabulary of pairs reads: residues, with or without a 3Di letter behind each."""
    plain = _bare(given)
    if plain.islower() and "#" not in plain:
        plain = _upper(plain)
    residues, end = [], 0
    while end < len(plain) and (pair := _PAIR.match(plain, end)):
        residues.append(pair[1])
        end = pair.end()
    if end < len(plain):
        return plain, f"letter {plain[end]!r} at position {end + 1} is no residue, and no 3Di letter behind one"
    return plain, sequence_problem("".join(residues).replace("#", "X")) if plain else "no residue in it"


def _bare(given: str) -> str:
    return "".join(given.split()).removesuffix("*")


def _upper(given: str) -> str:
    return given.upper() if given.isascii() else given  # 'ß' would become two residues


def _lower(given: str) -> str:
    plain = "".join(given.split())
    return plain.lower() if plain.isascii() else plain  # so would the sign of the Kelvin become a letter


def _known(tokenizer: Any, letters: str) -> str:
    vocabulary = tokenizer.get_vocab()
    return "".join(letter for letter in letters if letter in vocabulary)


def _unknown(plain: str, known: str, problem: str = "is none that this model knows") -> str:
    position, letter = next((at, each) for at, each in enumerate(plain, start=1) if each not in known)
    return f"letter {letter!r} at position {position} {problem}"


def _cut_text(given: str, tokenizer: Any, window: int) -> str:
    """Cut a text behind the words that fill the window."""
    if not tokenizer.is_fast:
        return given
    look = _FIRST_LOOK * window
    while look < len(given):
        part = given[:look]
        found = tokenizer(part, add_special_tokens=False, truncation=False, verbose=False).word_ids()
        words = [word for word in found if word is not None]
        if sum(word < words[-1] - _UNSETTLED for word in words) >= window:
            return part
        if look >= _LAST_LOOK:
            problem = f"a text of {len(given):,} letters has fewer than {window:,} words in its first {look:,}"
            raise ModelError(problem, "give words, with blanks between them")
        look *= 4
    return given


def window(model: Routed, task: Modality) -> int:
    """Return how many tokens of an input `model` reads, start and end tokens not counted."""
    return int(reader_of(model.routes[task]).max_seq_length) - _MARKS


def lengths(model: Routed, inputs: Sequence[str], *, task: Modality) -> list[int]:
    """Count the residues of each input or, of texts, the tokens that `model` would read if its window had no end."""
    if task != "text":
        return [len("".join(each.split()).removesuffix("*")) for each in inputs]
    tokenizer = reader_of(model.routes[task]).tokenizer

    def count(text: str) -> int:  # a part at a time, as tokens take some 300 bytes for each letter
        parts = [text] if len(text) <= _PART else re.findall(rf".{{1,{_PART}}}\S*", text, flags=re.DOTALL)
        read = (tokenizer(part, add_special_tokens=False, truncation=False, verbose=False) for part in parts)
        return sum(len(tokens["input_ids"]) for tokens in read)

    return [count(each) for each in inputs]


def count_cut(model: Routed, inputs: Sequence[str], *, task: Modality) -> int:
    """Count the inputs whose ends `model` does not read; an input given twice counts twice."""
    if task == "text":
        transformer = reader_of(model.routes[task])
        inputs = [cut_input(each, task, transformer) for each in inputs]  # what is left is still longer than the window
    return int((np.array(lengths(model, inputs, task=task)) > window(model, task)).sum())


def describe_cut(model: Routed, inputs: Sequence[str], *, task: Modality) -> str | None:
    """Say in a line how many of the inputs are cut; None if all are read to their ends."""
    cut = count_cut(model, inputs, task=task)
    if not cut:
        return None
    are = "is" if cut == 1 else "are"
    limit = f"{window(model, task):,} {UNITS[task]}"
    return f"{cut:,} of {len(inputs):,} {task}s {are} longer than the model's {limit}: the rest is not read"
