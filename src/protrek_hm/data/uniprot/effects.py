"""What UniProt says that a change does: which statement is about which mutant, and whether function was kept."""

import re

_SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z0-9])")
_ASSOCIATED = re.compile(r"[;,]?\s*(?:only )?when associated with (?:variants? |mutations? )?(.+?)\.?$", re.IGNORECASE)
_SINGLE = re.compile(r"'?\b([A-Z])-\s?(\d+)\b'?")
_RANGE = re.compile(r"\b(\d+)-([A-Z](?:-[A-Z])+)-(\d+)\b")
_JOINTS = re.compile(r"[,;\s]|\band\b|\bvariants?\b")
_ALLELE = re.compile(r"^In [^;:]*[;:]\s*")
_PART = re.compile(r"[.;]\s+|,?\s+(?:but|and|while|whereas|although|however)\s+|,\s+(?=(?:no|does|do|did)\b)")
_KEPT = re.compile(
    r"\b(?:no|without) (?:[\w-]+ ){0,3}(?:effects?|changes?|differences?|impacts?|influences?|alterations?|defects?"
    r"|phenotypes?|loss|reductions?|decreases?|increases?)\b"
    r"|\b(?:(?:very )?little|slight|minimal|minor|weak|negligible)(?: or no| if any)? effects?\b"
    r"|\b(?:does|do|did|is|are|was) not (?:[\w-]+ ){0,2}(?:affect|alter|change|impair|influence|modif|disrupt"
    r"|reduce|decrease|increase|prevent|inhibit|interfere|disturb|essential|required)"
    r"|\b(?:unaffected|unchanged|unaltered|unimpaired|normal(?:ly)?|without affecting)\b"
    r"|(?<!non-)(?<!partially )\b(?:functional|viable)\b"
    r"|\b(?:retains?|maintains?|preserves?|keeps?)\b(?![^.;]*(?:%|\bhalf\b|\bthird\b|\bonly\b|\bpartial|\bsome\b))"
    r"|\b(?:as|like|same|similar|comparable|identical|equivalent)\b[\w\s-]{0,25}\bwild[- ]type\b"
    r"|^wild[- ]type\b",
    re.IGNORECASE,
)
_ALTERED = re.compile(
    r"\b(?:loss|lack|lacks|abolish\w*|abrogat\w*|eliminat\w*|inactiv\w*|impair\w*|reduc\w*|decreas\w*|increas\w*"
    r"|diminish\w*|disrupt\w*|prevent\w*|inhibit\w*|block\w*|defect\w*|lethal|fails?|unable|cannot|alter\w*|enhanc\w*"
    r"|gain|affects?|affected|weaken\w*|lower\w*|slow\w*|partial\w*|sensitive|constitutive\w*|dominant|dead|absen\w*"
    r"|no (?:\w+ )?(?:activity|binding|interaction|growth)|non-viable|retains?|only|less|more"
    r"|unstable|stabili[sz]\w*|hyper\w*|hypo\w*|fold|strongly|severe\w*|complete\w*|no longer)\b|%",
    re.IGNORECASE,
)
_SAYS_EFFECT = re.compile(rf"{_KEPT.pattern}|{_ALTERED.pattern}", re.IGNORECASE)

Partners = tuple[tuple[int, str], ...]


def split_effects(description: str) -> list[tuple[str, Partners | None]]:
    """Take a description apart: statements with the other changes that they hold together with.

    Returns
    -------
    list of (statement, partners)
        Partners are (position, letters there instead), none for the change alone; None where they are
        named in a way that cannot be resolved ("A-5 or A-9").

    Examples
    --------
    >>> split_effects("Slow growth. Lethal; when associated with A-5 and 8-D-E-9.")
    [('Slow growth.', ()), ('Lethal.', ((5, 'A'), (8, 'DE')))]
    >>> split_effects("Lethal; when associated with A-5 or A-9.")
    [('Lethal.', None)]
    """
    found: dict[Partners | None, list[str]] = {}
    for sentence in _SENTENCE.split(description.strip()):
        clause = _ASSOCIATED.search(sentence)
        partners: Partners | None = ()
        if clause:
            partners = _partners(clause[1])
            sentence = sentence[: clause.start()].rstrip(" .") + "."
        if sentence.strip(". "):
            found.setdefault(partners, []).append(sentence)
    return [(" ".join(sentences), partners) for partners, sentences in found.items()]


def variant_effect(description: str) -> str | None:
    """Return what a variant's description says of the function, leaving out diseases and database links.

    >>> variant_effect("in OD1; loss of kinase activity; reduced binding; dbSNP:rs1")
    'Loss of kinase activity; reduced binding.'
    >>> variant_effect("in a breast cancer sample; somatic mutation") is None
    True
    """
    clauses = [
        clause
        for clause in description.split("; ")
        if not clause.startswith(("in ", "dbSNP:", "associated with ", "requires ")) and _SAYS_EFFECT.search(clause)
    ]
    effect = "; ".join(clauses)
    return effect[0].upper() + effect[1:] + "." if effect else None


def is_neutral(effect: str) -> bool:
    """Say whether a text says that function is kept, and nothing else.

    >>> is_neutral("No effect on kinase activity."), is_neutral("Does not affect binding; normal growth.")
    (True, True)
    >>> is_neutral("Loss of binding. No effect on growth."), is_neutral("14% of wild-type activity.")
    (False, False)
    """
    kept = False
    for part in _PART.split(_ALLELE.sub("", effect)):
        said = _KEPT.search(part)
        if _ALTERED.search(part[: said.start()] if said else part):
            return False
        kept |= said is not None
    return kept


def _partners(words: str) -> Partners | None:
    """Read ``A-5, C-9 and 12-D-E-13``."""
    ranges = []
    for start, letters, end in _RANGE.findall(words):
        ranges.append((int(start), letters.replace("-", "")))
        if len(ranges[-1][1]) != int(end) - int(start) + 1:
            return None
    without = _RANGE.sub("", words)
    singles = [(int(position), letter) for letter, position in _SINGLE.findall(without)]
    if _JOINTS.sub("", _SINGLE.sub("", without)) or not (ranges or singles):
        return None
    return tuple(sorted({*ranges, *singles}))
