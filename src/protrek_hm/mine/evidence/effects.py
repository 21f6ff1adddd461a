"""What texts say that a variant does to the function: lost, changed, or kept.

The words are those of `data.effects`, and they count only in a text about a variant: one that begins with them
("Loss of kinase activity."), where the function of a wild type has them further on ("Kinase that reduces the
activity of ..."), or one that speaks of a variant. A text may say several things; then it is *mixed*, and so it is
where it says that something was kept, and something else in words that are not known.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from protrek_hm.data.effects import NAMED_ACTIVITY, Effect, read_effect, read_part
from protrek_hm.mine.evidence.findings import SILENT, Findings, Outcome, Rows, Verdict, compare_values

_HEAD = 5  # words of a sentence that can say that it is about a variant's effect
_SENTENCE = re.compile(r"(?<=[.;:])\s+")
_CLAUSE = re.compile(r"\b(?:that|which|who)\b")
_ALLELE = re.compile(r"^(?:in|variant|mutant) [^;:]*[;:]\s*", re.IGNORECASE)
_VARIANT = re.compile(
    r"^(?:this |the )?(?:variant|mutant|mutation|substitution)\b(?! histone)"
    r"|(?<=[.;]\s)(?:this (?:variant|mutant|mutation|substitution)\b|(?:variant|mutant|mutation|substitution):)",
    re.IGNORECASE,
)
_WILD_TYPE = re.compile(
    r"\s*(?:inactive (?:precursor|zymogen|pro-?\w+)\b"
    r"|cataly[sz]es|catalytic(?:ally)? inactive|involved|required|necessary|essential|plays|functions|acts|can\b"
    r"|could\b|may\b|conjugation|overexpression|constitutively expressed|important|normally"
    r"|not (?:yet )?(?:known|involved|required|essential)"
    # "Helicase with no known substrate": only at the beginning does "no" tell of a variant
    r"|(?!(?:does|do|did|is|are|was|has|have|shows?|displays?|almost)? ?(?:not?|never)\b)(?:[\w'()/,-]+ ){1,4}"
    r"(?:not?|never)\b(?! (?:affected|longer|effect|change|altered|impaired|influenced|loss))"
    r")"
    # what wild types do to others: "Prevents apoptosis", but not "Prevents binding"; "Inhibits the activity of X"
    r"|\s*(?:\w+ly )?(?:prevent|block|reduc|increas|enhanc|decreas|alter|suppress|inhibit|elevat|lower|disrupt|delay"
    rf"|stabili[sz]|destabili[sz]|affect|abolish|eliminat)e?s (?!{NAMED_ACTIVITY})"
    r"|\s*(?:\w+ly )?(?:prevent|block|increas|enhanc|suppress|inhibit|stabili[sz])e?s the (?:\w+ ){1,3}of\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=1_000_000)
def read_text(text: str) -> Effect:
    """Return what `text` says that happened to the function; NOTHING too if it is about a wild type.

    Examples
    --------
    >>> read_text("Loss of kinase activity.").value, read_text("Does not affect kinase activity.").value
    ('lost', 'kept')
    >>> read_text("No effect on growth. Sticks to glass.").value, read_text("Binds heme.").value
    ('mixed', 'nothing')
    """
    start = _VARIANT.search(text)
    if not start and _WILD_TYPE.match(text):
        return Effect.NOTHING
    statement = _ALLELE.sub("", text[start.start() :] if start else text.strip())
    head = " ".join(_CLAUSE.split(_SENTENCE.split(statement)[0])[0].split()[:_HEAD])
    if not start and read_part(head[:1].lower() + head[1:]) is Effect.UNCLEAR:
        return Effect.NOTHING
    effect = read_effect(statement)
    return Effect.NOTHING if effect is Effect.UNCLEAR else effect


def compare_effects(one: Effect, other: Effect) -> Outcome:
    """Judge two effects: kept or unmentioned is the family's function, lost or changed is not.

    Two that both lost or changed something may or may not have done so alike: *unsure*; so is what is not understood.
    """
    for effect in (Effect.UNCLEAR, Effect.MIXED):
        if effect in (one, other):
            return Outcome(f"effect:{effect.value}", Verdict.UNSURE)
    altered = {effect for effect in (one, other) if effect in (Effect.LOST, Effect.CHANGED)}
    if not altered:
        return SILENT if one is other is Effect.NOTHING else Outcome("effect:kept", Verdict.SAME)
    if one in altered and other in altered:
        return Outcome("effect:both-altered", Verdict.UNSURE)
    return Outcome(f"effect:{altered.pop().value}", Verdict.DIFFERENT)


def judge_effects(texts: Sequence[str], left: Rows, right: Rows, *, variants: Sequence[bool] | None = None) -> Findings:
    """Judge each pair of entries by the effects that their texts tell of.

    variants: the entries that are known to be variants, whatever their texts begin with.

    Examples
    --------
    >>> import numpy as np
    >>> texts = ["Binds heme.", "Loss of heme binding.", "No effect on heme binding.", "Sticks to glass."]
    >>> judge_effects(texts, np.array([0, 0, 1, 0]), np.array([1, 2, 2, 3])).reasons.tolist()
    ['effect:lost', 'effect:kept', 'effect:lost', '']
    >>> judge_effects(texts, np.array([0]), np.array([3]), variants=[False, True, True, True]).reasons.tolist()
    ['effect:unclear']
    """
    known = variants or [False] * len(texts)
    values = [read_effect(text) if variant else read_text(text) for text, variant in zip(texts, known, strict=True)]
    return compare_values(values, left, right, compare=compare_effects)
