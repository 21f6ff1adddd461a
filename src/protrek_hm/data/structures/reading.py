"""Find structure files and read them, their format known by their content: PDB, mmCIF or BinaryCIF."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import gemmi

from protrek_hm.data.compression import ENDINGS as COMPRESSIONS
from protrek_hm.data.compression import open_decompressed
from protrek_hm.data.structures.backbone import Parents, parents_by_chain, with_short_names
from protrek_hm.data.structures.binarycif import BinaryCifError, decode_block
from protrek_hm.errors import FileFormatError, MissingFileError, NothingFoundError

ENDINGS = (".pdb", ".ent", ".cif", ".mmcif", ".bcif")


@dataclass(frozen=True)
class BadFile:
    """A file (or an accession) that cannot be used: what is wrong with it, and what helps."""

    path: Path
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}; {self.remedy}"

    def error(self) -> FileFormatError:
        """Make the error, with the other way out.

        >>> str(BadFile(Path("a.cif"), "no protein chain", "mend it").error())
        'a.cif: no protein chain; mend it, or leave such files out with --on-bad-record skip'
        """
        remedy = f"{self.remedy}, or leave such files out with --on-bad-record skip"
        return FileFormatError(self.path, self.problem, remedy)


def find_structure_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files among `paths`, and the structure files in and below its folders, sorted by name.

    A file that is named is taken whatever its ending, one in a folder if it ends in one of `ENDINGS`, with or
    without .gz or .zst.

    Raises
    ------
    MissingFileError
        If a path does not exist.
    NothingFoundError
        If a folder holds no structure file.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("b.cif.gz", "a.PDB", "notes.txt"):
    ...     (folder / name).touch()
    >>> [path.name for path in find_structure_files([folder])]
    ['a.PDB', 'b.cif.gz']
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if is_structure(each) and each.is_file())
            if not inside:
                raise NothingFoundError(f"{path}: no structure file in it; they end in {', '.join(ENDINGS)}, or .gz")
            found.update(dict.fromkeys(inside))
        elif path.exists():
            found[path] = None
        else:
            raise MissingFileError(path)
    return list(found)


def is_structure(path: Path) -> bool:
    """Return whether a file's ending is that of a structure."""
    return _uncompressed(path).suffix.lower() in ENDINGS


def stem(path: Path) -> str:
    """Return the file's name without its endings.

    >>> stem(Path("data/8ac8.cif.gz")), stem(Path("AF-P12345-F1-model_v4.pdb")), stem(Path("no.ending"))
    ('8ac8', 'AF-P12345-F1-model_v4', 'no.ending')
    """
    name = _uncompressed(path)
    return name.stem if is_structure(path) else name.name


