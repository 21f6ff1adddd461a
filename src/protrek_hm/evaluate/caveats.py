"""Leaks from training into the test, and other limitations of an evaluation."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from protrek_hm.data.texts import fold_text
from protrek_hm.errors import FileFormatError
from protrek_hm.evaluate.cases import other_texts
from protrek_hm.evaluate.measures import EVERY_MEASURE, CaseSet, Measure, SetName
from protrek_hm.evaluate.statistics import Estimate
from protrek_hm.files import read_json


@dataclass(frozen=True)
class LeakCheck:
    """What test and training triplets share.

    Attributes
    ----------
    train_known
        Whether training triplets were given; without them the shared counts are 0 and mean nothing.
    proteins, shared_proteins
        Distinct sequences of the test, and how many of them training saw too, in whatever role.
    texts, shared_texts
        Distinct texts of the test (by `fold_text`), and how many of them training saw too.
    shared_components
        Component numbers on both sides; None where a table has none.
    splits
        Rows of the test by their `split` column; empty where there is none.
    notes
        What mining said that its split does not keep apart.
    """

    train_known: bool
    proteins: int
    shared_proteins: int
    texts: int
    shared_texts: int
    shared_components: int | None
    splits: Mapping[str, int]
    notes: tuple[str, ...] = ()

    @property
    def leaks(self) -> bool:
        """Whether anything is shared, or the test table has rows of another split."""
        mixed = len(self.splits) > 1 or "train" in self.splits
        return bool(self.shared_proteins or self.shared_texts or self.shared_components or mixed)

    @property
    def foretold(self) -> bool:
        """Whether mining said that its split shares texts or components, and nothing else is shared."""
        mixed = len(self.splits) > 1 or "train" in self.splits
        return bool(self.leaks and self.notes and not self.shared_proteins and not mixed)

    def sentence(self) -> str:
        """Return the outcome in one line."""
        splits = ", ".join(f"{rows} rows of {split!r}" for split, rows in self.splits.items())
        mixed = f" The test table holds {splits}." if len(self.splits) > 1 or "train" in self.splits else ""
        if not self.train_known:
            return f"Leak check: not possible without the training triplets (--train).{mixed}"
        proteins = f"{self.shared_proteins} of {self.proteins} proteins"
        found = f"{proteins} and {self.shared_texts} of {self.texts} texts"
        components = "" if self.shared_components is None else f", {self.shared_components} components shared"
        verdict = "LEAK" if self.leaks else "clean"
        if self.foretold:
            verdict = f"as mining said of this split ({'; '.join(self.notes)})"
        return f"Leak check: {verdict}; training saw {found} of the test (exact matches){components}.{mixed}"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as they stand in `report.json`."""
        return {"sentence": self.sentence(), "leaks": self.leaks, **asdict(self)}


def read_split_notes(test: Path, train: Path | None) -> tuple[str, ...]:
    """Return what mining said that its split does not keep apart; nothing unless one run wrote both tables.

    test, train: tables of triplets, with `mining_report.json` beside them.
    """
    path = test.parent / "mining_report.json"
    if train is None or train.parent.resolve() != test.parent.resolve() or not path.is_file():
        return ()
    try:
        notes = read_json(path).get("split_notes")
    except FileFormatError:
        return ()
    return tuple(map(str, notes)) if isinstance(notes, list) else ()


