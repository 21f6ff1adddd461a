"""Read the entries of a file in any of UniProt's formats, known by its content.

The file is cut into records block by block: memory holds a block and a record, whatever the file's size.
"""

import codecs
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple

from protrek_hm.data.compression import open_decompressed
from protrek_hm.data.schema import missing_column
from protrek_hm.data.tables import BadRecord
from protrek_hm.data.uniprot.entry import BrokenRecordError, Entry
from protrek_hm.data.uniprot.flat import parse_flat
from protrek_hm.data.uniprot.json_entry import parse_json
from protrek_hm.data.uniprot.tsv import column_key, parse_row
from protrek_hm.data.uniprot.xml_entry import parse_xml
from protrek_hm.errors import FileFormatError, shorten
from protrek_hm.workers import Needs, Shared, map_shards

BLOCK = 1 << 20
LONGEST = 1 << 27
"""Bytes after which a record without end is given up: titin's XML is below 10 MB."""

_END_OF_RECORD, _END_OF_ENTRY = "\n//\n", "</entry>"
_OPENING = 80  # characters within which a list begins
_JSON = json.JSONDecoder()
_SOMETHING = re.compile(r"[^\s,]")
_LIST = re.compile(r'\s*(?:\{\s*"results"\s*:\s*)?\[')


class CutShortError(ValueError):
    """The file ends in the middle of the record of `line`, or outgrows what a record may have."""

    def __init__(self, line: int, problem: str) -> None:
        self.line, self.problem = line, problem
        super().__init__(problem)


def flat_records(stream: io.BufferedReader) -> Iterator[tuple[int, str]]:
    r"""Cut a flat file at its lines ``//``, which are left out.

    >>> list(flat_records(io.BufferedReader(io.BytesIO(b"ID   A\n//\nID   B\nAC   B;\n//\n"))))
    [(1, 'ID   A'), (3, 'ID   B\nAC   B;')]
    """
    yield from _cut(stream, _END_OF_RECORD, "ID   ")


def xml_records(stream: io.BufferedReader) -> Iterator[tuple[int, str]]:
    r"""Cut the entries out of XML; what stands around them is passed over.

    >>> xml = b"<uniprot>\n<entry><accession>A</accession></entry>\n<entry/></entry>\n</uniprot>\n"
    >>> [(line, len(record)) for line, record in xml_records(io.BufferedReader(io.BytesIO(xml)))]
    [(2, 39), (3, 16)]
    """
    yield from _cut(stream, _END_OF_ENTRY, "<entry")


def lines(stream: io.BufferedReader) -> Iterator[tuple[int, str]]:
    r"""Yield the lines that hold something, whichever way they end.

    >>> list(lines(io.BufferedReader(io.BytesIO(b"\xef\xbb\xbfa\tb\r\n\nc\td\r"))))
    [(1, 'a\tb'), (3, 'c\td')]
    """
    held, number = "", 0
    for block in chain(_text_blocks(stream), ["\n"]):
        *whole, held = (held + block).split("\n")
        for line in whole:
            number += 1
            if line:
                yield number, line


def json_records(stream: io.BufferedReader) -> Iterator[tuple[int, dict[str, Any]]]:
    r"""Yield the objects of a list, of ``{"results": [...]}``, or those that follow each other (JSON lines).

    >>> stream = io.BufferedReader(io.BytesIO(b'{"results": [{"a": 1},\n{"a": "]"}]}'))
    >>> list(json_records(stream))
    [(1, {'a': 1}), (2, {'a': ']'})]
    """
    text = _text_blocks(stream)
    held, line, at, ended = "", 1, 0, False
    while len(held) < _OPENING and (more := next(text, None)) is not None:
        held += more
    opening = _LIST.match(held)
    if opening:
        line, at = 1 + held.count("\n", 0, opening.end()), opening.end()
    while True:
        found = _SOMETHING.search(held, at)
        after = found.start() if found else len(held)
        line += held.count("\n", at, after)
        at = after
        if opening and held[at : at + 1] == "]":
            return
        decoded = _decode(held, at, line, ended=ended) if found else None
        if decoded:
            tree, after = decoded
            yield line, tree
            line += held.count("\n", at, after)
            at = after
        elif not ended:
            more = next(text, None)
            held, at, ended = held[at:] + (more or ""), 0, more is None
        elif opening:
            raise CutShortError(line, "the file ends in the middle of the list")
        else:
            return


def _decode(held: str, at: int, line: int, *, ended: bool) -> tuple[dict[str, Any], int] | None:
    """Decode the object that begins at `at`; return it with its end, or None if more text is needed."""
    if held[at] != "{":
        raise CutShortError(line, f"{held[at : at + 20]!r} stands where an entry should begin")
    try:
        return _JSON.raw_decode(held, at)
    except json.JSONDecodeError as error:
        wrong = error.pos < len(held) - 100 and not error.msg.startswith("Unterminated")
        if not ended and not wrong and len(held) - at <= LONGEST:
            return None
        problem = f"not JSON ({error.msg})" if wrong or not ended else "the file ends in the middle of it"
        raise CutShortError(line + held.count("\n", at, error.pos), problem) from None


