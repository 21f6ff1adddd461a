"""Objectives as pure functions. All vectors are unit vectors, all scores cosines."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional


def triplet_loss(
    text: Float[Tensor, "batch dim"],
    positive: Float[Tensor, "batch dim"],
    negative: Float[Tensor, "batch dim"],
    *,
    margin: float = 0.2,
) -> Float[Tensor, ""]:
    """Return the mean of max(0, cos(text, negative) - cos(text, positive) + margin), as the reference.

    The loss lies in [0, 2 + margin] and is 0 once every gap reaches the margin.

    >>> text, protein, twin = torch.tensor([[[1.0, 0.0]], [[0.8, 0.6]], [[0.6, 0.8]]])
    >>> round(triplet_loss(text, protein, twin, margin=0.5).item(), 4)
    0.3
    """
    return functional.relu((text * negative).sum(-1) - (text * positive).sum(-1) + margin).mean()


def soft_triplet_loss(
    text: Float[Tensor, "batch dim"],
    positive: Float[Tensor, "batch dim"],
    negative: Float[Tensor, "batch dim"],
    *,
    temperature: float,
) -> Float[Tensor, ""]:
    """Return the mean of log(1 + exp(-gap ÷ temperature)): InfoNCE over the pair and its twin alone.

    gap: cos(text, positive) - cos(text, negative). Without any gap the loss is log 2; it never is quite 0.

    >>> text, protein, twin = torch.tensor([[[1.0, 0.0]], [[0.8, 0.6]], [[0.6, 0.8]]])
    >>> round(soft_triplet_loss(text, protein, twin, temperature=0.2).item(), 4)  # log(1 + 1 / e)
    0.3133
    """
    gap = (text * positive).sum(-1) - (text * negative).sum(-1)
    return functional.softplus(-gap / temperature).mean()


def contrastive_loss(
    text: Float[Tensor, "batch dim"],
    sequence: Float[Tensor, "batch dim"],
    *,
    temperature: float | Float[Tensor, ""],
    ignored: Bool[Tensor, "batch batch"] | None = None,
) -> Float[Tensor, ""]:
    """Return symmetric InfoNCE: each text finds its protein among the batch's, and each protein its text.

    Radford et al., "Learning transferable visual models from natural language supervision", 2021. Without any
    signal the loss is the logarithm of the batch's size.

    Parameters
    ----------
    text, sequence
        Row i of the one belongs to row i of the other.
    temperature
        What cosines are divided by, above 0; gradients flow into a tensor.
    ignored
        True where a text and a protein may belong together though they stand in two rows: no negatives. What it
        says of a row's own pair does not count.

    Examples
    --------
    >>> same = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    >>> round(contrastive_loss(same, same, temperature=0.07).item(), 4)
    0.6931
    >>> contrastive_loss(same, same, temperature=0.07, ignored=torch.ones(2, 2, dtype=torch.bool)).item()
    0.0
    """
    logits = text @ sequence.T / temperature
    target = torch.arange(len(logits), device=logits.device)
    if ignored is not None:
        own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
        logits = logits.masked_fill(ignored & ~own, -torch.inf)
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2


def distillation_loss(
    scores: Float[Tensor, "texts sequences"],
    base_scores: Float[Tensor, "texts sequences"],
    *,
    temperature: float,
    ignored: Bool[Tensor, "texts sequences"],
) -> Float[Tensor, ""]:
    """Return how far the model's choice among the batch is from its base's: mean KL divergence, both ways.

    The choices are softmax(score ÷ temperature) over the proteins for each text and over the texts for each
    protein (Hinton et al., "Distilling the knowledge in a neural network", 2015). 0 where both agree.

    scores, base_scores: cosines of each text with each protein. ignored: True where the model is free to
    differ from its base; no row and no column is all True.

    Examples
    --------
    >>> base, free = torch.tensor([[0.0, 0.0]]), torch.tensor([[False, False]])
    >>> distillation_loss(base, base, temperature=1.0, ignored=free).item()
    0.0
    >>> scores = torch.tensor([[3.0, 1.0]]).log()  # 3 : 1 where the base says 1 : 1; one text is no choice
    >>> round(distillation_loss(scores, base, temperature=1.0, ignored=free).item(), 4)  # log(4 / 3) / 4
    0.0719
    """
    model, base = ((each / temperature).masked_fill(ignored, -1e4) for each in (scores, base_scores))
    ways = [
        functional.kl_div(model.log_softmax(axis), base.log_softmax(axis), reduction="sum", log_target=True)
        / model.shape[1 - axis]
        for axis in (0, 1)
    ]
    return (ways[0] + ways[1]) / 2


def masked_language_loss(
    hidden: Float[Tensor, "tokens hidden"],
    embeddings: Float[Tensor, "vocabulary hidden"],
    tokens: Int[Tensor, " tokens"],
) -> Float[Tensor, ""]:
    """Return the mean of -log P(token), where P is the softmax of hidden · embedding over the vocabulary.

    The embeddings that the encoder reads are those it is asked for (Press and Wolf, "Using the output embedding
    to improve language models", 2017); nothing else is learned.

    >>> hidden, embeddings = torch.tensor([[1.0]]), torch.tensor([[0.0], [1.0]])
    >>> round(masked_language_loss(hidden, embeddings, torch.tensor([1])).item(), 4)  # log(1 + 1 / e)
    0.3133
    """
    return functional.cross_entropy(hidden @ embeddings.T, tokens)
