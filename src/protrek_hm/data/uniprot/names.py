"""Names of proteins as UniProt's tables write them: everything in one cell, alternatives in brackets."""

import re

from protrek_hm.data.uniprot.entry import Names

_BLOCK = re.compile(r"\s*\[(Cleaved into|Includes|Contains): ")
_KIND = re.compile(r"(?:allergen|biotech|CD antigen) ", re.IGNORECASE)


def parse_names(cell: str) -> Names:
    """Take a cell such as ``Full name (EC 1.1.1.1) (Other name) [Cleaved into: One; Two] (Fragment)`` apart.

    A name that itself ends in brackets cannot be told from a name with an alternative; the other formats keep them
    apart.

    >>> names = parse_names("NAD(P)H oxidase (EC 1.6.3.-) (NOX) [Cleaved into: Chain A (EC 1.1.1.1); B] (Fragment)")
    >>> names.name, names.alternatives, names.components, names.ec, names.fragment
    ('NAD(P)H oxidase', ['NOX'], ['Chain A', 'B'], ['1.6.3.-', '1.1.1.1'], True)
    """
    names = Names()
    while cell.endswith((" (Fragment)", " (Fragments)")):
        names.fragment = True
        cell = cell[: cell.rindex(" (")]
    main, *blocks = _BLOCK.split(cell)
    names.name, others = _split(main)
    for other in others:
        if other in ("Fragment", "Fragments"):
            names.fragment = True
        elif other.startswith("EC "):
            names.ec.append(other[3:])
        else:
            names.alternatives.append(_KIND.sub("", other, count=1))
    for kind, content in zip(blocks[::2], blocks[1::2], strict=True):
        for part in content.strip().removesuffix("]").split("; "):
            name, others = _split(part)
            (names.domains if kind == "Includes" else names.components).append(name)
            names.ec += [other[3:] for other in others if other.startswith("EC ")]
    return names


def _split(cell: str) -> tuple[str, list[str]]:
    """Return a name and what stands in brackets behind it; brackets that touch a letter belong to the name."""
    name, others = cell.strip(), list[str]()
    while name.endswith(")"):
        depth = 0
        for place in range(len(name) - 1, -1, -1):
            depth += (name[place] == ")") - (name[place] == "(")
            if depth == 0:
                break
        if depth or place == 0 or name[place - 1] != " ":
            break
        others.append(name[place + 1 : -1])
        name = name[:place].rstrip()
    return name, others[::-1]