def check_overlap(test: Iterable[pl.DataFrame], train: pl.DataFrame | None) -> LeakCheck:
    """Compare test tables with the training triplets.

    Examples
    --------
    >>> test = pl.DataFrame({"anchor_seq": ["MK"], "hard_neg_seq": ["MR"], "anchor_text": ["A  kinase."]})
    >>> train = pl.DataFrame({"anchor_seq": ["MV"], "hard_neg_seq": ["MK"], "anchor_text": ["a kinase."]})
    >>> check_overlap([test], train).sentence()
    'Leak check: LEAK; training saw 1 of 2 proteins and 1 of 1 texts of the test (exact matches).'
    >>> check_overlap([test], None).sentence()
    'Leak check: not possible without the training triplets (--train).'
    """
    frames = list(test)
    proteins = set().union(*map(_proteins, frames))
    texts = set().union(*map(_texts, frames))
    seen_proteins, seen_texts = (set(), set()) if train is None else (_proteins(train), _texts(train))
    components = set().union(*map(_components, frames))
    seen_components = set() if train is None else _components(train)
    both_numbered = bool(components and seen_components)
    splits: dict[str, int] = {}
    for frame in frames:
        if "split" in frame.columns:
            for split in frame["split"].drop_nulls().cast(pl.String):
                splits[split] = splits.get(split, 0) + 1
    return LeakCheck(
        train_known=train is not None,
        proteins=len(proteins),
        shared_proteins=len(proteins & seen_proteins),
        texts=len(texts),
        shared_texts=len(texts & seen_texts),
        shared_components=len(components & seen_components) if both_numbered else None,
        splits=dict(sorted(splits.items())),
    )


def _proteins(frame: pl.DataFrame) -> set[str]:
    return {*frame["anchor_seq"], *frame["hard_neg_seq"]}


def _texts(frame: pl.DataFrame) -> set[str]:
    texts = (*frame["anchor_text"], *other_texts(frame))
    return {fold_text(text) for text in texts if text}


def _components(frame: pl.DataFrame) -> set[Any]:
    return set(frame["component"].drop_nulls()) if "component" in frame.columns else set()


FEW_GROUPS = 10
MANY_TIES = 0.01


def find_caveats(
    sets: Mapping[SetName, CaseSet],
    models: Mapping[str, Mapping[str, Estimate]],
    baselines: Mapping[str, Mapping[str, Estimate]],
    leaks: LeakCheck,
) -> tuple[str, ...]:
    """List leaks, few groups, ties, and models no better than a baseline, one sentence each.

    Parameters
    ----------
    sets
        The hard and easy cases.
    models, baselines
        Estimates by measure, by name.
    leaks
        The outcome of the leak check.
    """
    found = [leaks.sentence()] if leaks.leaks else []
    for name, each in sets.items():
        groups, share = each.groups.count(), each.groups.largest_share()
        if groups < FEW_GROUPS:
            found.append(f"The {name} cases form only {groups} {each.groups.basis}: their intervals are rough.")
        elif share > 0.5:
            found.append(f"One of the {groups} {each.groups.basis} holds {100 * share:.0f} % of the {name} cases.")
        given = np.array([text is not None for text in other_texts(each.frame)])
        same = int((given & (each.cases.other_text < 0)).sum())
        if same:
            found.append(f"{same} of the {len(given)} {name} cases ask nothing: both proteins have one text.")
    for model, estimates in models.items():
        for measure in EVERY_MEASURE:
            if measure.key in estimates:
                found += _about_estimate(model, measure, estimates[measure.key], baselines)
    return tuple(found)


def _about_estimate(
    model: str, measure: Measure, estimate: Estimate, baselines: Mapping[str, Mapping[str, Estimate]]
) -> list[str]:
    found = []
    if estimate.ties > MANY_TIES * estimate.n:
        found.append(f"{model}, {measure.title}: {estimate.ties} of {estimate.n} cases are ties, counted as guessed.")
    rivals = {"chance": measure.chance}
    rivals.update({name: each[measure.key].value for name, each in baselines.items() if measure.key in each})
    best = max(rivals, key=lambda name: rivals[name])
    if estimate.low is not None and rivals[best] >= estimate.low:
        found.append(
            f"{model}, {measure.title}: {100 * estimate.value:.1f} %, within its interval no better than "
            f"{best!r} ({100 * rivals[best]:.1f} %)."
        )
    return found
