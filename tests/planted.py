"""Plant the faults of `planted.toml`, one at a time, in a copy of the sources: each must make its test fail.

`make planted` runs all, `python tests/planted.py WORD…` those whose test or fault holds a word. Exit 1 if a test does
not notice its fault, or what a fault changes is not there any more.
"""

import os
import shutil
import sys
import tomllib
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

import datasets  # noqa: F401 - once, for all forks
import polars  # noqa: F401
import pytest
import sentence_transformers  # noqa: F401
import sklearn.linear_model  # noqa: F401
import torch

ROOT = Path(__file__).parents[1]
COPIED = ("src", "tests", "example", "recipes", "pyproject.toml")


def main(words):
    """Plant every fault; return how many were not noticed."""
    faults = tomllib.loads((ROOT / "tests" / "planted.toml").read_text())["fault"]
    chosen = [each for each in faults if not words or any(word in each["test"] + each["told"] for word in words)]
    unnoticed = 0
    with TemporaryDirectory() as place:
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(place) / name)
        for test in dict.fromkeys(each["test"] for each in chosen):
            assert passes(Path(place), test), f"{test} fails without a fault"
        for fault in chosen:
            noticed = plant(Path(place), fault)
            unnoticed += not noticed
            print("noticed  " if noticed else "UNNOTICED", fault["test"], "|", fault["told"], flush=True)  # noqa: T201
    return unnoticed


def plant(root, fault):
    """Say whether the test fails while the fault is there; `old` must stand once in `file`."""
    path = root / fault["file"]
    whole = path.read_text()
    assert whole.count(fault["old"]) == 1, f"{fault['file']} holds {whole.count(fault['old'])} times {fault['old']!r}"
    path.write_text(whole.replace(fault["old"], fault["new"]))
    try:
        return not passes(root, fault["test"])
    finally:
        path.write_text(whole)


def passes(root, test):
    """Run a test in a fork and say whether it passes."""
    child = os.fork()
    if not child:
        try:
            code = run(root, *test.split("::"))
        except BaseException:  # noqa: BLE001 - the fork must not go on as its parent
            traceback.print_exc()
            code = 70
        os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 1), f"{test}: pytest ended with {code}"
    return code == 0


def run(root, file, name):
    """Run a test in this process, a fork, from the sources below `root`; return pytest's exit code."""
    os.chdir(root)
    os.environ["PYTHONPATH"] = str(root / "src")
    sys.path.insert(0, str(root / "src"))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    quiet = ["-q", "-x", "-m", "", *(f"-pno:{plugin}" for plugin in ("randomly", "cacheprovider", "xdist"))]
    for kind in ("PytestAssertRewriteWarning", "PytestUnraisableExceptionWarning"):  # faults leave files open
        quiet += ["-W", f"ignore::pytest.{kind}"]
    return pytest.main([*quiet, file, "-k", name])


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(bool(main(sys.argv[1:])))
