"""What texts say that a variant does to the function: lost, changed, or kept.

The words are those of UniProt's mutagenesis annotations, and they count only in a text about a variant: one
that begins with them ("Loss of kinase activity."), where the function of a wild type has them further on
("Kinase that reduces the activity of ..."), or one that speaks of a variant. A text may say several things;
then it is *mixed*.
"""

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

import numpy as np
from jaxtyping import Int

from protrek_hm.mine.evidence.findings import SILENT, Findings, Outcome, Verdict, compare_values

_HEAD = 5  # words of a sentence that can say that it is about a variant's effect
_SENTENCE = re.compile(r"(?<=[.;:])\s+")
_CLAUSE = re.compile(r"\b(?:that|which|who)\b")
_PART = re.compile(r"[.;:,]\s+|\b(?:but|and|while|whereas|although)\b")
_ALLELE = re.compile(r"^(?:in|variant|mutant) [^;:]*[;:]\s*", re.IGNORECASE)
_WILD_TYPE = re.compile(
    r"\s*(?:cataly[sz]|involved|required|necessary|essential|plays|functions|acts|can\b|could\b|may\b|conjugation)",
    re.IGNORECASE,
)
_VARIANT = re.compile(r"(?:^|[.;]\s+)(?:this |the )?(?:variant|mutant|mutation|substitution)\b", re.IGNORECASE)


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"\b(?:{pattern})" for pattern in patterns), re.IGNORECASE)


_KEPT = _any_of(
    r"no (?:\w+ ){0,2}(?:effects?|changes?|difference|impact|influence|alteration|defect|phenotype)\b",
    r"no (?:\w+ )?(?:loss|reduction|decrease|increase)\b",
    r"(?:does|do|did) not (?:\w+ )?(?:affect|alter|change|impair|abolish|influence|reduce|modify|disrupt)",
    r"(?:does|do|did) not (?:\w+ )?(?:decrease|prevent|inhibit|interfere)",
    r"not (?:be )?(?:affected|altered|impaired|changed|essential|required)\b",
    r"(?:unaffected|unchanged|unaltered|normal|viable)\b",
    r"(?:retain|maintain|preserve|keep)(?:s|ed|ing)?\b",
    r"(?:as|similar to|like|comparable to) (?:the |that of )?(?:the )?wild[- ]type\b",
    r"(?:little|minimal|minor|negligible|weak|slight) (?:or no )?effect\b",
    r"wild[- ]type (?:\w+ )?(?:activity|levels?|function|growth|phenotype)\b",
)
_LOST = _any_of(
    r"(?:loss|lack|absence|abolition|abrogation) of\b",
    r"(?:abolish|abrogat|eliminat|ablat)(?:e|es|ed|s|ing)\b",
    r"(?:inactive|inactivates|non-?functional|loses|lost|lethal|\w+-dead)\b",
    r"(?:fails? to|unable to|cannot|can no longer|no longer)\b",
    r"(?:no|lacks) (?:\w+ ){0,2}(?:activity|binding|interaction)\b",
    r"(?:disrupts|disrupted|prevents|blocks|eliminates|inactivation)\b",
    r"no (?:growth|rescue|cleavage|accumulation)\b",
)
_CHANGED = _any_of(
    r"(?:reduc|decreas|increas|impair|diminish|weaken|lower|elevat|attenuat|alter)(?:es|ed|s)\b",
    r"enhances\b|enhanced (?:\w+ ){0,3}(?:\w*activity|affinity|binding|stability|growth|interaction)\b",
    r"(?:defective|deficient|compromis(?:ed|es)|dominant[- ]negative|hyperactive|constitutively)\b",
    r"temperature[- ]sensitive\b",
    r"(?:growth|cell cycle|severe|strong|specific) (?:\w+ ){0,2}(?:arrest|defects?|phenotype)\b",
    r"(?:reduction|decrease|increase|defects?|impairment|change|attenuation|destabili[sz]ation) (?:in|of)\b",
    r"\d+(?:\.\d+)?[- ]?(?:fold|%)",
    r"(?:slow|slower|partial|partially) \w+",
)


class Effect(Enum):
    """What a text says that a variant does to the function."""

    NOTHING = "nothing"
    KEPT = "kept"
    LOST = "lost"
    CHANGED = "changed"
    MIXED = "mixed"


@lru_cache(maxsize=1_000_000)
def read_effect(text: str) -> Effect:
    """Return what `text` says that happened to the function.

    Words that keep are taken out before words of loss are looked for ("does not affect", "no loss of").

    Examples
    --------
    >>> read_effect("Loss of kinase activity.").value, read_effect("Does not affect kinase activity.").value
    ('lost', 'kept')
    >>> read_effect("No effect on growth. Abolishes binding.").value, read_effect("Binds heme.").value
    ('mixed', 'nothing')
    """
    start = _VARIANT.search(text)
    if not start and _WILD_TYPE.match(text):
        return Effect.NOTHING
    statement = _ALLELE.sub("", text[start.start() :] if start else text.strip())
    head = " ".join(_CLAUSE.split(_SENTENCE.split(statement)[0])[0].split()[:_HEAD])
    if not start and _read_part(head) is Effect.NOTHING:
        return Effect.NOTHING
    said = {_read_part(part) for part in _PART.split(statement)} - {Effect.NOTHING}
    if Effect.KEPT in said:
        return Effect.KEPT if len(said) == 1 else Effect.MIXED
    if Effect.LOST in said:
        return Effect.LOST
    return Effect.CHANGED if said else Effect.NOTHING


def _read_part(part: str) -> Effect:
    rest = _KEPT.sub(" ", part)
    if rest != part:
        return Effect.KEPT
    if _LOST.search(rest):
        return Effect.LOST
    return Effect.CHANGED if _CHANGED.search(rest) else Effect.NOTHING


def compare_effects(one: Effect, other: Effect) -> Outcome:
    """Judge two effects: kept or unmentioned is the family's function, lost or changed is not.

    Two that both lost or changed something may or may not have done so alike: *unsure*.
    """
    if Effect.MIXED in (one, other):
        return Outcome("effect:mixed", Verdict.UNSURE)
    altered = {effect for effect in (one, other) if effect in (Effect.LOST, Effect.CHANGED)}
    if not altered:
        return SILENT if one is other is Effect.NOTHING else Outcome("effect:kept", Verdict.SAME)
    if one in altered and other in altered:
        return Outcome("effect:both-altered", Verdict.UNSURE)
    return Outcome(f"effect:{altered.pop().value}", Verdict.DIFFERENT)


def judge_effects(texts: Sequence[str], left: Int[np.ndarray, " pairs"], right: Int[np.ndarray, " pairs"]) -> Findings:
    """Judge each pair of entries by the effects that their texts tell of.

    Examples
    --------
    >>> texts = ["Binds heme.", "Loss of heme binding.", "No effect on heme binding."]
    >>> judge_effects(texts, np.array([0, 0, 1]), np.array([1, 2, 2])).reasons.tolist()
    ['effect:lost', 'effect:kept', 'effect:lost']
    """
    return compare_values([read_effect(text) for text in texts], left, right, compare=compare_effects)
