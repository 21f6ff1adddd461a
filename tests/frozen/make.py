"""Write one of everything that a release can write, a few kB each: `python make.py FOLDER`; see docs/formats.md.

Run once when a format changes, with the version that is released; later versions must open what it wrote. What they
must find in it stands in `expected.json`.
"""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl

from protrek_hm.cli.app import main as command_line
from protrek_hm.index.store import Index
from protrek_hm.model import ProTrek

RUNS = Path(__file__).parents[1] / "train" / "runs.py"
LETTERS = "ACDEFGHIKLMNPQRSTVWY"
WORK = ("Binds heme.", "Cleaves starch.", "Carries potassium out of the cell.")
TRAIN = {"objective": "triplet", "epochs": 1, "batch_size": 3, "learning_rate": 0.005, "checkpoint_every": 2}
STOPPED = 5  # the step after which training is killed: the frozen checkpoint is that of step 4
QUESTION = "Cleaves starch."


def proteins():
    """Invent five families of three proteins that differ in one residue and in what they do."""
    rows = []
    for family in range(5):
        base = "M" + "".join(LETTERS[(place * place * (family + 3) + 7 * place + family) % 20] for place in range(59))
        for member, work in enumerate(WORK):
            sequence = base[:30] + "HWK"[member] + base[31:]
            rows.append((f"F{family}.{member}", sequence, f"{work} Family {family}.", 40 + 10 * family + member))
    return pl.DataFrame(rows, schema=["id", "sequence", "text", "mass"], orient="row")


def cases(table):
    """Pair the first two members of each family: a case table, three families of it to train on."""
    rows = []
    for family, (one, other, _) in enumerate(zip(*[iter(table.iter_rows(named=True))] * 3, strict=True)):
        split = ("train", "train", "train", "test", "test")[family]
        sides = (one["id"], other["id"], one["sequence"], other["sequence"], one["text"], other["text"])
        rows.append((*sides, "frozen", "natural", "no", f"F{family}", split))
    names = ("id_a", "id_b", "a", "b", "text_a", "text_b", "set", "kind", "control", "family", "split")
    return pl.DataFrame(rows, schema=names, orient="row")


def command(*arguments):
    sys.argv = ["protrek-hm", *map(str, arguments)]
    try:
        command_line()
    except SystemExit as end:
        if end.code:
            raise


def train(folder, *settings):
    given = [f"{name}={json.dumps(value)}" for name, value in TRAIN.items()]
    files = ("model", "mined/hard_negatives_train.csv")
    return subprocess.run([sys.executable, RUNS, folder, *files, *given, *settings], check=False).returncode


def main(folder):
    """Write everything into `folder`, which must not be there."""
    folder.mkdir(parents=True)
    os.chdir(folder)
    os.environ["OMP_NUM_THREADS"] = "1"
    table = proteins()
    table.write_csv("proteins.tsv", separator="\t")
    cases(table).write_csv("cases.csv")
    small = ("--layers", 1, "--text-layers", 1, "--hidden", 8, "--heads", 1, "--vocabulary", 100)
    command("model", "build", "proteins.tsv", "-o", "model", *small, "--max-residues", 64, "--max-text-tokens", 30)
    command("model", "convert", "model", "official")
    command("mine", "proteins.tsv", "-o", "mined", "--easy", 1, "--min-identity", 0.9)
    assert train("whole") == 0
    assert train("run", f"die={STOPPED}") < 0
    for name in ("a", "b"):
        table.filter(pl.col("id").str.ends_with(".2") == (name == "b")).write_csv(f"{name}.tsv", separator="\t")
    command("index", "build", "a.tsv", "-o", "index", "-m", "model", "--no-meaning")
    command("index", "add", "index", "b.tsv")
    command("index", "remove", "index", "--ids", "F1.0")
    command("index", "export", "index", "-o", "vectors.parquet")
    quick = ("--resamples", 100, "--device", "cpu")
    command("evaluate", "mined/hard_negatives_test.csv", "-m", "model", "-m", "whole", "-o", "measured", *quick)
    command("evaluate", "twins", "cases.csv", "-m", "model", "-o", "board", *quick)
    (folder / "settings.json").write_text(json.dumps(TRAIN, indent=1) + "\n")
    (folder / "expected.json").write_text(json.dumps(expected(), indent=1) + "\n")
    tidy(folder)


def expected():
    """Look at what was written: what a later version must find."""
    model, whole = (ProTrek.from_pretrained(each, device="cpu") for each in ("model", "whole"))
    table = pl.read_csv("proteins.tsv", separator="\t")
    index = Index.open(Path("index"))
    queries = np.asarray(model.encode([QUESTION], task="text"))
    cosines, rows = index.nearest(queries, want="sequence", k=5)
    report, board = (json.loads(Path(name).read_text()) for name in ("measured/report.json", "board/board.json"))
    return {
        "version": version("protrek-hm"),
        "fingerprint": model.fingerprint(),
        "sequence": vectors(model, table["sequence"][::7].to_list(), "sequence"),
        "text": vectors(model, table["text"][::7].to_list(), "text"),
        "tuned": vectors(whole, table["sequence"][::7].to_list(), "sequence"),
        "hits": list(zip(index.take(rows[0])["id"].to_list(), cosines[0].round(6).tolist(), strict=True)),
        "records": index.records.rows(),
        "steps": json.loads(Path("whole/log.jsonl").read_text().splitlines()[-1])["step"],
        "triplets": pl.read_csv("mined/hard_negatives_all.csv").height,
        "models": list(report["models"]),
        "board": {row["name"]: row["results"]["test"]["frozen"]["natural"] for row in board["rows"] if row["results"]},
    }


def vectors(model, inputs, task):
    return np.asarray(model.encode(inputs, task=task), np.float64).round(5).tolist()


def tidy(folder):
    """Leave out what no later run reads: pictures, pages, kept vectors, all that is made again."""
    for place in ("whole", *(f"{name}.tsv" for name in "ab")):
        shutil.rmtree(place) if Path(place).is_dir() else Path(place).unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.suffix in (".png", ".pdf", ".svg", ".html") or path.name in ("embeddings", ".lock"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
