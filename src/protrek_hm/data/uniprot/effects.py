"""What UniProt says that a change does: which statement is about which mutant, and which clauses are no effects."""

import re

from protrek_hm.data.effects import ASSOCIATED, ASSOCIATED_FIRST, NAMED_ACTIVITY, Effect, read_effect

_SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z0-9])")
_SINGLE = re.compile(r"'?\b([A-Z])-\s?(\d+)\b'?")
_RANGE = re.compile(r"\b(\d+)-([A-Z](?:-[A-Z])+)-(\d+)\b")
_JOINTS = re.compile(r"[,;\s]|\band\b|\bvariants?\b")
_NO_EFFECT = re.compile(
    r"in (?!vitro\b|vivo\b|the (?:presence|absence)\b)|dbSNP:|associated (?:with|in) |requires |found (?:in|at|only) "
    r"|(?:unknown|uncertain|likely|probabl[ey]|possibl[ey])? ?(?:pathological|clinical|pathogenic|benign|disease)"
    r"|(?:unknown|uncertain) significance|(?:somatic|germline|de novo) (?:mutation|variant)"
    r"|(?:common|rare|frequent|low-frequency)\b|(?:dimorphism|polymorphism|allele|haplotype|homozygous|heterozygous)\b"
    r"|(?:mild|severe|classic|early|late|juvenile|infantile|adult)[\w-]* (?:form|onset|phenotype)|risk factor|type\b"
    r"|confirmed|(?:de novo|somatic|germline)$",
    re.IGNORECASE,
)

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
    >>> split_effects("When associated with A-5, loss of binding.")
    [('Loss of binding.', ((5, 'A'),))]
    """
    found: dict[Partners | None, list[str]] = {}
    for sentence in _SENTENCE.split(description.strip()):
        clause = ASSOCIATED.search(sentence) or ASSOCIATED_FIRST.match(sentence)
        partners: Partners | None = ()
        if clause:
            before, after = sentence[: clause.start()], sentence[clause.end() :]
            told_twice = before and after.strip(" .")  # "No effect when associated with A-5, but dead alone"
            partners = None if told_twice else _partners(clause[1].rstrip(" ."))
            rest = before or after
            sentence = rest[:1].upper() + rest[1:].rstrip(" .") + "."
        if sentence.strip(". "):
            found.setdefault(partners, []).append(sentence)
    return [(" ".join(sentences), partners) for partners, sentences in found.items()]


def variant_clauses(description: str) -> list[str]:
    """Return the clauses of a variant's description that are not about diseases, samples or database links.

    >>> variant_clauses("in OD1; stays inside the cell; dbSNP:rs1"), variant_clauses("in strain: K12; common")
    (['stays inside the cell'], [])
    """
    clauses = filter(None, description.split("; "))
    return [clause for clause in clauses if not _NO_EFFECT.match(clause) or _tells_beside(clause)]


def _tells_beside(clause: str) -> bool:
    """Whether a clause that begins with a disease or a sample goes on with an effect: "in cells, loss of binding"."""
    if clause.startswith("in "):
        return any(read_effect(part) is not Effect.UNCLEAR for part in clause.split(", ")[1:])
    return re.search(NAMED_ACTIVITY, clause) is not None and read_effect(clause) is not Effect.UNCLEAR


def variant_effect(description: str) -> str | None:
    """Return what a variant's description says of the function, if it says something that we understand.

    Clauses that we do not understand stay beside it.

    >>> variant_effect("in OD1; loss of kinase activity; stays inside the cell; dbSNP:rs1")
    'Loss of kinase activity; stays inside the cell.'
    >>> variant_effect("in a breast cancer sample; somatic mutation") is None
    True
    """
    clauses = variant_clauses(description)
    if all(read_effect(clause) is Effect.UNCLEAR for clause in clauses):
        return None
    effect = "; ".join(clauses)
    return effect[0].upper() + effect[1:] + "."


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
