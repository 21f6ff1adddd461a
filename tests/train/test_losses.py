"""Objectives against loops written out, against other libraries, and by their gradients."""

from math import exp, log

import numpy as np
import pytest
import torch
from torch.nn import functional

from protrek_hm.train.losses import contrastive_loss, triplet_loss


def unit_vectors(seed, count, rows=6, dimension=5):
    vectors = torch.randn(count, rows, dimension, generator=torch.manual_seed(seed), dtype=torch.float64)
    return functional.normalize(vectors, dim=-1)


@pytest.mark.parametrize("margin", [0.05, 0.2, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_triplets_by_a_loop_and_by_torch(seed, margin):
    text, positive, negative = unit_vectors(seed, 3)
    total = 0.0
    for t, p, n in zip(text.tolist(), positive.tolist(), negative.tolist(), strict=True):
        right, wrong = (sum(a * b for a, b in zip(t, other, strict=True)) for other in (p, n))
        total += max(0.0, wrong - right + margin)
    loss = triplet_loss(text, positive, negative, margin=margin)
    assert loss.item() == pytest.approx(total / 6, abs=1e-12)
    theirs = functional.triplet_margin_with_distance_loss(
        text,
        positive,
        negative,
        distance_function=lambda a, b: 1 - functional.cosine_similarity(a, b),
        margin=margin,
    )
    assert loss.item() == pytest.approx(theirs.item(), abs=1e-12)


def test_a_gap_of_the_margin_costs_nothing():
    text, protein, opposite = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]], [[-1.0, 0.0]]])
    assert triplet_loss(text, protein, opposite, margin=2.0) == 0
    assert triplet_loss(text, opposite, protein, margin=0.2).item() == pytest.approx(2.2)
    assert triplet_loss(text, protein, protein, margin=0.2).item() == pytest.approx(0.2)


@pytest.mark.parametrize("temperature", [0.05, 0.07, 1.0])
def test_contrast_by_a_loop_and_by_sentence_transformers(temperature):
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    text, sequence = unit_vectors(7, 2)
    scores = (text @ sequence.T / temperature).tolist()
    costs = []
    for table in (scores, np.transpose(scores).tolist()):
        for row, line in enumerate(table):
            costs.append(log(sum(exp(score - line[row]) for score in line)))
    loss = contrastive_loss(text, sequence, temperature=temperature)
    assert loss.item() == pytest.approx(sum(costs) / 12, abs=1e-10)
    theirs = MultipleNegativesRankingLoss(
        torch.nn.Identity(),
        scale=1 / temperature,
        directions=("query_to_doc", "doc_to_query"),
        partition_mode="per_direction",
    )
    assert loss.item() == pytest.approx(theirs.compute_loss_from_embeddings([text, sequence], None).item())


def test_gradients():
    text, positive, negative = (each.requires_grad_() for each in unit_vectors(3, 3).unbind())
    assert torch.autograd.gradcheck(lambda *x: triplet_loss(*x, margin=0.5), (text, positive, negative))
    assert torch.autograd.gradcheck(lambda *x: contrastive_loss(*x, temperature=0.1), (text, positive))
