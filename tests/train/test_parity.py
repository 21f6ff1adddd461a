"""Fifty steps of the fast way and of the reference's loop: the same losses."""

import copy

import pytest
import torch

from protrek_hm.model import ModelConfig, ProTrek, TowerConfig
from protrek_hm.train import TrainConfig
from protrek_hm.train.batches import Batches, Collator
from protrek_hm.train.examples import read_examples
from protrek_hm.train.objectives import Objective
from protrek_hm.train.step import Step

STEPS = 50


def reference(model, triplets, batches):
    """`get_text_repr` and two calls of `get_protein_repr`, padded, and the triplet loss of the cosines."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for rows in batches:
        vectors = []
        for column, task in (("anchor_text", "text"), ("anchor_seq", "sequence"), ("hard_neg_seq", "sequence")):
            features = model.preprocess([triplets[column][row] for row in rows], task=task)
            vectors.append(model({**features, "task": task})["sentence_embedding"])
        text, protein, twin = vectors
        loss = torch.relu((text * twin).sum(1) - (text * protein).sum(1) + 0.2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


def ours(model, triplets, batches, **settings):
    config = TrainConfig(objective="triplet", **settings)
    examples = read_examples(triplets, ["text", "positive", "negative"], name="triplets")
    collate = Collator(model, examples, config, Batches(len(examples), 4, seed=0))
    step = Step(model, Objective(examples, config, temperature=0.07), config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for rows in batches:
        optimizer.zero_grad()
        yield step(collate(rows))["triplet"].item()
        optimizer.step()


@pytest.mark.parametrize("settings", [{}, {"tokens": 30, "cache": True}])
def test_fifty_steps(triplets, settings):
    tower = TowerConfig(layers=2, hidden=16, heads=2, max_tokens=20)
    shape = ModelConfig(sequence=tower, text=tower, dimension=8, vocabulary=100)
    model = ProTrek.build(shape, texts=triplets["anchor_text"], device="cpu").train()
    drawn = Batches(triplets.height, 4, seed=0)
    batches = [rows for _ in range(10) for rows in drawn]
    plain = list(reference(copy.deepcopy(model), triplets, batches))
    fast = list(ours(copy.deepcopy(model), triplets, batches, **settings))
    assert len(plain) == STEPS
    assert fast == pytest.approx(plain, abs=1e-4)
    assert max(plain[-5:]) < max(plain[:5]), "it learns, or this shows little"
