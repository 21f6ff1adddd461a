"""Annotations of proteins as evidence: EC numbers and Gene Ontology molecular functions.

Of EC numbers the first of the four levels at which two enzymes differ decides; of GO terms, whether two proteins share
one that says something.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from pathlib import Path

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.mine.evidence.findings import SILENT, Findings, Outcome, Rows, Verdict, compare_values

_NUMBER = re.compile(r"\b([1-7])\.(\d+|-)\.(\d+|-)\.(n?\d+|-)")
_SAME_EC = Outcome("ec:same", Verdict.SAME)
_EC_DIFFERS = {level: Outcome(f"ec:differs-at-{level}", Verdict.DIFFERENT) for level in (1, 2, 3, 4)}

Numbers = frozenset[tuple[str, ...]]


def parse_ec(cell: str | None) -> Numbers | None:
    """Return the EC numbers in `cell`, each as its known levels; None if there is none.

    Examples
    --------
    >>> sorted(parse_ec("3.5.2.6; EC 2.7.-.-"))
    [('2', '7'), ('3', '5', '2', '6')]
    """
    found = frozenset(
        tuple(level for level in match.groups() if level != "-") for match in _NUMBER.finditer(cell or "")
    )
    return found or None


def compare_ec(one: Numbers, other: Numbers) -> Outcome:
    """Judge two sets of EC numbers by their closest pair of numbers.

    A shared number is *same*; numbers that part at a level that both know are *different*; a partial number
    that is the beginning of the other's (2.7.-.- and 2.7.1.1) says nothing.
    """
    if any(len(number) == 4 for number in one & other):
        return _SAME_EC
    deepest = max(_parting(first, second) for first in one for second in other)
    return SILENT if deepest == _COMPATIBLE else _EC_DIFFERS[deepest]


_COMPATIBLE = 5


def _parting(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Return the first level (1 to 4) at which two numbers differ, or `_COMPATIBLE`."""
    for level, (first, second) in enumerate(zip(one, other, strict=False), start=1):
        if first != second:
            return level
    return _COMPATIBLE


def judge_ec(cells: Sequence[str | None], left: Rows, right: Rows) -> Findings:
    """Judge each pair of entries by their EC numbers.

    Examples
    --------
    >>> import numpy as np
    >>> cells = ["3.5.2.6", "3.5.2.6", "3.5.1.1", "3.5.-.-", None]
    >>> judge_ec(cells, np.array([0, 0, 0, 0]), np.array([1, 2, 3, 4])).reasons.tolist()
    ['ec:same', 'ec:differs-at-3', '', '']
    """
    return compare_values([parse_ec(cell) for cell in cells], left, right, compare=compare_ec)


_TERM = re.compile(r"GO:\d{7}")
_ASPECT = re.compile(r"(?:^|[\s;])([CFP]):")
_FUNCTION = re.compile(r"\b(?:activity|binding)(?:,|$)|^structural constituent of", re.IGNORECASE)
_REGULATION = re.compile(r"(?:positive |negative )?regulation of", re.IGNORECASE)
_LEAST_BITS = 4.0  # a term that more than one in 16 annotated proteins has says little
_SAME_GO = Outcome("go:same", Verdict.SAME)
_SHARED = Outcome("go:shared", Verdict.UNSURE)
_RELATED = Outcome("go:related", Verdict.UNSURE)
_GO_DIFFERS = Outcome("go:differs", Verdict.DIFFERENT)

Terms = frozenset[str]
Ancestors = Mapping[str, frozenset[str]]


def parse_go(cell: str | None, ancestors: Ancestors | None = None) -> Terms | None:
    """Return the molecular functions among the terms in `cell`; terms of which nothing says that they are one are not.

    A letter of aspect decides (`F:`, `C:`, `P:`); without one the ontology, if `ancestors` (of functions) are given;
    without that the name: those of functions end in "activity" or "binding", or begin "structural constituent".

    Examples
    --------
    >>> sorted(parse_go("GO:0005737 C:cytoplasm; GO:0050524 F:some activity; GO:0046872 F:metal ion binding"))
    ['GO:0046872', 'GO:0050524']
    >>> parse_go("cytoplasm [GO:0005737]; ATP binding [GO:0005524]")
    frozenset({'GO:0005524'})
    """
    functions = frozenset(term for term, function in _terms(cell, ancestors) if function)
    return functions or None


def count_unclear(cells: Sequence[str | None], ancestors: Ancestors | None = None) -> int:
    """Count the cells with a term of unknown aspect: identifiers alone, without an ontology.

    >>> count_unclear(["GO:0005737; GO:0005524", "ATP binding [GO:0005524]", None])
    1
    """
    return sum(any(function is None for _, function in _terms(cell, ancestors)) for cell in cells)


