"""The whole way once on embedded data: twins mined, a model fine-tuned, measured before and after, searched.

The base is trained as ProTrek was, with the rest of the batch as negatives, on families whose texts name no more than
fold and family: it learns to tell proteins apart, and puts twins on one spot. Then twins are mined among other
families, whose texts name their function, and the base is fine-tuned on them. Families unseen by both are the judges.
"""

from collections.abc import Callable, Mapping, Sequence
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
# Encoded as the reference does: its figures, to the last bit
PRETRAIN = TrainConfig(
    objective="contrastive", false_negatives="keep", encoding="columns", epochs=2, learning_rate=1e-3, batch_size=32
)
MINE = MineConfig(negatives_per_anchor=2, easy=2000)
AMONG = 10
TUNE = TrainConfig(objective="triplet", epochs=7, learning_rate=1e-3, batch_size=32, encoding="columns")


@dataclass(frozen=True)
class ExampleSearch:
    """One query, how many of the proteins that do just this stand among the first `AMONG` before and after, and hits.

    `hits` are the tuned model's.
    """

    query: str
    answers: int
    found_before: int
    found_after: int
    hits: Sequence[Hit]


@dataclass(frozen=True)
class Demo:
    """What the demo measured and found."""

    evaluation: Evaluation
    searches: Sequence[ExampleSearch]


def run_demo(folder: Path, *, seed: int = 42, say: Callable[[str], None] = lambda _line: None) -> Demo:
    """Go the whole way below `folder`, which must not exist; `say` hears of every stage."""
    made = synthetic_families(replace(PROTEINS, seed=seed)).proteins
    known, studied = made.filter(pl.col("ec").is_null()), made.filter(pl.col("ec").is_not_null())
    write_proteins(studied, folder / "proteins.tsv")

    say(f"1/6 base: {known.height} proteins with vague texts, in-batch negatives")
    base = ProTrek.build(replace(MODEL, seed=seed), texts=made["text"], device="cpu")
    pairs = known.select(anchor_text="text", anchor_seq="sequence")
    fine_tune(base, pairs, replace(PRETRAIN, seed=seed), folder / "base")

    say(f"2/6 twins: mining {studied.height} proteins of other families")
    settings = replace(MINE, seed=seed)
    mined = mine_hard_negatives(studied, settings)
    write_mining(mined, folder / "mined", settings)
    hard, easy = _by_side(mined.triplets), _by_side(mined.easy)

    say(f"3/6 tuning on {hard['train'].height} hard and {easy['train'].height} easy triplets")
    tuned = ProTrek.from_pretrained(folder / "base" / "model", device="cpu")
    columns = ["anchor_text", "anchor_seq", "hard_neg_seq"]
    train, valid = (pl.concat([hard[side].select(columns), easy[side].select(columns)]) for side in ("train", "valid"))
    fine_tune(tuned, train, replace(TUNE, seed=seed), folder / "tuned", valid=valid)

    say(f"4/6 measuring on {hard['test'].height} hard and {easy['test'].height} easy triplets of unseen families")
    models = {"base": base, "tuned": tuned}
    evaluation = evaluate(models, hard["test"], easy["test"], train=hard["train"])
    write_evaluation(evaluation, folder / "evaluation")

    say("5/6 searching the unseen families")
    unseen = studied.filter(pl.col("id").is_in(hard["test"]["anchor_id"].to_list()))
    searchers = {}
    for name, model in models.items():
        index = folder / f"index-{name}"
        build_index(unseen, model, index, model_name=str(folder / name / "model"))
        searchers[name] = Searcher.open(index, model=model)
    functions = unseen.group_by("fold", "substrate", "regulator").len().sort(["len", "fold", "substrate", "regulator"])
    searches = [_search(searchers, function, unseen) for function in functions.tail(2).to_dicts()]

    say("6/6 twins among real proteins: the showcase")
    real = MineConfig(easy=0)
    write_mining(mine_hard_negatives(load_showcase(), real), folder / "showcase", real)
    return Demo(evaluation, searches)


def _search(searchers: Mapping[str, Searcher], function: dict[str, str], proteins: pl.DataFrame) -> ExampleSearch:
    query = "A {fold} that acts on {substrate} and needs {regulator}".format(**function)
    answers = set(proteins.join(pl.DataFrame(function), on=["fold", "substrate", "regulator"], how="semi")["id"])
    hits = {name: searcher.search(query, k=AMONG)[0] for name, searcher in searchers.items()}
    found = {name: sum(hit.id in answers for hit in ranked) for name, ranked in hits.items()}
    return ExampleSearch(query, len(answers), found["base"], found["tuned"], hits["tuned"][:5])


def _by_side(triplets: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {side: triplets.filter(pl.col("split") == side) for side in ("train", "valid", "test")}
