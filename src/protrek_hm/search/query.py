"""Queries, checked before a model sees them: given as they are, or as files that hold them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from protrek_hm.config import Modality, require_characters
from protrek_hm.data.compression import bare_name
from protrek_hm.data.fasta import ENDINGS as FASTA_ENDINGS
from protrek_hm.data.fasta import FastaRecord, read_fasta
from protrek_hm.data.schema import STRUCTURE_LETTERS, sequence_problem, upper_case
from protrek_hm.data.structures import StructureConfig, read_structure
from protrek_hm.data.structures.files import is_structure
from protrek_hm.errors import FileFormatError, MissingFileError, OptionError, shorten
from protrek_hm.files import is_a_file


@dataclass(frozen=True)
class Query:
    """What is searched by, and the name that its answers bear."""

    name: str
    content: str


def read_queries(given: Sequence[str], query_type: Modality, *, chains: tuple[str, ...] = ()) -> list[Query]:
    """Read queries from a command line: each is the query itself, or a file of sequences or structures.

    A FASTA file (for "sequence") holds a query a record, a PDB, mmCIF or BinaryCIF file (for "structure") one a chain,
    or those named in `chains`; all may be compressed. Texts are never files.

    Raises
    ------
    MissingFileError, FileFormatError
        If a file is not there, or not what its ending says, or not of the kind `query_type`.
    OptionError
        If a query is no text, sequence or structure.

    Examples
    --------
    >>> read_queries(["mkv"], "sequence")
    [Query(name='mkv', content='MKV')]
    >>> read_queries(["1abc.cif"], "structure")
    Traceback (most recent call last):
        ...
    protrek_hm.errors.MissingFileError: 1abc.cif: no such file or folder; check the path
    """
    queries = dict[str, Query]()
    for each in given:
        for query in (
            _read_file(Path(each), query_type, chains)
            if _names_a_file(each, query_type)
            else [_written_out(each, query_type)]
        ):
            if queries.setdefault(query.name, query) != query:
                raise OptionError("query", query.name, "two queries bear this name; rename one, or search in two runs")
    return list(queries.values())


def clean_query(query: str, query_type: Modality) -> str:
    """Return `query` as a table of proteins holds it.

    Texts lose the space around them. Sequences and structures lose all white space; sequences also a trailing `*`, and
    are raised to upper case; structures are brought to lower case.

    Raises
    ------
    OptionError
        If nothing is left, a letter does not belong there, or a text holds half a character (a lone surrogate).

    Examples
    --------
    >>> clean_query("mkv laa*", "sequence")
    'MKVLAA'
    >>> clean_query("MKJ", "sequence")
    Traceback (most recent call last):
        ...
    protrek_hm.errors.OptionError: query = 'MKJ': letter 'J' at position 3 is not an amino acid; ...
    """
    cleaned = query.strip() if query_type == "text" else "".join(query.split())
    if query_type == "sequence":
        cleaned = upper_case(cleaned.removesuffix("*"))
    if not cleaned:
        raise OptionError("query", query, f"is empty; give a {query_type} to search by")
    if query_type == "text":
        require_characters("query", cleaned)
        return cleaned
    problem = sequence_problem(cleaned) if query_type == "sequence" else _state_problem(cleaned)
    if problem is not None:
        raise OptionError("query", shorten(cleaned), f"{problem}; mend it, or choose another kind of query with --by")
    return cleaned.lower() if query_type == "structure" else cleaned


def _state_problem(states: str) -> str | None:
    for position, state in enumerate(states, start=1):
        if state.lower() not in STRUCTURE_LETTERS or not state.isascii():
            return f"letter {state!r} at position {position} is not a 3Di state"
    return None


def _written_out(given: str, query_type: Modality) -> Query:
    if query_type == "text" and is_a_file(given):
        remedy = "say with --by what it holds, or give a table of many queries with --batch"
        raise OptionError("query", given, f"is a file, not a text; {remedy}")
    return Query(given, clean_query(given, query_type))


def _names_a_file(given: str, query_type: Modality) -> bool:
    """Say whether a file is meant: there is one, or it ends like one."""
    path = Path(given)
    return query_type != "text" and (is_a_file(path) or is_structure(path) or bare_name(path).endswith(FASTA_ENDINGS))


def _read_file(path: Path, query_type: Modality, chains: tuple[str, ...]) -> list[Query]:
    if not os.path.exists(path):  # noqa: PTH110, as in `files.is_a_file`
        raise MissingFileError(path)
    if query_type == "structure":
        if bare_name(path).endswith(FASTA_ENDINGS):
            raise FileFormatError(path, "FASTA, which holds no structure", "search by it with --by sequence")
        records = read_structure(path, StructureConfig(chains=chains))
        return [Query(record["id"], record["structure"]) for record in records]
    if is_structure(path):
        raise FileFormatError(path, "a structure", "search by it with --by structure")
    return [Query(record.id, _cleaned(path, record)) for record in read_fasta(path)]


def _cleaned(path: Path, record: FastaRecord) -> str:
    try:
        return clean_query(record.sequence, "sequence")
    except OptionError as error:
        raise FileFormatError(
            path, f"line {record.line}: {record.id}: {error.wanted}", "or remove the record"
        ) from None
