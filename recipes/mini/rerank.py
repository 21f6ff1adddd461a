"""Does late interaction over residues and words tell twins apart better than the cosine? An experiment.

    python recipes/mini/rerank.py CORPUS MODEL -o OUTPUT.json [--seeds 42 1 2] [--variants "one vector" "MaxSim, 64" …]

CORPUS is what `prepare.py` wrote, MODEL a folder or a shipped name. The towers stay as they are: tokens are encoded
once, and one small linear head a tower learns from twin triplets, and from random proteins of the same batch so that
easy pairs are not lost. A text and a protein then score `(1 - w) · cosine + w · late`; late is the mean over words of
the best residue's cosine, in [-1, 1]. Variant, epoch and w are chosen on validation rows alone, by the rule that
chooses a training's epoch; the test sets are read once, by what was chosen. A case's worth is its mean over the seeds.
The control, one vector, learns from the same rows with heads on the first token, which the cosine reads: what it gains
comes of learning more from twins, what MaxSim gains beyond it of late interaction. `docs/LOG.md` tells what came out.

MaxSim is sentence-transformers' own (`mean_maxsim`). Its MultiVectorEncoder is not used: it would run frozen towers
in every step, and its mask for special tokens knows one tokenizer where there are two here.
"""

import argparse
import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from jaxtyping import Float
from sentence_transformers.util.similarity import mean_maxsim
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, layer_norm, normalize

from protrek_hm.data import read_triplets
from protrek_hm.evaluate.embed import encode_pool
from protrek_hm.evaluate.exam import make_exam
from protrek_hm.evaluate.measures import MEASURES, SetName, case_values
from protrek_hm.evaluate.scores import Positions, Scorer, case_scores, cosine_scorer
from protrek_hm.evaluate.statistics import Estimate, mean_with_interval, paired_difference
from protrek_hm.evaluate.table import percent
from protrek_hm.files import write_json
from protrek_hm.model import ProTrek
from protrek_hm.model.encoder import Task
from protrek_hm.model.towers import reader_of
from protrek_hm.train.validation import selection_score

SEED = 42
ROWS = {"twins": 12, "easy": 6}  # of a step
RATE = 5e-3
LONGEST = 48  # tokens of a text that training reads
WEIGHTS = np.linspace(0, 1, 21)
TOLERANCE = 0.003  # what may be lost of the easy accuracy
CHUNK = 4_000_000  # numbers that MaxSim holds at once: a cache's worth, and little padding
CANDIDATES = 50
TESTS = {
    "unseen alleles": ("test_proteins", "easy_test_proteins"),
    "an unseen allele among known ones": ("test_among_known", "easy_test_proteins"),
    "unseen families": ("test_components", "easy_test"),
}
VALIDATION = ("hard_valid", ["easy_valid", "easy_valid_proteins"])
TASKS: tuple[Task, Task] = ("text", "sequence")
SIDES = tuple(enumerate(TASKS))


@dataclass(frozen=True)
class Variant:
    """What is compared: which layer's tokens (-1: the last), how residues are pooled, how wide a token becomes.

    scale: 1 ÷ the temperature that training begins with.
    """

    layer: int = -1
    pooling: str = "max"
    width: int = 64
    scale: float = 20.0


CONTROL = "one vector"
VARIANTS = {
    CONTROL: Variant(pooling="first"),  # the same heads and rows without any late interaction
    "MaxSim, 64": Variant(),
    "MaxSim, 128": Variant(width=128),
    "MaxSim, sharper": Variant(scale=100.0),  # twins' texts differ in a word of twenty, and so little in the mean
    "MaxSim, layer below": Variant(layer=-2, scale=100.0),  # of the last layer, training moved the first token alone
    "softmax": Variant(pooling="soft", scale=100.0),
}

Tokens = Mapping[str, Float[Tensor, "layers tokens hidden"]]
Late = Mapping[SetName, Float[np.ndarray, "_cases 2 2"]]


