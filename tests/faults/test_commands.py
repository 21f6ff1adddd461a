"""Whatever call of the disk goes wrong, results are as before or as after, and the same command finishes the work.

Some calls of each command go wrong; before a release each of them does, which takes an hour.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from protrek_hm.files import MARKER
from protrek_hm.index.layout import read_manifest
from protrek_hm.index.store import Index

MODES = ("kill", "torn", "error", "full")
ROOT = Path(__file__).parents[2]
TRAIN = ("train", "mined/hard_negatives_train.csv", "-m", "tiny", "-o", "run", "--epochs", "2", "--batch-size", "32")


@dataclass(frozen=True)
class Command:
    """A command line, and what it changes: `content` reads that, None where there is nothing.

    again: what the line that finishes the work has besides. points: how many calls go wrong by default.
    """

    arguments: tuple[str, ...]
    content: Callable[[Path], object]
    again: tuple[str, ...] = ()
    points: int = 4


def index(name):
    def content(folder):
        if not (folder / name / "index.json").exists():
            return None
        opened = Index.open(folder / name)
        rows = np.arange(len(opened.records))
        vectors = {modality: opened.vectors(modality, rows).tobytes() for modality in opened.embeddings}
        return len(read_manifest(folder / name).segments), opened.records.rows(), vectors

    return content


def table(*names):
    def content(folder):
        found = [folder / name for name in names if (folder / name).exists()]
        return [pl.read_parquet(each).rows() for each in found] or None

    return content


def files(name, ending=""):
    def content(folder):
        found = [each for each in sorted((folder / name).rglob(f"*{ending}")) if each.is_file() and each.name != MARKER]
        return {str(each.relative_to(folder)): each.read_bytes() for each in found} or None

    return content


COMMANDS = {
    "index build": Command(("index", "build", "p.tsv", "-o", "fresh", "--no-meaning"), files("fresh", ".npy")),
    "index build --force": Command(
        ("index", "build", "more.tsv", "-o", "index", "--force", "--no-meaning"), index("index")
    ),
    "index add": Command(("index", "add", "index", "other.tsv"), index("index")),
    "index remove": Command(("index", "remove", "index", "--ids", "TEM-2"), index("index")),
    "index compact": Command(("index", "compact", "index"), index("index")),
    "index export": Command(("index", "export", "index", "-o", "out.parquet"), table("out.parquet")),
    "index export --force": Command(
        ("index", "export", "index", "-o", "old", "--format", "faiss", "--force"), files("old")
    ),
    "index import": Command(("index", "import", "vectors.parquet", "-o", "imported"), index("imported")),
    "search --batch": Command(
        ("search", "index", "--batch", "queries.txt", "-o", "hits.parquet", "-k", "3"), table("hits.parquet")
    ),
    "data convert --force": Command(
        ("data", "convert", "three.dat", "-o", "old.parquet", "--force"), table("old.parquet")
    ),
    "model convert": Command(("model", "convert", "tiny", "official"), files("official")),
    "model convert back": Command(("model", "convert", "foreign", "back"), files("back")),
    "mine --force": Command(
        ("mine", "twins.tsv", "-o", "mined", "--max-identity", "0.99", "--force"), files("mined", ".csv")
    ),
    "merge": Command(("merge", "tiny", "other", "-o", "merged", "--alpha", "0.5"), files("merged", ".safetensors")),
    "train": Command((*TRAIN, "--checkpoint-every", "2"), files("run/model", ".safetensors"), again=("--resume",)),
    "evaluate --force": Command(
        ("evaluate", "mined/hard_negatives_test.csv", "-m", "tiny", "-o", "measured", "--resamples", "100", "--force"),
        table("measured/predictions.parquet"),
        points=2,
    ),
}


@pytest.fixture(scope="module")
def state(faulty_disk, tmp_path_factory):
    """A folder with all that the commands need, which each test copies."""
    folder = tmp_path_factory.mktemp("state")
    proteins = pl.read_csv(ROOT / "example" / "raw_data.tsv", separator="\t")
    proteins.head(8).write_csv(folder / "p.tsv", separator="\t")
    proteins[10:12].write_csv(folder / "other.tsv", separator="\t")
    proteins[8:10].write_csv(folder / "more.tsv", separator="\t")
    proteins.head(24).write_csv(folder / "twins.tsv", separator="\t")
    (folder / "queries.txt").write_text("beta-lactamase\npenicillinase\n")
    shutil.copy(ROOT / "tests" / "data" / "uniprot" / "files" / "three.dat", folder)
    build = ("model", "build", "p.tsv", "--layers", 1, "--hidden", 16, "--heads", 2, "--vocabulary", 300, "-o")
    for arguments in (
        (*build, "tiny"),
        (*build, "other", "--seed", 7),
        ("model", "convert", "tiny", "foreign"),
        ("index", "build", "p.tsv", "-o", "index", "-m", "tiny", "--no-meaning"),
        ("index", "export", "index", "-o", "old", "--format", "faiss"),
        ("index", "remove", "index", "--ids", "TEM-1"),
        ("index", "add", "index", "more.tsv"),
        ("index", "remove", "index", "--ids", "TEM-116"),
        ("index", "export", "index", "-o", "vectors.parquet"),
        ("data", "convert", "three.dat", "-o", "old.parquet", "--section", "function"),
        ("mine", "twins.tsv", "-o", "mined"),
        ("evaluate", "mined/hard_negatives_train.csv", "-m", "tiny", "-o", "measured", "--resamples", 100),
    ):
        ran = faulty_disk.run(arguments, folder)
        assert ran.code == 0, ran.stderr
    return folder


def chosen(count, points):
    """Calls to let go wrong, spread over all: the first and the last ones are among them; None: each."""
    if points is None:
        return range(1, count + 1)
    return sorted({1, count, *(1 + (count - 1) * place // (points - 1) for place in range(points))})


EXTENT = ["some", pytest.param("all", marks=pytest.mark.release)]


@pytest.mark.slow
@pytest.mark.parametrize("extent", EXTENT)
@pytest.mark.parametrize("name", COMMANDS)
def test_results_are_as_before_or_as_after(name, extent, faulty_disk, state, tmp_path):
    command = COMMANDS[name]
    arguments = [*command.arguments, *(["-m", "tiny"] if command.arguments[1] == "build" else [])]

    def copy(place):
        shutil.copytree(state, tmp_path / place, symlinks=True)
        return tmp_path / place

    whole = copy("whole")
    before = command.content(whole)
    ran = faulty_disk.run(arguments, whole)
    assert ran.code == 0, ran.stderr
    after = command.content(whole)
    assert after != before
    points = chosen(ran.count, command.points if extent == "some" else None)
    for place, number in enumerate(points):
        for mode in MODES if extent == "all" else [MODES[place % len(MODES)]]:
            told = f"{name}: {mode} at call {number} of {ran.count}"
            folder = copy(f"{mode}-{number}")
            broken = faulty_disk.run(arguments, folder, mode, number)
            found = command.content(folder)
            assert found in (before, after), told
            if mode in ("error", "full"):
                assert broken.code == 2 or found == after, told
                assert "Traceback" not in broken.stderr, told + broken.stderr
                assert broken.code == 0 or broken.stderr.count("error: ") == 1, told + broken.stderr
            if found == before:
                again = faulty_disk.run([*arguments, *command.again], folder)
                assert again.code == 0, told + again.stderr
                assert command.content(folder) == after, told
                litter = [each.name for each in folder.rglob(".*") if each.name.endswith((".partial", ".replaced"))]
                assert not litter, told
            shutil.rmtree(folder)


_READING = ("index add", "index compact", "index export", "model convert back", "search --batch")
READERS = {
    "search": (("search", "index", "a kinase", "-o", "hits.jsonl", "--format", "jsonl"), files("hits.jsonl")),
    "model info": (("model", "info", "tiny"), lambda _: None),
    **{name: (each.arguments, each.content) for name, each in COMMANDS.items() if name in _READING},
}


@pytest.mark.release
@pytest.mark.parametrize("extent", ["some", "all"])
@pytest.mark.parametrize("name", READERS)
def test_what_cannot_be_read_is_told_and_what_comes_in_pieces_is_read(name, extent, faulty_disk, state, tmp_path):
    arguments, content = READERS[name]

    def run(place, mode, number=0):
        folder = Path(shutil.copytree(state, tmp_path / place, symlinks=True))
        before, ran = content(folder), faulty_disk.run(arguments, folder, mode, number)
        after = content(folder)
        shutil.rmtree(folder)
        return ran, before, after

    ran, _, whole = run("whole", "reads")
    assert ran.code == 0, ran.stderr
    for place, number in enumerate(chosen(ran.count, 6 if extent == "some" else None)):
        for mode in ("read error", "short") if extent == "all" else [("read error", "short")[place % 2]]:
            told = f"{name}: {mode} at call {number} of {ran.count}"
            broken, before, after = run(f"{mode}-{number}", mode, number)
            assert "Traceback" not in broken.stderr, told + broken.stderr
            if broken.code == 0:
                assert after == whole, told
            else:
                assert (broken.code, mode) == (2, "read error"), told + broken.stderr
                assert broken.stderr.count("error: ") == 1, told + broken.stderr
                assert after in (before, whole), told
