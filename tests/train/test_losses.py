"""Objectives against loops written out, against other libraries, and by their gradients."""

from math import exp, log

import numpy as np
import pytest
import torch
from torch.nn import functional

from protrek_hm.train.losses import (
    contrastive_loss,
    distillation_loss,
    masked_language_loss,
    soft_triplet_loss,
    triplet_loss,
)


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


def test_what_is_ignored_is_as_if_it_were_not_there():
    text, sequence = unit_vectors(5, 2)
    ignored = torch.rand(6, 6, generator=torch.manual_seed(1)) < 0.4
    scores = (text @ sequence.T / 0.1).tolist()
    costs = []
    for i in range(6):
        costs.append(log(sum(exp(scores[i][j] - scores[i][i]) for j in range(6) if j == i or not ignored[i, j])))
        costs.append(log(sum(exp(scores[j][i] - scores[i][i]) for j in range(6) if j == i or not ignored[j, i])))
    loss = contrastive_loss(text, sequence, temperature=0.1, ignored=ignored)
    assert loss.item() == pytest.approx(sum(costs) / 12, abs=1e-10)


def test_the_soft_triplet_is_a_contrast_of_two():
    text, positive, negative = unit_vectors(2, 3)
    costs = [
        functional.cross_entropy(torch.stack([t @ p, t @ n])[None] / 0.3, torch.tensor([0])).item()
        for t, p, n in zip(text, positive, negative, strict=True)
    ]
    assert soft_triplet_loss(text, positive, negative, temperature=0.3).item() == pytest.approx(sum(costs) / 6)


def test_distillation_by_a_loop():
    text, sequence, other = unit_vectors(4, 3, rows=4)
    scores, base = (text @ sequence.T)[:3], (text @ other.T)[:3]
    ignored = torch.tensor([[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=torch.bool)

    def divergence(model, teacher, free):
        p, q = (np.exp(np.array(row) / 0.2) * ~np.array(free) for row in (teacher, model))
        p, q = p / p.sum(), q / q.sum()
        return sum(a * log(a / b) for a, b in zip(p, q, strict=True) if a)

    rows = [divergence(scores[i].tolist(), base[i].tolist(), ignored[i].tolist()) for i in range(3)]
    columns = [divergence(scores[:, j].tolist(), base[:, j].tolist(), ignored[:, j].tolist()) for j in range(4)]
    loss = distillation_loss(scores, base, temperature=0.2, ignored=ignored)
    assert loss.item() == pytest.approx((np.mean(rows) + np.mean(columns)) / 2, abs=1e-10)
    assert distillation_loss(base, base, temperature=0.2, ignored=ignored).item() == pytest.approx(0, abs=1e-12)


def test_masked_residues_by_a_loop():
    hidden, table = torch.randn(5, 3, generator=torch.manual_seed(0)), torch.randn(7, 3, generator=torch.manual_seed(1))
    tokens = torch.tensor([0, 6, 3, 3, 2])
    costs = []
    for vector, token in zip(hidden.double(), tokens.tolist(), strict=True):
        scores = [(vector @ row.double()).item() for row in table]
        costs.append(log(sum(map(exp, scores))) - scores[token])
    assert masked_language_loss(hidden, table, tokens).item() == pytest.approx(np.mean(costs), abs=1e-6)


def test_gradients():
    text, positive, negative = (each.requires_grad_() for each in unit_vectors(3, 3).unbind())
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    ignored = torch.rand(6, 6, generator=torch.manual_seed(1)) < 0.3
    base = torch.rand(6, 6, generator=torch.manual_seed(2), dtype=torch.float64)
    vectors = (text, positive, negative)
    for loss, inputs in (
        (lambda *x: triplet_loss(*x, margin=0.5), vectors),
        (lambda *x: soft_triplet_loss(*x, temperature=0.3), vectors),
        (lambda a, b, t: contrastive_loss(a, b, temperature=t, ignored=ignored), (text, positive, temperature)),
        (lambda a, b: distillation_loss(a @ b.T, base, temperature=0.3, ignored=ignored), (text, positive)),
        (lambda h, e: masked_language_loss(h, e, torch.arange(6)), (text, positive)),
    ):
        assert torch.autograd.gradcheck(loss, inputs)
