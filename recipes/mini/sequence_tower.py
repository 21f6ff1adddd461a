"""The sequence tower of protrek-hm-mini, trained against the vectors of a text tower that stays as it is.

    python recipes/mini/sequence_tower.py CORPUS TEXT START -o OUTPUT

CORPUS is what `prepare.py` wrote, TEXT what `text_tower.py` did, START a model with a sequence tower to begin with. As
texts stand still, all captions are encoded once, and a step costs the sequence tower alone: each protein chooses among
all captions of the corpus, each of its captions among the proteins of the batch. A head of two layers is fitted first,
on the vectors of START. Checkpoints stand in a folder `sequence_checkpoints` beside OUTPUT; an interrupted run goes on.
"""

import argparse
import logging
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from sentence_transformers.base.modules import Dense, Normalize, Router
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize
from transformers import AutoTokenizer, BertModel

from protrek_hm.files import new_folder
from protrek_hm.model import ProTrek
from protrek_hm.model.packed import packed_forward
from protrek_hm.model.towers import make_tower, reader_of

EPOCHS, WHOLE_FROM = 8, 0.6  # from this share of the steps on, proteins are read as long as the model reads
SHORT, WHOLE = 256, 400  # residues
FROM_START = {SHORT: 0.25, WHOLE: 0.6}  # how often the part of a longer protein is its beginning
BATCH, CAPTIONS = 64, 4  # proteins of a step, captions of each
RATE, HEAD_RATE, WARMUP = 5e-4, 8e-4, 40
HEAD, HEAD_STEPS, HEAD_BATCH, HEAD_START_RATE = 768, 130, 256, 2e-3
DECAY, BETAS = 0.05, (0.9, 0.99)
FIRST_SCALE, LARGEST_SCALE = 20.0, 100.0
EVERY = 50  # steps between two checkpoints
SEED = 42
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """Proteins with their captions. captions: of each protein, the rows of `bank`, which are unit vectors."""

    sequences: list[str]
    amr: np.ndarray
    captions: list[Tensor]
    bank: Tensor

    def owned(self, proteins: list[int]) -> Tensor:
        """Return which captions are said of which of these proteins."""
        owned = torch.zeros(len(proteins), len(self.bank), dtype=torch.bool)
        for row, protein in enumerate(proteins):
            owned[row, self.captions[protein]] = True
        return owned


def main() -> None:
    """Read, encode the captions, train, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("corpus", "text", "start"):
        parser.add_argument(name, type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(SEED)
    start = ProTrek.from_pretrained(given.start, device="cpu")
    tower = with_new_head(start.routes["sequence"])
    model = ProTrek(
        modules=[
            Router({"text": text_modules(given.text), "sequence": list(tower.children())}, allow_empty_key=False),
            Normalize(),
        ],
        device="cpu",
    )
    corpus = read_corpus(given.corpus / "captions_train.tsv", model)
    scale = nn.Parameter(torch.tensor(math.log(FIRST_SCALE)))
    train(tower, scale, corpus, given.output.parent / "sequence_checkpoints")
    model.temperature, model.license = math.exp(-scale.item()), "apache-2.0"
    model.history = start.history
    pieces = len(reader_of(model.routes["text"]).tokenizer)
    model.record("text tower", encoder="sentence-transformers/all-MiniLM-L6-v2", pieces=pieces)
    model.record("train", objective="captions", epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE, seed=SEED)
    with new_folder(given.output, force=True) as folder:
        model.save_pretrained(str(folder))


def text_modules(folder: Path) -> list[nn.Module]:
    """Return the text tower: the mean of the encoder's tokens, nothing behind it."""
    encoder = BertModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=False)
    width = encoder.config.hidden_size
    return [make_tower(encoder, AutoTokenizer.from_pretrained(folder), dimension=width)[0], Pooling(width, "mean")]


