"""Which files hold structures, and what they are called."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from protrek_hm.data.compression import ENDINGS as COMPRESSIONS
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
    """Return the files among `paths`, and the structure files in and below the folders among them, by name.

    A file that is named is taken whatever its ending, one in a folder if it ends in one of `ENDINGS`, with or
    without .gz or .zst.

    Raises
    ------
    MissingFileError
        If a path leads nowhere.
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
    """Say whether a file's ending is that of a structure."""
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
