"""Count the house: lines of code, files, and how many files a protein, a query and a triplet pass.

    python benchmarks/house.py [--files]

Lines are those of code: no blank lines, comments, docstrings. A chain is what really runs: every file of the package in
which a function is called while the work is done, seen by the interpreter's own profiler; what only an import runs does
not count. All three chains work on a small table and a model of random weights, without the command line.

- table → hit: read a table, build an index, search it with a text;
- query → JSON: one request to the server's search, from ASGI to the body of the answer;
- triplet → gradient: one training step on mined triplets.
"""

import argparse
import ast
import io
import statistics
import sys
import tempfile
import threading
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

PACKAGE = Path(__file__).parents[1] / "src" / "protrek_hm"


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)  # noqa: T201


def code_lines(path: Path) -> int:
    """Count the lines of a file that hold code."""
    source = path.read_text()
    strings = set[int]()
    for node in ast.walk(ast.parse(source)):
        for statement in getattr(node, "body", None) or [] if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            if isinstance(statement, ast.Expr) and isinstance(getattr(statement.value, "value", None), str):
                strings.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    no_code = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    held = set[int]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in no_code:
            held.update(range(token.start[0], token.end[0] + 1))
    return len(held - strings)


@contextmanager
def passed(files: set[str]) -> Iterator[None]:
    """Note the package's files in which a function is called meanwhile, in any thread."""

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            path = frame.f_code.co_filename
            if path.startswith(str(PACKAGE)):
                files.add(str(Path(path).relative_to(PACKAGE)))

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]


def table_to_hit(work: Path, files: set[str]) -> None:
    """Read a table, index it, ask it."""
    from protrek_hm.data import read_proteins
    from protrek_hm.data.showcase import write_example
    from protrek_hm.index import build_index
    from protrek_hm.model import ProTrek
    from protrek_hm.search import Searcher

    write_example(work / "table.tsv")
    model = ProTrek.from_pretrained(work / "base")
    with passed(files):
        build_index(read_proteins(work / "table.tsv").head(20), model, work / "index", model_name="base")
        answer = Searcher.open(work / "index", model=model).search(["Binds oxygen."], k=3)[0]
    assert len(answer) == 3


def query_to_json(work: Path, files: set[str]) -> None:
    """Ask the application, which is up already."""
    from fastapi.testclient import TestClient

    from protrek_hm.model import ProTrek
    from protrek_hm.search import Searcher
    from protrek_hm.serve import create_app

    searcher = Searcher.open(work / "index", model=ProTrek.from_pretrained(work / "base"))
    with TestClient(create_app(searcher), base_url="http://127.0.0.1") as client, passed(files):
        reply = client.post("/v1/search", json={"query": "Binds oxygen.", "k": 3})
    assert reply.is_success, reply.text


def triplet_to_gradient(work: Path, files: set[str]) -> None:
    """Train for one step, without validation and checkpoints; the trainer is ready already."""
    from unittest.mock import patch

    import polars as pl
    from transformers import Trainer

    from protrek_hm.model import ProTrek
    from protrek_hm.train import TrainConfig, fine_tune

    train = Trainer.train

    def watched(trainer: Trainer, *args: object, **options: object) -> object:
        with passed(files):
            return train(trainer, *args, **options)

    rows = [("Carries heme.", "MGSHLA", "MGSKLA"), ("Binds potassium.", "MGSKLA", "MGSHLA")]
    triplets = pl.DataFrame(rows, schema=["anchor_text", "anchor_seq", "hard_neg_seq"], orient="row")
    config = TrainConfig(epochs=1, objective="triplet")
    with patch.object(Trainer, "train", watched):
        fine_tune(ProTrek.from_pretrained(work / "base"), triplets, config, work / "run")


CHAINS: dict[str, Callable[[Path, set[str]], None]] = {
    "table → hit": table_to_hit,
    "query → JSON": query_to_json,
    "triplet → gradient": triplet_to_gradient,
}


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", action="store_true", help="name the files of each chain")
    options = parser.parse_args()
    lines = {path.relative_to(PACKAGE): code_lines(path) for path in PACKAGE.rglob("*.py")}
    rooms, sizes = Counter[str](), Counter[str]()
    for path, count in lines.items():
        room = path.parts[0] if len(path.parts) > 1 else "."
        rooms[room] += 1
        sizes[room] += count
    for room, count in sorted(rooms.items()):
        say(f"{room:12} {count:4} files {sizes[room]:6} lines")
    median = statistics.median(lines.values())
    say(f"{'all':12} {len(lines):4} files {sum(lines.values()):6} lines of code, {median:.0f} in the median file")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

        tower = TowerConfig(layers=1, hidden=16, heads=2, max_tokens=400)
        base = ProTrek.build(
            ModelConfig(sequence=tower, text=tower, dimension=8, vocabulary=100), texts=["Binds oxygen."]
        )
        base.save_pretrained(str(work / "base"))
        for name, run in CHAINS.items():
            files = set[str]()
            run(work, files)
            say(f"{name}: {len(files)} files" + f" ({', '.join(sorted(files))})" * options.files)


if __name__ == "__main__":
    main()
