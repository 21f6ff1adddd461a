"""The settings of one training run: what moves, how fast, and what is learned."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from protrek_hm.config import require

Schedule = Literal["linear", "cosine", "constant"]


@dataclass(frozen=True)
class Tuning:
    """What moves, and how fast.

    Attributes
    ----------
    tune
        Weights that move: full, lora, last:N or heads. "full": all; "last:N": the last N transformer blocks of each
        tower and the projections; "heads": the projections into the joint space; "lora": the projections, and a
        low-rank change of every matrix in the transformer blocks (Hu et al., 2021), which becomes part of the matrix
        when the run ends.
    learning_rate
        Peak learning rate, after the warm-up; above 0.
    lr_text
        Peak rate of the text tower; 0 keeps it as it is. By default the learning rate, as for the other towers.
    lr_sequence
        Peak rate of the sequence tower; 0 keeps it as it is.
    lr_structure
        Peak rate of the structure tower; 0 keeps it as it is.
    layer_decay
        Rate of each block as a share of the next one's, in (0, 1]. The embeddings move slowest, the projections at the
        full rate.
    warmup
        Share of all steps during which the rates rise from 0, in [0, 1).
    schedule
        How the rates fall after the warm-up. "linear" and "cosine" end at 0, "constant" does not fall.
    weight_decay
        Weight decay of the matrices, at least 0. Norms and biases have none.
    max_gradient
        Largest norm of the gradients, above 0. Larger ones are scaled down to it.
    ema
        Average the weights, keeping this share per step, in [0, 1). The run's result is then this exponential moving
        average; 0 takes the last step's weights.
    lora_rank
        Rank of the adapters of --tune lora, at least 1.
    lora_alpha
        Scale of the adapters of --tune lora, at least 1. They are multiplied by lora_alpha ÷ lora_rank.

    Examples
    --------
    >>> Tuning(tune="last:2", lr_text=0).rate("text"), Tuning().rate("sequence")
    (0, 1e-05)
    """

    tune: str = "full"
    learning_rate: float = 1e-5
    lr_text: float | None = None
    lr_sequence: float | None = None
    lr_structure: float | None = None
    layer_decay: float = 1.0
    warmup: float = 0.1
    schedule: Schedule = "linear"
    weight_decay: float = 0.01
    max_gradient: float = 1.0
    ema: float = 0.0
    lora_rank: int = 8
    lora_alpha: int = 16

    def __post_init__(self) -> None:
        known = re.fullmatch(r"full|heads|lora|last:[1-9]\d*", self.tune) is not None
        require("tune", self.tune, "must be full, lora, last:N (N blocks of each tower) or heads", holds=known)
        wanted = f"must be one of {', '.join(get_args(Schedule))}"
        require("schedule", self.schedule, wanted, holds=self.schedule in get_args(Schedule))
        for name in ("learning_rate", "max_gradient"):
            value = getattr(self, name)
            require(name, value, "must be above 0", holds=value > 0)
        for name in ("lr_text", "lr_sequence", "lr_structure"):
            value = getattr(self, name)
            require(name, value, "must not be negative", holds=value is None or value >= 0)
        require("layer_decay", self.layer_decay, "must lie in (0, 1]", holds=0 < self.layer_decay <= 1)
        for name in ("warmup", "ema"):
            value = getattr(self, name)
            require(name, value, "must lie in [0, 1)", holds=0 <= value < 1)
        require("weight_decay", self.weight_decay, "must not be negative", holds=self.weight_decay >= 0)
        for name in ("lora_rank", "lora_alpha"):
            value = getattr(self, name)
            require(name, value, "must be at least 1", holds=value >= 1)

    def rate(self, task: str) -> float:
        """Return the peak rate of a tower's projection, which no part of the tower exceeds."""
        own: float | None = getattr(self, f"lr_{task}")
        return self.learning_rate if own is None else own


Objective = Literal["triplet", "contrastive", "twin", "balanced", "masked"]
Shape = Literal["margin", "softplus"]
Precision = Literal["fp32", "tf32", "bf16"]
Encoding = Literal["distinct", "columns"]
Crop = Literal["random", "start"]
Others = Literal["mask", "keep"]
_CHOICES = {
    **{"objective": Objective, "twin_shape": Shape, "false_negatives": Others},
    **{"precision": Precision, "encoding": Encoding, "crop": Crop},
}


