"""Guesses: texts carried over from a relative ("By similarity", "Probable", "-like", "homolog of").

What is guessed from a relative tells of the family, not of a twin: where two texts differ and one of them is
a guess, the difference may be one of wording.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Int

from protrek_hm.mine.evidence.findings import SILENT, Findings, Outcome, Verdict, compare_values

_MARK = re.compile(
    r"\b(?:by similarity|inferred from homology)\b|\((?:probable|potential|possible|predicted)\)"
    r"|\{ECO:(?:0000250|0000255|0000256|0000305)\b[^}]*\}",  # similarity, rules, automatic, a curator's inference
    re.IGNORECASE,
)
_GUESS = re.compile(
    r"^(?:putative|probable|possible|potential|predicted|hypothetical|uncharacteri[sz]ed)\b"
    r"|^(?:may|might|could|seems to|probably|possibly|presumably)\b"
    r"|\b\w+-like (?:protein|enzyme|factor|receptor)|\b(?:homolog(?:ue)?|ortholog(?:ue)?|paralog(?:ue)?) of\b"
    r"|\b(?:homolog|ortholog|paralog)\b\W*\w*$",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.;])\s+(?=[A-Z0-9])")
_GUESSED = Outcome("words:guessed", Verdict.UNSURE)


@lru_cache(maxsize=1_000_000)
def is_guess(text: str) -> bool:
    """Tell whether a text says of itself that it was inferred: its first words, or a mark on every sentence.

    Examples
    --------
    >>> [is_guess(text) for text in ("Putative kinase.", "Binds heme (By similarity).", "Kinase-like protein 2.")]
    [True, True, True]
    >>> [is_guess(text) for text in ("Binds heme. Binds iron (By similarity).", "Alpha-like domain binder.")]
    [False, False]
    """
    if _GUESS.search(text.strip().rstrip(".")):
        return True
    sentences = [sentence for sentence in _SENTENCE.split(text) if _MARK.sub("", sentence).strip(" .;()")]
    return bool(sentences) and all(_MARK.search(sentence) for sentence in sentences)


def judge_guesses(texts: Sequence[str], left: Int[np.ndarray, " pairs"], right: Int[np.ndarray, " pairs"]) -> Findings:
    """Say *unsure* of each pair of entries of which one text at least is a guess.

    Examples
    --------
    >>> judge_guesses(["Probable kinase.", "Lyase.", "Kinase."], np.array([0, 1]), np.array([1, 2])).reasons.tolist()
    ['words:guessed', '']
    """
    return compare_values(
        [is_guess(text) for text in texts],
        left,
        right,
        compare=lambda one, other: _GUESSED if one or other else SILENT,
    )