def with_new_head(tower: nn.Module) -> nn.Sequential:
    """Return the tower of a model with a new head of two layers, into the space of the texts."""
    transformer, pooling = list(tower.children())[:2]
    hidden, space = transformer.config.hidden_size, 384
    layers = [Dense(hidden, HEAD, activation_function=nn.GELU()), Dense(HEAD, space, activation_function=nn.Identity())]
    return nn.Sequential(transformer, pooling, *layers)


def read_corpus(path: Path, model: ProTrek) -> Corpus:
    """Read the captions, and encode each once."""
    table = pl.read_csv(path, separator="\t", infer_schema_length=0, quote_char=None)
    texts = table["text"].unique().sort().to_list()
    place = {text: row for row, text in enumerate(texts)}
    log.info("encoding %s captions", f"{len(texts):,}")
    bank = torch.from_numpy(np.asarray(model.encode(texts, task="text")))
    said: dict[str, list[int]] = defaultdict(list)
    for protein, text in table.select("id", "text").rows():
        said[protein].append(place[text])
    proteins = table.unique("id", keep="first", maintain_order=True)
    captions = [torch.tensor(said[protein]) for protein in proteins["id"]]
    return Corpus(proteins["sequence"].to_list(), (proteins["source"] == "amr").to_numpy(), captions, bank)


def train(tower: nn.Sequential, scale: nn.Parameter, corpus: Corpus, folder: Path) -> None:
    """Train head, then tower; the rates fall as a cosine over all steps."""
    transformer = reader_of(tower)
    head = [*tower[2].parameters(), *tower[3].parameters()]
    body = list(transformer.parameters())
    groups = [
        {"params": [weight for weight in body if weight.ndim > 1], "weight_decay": DECAY, "peak": RATE},
        {"params": [weight for weight in body if weight.ndim < 2], "weight_decay": 0.0, "peak": RATE},
        {"params": head, "weight_decay": DECAY, "peak": HEAD_RATE},
        {"params": [scale], "weight_decay": 0.0, "peak": HEAD_RATE},
    ]
    optimizer = torch.optim.AdamW(groups, betas=BETAS)
    orders = [epoch_order(corpus, epoch) for epoch in range(EPOCHS)]
    batches = [order[at : at + BATCH].tolist() for order in orders for at in range(0, len(order) - BATCH + 1, BATCH)]
    first, saved = 0, folder / "state.pt"
    if saved.exists():
        state = torch.load(saved, weights_only=True)
        tower.load_state_dict(state["tower"])
        optimizer.load_state_dict(state["optimizer"])
        scale.data.copy_(state["scale"])
        first = state["step"]
    else:
        fit_head(tower, scale, corpus)
    tower.train()
    for step in range(first, len(batches)):
        done = step / len(batches)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * min(1, (step + 1) / WARMUP) * (0.02 + 0.49 * (1 + math.cos(math.pi * done)))
        rng = np.random.default_rng([SEED, step])
        limit = SHORT if done < WHOLE_FROM else WHOLE
        inputs = [read_part(transformer.tokenizer, corpus.sequences[each], limit, rng) for each in batches[step]]
        loss = contrast(forward(tower, inputs), batches[step], corpus, scale, rng)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % EVERY == 0:
            log.info("step %d of %d, loss %.3f", step + 1, len(batches), loss.item())
            folder.mkdir(parents=True, exist_ok=True)
            state = {"tower": tower.state_dict(), "optimizer": optimizer.state_dict(), "scale": scale.data}
            torch.save({**state, "step": step + 1}, folder / "state.new")
            (folder / "state.new").replace(saved)