def _uncompressed(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path


_ATOM_BYTES = 32  # no format spends less on an atom, decompressed and decoded
_SEVERAL = "give each structure a file of its own"
_REMEDY = "copy or download it again"
_CIF = re.compile(rb"\A(?:\s|#[^\n]*\n)*data_", re.IGNORECASE)
_MAP = tuple(bytes([first]) for first in (*range(0x81, 0x90), 0xDE, 0xDF))  # how a MessagePack map begins
_PREDICTORS = (b"plddt", b"alphafold", b"colabfold", b"esmfold")
_DBREF = re.compile(rb"^DBREF  .{5}(.) .{12}UNP {4}(\w+)", re.MULTILINE)
_END = re.compile(rb"^END[ \r]*$", re.MULTILINE)  # what stands behind it is not read
_ATOM = re.compile(rb"^(?:ATOM  |HETATM)", re.MULTILINE)
_LONG_DBREF = re.compile(rb"^DBREF1 .{5}(.) .{12}UNP [^\n]*\nDBREF2 .{5}\1 {5}(\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """What a file holds.

    Attributes
    ----------
    structure
        Its models, with polymers told from ligands and water.
    accessions
        Chain → UniProt accession, for the chains whose file names exactly one.
    parents
        Chain → what the file says of its modified residues.
    names_predictor
        Whether it names pLDDT or a predictor, and no experimental method.
    """

    structure: gemmi.Structure
    accessions: Mapping[str, str]
    parents: Mapping[str, Parents]
    names_predictor: bool


def read_entry(path: Path, *, max_bytes: int) -> Entry:
    """Read a structure file.

    Parameters
    ----------
    path
        PDB, mmCIF or BinaryCIF, also with .gz or .zst.
    max_bytes
        Larger files, decompressed, are refused: they may be bombs.

    Raises
    ------
    MissingFileError, FileFormatError
        If the file does not exist, is too large or damaged, or does not hold one structure.
    """
    with open_decompressed(path) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise FileFormatError(path, f"more than {max_bytes:,} bytes", "raise the limit with --max-bytes, or remove it")
    if not data.startswith(_MAP) and not data.isascii():  # a title, maybe; columns must not shift
        data = data.decode("ascii", "replace").encode("ascii", "replace")
    try:
        if data.startswith(_MAP):
            block = decode_block(data, most_rows=max_bytes // _ATOM_BYTES)
        elif _CIF.match(data):
            block = _atomic_block(gemmi.cif.read_string(data), path)
        else:
            end = _END.search(data)
            if end and _ATOM.search(data, end.end()) and b"\nMODEL " not in data:
                raise FileFormatError(path, "atoms behind END", _SEVERAL)
            structure = gemmi.read_pdb_string(with_short_names(data), split_chain_on_ter=True)
            return _entry(structure, _pdb_accessions(data), parents_by_chain(structure), data)
        structure = gemmi.make_structure_from_block(block)
        return _entry(structure, _cif_accessions(block), parents_by_chain(structure, block), data)
    except FileFormatError:
        raise
    except (BinaryCifError, RuntimeError, ValueError, IndexError) as error:
        problem = " ".join(str(error).split())[:200]
        raise FileFormatError(path, f"no structure file ({problem})", _REMEDY) from None


def _entry(
    structure: gemmi.Structure, accessions: Mapping[str, str], parents: Mapping[str, Parents], data: bytes
) -> Entry:
    structure.setup_entities()
    method = structure.info["_exptl.method"] if "_exptl.method" in structure.info else ""
    experimental = bool(method) and "THEORETICAL" not in method.upper()
    said = b"" if experimental else data.lower()
    return Entry(structure, accessions, parents, names_predictor=any(name in said for name in _PREDICTORS))


def _atomic_block(document: gemmi.cif.Document, path: Path) -> gemmi.cif.Block:
    """Return the block with atoms; a file may hold others, such as its ligands' definitions."""
    blocks = [block for block in document if block.find_mmcif_category("_atom_site.")]
    if len(blocks) > 1:
        raise FileFormatError(path, f"{len(blocks)} blocks with atoms", _SEVERAL)
    return blocks[0] if blocks else document[0]


def _cif_accessions(block: gemmi.cif.Block) -> dict[str, str]:
    named = block.find("_struct_ref.", ["id", "db_name", "?pdbx_db_accession"])
    uniprot = {row.str(0): row.str(2) if row.has(2) else "" for row in named if row.str(1) == "UNP"}
    references = block.find("_struct_ref_seq.", ["ref_id", "pdbx_strand_id", "?pdbx_db_accession"])
    found = ((row.str(0), row.str(1), row.str(2) if row.has(2) else "") for row in references)
    return _unambiguous([(chain, own or uniprot[ref]) for ref, chain, own in found if ref in uniprot])


def _pdb_accessions(data: bytes) -> dict[str, str]:
    """Read the DBREF records: chain in column 13, database in 27 to 32, accession from column 34.

    Long accessions stand in DBREF2, from column 19, behind a DBREF1.
    """
    references = [*_DBREF.findall(data), *_LONG_DBREF.findall(data)]
    return _unambiguous([(chain.decode().strip(), accession.decode()) for chain, accession in references])


def _unambiguous(references: list[tuple[str, str]]) -> dict[str, str]:
    """Leave out the chains that are made of several proteins.

    >>> _unambiguous([("A", "P1"), ("A", "P1"), ("B", "P1"), ("B", "P2")])
    {'A': 'P1'}
    """
    named: dict[str, set[str]] = {}
    for chain, accession in references:
        named.setdefault(chain, set()).add(accession)
    return {chain: each for chain, accessions in named.items() if len(accessions) == 1 for each in accessions if each}
