import numpy as np
import polars as pl

from protrek_hm.mine import MineConfig, mine_hard_negatives
from protrek_hm.mine.guide import keeps_margin


class Recorded:
    """Scores by a given table; counts what it is asked."""

    def __init__(self, vectors):
        self.vectors, self.asked = vectors, []

    def encode(self, inputs, *, task):
        self.asked.append((task, list(inputs)))
        return np.array([self.vectors[item] for item in inputs], dtype=float)


def test_near_positives_go():
    triplets = pl.DataFrame({"anchor_text": ["t"] * 4, "anchor_seq": ["A"] * 4, "hard_neg_seq": ["B", "C", "D", "E"]})
    guide = Recorded({"t": [1, 0], "A": [0.8, 0], "B": [0.76, 0], "C": [0.77, 0], "D": [0.9, 0], "E": [-1, 0]})
    assert keeps_margin(triplets, guide).tolist() == [True, False, False, True]
    assert all(len(inputs) == len(set(inputs)) for _, inputs in guide.asked)


def test_the_report_counts_what_the_guide_dropped(make_families):
    proteins = make_families(3)
    generator = np.random.default_rng(1)
    items = [*proteins["sequence"], *proteins["text"]]
    guide = Recorded({item: generator.normal(size=3) for item in items})
    free = mine_hard_negatives(proteins, MineConfig(easy=0, threads=1))
    guided = mine_hard_negatives(proteins, MineConfig(easy=0, threads=1), guide=guide)
    (step,) = [step for step in guided.report.steps if step.name == "guide's margin"]
    assert (step.given, step.kept) == (free.triplets.height, guided.triplets.height)
    assert 0 < step.kept < step.given
