"""The distributions: what they hold, that they work away from the checkout, and what they bring along."""

import ast
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RELEASE = runpy.run_path(str(ROOT / "recipes" / "release" / "release.py"))
HEAVY = shutil.ignore_patterns("mini-base", "__pycache__", ".git", ".venv", "dist", "out", "demo", ".*_cache")
CHANGES = "# Changelog\n\n## 1.2.0 (2026-12-01)\n\n- One thing.\n\n## 1.1.0 (2026-11-01)\n\n- Another.\n"


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The source distribution of a copy without the larger models, and the wheel built from it."""
    pytest.importorskip("hatchling")
    copy = tmp_path_factory.mktemp("package") / "checkout"
    shutil.copytree(ROOT, copy, ignore=HEAVY)
    weights = copy / "src" / "protrek_hm" / "model" / "shipped_weights"
    (weights / "mini-words" / "text_0_Transformer" / "model.safetensors").unlink()
    return RELEASE["build"](copy, copy.parent / "dist")


@pytest.mark.slow
def test_the_wheel_of_the_source_distribution_works_away_from_the_checkout(distributions, tmp_path):
    _, wheel = distributions
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    [packages] = (tmp_path / "env").glob("lib/python*/site-packages")
    # the packages that it needs, but for the checkout, whose path stands in a .pth file that is not read from here
    (packages / "shared.pth").write_text("\n".join(each for each in sys.path if each.endswith("site-packages")))
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, timeout=300)
    where = [str(python), "-I", "-c", "import protrek_hm; print(protrek_hm.__file__)"]
    assert Path(subprocess.check_output(where, text=True).strip()).is_relative_to(packages)
    sequence = RELEASE["TABLE"].splitlines()[2].split("\t")[1]
    assert '"P2"' in RELEASE["smoke"](python, tmp_path, ("--by", "sequence", sequence))
    assert subprocess.check_output([python.parent / "protrek-hm", "--version"], text=True).startswith("protrek-hm ")


@pytest.mark.slow
def test_the_source_distribution_holds_what_its_tests_and_documents_need(distributions):
    with tarfile.open(distributions[0]) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    named = ("Makefile", "mkdocs.yml", "CITATION.cff", "constraints.txt", "recipes/board/page.py", "docs/serve.md")
    assert not {*named, "evaluate.py", "tests/test_package.py", "example/lactamases.tsv", "LICENSE"} - held
    assert not {name for name in held if name.startswith((".venv", "shared", "out/"))}


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "protrek-hm"\nversion = "1.2.0"\n')
    (tmp_path / "CITATION.cff").write_text("title: x\nversion: 1.2.0\n")
    (tmp_path / "CHANGELOG.md").write_text(CHANGES)
    return tmp_path


def test_a_release_with_its_changes_may_go(checkout):
    assert RELEASE["problems"](checkout) == []
    assert RELEASE["problems"](ROOT, draft=True) == []


@pytest.mark.parametrize(
    ("file", "before", "after", "problem"),
    [
        ("CITATION.cff", "1.2.0", "1.1.0", "CITATION.cff: version 1.1.0, not 1.2.0"),
        ("CHANGELOG.md", "1.2.0", "1.3.0", "CHANGELOG.md: begins with 1.3.0, not 1.2.0"),
        ("CHANGELOG.md", "(2026-12-01)", "(unreleased)", "1.2.0 has no day"),
        ("CHANGELOG.md", "- One thing.\n", "", "says nothing of 1.2.0"),
        ("CHANGELOG.md", CHANGES, "# Changelog\n", "begins with no version"),
    ],
)
def test_what_keeps_it_back_is_told(checkout, file, before, after, problem):
    path = checkout / file
    path.write_text(path.read_text().replace(before, after))
    assert any(problem in each for each in RELEASE["problems"](checkout))


def test_no_module_needs_what_only_unix_has_to_be_imported():
    unix = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios"}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert not unix & set(names), f"{path.name}: import it where it is needed, or be ready for its absence"


def test_licences_are_listed_and_permissive():
    recipe = runpy.run_path(str(ROOT / "recipes" / "release" / "licences.py"))
    lines = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8").splitlines()
    listed = {cells[1]: cells[2] for cells in (re.split(r" ?\| ?", line) for line in lines) if len(cells) == 5}
    rows = [(name, licence) for name, licence in listed.items() if name not in ("package", "---")]
    installed = [
        (name, licence) for name, (licence, _) in recipe["licences"]().items()
    ]  # other versions may say it otherwise
    for name, licence in rows + installed:
        assert name in listed, f"{name}: {licence}; run python recipes/release/licences.py"
        permissive = set(re.split(r" (?:AND|OR) ", licence)) <= recipe["PERMISSIVE"]
        assert permissive or recipe["PROGRAMS"].get(name) == licence, f"{name}: {licence}"
