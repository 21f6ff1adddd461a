"""How often the gate errs, on real proteins with labels: `python benchmarks/gate.py ../shared/data`.

Two questions, each for the gates `text` and `function`, with 95 % intervals (Wilson; pairs of one family are
not independent, so the true uncertainty is larger):

- false negatives: of the labelled pairs called different, how many share their function;
- missed: of the labelled pairs that differ in function, how many are not called different.

Each set is cut in two halves by a hash of the gene family (or accession): rules may be made while looking at
the errors of the half `dev`, never at those of `held-out`; pairs across the halves are shown apart.

Antimicrobial resistance (all pairs with 70 to 99.99 % identity and coverage 80 %): function is
`resistance_class` and `subclass`; pairs with a missing label are left out of the rates. Settings: the labels
as columns, the labels hidden but named in the description, and only the product's name. Mutagenesis: wild
type against mutant, function is `neutral`. Swiss-Prot: pairs from 50 % identity on with their texts of
function, function is the EC number, hidden from the gate. Pairs are found once and kept in the folder given
by --work.
"""

import argparse
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from protrek_hm.homology import HomologyConfig, find_homologs
from protrek_hm.mine.audit import Rate
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.evidence.annotations import judge_ec
from protrek_hm.mine.evidence.findings import Verdict
from protrek_hm.mine.gate import Gate

LABELS = ("resistance_class", "subclass")
HALVES = ("dev", "held-out")
TEXT, WORDS, FUNCTION = MineConfig(gate="text"), MineConfig(neighbours=False), MineConfig()


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows of a table, what is true of them, and the half (0, 1; 2 across) that each belongs to."""

    left: np.ndarray
    right: np.ndarray
    identity: np.ndarray | None
    same: np.ndarray
    differ: np.ndarray
    half: np.ndarray


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("out/benchmarks"))
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    show("setting", "gate", "half", ("called", "false negatives", "same called different", "missed"))
    resistance(arguments.data, arguments.work)
    mutagenesis(arguments.data)
    swissprot(arguments.data, arguments.work)


def resistance(data: Path, work: Path) -> None:
    """Antimicrobial-resistance proteins."""
    table = pl.read_csv(data / "amr_proteins.tsv.gz", separator="\t", quote_char=None)
    left, right, identity = find(table["protein_sequence"], HomologyConfig(), work / "resistance_pairs.parquet")
    labels = [table[name].fill_null("").to_numpy() for name in LABELS]
    known = np.all([(label[left] != "") & (label[right] != "") for label in labels], axis=0)
    same = known & np.all([label[left] == label[right] for label in labels], axis=0)
    half = halves(table["gene_family"].fill_null(""), left, right)
    pairs = Pairs(left, right, identity, same, known & ~same, half)
    told = table.rename({"description": "text"})
    named = told.with_columns(text=pl.col("text").str.replace(r"\s*Resistance class:.*$", ""))
    columns = replace(FUNCTION, evidence=tuple(f"{name}:set" for name in LABELS))
    measure("resistance, labels in words", "text", told, pairs, TEXT)
    measure("resistance, labels as columns", "function", told, pairs, columns)
    measure("resistance, labels in words", "function", told.drop(LABELS), pairs, FUNCTION)
    measure("resistance, product's name", "text", named, pairs, TEXT)
    measure("resistance, product's name", "function, no neighbours", named.drop(LABELS), pairs, WORDS)
    measure("resistance, product's name", "function", named.drop(LABELS), pairs, FUNCTION)


def mutagenesis(data: Path) -> None:
    """Wild types and mutants."""
    table = pl.read_csv(data / "mutagenesis_twins.tsv.gz", separator="\t", quote_char=None)
    table = table.filter(pl.col("wt_function").is_not_null() & pl.col("effect").is_not_null())
    entries = pl.DataFrame({"text": pl.concat([table["wt_function"], table["effect"]])})
    left = np.arange(table.height)
    same = (table["neutral"] == 1).to_numpy()
    pairs = Pairs(left, left + table.height, None, same, ~same, halves(table["accession"], left, left))
    measure("mutagenesis", "text", entries, pairs, TEXT)
    measure("mutagenesis", "function", entries, pairs, FUNCTION)


def swissprot(data: Path, work: Path) -> None:
    """Proteins with texts of function and EC numbers."""
    table = pl.read_csv(data / "swissprot_text.tsv.gz", separator="\t", quote_char=None, infer_schema=False)
    table = table.filter(pl.col("function").str.len_chars() > 0).unique("sequence", maintain_order=True)
    config = HomologyConfig(min_identity=0.5)
    left, right, identity = find(table["sequence"], config, work / "swissprot_pairs.parquet")
    truth = judge_ec(table["ec"].to_list(), left, right).verdicts
    ec = table["ec"].fill_null("").to_numpy()
    same, differ = (truth == Verdict.SAME) & (ec[left] == ec[right]), truth == Verdict.DIFFERENT
    pairs = Pairs(left, right, identity, same, differ, halves(table["accession"], left, right))
    entries = table.select(text="function")
    measure("Swiss-Prot, EC hidden", "text", entries, pairs, TEXT)
    measure("Swiss-Prot, EC hidden", "function, no neighbours", entries, pairs, WORDS)
    measure("Swiss-Prot, EC hidden", "function", entries, pairs, FUNCTION)


def find(sequences: pl.Series, config: HomologyConfig, cache: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all look-alikes and their identities, from the cache if they are there."""
    if not cache.exists():
        find_homologs(sequences.to_list(), config).write_parquet(cache)
    pairs = pl.read_parquet(cache)
    left, right = (pairs[name].to_numpy().astype(np.int64) for name in ("a", "b"))
    return left, right, pairs["identity"].to_numpy()


def halves(names: Iterable[str], left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the half of each pair by a hash of its rows' names: 0, 1, or 2 across."""
    half = np.array([hashlib.blake2b(name.encode(), digest_size=8).digest()[0] % 2 for name in names])
    return np.where(half[left] == half[right], half[left], 2)


def measure(setting: str, gate: str, entries: pl.DataFrame, pairs: Pairs, config: MineConfig) -> None:
    """Print rates of all pairs, and of each half."""
    judged = Gate(entries, config).judge(pairs.left, pairs.right, identity=pairs.identity)
    called = (judged["verdict"] == "different").to_numpy()
    everything = np.ones(len(called), dtype=bool)
    for name, chosen in (("all", everything), *((name, pairs.half == half) for half, name in enumerate(HALVES))):
        same, differ = pairs.same & chosen, pairs.differ & chosen
        both = int((called & same).sum())
        rates = (Rate(both, int((called & (same | differ)).sum())), Rate(both, int(same.sum())))
        missed = Rate(int((~called & differ).sum()), int(differ.sum()))
        show(setting, gate, name, (f"{(called & chosen).sum():,}", *(str(each) for each in (*rates, missed))))


def show(setting: str, gate: str, half: str, cells: tuple[str, ...]) -> None:
    """Print a line."""
    print("\t".join((setting, gate, half, *cells)))  # noqa: T201


if __name__ == "__main__":
    main()
