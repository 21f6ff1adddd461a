"""Gold twins: a wild type and a mutant with the effect that a curator described, from MUTAGEN and VARIANT features."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import polars as pl

from protrek_hm.data.effects import ASSOCIATED, ASSOCIATED_FIRST, NAMED_ACTIVITY, Effect, is_neutral, read_effect
from protrek_hm.data.schema import SEQUENCE_LETTERS
from protrek_hm.data.uniprot.entry import Entry, Feature

_NAME = re.compile(r"([A-Z]+)(\d+)(?:-(\d+))?(del|[A-Z]+)$")


@dataclass(frozen=True, order=True, slots=True)
class Change:
    """Residues that are replaced.

    Attributes
    ----------
    start
        Position of the first of them, from 1.
    original
        The letters that stand there.
    replacement
        Those instead; empty where they are deleted.
    """

    start: int
    original: str
    replacement: str

    @property
    def end(self) -> int:
        """Position of the last residue that is replaced."""
        return self.start + len(self.original) - 1

    def __str__(self) -> str:
        place = f"{self.start}-{self.end}" if len(self.original) > 1 else str(self.start)
        return f"{self.original}{place}{self.replacement or 'del'}"


def name_changes(changes: Iterable[Change]) -> str:
    """Name a mutant, its changes in the order of the sequence.

    >>> name_changes([Change(45, "KR", "AA"), Change(9, "S", "")])
    'S9del+KR45-46AA'
    """
    return "+".join(map(str, sorted(changes)))


def parse_changes(name: str) -> tuple[Change, ...]:
    """Read what `name_changes` writes, in any order.

    Raises
    ------
    ValueError
        If it is written otherwise, or a range has another length than its letters.

    Examples
    --------
    >>> parse_changes("T21TAA+S9del")
    (Change(start=21, original='T', replacement='TAA'), Change(start=9, original='S', replacement=''))
    """
    changes = []
    for part in name.split("+"):
        match = _NAME.match(part)
        if match is None:
            raise ValueError(f"{part!r} is not written like K45A, KR45-46AA or K45del")
        change = Change(int(match[2]), match[1], match[4].replace("del", ""))
        if change.end != int(match[3] or match[2]):
            raise ValueError(f"{part!r}: {len(match[1])} letters do not fill its range")
        changes.append(change)
    return tuple(changes)


def apply_changes(sequence: str, changes: Iterable[Change]) -> str:
    """Make the mutant's sequence.

    Raises
    ------
    ValueError
        If other letters, or none, stand where a change wants to replace some, or two changes overlap.

    Examples
    --------
    >>> apply_changes("MKVLA", parse_changes("K2R+LA4-5del"))
    'MRV'
    >>> apply_changes("MKVLA", parse_changes("K3R"))
    Traceback (most recent call last):
    ...
    ValueError: K3R: V stands at 3
    """
    parts, done = list[str](), 0
    for change in sorted(changes):
        standing = sequence[change.start - 1 : change.end]
        if standing != change.original or change.start < 1:
            raise ValueError(f"{change}: {standing or 'nothing'} stands at {change.start}")
        if change.start <= done:
            raise ValueError(f"{change}: overlaps another change")
        parts += [sequence[done : change.start - 1], change.replacement]
        done = change.end
    return "".join([*parts, sequence[done:]])


_SENTENCE = re.compile(r"(?<=\.)\s+(?=[A-Z0-9])")
_SINGLE = re.compile(r"'?\b([A-Z])-\s?(\d+)\b'?")
_RANGE = re.compile(r"\b(\d+)-([A-Z](?:-[A-Z])+)-(\d+)\b")
_JOINTS = re.compile(r"[,;\s]|\band\b|\bvariants?\b")
_NO_EFFECT = re.compile(
    r"in (?!vitro\b|vivo\b|the (?:presence|absence)\b)|dbSNP:|associated (?:with|in) |requires |found (?:in|at|only) "
    r"|(?:unknown|uncertain|likely|probabl[ey]|possibl[ey])? ?(?:pathological|clinical|pathogenic|benign|disease)"
    r"|(?:unknown|uncertain) significance|(?:somatic|germline|de novo) (?:mutation|variant)"
    r"|(?:common|rare|frequent|low-frequency)\b|(?:dimorphism|polymorphism|allele|haplotype|homozygous|heterozygous)\b"
    r"|(?:mild|severe|classic|early|late|juvenile|infantile|adult)[\w-]* (?:form|onset|phenotype)|risk factor|type\b"
    r"|confirmed|(?:de novo|somatic|germline)$",
    re.IGNORECASE,
)

Partners = tuple[tuple[int, str], ...]


def split_effects(description: str) -> list[tuple[str, Partners | None]]:
    """Take a description apart: statements with the other changes that they hold together with.

    Returns
    -------
    list of (statement, partners)
        Partners are (position, letters there instead), none for the change alone; None where they are
        named in a way that cannot be resolved ("A-5 or A-9").

    Examples
    --------
    >>> split_effects("Slow growth. Lethal; when associated with A-5 and 8-D-E-9.")
    [('Slow growth.', ()), ('Lethal.', ((5, 'A'), (8, 'DE')))]
    >>> split_effects("Lethal; when associated with A-5 or A-9.")
    [('Lethal.', None)]
    >>> split_effects("When associated with A-5, loss of binding.")
    [('Loss of binding.', ((5, 'A'),))]
    """
    found: dict[Partners | None, list[str]] = {}
    for sentence in _SENTENCE.split(description.strip()):
        clause = ASSOCIATED.search(sentence) or ASSOCIATED_FIRST.match(sentence)
        partners: Partners | None = ()
        if clause:
            before, after = sentence[: clause.start()], sentence[clause.end() :]
            told_twice = before and after.strip(" .")  # "No effect when associated with A-5, but dead alone"
            partners = None if told_twice else _partners(clause[1].rstrip(" ."))
            rest = before or after
            sentence = rest[:1].upper() + rest[1:].rstrip(" .") + "."
        if sentence.strip(". "):
            found.setdefault(partners, []).append(sentence)
    return [(" ".join(sentences), partners) for partners, sentences in found.items()]


def variant_clauses(description: str) -> list[str]:
    """Return the clauses of a variant's description that are not about diseases, samples or database links.

    >>> variant_clauses("in OD1; stays inside the cell; dbSNP:rs1"), variant_clauses("in strain: K12; common")
    (['stays inside the cell'], [])
    """
    clauses = filter(None, description.split("; "))
    return [clause for clause in clauses if not _NO_EFFECT.match(clause) or _tells_beside(clause)]


def _tells_beside(clause: str) -> bool:
    """Whether a clause that begins with a disease or a sample goes on with an effect: "in cells, loss of binding"."""
    if clause.startswith("in "):
        return any(read_effect(part) is not Effect.UNCLEAR for part in clause.split(", ")[1:])
    return re.search(NAMED_ACTIVITY, clause) is not None and read_effect(clause) is not Effect.UNCLEAR


def variant_effect(description: str) -> str | None:
    """Return what a variant's description says of the function, if it says something that we understand.

    Clauses that we do not understand stay beside it.

    >>> variant_effect("in OD1; loss of kinase activity; stays inside the cell; dbSNP:rs1")
    'Loss of kinase activity; stays inside the cell.'
    >>> variant_effect("in a breast cancer sample; somatic mutation") is None
    True
    """
    clauses = variant_clauses(description)
    if all(read_effect(clause) is Effect.UNCLEAR for clause in clauses):
        return None
    effect = "; ".join(clauses)
    return effect[0].upper() + effect[1:] + "."


def _partners(words: str) -> Partners | None:
    """Read ``A-5, C-9 and 12-D-E-13``."""
    ranges = []
    for start, letters, end in _RANGE.findall(words):
        ranges.append((int(start), letters.replace("-", "")))
        if len(ranges[-1][1]) != int(end) - int(start) + 1:
            return None
    without = _RANGE.sub("", words)
    singles = [(int(position), letter) for letter, position in _SINGLE.findall(without)]
    if _JOINTS.sub("", _SINGLE.sub("", without)) or not (ranges or singles):
        return None
    return tuple(sorted({*ranges, *singles}))


SCHEMA: dict[str, type[pl.DataType]] = {
    "accession": pl.String,
    "entry_name": pl.String,
    "protein_name": pl.String,
    "organism": pl.String,
    "mutation": pl.String,
    "effect": pl.String,
    "neutral": pl.Int64,
    "wt_function": pl.String,
    "n_changed": pl.Int64,
    "wt_sequence": pl.String,
    "mut_sequence": pl.String,
    "source": pl.String,
}
"""Columns of the table and their types; `read_proteins` stacks them into one protein a row."""

_LETTERS = frozenset(SEQUENCE_LETTERS)
_MUTATION, _EFFECT, _NEUTRAL = map(list(SCHEMA).index, ("mutation", "effect", "neutral"))


@dataclass
class TwinReport:
    """What became of the features.

    Attributes
    ----------
    features, twins, neutral
        Features seen, rows written, and those of them that say that function is kept.
    skipped
        Reason → how many features or statements gave no twin for it.
    mismatch
        The first feature whose letters are not those of the sequence.
    """

    features: int = 0
    twins: int = 0
    neutral: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    mismatch: str = ""

    def __str__(self) -> str:
        skipped = ", ".join(f"{reason} {count:,}" for reason, count in sorted(self.skipped.items()))
        first = f"; first mismatch {self.mismatch}" if self.mismatch else ""
        return (
            f"{self.twins:,} gold twins ({self.neutral:,} neutral) from {self.features:,} features"
            f"; skipped: {skipped or 'none'}{first}"
        )


def gold_twins(entry: Entry, report: TwinReport | None = None) -> list[tuple[object, ...]]:
    """Return an entry's twins as rows of `SCHEMA`, each once; a mutant is neutral if all that is said of it is.

    Parameters
    ----------
    entry
        With its features.
    report
        Where to count; features on isoforms, without exact positions or effect, with other letters than the
        sequence, or tied to changes that cannot be resolved give no twin.

    Examples
    --------
    >>> feature = Feature("MUTAGEN", 2, 2, "K", ("A",), "Slow. Inactive; when associated with A-4.")
    >>> entry = Entry(accession="P1", sequence="MKVR", features=[feature])
    >>> [(row[4], row[5], row[10]) for row in gold_twins(entry)]
    [('K2A', 'Slow.', 'MAVR'), ('K2A+R4A', 'Inactive.', 'MAVA')]
    """
    report = TwinReport() if report is None else report
    report.features += entry.unread
    if entry.unread:
        report.skipped["not understood"] += entry.unread
    seen = set[tuple[str, str]]()
    rows = list[tuple[object, ...]]()
    function = " ".join(entry.comments.get("function", ())) or None
    about = (entry.accession, entry.entry_name or None, entry.names.name or None, entry.organism or None)
    for feature in entry.features:
        report.features += 1
        for change, effect, partners in _statements(entry, feature, report):
            try:
                changes = [change, *_resolve(partners, entry.sequence, change)]
                mutant = apply_changes(entry.sequence, changes)
            except ValueError as error:
                report.skipped["mismatch"] += 1
                report.mismatch = report.mismatch or f"{entry.accession} {error}"
                continue
            mutation = name_changes(changes)
            if mutant == entry.sequence or not mutant or (mutation, effect) in seen:
                report.skipped["repeated" if (mutation, effect) in seen else "no change"] += 1
                continue
            seen.add((mutation, effect))
            changed = sum(max(len(each.original), len(each.replacement)) for each in changes)
            source = f"UniProt {feature.kind}"
            rows.append((*about, mutation, effect, 1, function, changed, entry.sequence, mutant, source))
    altered = {row[_MUTATION] for row in rows if not is_neutral(str(row[_EFFECT]))}
    rows = [(*row[:_NEUTRAL], int(row[_MUTATION] not in altered), *row[_NEUTRAL + 1 :]) for row in rows]
    report.twins += len(rows)
    report.neutral += sum(row[_MUTATION] not in altered for row in rows)
    return rows


def _statements(entry: Entry, feature: Feature, report: TwinReport) -> Iterator[tuple[Change, str, Partners]]:
    """Yield each change of a feature with what is said of it, alone or together with others."""
    is_variant = feature.kind == "VARIANT"
    text = variant_effect(feature.description) if is_variant else feature.description
    exact = 1 <= feature.start <= feature.end
    if feature.isoform or not exact or not text:
        untold = "effect unclear" if is_variant and variant_clauses(feature.description) else "no effect told"
        report.skipped["other isoform" if feature.isoform else untold if exact else "position unknown"] += 1
        return
    original = feature.original or entry.sequence[feature.start - 1 : feature.end]
    if len(original) != feature.end - feature.start + 1:
        report.skipped["mismatch"] += 1
        report.mismatch = report.mismatch or f"{entry.accession} {original or 'nothing'} at {feature.start}"
        return
    for effect, partners in split_effects(text):
        for replacement in feature.replacements or ("",):
            if partners is None or not set(replacement) <= _LETTERS:
                report.skipped["partners unclear" if partners is None else "odd letters"] += 1
            else:
                yield Change(feature.start, original, replacement), effect, partners


def _resolve(partners: Partners, sequence: str, change: Change) -> Iterator[Change]:
    """Yield the partners as changes; their original letters are those of the sequence."""
    for position, letters in partners:
        original = sequence[position - 1 : position - 1 + len(letters)]
        if original == letters:
            raise ValueError(f"{change} with {letters} at {position}: it stands there already")
        yield Change(position, original or letters, letters)
