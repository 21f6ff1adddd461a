"""What the texts themselves say: labelled fields ("Substrates: Carbapenem."), and words that fill a slot.

A difference in wording is not a difference in function. Two texts *differ* only where they contradict each
other: a labelled field with other values, or a slot of function (the enzyme, the substance, the "X" of
"X-hydrolyzing") that each fills with something the other does not mention at all. Where one merely says more,
nothing is known (*unsure*); so it is where they share a whole statement.

Chemistry and enzymology name things by endings (kin*ase*, gluc*ose*, carba*penem*), so a few endings and
short lists tell which words are names, and which fill a slot of function. The lists were written for this project
from general knowledge of the fields' nomenclature.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from protrek_hm.data.texts import clean_text, fold_text
from protrek_hm.mine.evidence.columns import compare_sets, split_set
from protrek_hm.mine.evidence.findings import Findings, Outcome, Rows, Verdict, compare_values

_FIELD = re.compile(r"^([A-Z][A-Za-z]+(?: [A-Za-z]+){0,3}):\s+(.+?)[.;]?$")
_SENTENCE = re.compile(r"(?<=[.;])\s+(?=[A-Z0-9])")
_WORD = re.compile(r"[A-Za-z0-9][\w'()/+-]*")
_LEAST_LABEL_USE = 3  # distinct texts that use a label before it counts as a field of the corpus
_MAIN_WORDS = 30  # words from the beginning of a text that can fill slots: the rest is detail
_LEAST_STATEMENT = 5  # words of a sentence that is a statement of its own

_SAME = Outcome("words:same", Verdict.SAME)
_REORDERED = Outcome("words:reordered", Verdict.UNSURE)
_MORE = Outcome("words:one-says-more", Verdict.UNSURE)
_REWORDED = Outcome("words:fields-same", Verdict.UNSURE)
_SHARED = Outcome("words:shared-statement", Verdict.UNSURE)

Fields = tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True)
class Statement:
    """A text in parts: labelled `fields`, `stems` of other words in order, filled `slots`, `sentences`."""

    fields: Fields
    stems: tuple[str, ...]
    slots: frozenset[tuple[str, str]]
    sentences: frozenset[str]

    @cached_property
    def distinct_stems(self) -> frozenset[str]:
        """The stems without order."""
        return frozenset(self.stems)


def read_statements(texts: Sequence[str]) -> list[Statement]:
    """Take all `texts` of a corpus apart; a label counts as a field if several distinct texts use it.

    Examples
    --------
    >>> texts = [f"Class A lactamase TEM-{number}. Substrates: Carbapenem." for number in range(3)]
    >>> statement = read_statements(texts)[0]
    >>> statement.fields, statement.stems
    ((('substrates', frozenset({'carbapenem'})),), ('clas', 'a', 'lactam'))
    >>> sorted(statement.slots)
    [('enzyme', 'lactamase')]
    """
    parts = {text: _SENTENCE.split(clean_text(text)) for text in sorted(set(texts))}
    uses = Counter(label for found in parts.values() for label in {field[0] for field in map(_field, found) if field})
    labels = {label for label, count in uses.items() if count >= _LEAST_LABEL_USE}
    read = {text: _read(found, labels) for text, found in parts.items()}
    return [read[text] for text in texts]


def compare_statements(one: Statement, other: Statement) -> Outcome:
    """Judge two texts: labelled fields first, then slots, by the rule in this module's head."""
    ours, theirs = dict(one.fields), dict(other.fields)
    overlap = None
    for label in sorted(ours.keys() & theirs.keys()):
        outcome = compare_sets(
            ours[label],
            theirs[label],
            same=_SAME,
            overlaps=Outcome(f"field:{label}:overlaps", Verdict.UNSURE),
            differs=Outcome(f"field:{label}:differs", Verdict.DIFFERENT),
        )
        if outcome.verdict == Verdict.DIFFERENT:
            return outcome
        overlap = outcome if outcome.verdict == Verdict.UNSURE else overlap
    if overlap:
        return overlap
    slot = _contradicted_slot(one, other)
    if slot is None:
        if ours != theirs or one.distinct_stems != other.distinct_stems:
            return _MORE
        return _SAME if one.stems == other.stems else _REORDERED
    if ours and ours == theirs:
        return _REWORDED
    return _SHARED if one.sentences & other.sentences else Outcome(f"words:{slot}:differs", Verdict.DIFFERENT)


