"""Tune a model on a table of your own: twins mined, the model trained and measured on unseen ones, the table indexed.

Every stage writes a folder that appears whole or not at all, and is left alone when it is there. So the same call goes
on where an earlier one was interrupted.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from protrek_hm.data.triplets import read_triplets
from protrek_hm.errors import NothingFoundError, NoTwinsError, OptionError
from protrek_hm.evaluate import Evaluation, evaluate, write_evaluation
from protrek_hm.evaluate.caveats import find_caveats, read_split_notes
from protrek_hm.evaluate.measures import MEASURES, case_values
from protrek_hm.evaluate.report.write import EMBEDDINGS
from protrek_hm.evaluate.run import quote_split
from protrek_hm.evaluate.statistics import Estimate, mean_over_pairs
from protrek_hm.files import read_json, refuse_existing, write_json
from protrek_hm.index import build_index
from protrek_hm.mine import MiningResult, mine_hard_negatives, write_mining
from protrek_hm.model import ProTrek
from protrek_hm.model.cached import CachedEncoder
from protrek_hm.train import fine_tune
from protrek_hm.train.folder import digest_table
from protrek_hm.tune.config import TuneConfig

LEAST = {"train": 40, "valid": 4, "test": 20}
"""Hard triplets that a side needs, both directions counted; with fewer there is nothing to learn or to tell."""
FAMILIES = 5
"""Independent families that a test needs; with fewer, unseen members of known families are the test."""
_STATE = "tune.json"
_FORMAT = 1


@dataclass(frozen=True)
class Tuned:
    """What was made: the folders of model and index, what was measured, and a text of the test to search with."""

    model: Path
    index: Path
    evaluation: Evaluation
    query: str


def tune(
    proteins: pl.DataFrame,
    base: str,
    folder: Path,
    config: TuneConfig | None = None,
    *,
    force: bool = False,
    device: str | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Tuned:
    """Tune `base` on the twins of a table, measure base and tuned model on unseen ones, and index the table.

    Below `folder` come to lie `mined/`, `tuned/`, `evaluation/` and `index/`, and the settings as `tune.json`.

    Parameters
    ----------
    proteins
        As `read_proteins` gives them, with texts.
    base
        Folder or hub name of the model to begin with.
    folder
        Where to; if an interrupted call with the same data and settings left something there, this one goes on.
    force
        Whether what an earlier call made is made anew.
    device
        cpu, cuda, …; the best there is by default.
    say
        Hears of every stage.

    Raises
    ------
    NoTwinsError, NothingFoundError
        If there are no twins, or too few to train and to test.
    OptionError
        If `folder` was begun with other data or settings.
    OutputExistsError, OutputError
        If it holds something else, or cannot be written.
    """
    config = config or TuneConfig()
    settings = {"base": base, **asdict(config), "table": digest_table(proteins, proteins.columns)}
    settings |= {"format_version": _FORMAT, "evidence": list(config.evidence)}
    _refuse_other(folder, settings, force=force)
    mined = folder / "mined"
    if force or not mined.is_dir():
        say("1/4 mine: looking for twins")
        result = mine(proteins, config)
        write_json(folder / _STATE, settings)  # not before: a table without twins leaves nothing behind
        write_mining(result, mined, force=force)
    hard = {side: read_triplets(mined / f"hard_negatives_{side}.csv") for side in LEAST}
    easy = {side: _read_easy(mined / f"easy_samples_{side}.csv") for side in LEAST}
    by_families = read_json(mined / "config.json")["split"] == "components"
    proteins_of = {side: table["anchor_id"].n_unique() for side, table in hard.items()}
    counts = ", ".join(
        f"{side} {hard[side].height:,} triplets of {count} proteins" for side, count in proteins_of.items()
    )
    test = _FAMILIES_APART if by_families else _MEMBERS_APART
    say(f"1/4 mined: {counts}; {test}")

    say("2/4 train: the epoch that validates best is kept")
    before = ProTrek.from_pretrained(base, device=device)
    after = ProTrek.from_pretrained(base, device=device)
    rows, valid = (_concat(hard[side], easy[side]) for side in ("train", "valid"))
    fine_tune(
        after,
        rows,
        config.training(),
        folder / "tuned",
        valid=valid,
        if_exists="overwrite" if force else "resume",
    )
    model = folder / "tuned" / "model"

    say("3/4 evaluate: base and tuned model on proteins and texts that training did not read")
    encoders = {
        name: CachedEncoder(each, folder / "evaluation" / EMBEDDINGS)
        for name, each in {"base": before, "tuned": after}.items()
    }
    tested = (hard["test"], easy["test"]) if by_families else _without_components(hard["test"], easy["test"])
    evaluation = evaluate(encoders, *tested, train=hard["train"], valid=hard["valid"])
    if by_families:
        notes = read_split_notes(mined / "hard_negatives_test.csv", mined / "hard_negatives_train.csv")
        evaluation = quote_split(evaluation, notes)
    else:
        evaluation = over_proteins(evaluation)
    write_evaluation(evaluation, folder / "evaluation", force=True)

    index = folder / "index"
    if force or not index.is_dir():
        say("4/4 index: the whole table, by the tuned model")
        build_index(proteins, after, index, model_name=str(model), force=force)
    return Tuned(model, index, evaluation, hard["test"]["anchor_text"][0])


_FAMILIES_APART = "tested on families that training did not read"
_MEMBERS_APART = "few families, so tested on unseen proteins of families that training read"


def mine(proteins: pl.DataFrame, config: TuneConfig) -> MiningResult:
    """Mine twins, split by families, or by proteins where the families are too few to be shared out.

    Raises
    ------
    NoTwinsError, NothingFoundError
        If there are no twins, or too few.
    """
    settings = config.mining()
    try:
        result = mine_hard_negatives(proteins, settings)
    except NoTwinsError as error:
        raise NoTwinsError(_remedy(error), error.report, pairs=error.pairs, suggestions=error.suggestions) from None
    if result.report.splits["test"]["components"] < FAMILIES or _lacking(result):
        result = mine_hard_negatives(proteins, replace(settings, split="proteins"))
    if lacking := _lacking(result):
        found = result.triplets.height // 2
        raise NothingFoundError(
            f"{found} pairs of twins are too few ({', '.join(lacking)}): "
            "give more proteins that look alike and differ in function, or name a column that tells functions apart "
            "(--evidence COLUMN:equal)"
        )
    return result


def _remedy(error: NoTwinsError) -> str:
    """Say what can be done here about a table without twins: of the miner's flags there is --evidence alone."""
    problem, _, remedy = str(error).rpartition("; ")
    columns = " or ".join(f"--evidence {flag}" for flag, _ in error.suggestions)
    first = f"try {columns}; or " if columns else ""
    return f"{problem}; {first}{remedy} (tune has --evidence alone, protrek-hm mine has the other flags)"


