"""Find proteins of unseen families by their texts: by a model, by the names of the nearest labelled proteins, by both.

    python benchmarks/unseen.py DATA [--part valid|test] [--model mini-words] [--nearest 1 5 20] [--weights 0.3 0.6 1]

DATA holds `swissprot_text.tsv.gz`. Asked are the texts of the proteins whose components (50 % identity, or a text in
common) `recipes/mini/held_out.json` puts aside for one part; counted is how often a right protein is among the first
ten. Labelled are all proteins that are not put aside: a protein's relatives are those of them that share most of its
4-mers (cosine, rare ones count more), at whatever identity, and what they say of it is the mean of the vectors of their
names, weighted by the squared cosine. Only names are read of them, and nothing of the proteins asked for. Model and
relatives are added in standard deviations of each question. How many relatives, and with which weight, was chosen on
`valid`. Vectors are kept in --work. Intervals: 95 %, bootstrap over questions, which takes them as independent.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy import sparse

from protrek_hm.config import Modality
from protrek_hm.evaluate.statistics import mean_with_interval, paired_difference
from protrek_hm.evaluate.table import percent
from protrek_hm.model import ProTrek
from protrek_hm.model.cached import CachedEncoder
from protrek_hm.model.encoder import unit_vectors
from protrek_hm.search.relatives import word_features

HELD_OUT = Path(__file__).parents[1] / "recipes" / "mini" / "held_out.json"
SEED, DRAWS, TEN = 42, 2_000, 10


def read_parts(data: Path, part: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the proteins that are asked for, with their texts, and the labelled ones."""
    table = pl.read_csv(data / "swissprot_text.tsv.gz", separator="\t", infer_schema=False, quote_char=None)
    proteins = table.select("sequence", id="accession", text="function", name=pl.col("protein_name").fill_null(""))
    proteins = proteins.with_columns(pl.col("name").str.replace(r" \(.*", ""))
    held = json.loads(HELD_OUT.read_text(encoding="utf-8"))
    aside = {
        each for key, sets in held.items() if key.startswith("components") for ids in sets.values() for each in ids
    }
    asked = proteins.filter(pl.col("id").is_in(held[f"components_{part}"]["swissprot"]), pl.col("text").is_not_null())
    return asked, proteins.filter(~pl.col("id").is_in(list(aside)))


def share_words(one: list[str], other: list[str]) -> Float[np.ndarray, "one other"]:
    """Return the cosines of proteins by the 4-mers that they hold; those that few of `other` hold count more."""
    held = [sparse.csr_array(word_features(each), dtype=np.float32) for each in (one, other)]
    rarity = np.log((1 + len(other)) / (1 + held[1].sum(0))).astype(np.float32)
    weighed = [each @ sparse.diags_array(rarity) for each in held]
    lengths = [np.sqrt(each.multiply(each).sum(1)) + 1e-9 for each in weighed]
    return (weighed[0] @ weighed[1].T).toarray() / np.outer(*lengths)


def say_of(
    cosines: Float[np.ndarray, "asked labelled"], labels: Float[np.ndarray, "labelled dim"], nearest: int
) -> Float[np.ndarray, "asked dim"]:
    """Return the unit mean of the labels of the nearest, beyond the mean of all labels."""
    found = np.argpartition(-cosines, nearest, axis=1)[:, :nearest]
    weights = np.take_along_axis(cosines, found, 1) ** 2
    said = (weights[..., None] * (labels[found] - labels.mean(0))).sum(1)
    return said / (np.linalg.norm(said, axis=1, keepdims=True) + 1e-9)


def deviations(scores: Float[np.ndarray, "questions proteins"]) -> Float[np.ndarray, "questions proteins"]:
    """Count each question's scores in standard deviations above their mean."""
    return (scores - scores.mean(1, keepdims=True)) / scores.std(1, keepdims=True)


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--part", choices=("valid", "test"), default="valid")
    parser.add_argument("--model", default="mini-words")
    parser.add_argument("--nearest", type=int, nargs="+", default=[1, 5, 20])
    parser.add_argument("--weights", type=float, nargs="+", default=[0.3, 0.6, 1.0])
    parser.add_argument("--work", type=Path, default=Path("unseen-run"))
    given = parser.parse_args()
    asked, labelled = read_parts(given.data, given.part)
    encoder = CachedEncoder(ProTrek.from_pretrained(given.model, device="cpu"), given.work)

    def encode(inputs: list[str], task: Modality) -> Float[np.ndarray, "inputs dim"]:
        return unit_vectors(encoder, inputs, task=task)

    questions = asked["text"].unique(maintain_order=True).to_list()
    right = np.array(questions)[:, None] == asked["text"].to_numpy()[None]
    texts, names = encode(questions, "text"), encode(labelled["name"].to_list(), "text")
    model = texts @ encode(asked["sequence"].to_list(), "sequence").T
    cosines = share_words(asked["sequence"].to_list(), labelled["sequence"].to_list())

    def count(scores: Float[np.ndarray, "questions proteins"]) -> Float[np.ndarray, " questions"]:
        first = np.argsort(-scores, axis=1, kind="stable")[:, :TEN]
        return np.take_along_axis(right, first, 1).any(1).astype(float)

    alone, groups = count(model), np.arange(len(questions))

    def say(way: str, found: Float[np.ndarray, " questions"]) -> None:
        mean = mean_with_interval(found, groups, seed=SEED, resamples=DRAWS)
        change = paired_difference(alone, found, groups, seed=SEED, resamples=DRAWS)
        assert mean is not None
        assert change is not None
        told = f"{percent(mean, between=' ')}   {percent(change, sign='+', between=' ')}"
        print(f"{way:34} {told}", flush=True)  # noqa: T201

    print(f"{asked.height} proteins, {len(questions)} texts; {labelled.height} labelled")  # noqa: T201
    say("model", alone)
    for nearest in given.nearest:
        relatives = texts @ say_of(cosines, names, nearest).T
        say(f"nearest {nearest}", count(relatives))
        for weight in given.weights:
            both = deviations(model) + weight * deviations(relatives)
            say(f"nearest {nearest}, weight {weight:g}, and model", count(both))


if __name__ == "__main__":
    main()
