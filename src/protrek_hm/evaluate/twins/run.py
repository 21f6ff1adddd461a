"""One board: cases, models and scores of others in, a row of estimates for each model and baseline out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float

from protrek_hm.config import Modality
from protrek_hm.cosines import TOLERANCE
from protrek_hm.errors import OptionError
from protrek_hm.evaluate.cases import independent_groups, make_cases, make_pool
from protrek_hm.evaluate.config import BoardConfig, EvaluateConfig
from protrek_hm.evaluate.measures import CaseSet
from protrek_hm.evaluate.metrics import text_to_protein
from protrek_hm.evaluate.retrieval import make_records, retrieve
from protrek_hm.evaluate.scores import case_scores, cosine_scorer, encode_pool
from protrek_hm.evaluate.statistics import Estimate, mean_with_interval
from protrek_hm.evaluate.twins.cases import ALL, CASE_COLUMNS, TwinCases, draw_cases, make_twin_cases, wild_types
from protrek_hm.evaluate.twins.learned import unlearned
from protrek_hm.evaluate.twins.measures import case_values, estimate, estimate_all, learned_values
from protrek_hm.evaluate.twins.shortcuts import make_shortcuts
from protrek_hm.homology.lookup import Lookup
from protrek_hm.model.encoder import Encoder, TwinPreference

Estimates = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Estimate]]]]
"""Split → set (or "all") → kind (or "all") → measure → estimate; what has no case is not in it."""


@dataclass(frozen=True)
class WithHead:
    """An encoder, the head that reads differences beside it, and proteins among which that looks for relatives."""

    model: Encoder
    head: TwinPreference
    relatives: Lookup | None = None

    def encode(self, inputs: list[str], /, *, task: Modality, batch_size: int, show_progress_bar: bool) -> Any:
        """Encode as the model does."""
        return self.model.encode(inputs, task=task, batch_size=batch_size, show_progress_bar=show_progress_bar)


@dataclass(frozen=True)
class Row:
    """A row of the board.

    Attributes
    ----------
    name
        Of the model or the baseline.
    is_baseline
        Whether it is there to be beaten.
    meaning
        What it does, or what made its scores.
    scores
        2 × 2 scores of each case.
    values
        What each case is worth in each measure.
    estimates
        Its figures.
    """

    name: str
    is_baseline: bool
    meaning: str
    scores: Float[np.ndarray, "cases 2 2"]
    values: Mapping[str, Float[np.ndarray, " cases"]]
    estimates: Estimates


@dataclass(frozen=True)
class Gain:
    """A model against the best baseline, over all sets, on the same cases."""

    baseline: str
    difference: Estimate


@dataclass(frozen=True)
class Board:
    """Everything that was measured.

    Attributes
    ----------
    learned_from
        Cases that the baselines learned from; 0: none, and no baselines.
    leaks
        Measured proteins that stand in cases learned from, too, and families of the test that do.
    beside
        Measures of each model on other tables, see `measure_beside`.
    """

    config: BoardConfig
    cases: TwinCases
    rows: tuple[Row, ...]
    learned_from: int
    leaks: Mapping[str, int]
    beside: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)

    @cached_property
    def splits(self) -> list[str]:
        """The splits that have cases, in the order of the settings."""
        present = set(self.cases.frame["split"])
        return [split for split in self.config.splits if split in present]

    def gains(self, row: Row) -> dict[str, dict[str, Gain]]:
        """Return split → measure → how much better a row is than the baseline that is best in it, over all sets."""
        baselines = [each for each in self.rows if each.is_baseline]
        found: dict[str, dict[str, Gain]] = {}
        for split in self.splits:
            chosen = self.cases.where(split)
            for measure in ("text_to_protein", "protein_to_text", "all_four"):
                rivals = {each.name: each for each in baselines if _overall(each, split, measure) is not None}
                if rivals and _overall(row, split, measure) is not None:
                    best = max(rivals.values(), key=lambda each: _overall(each, split, measure) or 0.0)
                    gain = (row.values[measure] - best.values[measure])[chosen]
                    families, sets = self.cases.families[chosen], self.cases.sets[chosen]
                    options = {"seed": self.config.seed, "resamples": self.config.resamples}
                    difference = estimate(gain, families, sets, bounds=(-1.0, 1.0), **options)
                    if difference is not None:
                        found.setdefault(split, {})[measure] = Gain(best.name, difference)
        return found


def _overall(row: Row, split: str, measure: str) -> float | None:
    found = row.estimates.get(split, {}).get(ALL, {}).get(ALL, {}).get(measure)
    return None if found is None else found.value


def evaluate_twins(
    models: Mapping[str, Encoder],
    cases: pl.DataFrame,
    config: BoardConfig | None = None,
    *,
    train: pl.DataFrame | None = None,
    scores: Mapping[str, pl.DataFrame] | None = None,
    masked: Path | None = None,
    show_progress: bool = False,
) -> Board:
    """Measure how well models tell real twins apart, by set and kind, families weighing alike.

    Parameters
    ----------
    models
        Anything with `encode(texts, task="text" | "sequence")`, by name; a `WithHead` gets three rows:
        vectors, head, both.
    cases
        Case tables, joined; of the rows of `config.splits` at most `config.per_family` of a family are measured.
    config
        Splits, batch size, bootstrap draws, seed.
    train
        Cases that baselines learn from: their rows of the split "train".
    scores
        Scores of other programs, by name: `aa`, `ab`, `ba`, `bb` (text, protein) beside what names the case.
    masked
        Folder of a masked language model, for one baseline more.

    Raises
    ------
    OptionError, NothingFoundError
        If there is nothing to be measured.
    FileFormatError, MissingColumnError
        If scores of others do not fit the cases.
    ModelError
        If a model gives a vector without direction.

    Examples
    --------
    >>> class Letters:
    ...     def encode(self, inputs, *, task, batch_size, show_progress_bar):
    ...         return np.array([[each.count("K"), each.count("R")] for each in inputs])
    >>> columns = {"id_a": "P1", "id_b": "P2", "a": "MKK", "b": "MRR", "text_a": "K", "text_b": "R", "set": "one",
    ...            "kind": "natural", "control": "no", "family": "P1", "split": "test"}
    >>> board = evaluate_twins({"letters": Letters()}, pl.DataFrame({name: [cell] for name, cell in columns.items()}))
    >>> board.rows[0].estimates["test"]["one"]["natural"]["all_four"].value
    1.0
    """
    config = config or BoardConfig()
    if not models and not scores:
        raise OptionError("model", "none", "give at least one model, or scores")
    asked = cases.filter(pl.col("split").is_in(config.splits))
    measured = make_twin_cases(draw_cases(asked, config.per_family, seed=config.seed))
    learned = None if train is None else train.filter(pl.col("split") == "train")
    found = list[Row]()
    heads: dict[int, HeadScores] = {}
    for name, model in models.items():
        found += _rows_of_model(model, name, measured, config, heads=heads, show_progress=show_progress)
    for name, each in (scores or {}).items():
        found.append(_row(name, "scores as given", _given_scores(each, measured, name), measured, config))
    found += [
        _row(each.name, each.meaning, each.scores, measured, config, is_baseline=True)
        for each in make_shortcuts(measured, learned, masked=masked, seed=config.seed)
    ]
    return Board(
        config, measured, tuple(found), 0 if learned is None else learned.height, count_leaks(measured, learned)
    )


def count_leaks(cases: TwinCases, learned: pl.DataFrame | None) -> dict[str, int]:
    """Count measured proteins that were learned from, and families of the test of which some protein was.

    Wild types of mutants that are `known` may be: it is the mutant that is unseen.
    """
    if learned is None:
        return {"proteins": 0, "test_families": 0}
    seen, families = {*learned["a"], *learned["b"]}, set(learned["family"])
    test, others = (cases.frame.filter((pl.col("split") == "test") == each) for each in (True, False))
    unseen = {*others["a"], *others["b"]} - set(wild_types([cases.frame, learned]).values())
    proteins = seen & ({*test["a"], *test["b"]} | unseen)
    return {"proteins": len(proteins), "test_families": len(families & set(test["family"]))}


def _rows_of_model(
    model: Encoder,
    name: str,
    cases: TwinCases,
    config: BoardConfig,
    *,
    heads: dict[int, "HeadScores"],
    show_progress: bool,
) -> list[Row]:
    """Measure a model, with its head beside it; a head that several models share has one row of its own."""
    embeddings = encode_pool(model, cases.pool, name=name, batch_size=config.batch_size, show_progress=show_progress)
    vectors = case_scores(cases.cases, cosine_scorer(embeddings))
    found = [(name, "cosine of vectors", vectors)]
    if isinstance(model, WithHead):
        new = id(model.head) not in heads
        head = heads.setdefault(id(model.head), head_scores(model, cases)) if new else heads[id(model.head)]
        both = vectors + model.head.weight * head.counts * head.preference
        found.append((f"{name} + head", "cosine of vectors, and the weighted preference of the twin head", both))
        if new:
            own = "twin head" if len(heads) == 1 else f"twin head of {name}"
            found.append((own, "preference of the twin head, which is told the wild type", head.preference))
    flagged = _unlearned_cases(model, name, cases, config) if config.shuffled else None
    return [
        _row(*each, cases, config, flagged=flagged if each[0] in (name, f"{name} + head") else None) for each in found
    ]


def _unlearned_cases(model: Encoder, name: str, cases: TwinCases, config: BoardConfig) -> Bool[np.ndarray, " cases"]:
    """Say which cases have a protein that a model has not learned, beside wild types and natural proteins of all."""
    proteins, wild = cases.pool.sequences, wild_types([cases.frame])
    whole = sorted({wild.get(each, each) for each in proteins})
    drawn = np.random.default_rng(config.seed).permutation(len(whole))[: config.shuffled]
    background = [whole[each] for each in sorted(drawn.tolist())]
    flags = unlearned(model, name, proteins, background, batch_size=config.batch_size, seed=config.seed)
    return np.asarray(flags[cases.cases.positive] | flags[cases.cases.negative])


class HeadScores(NamedTuple):
    """Preferences of a head as scores: half of each for the one protein, less half for the other.

    counts: how far they count beside a model: whole where the wild type is known, else as far as the text speaks of
    what a change does.
    """

    preference: Float[np.ndarray, "cases 2 2"]
    counts: Float[np.ndarray, "cases 2 1"]


def head_scores(model: WithHead, cases: TwinCases) -> HeadScores:
    """Return what the head of a model prefers in each case."""
    scores, counts = np.full((len(cases), 2, 2), np.nan), np.ones((len(cases), 2, 1))
    texts = model.head.read(cases.pool.texts)
    proteins, wild = cases.pool.sequences, wild_types([cases.frame])
    sides = [[proteins[each] for each in side] for side in (cases.cases.positive, cases.cases.negative)]
    shared = [wild.get(a) if wild.get(a) == wild.get(b) else None for a, b in zip(*sides, strict=True)]
    for row, numbers in enumerate((cases.cases.text, cases.cases.other_text)):
        known = np.flatnonzero(numbers >= 0)
        a, b, references = ([each[number] for number in known] for each in (*sides, shared))
        preference = model.head.prefer(texts[numbers[known]], a, b, references=references, relatives=model.relatives)
        scores[known, row] = np.stack([preference / 2, -preference / 2], axis=1)
        alone = np.array([reference is None for reference in references], dtype=bool)
        counts[known, row, 0] = np.where(alone, model.head.speaks(texts[numbers[known]]), 1.0)
    return HeadScores(scores, counts)


SCORE_COLUMNS = ("aa", "ab", "ba", "bb")
"""Text of a with protein a, text of a with protein b, text of b with protein a, text of b with protein b."""


def _given_scores(frame: pl.DataFrame, cases: TwinCases, name: str) -> Float[np.ndarray, "cases 2 2"]:
    from protrek_hm.data.schema import missing_column
    from protrek_hm.errors import FileFormatError

    for column in (*CASE_COLUMNS, *SCORE_COLUMNS):
        if column not in frame.columns:
            raise missing_column(
                name, column, frame.columns, "give scores as `evaluate twins` writes them (scores.parquet)"
            )
    given = frame.select(*CASE_COLUMNS, *(pl.col(each).cast(pl.Float64, strict=False) for each in SCORE_COLUMNS))
    if given.select(CASE_COLUMNS).is_duplicated().any():
        raise FileFormatError(name, "a case stands twice", "give one row for each case")
    joined = cases.frame.select(CASE_COLUMNS).join(given, on=CASE_COLUMNS, how="left", maintain_order="left")
    scores = joined.select(SCORE_COLUMNS).to_numpy().astype(np.float64).reshape(-1, 2, 2)
    one_text = cases.cases.other_text < 0  # of a control
    scores[one_text, 1] = scores[one_text, 0]
    missing = ~np.isfinite(scores).all(axis=(1, 2))
    if missing.any():
        first = joined.row(int(np.flatnonzero(missing)[0]))
        problem = f"{missing.sum():,} of {len(cases):,} cases have no score, the first is {first[1]} / {first[2]}"
        raise FileFormatError(name, problem, "score every case: what is left out cannot be compared")
    scores[one_text, 1] = np.nan
    return scores


def _row(
    name: str,
    meaning: str,
    scores: Float[np.ndarray, "cases 2 2"],
    cases: TwinCases,
    config: BoardConfig,
    *,
    is_baseline: bool = False,
    flagged: Bool[np.ndarray, " cases"] | None = None,
) -> Row:
    parts = cases.frame.select(pl.struct("split", "set", "kind").rank("dense").cast(pl.Int64)).to_series().to_numpy()
    values = case_values(scores, cases.is_control, cases.families, parts)
    values |= {} if flagged is None else learned_values(values, flagged)
    estimates: dict[str, dict[str, dict[str, dict[str, Estimate]]]] = {}
    for split, name_of_set, kind in _tables(cases, config.splits):
        chosen = cases.where(split, name_of_set, kind)
        if is_baseline and guesses(scores[chosen]):
            continue  # it has nothing to go by
        found = estimate_all(values, cases.families, cases.sets, chosen, seed=config.seed, resamples=config.resamples)
        if found:
            estimates.setdefault(split, {}).setdefault(name_of_set, {})[kind] = found
    return Row(name, is_baseline, meaning, scores, values, estimates)


def guesses(scores: Float[np.ndarray, "cases 2 2"]) -> bool:
    """Tell whether all scores of each case are tied.

    >>> guesses(np.array([[[0.3, 0.3], [0.3, 0.3]]])), guesses(np.array([[[0.3, 0.3], [0.3, 0.1]]]))
    (True, False)
    """
    return bool((np.nanmax(scores, axis=(1, 2)) - np.nanmin(scores, axis=(1, 2)) <= TOLERANCE).all())


def _tables(cases: TwinCases, splits: Sequence[str]) -> list[tuple[str, str, str]]:
    """List split, set and kind of all groups of cases that are reported, those of everything first."""
    present = cases.frame.select("split", "set", "kind").unique().sort("split", "set", "kind")
    found: dict[tuple[str, str, str], None] = {}
    for split in splits:
        rows = present.filter(pl.col("split") == split)
        sets, kinds = rows["set"].unique().sort().to_list(), rows["kind"].unique().sort().to_list()
        for name in (ALL, *sets):
            of_set = kinds if name == ALL else rows.filter(pl.col("set") == name)["kind"].to_list()
            found |= {(split, name, kind): None for kind in (ALL, *of_set)}
    return list(found)


def measure_beside(
    model: Encoder,
    name: str,
    config: BoardConfig,
    *,
    easy: pl.DataFrame | None = None,
    retrieval: pl.DataFrame | None = None,
) -> dict[str, Estimate]:
    """Return what tuning on twins must not cost: accuracy on easy triplets, and R@1 among all proteins of a table.

    Both are triplet tables; `retrieval` is ranked whole, from text to sequence, as in `evaluate`.
    """
    settings = EvaluateConfig(batch_size=config.batch_size, resamples=config.resamples, seed=config.seed)
    found: dict[str, Estimate | None] = {}
    for key, frame in (("easy", easy), ("R@1", retrieval)):
        if frame is not None:
            pool = make_pool([frame])
            numbered = make_cases(frame, pool)
            embeddings = encode_pool(model, pool, name=name, batch_size=config.batch_size)
            if key == "easy":
                right = text_to_protein(case_scores(numbered, cosine_scorer(embeddings)))
                groups = independent_groups(frame, numbered, "easy").of_case
                found[key] = mean_with_interval(right, groups, seed=config.seed, resamples=config.resamples)
            else:
                cases = CaseSet("hard", frame, numbered, independent_groups(frame, numbered, "hard"))
                ranked = retrieve(make_records({"hard": cases}, pool), embeddings, settings)["text_to_sequence"]
                found[key] = ranked.estimates["recall@1"]
    return {key: each for key, each in found.items() if each is not None}
