"""Read the entries of a file in any of UniProt's formats, known by its content."""

import io
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from protrek_hm.data.compression import open_decompressed
from protrek_hm.data.records import BadRecord
from protrek_hm.data.schema import missing_column
from protrek_hm.data.uniprot.entry import BrokenRecordError, Entry
from protrek_hm.data.uniprot.flat import parse_flat
from protrek_hm.data.uniprot.json_entry import parse_json
from protrek_hm.data.uniprot.records import CutShortError, flat_records, json_records, lines, xml_records
from protrek_hm.data.uniprot.tsv import column_key, parse_row
from protrek_hm.data.uniprot.xml_entry import parse_xml
from protrek_hm.errors import FileFormatError, shorten

Format = Literal["flat", "xml", "json", "tsv"]
_SNIFFED = 4096
_OTHERS = (
    (b">", "FASTA, which holds no annotation"),
    (b"par1", "a Parquet table, which is read as it is"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<uniref", "UniRef, clusters without annotation"),
)
_NAME = {
    "flat": re.compile(r"\nAC   (\w+)"),
    "xml": re.compile(r"<accession>(\w+)"),
    "tsv": re.compile(r"^([^\t]+)"),
}


class Found(NamedTuple):
    """An entry with its first line; or what is wrong with the record there; or neither: an entry of the past."""

    line: int
    entry: Entry | None
    bad: BadRecord | None = None


def read_entries(path: Path, *, features: bool = True) -> Iterator[Found]:
    r"""Yield the entries of a .dat, .xml, .json or .tsv file of UniProt, also compressed; memory holds one.

    Parameters
    ----------
    path
        The file; its name does not matter.
    features
        Whether MUTAGEN and VARIANT features are wanted.

    Raises
    ------
    MissingFileError, FileFormatError
        If it is not there, empty, truncated or damaged by its compression, or no file of UniProt's.
    MissingColumnError
        If a table has no column of sequences.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "one.tsv"
    >>> _ = path.write_text("Entry\tSequence\tFunction [CC]\nP00001\tMKV\tFUNCTION: Binds zinc. {ECO:0000305}.\n")
    >>> [found.entry.comments for found in read_entries(path)]
    [{'function': ['Binds zinc.']}]
    """
    with open_decompressed(path) as stream:
        kind = sniff(stream.peek(_SNIFFED)[:_SNIFFED], path)
        some = False
        try:
            for found in _entries(stream, kind, path, features=features):
                some = True
                yield found
        except CutShortError as error:
            some = True
            yield Found(error.line, None, BadRecord(error.line, "record", error.problem))
        except UnicodeDecodeError:
            raise FileFormatError(path, "not UTF-8", "convert it, for instance with iconv -f latin1 -t utf-8") from None
        if not some:
            raise FileFormatError(path, "no entry in it", "give a file with at least one")


def sniff(start: bytes, path: Path) -> Format:
    r"""Say which format begins with these bytes.

    Raises
    ------
    FileFormatError
        If none does.

    Examples
    --------
    >>> sniff(b"ID   TEST_ECOLI   Reviewed;", Path("a")), sniff(b"<?xml version='1.0'?>\n<uniprot", Path("a"))
    ('flat', 'xml')
    >>> sniff(b'{"results":[', Path("a")), sniff(b"Entry\tReviewed\tSequence\n", Path("a"))
    ('json', 'tsv')
    """
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    remedy = "give UniProt's .dat, .xml, .json or .tsv, also as .gz"
    if not text:
        raise FileFormatError(path, "the file is empty", remedy)
    if text.startswith(b"ID   "):
        return "flat"
    if text.startswith((b"{", b"[")):
        return "json"
    lower = text.lower()
    if text.startswith(b"<") and (b"<uniprot" in lower or text.startswith(b"<entry")):
        return "xml"
    if b"entry" in [column_key(name).encode() for name in text.split(b"\n")[0].decode(errors="replace").split("\t")]:
        return "tsv"
    what = next((name for mark, name in _OTHERS if lower.startswith(mark) or b"\n" + mark in lower[:400]), None)
    begins = f"it begins with {shorten(text[:80].decode(errors='replace'), width=30)!r}"
    raise FileFormatError(path, f"no file of UniProt's: {what or begins}", remedy)


def _entries(stream: io.BufferedReader, kind: Format, path: Path, *, features: bool) -> Iterator[Found]:
    if kind == "json":
        for line, tree in json_records(stream):
            yield _read_tree(line, tree, features=features)
        return
    records = {"flat": flat_records, "xml": xml_records, "tsv": lines}[kind](stream)
    parse: Callable[..., Entry | None] = parse_flat if kind == "flat" else parse_xml
    if kind == "tsv":
        parse = partial(parse_row, _header(next(records)[1], path))
    name = _NAME[kind]
    for line, record in records:
        try:
            yield Found(line, parse(record, features=features))
        except BrokenRecordError as error:
            called = name.search(record)
            yield Found(line, None, BadRecord(line, shorten(called[1]) if called else "record", str(error)))


def _read_tree(line: int, tree: dict[str, Any], *, features: bool) -> Found:
    try:
        return Found(line, parse_json(tree, features=features))
    except BrokenRecordError as error:
        name = shorten(str(tree.get("primaryAccession") or "record"))
        return Found(line, None, BadRecord(line, name, str(error)))


def _header(line: str, path: Path) -> list[str]:
    header = [column_key(name) for name in line.split("\t")]
    if "sequence" not in header:
        remedy = "export the table again with the columns Entry and Sequence"
        raise missing_column(path, "Sequence", line.split("\t"), remedy)
    return header
