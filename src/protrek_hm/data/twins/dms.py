"""Deep mutational scans: scores of mutants beside the wild type's sequence, in the form of ProteinGym."""

import lzma
import math
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from protrek_hm.data.compression import ENDINGS as COMPRESSED
from protrek_hm.data.compression import bare_name, open_decompressed
from protrek_hm.data.fasta import ENDINGS as FASTA_ENDINGS
from protrek_hm.data.fasta import begins_as_fasta, parse_fasta
from protrek_hm.data.schema import missing_column, sequence_problem
from protrek_hm.data.tables import parse_table
from protrek_hm.data.twins.config import TwinsConfig
from protrek_hm.data.twins.substitutions import (
    NotAppliedError,
    constant_shift,
    name_substitutions,
    read_substitutions,
    substitute,
)
from protrek_hm.data.twins.table import TwinReport, TwinTable, arrange, complete_rows, finish
from protrek_hm.data.twins.texts import listing, templates, wordings
from protrek_hm.data.uniprot.twins import Change
from protrek_hm.errors import FileFormatError, shorten

_MUTANT, _SCORE = ("mutant", "mutants", "mutation"), ("score", "dms_score")
_TABLES, _TARS = (".csv", ".tsv"), (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2")
_ENTRY = re.compile(r"([A-Z0-9]+_[A-Z0-9]{3,5})(?:_|$)")  # a name of UniProt, as CP2C9_HUMAN
_PASSED_OVER = "a file that is no .csv, .tsv or FASTA, passed over"


@dataclass(frozen=True)
class _File:
    """A file that was given, found in a folder or in an archive."""

    path: Path
    data: bytes

    @property
    def is_fasta(self) -> bool:
        return begins_as_fasta(self.data[:1024])

    @property
    def stem(self) -> str:
        name = bare_name(self.path)
        ending = next((each for each in (*_TABLES, *FASTA_ENDINGS) if name.endswith(each)), "")
        return self.path.name[: len(name) - len(ending)]


def read_dms(paths: Sequence[Path], config: TwinsConfig) -> TwinTable:
    """Read scans: CSV or TSV files with the columns `mutant` and `score`, and the FASTA of each one's wild type.

    Files, folders and tar archives are read. A scan's FASTA bears its name, or the beginning of it up to an underscore
    (``CP2C9_HUMAN.fasta`` for ``CP2C9_HUMAN_Amorosi_activity_2021.csv``); a single FASTA serves all scans. A mutant is
    written like ``A12C``, several changes like ``A12C:D15E``. Scores are taken as published, higher as fitter.

    Which text a mutant gets depends on its score within its assay, by `levels`: the highest tenth (`config.share`) gets
    a text that says "like the wild type or better", the lowest tenth one that says that it loses what was measured, all
    others none. Its label is ``KIND:high`` or ``KIND:low``. The column `decile` holds the tenth of the ranks, from 1.

    Raises
    ------
    MissingFileError, FileFormatError
        If a file does not exist, cannot be read, or has no FASTA; if most mutants of a scan do not fit its wild type:
        the error says so if a constant shift of the positions would make them fit.
    MissingColumnError
        If a scan has no column of mutants or scores.
    """
    report = TwinReport("dms")
    files = [file for path in paths for file in _find(path, report)]
    fastas = [file for file in files if file.is_fasta]
    scans = [file for file in files if not file.is_fasta]
    if not scans or not fastas:
        what = "scan (CSV of mutant and score)" if not scans else "FASTA of the wild type"
        raise FileFormatError(paths[0], f"no {what}", "give the scans and, beside them, FASTA files of the same names")
    chosen = {scan.stem: _wild_type_of(scan, fastas) for scan in scans}
    stems = [scan.stem for scan in scans]
    for number, scan in enumerate(scans):
        if scan.stem in stems[:number]:
            raise FileFormatError(scan.path, f"a second scan called {scan.stem}", "give each scan once")
    used = {fasta for _, fasta in chosen.values()}
    for fasta in fastas:
        if fasta.path not in used:
            report.note("a FASTA of no scan, passed over", str(fasta.path))
    wild_types = _WildTypes()
    frames = [_read_scan(scan, chosen[scan.stem], wild_types, config, report) for scan in scans]
    rows = [wild_types.frame(report), *(frame for frame in frames if frame.height)]
    return finish(pl.concat(rows, how="diagonal"), report)


def _find(path: Path, report: TwinReport) -> Iterator[_File]:
    """Yield the scans and FASTA files at a path, in a folder or an archive by their names; others are noted."""
    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith("."))
        for each in found:
            if _is_wanted(each):
                yield from _find(each, report)
            else:
                report.note(_PASSED_OVER, str(each))
    elif path.name.lower().endswith(_TARS):
        yield from _unpack(path, report)
    else:
        with open_decompressed(path) as stream:
            yield _File(path, stream.read())


def _is_wanted(path: Path) -> bool:
    return bare_name(path).endswith((*_TABLES, *FASTA_ENDINGS)) or path.name.lower().endswith(_TARS)