@dataclass(frozen=True)
class TrainConfig(Tuning):
    """How to train; what moves, and how fast, are the settings of `Tuning`.

    Attributes
    ----------
    objective
        What to minimise. "triplet", the reference's: each text prefers its protein to the twin by `margin`;
        "contrastive": each text finds its protein among the batch's, and each protein its text; "twin": text and
        protein choose between the pair and its twin, both ways; "balanced": contrastive + twin + what the frozen base
        knew of random pairs, each times its weight; "masked": only predicting masked residues, of each distinct
        protein.
    epochs
        Passes over the rows.
    batch_size
        Rows per step, over all processes. A single row that an epoch leaves over joins the step before it where rows
        are each other's negatives ("contrastive", "balanced").
    block
        Consecutive rows that are shuffled as one block. Where a block's rows share proteins, a step encodes few of
        them for many rows.
    margin
        Wanted gap between two cosines, in (0, 2] (triplet, and twin with --twin-shape margin).
    twin_shape
        Shape of the twin loss. "margin": no cost beyond the margin; "softplus": log(1 + exp(-gap ÷ temperature)).
    contrastive_weight
        Weight of the contrastive part of balanced. At least 0, as the other two; a part of weight 0 is not computed.
    twin_weight
        Weight of the twin part of balanced.
    distillation_weight
        Weight of the part of balanced that keeps what the frozen base knew.
    structures
        Train texts to find structures, too, by the same objective. Rows with 3Di letters then count twice.
    mlm
        Weight of predicting masked residues beside another objective. 15 % of the residues are masked, as for ESM; 0
        leaves it out.
    learn_temperature
        Learn the contrastive temperature, too, starting from the model's.
    false_negatives
        Mask false negatives in contrastive, or keep them. A false negative is a text and a protein of two rows that
        elsewhere in the table, be it as a twin and its text or in another spelling, or by `group` or `guide`, belong
        together; "keep" takes them as negatives all the same, as CLIP does.
    group
        Column: proteins of one group are not each other's negatives (contrastive).
    guide
        "base" or a model used to mask false negatives (contrastive). A pair that it scores at least 95 % as high as a
        true pair is no negative.
    encoding
        How a batch is encoded. "distinct": each distinct text and sequence once, packed without padding; "columns":
        each column on its own and padded, as the reference does.
    tokens
        Tokens encoded at once, at most. One input is always encoded; fewer tokens need less memory.
    cache
        Gradient caching: batches of any size. The batch is encoded twice, a part at a time.
    checkpoint_layers
        Recompute layers in the backward pass instead of keeping them: less memory, slower.
    precision
        Precision of matrix products. "tf32" needs a GPU; "bf16" is autocast, and the weights stay in fp32.
    crop
        Part read of a protein longer than the model's window or --residues. "random" reads another part each epoch,
        "start" the first.
    residues
        Residues read of a protein per step, at most; by default all that the model reads. The same holds for the 3Di
        letters of a structure.
    easy_tolerance
        Loss of easy accuracy that is allowed, in [0, 1]. The epoch with the highest hard accuracy is kept among those
        whose easy accuracy lies at most this below the base's; see `validation.selection_score`.
    patience
        Stop after this many epochs without a better one; by default never.
    checkpoint_every
        Steps between further checkpoints; by default one after each epoch.
    seed
        Seed of order, crops and masks. They depend on nothing else. The weights are the same to the bit only with the
        same number of threads and the same processor and torch: they decide how sums are rounded.
    """

    objective: Objective = "balanced"
    epochs: int = 30
    batch_size: int = 16
    block: int = 1
    margin: float = 0.2
    twin_shape: Shape = "softplus"
    contrastive_weight: float = 1.0
    twin_weight: float = 1.0
    distillation_weight: float = 1.0
    structures: bool = False
    mlm: float = 0.0
    learn_temperature: bool = False
    false_negatives: Others = "mask"
    group: str | None = None
    guide: str | None = None
    encoding: Encoding = "distinct"
    tokens: int = 4_096
    cache: bool = False
    checkpoint_layers: bool = False
    precision: Precision = "fp32"
    crop: Crop = "random"
    residues: int | None = None
    easy_tolerance: float = 0.003
    patience: int | None = None
    checkpoint_every: int | None = None
    seed: int = 42

    @property
    def masking(self) -> float:
        """The weight of guessing masked residues, which is 1 where nothing else is learned."""
        return 1.0 if self.objective == "masked" else self.mlm

    @property
    def least_rows(self) -> int:
        """The fewest rows of a step: two where rows are each other's negatives."""
        together = self.objective == "balanced" and (self.contrastive_weight > 0 or self.distillation_weight > 0)
        return 2 if together or self.objective == "contrastive" else 1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            require(name, value, f"must be one of {', '.join(get_args(choices))}", holds=value in get_args(choices))
        for name in ("epochs", "batch_size", "block", "tokens", "residues", "patience", "checkpoint_every"):
            value = getattr(self, name)
            require(name, value, "must be at least 1", holds=value is None or value >= 1)
        for name in ("contrastive_weight", "twin_weight", "distillation_weight", "mlm"):
            value = getattr(self, name)
            require(name, value, "must not be negative", holds=value >= 0)
        require("margin", self.margin, "must lie in (0, 2]", holds=0 < self.margin <= 2)
        require("easy_tolerance", self.easy_tolerance, "must lie in [0, 1]", holds=0 <= self.easy_tolerance <= 1)
        guesses_structures = self.objective == "masked" and self.structures
        require("structures", self.structures, "must be off: 'masked' reads sequences", holds=not guesses_structures)
        if self.objective == "balanced":
            parts = (self.contrastive_weight, self.twin_weight, self.distillation_weight)
            require("objective", "balanced", "needs a part whose weight is above 0", holds=any(parts))
        wanted = f"must be at least 2 for {self.objective!r}: rows of a step are each other's negatives"
        require("batch_size", self.batch_size, wanted, holds=self.batch_size >= self.least_rows)