def _terms(cell: str | None, ancestors: Ancestors | None) -> Iterator[tuple[str, bool | None]]:
    """Yield each term, and whether it is a molecular function; None if that cannot be known."""
    for part in re.split(r"[;|]\s*(?![CFP]:(?!GO:))", cell or ""):
        terms = _TERM.findall(part)
        aspect = _ASPECT.search(part)
        name = " ".join(re.sub(r"[\[\]~]", " ", _TERM.sub(" ", part)).split())
        for term in terms:
            if aspect and len(terms) == 1:
                yield term, aspect[1] == "F"
            elif ancestors is not None:
                yield term, term in ancestors
            else:
                yield term, is_function(name) if name and len(terms) == 1 else None


def is_function(name: str) -> bool:
    """Say whether the name of a GO term is that of a molecular function.

    >>> is_function("hydrolase activity, acting on ester bonds"), is_function("regulation of kinase activity")
    (True, False)
    """
    return bool(_FUNCTION.search(name)) and not _REGULATION.match(name)


def read_ancestors(path: Path) -> dict[str, frozenset[str]]:
    """Read each molecular-function term's ancestors (over `is_a`, itself included) from an OBO file.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, or holds no term.
    """
    try:
        stanzas = path.read_text(encoding="utf-8").split("\n[Term]\n")[1:]
    except FileNotFoundError:
        raise MissingFileError(path) from None
    parents = {}
    for stanza in stanzas:
        term = re.search(r"^id: (GO:\d{7})", stanza, re.MULTILINE)
        if term and "\nnamespace: molecular_function" in stanza:
            parents[term[1]] = re.findall(r"^is_a: (GO:\d{7})", stanza, re.MULTILINE)
            parents |= {alias: [term[1]] for alias in re.findall(r"^alt_id: (GO:\d{7})", stanza, re.MULTILINE)}
    if not parents:
        raise FileFormatError(path, "no molecular-function term in it", "give a Gene Ontology file in OBO format")
    known: dict[str, frozenset[str]] = {}

    def climb(term: str) -> frozenset[str]:
        if term not in known:
            above = (climb(parent) for parent in parents.get(term, []))
            known[term] = frozenset({term}).union(*above)
        return known[term]

    return {term: climb(term) for term in parents}


def information(cells: Sequence[Terms | None], ancestors: Ancestors) -> dict[str, float]:
    """Return each term's information content in bits: −log2 of the share of annotated proteins that have it.

    A protein has a term if the term or a descendant of it is annotated.

    Examples
    --------
    >>> information([frozenset({"x"}), frozenset({"x", "y"}), None], {})
    {'x': 0.0, 'y': 1.0}
    """
    annotated = [terms for terms in cells if terms]
    counts = Counter(above for terms in annotated for above in sorted(_with_ancestors(terms, ancestors)))
    return {term: math.log2(len(annotated) / count) for term, count in counts.items()}


def judge_go(cells: Sequence[str | None], left: Rows, right: Rows, *, ancestors: Ancestors | None = None) -> Findings:
    """Judge each pair of entries by their telling molecular functions (at least 4 bits in this corpus).

    Compartments and processes, and terms whose aspect nothing tells (`parse_go`), do not count.

    Equal sets are *same*; sets that share a term, or whose terms are ancestors of each other or are found
    together in some protein, hold a verdict back; sets of unrelated terms are *different*; no telling term is
    silent. ancestors: from `read_ancestors`; without them, only co-occurrence relates terms.
    """
    above = ancestors or {}
    parsed = [parse_go(cell, ancestors) for cell in cells]
    bits = information(parsed, above)
    telling = [
        frozenset(term for term in terms if bits[term] >= _LEAST_BITS) or None if terms else None for terms in parsed
    ]
    together = {pair for terms in set(telling) if terms for pair in combinations(sorted(terms), 2)}

    def related(one: str, other: str) -> bool:
        nearer = one in above.get(other, ()) or other in above.get(one, ())
        return nearer or (min(one, other), max(one, other)) in together

    def compare(one: Terms, other: Terms) -> Outcome:
        if one == other:
            return _SAME_GO
        if one & other:
            return _SHARED
        if any(related(first, second) for first, second in product(one, other)):
            return _RELATED
        return _GO_DIFFERS

    return compare_values(telling, left, right, compare=compare) if bits else Findings((SILENT,), left * 0)


def _with_ancestors(terms: Terms, ancestors: Ancestors) -> frozenset[str]:
    return terms.union(*(ancestors.get(term, frozenset()) for term in terms))
