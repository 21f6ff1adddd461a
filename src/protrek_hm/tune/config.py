"""The few settings of tuning on a table of one's own, and those of the stages that it does not ask for."""

from dataclasses import dataclass, replace

from protrek_hm.mine.config import MineConfig
from protrek_hm.train.config import TrainConfig

MINE = MineConfig(valid_fraction=0.15, test_fraction=0.25)
# Proteins of one function are no negatives of each other: only twins are, so there is no loss over the batch
TRAIN = TrainConfig(batch_size=256, schedule="cosine", contrastive_weight=0.0)


@dataclass(frozen=True)
class TuneConfig:
    """How to tune.

    Attributes
    ----------
    evidence
        Column that tells functions apart: COLUMN:equal, COLUMN:set or COLUMN:numeric:TOLERANCE; repeatable. As for
        `mine`; without one, all other evidence is weighed.
    epochs
        Passes over the twins for training, at least 1.
    learning_rate
        Peak learning rate, above 0.
    seed
        Seed of split, order and intervals.

    Raises
    ------
    OptionError
        If a value lies outside its range.
    """

    evidence: tuple[str, ...] = ()
    epochs: int = 3
    learning_rate: float = 5e-4
    seed: int = 42

    def __post_init__(self) -> None:
        object.__setattr__(self, "evidence", tuple(self.evidence))
        self.mining()
        self.training()

    def mining(self) -> MineConfig:
        """Return the miner's settings."""
        return replace(MINE, evidence=self.evidence, seed=self.seed)

    def training(self) -> TrainConfig:
        """Return the trainer's settings."""
        return replace(TRAIN, epochs=self.epochs, learning_rate=self.learning_rate, seed=self.seed)
