"""Tell twins without texts apart by the model, by their labelled relatives, and by both, as a search does.

    python benchmarks/relatives.py amr_proteins.tsv.gz [--split valid|test] [--min-identity 0.5] [--work FOLDER]

An index of all AMR reference proteins, in which those alleles of known families that no training of `mini` read
(`recipes/mini/held_out.json`, both splits) have no text. Pairs: two of these of one split, 50 % identical or more,
whose resistance labels are specific (no class alone) and disjoint, at most six of a protein, at random. Text to
protein:
a search that only the two may answer is asked the text of each. Protein to text: which of both texts fits each of them
better, by the model's standard deviations and by what relatives predict. Weights were chosen on `valid` alone; `mini`
itself was, too, so that its own figures there flatter it. Intervals: 95 %, over proteins, since families are few.
"""

import argparse
import json
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from protrek_hm.cosines import preference
from protrek_hm.evaluate.statistics import mean_over_pairs
from protrek_hm.homology import HomologyConfig, find_homologs
from protrek_hm.index import IndexConfig, build_index
from protrek_hm.model import load_encoder
from protrek_hm.search import SearchConfig, Searcher

HELD_OUT = Path(__file__).parents[1] / "recipes" / "mini" / "held_out.json"
SPLITS = ("valid", "test")
SEED, MOST = 42, 6


@dataclass(frozen=True)
class Rows:
    """A condition that only these rows of the index meet."""

    chosen: tuple[int, ...]

    def rows(self, records: pl.DataFrame) -> np.ndarray:
        """Say for each record whether it may answer."""
        allowed = np.zeros(len(records), dtype=bool)
        allowed[list(self.chosen)] = True
        return allowed


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)  # noqa: T201


def read(path: Path) -> pl.DataFrame:
    """Return the proteins with their texts, families, and which of them are hidden: in `part`, else null."""
    table = pl.read_csv(path, separator="\t", infer_schema_length=0, quote_char=None).select(
        pl.col("resistance_class", "subclass").fill_null(""),
        id="accession",
        sequence="protein_sequence",
        text="description",
        family="gene_family",
    )
    held = json.loads(HELD_OUT.read_text())
    split_of = {name: split for split in SPLITS for name in held[f"alleles_{split}"]["amr"]}
    return table.with_columns(split=pl.col("id").replace_strict(split_of, default=None, return_dtype=pl.String))


def substrates(row: dict[str, str]) -> set[str]:
    """Return what a protein is said to act on, its class left out."""
    return set(row["subclass"].split("/")) - set(row["resistance_class"].split("/")) - {""}


def twins(proteins: pl.DataFrame, split: str, least: float) -> list[tuple[int, int]]:
    """Pair the hidden proteins of a split: rows of the table."""
    rows = proteins.with_row_index("row").filter(split=split).rows(named=True)
    near = find_homologs([row["sequence"] for row in rows], HomologyConfig(min_identity=least, threads=1))
    found = []
    for a, b in near.select("a", "b").iter_rows():
        acts = [substrates(rows[each]) for each in (a, b)]
        if all(acts) and not acts[0] & acts[1] and rows[a]["text"] != rows[b]["text"]:
            found.append((rows[a]["row"], rows[b]["row"]))
    random.Random(SEED).shuffle(found)
    times, kept = Counter[int](), []
    for pair in found:
        if max(times[row] for row in pair) < MOST:
            times.update(pair)
            kept.append(pair)
    return kept


def by_search(searcher: Searcher, proteins: pl.DataFrame, pairs: Sequence[tuple[int, int]]) -> dict[str, list[float]]:
    """Ask the text of each of the two; 1 where it comes first of the two."""
    votes: dict[str, Any] = {"model": ("model",), "model and relatives": ("model", "relatives")}
    found: dict[str, list[float]] = {way: [] for way in (*votes, "relatives")}
    for pair in pairs:
        for row in pair:
            text, name = proteins["text"][row], proteins["id"][row]
            for way, within in votes.items():
                asked = SearchConfig(where=Rows(pair), group=True, min_identity=0.1, within=within)
                [[family]] = searcher.answer([text], asked)
                found[way].append(float(family.best.id == name))
            alone = [searcher.fits(proteins["sequence"][each], [text])[0].relatives for each in pair]
            found["relatives"].append(chosen(alone[pair.index(row)], alone[1 - pair.index(row)]))
    return found


def by_protein(searcher: Searcher, proteins: pl.DataFrame, pairs: Sequence[tuple[int, int]]) -> dict[str, list[float]]:
    """Compare both texts for each protein; 1 where its own fits better."""
    found: dict[str, list[float]] = {"model": [], "model and relatives": [], "relatives": []}
    for pair in pairs:
        texts = [proteins["text"][row] for row in pair]
        for place, row in enumerate(pair):
            fits = searcher.fits(proteins["sequence"][row], texts)
            own, other = fits[place], fits[1 - place]
            found["model"].append(chosen(own.score, other.score))
            found["relatives"].append(chosen(own.relatives, other.relatives))
            found["model and relatives"].append(chosen(own.total, other.total))
    return found


def chosen(own: float, other: float) -> float:
    """Return 1 where the own one is higher, 0.5 for a tie."""
    return float(preference(np.array([own]), np.array([other]))[0])


def main() -> None:
    """Build the index, ask, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--split", choices=SPLITS, default="valid")
    parser.add_argument("--min-identity", type=float, default=0.5)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--work", type=Path, help="folder that keeps the index between runs")
    given = parser.parse_args()
    proteins = read(given.table)
    pairs = twins(proteins, given.split, given.min_identity)
    with tempfile.TemporaryDirectory() as temporary:
        place = (given.work or Path(temporary)) / f"index-{Path(given.model).name}"
        encoder = load_encoder(given.model)
        if not place.exists():
            shown = proteins.select("id", "sequence", text=pl.when(pl.col("split").is_null()).then("text"))
            build_index(shown, encoder, place, IndexConfig(meaning=True), model_name=given.model)
        searcher = Searcher.open(place, model=encoder)
        ends = np.array([pair for pair in pairs for _ in pair])
        say(f"{given.split}: {len(pairs)} pairs of {len(np.unique(ends))} proteins, seed {SEED}")
        for direction, ask in (("text to protein", by_search), ("protein to text", by_protein)):
            for way, values in ask(searcher, proteins, pairs).items():
                scores = np.array(values)
                mean = mean_over_pairs(scores, ends[:, 0], ends[:, 1], seed=SEED)
                assert mean is not None
                families = proteins["family"].gather(ends[:, 0])
                rates = pl.DataFrame({"family": families, "right": 100 * scores}).group_by("family")
                shares = rates.agg(pl.len(), pl.col("right").mean()).sort("len", descending=True).head(6).rows()
                told = ", ".join(f"{family or 'none'} {right:.0f} ({count})" for family, count, right in shares)
                percent = f"{100 * mean.value:5.1f} % [{100 * mean.low:.1f}, {100 * mean.high:.1f}]"
                say(f"{direction}  {way:20} {percent}  {told}")


if __name__ == "__main__":
    main()