class Heads(nn.Module):
    """A linear map for words and one for residues, and the temperatures that they learn with."""

    def __init__(self, hidden: tuple[int, int], variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.maps = nn.ModuleList(nn.Linear(each, variant.width, bias=False) for each in hidden)
        self.log_scale = nn.Parameter(torch.tensor(variant.scale).log())
        self.log_sharpness = nn.Parameter(torch.tensor(20.0).log())

    def forward(self, side: int, tokens: Sequence[Tensor]) -> list[Tensor]:
        """Return unit vectors of each input's tokens. side: 0 for texts, 1 for proteins."""
        wanted = slice(0, 1) if self.variant.pooling == "first" else slice(1, -1)  # without start and end token
        chosen = [each[self.variant.layer, wanted].float() for each in tokens]
        vectors = self.maps[side](layer_norm(torch.cat(chosen), chosen[0].shape[-1:]))
        return list(torch.split(normalize(vectors, dim=-1), [len(each) for each in chosen]))

    def late(self, words: list[Tensor], residues: list[Tensor]) -> Float[Tensor, "texts proteins"]:
        """Return the late score of each text with each protein, in [-1, 1]."""
        if self.variant.pooling != "soft":
            return mean_maxsim(words, residues, chunk_elements=CHUNK)
        row, sizes = torch.cat(words), [len(each) for each in words]
        pooled = torch.stack([_soft(row @ each.T, self.log_sharpness.exp()) for each in residues], dim=1)
        return torch.stack([each.mean(0) for each in torch.split(pooled, sizes)])


def _soft(cosines: Float[Tensor, "words residues"], sharpness: Tensor) -> Float[Tensor, " words"]:
    """Return the mean of the cosines, weighted by their own softmax: a maximum that several residues share."""
    return ((cosines * sharpness).softmax(1) * cosines).sum(1)


@dataclass(frozen=True)
class Rows:
    """Training rows, each (text, protein, twin's text, twin), and the component of each text and protein.

    An easy row is its own twin: all that it is held against are the batch's other rows.
    """

    twins: list[tuple[str, str, str, str]]
    easy: list[tuple[str, str, str, str]]
    component: Mapping[str, int]


class Asked:
    """An exam, the cosines of its cases, and the tokens from which heads make late scores."""

    def __init__(self, model: ProTrek, hard: pl.DataFrame, easy: pl.DataFrame) -> None:
        self.exam = make_exam(hard, easy)
        pool = self.exam.pool
        self.cosines = self._scores(cosine_scorer(encode_pool(model, pool, name="the model")))
        self.tokens = [list(encode_tokens(model, task, pool.of(task)).values()) for task in TASKS]

    def late(self, heads: Heads) -> dict[SetName, Float[np.ndarray, "_cases 2 2"]]:
        """Return the late scores of each case."""
        with torch.inference_mode():
            words, residues = (heads(side, tokens) for side, tokens in enumerate(self.tokens))

            def score(texts: Positions, sequences: Positions) -> Float[np.ndarray, " pairs"]:
                found = np.empty(len(texts))
                for protein in np.unique(sequences):
                    at = np.flatnonzero(sequences == protein)
                    distinct, place = np.unique(texts[at], return_inverse=True)
                    column = heads.late([words[text] for text in distinct], [residues[protein]])[:, 0]
                    found[at] = column.numpy()[place]
                return found

            return self._scores(score)

    def _scores(self, scorer: Scorer) -> dict[SetName, Float[np.ndarray, "_cases 2 2"]]:
        return {name: case_scores(each.cases, scorer) for name, each in self.exam.sets.items()}

    def values(self, late: Late, weight: float) -> dict[str, Float[np.ndarray, " cases"]]:
        """Return what each case is worth by each measure when the late score has this weight."""
        mixed = {name: (1 - weight) * self.cosines[name] + weight * late[name] for name in late}
        return {each.key: case_values(each, self.exam.sets[each.on].cases, mixed[each.on]) for each in MEASURES}


@dataclass(frozen=True)
class Choice:
    """Heads as an epoch left them, the weight of the late score, and how good both are on validation."""

    heads: Heads
    epoch: int
    weight: float
    score: float


def main() -> None:
    """Train every variant, choose on validation, test what was chosen, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("model")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 1, 2])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--steps", type=int, default=60, help="of an epoch")
    parser.add_argument("--easy", type=int, default=400, help="random training proteins beside those of twins")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    given = parser.parse_args()
    model = ProTrek.from_pretrained(given.model, device="cpu").eval()
    valid = Asked(model, *read_rows(given.corpus, *VALIDATION))
    rows = training_rows(given.corpus, easy=given.easy)
    every = [*rows.twins, *rows.easy]
    tokens = [encode_tokens(model, task, [row[i] for row in every for i in (side, side + 2)]) for side, task in SIDES]
    facts: dict[str, dict[str, Any]] = {}
    choices = {}
    for name in given.variants:
        length = {"epochs": given.epochs, "steps": given.steps}
        runs = [choose(learn(rows, tokens, VARIANTS[name], seed=seed, **length), valid) for seed in given.seeds]
        choices[name] = runs
        chosen = [{"epoch": run.epoch, "weight": run.weight} for run in runs]
        estimates, price = compared(valid, runs), cost(model, runs[0].heads, valid)
        facts[name] = {"chosen": chosen, "valid": as_dicts(estimates), "cost": price}
        print(f"{name}: {chosen} {price}\n{shown(estimates)}", flush=True)  # noqa: T201
    late = [name for name in choices if name != CONTROL]
    best = max(late, key=lambda name: np.mean([run.score for run in choices[name]])) if late else CONTROL
    for title, (hard, easy) in TESTS.items():
        asked = Asked(model, *read_rows(given.corpus, hard, [easy]))
        for name in sorted({best, CONTROL} & choices.keys()):
            estimates = compared(asked, choices[name])
            facts[name][f"test, {title}"] = as_dicts(estimates)
            print(f"{title}, {name}\n{shown(estimates)}", flush=True)  # noqa: T201
    write_json(given.output, {"format_version": 1, "seeds": given.seeds, "best": best, "variants": facts})


def read_rows(corpus: Path, hard: str, easy: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read hard rows, and easy ones of several tables, whose numbers of components mean different things."""
    tables = [read_triplets(corpus / f"{name}.csv") for name in easy]
    apart = [table.with_columns(pl.col("component") + number * 1_000_000) for number, table in enumerate(tables)]
    return read_triplets(corpus / f"{hard}.csv"), pl.concat(apart, how="diagonal_relaxed")


def training_rows(corpus: Path, *, easy: int) -> Rows:
    """Read the twins, and `easy` random training proteins."""
    names = ("anchor_text", "anchor_seq", "hard_neg_text", "hard_neg_seq")
    hard, every = (read_triplets(corpus / f"{kind}_train.csv") for kind in ("hard", "easy"))
    some = every.unique("anchor_seq", maintain_order=True).sample(easy, seed=SEED, shuffle=True)
    pool = pl.read_csv(corpus / "pool.tsv", separator="\t", infer_schema_length=0, quote_char=None)
    component = dict(zip(pool["sequence"], pool["component"].cast(pl.Int64), strict=True))
    for table in (hard, some):
        component |= {text: component[seq] for text, seq in table.select(names[:2]).rows()}
        component |= {text: component[seq] for text, seq in table.select(names[2:]).rows()}
    return Rows(
        hard.select(names).rows(),
        some.select(*names[:2], *(pl.col(n).alias(f"own_{n}") for n in names[:2])).rows(),
        component,
    )


def encode_tokens(model: ProTrek, task: Task, inputs: Sequence[str]) -> dict[str, Tensor]:
    """Return what the last two layers say of each token of each distinct input, in half precision."""
    distinct = dict.fromkeys(inputs)
    found: dict[str, Tensor] = {}
    reader = reader_of(model.routes[task])
    order = sorted(distinct, key=len)
    with torch.inference_mode():
        for start in range(0, len(order), 16):
            batch = order[start : start + 16]
            features = reader.preprocess(batch)
            options = {"input_ids": features["input_ids"], "attention_mask": features["attention_mask"]}
            layers = torch.stack(reader.model(**options, output_hidden_states=True).hidden_states[-2:], dim=1).half()
            for each, states, real in zip(batch, layers, features["attention_mask"], strict=True):
                found[each] = states[:, real.bool()].clone()
    return {each: found[each] for each in distinct}


def learn(
    rows: Rows, tokens: Sequence[Tokens], variant: Variant, *, epochs: int, steps: int, seed: int
) -> Iterator[Heads]:
    """Train heads, and show them after every epoch."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    hidden = [next(iter(each.values())).shape[-1] for each in tokens]
    heads = Heads((hidden[0], hidden[1]), variant)
    optimizer = torch.optim.AdamW(heads.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
    for _ in range(epochs):
        for _ in range(steps):
            drawn = ((rows.twins, ROWS["twins"]), (rows.easy, ROWS["easy"]))
            batch = [kind[i] for kind, many in drawn for i in rng.choice(len(kind), many, replace=False)]
            loss = batch_loss(heads, batch, tokens, rows.component)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        yield copy.deepcopy(heads)


def batch_loss(
    heads: Heads, batch: Sequence[tuple[str, str, str, str]], tokens: Sequence[Tokens], component: Mapping[str, int]
) -> Tensor:
    """Return InfoNCE both ways: own one against the twin and against what is of another component."""
    inputs = [sorted({row[i] for row in batch for i in (side, side + 2)}, key=lambda x: (len(x), x)) for side in (0, 1)]
    vectors = [
        heads(side, [tokens[side][each][:, : LONGEST if side == 0 else None] for each in inputs[side]])
        for side in (0, 1)
    ]
    logits = heads.late(*vectors) * heads.log_scale.exp()
    number = [{each: i for i, each in enumerate(some)} for some in inputs]
    text, protein, twin_text, twin = (torch.tensor([number[i % 2][row[i]] for row in batch]) for i in range(4))
    texts, proteins = (torch.tensor([component[each] for each in some]) for some in inputs)
    apart, line = texts[:, None] != proteins, torch.arange(len(batch))
    loss = torch.zeros(())
    for scores, free, own, other, row in (
        (logits, apart, protein, twin, text),
        (logits.T, apart.T, text, twin_text, protein),
    ):
        counts = free[row].clone()
        counts[line, own] = counts[line, other] = True
        loss = loss + cross_entropy(scores[row].masked_fill(~counts, -torch.inf), own) / 2
    return loss


def choose(epochs: Iterator[Heads], valid: Asked) -> Choice:
    """Return the epoch and the weight that the rule for epochs of a training prefers; of equals, the first."""
    best: Choice | None = None
    base = accuracies(valid.values(valid.cosines, 0.0))
    for epoch, heads in enumerate(epochs, start=1):
        late = valid.late(heads)
        for weight in WEIGHTS.tolist():
            got = accuracies(valid.values(late, weight))
            score = selection_score(**got, base_easy=base["easy"], tolerance=TOLERANCE, loss=0.0)
            if best is None or score > best.score:
                best = Choice(heads, epoch, weight, score)
    assert best is not None, "a training has epochs"
    return best


def accuracies(values: Mapping[str, Float[np.ndarray, " cases"]]) -> dict[str, float]:
    """Return hard and easy accuracy, the mean of both ways."""
    ways = ("text_to_protein", "protein_to_text")
    return {kind: float(np.mean([np.nanmean(values[f"{kind}_{way}"]) for way in ways])) for kind in ("hard", "easy")}


def compared(asked: Asked, runs: Sequence[Choice]) -> dict[str, dict[str, Estimate | None]]:
    """Return each measure of the cosine alone, of the mixed score (mean over runs), and their paired difference.

    Its interval is by bootstrap over components, as everywhere, and once more over the anchors' proteins: the twins
    stand in two components, which say little of each other.
    """
    before = asked.values(asked.cosines, 0.0)
    each_run = [asked.values(asked.late(run.heads), run.weight) for run in runs]
    alone = [asked.values(asked.late(run.heads), 1.0) for run in runs]
    names = ("cosine", "mixed", "late alone", "mixed - cosine", "mixed - cosine, proteins")
    rows: dict[str, dict[str, Estimate | None]] = {name: {} for name in names}
    for measure in MEASURES:
        groups, key = asked.exam.sets[measure.on].groups.of_case, measure.key
        mixed, late = (np.mean([values[key] for values in some], axis=0) for some in (each_run, alone))
        for name, values in (("cosine", before[key]), ("mixed", mixed), ("late alone", late)):
            rows[name][key] = mean_with_interval(values, groups, seed=SEED)
        proteins = asked.exam.sets[measure.on].cases.positive
        rows["mixed - cosine"][key] = paired_difference(before[key], mixed, groups, seed=SEED)
        rows["mixed - cosine, proteins"][key] = paired_difference(before[key], mixed, proteins, seed=SEED)
    return rows


def cost(model: ProTrek, heads: Heads, valid: Asked) -> dict[str, float]:
    """Return what a rerank of `CANDIDATES` proteins takes: to encode them anew, to score them, or to keep tokens."""
    proteins = [*valid.exam.pool.sequences[:CANDIDATES]]
    start = time.process_time()
    tokens = list(encode_tokens(model, "sequence", proteins).values())
    encoded = time.process_time()
    with torch.inference_mode():
        residues = heads(1, tokens)
        words = heads(0, valid.tokens[0][:1])
        mapped = time.process_time()
        heads.late(words, residues)
    done = time.process_time()
    kept = float(np.mean([2 * each.numel() for each in residues]))
    return {
        "proteins": len(proteins), "encode_ms": 1e3 * (encoded - start), "heads_ms": 1e3 * (mapped - encoded),
        "score_ms": 1e3 * (done - mapped), "bytes_a_protein_half": kept,
    }  # fmt: skip


def shown(rows: Mapping[str, Mapping[str, Estimate | None]]) -> str:
    """Write rows of estimates as a table."""
    lines = [f"| | {' | '.join(each.key for each in MEASURES)} |", f"|{'---|' * (len(MEASURES) + 1)}"]
    for name, row in rows.items():
        sign = "+" if "-" in name else ""
        cells = ["" if (e := row[m.key]) is None else percent(e, sign=sign, between=" ") for m in MEASURES]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    counts = {m.key: (e.n, e.groups) for m in MEASURES if (e := rows["cosine"][m.key]) is not None}
    return "\n".join([*lines, f"(cases, groups): {counts}"])


def as_dicts(rows: Mapping[str, Mapping[str, Estimate | None]]) -> dict[str, dict[str, object]]:
    """Return estimates as JSON takes them."""
    return {name: {key: e and e.as_dict() for key, e in row.items()} for name, row in rows.items()}


if __name__ == "__main__":
    main()