def judge_words(statements: Sequence[Statement], left: Rows, right: Rows) -> Findings:
    """Judge each pair of entries by their texts alone.

    statements: from `read_statements`.

    Examples
    --------
    >>> import numpy as np
    >>> texts = ["Carbapenem-hydrolyzing lactamase.", "Penicillin-hydrolyzing lactamase.", "Lactamase."]
    >>> judge_words(read_statements(texts), np.array([0, 0]), np.array([1, 2])).reasons.tolist()
    ['words:-hydrolyzing:differs', 'words:one-says-more']
    """
    return compare_values(statements, left, right, compare=compare_statements)


def _field(part: str) -> tuple[str, str] | None:
    match = _FIELD.match(part)
    return (match[1].casefold(), match[2]) if match else None


def _read(parts: list[str], labels: set[str]) -> Statement:
    fields, plain = [], []
    for part in parts:
        field = _field(part)
        if field and field[0] in labels:
            fields.append((field[0], split_set(field[1])))
        else:
            plain.append(part)
    words = [word for part in plain for word in _WORD.findall(part) if not is_name(word)]
    stems = tuple(stem(piece) for word in words for piece in re.findall(r"[A-Za-z]+\d*|\d+", word))
    filled = frozenset(pair for word in words[:_MAIN_WORDS] for pair in slots(word.strip("()'/+")))
    long = frozenset(fold_text(part) for part in plain if len(part.split()) >= _LEAST_STATEMENT)
    return Statement(tuple(sorted(fields, key=lambda field: field[0])), stems, filled, long)


def _contradicted_slot(one: Statement, other: Statement) -> str | None:
    """Return the first slot that each text fills with something that the other does not mention."""
    ours, theirs = one.slots - other.slots, other.slots - one.slots
    if not ours or not theirs:
        return None
    mine = {slot for slot, value in ours if stem(value) not in other.distinct_stems}
    yours = {slot for slot, value in theirs if stem(value) not in one.distinct_stems}
    return min(mine & yours, default=None)


_FORMULAS = frozenset(
    "ATP ADP AMP GTP GDP GMP CTP UTP UDP NAD NADH NADP NADPH FAD FADH FMN CoA SAM DNA RNA mRNA tRNA rRNA "
    "cAMP cGMP CO2 O2 H2O2 NO PLP Ca2 Na K Mg2 Zn2 Fe2 Fe3 Cu2 Mn2 GABA NMDA AMPA".split()
)
_SUBSTANCES = frozenset(
    "zinc copper iron nickel cobalt manganese mercury silver cadmium arsenic heme biotin water oxygen "
    "ammonia urea glucose starch cellulose chitin lignin pectin heparin insulin glucagon "
    "collagen elastin".split()
)
_ROLES = frozenset(
    "activator repressor inhibitor transporter permease channel receptor hormone cytokine chemokine toxin "
    "antitoxin chaperone symporter antiporter uniporter porin exporter importer agonist antagonist "
    "hemolysin efflux uptake import export".split()
)
_NO_ENZYME = re.compile(r"^(?:ph|b|datab|rele|incr?e|decre|dise|c|ph?r|ch|le|er|cre|gre|ple|e|purch)ases?$")
_ENZYME = re.compile(r"^[a-z]{3,}ases?$")
_NO_SUBSTANCE = re.compile(
    r"^(?:determine|machine|line|combine|examine|routine|define|murine|intestine|spine|online|baseline|decline"
    r"|control|protocol|symbol|side|wide|inside|outside|provide|divide|guide|widespread|coincide|decide|reside"
    r"|proteins?|domains?|within|contain|obtain|maintain|chains?|certain|origin|begin|remain|retain|explain|strains?"
    r"|sustain|margin|bone|alone|zone|clone|done|none|cone|hormone|stone|gene|membrane|scene|plane|hygiene|medium"
    r"|equilibrium|bacterium|endothelium|epithelium|purpose|those|whose|close|loose|dose|nose|expose|compose|propose"
    r"|suppose|choose|impose|oppose|diagnose|transpose|peptides?|nucleotides?|nucleosides?|cytokines?|chemokines?"
    r"|amides?|amines?|polypeptides?|plasmids?)$"
)
_SUBSTANCE = re.compile(
    r"^[a-z]{2,}(?:ose|ine|ium|ide|one|ol|ene|ane|mycin|micin|cillin|sporin|floxacin|oxacin|penem|bactam|trexate"
    r"|phenicol|prim)s?$"
    r"|^[a-z]{3,}[^a]ins?$"
    r"|^[a-z]*(?:phosph|sulf|nitr|acet|carbon|glutam|aspart|pyruv|lact|citr|fumar|succin|mal|oxal|form|fol|glycol"
    r"|benzo|cyan|chlor|arsen|selen|molybd|palmit|stear|tartr|gluconate|ascorb|shikim|chorism)ates?$"
)
_COMPOUND = re.compile(
    r"^([A-Za-z]{4,})-(hydroly[sz]ing|spectrum|binding|specific|dependent|resistant|sensitive|selective|forming"
    r"|transporting|degrading|converting|metaboli[sz]ing|gated|activated|inducible|type)$"
)
_SUFFIXES = (
    "ations", "ation", "izing", "izes", "ized", "ize", "ysis", "yzing", "yzes", "yze", "ases", "ase",
    "ings", "ing", "ions", "ion", "ors", "or", "ers", "er", "ates", "ated", "ate",
    "ies", "es", "ed", "s", "y", "e",
)  # fmt: skip


