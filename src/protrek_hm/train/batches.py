"""What a step reads: which rows, their distinct inputs as tokens, and where in these each row's own stand."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from protrek_hm.config import Modality
from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.model.inputs import reader_of, window
from protrek_hm.model.protrek import ProTrek
from protrek_hm.train.config import TrainConfig
from protrek_hm.train.examples import ABSENT, ROLES, Examples


def family_blocks(triplets: pl.DataFrame, *, rows: int, proteins: int = 12, most: int = 32, seed: int) -> pl.DataFrame:
    """Draw triplets family by family: those among a protein and some of its twins stand together.

    Train on the result with `TrainConfig(block=most)`: of 32 rows drawn anywhere up to 64 proteins are encoded, of 32
    rows among 12 twins 12, and each text is told from several twins at once.

    Parameters
    ----------
    triplets
        A table as `mine` gives it; a pair may stand in it in both directions.
    rows
        How many rows to draw, at least 1; a row may come more than once.
    proteins, most
        Of a group: so many proteins at most, at least 2, and so many rows.
    seed
        Of all draws.

    Examples
    --------
    >>> pairs = [(a, b) for family in ("ABC", "XYZ") for a in family for b in family if a != b]
    >>> table = pl.DataFrame(pairs, schema=["anchor_seq", "hard_neg_seq"], orient="row")
    >>> drawn = family_blocks(table, rows=12, proteins=3, most=6, seed=0)
    >>> [sorted(set(drawn["anchor_seq"][start:start + 6])) for start in (0, 6)]
    [['X', 'Y', 'Z'], ['A', 'B', 'C']]
    """
    both = pl.concat([triplets["anchor_seq"], triplets["hard_neg_seq"]]).rank("dense").cast(pl.Int64).to_numpy() - 1
    anchor, twin = both[: triplets.height], both[triplets.height :]
    of_anchor = [np.flatnonzero(anchor == protein) for protein in range(both.max() + 1)]
    starts = [protein for protein, own in enumerate(of_anchor) if len(own)]
    rng = np.random.default_rng(seed)
    drawn: list[int] = []
    while len(drawn) < rows:
        for start in rng.permutation(starts):
            twins = np.unique(twin[of_anchor[start]])
            group = {start, *rng.permutation(twins)[: proteins - 1].tolist()}
            inside = [row for protein in sorted(group) for row in of_anchor[protein] if twin[row] in group]
            drawn += rng.permutation(inside)[:most].tolist()
            if len(drawn) >= rows:
                break
    return triplets[drawn[:rows]]


Features = dict[str, Tensor]
_CROPPED = ("sequence", "structure")  # a letter a token, so that any part of them can be read
_MASKS = 1  # what a generator is for, beside the crops
SHARE, HIDDEN, CHANGED = 0.15, 0.8, 0.1
"""Share of the residues that are asked for; of those, shares shown as <mask>, and as another residue (ESM, BERT)."""
IGNORED = -100


class Batches:
    """The rows of each step of an epoch, in an order that `seed` and the epoch fix.

    Blocks of `block` consecutive rows stay together. Fewer than `least` rows that are left over join the last batch.
    With several processes each takes its share of every batch, so that together they do what one would do.

    >>> [rows for rows in Batches(5, 2, seed=1)], [rows for rows in Batches(5, 4, seed=1, rank=1, processes=2)]
    ([[0, 4], [2, 3], [1]], [[2, 3], [1]])
    >>> [rows for rows in Batches(5, 2, seed=1, least=2)]
    [[0, 4], [2, 3, 1]]
    """

    def __init__(
        self,
        rows: int,
        batch_size: int,
        *,
        seed: int,
        block: int = 1,
        least: int = 1,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.rows, self.batch_size, self.seed, self.block, self.least = rows, batch_size, seed, block, least
        self.rank, self.processes = rank, processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next, counted from 0."""
        self.epoch = epoch

    def __len__(self) -> int:
        whole, rest = divmod(self.rows, self.batch_size)
        return max(1, whole + (rest >= self.least))

    @property
    def short_every(self) -> int | None:
        """The number of steps of an epoch, if its last one has fewer rows than the others; None otherwise.

        >>> Batches(5, 2, seed=1).short_every, Batches(4, 2, seed=1).short_every
        (3, None)
        """
        return len(self) if len(self) > 1 and len(self) * self.batch_size > self.rows else None

    def __iter__(self) -> Iterator[list[int]]:
        lots = torch.Generator().manual_seed(self.seed + self.epoch)
        blocks = torch.randperm(-(-self.rows // self.block), generator=lots).tolist()
        starts = (block * self.block for block in blocks)
        order = [row for start in starts for row in range(start, min(start + self.block, self.rows))]
        edges = [*range(0, len(self) * self.batch_size, self.batch_size), self.rows]
        for start, end in pairwise(edges):
            batch = order[start:end]
            cuts = [len(batch) * part // self.processes for part in (self.rank, self.rank + 1)]
            yield batch[slice(*cuts)]


class Collator:
    """Turns row numbers into tokens.

    A batch has `rows`, their numbers; `inputs`, for each route the tokens of one or more groups of inputs; and
    `index`, for each role where among its route's inputs each row's input stands (`ABSENT` for none).
    """

    def __init__(self, model: ProTrek, examples: Examples, config: TrainConfig, batches: Batches) -> None:
        self.model, self.examples, self.config, self.batches = model, examples, config, batches
        longest = np.inf if config.residues is None else config.residues
        self.windows = {task: int(min(window(model, task), longest)) for task in _CROPPED if task in examples.inputs}

    def __call__(self, rows: Sequence[int]) -> dict[str, Any]:
        """Return the batch of these rows."""
        chosen = np.array(rows, dtype=np.int64)
        groups, index = (self._distinct if self.config.encoding == "distinct" else self._columns)(chosen)
        guessed = groups.get("sequence") if self.config.masking else None
        if self.config.objective == "masked":  # no vector is asked for
            groups, index = {}, {}
        batch: dict[str, Any] = {
            "rows": torch.from_numpy(chosen),
            "inputs": {task: [self._tokens(task, each) for each in given] for task, given in groups.items()},
            "index": {role: torch.from_numpy(place) for role, place in index.items()},
        }
        if guessed is not None:
            batch["guessed"] = torch.from_numpy(np.unique(np.concatenate([np.empty(0, dtype=np.int64), *guessed])))
        if guessed:
            tokenizer = reader_of(self.model.routes["sequence"]).tokenizer
            numbers = batch["guessed"].numpy()
            rngs = [self._rng(int(number), _MASKS) for number in numbers]
            batch["masked"] = mask_tokens(self._tokens("sequence", numbers), tokenizer, rngs=rngs)
        return batch

    def _distinct(self, rows: np.ndarray) -> tuple[dict[Modality, list[np.ndarray]], dict[str, np.ndarray]]:
        groups: dict[Modality, list[np.ndarray]] = {}
        index: dict[str, np.ndarray] = {}
        for task in self.examples.inputs:
            held = {role: numbers[rows] for role, numbers in self.examples.roles.items() if ROLES[role][0] == task}
            all_numbers = np.unique(np.concatenate(list(held.values())))
            distinct = all_numbers[all_numbers != ABSENT]
            groups[task] = [distinct] if len(distinct) else []
            index |= {
                role: np.where(numbers == ABSENT, ABSENT, np.searchsorted(distinct, numbers))
                for role, numbers in held.items()
            }
        return groups, index

    def _columns(self, rows: np.ndarray) -> tuple[dict[Modality, list[np.ndarray]], dict[str, np.ndarray]]:
        groups: dict[Modality, list[np.ndarray]] = {task: [] for task in self.examples.inputs}
        index = {}
        for role, numbers in self.examples.roles.items():
            mine = groups[ROLES[role][0]]
            there = numbers[rows] != ABSENT
            place = sum(map(len, mine)) + np.cumsum(there) - 1
            index[role] = np.where(there, place, ABSENT)
            if there.any():
                mine.append(numbers[rows][there])
        return groups, index

    def _tokens(self, task: Modality, numbers: np.ndarray) -> Features:
        inputs = [self._cropped(task, int(number)) for number in numbers]
        features = self.model.preprocess(inputs, task=task)
        return {name: value for name, value in features.items() if isinstance(value, Tensor)}

    def _cropped(self, task: Modality, number: int) -> str:
        whole = self.examples.inputs[task][number]
        spare = len(whole) - self.windows.get(task, len(whole))
        if spare <= 0:
            return whole
        start = 0 if self.config.crop == "start" else int(self._rng(number).integers(spare + 1))
        return whole[start : len(whole) - spare + start]

    def _rng(self, number: int, *purpose: int) -> np.random.Generator:
        """Return a generator that depends on the seed, the epoch and these numbers, and on nothing drawn before."""
        return np.random.default_rng([self.config.seed, self.batches.epoch, number, *purpose])


class Loader(DataLoader[int]):
    """A loader of batches that passes on which epoch comes next."""

    def __init__(self, batches: Batches, collator: Collator) -> None:
        super().__init__(range(batches.rows), batch_sampler=batches, collate_fn=collator)  # type: ignore[arg-type]
        self.batches = batches

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next, counted from 0."""
        self.batches.set_epoch(epoch)


def mask_tokens(
    features: dict[str, Tensor], tokenizer: Any, *, rngs: Sequence[np.random.Generator]
) -> dict[str, Tensor]:
    """Hide residues of padded sequences, and add `labels`: what stood there, `IGNORED` where nothing is asked.

    features: input_ids and attention_mask. rngs: of each sequence, so that its masks depend on no other. Start and end
    tokens are never asked for; every sequence is asked for one residue at least.

    >>> from protrek_hm.model.tokenizers import residue_tokenizer
    >>> tokens = residue_tokenizer(9)("MK", return_tensors="pt")
    >>> masked = mask_tokens(tokens, residue_tokenizer(9), rngs=[np.random.default_rng(0)])
    >>> masked["input_ids"].tolist(), masked["labels"].tolist()
    ([[0, 20, 32, 2]], [[-100, -100, 15, -100]])
    """
    tokens = features["input_ids"]
    lots = np.zeros((3, *tokens.shape))  # for each token: whether it is asked for, its fate, another residue
    for row, (rng, length) in enumerate(zip(rngs, features["attention_mask"].sum(1).tolist(), strict=True)):
        lots[:, row, :length] = rng.random((3, length))
    draw, fate, other = torch.from_numpy(lots)
    special = torch.isin(tokens, torch.tensor(tokenizer.all_special_ids))
    draw = draw.masked_fill(special, 2.0)
    asked = (draw < SHARE) | (draw == draw.min(dim=1, keepdim=True).values)
    asked &= ~special
    letters = torch.tensor(tokenizer.convert_tokens_to_ids(list(AMINO_ACIDS)))
    shown = torch.where(asked & (fate < HIDDEN), tokenizer.mask_token_id, tokens)
    shown = torch.where(asked & (fate >= 1 - CHANGED), letters[(other * len(letters)).long()], shown)
    return {**features, "input_ids": shown, "labels": tokens.masked_fill(~asked, IGNORED)}
