"""Check a protein file: its content, duplicates, bad records, and values that are probably not intended."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from protrek_hm.data.proteins import LoadedProteins, load_proteins
from protrek_hm.data.schema import looks_like_nucleotides, or_null
from protrek_hm.data.tables import BadRecord
from protrek_hm.data.texts import EVIDENCE
from protrek_hm.errors import shorten

_EXAMPLES = 3
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_BY_EXCEL = (
    rf"(?i)^(?:\d{{1,2}}-{_MONTH}(?:-\d+)?|{_MONTH}-\d\d(?:\d\d)?|\d{{4}}-\d\d-\d\d(?: [\d:]+)?"
    r"|\d{1,2}([/.])\d{1,2}[/.](?:\d\d|\d{4})|\d(?:\.\d+)?E[+-]\d+)$"
)
_EXCEL_HOLDS = 32_767  # characters of a cell
_CONTROL = r"[\p{Cc}\p{Cf}\x{FFFD}--[\t\n\r]]"
_THREE_LETTERS = r"^(?:ALA|ARG|ASN|ASP|CYS|GLN|GLU|GLY|HIS|ILE|LEU|LYS|MET|PHE|PRO|SER|THR|TRP|TYR|VAL){3,}$"
_LIKE_A_SEQUENCE = r"^[A-Z]{20,}\*?$"


@dataclass(frozen=True)
class Spread:
    """How a number is distributed; all zero where there are none."""

    minimum: float
    quartile: float
    median: float
    mean: float
    upper_quartile: float
    maximum: float

    @classmethod
    def of(cls, numbers: pl.Series) -> "Spread":
        """Measure `numbers`, quantiles by linear interpolation.

        >>> Spread.of(pl.Series([1, 2, 3, 4, 10]))
        Spread(minimum=1.0, quartile=2.0, median=3.0, mean=4.0, upper_quartile=4.0, maximum=10.0)
        """
        if numbers.is_empty():
            return cls(0, 0, 0, 0, 0, 0)
        at = [numbers.quantile(quantile, "linear") or 0.0 for quantile in (0, 0.25, 0.5, 0.75, 1)]
        return cls(at[0], at[1], at[2], float(numbers.cast(pl.Float64).mean() or 0), at[3], at[4])  # type: ignore[arg-type]


@dataclass(frozen=True)
class Suspicion:
    """Something that is not an error, but probably not intended.

    Attributes
    ----------
    kind
        A word for programs: see `check_proteins`.
    records
        Number of records concerned.
    problem
        Description in words.
    examples
        The ids of the first of them.
    """

    kind: str
    records: int
    problem: str
    examples: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in a line.

        >>> str(Suspicion("nucleotides", 1200, "the sequence looks like DNA", ("A", "B")))
        'the sequence looks like DNA (1,200 records, such as A, B)'
        """
        some = f"{self.records:,} record{'s' * (self.records != 1)}"
        return f"{self.problem} ({some}, such as {', '.join(self.examples)})"


@dataclass(frozen=True)
class ProteinReport:
    """The content of a protein file. All counts except the first two are over its good records.

    Attributes
    ----------
    records, bad
        How many records the file has, and those that cannot be used, by line.
    columns, other_columns
        Our name → the file's name of the recognised columns; the names of the others.
    ids, sequences, texts
        How many distinct ones there are.
    without_text
        Records whose text is missing.
    structures
        Records with a structure in 3Di letters.
    repeated_ids
        Ids of several records: proteins with several texts.
    repeated_sequences
        Sequences that stand under several ids.
    repeated_texts
        Texts that belong to several sequences.
    repeated_records
        Records with id, sequence and text of an earlier one.
    unusual_letters
        Records whose sequence holds B, Z, X, U or O.
    residues
        Residues in all, each distinct sequence counted once.
    lengths
        Of the distinct sequences, in residues.
    words
        Of the distinct texts, in words.
    suspicions
        What is not an error, but probably not intended.
    """

    records: int
    bad: tuple[BadRecord, ...]
    columns: dict[str, str]
    other_columns: tuple[str, ...]
    ids: int
    sequences: int
    texts: int
    without_text: int
    structures: int
    repeated_ids: int
    repeated_sequences: int
    repeated_texts: int
    repeated_records: int
    unusual_letters: int
    residues: int
    lengths: Spread
    words: Spread
    suspicions: tuple[Suspicion, ...]


