"""What changes between a protein and its variant, as numbers: a row for each site that differs.

What a substitution does depends on the two residues, on what stands around them, and on what evolution has allowed
there (Ng and Henikoff 2001, doi:10.1101/gr.176601; Hopf et al. 2017, doi:10.1038/nbt.3769). Features of all three,
none of them learned, so that a small network can learn from few proteins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.config import require
from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.homology.identity import align
from protrek_hm.homology.profile import SUBSTITUTION, Profile, numbers

NEIGHBOURS = (0, 2, 4, 8)
"""Residues on each side whose means are read."""

_OTHER, _GAP = 20, 21
_KINDS = 22
_FEW = 0.3  # share of residues up to which proteins of one length are compared without an alignment


def _table(*values: tuple[str, Sequence[float]]) -> Float[np.ndarray, "20 kinds"]:
    """Lay out values that are given in another order of the residues."""
    return np.array([[scale[letters.index(residue)] for letters, scale in values] for residue in AMINO_ACIDS])


_ORDER = "ARNDCQEGHILKMFPSTWYV"
# Hydropathy (Kyte and Doolittle 1982), volume in 50 Å³ (Zamyatnin 1972), charge, helix propensity in kcal/mol (Pace
# and Scholtz 1998), strand propensity (Chou and Fasman 1978); is it glycine, proline, aromatic, branched, cysteine?
PROPERTIES: Float[np.ndarray, "20 10"] = np.hstack(
    [
        _table(
            (
                _ORDER,
                [1.8, -4.5, -3.5, -3.5, 2.5, -3.5, -3.5, -0.4, -3.2, 4.5]
                + [3.8, -3.9, 1.9, 2.8, -1.6, -0.8, -0.7, -0.9, -1.3, 4.2],
            ),
            (
                _ORDER,
                [1.77, 3.47, 2.28, 2.22, 2.17, 2.88, 2.77, 1.20, 3.06, 3.33]
                + [3.33, 3.37, 3.26, 3.80, 2.25, 1.78, 2.32, 4.56, 3.87, 2.80],
            ),
            (_ORDER, [0, 1, 0, -1, 0, 0, -1, 0, 0.3, 0] + [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
            (
                _ORDER,
                [0, 0.21, 0.65, 0.69, 0.68, 0.39, 0.40, 1, 0.61, 0.41]
                + [0.21, 0.26, 0.24, 0.54, 3.16, 0.5, 0.66, 0.49, 0.53, 0.61],
            ),
            (
                _ORDER,
                [0.83, 0.93, 0.89, 0.54, 1.19, 1.10, 0.37, 0.75, 0.87, 1.60]
                + [1.30, 0.74, 1.05, 1.38, 0.55, 0.75, 1.19, 1.37, 1.47, 1.70],
            ),
        ),
        np.array([[float(residue in kind) for kind in ("G", "P", "FWYH", "ILV", "C")] for residue in AMINO_ACIDS]),
    ]
)
_AROUND = PROPERTIES[:, :6]


@dataclass(frozen=True)
class FeatureConfig:
    """What is read at a changed site, besides the two residues and the place.

    Attributes
    ----------
    substitution
        BLOSUM62 and the properties of the two residues.
    neighbours
        Residues on each side whose mean properties are read, one of `NEIGHBOURS`.
    conservation
        How often relatives have each of the two residues there, and how much the site varies.
    """

    substitution: bool = True
    neighbours: int = 8
    conservation: bool = True

    def __post_init__(self) -> None:
        require("neighbours", self.neighbours, f"must be one of {NEIGHBOURS}", holds=self.neighbours in NEIGHBOURS)


@dataclass(frozen=True)
class Changes:
    """Sites at which variants differ from their references.

    Attributes
    ----------
    features
        A row a site.
    variant
        Which variant each is of.
    sites
        How many sites each variant has, whether they are described or not; one that equals its reference has none.
    """

    features: Float[np.ndarray, "described features"]
    variant: Int[np.ndarray, " described"]
    sites: Int[np.ndarray, " variants"]


def describe_changes(
    references: Sequence[str],
    variants: Sequence[str],
    profiles: Sequence[Profile | None],
    config: FeatureConfig,
    *,
    sites: Sequence[Int[np.ndarray, "sites 3"]] | None = None,
) -> Changes:
    """Describe every site at which each variant differs from its reference.

    Parameters
    ----------
    references, variants
        Sequences, pair by pair; of unequal lengths, or too different, they are aligned (`homology.identity`).
    profiles
        Of the references, pair by pair. None: the variant's sites are only counted.
    sites
        `differing_sites` of each pair, where they are known already.

    Examples
    --------
    >>> found = describe_changes(["MKV", "MKV"], ["MKV", "MAV"], [Profile.of("MKV")] * 2, FeatureConfig())
    >>> found.variant.tolist(), found.features.shape[0], found.sites.tolist()
    ([1], 1, [0, 1])
    """
    context: dict[int, Float[np.ndarray, "residues kinds"]] = {}
    found = [*map(differing_sites, references, variants)] if sites is None else sites
    rows, owner = [np.empty((0, width(config)), dtype=np.float32)], [np.empty(0, dtype=np.int64)]
    for number, (reference, profile, differing) in enumerate(zip(references, profiles, found, strict=True)):
        if profile is None or not len(differing):
            continue
        around = context.get(id(profile))
        if around is None:
            around = context[id(profile)] = _surroundings(reference, profile, config)
        rows.append(_features(reference, differing, profile, around, config, changes=len(differing)))
        owner.append(np.full(len(differing), number))
    counts = np.array([len(each) for each in found], dtype=np.int64)
    return Changes(np.concatenate(rows), np.concatenate(owner), counts)


def all_substitutions(
    protein: str, profile: Profile, config: FeatureConfig, residues: range | None = None
) -> Float[np.ndarray, "residues*20 features"]:
    """Describe each residue of a protein replaced by each of the twenty; rows that change nothing mean nothing.

    residues: those that are replaced, counted from 0; all by default.
    """
    places = np.arange(len(protein)) if residues is None else np.array(residues, dtype=np.int64)
    own = _codes(protein)[places]
    sites = np.stack([places.repeat(20), own.repeat(20), np.tile(np.arange(20), len(places))], axis=1)
    return _features(protein, sites, profile, _surroundings(protein, profile, config), config, changes=1)


def width(config: FeatureConfig) -> int:
    """Return how many features a site has.

    >>> width(FeatureConfig(substitution=False, neighbours=0, conservation=False))
    48
    """
    around = 6 * sum(radius <= config.neighbours for radius in NEIGHBOURS[1:])
    return 2 * _KINDS + 4 + 36 * config.substitution + around + 8 * config.conservation


def differing_sites(reference: str, variant: str) -> Int[np.ndarray, "sites 3"]:
    """Return place in the reference, its residue and the variant's (numbers; 20 another letter, 21 none).

    What is inserted stands at the residue before it.

    Examples
    --------
    >>> differing_sites("MKTAYIAKQR", "MKTAYIAKQK").tolist()
    [[9, 14, 8]]
    >>> differing_sites("MKTAYIAKQR", "MKTAYAKQR").tolist()
    [[5, 7, 21]]
    """
    if reference == variant:
        return np.empty((0, 3), dtype=np.int64)
    if len(reference) == len(variant):
        ours, theirs = _codes(reference), _codes(variant)
        at = np.flatnonzero(np.frombuffer(reference.encode(), "u1") != np.frombuffer(variant.encode(), "u1"))
        if len(at) <= _FEW * len(reference):
            return np.stack([at, ours[at], theirs[at]], axis=1)
    alignment = align(reference, variant)
    ours, theirs = _codes(alignment.a), _codes(alignment.b)
    place = np.maximum(np.cumsum(ours != _GAP) - 1, 0)
    at = np.flatnonzero(np.frombuffer(alignment.a.encode(), "u1") != np.frombuffer(alignment.b.encode(), "u1"))
    return np.stack([place[at], ours[at], theirs[at]], axis=1)


def _codes(sequence: str) -> Int[np.ndarray, " residues"]:
    found = numbers(sequence).astype(np.int64)
    found[found < 0] = _OTHER
    found[np.frombuffer(sequence.encode("latin-1"), "u1") == ord("-")] = _GAP
    return found


_ONE_OF_EACH = np.eye(_KINDS)
_KNOWN = np.vstack([PROPERTIES, PROPERTIES.mean(axis=0), np.zeros(10)])  # another letter: the mean; a gap: nothing
SCORES: Float[np.ndarray, "22 22"] = np.pad(SUBSTITUTION, ((0, 2), (0, 2)), constant_values=-4.0)
"""BLOSUM62 by the numbers of `differing_sites`: another letter, or none, scores -4 with anything."""


def _features(
    reference: str,
    sites: Int[np.ndarray, "sites 3"],
    profile: Profile,
    context: Float[np.ndarray, "residues kinds"],
    config: FeatureConfig,
    *,
    changes: int,
) -> Float[np.ndarray, "sites features"]:
    place, ours, theirs = sites.T
    length = len(reference)
    from_end = np.minimum(place, length - 1 - place)
    columns = [
        *(_ONE_OF_EACH[ours], _ONE_OF_EACH[theirs], (place / length)[:, None], np.minimum(from_end, 100)[:, None] / 50),
        *(np.full((len(place), 1), np.log(length)), np.full((len(place), 1), np.log(changes))),
    ]
    if config.substitution:
        before, after = _KNOWN[ours], _KNOWN[theirs]
        columns += [SCORES[ours, theirs][:, None], before, after, after - before, np.abs(after - before)[:, :5]]
    if config.conservation:
        odds = np.pad(profile.log_odds, ((0, 0), (0, 2)))
        old, new = odds[place, ours], odds[place, theirs]
        columns.append(np.stack([new, old, new - old], axis=1))
    columns.append(context[place])
    return np.hstack(columns).astype(np.float32)


def _surroundings(reference: str, profile: Profile, config: FeatureConfig) -> Float[np.ndarray, "residues kinds"]:
    """Return what each residue stands among: mean properties around it, and how its site varies."""
    known = np.vstack([_AROUND, _AROUND.mean(axis=0)])[_codes(reference)]
    columns = [_means(known, radius) for radius in NEIGHBOURS[1:] if radius <= config.neighbours]
    if config.conservation:
        entropy, depth = profile.entropy[:, None], np.log(np.maximum(profile.depth, 1e-3))[:, None]
        columns += [entropy, depth, depth > 0.0, *(_means(entropy, radius) for radius in (2, 5))]
    return np.hstack(columns) if columns else np.empty((len(reference), 0))


def _means(values: Float[np.ndarray, "residues kinds"], radius: int) -> Float[np.ndarray, "residues kinds"]:
    """Return the mean over each residue and its neighbours, what lies beyond the ends as 0."""
    padded = np.pad(values, ((radius + 1, radius), (0, 0))).cumsum(axis=0)
    return np.asarray((padded[2 * radius + 1 :] - padded[: -2 * radius - 1]) / (2 * radius + 1))
