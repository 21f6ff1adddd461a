"""Find proteins of unseen families by their texts: by a model, and by the texts of their labelled relatives as well.

    python benchmarks/unseen.py DATA [--part valid|test] [--model mini-words] [--work unseen-run]

DATA holds `swissprot_text.tsv.gz`. Asked are the texts of the proteins whose components (50 % identity, or a text in
common) `recipes/mini/held_out.json` puts aside for one part; counted is how often a right protein is among the first
ten of this part. One index holds them all without their texts, and the labelled proteins: those that are put aside for
nothing, with their texts (or else names). So relatives lie below 50 % identity, and nothing is read of the proteins
that are asked for. Searches are those of the product, `where` the part; the index is kept in --work. How many relatives
count, and how much, was chosen on `valid`. Intervals: 95 %, bootstrap over questions, which takes them as independent.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from protrek_hm.evaluate.statistics import mean_with_interval, paired_difference
from protrek_hm.evaluate.table import percent
from protrek_hm.index import IndexConfig, build_index
from protrek_hm.model import ProTrek
from protrek_hm.search import SearchConfig, Searcher

HELD_OUT = Path(__file__).parents[1] / "recipes" / "mini" / "held_out.json"
PARTS = ("valid", "test")
SEED, DRAWS, TEN = 42, 2_000, 10


def read_proteins(data: Path) -> tuple[pl.DataFrame, dict[str, dict[str, set[str]]]]:
    """Return the table of the index, a part beside each protein, and for each part text → its proteins."""
    table = pl.read_csv(data / "swissprot_text.tsv.gz", separator="\t", infer_schema=False, quote_char=None)
    name = pl.col("protein_name").str.replace(r" \(.*", "")
    held = json.loads(HELD_OUT.read_text(encoding="utf-8"))
    put_aside = [ids for key, sets in held.items() if key.startswith("components") for ids in sets.values()]
    labelled = table.filter(~pl.col("accession").is_in(sorted({each for ids in put_aside for each in ids})))
    text = pl.coalesce("function", name)
    proteins = [labelled.select("sequence", id="accession", text=text, part=pl.lit("labelled"))]
    right = dict[str, dict[str, set[str]]]()
    for part in PARTS:
        aside = pl.col("accession").is_in(held[f"components_{part}"]["swissprot"])
        asked = table.filter(aside, pl.col("function").is_not_null())
        nothing = pl.lit(None, dtype=pl.String)
        proteins.append(asked.select("sequence", id="accession", text=nothing, part=pl.lit(part)))
        right[part] = {}
        for text_, protein in asked.select("function", "accession").iter_rows():
            right[part].setdefault(text_, set()).add(protein)
    return pl.concat(proteins), right


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--part", choices=PARTS, default="valid")
    parser.add_argument("--model", default="mini-words")
    parser.add_argument("--work", type=Path, default=Path("unseen-run"))
    given = parser.parse_args()
    proteins, right = read_proteins(given.data)
    model, index = ProTrek.from_pretrained(given.model, device="cpu"), given.work / given.model
    if not index.exists():
        given.work.mkdir(parents=True, exist_ok=True)
        build_index(proteins, model, index, IndexConfig(meaning=True), model_name=given.model)
    searcher, questions = Searcher.open(index, model=model), right[given.part]
    counts = dict(proteins["part"].value_counts().iter_rows())
    print(f"{counts[given.part]} proteins, {len(questions)} texts; {counts['labelled']} labelled", flush=True)  # noqa: T201

    def ask(**asked: bool | tuple[str, ...]) -> Float[np.ndarray, " questions"]:
        config = SearchConfig(k=TEN, where=f"part = '{given.part}'", **asked)
        answers = searcher.answer(list(questions), config)
        pairs = zip(questions.values(), answers, strict=True)
        return np.array([any(each.best.id in ids for each in answer) for ids, answer in pairs], dtype=float)

    alone, groups = ask(signals=("model",)), np.arange(len(questions))
    ways = {"model": alone, "all signals, no relatives": ask(relatives=False), "all signals": ask()}
    for way, found in ways.items():
        mean = mean_with_interval(found, groups, seed=SEED, resamples=DRAWS)
        change = paired_difference(alone, found, groups, seed=SEED, resamples=DRAWS)
        assert mean is not None
        assert change is not None
        told = f"{percent(mean, between=' ')}   {percent(change, sign='+', between=' ')}"
        print(f"{way:27} {told}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