def _unpack(path: Path, report: TwinReport) -> list[_File]:
    """Read an archive's scans and FASTA files in memory; nothing is written, whatever its paths say."""
    files = []
    try:
        with open_decompressed(path) as stream, tarfile.open(fileobj=stream, mode="r|*") as archive:
            for member in archive:
                name = Path(member.name)
                if not member.isfile() or name.name.startswith("."):
                    continue
                if name.name.lower().endswith((*_TARS, *COMPRESSED)):
                    problem = f"holds {name}, which is packed itself"
                    raise FileFormatError(path, problem, "unpack it, and give the folder")
                content = archive.extractfile(member) if _is_wanted(name) else None
                if content is None:
                    report.note(_PASSED_OVER, str(path / name))
                else:
                    files.append(_File(path / name, content.read()))
    except (tarfile.TarError, lzma.LZMAError) as error:
        problem = f"no tar archive, or a damaged one ({error})"
        raise FileFormatError(path, problem, "copy it again, or unpack it and give the folder") from None
    return sorted(files, key=lambda file: file.path)


def _wild_type_of(scan: _File, fastas: Sequence[_File]) -> tuple[str, Path]:
    """Return the sequence of a scan's wild type and the FASTA that holds it."""
    fitting = [file for file in fastas if f"{scan.stem}_".startswith(f"{file.stem}_")]
    longest = max((len(file.stem) for file in fitting), default=0)
    best = [file for file in fitting if len(file.stem) == longest] or (list(fastas) if len(fastas) == 1 else [])
    if not best:
        problem = "no FASTA of its wild type"
        raise FileFormatError(scan.path, problem, f"put {scan.stem}.fasta beside it, or give it with the files")
    table = parse_fasta(best[0].data, best[0].path)
    named = table.frame.filter(pl.col("id").is_in([scan.stem, f"{scan.stem}.csv"]))
    records = named if named.height else table.frame
    if records["sequence"].n_unique() > 1 or any(file.data != best[0].data for file in best[1:]):
        problem = f"several sequences for {scan.path.name}"
        raise FileFormatError(best[0].path, problem, "leave the wild type that was measured")
    sequence = records["sequence"][0].upper().removesuffix("*")
    if wrong := sequence_problem(sequence):
        raise FileFormatError(best[0].path, wrong, "give the wild type's sequence")
    return sequence, best[0].path


class _WildTypes:
    """Wild types of the scans, each once, with what was measured of them."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], str] = {}
        self._rows: dict[str, dict[str, Any]] = {}

    def add(self, protein: str, sequence: str, about: "_Assay") -> str:
        """Return the id of a wild type's row; a second sequence of the same name gets a number."""
        key = (protein, sequence)
        if key not in self._ids:
            number = 1 + sum(name == protein for name, _ in self._ids)
            self._ids[key] = protein if number == 1 else f"{protein}:{number}"
            row = {"id": self._ids[key], "sequence": sequence, "protein": about.protein, "measured": []}
            self._rows[self._ids[key]] = row
        measured = self._rows[self._ids[key]]["measured"]
        if about.measured not in measured:
            measured.append(about.measured)
        return self._ids[key]

    def frame(self, report: TwinReport) -> pl.DataFrame:
        """Return the rows."""
        rows = [{**row, "measured": listing(row["measured"])} for row in self._rows.values()]
        return complete_rows(rows, report)


@dataclass(frozen=True)
class _Assay:
    """What an assay measures: of which protein, its kind (a table of `templates.toml`), and in words."""

    protein: str
    kind: str
    measured: str


def _about(assay: str, protein: str) -> _Assay:
    """Return what is known of an assay, by its name; else what parts of the name say.

    >>> _about("VKOR1_HUMAN_Chiasson_activity_2020", "VKOR1_HUMAN").measured
    'gamma-carboxylation activity'
    >>> _about("XYZ_HUMAN_Doe_abundance_2024", "XYZ_HUMAN")
    _Assay(protein='XYZ', kind='abundance', measured='abundance in the cell')
    """
    section = templates()["dms"]
    if assay in section["assays"]:
        return _Assay(*section["assays"][assay])
    said = next((section["words"][word] for word in assay.lower().split("_") if word in section["words"]), None)
    return _Assay(protein.partition("_")[0], *(said or ("other", "function")))


def _read_scan(
    scan: _File, wild_type: tuple[str, Path], wild_types: _WildTypes, config: TwinsConfig, report: TwinReport
) -> pl.DataFrame:
    reference, fasta = wild_type
    entry = _ENTRY.match(scan.stem)
    assay, protein = scan.stem, entry[1] if entry else _File(fasta, b"").stem
    mutants = _mutants(scan, reference, fasta, report)
    if not mutants:
        return pl.DataFrame()
    about = _about(assay, protein)
    wild_type_id = wild_types.add(protein, reference, about)
    names, sequences = list(mutants), [sequence for sequence, _ in mutants.values()]
    scores = [score for _, score in mutants.values()]
    told, ranks = levels(scores, config.share), deciles(scores)
    if not any(told):
        report.note("an assay whose scores do not differ, so no text", assay)
    common = {"wild_type": wild_type_id, "set": "dms", "protein": about.protein, "kind": about.kind}
    texts = {
        level: next(iter(wordings({**common, "measured": about.measured, "level": level})), None)
        for level in ("high", "low", None)
    }
    frame = pl.DataFrame(
        {
            "id": [f"{assay}:{name}" for name in names],
            "sequence": sequences,
            "text": pl.Series([texts[level] for level in told], dtype=pl.String),
            "set": "dms",
            "label": pl.Series([level and f"{about.kind}:{level}" for level in told], dtype=pl.String),
            "wild_type": wild_type_id,
            "mutation": names,
            "assay": assay,
            "score": scores,
            "control": "no",
            "protein": about.protein,
            "measured": about.measured,
            "kind": about.kind,
            "level": pl.Series(told, dtype=pl.String),
            "decile": ranks,
        }
    )
    return arrange(frame)


