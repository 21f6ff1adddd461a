"""How often the gate errs, on real proteins with labels: `python benchmarks/gate.py ../shared/data`.

Two questions, each for the gates `text` and `function`, with 95 % intervals (Wilson; pairs of one family are
not independent, so the true uncertainty is larger):

- false negatives: of the labelled pairs called different, how many share their function;
- missed: of the labelled pairs that differ in function, how many are not called different.

Antimicrobial resistance (all pairs with 70 to 99.99 % identity and coverage 80 %): function is
`resistance_class` and `subclass`; pairs with a missing label are left out of the rates. Three settings: the
labels as columns, the labels hidden but named in the description, and only the product's name. Mutagenesis:
wild type against mutant, function is `neutral`. The pairs are found once and kept in the folder given by
--work.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from protrek_hm.homology import HomologyConfig, find_homologs
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.gate import judge
from protrek_hm.mine.intervals import Rate

LABELS = ("resistance_class", "subclass")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("out/benchmarks"))
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    show("setting", "gate", ("called", "false negatives", "same called different", "missed"))
    resistance(arguments.data, arguments.work)
    mutagenesis(arguments.data)


def resistance(data: Path, work: Path) -> None:
    """Antimicrobial-resistance proteins."""
    table = pl.read_csv(data / "amr_proteins.tsv.gz", separator="\t", quote_char=None)
    cache = work / "resistance_pairs.parquet"
    if not cache.exists():
        find_homologs(table["protein_sequence"].to_list(), HomologyConfig()).write_parquet(cache)
    left, right = (pl.read_parquet(cache)[name].to_numpy().astype(np.int64) for name in ("a", "b"))
    labels = [table[name].fill_null("").to_numpy() for name in LABELS]
    known = np.all([(label[left] != "") & (label[right] != "") for label in labels], axis=0)
    same = known & np.all([label[left] == label[right] for label in labels], axis=0)
    told = table.rename({"description": "text"})
    named = told.with_columns(text=pl.col("text").str.replace(r"\s*Resistance class:.*$", ""))
    evidence = tuple(f"{name}:set" for name in LABELS)
    for setting, entries, config in (
        ("resistance, text", told, MineConfig(gate="text")),
        ("resistance, labels as columns", told, MineConfig(evidence=evidence)),
        ("resistance, labels in words", told.drop(LABELS), MineConfig()),
        ("resistance, product's name, text", named, MineConfig(gate="text")),
        ("resistance, product's name", named.drop(LABELS), MineConfig()),
    ):
        called = (judge(entries, left, right, config)["verdict"] == "different").to_numpy()
        rate(setting, config.gate, called, same, known & ~same)


def mutagenesis(data: Path) -> None:
    """Wild types and mutants."""
    table = pl.read_csv(data / "mutagenesis_twins.tsv.gz", separator="\t", quote_char=None)
    table = table.filter(pl.col("wt_function").is_not_null() & pl.col("effect").is_not_null())
    entries = pl.DataFrame({"text": pl.concat([table["wt_function"], table["effect"]])})
    left = np.arange(table.height)
    same = (table["neutral"] == 1).to_numpy()
    for gate in ("text", "function"):
        judged = judge(entries, left, left + table.height, MineConfig(gate=gate))
        rate("mutagenesis", gate, (judged["verdict"] == "different").to_numpy(), same, ~same)


def rate(setting: str, gate: str, called: np.ndarray, same: np.ndarray, differ: np.ndarray) -> None:
    """Print a line of rates."""
    both = int((called & same).sum())
    rates = (Rate(both, int((called & (same | differ)).sum())), Rate(both, int(same.sum())))
    missed = Rate(int((~called & differ).sum()), int(differ.sum()))
    show(setting, gate, (f"{called.sum():,}", *(str(each) for each in (*rates, missed))))


def show(setting: str, gate: str, cells: tuple[str, ...]) -> None:
    """Print a line."""
    print("\t".join((setting, gate, *cells)))  # noqa: T201


if __name__ == "__main__":
    main()