def over_proteins(evaluation: Evaluation) -> Evaluation:
    """Return the evaluation with intervals of its hard cases over the proteins of the pairs.

    For a test within few families, whose cases are all linked: the intervals are about further members of these
    families, not about other families; see `mean_over_pairs`.
    """
    hard, config = evaluation.sets["hard"], evaluation.config
    measures = [measure for measure in MEASURES if measure.on == "hard"]
    over = partial(
        mean_over_pairs,
        one=hard.cases.positive,
        other=hard.cases.negative,
        seed=config.seed,
        resamples=config.resamples,
    )
    values = [
        {each.key: case_values(each, hard.cases, model.scores["hard"]) for each in measures}
        for model in evaluation.models
    ]
    models = tuple(
        replace(model, estimates={**model.estimates, **_known({key: over(each) for key, each in found.items()})})
        for model, found in zip(evaluation.models, values, strict=True)
    )
    first, last = values[0], values[-1]
    changes = _known({key: over(last[key] - first[key], bounds=(-1.0, 1.0)) for key in first})
    groups = replace(hard.groups, of_case=hard.cases.positive, basis="proteins of known families")
    sets = {**evaluation.sets, "hard": replace(hard, groups=groups)}
    of_models, of_baselines = ({each.name: each.estimates for each in some} for some in (models, evaluation.baselines))
    return replace(
        evaluation,
        models=models,
        differences={**evaluation.differences, **changes},
        sets=sets,
        caveats=find_caveats(sets, of_models, of_baselines, evaluation.leaks),
    )


def _known(estimates: Mapping[str, Estimate | None]) -> dict[str, Estimate]:
    return {key: each for key, each in estimates.items() if each is not None}


def _refuse_other(folder: Path, settings: Mapping[str, Any], *, force: bool) -> None:
    """Make sure that the folder is empty or was begun with the same settings."""
    state = folder / _STATE
    if state.is_file() and not force:
        before = read_json(state)
        for name, value in settings.items():
            if before.get(name) != value:
                wanted = f"{folder} was begun with {before.get(name)!r}; go on with that, or begin anew with --force"
                raise OptionError(name, value, wanted)
        return
    refuse_existing(folder, force=force, folder=True, replaced=False)


def _lacking(result: MiningResult) -> list[str]:
    """Say which sides have too few twins."""
    held = {side: result.report.splits[side]["triplets"] for side in LEAST}
    return [f"{side} {held[side]} of {least}" for side, least in LEAST.items() if held[side] < least]


def _read_easy(table: Path) -> pl.DataFrame | None:
    """Read easy triplets; a table of one family has none."""
    return read_triplets(table) if pl.read_csv(table).height else None


def _concat(hard: pl.DataFrame, easy: pl.DataFrame | None) -> pl.DataFrame:
    return hard if easy is None else pl.concat([hard, easy], how="diagonal_relaxed")


def _without_components(hard: pl.DataFrame, easy: pl.DataFrame | None) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Leave out the families: training read other members of them, which is what such a test allows."""
    return hard.drop("component"), None if easy is None else easy.drop("component")