def _mutants(scan: _File, reference: str, fasta: Path, report: TwinReport) -> dict[str, tuple[str, float]]:
    """Return each mutant's sequence and score; what cannot be used is counted and named in the report."""
    mutants = dict[str, tuple[str, float]]()
    read, misfits = list[tuple[Change, ...]](), list[tuple[str, NotAppliedError]]()
    for name, score in _cells(scan, report).iter_rows():
        named, value = f"{scan.stem} {name or 'nothing'}", _number(score)
        try:
            changes = read_substitutions(name or "")
        except NotAppliedError as error:
            report.leave_out(error.reason, named)
            continue
        read.append(changes)
        try:
            sequence = substitute(reference, changes)
        except NotAppliedError as error:
            misfits.append((named, error))
            continue
        mutation = name_substitutions(changes)
        if value is None:
            report.leave_out("no score", named)
        elif mutation in mutants:
            report.leave_out("a mutant that stands there already", named)
        else:
            mutants[mutation] = (sequence, value)
    if 2 * len(misfits) > len(read):
        raise _another_wild_type(scan.path, fasta, reference, read, [misfit for _, misfit in misfits])
    for named, misfit in misfits:
        report.leave_out(misfit.reason, named)
    return mutants


def _cells(scan: _File, report: TwinReport) -> pl.DataFrame:
    """Return a scan's columns of mutants and scores, under whichever name it has them."""
    table = parse_table(scan.data, scan.path, needed=(*_MUTANT, *_SCORE))
    for bad in table.bad:
        report.leave_out("a row that does not fit the header", f"{scan.path}:{bad.line}")
    report.records += table.frame.height + len(table.bad)
    known = {name.strip().lower(): name for name in reversed(table.frame.columns)}
    columns = []
    for aliases in (_MUTANT, _SCORE):
        column = next((known[name] for name in aliases if name in known), None)
        if column is None:
            raise missing_column(scan.path, aliases[0], table.frame.columns, f"name one of its columns {aliases[0]}")
        columns.append(column)
    return table.frame.select(pl.col(columns).cast(pl.String))


def _number(cell: str | None) -> float | None:
    """Return a finite number, or None."""
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _another_wild_type(
    scan: Path, fasta: Path, reference: str, read: Sequence[Iterable[Change]], misfits: Sequence[NotAppliedError]
) -> FileFormatError:
    """Make the error for a scan most of whose mutants do not fit, with the shift of positions that would mend it."""
    shift = constant_shift(reference, (change for changes in read for change in changes))
    problem = (
        f"{len(misfits):,} of {len(read):,} mutants do not fit {fasta.name} ({shorten(str(misfits[0]))}):"
        " another isoform or numbering?"
    )
    remedy = "give the FASTA of the wild type that was measured"
    if shift is not None:
        remedy = (
            f"they fit if {abs(shift)} is {'added to' if shift > 0 else 'subtracted from'} all positions; or {remedy}"
        )
    return FileFormatError(scan, problem, remedy)


def levels(scores: Sequence[float], share: float = 0.1) -> list[str | None]:
    """Say of each score whether it is among the highest or lowest of its assay.

    With n scores and k = max(1, ⌊n · share⌋), ``high`` are those not below the k-th highest, ``low`` those not above
    the k-th lowest, None all others. Equal scores are treated alike, so there may be more than k; where the k-th
    highest is not above the k-th lowest, nothing is told.

    Examples
    --------
    >>> levels([0.1, 0.9, 0.5, 0.4, 0.9], share=0.2)
    ['low', 'high', None, None, 'high']
    >>> levels([1.0, 1.0, 1.0])
    [None, None, None]
    """
    number = max(1, math.floor(len(scores) * share))
    ordered = sorted(scores)
    low, high = ordered[number - 1], ordered[-number]
    if low >= high:
        return [None] * len(scores)
    return ["high" if score >= high else "low" if score <= low else None for score in scores]


def deciles(scores: Sequence[float]) -> list[int]:
    """Return the tenth of the ranks that each score falls into, from 1 (lowest) to 10; ties have their mean rank.

    Examples
    --------
    >>> deciles([10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    >>> deciles([1, 1, 1, 2])
    [4, 4, 4, 9]
    """
    ranks = pl.Series(scores).rank("average")
    return [math.ceil(10 * (rank - 0.5) / len(scores)) for rank in ranks]
