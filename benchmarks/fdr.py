"""What `search --fdr` promises against what comes true, and the probability of a hit against how often it is right.

    python benchmarks/fdr.py INDEX... [--splits 20] [--by text --want sequence]

Every record of an index is asked for (`search.calibration.ask_known`); its families are split at random, half to
calibrate on and half to be judged, as often as --splits says, by seeds 0, 1, …. For each level: in how many splits it
is refused; and over the others, the share of families' questions that are answered, the share of wrong hits among
those (what is promised), and the same with empty answers counted as without error (the usual rate). Means over splits,
and in brackets the 2.5 and 97.5 % quantiles. Then the probability that calibration families give to hits of the others,
in bins, with the share that is right, each family one vote; the interval is that of a bootstrap over families.
"""

import argparse
from pathlib import Path

import numpy as np

from protrek_hm.errors import OptionError
from protrek_hm.index.store import Index
from protrek_hm.search.calibration import Trials, ask_known, most_wrong

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
BINS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 1.0)
MOST = 10_000


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)  # noqa: T201


def part(trials: Trials, some: np.ndarray) -> Trials:
    """Return some of the questions."""
    return Trials(trials.scores[some], trials.right[some], trials.family[some])


def halves(trials: Trials, seed: int) -> tuple[Trials, Trials]:
    """Split the families at random."""
    families = np.random.default_rng(seed).permutation(np.unique(trials.family))
    first = np.isin(trials.family, families[: len(families) // 2])
    return part(trials, first), part(trials, ~first)


def outcome(trials: Trials, least: float) -> tuple[float, float]:
    """Return the share of questions that are answered, and of wrong hits (0 without a hit), families weighted alike."""
    passed = (trials.scores >= least).sum(axis=1)
    shares = np.cumsum(~trials.right, axis=1) / np.arange(1, trials.right.shape[1] + 1)
    wrong = np.where(passed > 0, shares[np.arange(len(passed)), np.maximum(passed - 1, 0)], 0.0)
    assert (wrong <= np.take_along_axis(most_wrong(trials.right), np.maximum(passed - 1, 0)[:, None], 1)[:, 0]).all()
    return tuple(float(np.average(each, weights=trials.weights)) for each in (passed > 0, wrong))


def promises(trials: Trials, splits: int) -> None:
    """Print a row for each level."""
    say("| promised | refused in splits | answered | wrong among the answered | wrong, empty answers as none |")
    for level in LEVELS:
        found = []
        for seed in range(splits):
            known, new = halves(trials, seed)
            try:
                found.append(outcome(new, known.threshold(level)))
            except OptionError:
                continue
        line = f"| {level:.0%} | {splits - len(found)} of {splits} |"
        if found:
            answered, wrong = np.array(found).T
            pooled = f"{wrong.sum() / answered.sum():.1%}" if answered.sum() else "none answered"
            say(f"{line} {shown(answered)} | {pooled} | {shown(wrong)} |")
        else:
            say(f"{line} | | |")


def shown(values: np.ndarray) -> str:
    """Write mean and spread over splits."""
    low, high = np.quantile(values, [0.025, 0.975])
    return f"{values.mean():.1%} [{low:.1%}, {high:.1%}]"


def curve(trials: Trials, seed: int = 0) -> None:
    """Print how often hits of the other half are right, by the probability that they were given."""
    known, new = halves(trials, seed)
    precision = known.precision()
    if precision is None:
        say("too few families for a probability")
        return
    said = precision(new.scores)
    say("| probability | hits | families | said | right |")
    for low, high in zip(BINS[:-1], BINS[1:], strict=True):
        question, column = np.nonzero((said >= low) & (said < high))
        if not len(question):
            continue
        _, family = np.unique(new.family[question], return_inverse=True)
        weights = new.weights[question]
        sums = [
            np.bincount(family, weights * each) for each in (1.0, said[question, column], new.right[question, column])
        ]
        drawn = np.random.default_rng(seed).integers(0, len(sums[0]), (2_000, len(sums[0])))
        spread = np.quantile(sums[2][drawn].sum(axis=1) / sums[0][drawn].sum(axis=1), [0.025, 0.975])
        mean, right = (each.sum() / sums[0].sum() for each in sums[1:])
        told = f"{right:.1%} [{spread[0]:.1%}, {spread[1]:.1%}]"
        say(f"| {low:g} to {high:g} | {len(question):,} | {len(sums[0]):,} | {mean:.1%} | {told} |")


def main() -> None:
    """Ask each index."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path, nargs="+")
    parser.add_argument("--by", choices=("text", "sequence"), default="text")
    parser.add_argument("--splits", type=int, default=20)
    given = parser.parse_args()
    want = "sequence" if given.by == "text" else "text"
    for path in given.index:
        index = Index.open(path)
        trials = ask_known(index, given.by, want, index.sample(want), most=MOST)
        best = np.average(trials.right[:, 0], weights=trials.weights)
        questions = f"{len(trials.scores):,} questions of {trials.families:,} families"
        say(f"\n{path.name}, {given.by} to {want}: {questions}, first hit right {best:.1%}\n")
        promises(trials, given.splits)
        say("")
        curve(trials)


if __name__ == "__main__":
    main()
