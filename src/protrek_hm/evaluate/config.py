"""Settings of an evaluation, and of the board of twins."""

from dataclasses import dataclass

from protrek_hm.config import require

SPLITS = ("train", "valid", "test", "known")


@dataclass(frozen=True)
class EvaluateConfig:
    """Settings of an evaluation.

    Attributes
    ----------
    structures
        Also measure text → structure, by the tables' 3Di letters.
    batch_size
        Inputs per batch, at least 1.
    resamples
        Bootstrap draws per interval, at least 100.
    shown_twins
        Twins drawn with lines in each picture of the embedding space, at least 1.
    seed
        Seed of intervals and pictures. Same seed, same bytes.

    Examples
    --------
    >>> EvaluateConfig(batch_size=8).resamples
    2000
    """

    batch_size: int = 32
    resamples: int = 2000
    shown_twins: int = 10
    structures: bool = False
    seed: int = 42

    def __post_init__(self) -> None:
        require("batch_size", self.batch_size, "must be at least 1", holds=self.batch_size >= 1)
        require("resamples", self.resamples, "must be at least 100", holds=self.resamples >= 100)
        require("shown_twins", self.shown_twins, "must be at least 1", holds=self.shown_twins >= 1)
        require("seed", self.seed, "must not be negative", holds=self.seed >= 0)


@dataclass(frozen=True)
class BoardConfig:
    """Settings of the board of twins.

    Attributes
    ----------
    splits
        Splits that are measured, in the order of the tables: test (families never trained on), known (unseen members of
        known families), valid, train.
    per_family
        Cases of a family that are measured at most, in each set, kind and split, controls apart. Drawn by the seed;
        0: all.
        Families weigh alike, so that more of one say little more.
    shuffled
        Proteins of the cases that are encoded shuffled, too, to see which ones a model has not learned; 0: no such
        figures.
    batch_size
        Inputs per batch, at least 1.
    resamples
        Bootstrap draws per interval, at least 100.
    seed
        Seed of intervals, of what baselines draw and of their trees. Same seed, same bytes.

    Examples
    --------
    >>> BoardConfig(splits=("valid",)).seed
    42
    """

    splits: tuple[str, ...] = ("test", "known")
    per_family: int = 24
    shuffled: int = 0
    batch_size: int = 32
    resamples: int = 2000
    seed: int = 42

    def __post_init__(self) -> None:
        for name in ("per_family", "shuffled"):
            require(name, getattr(self, name), "must not be negative", holds=getattr(self, name) >= 0)
        known = set(self.splits) <= set(SPLITS) and len(set(self.splits)) == len(self.splits) > 0
        require("splits", ", ".join(self.splits), f"must be some of {', '.join(SPLITS)}, each once", holds=known)
        require("batch_size", self.batch_size, "must be at least 1", holds=self.batch_size >= 1)
        require("resamples", self.resamples, "must be at least 100", holds=self.resamples >= 100)
        require("seed", self.seed, "must not be negative", holds=self.seed >= 0)