def check_proteins(path: Path | str, *, columns: Mapping[str, str] | None = None) -> ProteinReport:
    r"""Check a file: list all its bad records, and what is suspicious about the good ones.

    The kinds of suspicions: "no ids" (the records are numbered), "excel" (ids such as 1-Mar, which was MARCH1; cells
    cut where a spreadsheet cuts them), "nucleotides" (DNA or RNA), "3di" (structure letters where the sequence
    belongs), "three letters" (MetLysVal), "unknown" (most residues are X), "sequence as text", "one text" (all texts
    are the same), "control" and "line breaks" (characters in texts that are invisible or could not be read; text
    that may have swallowed other records), "missing" (cells that say NA and the like, a column each).

    Parameters
    ----------
    path, columns
        As for `read_proteins`.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError, OptionError
        As `read_proteins`; bad records raise no error here.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "four.tsv"
    >>> _ = path.write_text("id\tsequence\ttext\nA\tMKV\tBinds.\nB\tMKV\tBinds.\nC\tM-V\t\nD\tMUL\t\n")
    >>> report = check_proteins(path)
    >>> report.records, report.ids, report.sequences, report.repeated_sequences, report.without_text
    (4, 3, 2, 1, 1)
    >>> report.bad
    (BadRecord(line=4, record='C', problem="gap '-' at position 2: give the sequence unaligned"),)
    """
    loaded = load_proteins(Path(path), columns=columns)
    proteins = loaded.frame
    ours = {"id", "sequence", "text", EVIDENCE, *loaded.columns}
    sequences = proteins["sequence"].unique()
    with_text = proteins.filter(pl.col("text").is_not_null())
    texts = with_text["text"].unique()
    lengths = sequences.str.len_bytes()
    return ProteinReport(
        records=proteins.height + len(loaded.bad),
        bad=loaded.bad,
        columns=loaded.columns,
        other_columns=tuple(name for name in proteins.columns if name not in ours),
        ids=proteins["id"].n_unique(),
        sequences=sequences.len(),
        texts=texts.len(),
        without_text=proteins.height - with_text.height,
        repeated_ids=_count_repeated(proteins["id"]),
        repeated_sequences=_count_repeated(proteins.unique(["id", "sequence"])["sequence"]),
        repeated_texts=_count_repeated(with_text.unique(["text", "sequence"])["text"]),
        repeated_records=proteins.height - proteins.select("id", "sequence", "text").n_unique(),
        unusual_letters=int(proteins["sequence"].str.contains("[BZXUO]").sum()),
        residues=int(lengths.sum()),
        lengths=Spread.of(lengths),
        words=Spread.of(texts.str.count_matches(r"\S+")),
        structures=proteins.height - proteins["structure"].null_count() if "structure" in proteins.columns else 0,
        suspicions=tuple(_suspicions(loaded)),
    )


def _suspicions(loaded: LoadedProteins) -> Iterator[Suspicion]:
    proteins = loaded.frame
    if "id" not in loaded.columns:
        yield from _suspect(proteins, pl.lit(value=True), "no ids", "no column holds ids: the records are numbered")
    letters, text = pl.col("sequence"), pl.col("text")
    share = {each: letters.str.count_matches(each) / letters.str.len_bytes() for each in "DVPX"}
    is_3di = (share["D"] >= 0.05) & (share["V"] >= 0.15) & (share["D"] + share["V"] + share["P"] >= 0.4)
    cut = f"{_EXCEL_HOLDS:,} characters, as many as a spreadsheet's cell holds"
    one_text = (pl.len() > 1) & text.is_not_null().all() & (text.n_unique() == 1) & (letters.n_unique() > 1)
    for kind, which, problem in (
        ("excel", pl.col("id").str.contains(_BY_EXCEL), "the id looks like a date or a number that a spreadsheet made"),
        ("excel", letters.str.len_bytes() == _EXCEL_HOLDS, f"the sequence may be cut: {cut}"),
        ("excel", text.str.len_chars() == _EXCEL_HOLDS, f"the text may be cut: {cut}"),
        ("nucleotides", looks_like_nucleotides("sequence"), "the sequence looks like DNA or RNA"),
        ("3di", is_3di & (letters.str.len_bytes() >= 20), "the sequence looks like 3Di letters"),
        ("three letters", letters.str.contains(_THREE_LETTERS), "the sequence looks like names of three letters"),
        ("unknown", share["X"] > 0.5, "the sequence is X for the most part"),
        ("sequence as text", text.str.contains(_LIKE_A_SEQUENCE), "the text looks like a sequence"),
        ("one text", one_text, "all have the same text"),
        ("control", text.str.contains(_CONTROL), "characters in the text that nobody sees, or that could not be read"),
        ("line breaks", text.str.contains(r"[\n\r]"), "line breaks in the text, where a quote may hide other records"),
    ):
        yield from _suspect(proteins, which, kind, problem)
    for cells in loaded.given.iter_columns():
        if cells.dtype == pl.String:
            told = pl.lit(cells)
            says_nothing = or_null(told).is_null() & (told.str.strip_chars() != "")
            problem = f"no {shorten(cells.name)}: the cell says NA or the like"
            yield from _suspect(loaded.given, says_nothing, "missing", problem)


def _suspect(proteins: pl.DataFrame, which: pl.Expr, kind: str, problem: str) -> Iterator[Suspicion]:
    found = proteins.filter(which)
    if not found.is_empty():
        examples = (shorten(name or "record") for name in found["id"].head(_EXAMPLES))
        yield Suspicion(kind, found.height, problem, tuple(examples))


def _count_repeated(cells: pl.Series) -> int:
    return cells.filter(cells.is_duplicated()).n_unique()
