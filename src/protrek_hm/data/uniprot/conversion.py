"""Entries of files become rows of a table, one after the other, and their features a second table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from protrek_hm.data.schema import SEQUENCE_LETTERS, sequence_problem
from protrek_hm.data.tables import BadRecord, TableSink, table_sink
from protrek_hm.data.texts import EVIDENCE, join_evidence
from protrek_hm.data.uniprot.entry import SECTION_COLUMN, SECTIONS, ConvertConfig, Entry, Names, section_texts
from protrek_hm.data.uniprot.formats import read_entries
from protrek_hm.data.uniprot.twins import SCHEMA as TWIN_SCHEMA
from protrek_hm.data.uniprot.twins import TwinReport, gold_twins
from protrek_hm.deadline import Progress
from protrek_hm.errors import FileFormatError, OptionError
from protrek_hm.files import refuse_existing

SCHEMA: dict[str, type[pl.DataType]] = {
    "id": pl.String,
    "sequence": pl.String,
    "text": pl.String,
    "ec": pl.String,
    "go": pl.String,
    "organism": pl.String,
    "entry_name": pl.String,
    "protein_name": pl.String,
    "alternative_names": pl.String,
    "domains": pl.String,
    "components": pl.String,
    "gene": pl.String,
    "taxon": pl.Int64,
    "reviewed": pl.Boolean,
    "fragment": pl.Boolean,
    "length": pl.Int64,
    "alphafold_id": pl.String,
    EVIDENCE: pl.String,
    **dict.fromkeys(SECTIONS, pl.String),
}
"""Columns of the table and their types. Lists are joined by "; "."""

_ASPECTS = "FCP"


def row_of(entry: Entry, text_sections: Sequence[str]) -> tuple[object, ...]:
    """Return an entry's cells, as `SCHEMA` orders them.

    >>> names = Names("Testase", ["Tst"], ec=["3.5.1.10", "3.5.1.2", "3.5.1.2"])
    >>> go = [("GO:0005737", "C:cytoplasm"), ("GO:0005524", "F:ATP binding")]
    >>> comments = {"function": ["Cleaves."], "cofactor": ["Zn(2+)."]}
    >>> entry = Entry(accession="P1", names=names, sequence="MK", go=go, comments=comments)
    >>> row_of(entry, ["function", "cofactor"])[:7]
    ('P1', 'MK', 'Cleaves. Cofactor: Zn(2+).', '3.5.1.2; 3.5.1.10',
     'GO:0005524 F:ATP binding; GO:0005737 C:cytoplasm', None, None)
    """
    sections = {section: " ".join(statements) for section, statements in entry.comments.items()}
    names = entry.names
    return (
        entry.accession,
        entry.sequence,
        " ".join(section_texts(sections, text_sections).values()) or None,
        "; ".join(_sorted_ec(names)) or None,
        "; ".join(f"{term} {name}".rstrip() for term, name in sorted(set(entry.go), key=_go_order)) or None,
        entry.organism or None,
        entry.entry_name or None,
        names.name or None,
        _joined(names.alternatives),
        _joined(names.domains),
        _joined(names.components),
        entry.gene,
        entry.taxon,
        entry.reviewed,
        names.fragment,
        len(entry.sequence),
        entry.alphafold,
        evidence_of(entry, text_sections),
        *(sections.get(section) for section in SECTIONS),
    )


def evidence_of(entry: Entry, sections: Sequence[str]) -> str | None:
    """Return how the statements of these sections are known, as the column `EVIDENCE` has it.

    >>> entry = Entry(accession="P1", sequence="MK", evidence={"function": {"ECO:0000250"}, "ptm": {"ECO:0000269"}})
    >>> evidence_of(entry, ["function", "cofactor"])
    'ECO:0000250'
    """
    return join_evidence(set[str]().union(*(entry.evidence.get(section, set()) for section in sections)))


def _joined(names: list[str]) -> str | None:
    return "; ".join(filter(None, names)) or None


def _sorted_ec(names: Names) -> list[str]:
    return sorted(set(names.ec), key=lambda number: [(part.isdigit(), part.zfill(5)) for part in number.split(".")])


def _go_order(term: tuple[str, str]) -> tuple[int, str]:
    return _ASPECTS.find(term[1][:1]), term[0]


_LETTERS = frozenset(SEQUENCE_LETTERS)
_REPORT_EVERY = 1_000


@dataclass
class ConvertReport:
    """What was written.

    Attributes
    ----------
    proteins, with_text, rows
        Entries, those with a text, and rows of the table.
    inactive, bad
        Entries that were deleted or merged, and records left out because they are broken.
    first_bad
        The first of these, with its file and line.
    twins
        What became of the features; None if twins were not asked for.
    """

    proteins: int = 0
    with_text: int = 0
    rows: int = 0
    inactive: int = 0
    bad: int = 0
    first_bad: str = ""
    twins: TwinReport | None = None


def convert(
    paths: Iterable[Path],
    output: Path,
    *,
    config: ConvertConfig | None = None,
    gold_twins_path: Path | None = None,
    about: Mapping[str, Any] | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> ConvertReport:
    r"""Convert UniProt's files into one table that `read_proteins` reads, in bounded memory.

    Parameters
    ----------
    paths
        Files in any of UniProt's formats, also compressed; they may be mixed.
    output
        The table: .parquet, .tsv or .csv, the latter also with .gz or .zst. Its columns are those of
        `rows.SCHEMA`; with one text per section also ``section``.
    config
        What becomes of an entry; the defaults of `ConvertConfig` without it.
    gold_twins_path
        Where to write the gold twins, a table like `output`; none without it.
    about
        What to record of the source in the metadata of Parquet besides the release; the files' names without it.
    force
        Whether older outputs may be replaced.
    progress
        Is told the number of entries read.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError
        If a file does not exist or is not a UniProt file, or no entry is left.
    RecordError
        On a broken record, a sequence with wrong letters, or an accession that was there before.
    OptionError
        If `gold_twins_path` is `output`.
    OutputExistsError, OutputError
        If an output exists and `force` is false; if it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.tsv").write_text("Entry\tSequence\tCofactor\nP1\tMKV\tCOFACTOR: Name=heme b;\n")
    >>> convert([folder / "a.tsv"], folder / "a.parquet").proteins
    1
    >>> pl.read_parquet(folder / "a.parquet")["text"].to_list()
    ['Cofactor: heme b.']
    """
    paths, config = list(paths), config or ConvertConfig()
    if gold_twins_path is not None and gold_twins_path.resolve() == output.resolve():
        raise OptionError("gold_twins", str(gold_twins_path), "must differ from the output")
    schema = SCHEMA | ({SECTION_COLUMN: pl.String} if config.text_per == "section" else {})
    about = about or {"files": [path.name for path in paths]}
    source = {"source": "UniProt (CC BY 4.0)", "release": config.release, **about}
    report = ConvertReport(twins=TwinReport() if gold_twins_path else None)
    with ExitStack() as stack:
        for path in filter(None, (output, gold_twins_path)):
            refuse_existing(path, force=force, inputs=paths)
        table = stack.enter_context(table_sink(output, schema, about=source, force=force))
        twins = gold_twins_path and stack.enter_context(
            table_sink(gold_twins_path, TWIN_SCHEMA, about=source, force=force)
        )
        for entry in _good_entries(paths, config, report, progress):
            _add_rows(entry, table, config, report)
            if twins and report.twins:
                for row in gold_twins(entry, report.twins):
                    twins.add(row)
        if not report.proteins:
            if report.bad:
                raise FileFormatError(paths[0], "no good entry", "see what is wrong with it with --on-bad-record error")
            gone = f"all {report.inactive:,} entries are deleted or merged"
            raise FileFormatError(paths[0], gone, "give entries that UniProt still has")
    return report


def _good_entries(
    paths: list[Path], config: ConvertConfig, report: ConvertReport, progress: Progress | None
) -> Iterator[Entry]:
    read, seen = 0, set[str]()
    for path in paths:
        for line, entry, bad in read_entries(path, features=report.twins is not None):
            read += 1
            if progress and read % _REPORT_EVERY == 0:
                progress("entries", read, None)
            if entry is None and bad is None:
                report.inactive += 1
                continue
            if entry is not None:
                entry.sequence = entry.sequence.upper()
                problem = None if _LETTERS.issuperset(entry.sequence) else sequence_problem(entry.sequence)
                if entry.accession in seen:
                    problem = "its accession was there before"
                bad = BadRecord(line, entry.accession, problem) if problem else None
            if bad is None and entry is not None:
                seen.add(entry.accession)
                report.proteins += 1
                yield entry
            elif bad is not None and config.on_bad_record == "error":
                raise bad.error(path)
            elif bad is not None:
                report.bad += 1
                report.first_bad = report.first_bad or f"{path}:{bad.line}: {bad.record}: {bad.problem}"


def _add_rows(entry: Entry, table: TableSink, config: ConvertConfig, report: ConvertReport) -> None:
    row = row_of(entry, config.text_sections)
    report.with_text += row[2] is not None
    if config.text_per == "protein":
        table.add(row)
        report.rows += 1
        return
    sections = {section: " ".join(statements) for section, statements in entry.comments.items()}
    texts = section_texts(sections, config.text_sections)
    at = list(SCHEMA).index(EVIDENCE)
    for section in texts or [None]:
        evidence = evidence_of(entry, [section] if section else [])
        table.add((*row[:2], texts.get(section or ""), *row[3:at], evidence, *row[at + 1 :], section))
        report.rows += 1
