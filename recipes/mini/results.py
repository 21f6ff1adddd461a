"""The table of docs/results.md: every recipe and baseline on every test set.

    python recipes/mini/results.py CORPUS BASE TUNED -o OUTPUT [--document docs/results.md]

TUNED is what `tune.py` wrote; unfinished runs are passed over. A case's worth is the mean over the seeds of a recipe;
the interval is a bootstrap over components, or where these are few over the proteins of the pairs. Vectors are kept in
a folder `vectors` beside OUTPUT, so that nothing is encoded twice. With --document the tables are put between its two
`results` marks.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from protrek_hm.data import read_triplets
from protrek_hm.evaluate import evaluate
from protrek_hm.evaluate.measures import MEASURES, CaseSet, Scores, case_values
from protrek_hm.evaluate.ranking import ranking_values
from protrek_hm.evaluate.run import Evaluation, ModelResult
from protrek_hm.evaluate.statistics import Estimate, mean_over_pairs, mean_with_interval
from protrek_hm.evaluate.table import percent
from protrek_hm.files import new_file, write_json
from protrek_hm.model import ProTrek
from protrek_hm.model.cached import CachedEncoder

RECIPES = ("reference", "twin", "balanced", "merged")
BASELINES = ("length only", "text-blind", "description alone", "nearest homolog's text", "3-mer linear probe")
SEED = 42
FEW = 10  # components: over fewer an interval says nothing
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
RETRIEVAL = {"recall@1": "R@1", "recall@10": "R@10", "mrr": "MRR"}


@dataclass(frozen=True)
class Test:
    """One table of the results: hard cases (or what stands for them), easy ones, and what to say of them."""

    title: str
    hard: str
    easy: str | None
    meaning: str


TESTS = (
    Test(
        "AMR, unseen alleles of known families", "test_proteins", "easy_test_proteins",
        "Both alleles of a pair are unseen; their families and most of their texts are not.",
    ),
    Test(
        "AMR, an unseen allele among known ones", "test_among_known", "easy_test_proteins",
        "The text's own protein is unseen, its twin was trained on: a new allele in an index of known ones.",
    ),
    Test(
        "AMR, unseen alleles of known families, in other words", "test_proteins_asked", "easy_test_proteins_asked",
        "The pairs of the first test, asked for as people do: \"hydrolyses cephalosporin\", \"carbapenem resistance\".",
    ),
    Test(
        "AMR, an unseen allele among known ones, in other words", "test_among_known_asked", "easy_test_proteins_asked",
        "The pairs of the second test, so asked for.",
    ),
    Test(
        "AMR, unseen alleles, doubtful pairs with them", "test_proteins_unsure", "easy_test_proteins",
        "As the first, with the pairs of which one text merely says more than the other.",
    ),
    Test(
        "AMR, unseen families", "test_components", "easy_test",
        "No protein of these components (50 % identity, or a text in common) was trained on; easy pairs are mixed.",
    ),
    Test(
        "AMR, unseen families, doubtful pairs with them", "test_components_unsure", "easy_test",
        "As before, with the pairs of which one text merely says more than the other.",
    ),
    Test(
        "AMR, unseen pairs of known alleles (leaky)", "test_pairs", "easy_test_proteins",
        "How it would look if pairs were split: each protein was trained on, only these pairs were not.",
    ),
    Test(
        "Mutagenesis: mutant or wild type?", "mutants_test", None,
        "The effect of a substitution against the function of the wild type, in proteins of unseen families.",
    ),
    Test(
        "Mutagenesis, neutral substitutions (control)", "mutants_test_neutral", None,
        "Here the function was kept, so that nothing is to be told apart.",
    ),
    Test(
        "Swiss-Prot, unseen families: any two proteins", "swissprot_any", None,
        "Random pairs (the columns named hard are easy here), and the search among all these proteins.",
    ),
)  # fmt: skip


def main() -> None:
    """Evaluate, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("corpus", "base", "tuned"):
        parser.add_argument(name, type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--document", type=Path)
    given = parser.parse_args()
    models = {"base": [given.base]} | {name: sorted(given.tuned.glob(f"{name}-*/model")) for name in RECIPES}
    vectors = given.output.parent / "vectors"
    loaded = {
        f"{name} {path.parent.name}": CachedEncoder(ProTrek.from_pretrained(path, device="cpu"), vectors)
        for name, paths in models.items()
        for path in paths
    }
    train = pl.concat(
        [read_triplets(given.corpus / f"{kind}_train.csv") for kind in ("hard", "easy")], how="diagonal_relaxed"
    )
    sections, facts = [], {}
    for test in TESTS:
        easy = None if test.easy is None else read_triplets(given.corpus / f"{test.easy}.csv")
        found = evaluate(loaded, read_triplets(given.corpus / f"{test.hard}.csv"), easy, train=train)
        rows = table_rows(found)
        sections.append(section(test, rows, found))
        facts[test.title] = {name: {key: each.as_dict() for key, each in row.items()} for name, row in rows.items()}
    text = "\n".join(sections)
    write_json(given.output, {"format_version": 1, "tests": facts})
    if given.document is not None:
        before, _, rest = given.document.read_text(encoding="utf-8").partition(BEGIN)
        with new_file(given.document, force=True) as temporary:
            temporary.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def table_rows(found: Evaluation) -> dict[str, dict[str, Estimate]]:
    """Return each row of a table: the base, each recipe over its seeds, each baseline."""
    rows = {"base": over_seeds(found, [model for model in found.models if model.name.startswith("base ")])}
    for recipe in RECIPES:
        seeds = [model for model in found.models if model.name.startswith(f"{recipe} ")]
        if seeds:
            rows[recipe] = over_seeds(found, seeds)
    for each in found.baselines:
        if each.name in BASELINES:
            rows[each.name] = estimates_of(found, [each.scores])
    return rows


def over_seeds(found: Evaluation, models: Sequence[ModelResult]) -> dict[str, Estimate]:
    """Estimate each measure of one recipe: a case's worth is its mean over the seeds."""
    estimates = estimates_of(found, [model.scores for model in models])
    ranked = [model.retrieval["text_to_sequence"] for model in models]
    for metric in RETRIEVAL:
        mean = np.mean([ranking_values(each.ranks)[metric] for each in ranked], axis=0)
        estimate = mean_with_interval(mean, ranked[0].groups, seed=SEED)
        if estimate is not None:
            estimates[metric] = estimate
    return estimates


def estimates_of(found: Evaluation, scores: Sequence[Scores]) -> dict[str, Estimate]:
    """Estimate each measure of the mean over some scores, and what it gains over the base."""
    estimates: dict[str, Estimate | None] = {}
    base = found.models[0].scores
    for measure in MEASURES:
        if all(measure.on in each for each in scores):
            cases = found.sets[measure.on]
            worth = [case_values(measure, cases.cases, each[measure.on]) for each in scores]
            mean = np.mean(worth, axis=0)
            estimates[measure.key] = sure(mean, cases)
            if all(each is not base for each in scores):
                gain = mean - case_values(measure, cases.cases, base[measure.on])
                estimates[f"{measure.key}_gain"] = sure(gain, cases, bounds=(-1.0, 1.0))
    return {key: each for key, each in estimates.items() if each is not None}


def sure(values: np.ndarray, cases: CaseSet, *, bounds: tuple[float, float] = (0.0, 1.0)) -> Estimate | None:
    """Return a mean with its interval: over components, or where these are few over the proteins of the pairs."""
    if cases.name == "hard" and cases.groups.count() < FEW:
        return mean_over_pairs(values, cases.cases.positive, cases.cases.negative, seed=SEED, bounds=bounds)
    return mean_with_interval(values, cases.groups.of_case, seed=SEED, bounds=bounds)


def section(test: Test, rows: Mapping[str, Mapping[str, Estimate]], found: Evaluation) -> str:
    """Write one test as a heading, a sentence and a table."""
    columns = {measure.key: measure.title for measure in MEASURES if measure.on in found.sets and measure.headline}
    columns["easy_text_to_protein_gain"] = "easy, against the base"
    columns |= {key: f"{title}, text → protein" for key, title in RETRIEVAL.items()}
    shown = {key: title for key, title in columns.items() if any(key in row for row in rows.values())}
    kinds = {"hard_text_to_protein": "hard cases", "easy_text_to_protein": "easy cases", "recall@1": "queries"}
    counts = ", ".join(f"{rows['base'][key].n:,} {kind}" for key, kind in kinds.items() if key in rows["base"])
    head = f"| | {' | '.join(shown.values())} |\n|{'---|' * (len(shown) + 1)}"
    lines = [f"| {name} | {' | '.join(cell(row, key) for key in shown)} |" for name, row in rows.items()]
    components = found.sets["hard"].groups.count()
    basis = f"{components:,} independent components"
    if components < FEW:
        basis = f"{rows['base']['hard_text_to_protein'].groups:,} proteins, components: {components}"
    return f"### {test.title}\n\n{test.meaning} {counts}; hard cases: {basis}.\n\n{head}\n" + "\n".join(lines) + "\n"


def cell(row: Mapping[str, Estimate], key: str) -> str:
    """Write one estimate in percent with its interval, or nothing."""
    return percent(row[key], sign="+" if key.endswith("_gain") else "", between=" ") if key in row else ""


if __name__ == "__main__":
    main()
