"""Plant the faults of `planted.toml`, one at a time, in a copy of the sources: each must make its test fail.

`make planted` runs all, `python tests/planted.py WORD…` those whose test or fault holds a word. Exit 1 if a test does
not notice its fault, or what a fault changes is not there any more.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

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
        environment = os.environ | {"PYTHONPATH": str(root / "src"), "OMP_NUM_THREADS": "1"}
        line = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider"]
        line += ["-m", "", root / fault["test"].partition("::")[0], "-k", fault["test"].partition("::")[2]]
        ended = subprocess.run(line, cwd=root, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode in (0, 1), ended.stdout + ended.stderr
        return ended.returncode == 1
    finally:
        path.write_text(whole)


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
