"""What casts doubt on a difference in words: guesses, closer homologs that say otherwise, a text encoder.

Guesses are texts carried over from a relative ("By similarity", "Probable", "-like", "homolog of"). They tell of the
family, not of a twin: where two texts differ and one of them is a guess, the difference may be one of wording.

If A is told apart from B by a text that none of A's closer homologs has, while they do have B's text, then A's text
stands alone where the sequences say B's: an annotation by another convention, or an error, is likelier than another
function. A true twin has its closest relatives on its side, or none closer than B.

Two texts whose vectors nearly coincide may say the same in other words.
"""

import re
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import polars as pl
from jaxtyping import Float

from protrek_hm.cosines import cosines_of_pairs
from protrek_hm.data.texts import clean_text, read_evidence
from protrek_hm.mine.evidence.findings import SILENT, Findings, Outcome, Rows, Verdict, compare_values

GUESSED = frozenset(
    f"ECO:{code:07}"
    for code in (
        *(250, 247, 249, 251, 266),  # from a relative's sequence: similarity, alignment, orthology
        *(255, 256, 259),  # a model of sequences or a rule, by a curator or automatically; InterPro
        *(305, 203, 501, 7669, 8006),  # a curator's inference; automatic, computed, a language model
    )
)
"""Codes of statements without an observation on this protein; what authors state (303) is not a guess."""

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
    texts: Sequence[str], left: Rows, right: Rows, *, evidence: Sequence[str | None] | None = None
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


_ALONE = Outcome("neighbours:share-the-other-text", Verdict.UNSURE)


def judge_neighbours(
    statements: Sequence[Hashable], left: Rows, right: Rows, *, identity: Float[np.ndarray, " pairs"]
) -> Findings:
    """Judge each pair of entries by the texts of its homologs, which are the other pairs' entries.

    A pair is *unsure* if, seen from either of its two sides, no homolog as close as the other one or closer
    has the side's own text, and at least one (the other one left out) has the other's.

    statements: what each entry's text says, equal where it says the same. identity: of each pair, in [0, 1].

    Examples
    --------
    A is 90 % identical to B, and 95 % to C, which says what B says:

    >>> left, right = np.array([0, 0, 1]), np.array([1, 2, 2])
    >>> judge_neighbours(["a", "b", "b"], left, right, identity=np.array([0.90, 0.95, 0.9])).reasons.tolist()
    ['neighbours:share-the-other-text', '', '']
    """
    numbers: dict[Hashable, int] = {}
    said = np.array([numbers.setdefault(statement, len(numbers)) for statement in statements], dtype=np.int32)
    sides = pl.DataFrame(
        {
            "entry": np.concatenate([left, right]).astype(np.int32),
            "own": said[np.concatenate([left, right])],
            "other": said[np.concatenate([right, left])],
            "identity": np.concatenate([identity, identity]),
        }
    )
    own = sides.filter(pl.col("own") == pl.col("other")).group_by("entry").agg(closest=pl.col("identity").max())
    closest = np.zeros(len(statements))
    closest[own["entry"].to_numpy()] = own["closest"].to_numpy()
    as_close = pl.col("identity").rank("max", descending=True).over("entry", "other")  # itself counted
    alone = sides.select(as_close > 1).to_series().to_numpy() & (
        closest[sides["entry"].to_numpy()] < sides["identity"].to_numpy()
    )
    alone &= (sides["own"] != sides["other"]).to_numpy()
    codes = (alone[: len(left)] | alone[len(left) :]).astype(np.int16)
    return Findings((SILENT, _ALONE), codes)


_ALIKE = Outcome("encoder:alike", Verdict.UNSURE)


class TextEncoder(Protocol):
    """Turns texts into vectors, a row a text; any length, any encoder of sentences."""

    def __call__(self, texts: Sequence[str], /) -> Any:
        """Return the vectors of `texts`."""


def judge_likeness(texts: Sequence[str], left: Rows, right: Rows, *, encoder: TextEncoder, least: float) -> Findings:
    """Say *unsure* of each pair of entries whose texts' cosine is at least `least`, in [-1, 1].

    Each distinct text of a pair is encoded once. Unlikeness says nothing: encoders put unlike wordings apart, too.

    Examples
    --------
    >>> def letters(texts):
    ...     return [[text.count("a"), text.count("b")] for text in texts]
    >>> judge_likeness(
    ...     ["aab", "aaab", "b"], np.array([0, 0]), np.array([1, 2]), encoder=letters, least=0.9
    ... ).reasons.tolist()
    ['encoder:alike', '']
    """
    used = np.unique(np.concatenate([left, right]))
    distinct = sorted({texts[entry] for entry in used})
    number = {text: row for row, text in enumerate(distinct)}
    rows = np.zeros(len(texts), dtype=np.int64)
    rows[used] = [number[texts[entry]] for entry in used]
    vectors = np.asarray(encoder(distinct), dtype=np.float32) if distinct else np.zeros((0, 1), dtype=np.float32)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    cosines = cosines_of_pairs(vectors, vectors, rows[left], rows[right])
    return Findings((SILENT, _ALIKE), (cosines >= least).astype(np.int16))
