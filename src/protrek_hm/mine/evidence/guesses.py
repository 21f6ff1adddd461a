"""Guesses: texts carried over from a relative ("By similarity", "Probable", "-like", "homolog of").

What is guessed from a relative tells of the family, not of a twin: where two texts differ and one of them is
a guess, the difference may be one of wording.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Int

from protrek_hm.data.texts import clean_text, read_evidence
from protrek_hm.mine.evidence.findings import SILENT, Findings, Outcome, Verdict, compare_values

GUESSED = frozenset(
    f"ECO:{code:07}"
    for code in (
        *(250, 247, 249, 251, 266),  # from a relative's sequence: similarity, alignment, orthology
        *(255, 256, 259),  # a model of sequences or a rule, by a curator or automatically; InterPro
        *(305, 203, 501, 7669, 8006),  # a curator's inference; automatic, computed, a language model
    )
)
"""Codes of statements that nobody has seen in this protein itself; what authors state (303) is no guess."""

_GUESS = re.compile(
    r"^(?:putative|probable|possible|potential|predicted|hypothetical|uncharacteri[sz]ed)\b"
    r"|^(?:may|might|could|seems to|probably|possibly|presumably)\b"
    r"|\b\w+-like (?:protein|enzyme|factor|receptor)|\b(?:homolog(?:ue)?|ortholog(?:ue)?|paralog(?:ue)?) of\b"
    r"|\b(?:homolog|ortholog|paralog)\b\W*\w*$"
    r"|\b(?:by|on|from) (?:\w+ )?(?:similarity|homology)(?=\s*(?:[,;.)]|$))",
    re.IGNORECASE,
)
_GUESSED = Outcome("words:guessed", Verdict.UNSURE)


@lru_cache(maxsize=1_000_000)
def is_guess(text: str, evidence: str | None = None) -> bool:
    """Tell whether a text was inferred: its first words say so, or the evidence of every statement.

    evidence: as in the column `data.texts.EVIDENCE`; by default what the text's own marks say. A text of which one
    statement is seen, or not told of, is no guess.

    Examples
    --------
    >>> [is_guess(text) for text in ("Putative kinase.", "Binds heme (By similarity).", "Kinase-like protein 2.")]
    [True, True, True]
    >>> [is_guess(text) for text in ("Binds heme. Binds iron (By similarity).", "Alpha-like domain binder.")]
    [False, False]
    >>> is_guess("Binds heme.", "ECO:0000250"), is_guess("Binds heme.", "ECO:0000250; ECO:0000269")
    (True, False)
    """
    if _GUESS.search(clean_text(text).rstrip(".")):
        return True
    codes = evidence or read_evidence(text)
    return codes is not None and GUESSED.issuperset(code.strip().split("|")[0] for code in codes.split(";"))


def judge_guesses(
    texts: Sequence[str],
    left: Int[np.ndarray, " pairs"],
    right: Int[np.ndarray, " pairs"],
    *,
    evidence: Sequence[str | None] | None = None,
) -> Findings:
    """Say *unsure* of each pair of entries of which one text at least is a guess.

    evidence: of each entry's text, as for `is_guess`.

    Examples
    --------
    >>> judge_guesses(["Probable kinase.", "Lyase.", "Kinase."], np.array([0, 1]), np.array([1, 2])).reasons.tolist()
    ['words:guessed', '']
    """
    return compare_values(
        list(map(is_guess, texts, evidence or [None] * len(texts))),
        left,
        right,
        compare=lambda one, other: _GUESSED if one or other else SILENT,
    )
