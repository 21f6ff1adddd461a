"""Who is trained on, who is tested on: sides for proteins such that nothing leaks.

`components` gives whole connected components, over homology and over shared or near-identical texts, to one
side each, the largest first, to the side that lacks most of its share. The rule for very large components:
one that holds more than half of a side's share goes to training, so that no family alone is the test. Where
that leaves a side with less than a quarter of its share, large components may go anywhere; where even that
does not help, links are given up step by step, with a warning each time: first those by texts that more than
8, then more than 2 families share, then all links by text, then homology below 60, 70, 80, 90 and 95 %
identity. If nothing helps, the strictest of the best attempts stands.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from protrek_hm.homology import connected_components
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.corpus import Corpus
from protrek_hm.mine.links import TextLinks, family_links
from protrek_hm.mine.split_file import SIDES as STAGES

SIDES = ("train", "valid", "test")
_RECUTS = (0.6, 0.7, 0.8, 0.9, 0.95)
_GENERIC = (8, 2)
_LARGEST = 0.5
_LEAST_FILLED = 0.25
UNASSIGNED = -1


@dataclass(frozen=True)
class Assignment:
    """The side (0 train, 1 valid, 2 test) and the component of each protein, and what to warn of."""

    sides: Int[np.ndarray, " proteins"]
    components: Int[np.ndarray, " proteins"]
    warnings: list[str] = field(default_factory=list)


def assign_sides(
    corpus: Corpus,
    families_at: Callable[[float], Int[np.ndarray, " proteins"]],
    pairs: Int[np.ndarray, "pairs 2"],
    config: MineConfig,
) -> Assignment:
    """Give each protein a side.

    families_at: returns the family of each protein at an identity. pairs: the twins, which are what the wanted
    shares count. A protein's `stage` in the input decides over everything else.
    """
    given = given_sides(corpus)
    if config.split != "components":
        _, components = next(_linkings(corpus, families_at, config))
        return Assignment(deal_proteins(len(components), config, given=given), components)
    best: tuple[list[str], str, Assignment] | None = None
    for reading, components in _linkings(corpus, families_at, config):
        for largest in (_LARGEST, np.inf):
            sides = deal_components(components, pairs, config, given=given, largest=largest)
            lacking = _lacking(sides, pairs, config)
            if best is None or len(lacking) < len(best[0]):
                best = (lacking, reading, Assignment(sides, components))
        if best is not None and not best[0]:
            break
    assert best is not None, "there is always a first linking"
    lacking, reading, assigned = best
    warnings = [reading] if reading else []
    if lacking:
        warnings.append(f"too few twins for the side {', '.join(lacking)}: give proteins of more families")
    if torn := _torn_components(assigned.components, given):
        warnings.append(f"the given stages put {torn} components on several sides: see protrek-hm mine leaks")
    return Assignment(assigned.sides, assigned.components, warnings)


def deal_components(
    components: Int[np.ndarray, " proteins"],
    pairs: Int[np.ndarray, "pairs 2"],
    config: MineConfig,
    *,
    given: Int[np.ndarray, " proteins"] | None = None,
    largest: float = np.inf,
) -> Int[np.ndarray, " proteins"]:
    """Give whole components to sides, the largest (in twins) first, to the side that lacks most of its share.

    given: sides that are fixed, `UNASSIGNED` elsewhere; the rest of a component follows its fixed members,
    those with members on several sides are for training. largest: components above this multiple of a side's
    share never go to that side, except to training.

    Examples
    --------
    >>> config = MineConfig(valid_fraction=0.25, test_fraction=0.25)
    >>> twins = np.array([[0, 1], [1, 2], [3, 4], [5, 6]])
    >>> deal_components(np.array([0, 0, 0, 1, 1, 2, 2]), twins, config).tolist()
    [0, 0, 0, 2, 2, 1, 1]
    """
    fixed = np.full(len(components), UNASSIGNED) if given is None else given
    count = int(components.max(initial=-1)) + 1
    side_of = np.full(count, UNASSIGNED)
    for place in np.flatnonzero(fixed != UNASSIGNED):
        component, side = components[place], fixed[place]
        side_of[component] = side if side_of[component] in (UNASSIGNED, side) else 0
    twins = np.bincount(components[pairs[:, 0]], minlength=count)
    members = np.bincount(components, minlength=count)
    lots = np.random.default_rng(config.seed).permutation(count)
    for sizes, chosen in ((twins, twins > 0), (members, twins == 0)):
        share = wanted_shares(config) * sizes[chosen].sum()
        filled = np.array([sizes[chosen & (side_of == side)].sum() for side in range(3)], dtype=float)
        free = np.flatnonzero(chosen & (side_of == UNASSIGNED))
        for component in free[np.lexsort((lots[free], -sizes[free]))]:
            size = sizes[component]
            fits = (share > 0) & (size <= np.where(share > 0, largest, 0) * share)  # inf · 0 is no number
            fits[0] = True
            lacking = np.where(fits, 1 - filled / np.maximum(share, 1e-9), -np.inf)
            side_of[component] = int(np.argmax(lacking))
            filled[side_of[component]] += size
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
    """Return the side that the column `stage` gives to each protein, `UNASSIGNED` where it is silent.

    A column that puts all proteins on one side is no split and is not followed.
    """
    if "stage" not in corpus.entries.columns:
        return np.full(len(corpus.sequences), UNASSIGNED)
    stages = corpus.entries["stage"].cast(pl.String).str.strip_chars().str.to_lowercase()
    sides = np.array([STAGES.get(stage, UNASSIGNED) for stage in stages], dtype=np.int64)[corpus.first_entries()]
    no_split = len(set(sides.tolist())) == 1  # all for training is what an unsplit table says
    return np.full_like(sides, UNASSIGNED) if no_split else sides


def _linkings(
    corpus: Corpus, families_at: Callable[[float], Int[np.ndarray, " proteins"]], config: MineConfig
) -> Iterator[tuple[str, Int[np.ndarray, " proteins"]]]:
    """Yield ever weaker linkings of proteins: what was given up, and the components."""
    families = families_at(config.split_identity)
    links = family_links(families)

    def joined(by_text: Int[np.ndarray, "links 2"]) -> Int[np.ndarray, " proteins"]:
        return np.asarray(connected_components(len(families), np.concatenate([links, by_text])))

    texts = TextLinks(corpus)
    yield "", joined(texts.links())
    short = "a side would have too few twins, so "
    for most in _GENERIC:
        reading = f"{short}texts shared by more than {most} families do not keep proteins together"
        yield reading, joined(texts.links(families=families, most=most))
    yield f"{short}shared texts do not keep proteins together", families
    for identity in _RECUTS:
        if identity > config.split_identity:
            yield f"{short}only {identity:.0%} identity keeps proteins together", families_at(identity)


def wanted_shares(config: MineConfig) -> Float[np.ndarray, "3"]:
    """Return the wanted shares of train, valid and test."""
    held_out = config.valid_fraction + config.test_fraction
    return np.array([1 - held_out, config.valid_fraction, config.test_fraction])


def _lacking(sides: Int[np.ndarray, " proteins"], pairs: Int[np.ndarray, "pairs 2"], config: MineConfig) -> list[str]:
    """Return the sides that hold less than a quarter of the pairs that they should."""
    whole = sides[pairs[:, 0]] == sides[pairs[:, 1]]
    held = np.bincount(sides[pairs[whole, 0]], minlength=len(SIDES))
    wanted = wanted_shares(config)
    short = (wanted > 0) & (held < np.maximum(_LEAST_FILLED * wanted * len(pairs), 1))
    return [SIDES[side] for side in np.flatnonzero(short)]


def _torn_components(components: Int[np.ndarray, " proteins"], given: Int[np.ndarray, " proteins"]) -> int:
    fixed = given != UNASSIGNED
    several = pl.DataFrame({"component": components[fixed], "side": given[fixed]}).unique()
    return int((several.group_by("component").len()["len"] > 1).sum())
