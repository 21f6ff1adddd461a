"""Do scans order substitutions as experiments do? Deep mutational scans of proteins that no model here was trained on.

    python benchmarks/scan.py PROTEINS -m mini-base

PROTEINS is the table of twins that `recipes/board/prepare.py` writes: rows of the set `dms` with assay, mutation,
score, family and split. Of each assay some measured single substitutions are drawn. Each is scored from the first
wording of the assay's low scores towards that of its high ones: by the model's vectors, by the twin head (of the
model's folder, else the packaged one), and without words by BLOSUM62 and by what relatives in the table have at
the site. Prints Spearman's correlation with the measured score for each assay, and its mean over families (of the
assays of one family the mean) with a 95 % interval by bootstrap over families. Long proteins are read in windows, as
`protrek-hm scan` does.
"""

import argparse
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.data.twins.texts import wordings
from protrek_hm.evaluate.statistics import mean_with_interval
from protrek_hm.homology.lookup import Lookup
from protrek_hm.homology.profile import SUBSTITUTION, Profile, profiles
from protrek_hm.index.encoder import encode_unit
from protrek_hm.model import load_encoder
from protrek_hm.model.twin_head import head_of
from protrek_hm.search.scan import substitution_changes

SINGLE = re.compile("([A-Z])([0-9]+)([A-Z])")


def main() -> None:
    """Score, correlate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("proteins", type=Path)
    parser.add_argument("-m", "--model", default="mini-base", help="folder or name")
    parser.add_argument("--mutants", type=int, default=1000, help="of each assay, at most")
    parser.add_argument("--split", default="test")
    parser.add_argument(
        "--relatives", type=Path, help="table with a column sequence, in which relatives are looked for"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the choice of mutants")
    given = parser.parse_args()
    whole = pl.read_parquet(given.proteins)
    table = whole.filter((pl.col("set") == "dms") & (pl.col("split") == given.split))
    wild = {row["id"]: row["sequence"] for row in table.filter(pl.col("wild_type").is_null()).iter_rows(named=True)}
    model = load_encoder(given.model, device="cpu")
    pool = Lookup.of(whole.filter(pl.col("wild_type").is_null())["sequence"].unique(maintain_order=True))
    found = []
    for (assay,), rows in sorted(table.filter(pl.col("assay").is_not_null()).group_by("assay", maintain_order=True)):
        singles = rows.filter(pl.col("mutation").str.contains(r"^[A-Z][0-9]+[A-Z]$")).sort("id")
        drawn = singles.sample(min(given.mutants, len(singles)), seed=given.seed)
        scored = correlations(model, drawn.to_dicts(), wild, pool)
        found.append(
            {
                "assay": assay,
                "family": rows["family"][0],
                "seen by the base": rows["seen_by_base"][0],
                "n": len(drawn),
                **scored,
            }
        )
        print("\t".join(_shown(each) for each in found[-1].values()), flush=True)  # noqa: T201
    print("\t".join(found[0]))  # noqa: T201
    families = np.array([each["family"] for each in found])
    for name in [key for key in found[0] if key not in ("assay", "family", "seen by the base", "n")]:
        values = np.array([each[name] for each in found], dtype=float)
        means = np.array([values[families == each].mean() for each in np.unique(families)])
        mean = mean_with_interval(means, np.arange(len(means)), seed=given.seed, bounds=(-1.0, 1.0))
        print(f"{name}: {mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}], {mean.groups} families")  # noqa: T201


def correlations(
    model: Any, mutants: list[dict[str, Any]], wild: dict[str, str], pool: Lookup | None
) -> dict[str, float]:
    """Return Spearman's correlation of each way to score with the measured score of an assay's mutants."""
    protein = wild[mutants[0]["wild_type"]]
    high, low = (wordings({**mutants[0], "level": level})[0] for level in ("high", "low"))
    vectors = encode_unit(model, [high, low], task="text")
    places = []
    for each in mutants:
        own, number, residue = SINGLE.fullmatch(each["mutation"]).groups()
        assert protein[int(number) - 1] == own, each["id"]
        places.append((int(number) - 1, residue))
    changes = substitution_changes(model, vectors, protein, places)
    [profile] = profiles([protein], pool)
    scores = {
        "model": changes[:, 0] - changes[:, 1],
        "model, high alone": changes[:, 0],
        "BLOSUM62": np.array([_of(SUBSTITUTION, protein[site], residue) for site, residue in places]),
        "relatives": np.array([_gain(profile, protein, *place) for place in places]),
    }
    if (head := head_of(model)) is not None:
        towards, away = head.read([high, low])
        scan = head.scan(towards, protein, profile) - head.scan(away, protein, profile)
        scores["head"] = np.array([scan[site, AMINO_ACIDS.index(residue)] for site, residue in places])
    measured = [each["score"] for each in mutants]
    return {name: float(spearmanr(each, measured).statistic) for name, each in scores.items()}


def _of(table: Any, own: str, other: str) -> float:
    return float(table[AMINO_ACIDS.index(own), AMINO_ACIDS.index(other)])


def _gain(profile: Profile, protein: str, site: int, residue: str) -> float:
    odds = profile.log_odds[site]
    return float(odds[AMINO_ACIDS.index(residue)] - odds[AMINO_ACIDS.index(protein[site])])


def _shown(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