@dataclass(frozen=True)
class HeadTrainConfig:
    """Settings of the training of a twin head.

    Attributes
    ----------
    steps
        Batches, at least 1.
    batch_size
        Cases of a batch, at least 1.
    scan_pairs
        Pairs of mutants of scans of a batch, at least 16.
    scan_weight
        Weight of the scans' loss beside the cases', at least 0.
    learning_rate
        AdamW's; it rises and falls once over all steps.
    weight_decay
        AdamW's, at least 0.
    dropout
        In the hidden layers, in [0, 1).
    alone
        Share of batches in which no relatives are seen, in [0, 1]: an index may hold none.
    control
        Weight of the controls' loss, at least 0.
    names
        Proteins of other scans whose names a scan's texts are told with, too, at least 0: so names decide nothing.
    hidden
        Width of the head's two hidden layers, at least 1.
    directions
        Dimensions of the space in which text and change meet, at least 1.
    members
        Networks whose preferences are averaged, at least 1.
    most_changes
        Sites that a variant may differ at, at least 1; cases with more are left out, and of such the head says nothing.
    substitution
        Read BLOSUM62 and the properties of the two residues.
    neighbours
        Residues on each side whose mean properties are read: 0, 2, 4 or 8.
    conservation
        Read how often relatives have each of the two residues, and how much the site varies.
    seed
        Same seed, same draws.
    """

    steps: int = 300
    batch_size: int = 256
    scan_pairs: int = 1024
    scan_weight: float = 4.0
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    dropout: float = 0.2
    alone: float = 0.25
    control: float = 0.05
    names: int = 8
    hidden: int = 64
    directions: int = 16
    members: int = 4
    most_changes: int = 8
    substitution: bool = True
    neighbours: int = 8
    conservation: bool = True
    seed: int = 42

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "hidden", "directions", "members", "most_changes"):
            require(name, getattr(self, name), "must be at least 1", holds=getattr(self, name) >= 1)
        require("scan_pairs", self.scan_pairs, "must be at least 16", holds=self.scan_pairs >= 16)
        require("learning_rate", self.learning_rate, "must be above 0", holds=self.learning_rate > 0)
        for name in ("scan_weight", "weight_decay", "control", "names", "seed"):
            require(name, getattr(self, name), "must not be negative", holds=getattr(self, name) >= 0)
        require("dropout", self.dropout, "must lie in [0, 1)", holds=0 <= self.dropout < 1)
        require("alone", self.alone, "must lie in [0, 1]", holds=0 <= self.alone <= 1)
        require("neighbours", self.neighbours, "must be 0, 2, 4 or 8", holds=self.neighbours in (0, 2, 4, 8))
