"""The whole way once on embedded data: twins mined, a model fine-tuned, measured before and after, searched.

The base is trained as ProTrek was, with the rest of the batch as negatives, on families whose texts name no more than
fold and family: it learns to tell proteins apart, and puts twins on one spot. Then twins are mined among other
families, whose texts name their function, and the base is fine-tuned on them. Families unseen by both are the judges.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from protrek_hm.data import load_showcase, write_proteins
from protrek_hm.data.synthetic import SyntheticConfig, synthetic_families
from protrek_hm.evaluate import Evaluation, evaluate, write_evaluation
from protrek_hm.index import build_index
from protrek_hm.mine import MineConfig, mine_hard_negatives, write_mining
from protrek_hm.model import ModelConfig, ProTrek, TowerConfig
from protrek_hm.search import Hit, Searcher
from protrek_hm.train import TrainConfig, fine_tune

# Small enough for two cores, large enough for the twins to be learned
PROTEINS = SyntheticConfig(families=480, members=8, folds=8, vague=0.5)
MODEL = ModelConfig(
    sequence=TowerConfig(layers=2, hidden=96, heads=4, max_tokens=128),
    text=TowerConfig(layers=1, hidden=96, heads=4, max_tokens=48),
    dimension=96,
    vocabulary=400,
)
PRETRAIN = TrainConfig(objective="contrastive", false_negatives="keep", epochs=2, learning_rate=1e-3, batch_size=32)
MINE = MineConfig(negatives_per_anchor=2, easy=1000)
AMONG = 10
TUNE = TrainConfig(objective="triplet", epochs=7, learning_rate=1e-3, batch_size=32)


# What is asked of the showcase, and which family and function answer: the two sides of the same twins
ASKED = {
    "Extended-spectrum class A beta-lactamase": (
        ("TEM beta-lactamase", "extended-spectrum"),
        ("SHV beta-lactamase", "extended-spectrum"),
        ("CTX-M beta-lactamase", "cefotaximase"),
        ("CTX-M beta-lactamase", "cefotaximase and ceftazidimase"),
    ),
    "Broad-spectrum class A beta-lactamase": (
        ("TEM beta-lactamase", "penicillinase"),
        ("SHV beta-lactamase", "penicillinase"),
    ),
}


@dataclass(frozen=True)
class ExampleSearch:
    """One query, how many of the proteins that do just this stand among the first `AMONG` before and after, and hits.

    `hits` are those after the twins.
    """

    query: str
    answers: int
    found_before: int
    found_after: int
    hits: Sequence[Hit]


@dataclass(frozen=True)
class Demo:
    """What the demo measured and found: among simulated families, and among real proteins."""

    evaluation: Evaluation
    searches: Sequence[ExampleSearch]
    real_searches: Sequence[ExampleSearch]


def run_demo(folder: Path, *, seed: int = 42, say: Callable[[str], None] = lambda _line: None) -> Demo:
    """Go the whole way below `folder`, which is empty or not there; `say` hears of every stage."""
    showcase, real = load_showcase(), MineConfig(easy=0)
    found = mine_hard_negatives(showcase, real)
    write_mining(found, folder / "showcase")
    say(f"1/7 twins: {found.triplets.height // 2} pairs among {showcase.height} real proteins; pictures in showcase/")

    made = synthetic_families(replace(PROTEINS, seed=seed)).proteins
    known, studied = made.filter(pl.col("ec").is_null()), made.filter(pl.col("ec").is_not_null())
    write_proteins(studied, folder / "proteins.tsv")
    say(f"2/7 base: {known.height} simulated proteins with vague texts, in-batch negatives")
    base = ProTrek.build(replace(MODEL, seed=seed), texts=made["text"], device="cpu")
    pairs = known.select(anchor_text="text", anchor_seq="sequence")
    fine_tune(base, pairs, replace(PRETRAIN, seed=seed), folder / "base")

    say(f"3/7 twins: mining {studied.height} proteins of other families")
    settings = replace(MINE, seed=seed)
    mined = mine_hard_negatives(studied, settings)
    write_mining(mined, folder / "mined")
    hard, easy = _by_side(mined.triplets), _by_side(mined.easy)

    say(f"4/7 tuning on {hard['train'].height} hard and {easy['train'].height} easy triplets")
    tuned = ProTrek.from_pretrained(folder / "base" / "model", device="cpu")
    columns = ["anchor_text", "anchor_seq", "hard_neg_seq"]
    train, valid = (pl.concat([hard[side].select(columns), easy[side].select(columns)]) for side in ("train", "valid"))
    fine_tune(tuned, train, replace(TUNE, seed=seed), folder / "tuned", valid=valid)

    say(f"5/7 measuring on {hard['test'].height} hard and {easy['test'].height} easy triplets of unseen families")
    models = {"base": base, "tuned": tuned}
    evaluation = evaluate(models, hard["test"], easy["test"], train=hard["train"])
    write_evaluation(evaluation, folder / "evaluation")

    say("6/7 searching the unseen families")
    unseen = studied.filter(pl.col("id").is_in(hard["test"]["anchor_id"].to_list()))
    searchers = {
        name: _searcher(unseen, model, folder / f"index-{name}", named=str(folder / name / "model"))
        for name, model in models.items()
    }
    functions = unseen.group_by("fold", "substrate", "regulator").len().sort(["len", "fold", "substrate", "regulator"])
    searches = [_simulated_search(searchers, function, unseen) for function in functions.tail(2).to_dicts()]

    say("7/7 searching the real proteins with the package's model, before and after it saw twins")
    shipped = {name: ProTrek.from_pretrained(name, device="cpu") for name in ("mini-base", "mini")}
    searchers = {
        name: _searcher(showcase, model, folder / f"index-showcase-{name}", named=name)
        for name, model in shipped.items()
    }
    real_searches = [
        _search(searchers, query, _answers(showcase, pl.DataFrame(works, ["family", "function"], orient="row")))
        for query, works in ASKED.items()
    ]
    return Demo(evaluation, searches, real_searches)


def _searcher(proteins: pl.DataFrame, model: ProTrek, folder: Path, *, named: str) -> Searcher:
    build_index(proteins, model, folder, model_name=named)
    return Searcher.open(folder, model=model)


def _simulated_search(
    searchers: Mapping[str, Searcher], function: dict[str, str], proteins: pl.DataFrame
) -> ExampleSearch:
    query = "A {fold} that acts on {substrate} and needs {regulator}".format(**function)
    works = pl.DataFrame(function).select("fold", "substrate", "regulator")
    return _search(searchers, query, _answers(proteins, works))


def _answers(proteins: pl.DataFrame, works: pl.DataFrame) -> set[str]:
    """Return the proteins that agree with a row of `works` in all its columns."""
    return {*proteins.join(works, on=works.columns, how="semi")["id"]}


def _search(searchers: Mapping[str, Searcher], query: str, answers: Collection[str]) -> ExampleSearch:
    """Ask the model before and the one after, in this order; words and texts, which both have, are left aside."""
    before, after = (searcher.search(query, k=AMONG, signals=("model",))[0] for searcher in searchers.values())
    found_before, found_after = (sum(hit.id in answers for hit in hits) for hits in (before, after))
    return ExampleSearch(query, len(answers), found_before, found_after, after[:5])


def _by_side(triplets: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {side: triplets.filter(pl.col("split") == side) for side in ("train", "valid", "test")}