@lru_cache(maxsize=200_000)
def is_name(word: str) -> bool:
    """Tell whether `word` looks like the name of a gene, an allele or a family: a digit, or two capitals.

    Well-known cofactors and small molecules are not names.

    Examples
    --------
    >>> words = ["TEM-1", "OXA-51", "AadA", "NADPH", "Carbapenem-hydrolyzing", "6'-N-acetyl"]
    >>> [word for word in words if is_name(word)]
    ['TEM-1', 'OXA-51', 'AadA']
    """
    core = word.strip("()'+-/")
    if core in _FORMULAS or re.search(r"[a-z]{4}", core):
        return False
    letters = re.findall(r"[A-Z]", core)
    return bool(len(letters) >= 2 or (letters and re.search(r"\d", core)))


@lru_cache(maxsize=200_000)
def slots(word: str) -> tuple[tuple[str, str], ...]:
    """Return what `word` says about function: pairs of a slot and the stem that fills it.

    A compound such as "carbapenem-hydrolyzing" fills the slot of its second part, and its parts may fill
    their own.

    Examples
    --------
    >>> slots("Carbapenem-hydrolyzing")
    (('-hydrolyzing', 'carbapenem'), ('substance', 'carbapenem'))
    >>> slots("kinase"), slots("increase"), slots("NADPH"), slots("binds")
    ((('enzyme', 'kinase'),), (), (('substance', 'nadph'),), ())
    """
    filled = []
    compound = _COMPOUND.match(word)
    if compound:
        filled.append((f"-{compound[2].lower().replace('ys', 'yz')}", stem(compound[1])))
    for part in word.split("-"):
        folded = part.lower()
        if part in _FORMULAS:
            filled.append(("substance", folded))
        elif _ENZYME.match(folded) and not _NO_ENZYME.match(folded):
            filled.append(("enzyme", folded.removesuffix("s")))
        elif folded.rstrip("s") in _ROLES:
            filled.append(("role", folded.rstrip("s")))
        elif folded in _SUBSTANCES or (_SUBSTANCE.match(folded) and not _NO_SUBSTANCE.match(folded)):
            filled.append(("substance", folded.removesuffix("s")))
    return tuple(filled)


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Cut the ending of a word, so that forms of one word are one.

    Examples
    --------
    >>> stem("hydrolyzing") == stem("hydrolysis") == stem("hydrolyzes")
    True
    """
    folded = word.lower()
    for suffix in _SUFFIXES:
        if folded.endswith(suffix) and len(folded) - len(suffix) >= 4:
            return folded[: -len(suffix)]
    return folded
