"""What texts say that a variant does to the function: lost, changed, or kept.

The words are those of UniProt's mutagenesis annotations. A text may say several things; then it is *mixed*.
"""

import re
from collections.abc import Sequence
from enum import Enum

import numpy as np
from jaxtyping import Int

from protrek_hm.mine.evidence.findings import SILENT, Findings, Outcome, Verdict, compare_values

_KEPT = re.compile(
    r"\bno (?:\w+ )?(?:effect|change|difference|impact|influence|alteration|loss"
    r"|reduction|decrease|increase)\b"
    r"|\b(?:does|do|did) not (?:\w+ )?(?:affect|alter|change|impair|abolish|influence"
    r"|reduce|modify|disrupt|decrease"
    r"|prevent|inhibit|interfere)"
    r"|\bnot (?:be )?(?:affected|altered|impaired|changed|essential|required)\b|\bwithout affecting\b"
    r"|\bunaffected\b|\bunchanged\b|\bunaltered\b"
    r"|\b(?:retain|maintain|preserve|keep)(?:s|ed|ing)?\b|\bas (?:the )?wild[- ]type\b"
    r"|\bsimilar to (?:the )?wild[- ]type\b"
    r"|\b(?:little|minimal|minor|negligible) (?:or no )?effect\b"
    r"|\bwild[- ]type (?:activity|levels?|function)\b",
    re.IGNORECASE,
)
_LOST = re.compile(
    r"\b(?:loss|lack|absence|abolition|abrogation) of\b|\b(?:abolish|abrogat|eliminat)(?:e|es|ed|s|ing)\b"
    r"|\binactive\b|\binactivates (?:the )?(?:enzyme|protein|activity)\b|\bnon-?functional\b"
    r"|\blos(?:es|t) (?:its|the|all)?\b"
    r"|\bcatalytically dead\b|\bfails? to\b|\bunable to\b|\bcan(?:not| no longer)\b|\bno (?:\w+ )?activity\b"
    r"|\blacks (?:\w+ )?activity\b"
    r"|\b(?:disrupts|prevents|blocks) (?:\w+ ){0,3}(?:activity|binding|interaction|formation)\b",
    re.IGNORECASE,
)
_CHANGED = re.compile(
    r"\b(?:reduced|decreased|increased|impaired|enhanced|diminished|weakened|lowered|elevated|attenuated|altered"
    r"|defective|compromised)\b|\b(?:reduction|decrease|increase|defects?|impairment) (?:in|of)\b"
    r"|\b(?:impairs|alters|diminishes|weakens|enhances|reduces|decreases|increases|lowers"
    r"|affects|changes) (?:[\w'-]+ ){0,5}"
    r"(?:activity|affinity|binding|rate|levels?|stability|interactions?|efficiency|specificity|folding|phosphorylation)\b"
    r"|\bdominant[- ]negative\b|\bhyperactive\b|\b\d+-fold\b"
    r"|\b\d+(?:\.\d+)?% (?:of|loss|reduction|decrease|increase)\b",
    re.IGNORECASE,
)


class Effect(Enum):
    """What a text says that a variant does to the function."""

    NOTHING = "nothing"
    KEPT = "kept"
    LOST = "lost"
    CHANGED = "changed"
    MIXED = "mixed"


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
    rest = _KEPT.sub(" ", text)
    kept = rest != text
    lost, changed = bool(_LOST.search(rest)), bool(_CHANGED.search(rest))
    if kept:
        return Effect.MIXED if lost or changed else Effect.KEPT
    if lost:
        return Effect.LOST
    return Effect.CHANGED if changed else Effect.NOTHING


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


def judge_effects(
    texts: Sequence[str], left: Int[np.ndarray, " pairs"], right: Int[np.ndarray, " pairs"]
) -> Findings:
    """Judge each pair of entries by the effects that their texts tell of.

    Examples
    --------
    >>> texts = ["Binds heme.", "Loss of heme binding.", "No effect on heme binding."]
    >>> judge_effects(texts, np.array([0, 0, 1]), np.array([1, 2, 2])).reasons.tolist()
    ['effect:lost', 'effect:kept', 'effect:lost']
    """
    return compare_values([read_effect(text) for text in texts], left, right, compare=compare_effects)
