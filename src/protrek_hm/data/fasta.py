"""Read FASTA, also compressed, one record at a time."""

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from protrek_hm.data.compression import open_decompressed
from protrek_hm.data.tables import Table
from protrek_hm.errors import FileFormatError

ENDINGS = (".fasta", ".fa", ".faa", ".fas")
_UNIPROT_ID = re.compile(r"(?:sp|tr)\|([^|\s]+)\|(\S*)$")
_UNIPROT = re.compile(r"(?:^|\s)(OS|OX|GN|PE|SV)=")
_UNIREF = re.compile(r"(?:^|\s)(n|Tax|TaxID|RepID)=")


class FastaRecord(NamedTuple):
    """One entry, its sequence as it stands in the file (only line breaks and blanks are gone).

    `line` is that of its header, from 1. `fields` are UniProt's ``KEY=value`` pairs.
    """

    line: int
    id: str
    description: str
    fields: dict[str, str]
    sequence: str

    @property
    def organism(self) -> str | None:
        """UniProt's `OS`, UniRef's `Tax`."""
        return self.fields.get("OS") or self.fields.get("Tax")


def parse_header(header: str) -> tuple[str, str, dict[str, str]]:
    """Split what stands behind '>' into id, description and fields.

    >>> parse_header("sp|P69905|HBA_HUMAN Hemoglobin subunit alpha OS=Homo sapiens GN=HBA1")
    ('P69905', 'Hemoglobin subunit alpha', {'name': 'HBA_HUMAN', 'OS': 'Homo sapiens', 'GN': 'HBA1'})
    >>> parse_header("WP_000239590.1 beta-lactamase TEM-1")
    ('WP_000239590.1', 'beta-lactamase TEM-1', {})
    >>> parse_header("X1 channel with n=4 subunits")
    ('X1', 'channel with n=4 subunits', {})
    """
    first = header.split("\x01", 1)[0]  # others: the same protein under the names of other databases, as NCBI has it
    name, rest = (*first.split(maxsplit=1), "", "")[:2]
    uniprot = _UNIPROT_ID.match(name)
    description, fields = rest, dict[str, str]()
    for pattern, first_keys in ((_UNIPROT, ["OS"]), (_UNIREF, ["n", "Tax"])):
        told, *pairs = pattern.split(rest)
        keys = pairs[::2]
        alone = len(keys) == 1 and not uniprot  # then it may be a part of the text, as is "with n=4 zinc ions"
        if keys[: len(first_keys)] == first_keys and len(set(keys)) == len(keys) and not alone:
            description, fields = told, {key: value.strip() for key, value in zip(keys, pairs[1::2], strict=True)}
    if uniprot:
        name, fields = uniprot[1], {"name": uniprot[2]} | fields
    return name, description.strip(), fields


def read_fasta(path: Path | str) -> Iterator[FastaRecord]:
    r"""Yield the records of a FASTA file in its order; memory holds one of them.

    Raises
    ------
    MissingFileError, FileFormatError
        If the file does not exist, is not FASTA or not UTF-8, or its compressed bytes are truncated.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two.fasta"
    >>> _ = path.write_text(">A first\nMK\nV\n>B\nAC\n")
    >>> [(record.line, record.id, record.description, record.sequence) for record in read_fasta(path)]
    [(1, 'A', 'first', 'MKV'), (4, 'B', '', 'AC')]
    """
    path = Path(path)
    with open_decompressed(path) as stream:
        yield from _records(stream, path)


def _records(lines: Iterable[bytes], path: Path) -> Iterator[FastaRecord]:
    header, start, parts = "", 0, list[str]()
    for number, raw in enumerate(_split_at_cr(lines), start=1):
        line = _decode(raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw, number, path)
        if line.startswith(">"):
            if start:
                yield FastaRecord(start, *parse_header(header), "".join(parts))
            header, start, parts = line[1:], number, []
        elif start:
            parts += line.split()
        elif line:
            problem = f"no FASTA: line {number} does not begin with '>'"
            raise FileFormatError(path, problem, "name a table .tsv or .csv")
    if not start:
        raise FileFormatError(path, "the file is empty", "give a table with a header line, or FASTA")
    yield FastaRecord(start, *parse_header(header), "".join(parts))


def begins_as_fasta(start: bytes) -> bool:
    """Say whether a file that begins with these bytes is FASTA: its first letter is '>'."""
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b">")


def parse_fasta(data: bytes, path: Path) -> Table:
    """Parse all records: id, sequence, text (the description); organism, entry_name, gene where given."""
    records = list(_records(io.BytesIO(data), path))
    columns: dict[str, list[str | None]] = {
        "id": [record.id or None for record in records],
        "sequence": [record.sequence for record in records],
        "text": [record.description for record in records],
        "organism": [record.organism for record in records],
        "entry_name": [record.fields.get("name") for record in records],
        "gene": [record.fields.get("GN") for record in records],
    }
    always = ("id", "sequence", "text")
    frame = pl.DataFrame(
        {name: cells for name, cells in columns.items() if name in always or any(cells)},
        schema_overrides=dict.fromkeys(always, pl.String),
    )
    lines = [record.line for record in records]
    return Table(frame, lambda: lines)


def _split_at_cr(lines: Iterable[bytes]) -> Iterator[bytes]:
    """End a line at each CR, CR LF or LF."""
    for line in lines:
        if b"\r" in line:
            yield from line.splitlines()
        else:
            yield line


def _decode(raw: bytes, number: int, path: Path) -> str:
    if number == 1 and raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileFormatError(path, "text in UTF-16", "save it as UTF-8")
    try:
        line = raw.decode().strip()
    except UnicodeDecodeError:
        remedy = "convert it, for instance with iconv -f latin1 -t utf-8"
        raise FileFormatError(path, f"line {number} is not UTF-8", remedy) from None
    if "\0" in line:
        raise FileFormatError(path, f"line {number} holds a zero byte", "give TSV, CSV, Parquet or FASTA")
    return line
