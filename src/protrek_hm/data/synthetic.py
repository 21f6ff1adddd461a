"""Protein families made by simulated evolution, with the truth about every twin.

A *fold* is a name and a founder: a random sequence with a conserved core and two active sites. From it diverge
*families*, far enough to share less than half of their residues, and from each family's ancestor its *members*, nearly
identical: trees whose branches substitute (as readily as BLOSUM62 says), insert and delete, but never in core or sites.
Three residues of the first site decide the substrate, three of the second the regulator, by one code for all folds. Two
members of a family that differ there are twins: nearly one sequence, two functions. Texts name fold, family,
substrate and regulator in varying words, so that wording alone is no evidence of function; where nobody has studied the
function they name fold and family alone, as most texts of real databases do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import parasail
import polars as pl
from jaxtyping import Bool, Float, Int

from protrek_hm.config import require

RESIDUES = "ARNDCQEGHILKMFPSTWYV"  # `AMINO_ACIDS` in the order of BLOSUM62
# Per cent of each residue in UniProtKB/Swiss-Prot, rounded
BACKGROUND = np.array(
    [8.3, 5.5, 4.1, 5.5, 1.4, 3.9, 6.7, 7.1, 2.3, 5.9, 9.7, 5.8, 2.4, 3.9, 4.7, 6.6, 5.4, 1.1, 2.9, 6.9]
)
FOLDS = (
    "hydrolase", "kinase", "protease", "ligase", "isomerase", "reductase", "transferase", "lyase",
    "permease", "receptor", "nuclease", "oxidase", "chaperone", "carboxylase", "deaminase", "phosphatase",
)  # fmt: skip
SUBSTRATES = {"HDR": "glucose", "WFL": "cholesterol", "CMG": "cadmium", "PNK": "adenosine"}
REGULATORS = {"EYC": "calcium", "KIH": "citrate", "DWP": "heme", "NRF": "thiamine"}
PHRASES = (
    "{fold} of the {name} family acting on {substrate}. It is activated by {regulator}.",
    "A {name} family {fold} whose substrate is {substrate}; {regulator} switches it on.",
    "A {fold} that recognises {substrate} and depends on {regulator}. {name} family.",
    "Belongs to the {fold} fold and the {name} family, binds {substrate}, requires {regulator}.",
)
UNKNOWN = {"substrate": "an unknown substrate", "regulator": "an unknown cofactor"}
SITE = 3  # residues of an active site
CORE = 0.3  # share of the other residues that a fold keeps in all its families


@dataclass(frozen=True)
class SyntheticConfig:
    """How many families, and how far they and their members diverge.

    families: dealt out over `folds` (1 … 16) in turn. vague: share of the families, the first ones, whose texts name
    fold and family alone, in [0, 1]. members: of each family. length: residues of a founder.
    divergence: substitutions per site from a fold's founder to a family. substitutions: from there to a member.
    indels: insertions and deletions for each substitution. All expected values, in [0, 2).
    """

    families: int = 64
    members: int = 12
    folds: int = 8
    vague: float = 0.0
    length: int = 64
    divergence: float = 1.5
    substitutions: float = 0.06
    indels: float = 0.02
    seed: int = 42

    def __post_init__(self) -> None:
        require("families", self.families, "must be at least 1", holds=self.families >= 1)
        require("members", self.members, "must be at least 1", holds=self.members >= 1)
        require("folds", self.folds, f"must lie in 1 … {len(FOLDS)}", holds=1 <= self.folds <= len(FOLDS))
        require("length", self.length, "must be at least 40 residues", holds=self.length >= 40)
        require("vague", self.vague, "must lie in [0, 1]", holds=0 <= self.vague <= 1)
        for name in ("divergence", "substitutions", "indels"):
            value = getattr(self, name)
            require(name, value, "must lie in [0, 2)", holds=0 <= value < 2)


@dataclass(frozen=True)
class SyntheticProteins:
    """`proteins`: the usual columns (`ec` is null in vague families) and the truth: fold, family, substrate, regulator.

    `twins`: every pair of one family, `a` before `b` in the table (ids), and whether they share their function.
    """

    proteins: pl.DataFrame
    twins: pl.DataFrame


@dataclass(frozen=True)
class _Lineage:
    """One sequence on its way: residues as indexes into RESIDUES, which of them are kept, which form the two sites."""

    residues: Int[np.ndarray, " length"]
    kept: Bool[np.ndarray, " length"]
    sites: Bool[np.ndarray, " length"]


def synthetic_families(config: SyntheticConfig) -> SyntheticProteins:
    """Simulate families of proteins; the same config gives the same proteins.

    >>> made = synthetic_families(SyntheticConfig(families=2, members=3, seed=1))
    >>> made.proteins.height, made.twins.height, made.proteins.columns[:3]
    (6, 6, ['id', 'sequence', 'text'])
    """
    rng = np.random.default_rng(config.seed)
    founders = [_founder(config.length, rng) for _ in range(config.folds)]
    rows = []
    for family in range(config.families):
        fold = family % config.folds
        vague = family < config.vague * config.families
        name = "".join(rng.choice(["ba", "do", "ki", "lu", "me", "no", "ra", "ti", "vo", "ze"], size=3))
        ancestor = _diverge(founders[fold], config.divergence, config.indels, rng)
        for member, leaf in enumerate(_leaves(ancestor, config, rng)):
            substrate, regulator = str(rng.choice(list(SUBSTRATES))), str(rng.choice(list(REGULATORS)))
            words = {
                "fold": FOLDS[fold],
                "substrate": SUBSTRATES[substrate],
                "regulator": REGULATORS[regulator],
            }
            told = words | UNKNOWN if vague else words
            text = PHRASES[rng.integers(len(PHRASES))].format(**told, name=name)
            ec = f"{fold + 1}.1.{[*SUBSTRATES].index(substrate) + 1}.{[*REGULATORS].index(regulator) + 1}"
            rows.append(
                {
                    "id": f"F{family:04d}M{member:03d}",
                    "sequence": _with_function(leaf, substrate, regulator),
                    "text": text[0].upper() + text[1:],
                    "ec": None if vague else ec,
                    "family": family,
                    **words,
                }
            )
    return SyntheticProteins(pl.DataFrame(rows, infer_schema_length=None), _pairs(rows))


def _indexes(letters: str) -> Int[np.ndarray, " letters"]:
    return np.array([RESIDUES.index(letter) for letter in letters])


def _founder(length: int, rng: np.random.Generator) -> _Lineage:
    """Draw a random sequence with a site in the middle of each half and a conserved core."""
    residues = rng.choice(len(RESIDUES), size=length, p=BACKGROUND / BACKGROUND.sum())
    sites = np.zeros(length, dtype=bool)
    for start in (length // 4, 3 * length // 4):
        sites[start : start + SITE] = True
    return _Lineage(residues, sites | (rng.random(length) < CORE), sites)


def _leaves(root: _Lineage, config: SyntheticConfig, rng: np.random.Generator) -> list[_Lineage]:
    """Split the oldest lineage in two until there are enough; every branch diverges by an equal share."""
    share = config.substitutions / max(1, int(np.ceil(np.log2(config.members))))
    lineages = [root]
    while len(lineages) < config.members:
        parent = lineages.pop(0)
        lineages += [_diverge(parent, share, config.indels, rng) for _ in range(2)]
    return lineages


def _diverge(parent: _Lineage, substitutions: float, indels: float, rng: np.random.Generator) -> _Lineage:
    """Substitute, delete and insert along one branch, but for what is kept; rates are expected numbers per site."""
    residues, kept, sites = parent.residues.copy(), parent.kept, parent.sites
    for i in np.flatnonzero(~kept).repeat(rng.poisson(substitutions, size=int((~kept).sum()))):
        residues[i] = rng.choice(len(RESIDUES), p=_SUBSTITUTION[residues[i]])
    rate = 1 - np.exp(-substitutions * indels / 2)
    stay = (rng.random(len(residues)) >= rate) | kept
    residues, kept, sites = residues[stay], kept[stay], sites[stay]
    grown = np.flatnonzero((rng.random(len(residues)) < rate) & ~kept)
    inserted = rng.choice(len(RESIDUES), size=len(grown), p=BACKGROUND / BACKGROUND.sum())
    return _Lineage(
        np.insert(residues, grown, inserted),
        np.insert(kept, grown, values=False),
        np.insert(sites, grown, values=False),
    )


def _with_function(leaf: _Lineage, substrate: str, regulator: str) -> str:
    """Write the deciding residues into the two sites."""
    residues = leaf.residues.copy()
    residues[leaf.sites] = _indexes(substrate + regulator)
    return "".join(RESIDUES[residue] for residue in residues)


def _substitution() -> Float[np.ndarray, "20 20"]:
    """Probability of each residue to replace another: background × 2^(BLOSUM62 / 2), no residue replacing itself."""
    scores = parasail.blosum62.matrix[:20, :20].astype(float)
    odds = BACKGROUND * 2 ** (scores / 2)
    np.fill_diagonal(odds, 0.0)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


_SUBSTITUTION = _substitution()


def _pairs(rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    pairs = [
        {"a": a["id"], "b": b["id"], "same_function": _function(a) == _function(b)}
        for a, b in combinations(rows, 2)
        if a["family"] == b["family"]
    ]
    return pl.DataFrame(pairs, schema={"a": pl.String, "b": pl.String, "same_function": pl.Boolean})


def _function(row: Mapping[str, object]) -> tuple[object, object]:
    return row["substrate"], row["regulator"]
