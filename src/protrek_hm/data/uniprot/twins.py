"""Gold twins: a wild type and a mutant with the effect that a curator wrote down, from MUTAGEN and VARIANT features."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from protrek_hm.data.effects import is_neutral
from protrek_hm.data.schema import SEQUENCE_LETTERS
from protrek_hm.data.uniprot.effects import Partners, split_effects, variant_clauses, variant_effect
from protrek_hm.data.uniprot.entry import Entry, Feature
from protrek_hm.data.uniprot.mutations import Change, apply_changes, name_changes

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
