"""The whole way once: twins mined, a model tuned and measured on unseen ones, an index built and searched.

On real proteins (`run_demo`) the package's base is tuned on the bundled beta-lactamases, by the call that a table of
one's own takes. On simulated families (`run_simulated`) the truth about every twin is known, and the base, too, is
trained here: as ProTrek was, with the rest of the batch as negatives, on families whose texts name no more than fold
and family. It learns to tell proteins apart, and puts twins on one spot. Then it is tuned on twins of other families,
whose texts name their function. Families unseen by both are the judges.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from protrek_hm.data import load_showcase, read_triplets, write_proteins
from protrek_hm.data.lactamases import load_lactamases
from protrek_hm.data.synthetic import SyntheticConfig, synthetic_families
from protrek_hm.evaluate import Evaluation, evaluate, write_evaluation
from protrek_hm.index import build_index
from protrek_hm.mine import MineConfig, mine_hard_negatives, write_mining
from protrek_hm.model import ModelConfig, ProTrek, TowerConfig
from protrek_hm.search import Hit, Searcher
from protrek_hm.train import TrainConfig, fine_tune
from protrek_hm.tune import TuneConfig, tune

BASE, SAW_TWINS = "mini-base", "mini"
LACTAMASES = TuneConfig(evidence=("class:equal",))
AMONG = 10

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

    `among` says what is searched; `hits` are those after the twins.
    """

    query: str
    among: str
    answers: int
    found_before: int
    found_after: int
    hits: Sequence[Hit]


@dataclass(frozen=True)
class Demo:
    """What the demo measured and found."""

    evaluation: Evaluation
    searches: Sequence[ExampleSearch]


Say = Callable[[str], None]


def run_demo(folder: Path, *, seed: int = 42, say: Say = lambda _line: None) -> Demo:
    """Tune on real proteins and search, below `folder`, which is empty or not there; `say` hears of every stage."""
    showcase, lactamases = load_showcase(), load_lactamases()
    found = mine_hard_negatives(showcase, MineConfig(easy=0))
    write_mining(found, folder / "showcase")
    say(f"1/4 twins: {found.triplets.height // 2} pairs among {showcase.height} real proteins; pictures in showcase/")

    say(f"2/4 tune: {lactamases.height} real beta-lactamases, as `protrek-hm tune` does")
    config = replace(LACTAMASES, seed=seed)
    done = tune(lactamases, BASE, folder / "lactamases", config, device="cpu", say=lambda line: say(f"    {line}"))

    say("3/4 search: the beta-lactamases that training did not read, by base and tuned model")
    test = read_triplets(folder / "lactamases" / "mined" / "hard_negatives_test.csv")["anchor_id"]
    unseen = lactamases.filter(pl.col("id").is_in(test.to_list()))
    before = ProTrek.from_pretrained(BASE, device="cpu")
    after = ProTrek.from_pretrained(done.model, device="cpu")
    searchers = [
        _searcher(unseen, before, folder / "index-base", named=BASE),
        _searcher(unseen, after, folder / "index-tuned", named=str(done.model)),
    ]
    counted = unseen.group_by("class").len().sort("len", "class")
    searches = [
        _search(searchers, f"{work.item()} beta-lactamase", "unseen beta-lactamases", _answers(unseen, work))
        for work in counted.tail(2).select("class").iter_slices(1)
    ]

    say("4/4 search: real proteins of all kinds, by the package's model before and after it saw twins")
    searchers = [
        _searcher(showcase, before, folder / "showcase" / "index-base", named=BASE),
        _searcher(
            showcase, ProTrek.from_pretrained(SAW_TWINS, device="cpu"), folder / "showcase" / "index", named=SAW_TWINS
        ),
    ]
    for query, works in ASKED.items():
        answers = _answers(showcase, pl.DataFrame(works, ["family", "function"], orient="row"))
        searches.append(_search(searchers, query, "real proteins", answers))
    return Demo(done.evaluation, searches)


