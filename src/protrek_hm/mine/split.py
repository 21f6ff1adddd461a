"""Who is trained on, who is tested on: sides for proteins such that nothing leaks.

`components` gives whole connected components, over homology and over shared or near-identical texts, to one
side each. The rule for large ones: components are dealt from the largest on to the side that lacks most
pairs, and one that holds more pairs than the training share goes to training. Where that leaves a wanted side
without pairs, the links are weakened step by step, with a warning each time: first without links by text,
then with homology links from 60, 70, 80, 90 and 95 % identity on only, until every wanted side has pairs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.homology import connected_components
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.corpus import Corpus
from protrek_hm.mine.links import text_links

SIDES = ("train", "valid", "test")
_STAGES = {
    "train": 0,
    "training": 0,
    "valid": 1,
    "val": 1,
    "validation": 1,
    "dev": 1,
    "test": 2,
    "testing": 2,
}
_RECUTS = (0.6, 0.7, 0.8, 0.9, 0.95)
UNASSIGNED = -1


@dataclass(frozen=True)
class Assignment:
    """The side (0 train, 1 valid, 2 test) and the component of each protein, and what to warn of."""

    sides: Int[np.ndarray, " proteins"]
    components: Int[np.ndarray, " proteins"]
    warnings: list[str] = field(default_factory=list)


def assign_sides(
    corpus: Corpus, homologs: pl.DataFrame, pairs: Int[np.ndarray, "pairs 2"], config: MineConfig
) -> Assignment:
    """Give each protein a side.

    homologs: columns a, b, identity: all pairs of proteins from `config.split_identity` on. pairs: the twins,
    which are what the wanted shares count. A protein's `stage` in the input decides over everything else.
    """
    given = given_sides(corpus)
    warnings = []
    for reading, components in _linkings(corpus, homologs, config):
        if config.split == "components":
            sides = deal_components(components, pairs, config, given=given)
        else:
            sides = deal_proteins(len(components), config, given=given)
        if reading:
            warnings.append(reading)
        if config.split != "components" or not _lacking(sides, pairs, config):
            break
    lacking = _lacking(sides, pairs, config)
    if config.split == "components" and lacking:
        warnings.append(
            f"no twins on the side {', '.join(lacking)}: the twins are too few families; add proteins"
        )
    torn = _torn_components(components, given)
    if config.split == "components" and torn:
        warnings.append(f"the given stages put {torn} components on several sides: see protrek-hm mine leaks")
    return Assignment(sides, components, warnings)


def deal_components(
    components: Int[np.ndarray, " proteins"],
    pairs: Int[np.ndarray, "pairs 2"],
    config: MineConfig,
    *,
    given: Int[np.ndarray, " proteins"] | None = None,
) -> Int[np.ndarray, " proteins"]:
    """Give whole components to sides, the largest (in twins) first, to the side that lacks most.

    given: sides that are fixed, `UNASSIGNED` elsewhere; the rest of a component follows its fixed members,
    those with members on several sides are for training.

    Examples
    --------
    >>> config = MineConfig(valid_fraction=0.25, test_fraction=0.25)
    >>> twins = np.array([[0, 1], [1, 2], [3, 4], [5, 6]])
    >>> deal_components(np.array([0, 0, 0, 1, 1, 2, 2]), twins, config).tolist()
    [0, 0, 0, 1, 1, 2, 2]
    """
    fixed = np.full(len(components), UNASSIGNED) if given is None else given
    count = int(components.max(initial=-1)) + 1
    twins = np.bincount(components[pairs[:, 0]], minlength=count)
    members = np.bincount(components, minlength=count)
    shares = np.array(
        [1 - config.valid_fraction - config.test_fraction, config.valid_fraction, config.test_fraction]
    )
    side_of = np.full(count, UNASSIGNED)
    for place in np.flatnonzero(fixed != UNASSIGNED):
        component, side = components[place], fixed[place]
        side_of[component] = side if side_of[component] in (UNASSIGNED, side) else 0
    lots = np.random.default_rng(config.seed).permutation(count)
    for sizes, chosen in ((twins, twins > 0), (members, twins == 0)):
        wanted = shares * sizes[chosen].sum()
        for side in range(3):
            wanted[side] -= sizes[chosen & (side_of == side)].sum()
        free = np.flatnonzero(chosen & (side_of == UNASSIGNED))
        for component in free[np.lexsort((lots[free], -sizes[free]))]:
            side = int(np.argmax(wanted))
            side_of[component] = side
            wanted[side] -= sizes[component]
    return np.where(fixed == UNASSIGNED, side_of[components], fixed)


def deal_proteins(
    proteins: int, config: MineConfig, *, given: Int[np.ndarray, " proteins"]
) -> Int[np.ndarray, " proteins"]:
    """Give single proteins (or, for `pairs`, pairs) to sides by lot, in the wanted shares."""
    order = np.random.default_rng(config.seed).permutation(proteins)
    ends = np.cumsum([config.test_fraction, config.valid_fraction]) * proteins
    sides = np.zeros(proteins, dtype=np.int64)
    sides[order[: round(ends[0])]] = 2
    sides[order[round(ends[0]) : round(ends[1])]] = 1
    return np.where(given == UNASSIGNED, sides, given)


def given_sides(corpus: Corpus) -> Int[np.ndarray, " proteins"]:
    """Return the side that the column `stage` gives to each protein, `UNASSIGNED` where it is silent."""
    if "stage" not in corpus.entries.columns:
        return np.full(len(corpus.sequences), UNASSIGNED)
    stages = corpus.entries["stage"].cast(pl.String).str.strip_chars().str.to_lowercase()
    sides = np.array([_STAGES.get(stage, UNASSIGNED) for stage in stages], dtype=np.int64)
    return np.asarray(sides[corpus.first_entries()])


def _linkings(
    corpus: Corpus, homologs: pl.DataFrame, config: MineConfig
) -> Iterator[tuple[str, Int[np.ndarray, " proteins"]]]:
    """Yield ever weaker linkings of proteins: what was given up, and the components."""
    count = len(corpus.sequences)
    edges = homologs.select("a", "b").to_numpy().astype(np.int64)
    yield "", connected_components(count, np.concatenate([edges, text_links(corpus)]))
    given_up = "a side would have no twins, so shared texts do not keep proteins together"
    yield given_up, connected_components(count, edges)
    for identity in _RECUTS:
        if identity > config.split_identity:
            kept = edges[homologs["identity"].to_numpy() >= identity]
            reading = f"a side would have no twins, so only {identity:.0%} identity keeps proteins together"
            yield reading, connected_components(count, kept)


def _lacking(
    sides: Int[np.ndarray, " proteins"], pairs: Int[np.ndarray, "pairs 2"], config: MineConfig
) -> list[str]:
    """Return the wanted sides that have no pair."""
    whole = sides[pairs[:, 0]] == sides[pairs[:, 1]]
    wanted = (True, config.valid_fraction > 0, config.test_fraction > 0)
    present = set(sides[pairs[whole, 0]].tolist())
    return [SIDES[side] for side in range(3) if wanted[side] and side not in present]


def _torn_components(components: Int[np.ndarray, " proteins"], given: Int[np.ndarray, " proteins"]) -> int:
    fixed = given != UNASSIGNED
    several = pl.DataFrame({"component": components[fixed], "side": given[fixed]}).unique()
    return int((several.group_by("component").len()["len"] > 1).sum())
