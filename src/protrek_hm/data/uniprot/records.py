"""Cut a file into records, block by block: memory holds a block and a record, whatever the file's size.

Each cutter yields the line on which a record begins, from 1, and its text.
"""

import codecs
import io
import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

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
