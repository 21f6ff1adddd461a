"""The tables of the page, as strings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protrek_hm.evaluate.eval_set import BINS
from protrek_hm.evaluate.measures import EVERY_MEASURE
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.evaluate.statistics import Estimate

_DISCRIMINATION = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}
_RETRIEVAL = {
    "recall@1": "R@1",
    "recall@5": "R@5",
    "recall@10": "R@10",
    "mrr": "MRR",
    "map": "MAP",
    "mean_rank": "mean rank",
    "auc": "AUC",
}


@dataclass(frozen=True)
class Cell:
    """A value, and small below it its interval or the like."""

    value: str
    below: str = ""


@dataclass(frozen=True)
class Row:
    """A row: its name, its cells, and its kind: "model", "difference", or "beside" for chance and baselines."""

    name: str
    cells: tuple[Cell, ...]
    kind: str = "model"
    meaning: str = ""


@dataclass(frozen=True)
class PageTable:
    """A table of the page."""

    title: str
    caption: str
    heads: tuple[Cell, ...]
    rows: tuple[Row, ...]


def accuracy_table(evaluation: Evaluation) -> PageTable:
    """Return models, their difference, chance and baselines by measure."""
    shown = [each for each in EVERY_MEASURE if each.key in evaluation.models[0].estimates]
    first = evaluation.models[0].estimates
    rows = [Row(model.name, _cells(model.estimates, [each.key for each in shown])) for model in evaluation.models]
    if evaluation.differences:
        rows.append(_difference_row(evaluation, evaluation.differences, [each.key for each in shown]))
    chance = tuple(Cell(f"{100 * each.chance:.1f}") for each in shown)
    rows.append(Row("chance", chance, "beside", "scores in random order"))
    for baseline in evaluation.baselines:
        cells = _cells(baseline.estimates, [each.key for each in shown])
        rows.append(Row(baseline.name, cells, "beside", baseline.meaning))
    heads = tuple(_head(each.title, first[each.key]) for each in shown)
    caption = "Accuracy in %, below it the 95 % interval over groups; ties count half."
    ties = sum(each.ties for model in evaluation.models for each in model.estimates.values())
    return PageTable(
        "Accuracy", f"{caption} {ties} ties in all." if ties else f"{caption} No ties.", heads, tuple(rows)
    )


def retrieval_tables(evaluation: Evaluation) -> tuple[PageTable, ...]:
    """Return a table for each direction of retrieval."""
    tables = []
    for key, first in evaluation.models[0].retrieval.items():
        found = [(model.name, model.retrieval[key]) for model in evaluation.models if key in model.retrieval]
        rows = [Row(name, _cells(each.estimates, list(_RETRIEVAL))) for name, each in found]
        if key in evaluation.retrieval_differences:
            rows.append(_difference_row(evaluation, evaluation.retrieval_differences[key], list(_RETRIEVAL)))
        chance = tuple(Cell(f"{100 * first.chance[name]:.1f}" if name in first.chance else "") for name in _RETRIEVAL)
        rows.append(Row("chance", chance, "beside", "a random order"))
        n, groups = first.estimates["mrr"].n, first.estimates["mrr"].groups
        caption = f"{n} queries in {groups} groups over a pool of {first.ranks.pool}; in %, the mean rank in places."
        tables.append(PageTable(first.title, caption, tuple(Cell(each) for each in _RETRIEVAL.values()), tuple(rows)))
    return tuple(tables)


def discrimination_tables(evaluation: Evaluation) -> tuple[PageTable, ...]:
    """Return a table for each set: areas, and what a threshold from validation does."""
    tables = []
    for name in evaluation.sets:
        first = evaluation.models[0].discrimination[name]
        keys = [key for key in _DISCRIMINATION if key in first.estimates]
        rows = []
        for model in evaluation.models:
            found = model.discrimination[name]
            margin = Cell(f"{found.margin['mean']:+.3f}", f"{found.margin['q05']:+.3f}, {found.margin['q95']:+.3f}")
            error = Cell(f"{100 * found.calibration.error:.1f}")
            threshold = () if found.threshold is None else (Cell(f"{found.threshold:+.3f}"),)
            rows.append(Row(model.name, (*_cells(found.estimates, keys), *threshold, margin, error)))
        heads = (
            *(Cell(_DISCRIMINATION[key]) for key in keys),
            *(() if first.threshold is None else (Cell("threshold"),)),
            Cell("margin", "5–95 %"),
            Cell("ECE"),
        )
        n, groups = first.estimates["auroc"].n, first.estimates["auroc"].groups
        caption = f"{n} right and {n} wrong pairs in {groups} groups; in %, threshold and margin as cosines. "
        caption += (
            "Precision, recall and F1 need validation triplets (--valid)."
            if first.threshold is None
            else "The threshold is the one of best F1 on the validation triplets."
        )
        tables.append(PageTable(f"{name} pairs", caption, heads, tuple(rows)))
    return tuple(tables)


def strata_table(evaluation: Evaluation, *, key: str = "hard_text_to_protein") -> PageTable:
    """Return hard accuracy by bin, a column a model."""
    rows = []
    for number, stratum in enumerate(evaluation.models[0].strata):
        cells = [_cell(model.strata[number].estimates[key]) for model in evaluation.models]
        first = stratum.estimates[key]
        rows.append(Row(f"{stratum.by}: {stratum.label}", (Cell(str(first.n), f"{first.groups} groups"), *cells)))
    caption = f"Hard accuracy, text → protein, in %, in {len(BINS)} groupings of the same cases."
    heads = (Cell("n"), *(Cell(model.name) for model in evaluation.models))
    return PageTable("By kind of twin", caption, heads, tuple(rows))


def significance_table(evaluation: Evaluation) -> PageTable | None:
    """Return the exact paired tests, if there are two models."""
    if not evaluation.significance:
        return None
    titles = {measure.key: measure.title for measure in EVERY_MEASURE}
    rows = []
    for key, found in evaluation.significance.items():
        tests = (found.cases, found.groups)
        cells = [Cell(f"{test.wins} : {test.losses}", f"{test.draws} the same") for test in tests]
        rows.append(Row(titles[key], (cells[0], Cell(_p(tests[0].p)), cells[1], Cell(_p(tests[1].p)))))
    heads = (Cell("cases", "won : lost"), Cell("p"), Cell("groups", "won : lost"), Cell("p"))
    before, after = (model.name for model in evaluation.models)
    caption = (
        f"{after} against {before}, exact and two-sided. McNemar's test over cases takes them as independent; over "
        "groups, which are, it is the one to trust."
    )
    return PageTable("Paired tests", caption, heads, tuple(rows))


def _difference_row(evaluation: Evaluation, differences: Mapping[str, Estimate], keys: Sequence[str]) -> Row:
    name = " − ".join(model.name for model in reversed(evaluation.models))
    return Row(name, _cells(differences, keys, sign="+"), "difference")


def _head(title: str, estimate: Estimate) -> Cell:
    return Cell(title, f"n = {estimate.n}, {estimate.groups} groups")


def _cells(estimates: Mapping[str, Estimate], keys: Sequence[str], *, sign: str = "") -> tuple[Cell, ...]:
    return tuple(
        _cell(estimates[key], sign=sign, factor=1.0 if key == "mean_rank" else 100.0) if key in estimates else Cell("–")
        for key in keys
    )


def _cell(estimate: Estimate, *, sign: str = "", factor: float = 100.0) -> Cell:
    below = "no interval"
    if estimate.low is not None and estimate.high is not None:
        below = f"{factor * estimate.low:.1f}, {factor * estimate.high:.1f}"
    return Cell(f"{factor * estimate.value:{sign}.1f}".replace("-", "−"), below.replace("-", "−"))


def _p(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else f"{p:.0e}".replace("e-0", "e−").replace("e-", "e−")