def run_simulated(folder: Path, *, seed: int = 42, say: Say = lambda _line: None) -> Demo:
    """Go the whole way among simulated families, below `folder`; the base, too, is trained here."""
    made = synthetic_families(replace(PROTEINS, seed=seed)).proteins
    known, studied = made.filter(pl.col("ec").is_null()), made.filter(pl.col("ec").is_not_null())
    write_proteins(studied, folder / "proteins.tsv")
    say(f"1/5 base: {known.height} simulated proteins with vague texts, in-batch negatives")
    base = ProTrek.build(replace(MODEL, seed=seed), texts=made["text"], device="cpu")
    pairs = known.select(anchor_text="text", anchor_seq="sequence")
    fine_tune(base, pairs, replace(PRETRAIN, seed=seed), folder / "base")

    say(f"2/5 twins: mining {studied.height} proteins of other families")
    settings = replace(MINE, seed=seed)
    mined = mine_hard_negatives(studied, settings)
    write_mining(mined, folder / "mined")
    hard, easy = _by_side(mined.triplets), _by_side(mined.easy)

    say(f"3/5 tuning on {hard['train'].height} hard and {easy['train'].height} easy triplets")
    tuned = ProTrek.from_pretrained(folder / "base" / "model", device="cpu")
    columns = ["anchor_text", "anchor_seq", "hard_neg_seq"]
    train, valid = (pl.concat([hard[side].select(columns), easy[side].select(columns)]) for side in ("train", "valid"))
    fine_tune(tuned, train, replace(TUNE, seed=seed), folder / "tuned", valid=valid)

    say(f"4/5 measuring on {hard['test'].height} hard and {easy['test'].height} easy triplets of unseen families")
    models = {"base": base, "tuned": tuned}
    evaluation = evaluate(models, hard["test"], easy["test"], train=hard["train"])
    write_evaluation(evaluation, folder / "evaluation")

    say("5/5 searching the unseen families")
    unseen = studied.filter(pl.col("id").is_in(hard["test"]["anchor_id"].to_list()))
    searchers = [
        _searcher(unseen, model, folder / f"index-{name}", named=str(folder / name / "model"))
        for name, model in models.items()
    ]
    functions = unseen.group_by("fold", "substrate", "regulator").len().sort(["len", "fold", "substrate", "regulator"])
    searches = [_simulated_search(searchers, function, unseen) for function in functions.tail(2).to_dicts()]

    return Demo(evaluation, searches)


def _searcher(proteins: pl.DataFrame, model: ProTrek, folder: Path, *, named: str) -> Searcher:
    build_index(proteins, model, folder, model_name=named)
    return Searcher.open(folder, model=model)


def _simulated_search(searchers: Sequence[Searcher], function: dict[str, str], proteins: pl.DataFrame) -> ExampleSearch:
    query = "A {fold} that acts on {substrate} and needs {regulator}".format(**function)
    works = pl.DataFrame(function).select("fold", "substrate", "regulator")
    return _search(searchers, query, "unseen simulated proteins", _answers(proteins, works))


def _answers(proteins: pl.DataFrame, works: pl.DataFrame) -> set[str]:
    """Return the proteins that agree with a row of `works` in all its columns."""
    return {*proteins.join(works, on=works.columns, how="semi")["id"]}


def _search(searchers: Sequence[Searcher], query: str, among: str, answers: Collection[str]) -> ExampleSearch:
    """Ask the model before and the one after, in this order; words and texts, which both have, are left aside."""
    before, after = (searcher.search(query, k=AMONG, signals=("model",))[0] for searcher in searchers)
    found_before, found_after = (sum(hit.id in answers for hit in hits) for hits in (before, after))
    return ExampleSearch(query, among, len(answers), found_before, found_after, after[:5])


def _by_side(triplets: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {side: triplets.filter(pl.col("split") == side) for side in ("train", "valid", "test")}
