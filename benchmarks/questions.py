"""Ask everyday questions, and count those whose right protein comes first, or among the first ten.

    python benchmarks/questions.py [--data swissprot_text.tsv.gz] [--part validation|test] [--models mini mini-base]
                                   [--names]

`questions/showcase.tsv` asks the table that comes with the package: right is a protein of the families that stand
beside the question. `questions/swissprot.tsv` asks Swiss-Prot entries, given with --data: right is a protein whose name
fits the pattern beside the question. Families and names are no part of the index, ids and texts are. Weights and
spellings were chosen on `validation` alone. Each question is answered by all signals and by each alone; "model" never
reads the texts of records. With --names the whole table is indexed, as `index build` reads it: names of Swiss-Prot
entries, organisms and EC numbers are columns of the index; right answers are known by these names.
`questions/wordings.tsv` asks 20 questions to the showcase in five wordings each: counted are those whose first ten hits
share a family in all five, and those whose first hit is of one family. Intervals: 95 %, Wilson.
"""

import argparse
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from scipy.stats import binomtest

from protrek_hm.data import load_showcase
from protrek_hm.index import IndexConfig, build_index, read_files
from protrek_hm.model import ProTrek
from protrek_hm.search import SearchConfig, Searcher
from protrek_hm.search.signals import SIGNALS, Signal

HERE = Path(__file__).parent / "questions"
WAYS: dict[str, tuple[Signal, ...]] = {"all signals": SIGNALS, **{signal: (signal,) for signal in SIGNALS}}


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)  # noqa: T201


def share(right: int, asked: int) -> str:
    """Write a share with its interval."""
    interval = binomtest(right, asked).proportion_ci(method="wilson")
    return f"{100 * right / asked:5.1f} % [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def ask(searcher: Searcher, questions: Sequence[str], right: Sequence[set[str]], signals: tuple[Signal, ...]) -> str:
    """Count the questions that are answered by one of the right proteins."""
    answers = searcher.answer(list(questions), SearchConfig(k=10, signals=signals))
    ranks = [[family.best.id in ids for family in answer] for answer, ids in zip(answers, right, strict=True)]
    first, ten = sum(rank[:1] == [True] for rank in ranks), sum(map(any, ranks))
    return f"first {share(first, len(ranks))}   among ten {share(ten, len(ranks))}"


def reword(searcher: Searcher, wordings: pl.DataFrame, family: dict[str, str], signals: tuple[Signal, ...]) -> str:
    """Count the questions whose wordings all find one family."""
    ten = first = asked = 0
    for (_,), rows in wordings.group_by("question", maintain_order=True):
        answers = searcher.answer(rows["wording"].to_list(), SearchConfig(k=10, signals=signals))
        found = [[family[each.best.id] for each in answer] for answer in answers]
        ten += bool(set.intersection(*map(set, found)))
        first += len({tuple(each[:1]) for each in found}) == 1 and bool(found[0])
        asked += 1
    return f"a family in all first tens {share(ten, asked)}   one family first {share(first, asked)}"


@contextmanager
def indexed(proteins: pl.DataFrame, model: str) -> Iterator[Searcher]:
    """Build an index in a folder that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        encoder, place = ProTrek.from_pretrained(model), Path(folder) / "index"
        build_index(proteins, encoder, place, IndexConfig(meaning=True), model_name=model)
        yield Searcher.open(place, model=encoder)


def compare(name: str, searcher: Searcher, questions: Sequence[str], right: Sequence[set[str]]) -> None:
    """Ask all questions in each way."""
    for way, signals in WAYS.items():
        say(f"{name} {way:12} n={len(questions)} {ask(searcher, questions, right, signals)}")


def read_questions(path: Path, part: str) -> pl.DataFrame:
    """Read the questions of one part."""
    return pl.read_csv(path, separator="\t", quote_char=None).filter(pl.col("part") == part)


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--part", choices=("validation", "test"), default="validation")
    parser.add_argument("--models", nargs="+", default=["mini"])
    parser.add_argument("--names", action="store_true")
    options = parser.parse_args()
    showcase = load_showcase()
    asked = read_questions(HERE / "showcase.tsv", options.part)
    families = [set(named.split(";")) for named in asked["family"]]
    right = [set(showcase.filter(pl.col("family").is_in(list(each)))["id"]) for each in families]
    family = dict(showcase.select("id", "family").iter_rows())
    wordings = pl.read_csv(HERE / "wordings.tsv", separator="\t", quote_char=None)
    for model in options.models:
        with indexed(showcase.select("id", "sequence", "text"), model) as searcher:
            compare(f"showcase {model}", searcher, asked["question"].to_list(), right)
            for way, signals in WAYS.items():
                say(f"showcase {model} {way:12} five wordings: {reword(searcher, wordings, family, signals)}")
    if options.data:
        table = pl.read_csv(options.data, separator="\t", infer_schema=False)
        entries = table.select("sequence", "protein_name", id="accession", text="function")
        asked = read_questions(HERE / "swissprot.tsv", options.part)
        names = entries.select("id", pl.col("protein_name").fill_null("")).rows()
        right = [{name for name, named in names if re.search(pattern, named)} for pattern in asked["protein_name"]]
        for model in options.models:
            whole = read_files([options.data]) if options.names else entries.drop("protein_name")
            with indexed(whole, model) as searcher:
                compare(f"Swiss-Prot {model}", searcher, asked["question"].to_list(), right)


if __name__ == "__main__":
    main()
