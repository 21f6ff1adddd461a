"""Do explanations point at the residues that decide? On simulated families it is known which these are.

    protrek-hm demo --simulated --seed 42 -o demo42 && python benchmarks/explain.py demo42

Members of families that the demo's model never saw, in pairs that differ in substrate and share the regulator: three
neighbouring residues make the difference, all others that differ are chance. Each pair is explained for the text of its
first protein. Prints how often the difference that costs most lies among the three, against the share of the three in
all differences, and how much of the gap the single changes leave over; 95 % intervals by bootstrap over families.
"""

import argparse
from itertools import permutations
from pathlib import Path

import numpy as np
import polars as pl

from protrek_hm.data.synthetic import SITE, SUBSTRATES
from protrek_hm.evaluate.statistics import mean_with_interval
from protrek_hm.search import Searcher
from protrek_hm.search.explain import Protein, explain_pair

CODE = {substrate: residues for residues, substrate in SUBSTRATES.items()}


def main() -> None:
    """Explain pairs and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="what `protrek-hm demo --simulated` wrote")
    parser.add_argument("--index", default="index-tuned", help="the demo's index: index-tuned or index-base")
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0, help="of the choice of pairs")
    given = parser.parse_args()
    searcher = Searcher.open(given.demo / given.index, device="cpu")
    found = []
    for a, b in _pairs(searcher.index.records, given.pairs, seed=given.seed):
        why = explain_pair(searcher.model, a["text"], *(Protein(each["id"], each["sequence"]) for each in (a, b)))
        start = a["sequence"].find(CODE[a["substrate"]])
        inside = np.array([start < each.position_a <= start + SITE for each in why.substitutions])
        if why.explained is None or not 0 < inside.sum() < len(inside):
            continue
        costliest = int(np.argmin([each.change for each in why.substitutions]))
        left_over = abs(why.interaction or 0.0)
        found.append((a["family"], inside[costliest], inside.mean(), left_over, abs(why.gap)))
    families, *measured = (np.array(column) for column in zip(*found, strict=True))
    for name, values in zip(("costliest in the site", "by chance", "|left over|", "|gap|"), measured, strict=True):
        told = mean_with_interval(values.astype(float), families, seed=given.seed)
        print(f"{name:24}", told, flush=True)  # noqa: T201


def _pairs(records: pl.DataFrame, count: int, *, seed: int) -> list[tuple[dict, dict]]:
    known = records.filter(pl.col("text").is_not_null(), pl.col("family").is_not_null())
    found = [
        (a, b)
        for _, family in known.unique("sequence", maintain_order=True).group_by("family", maintain_order=True)
        for a, b in permutations(family.iter_rows(named=True), 2)
        if a["substrate"] != b["substrate"]
        and a["regulator"] == b["regulator"]
        and a["sequence"].count(CODE[a["substrate"]]) == 1
    ]
    chosen = np.random.default_rng(seed).permutation(len(found))[:count]
    return [found[number] for number in chosen.tolist()]


if __name__ == "__main__":
    main()