def epoch_order(corpus: Corpus, epoch: int) -> np.ndarray:
    """Return the proteins of an epoch in an order by lot: all, but half of the AMR ones, which resemble each other."""
    rng = np.random.default_rng([SEED, 1, epoch])
    amr = rng.permutation(np.flatnonzero(corpus.amr))
    return rng.permutation(np.concatenate([np.flatnonzero(~corpus.amr), amr[: len(amr) // 2]]))


def read_part(tokenizer: Any, sequence: str, limit: int, rng: np.random.Generator) -> Tensor:
    """Return the tokens of a protein, or of a part of a longer one: its beginning, or one by lot."""
    room = len(sequence) - limit
    first = 0 if room <= 0 or rng.random() < FROM_START[limit] else int(rng.integers(0, room + 1))
    return torch.tensor(tokenizer(sequence[first : first + limit])["input_ids"])


def forward(tower: nn.Module, inputs: list[Tensor]) -> Tensor:
    """Return the unit vectors of inputs, which are faster computed with equal lengths side by side."""
    order = sorted(range(len(inputs)), key=lambda row: -len(inputs[row]))
    vectors = packed_forward(tower, [inputs[row] for row in order])
    return normalize(vectors[torch.tensor(order).argsort()], dim=1)


def contrast(
    vectors: Tensor, proteins: list[int], corpus: Corpus, scale: nn.Parameter, rng: np.random.Generator
) -> Tensor:
    """Return the loss: proteins among all captions, captions among the batch's proteins; what is true of both is none.

    No queue of former proteins: texts that stand still would push none of these away, and draw all towards their mean.
    """
    heat = scale.exp().clamp(max=LARGEST_SCALE)
    chosen = [corpus.captions[each] for each in proteins]
    chosen = [rows[torch.from_numpy(rng.permutation(len(rows))[:CAPTIONS])] for rows in chosen]
    owned = corpus.owned(proteins)
    cosines = heat * vectors @ corpus.bank.T
    others = torch.logsumexp(cosines.masked_fill(owned, -1e4), dim=1)
    of_protein = [
        (torch.logaddexp(cosines[row, rows], others[row]) - cosines[row, rows]).mean()
        for row, rows in enumerate(chosen)
    ]
    flat = torch.cat(chosen)
    right = torch.cat([torch.full((len(rows),), row) for row, rows in enumerate(chosen)])
    also = owned[:, flat].T.clone()
    also[torch.arange(len(flat)), right] = False
    of_caption = cross_entropy(cosines[:, flat].T.masked_fill(also, -1e4), right)
    return (torch.stack(of_protein).mean() + of_caption) / 2


def fit_head(tower: nn.Sequential, scale: nn.Parameter, corpus: Corpus) -> None:
    """Fit the head to every third protein as the tower sees it before it is trained, with a little noise."""
    some = list(range(0, len(corpus.sequences), 3))
    tokenizer = reader_of(tower).tokenizer
    with torch.no_grad():
        bare = nn.Sequential(*list(tower.children())[:2])
        inputs = [torch.tensor(tokenizer(corpus.sequences[each][:WHOLE])["input_ids"]) for each in some]
        states = torch.cat([packed_forward(bare, inputs[at : at + 8]) for at in range(0, len(inputs), 8)])
        middle, spread = states.mean(0), float(states.std(0).mean())
        first = tower[2].linear
        first.weight.mul_(0.6 / spread)
        first.bias.copy_(-(first.weight @ middle))
    head = nn.Sequential(tower[2].linear, nn.GELU(), tower[3].linear)
    optimizer = torch.optim.AdamW([*head.parameters(), scale], lr=HEAD_START_RATE, weight_decay=DECAY)
    for step in range(HEAD_STEPS):
        rng = np.random.default_rng([SEED, 2, step])
        for group in optimizer.param_groups:
            group["lr"] = HEAD_START_RATE * min(1, (step + 1) / 20) * (1 - 0.95 * step / HEAD_STEPS)
        rows = rng.choice(len(some), HEAD_BATCH, replace=False)
        noise = torch.from_numpy(rng.normal(0, 0.1 * spread, (HEAD_BATCH, states.shape[1]))).float()
        vectors = normalize(head(states[rows] + noise), dim=1)
        loss = contrast(vectors, [some[row] for row in rows], corpus, scale, rng)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    log.info("head: loss %.3f", loss.item())


if __name__ == "__main__":
    main()
