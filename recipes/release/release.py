"""Check and build a release: python recipes/release/release.py -o dist [--python python3.13 ...] [--draft].

The version stands in pyproject.toml, CITATION.cff and as the first heading of CHANGELOG.md, with the day of the release
and what changed. The wheel is built from the source distribution, so that both are complete. Each interpreter gets an
empty environment outside of the checkout, the wheel with what it needs from the package index, and then builds an index
and searches it. What is left to do is told, not done: to tag, and to upload.
"""

import argparse
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXTRAS = "mcp"
TABLE = (
    "id\tsequence\ttext\n"
    "P1\tMKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV\ta ligase of asparagine\n"
    "P2\tMSIQHFRVALIPFFAAFCLPVFAHPETLVKVKDAEDQLGARVGYIELDLNSGKILESFRPEERFPMMSTFK\ta beta-lactamase\n"
)


def problems(root: Path, *, draft: bool = False) -> list[str]:
    """List what keeps the checkout from being released; a draft needs no day.

    Examples
    --------
    >>> problems(ROOT, draft=True)
    []
    """
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    found = []
    cited = re.findall(r"^version: (\S+)$", (root / "CITATION.cff").read_text(encoding="utf-8"), flags=re.MULTILINE)
    if cited != [version]:
        found.append(f"CITATION.cff: version {', '.join(cited) or 'missing'}, not {version} as in pyproject.toml")
    sections = re.split(r"^## ", (root / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    heading, _, changes = sections[0].partition("\n") if sections else ("", "", "")
    named, _, day = heading.partition(" ")
    if named != version:
        found.append(f"CHANGELOG.md: begins with {named or 'no version'}, not {version} as in pyproject.toml")
    if not re.search(r"^- \S", changes, flags=re.MULTILINE):
        found.append(f"CHANGELOG.md: says nothing of {named or version}; add a line for each change")
    if not draft and not re.fullmatch(r"\(\d{4}-\d\d-\d\d\)", day):
        found.append(
            f"CHANGELOG.md: {named} has no day; write ## {version} (YYYY-MM-DD), or check a draft with --draft"
        )
    return found


def build(root: Path, output: Path) -> tuple[Path, Path]:
    """Build the source distribution, and the wheel from it, in an environment without the package; return both."""
    output.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(output.resolve())], root)
    [source] = output.glob("*.tar.gz")
    with tempfile.TemporaryDirectory() as place:
        with tarfile.open(source) as archive:
            archive.extractall(place, filter="data")
        [unpacked] = Path(place).iterdir()
        _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(output.resolve())], unpacked)
    [wheel] = output.glob("*.whl")
    return source, wheel


def smoke(python: Path, place: Path, question: tuple[str, ...] = ("beta-lactamase",)) -> str:
    """Build an index in the folder `place` with the package of an interpreter, and ask it; return the best hit."""
    (place / "proteins.tsv").write_text(TABLE, encoding="utf-8")
    command = [str(python), "-I", "-m", "protrek_hm"]
    _run([*command, "index", "build", "proteins.tsv", "-o", "index", "--no-meaning", "--device", "cpu"], place)
    return _run([*command, "search", "index", *question, "-k", "1", "--format", "jsonl"], place)


def install(interpreter: str, wheel: Path, place: Path) -> Path:
    """Make an empty environment and install the wheel with all that it needs; return its Python."""
    _run([interpreter, "-m", "venv", "env"], place)
    python = place / "env" / "bin" / "python"
    constraints = ["-c", str(ROOT / "constraints.txt")]
    _run([str(python), "-m", "pip", "install", "--quiet", f"{wheel.resolve()}[{EXTRAS}]", *constraints], place)
    return python


def main() -> None:
    """Check, build and try a release."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "dist", help="folder of the distributions")
    parser.add_argument("--python", action="append", default=[], help="interpreter to try the wheel with; repeatable")
    parser.add_argument("--draft", action="store_true", help="the changelog needs no day yet")
    arguments = parser.parse_args()
    found = problems(ROOT, draft=arguments.draft)
    if found:
        sys.exit("\n".join(f"error: {each}" for each in found))
    if arguments.output.exists() and any(arguments.output.glob("protrek_hm-*")):
        sys.exit(f"error: {arguments.output}: holds distributions already; remove them or name another folder with -o")
    source, wheel = build(ROOT, arguments.output)
    for path in (source, wheel):
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")  # noqa: T201
    for interpreter in arguments.python:
        with tempfile.TemporaryDirectory() as place:
            start = time.monotonic()
            python = install(interpreter, wheel, Path(place))
            seconds = time.monotonic() - start
            answer = smoke(python, Path(place))
            if '"P2"' not in answer:
                sys.exit(f"error: {interpreter}: the search answers {answer.strip()!r}")
            size = sum(each.lstat().st_size for each in (Path(place) / "env").rglob("*")) / 1e9
            print(f"{interpreter}: installed in {seconds:.0f} s, {size:.1f} GB; an index is built and answers")  # noqa: T201
    version = wheel.name.split("-")[1]
    print(f"left to do: git tag v{version}, push the tag, upload {source.name} and {wheel.name}")  # noqa: T201


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=3600, check=False)
    if done.returncode:
        sys.exit(f"error: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
