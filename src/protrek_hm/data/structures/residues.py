"""Names of residues become letters: what the file says of their parents, gemmi's table, the names of force fields."""

import re
from collections.abc import Iterable, Mapping

import gemmi

STANDARD = {
    name: gemmi.find_tabulated_residue(name).one_letter_code
    for name in "ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL".split()
}
_FORCE_FIELDS = {  # AMBER, CHARMM, GROMOS, OPLS: other protonation, disulfide bonds
    name: parent
    for parent, names in {
        "HIS": "HSD HSE HSP HID HIE HIP HISD HISE HISP HISA HISB HISH HIS1 HIS2",
        "CYS": "CYX CYM CYS1 CYS2 CYSH",
        "ASP": "ASH ASPH ASPP",
        "GLU": "GLH GLUH GLUP",
        "LYS": "LYN LYP LSN LYSN LYSH",
        "ARG": "ARN ARGN",
        "TYR": "TYM TYRM",
    }.items()
    for name in names.split()
}
_LONG_NAME = re.compile(rb"^((?:ATOM  |HETATM).{11})([A-Z][A-Z0-9]{3})", re.MULTILINE)
_TOKEN = re.compile(r"\((\w+)\)|([A-Z])")

Parents = Mapping[str, str]
"""Name of a modified residue → its letter, or the letters of all the residues that it was made of."""


def force_field_parent(name: str) -> str | None:
    """Return the amino acid that a force field calls so, None if it is no such name.

    >>> [force_field_parent(name) for name in ("HSD", "NALA", "CCYX", "ALA", "ATP")]
    ['HIS', 'ALA', 'CYS', None, None]
    """
    at_end = name[1:] if len(name) == 4 and name[0] in "NC" else ""
    return _FORCE_FIELDS.get(name) or (at_end if at_end in STANDARD else _FORCE_FIELDS.get(at_end))


def with_short_names(pdb: bytes) -> bytes:
    """Give residues whose names take four columns the names of their parents, as three columns are read.

    >>> with_short_names(b"ATOM      1  N   NALAA   1       0.000")
    b'ATOM      1  N   ALA A   1       0.000'
    """

    def short(line: re.Match[bytes]) -> bytes:
        parent = force_field_parent(line[2].decode())
        return line[1] + (parent.encode().ljust(4) if parent else line[2])

    return _LONG_NAME.sub(short, pdb)


def stated_parents(structure: gemmi.Structure, block: gemmi.cif.Block | None = None) -> dict[str, str]:
    """Read what a file says of its modified residues.

    PDB says it in MODRES, mmCIF in `_pdbx_struct_mod_residue`, `_chem_comp.mon_nstd_parent_comp_id` and, where these
    are silent, in the one-letter codes of `_entity_poly`. A chromophore has several parents. A name whose residues
    have different parents tells none.
    """
    stated: dict[str, str] = {}
    of_residue: dict[tuple[str, str], str] = {}
    name_of: dict[tuple[str, str], str] = {}
    for each in structure.mod_residues:
        place = (each.chain_name, str(each.res_id))
        of_residue[place] = of_residue.get(place, "") + _letter(each.parent_comp_id)
        name_of[place] = each.res_id.name
    for place, told in of_residue.items():
        before = stated.get(name_of[place], told)
        if len(told) == len(before):  # X where another residue of this name has other parents
            told = "".join(one if one == other else "X" for one, other in zip(told, before, strict=True))
        stated[name_of[place]] = max(told, before, key=len)
    if block is not None:
        for row in block.find("_chem_comp.", ["id", "mon_nstd_parent_comp_id"]):
            told = "".join(map(_letter, re.findall(r"\w+", row.str(1))))
            if len(told) >= len(stated.get(row.str(0), "")):
                stated[row.str(0)] = told
        for row in block.find("_entity_poly.", ["pdbx_seq_one_letter_code", "pdbx_seq_one_letter_code_can"]):
            stated |= _aligned_parents(
                row.str(0), row.str(1), {name: told for name, told in stated.items() if told.strip("X")}
            )
    return {name: told for name, told in stated.items() if told.strip("X") and name not in STANDARD}


def _letter(parent: str) -> str:
    known = gemmi.find_tabulated_residue(parent.upper())
    return known.one_letter_code.upper() if known.is_amino_acid() else "X" * bool(parent)


def _aligned_parents(given: str, canonical: str, known: Parents) -> dict[str, str]:
    """Read the parents of the residues in brackets off the canonical sequence, which has several letters for some.

    Those of unknown parents have one each, or, if that does not fit, an equal share of what is left. What does not fit
    at all tells nothing.

    >>> _aligned_parents("M(ABC)K(MSE)", "MTYGKM", {})
    {}
    >>> _aligned_parents("M(ABC)K(MSE)", "MTYGKM", {"MSE": "M"})
    {'ABC': 'TYG'}
    """
    tokens = [(token[1], token[2]) for token in _TOKEN.finditer(given)]
    canonical = "".join(canonical.split())
    unknown = [name for name, _ in tokens if name and name not in known]
    left = len(canonical) - sum(1 if letter else len(known.get(name, "")) for name, letter in tokens)
    if not unknown or left < len(unknown) or left % len(unknown) or (left > len(unknown) and len(set(unknown)) > 1):
        return {}
    found, start = {}, 0
    for name, letter in tokens:
        if letter and canonical[start] != letter:
            return {}
        width = 1 if letter else len(known[name]) if name in known else left // len(unknown)
        if name and name not in known and "X" not in canonical[start : start + width]:
            found[name] = canonical[start : start + width]
        start += width
    return found


def letters(name: str, atoms: Iterable[str], parents: Parents) -> str:
    """Return the letters of a residue: several of a chromophore, X where nobody knows it.

    Parameters
    ----------
    name
        As the file has it.
    atoms
        The names of its atoms: homoserine is called as a histidine of CHARMM is, and a chromophore has several Cα.
    parents
        What the file says of modified residues.

    Examples
    --------
    >>> [letters(name, (), {"CRO": "TYG"}) for name in ("MET", "MSE", "SEC", "HSD", "CRO", "UNK", "ATP")]
    ['M', 'M', 'U', 'H', 'TYG', 'X', 'X']
    """
    if name in STANDARD:
        return STANDARD[name]
    if name in parents:
        return parents[name]
    names = set(atoms)
    known = gemmi.find_tabulated_residue(name)
    if known.is_amino_acid():
        first = known.one_letter_code.upper().strip() or "X"
        return first.ljust(len({"CA1", "CA2", "CA3"} & names), "X")
    if name == "HSE" and "OD" in names:
        return "S"
    return STANDARD.get(force_field_parent(name) or "", "X")


def may_be_amino_acid(name: str, parents: Parents) -> bool:
    """Say whether a residue is an amino acid, or might be one that nobody knows."""
    known = gemmi.find_tabulated_residue(name)
    return known.is_amino_acid() or not known.found() or name in parents
