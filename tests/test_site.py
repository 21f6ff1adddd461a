"""The site builds without a warning, fetches nothing, and a dead link keeps it from being built."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("docs", "src", "mkdocs.yml", "CHANGELOG.md")


def build(folder):
    """Run MkDocs as `make docs` does."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "true"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("docs")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(
            ROOT / name,
            folder / name,
            **({"ignore": shutil.ignore_patterns("shipped_weights")} if name == "src" else {}),
        )
    built = build(folder)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.slow
def test_its_pages_fetch_nothing_from_elsewhere(site):
    pages = sorted((site / "site").rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe|source)[^>]+src="(https?:)?//', text)
        loaded += re.findall(r'<link[^>]+rel="?(?:stylesheet|preconnect|icon)"?[^>]*href="(https?:)?//', text)
        assert not loaded, page.name


@pytest.mark.slow
def test_the_reference_has_the_words_of_the_docstrings(site):
    page = (site / "site" / "api" / "data.html").read_text(encoding="utf-8")
    assert "Read proteins from TSV, CSV, Parquet or FASTA" in page
    assert "read_proteins" in (site / "site" / "api" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<p>\s*&gt;&gt;&gt;|<blockquote>", page), "examples are code"


@pytest.mark.slow
def test_every_page_opens_in_a_browser_without_complaint(site, browser):
    for name in ("index.html", "api/search.html", "tutorials/search.html"):
        browser.open((site / "site" / name).as_uri())
        assert browser.evaluate("document.querySelector('h1') !== null")
        elsewhere = [each for each in browser.events if each.get("method") == "Network.requestWillBeSent"]
        assert all(each["params"]["request"]["url"].startswith(("file:", "data:", "blob:")) for each in elsewhere)


@pytest.mark.slow
def test_a_dead_link_fails(site):
    home = site / "docs" / "index.md"
    whole = home.read_text(encoding="utf-8")
    config = site / "mkdocs.yml"
    # the page alone, so that the second build takes no time
    lines = config.read_text(encoding="utf-8").partition("plugins:")[0] + "plugins: []\n"
    validation = config.read_text(encoding="utf-8").partition("validation:")[2].partition("nav:")[0]
    config.write_text(f"{lines}validation:{validation.replace('omitted_files: warn', 'omitted_files: ignore')}")
    for link in ("[there](nowhere.md)", "[there](serve.md#no-such-part)"):
        home.write_text(f"{whole}\n{link}\n", encoding="utf-8")
        built = build(site)
        assert built.returncode != 0
        assert "nowhere.md" in built.stderr + built.stdout or "no-such-part" in built.stderr + built.stdout