def _text_blocks(stream: io.BufferedReader) -> Iterator[str]:
    """Decode block by block, line ends as in Unix."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")(), translate=True)
    while block := stream.read(BLOCK):
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _cut(stream: io.BufferedReader, end: str, start: str) -> Iterator[tuple[int, str]]:
    held, line = "", 1
    keep = len(end) if end.startswith("<") else 0
    for block in _text_blocks(stream):
        held += block
        if len(held) > LONGEST:
            raise CutShortError(line, f"no end of the record within {LONGEST >> 20} MiB")
        *whole, held = held.split(end)
        for piece in whole:
            at = max(piece.find(start), 0) if keep else len(piece) - len(piece.lstrip("\n"))
            yield line + piece.count("\n", 0, at), piece[at:] + end[:keep]
            line += piece.count("\n") + (0 if keep else 2)
    if keep:
        if start in held or "</uniprot>" not in held:
            at = max(held.find(start), 0)
            raise CutShortError(line + held.count("\n", 0, at), "the file ends in the middle of it")
    elif held.rstrip().removesuffix("//").strip():
        if not held.rstrip().endswith("\n//"):
            raise CutShortError(line, "the file ends in the middle of it")
        yield line, held.rstrip().removesuffix("\n//")


Format = Literal["flat", "xml", "json", "tsv"]
_SNIFFED = 4096
_TOGETHER = 256  # records in one shard: some megabytes of text, a tenth of a second
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
    """The line of a record and its entry, or what is wrong; neither where UniProt has deleted or merged the entry."""

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
        If the file does not exist, is empty, truncated or damaged, or is not a UniProt file.
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
        records: Iterator[tuple[int, Any]] = _CUT[kind](stream)
        some = False
        try:
            parser = _Parser(kind, features, tuple(_header(next(records)[1], path)) if kind == "tsv" else ())
            shared = Shared(_Parser, (parser.kind, parser.features, parser.header), here=parser)
            needs = Needs(interpreter=True, at_once=1)
            with map_shards(_parse, _blocks(records), shared=shared, needs=needs) as blocks:
                for block in blocks:
                    some = some or bool(block)
                    yield from block
        except UnicodeDecodeError:
            raise FileFormatError(path, "not UTF-8", "convert it, for instance with iconv -f latin1 -t utf-8") from None
        if not some:
            raise FileFormatError(path, "no entry in it", "give a file with at least one")


class _Short(NamedTuple):
    """What stands in the place of a record that is cut short."""

    problem: str


def _blocks(records: Iterator[tuple[int, Any]]) -> Iterator[list[tuple[int, Any]]]:
    """Put records together, with their lines; what cuts the last one short stands in its place."""
    block: list[tuple[int, Any]] = []
    try:
        for each in records:
            block.append(each)
            if len(block) == _TOGETHER:
                yield block
                block = []
    except CutShortError as error:
        block.append((error.line, _Short(error.problem)))
    yield block


@dataclass(frozen=True)
class _Parser:
    """How the records of a file are parsed; header: the columns of a table."""

    kind: Format
    features: bool
    header: tuple[str, ...]

    def parse(self, line: int, record: Any) -> Found:
        if isinstance(record, _Short):
            return Found(line, None, BadRecord(line, "record", record.problem))
        try:
            if self.kind == "json":
                return Found(line, parse_json(record, features=self.features))
            if self.kind == "tsv":
                return Found(line, parse_row(self.header, record, features=self.features))
            return Found(line, (parse_flat if self.kind == "flat" else parse_xml)(record, features=self.features))
        except BrokenRecordError as error:
            return Found(line, None, BadRecord(line, shorten(self._name(record) or "record"), str(error)))

    def _name(self, record: Any) -> str | None:
        if self.kind == "json":
            return str(record.get("primaryAccession") or "")
        called = _NAME[self.kind].search(record)
        return called[1] if called else None


def _parse(parser: _Parser, block: list[tuple[int, Any]]) -> list[Found]:
    return [parser.parse(line, record) for line, record in block]


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


_CUT: dict[Format, Callable[[io.BufferedReader], Iterator[tuple[int, Any]]]] = {
    "flat": flat_records,
    "xml": xml_records,
    "json": json_records,
    "tsv": lines,
}


def _header(line: str, path: Path) -> list[str]:
    header = [column_key(name) for name in line.split("\t")]
    if "sequence" not in header:
        remedy = "export the table again with the columns Entry and Sequence"
        raise missing_column(path, "Sequence", line.split("\t"), remedy)
    return header
