"""Rows in order, shares of processes, distinct inputs, crops."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import BatchSampler, RandomSampler

from protrek_hm.train import TrainConfig
from protrek_hm.train.batches import IGNORED, Batches, Collator, family_blocks
from protrek_hm.train.examples import ABSENT, ROLES, read_examples

TRIPLET = ["text", "positive", "negative"]


@given(st.integers(1, 50), st.integers(1, 20), st.integers(1, 5), st.integers(0, 3))
def test_processes_share_what_one_would_do(rows, size, processes, epoch):
    def batches(**share):
        made = Batches(rows, size, seed=3, **share)
        made.set_epoch(epoch)
        assert len(list(made)) == len(made)
        return list(made)

    alone = batches()
    shares = [batches(rank=rank, processes=processes) for rank in range(processes)]
    assert [sum(parts, []) for parts in zip(*shares, strict=True)] == alone
    assert sorted(sum(alone, [])) == list(range(rows))
    assert {len(batch) for batch in alone[:-1]} <= {size}


@given(st.integers(1, 50), st.integers(2, 20), st.integers(1, 3))
def test_no_row_is_left_alone_where_rows_are_negatives(rows, size, processes):
    shares = [list(Batches(rows, size, seed=3, least=2, rank=rank, processes=processes)) for rank in range(processes)]
    batches = [sum(parts, []) for parts in zip(*shares, strict=True)]
    plain = list(Batches(rows, size, seed=3))
    if len(plain[-1]) > 1 or len(plain) == 1:
        assert batches == plain
    else:
        assert batches == [*plain[:-2], plain[-2] + plain[-1]]
    assert len(batches) == len(Batches(rows, size, seed=3, least=2))


def test_the_order_is_that_of_the_stock_sampler():
    import torch

    batches = Batches(10, 4, seed=5)
    batches.set_epoch(2)
    generator = torch.Generator().manual_seed(5 + 2)
    assert list(batches) == list(BatchSampler(RandomSampler(range(10), generator=generator), 4, drop_last=False))


def test_blocks_stay_together():
    batches = Batches(11, 4, seed=1, block=4)
    first = list(batches)
    batches.set_epoch(1)
    blocks = {(0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10)}
    assert sorted(sum(first, [])) == list(range(11))
    in_order = sum(first, [])
    assert all(any(tuple(in_order[i : i + len(block)]) == block for i in range(11)) for block in blocks)
    assert in_order != sum(batches, [])


@pytest.mark.parametrize("encoding", ["distinct", "columns"])
def test_each_row_finds_its_tokens(base, triplets, encoding):
    examples = read_examples(triplets, TRIPLET, name="table")
    collate = Collator(base, examples, TrainConfig(encoding=encoding), Batches(18, 18, seed=0))
    rows = [0, 7, 3, 3]
    batch = collate(rows)
    assert batch["rows"].tolist() == rows
    for role in TRIPLET:
        task, column = ROLES[role]
        tokenizer = base.routes[task][0].tokenizer
        tokens = [
            row[row != tokenizer.pad_token_id].tolist() for group in batch["inputs"][task] for row in group["input_ids"]
        ]
        wanted = [tokenizer(triplets[column][row])["input_ids"] for row in rows]
        assert [tokens[place] for place in batch["index"][role].tolist()] == wanted
    if encoding == "distinct":
        (group,) = batch["inputs"]["sequence"]
        assert len(group["input_ids"]) == len(
            {triplets[name][row] for name in ("anchor_seq", "hard_neg_seq") for row in rows}
        )


def test_nothing_and_absent_inputs(base):
    proteins = pl.DataFrame({"sequence": ["MK", "ML"], "text": [None, "Binds."]})
    examples = read_examples(proteins, ["positive"], name="table", optional=["text"])
    for encoding in ("distinct", "columns"):
        collate = Collator(base, examples, TrainConfig(encoding=encoding), Batches(2, 2, seed=0))
        assert collate([])["inputs"] == {"sequence": [], "text": []}
        assert collate([0])["index"]["text"].tolist() == [ABSENT]
        assert collate([0, 1])["index"]["text"].tolist() == [ABSENT, 0]


def test_long_proteins_are_read_in_other_parts_each_epoch(base):
    long = "".join(np.random.default_rng(0).choice(list("ACDEFGHIKLMNPQRSTVWY"), 300))
    examples = read_examples(pl.DataFrame({"sequence": [long], "text": ["a"]}), ["text", "positive"], name="table")
    tokenizer = base.routes["sequence"][0].tokenizer

    def read(crop, epoch, seed=0, residues=None):
        batches = Batches(1, 1, seed=seed)
        batches.set_epoch(epoch)
        collate = Collator(base, examples, TrainConfig(crop=crop, seed=seed, residues=residues), batches)
        return tokenizer.decode(collate([0])["inputs"]["sequence"][0]["input_ids"][0], skip_special_tokens=True)

    parts = [read("random", epoch).replace(" ", "") for epoch in range(20)]
    assert all(len(part) == 18 and part in long for part in parts)
    assert len({*parts}) > 15
    assert parts == [read("random", epoch).replace(" ", "") for epoch in range(20)], "by the seed"
    assert parts[0] != read("random", 0, seed=1).replace(" ", "")
    assert {read("start", epoch).replace(" ", "") for epoch in range(3)} == {long[:18]}
    assert {read("start", 0, residues=residues).replace(" ", "") for residues in (7, 18, 400)} == {long[:7], long[:18]}
    assert {len(read("random", epoch, residues=7).replace(" ", "")) for epoch in range(9)} == {7}


def test_masked_residues(base):
    sequences = ["".join(np.random.default_rng(i).choice(list("ACDEFGHIKL"), 18)) for i in range(300)]
    table = pl.DataFrame({"sequence": [*sequences, "M"], "text": ["a"] * 301})
    examples = read_examples(table, ["text", "positive"], name="table")
    masked = Collator(base, examples, TrainConfig(mlm=1.0), Batches(301, 301, seed=0))(range(301))["masked"]
    (whole,) = Collator(base, examples, TrainConfig(), Batches(301, 301, seed=0))(range(301))["inputs"]["sequence"]
    asked = masked["labels"] != IGNORED
    assert (masked["labels"][asked] == whole["input_ids"][asked]).all()
    assert (masked["input_ids"][~asked] == whole["input_ids"][~asked]).all()
    assert asked.any(dim=1).all(), "each is asked for a residue"
    real = (whole["attention_mask"].sum(1) - 2).sum()
    assert 0.13 < asked.sum() / real < 0.18
    shown = masked["input_ids"][asked]
    hidden = (shown == base.routes["sequence"][0].tokenizer.mask_token_id).float().mean()
    assert 0.75 < hidden < 0.85
    assert 0.05 < (shown == masked["labels"][asked]).float().mean() < 0.15


PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] != pair[1]), min_size=1)


@settings(deadline=None)
@given(PAIRS, st.integers(1, 60), st.integers(2, 5), st.integers(1, 8), st.integers(0, 3))
def test_groups_are_proteins_and_their_twins(pairs, rows, proteins, most, seed):
    table = pl.DataFrame(
        {
            "anchor_seq": [f"M{a}" for a, _ in pairs],
            "hard_neg_seq": [f"M{b}" for _, b in pairs],
            "row": range(len(pairs)),
        }
    )
    drawn = family_blocks(table, rows=rows, proteins=proteins, most=most, seed=seed)
    assert drawn.height == rows
    assert drawn.join(table, on=table.columns, how="anti").is_empty(), "rows of the table, whole"
    assert drawn.equals(family_blocks(table, rows=rows, proteins=proteins, most=most, seed=seed))
    if most == 1:
        return
    twins = {frozenset(pair) for pair in table.select("anchor_seq", "hard_neg_seq").rows()}
    assert {frozenset(pair) for pair in drawn.select("anchor_seq", "hard_neg_seq").rows()} <= twins


def test_few_proteins_for_many_rows():
    pairs = [(f"{family}{a}", f"{family}{b}") for family in "ACDEFG" for a in range(20) for b in range(20) if a != b]
    table = pl.DataFrame(pairs, schema=["anchor_seq", "hard_neg_seq"], orient="row")
    drawn = family_blocks(table, rows=320, proteins=8, most=32, seed=1)
    blocks = [drawn[start : start + 32] for start in range(0, 320, 32)]
    held = [len({*block["anchor_seq"], *block["hard_neg_seq"]}) for block in blocks]
    assert max(held) == 8
    assert {family for block in blocks for family in block["anchor_seq"].str.slice(0, 1)} > {"A", "C"}
    spread = table.sample(32, seed=1)
    assert len({*spread["anchor_seq"], *spread["hard_neg_seq"]}) > 30
