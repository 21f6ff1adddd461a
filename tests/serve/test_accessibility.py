"""Every state of the page under axe-core, light and dark, on a desk and on a phone: none of its rules is violated."""

from itertools import product
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest

from protrek_hm.data.showcase import load_showcase
from protrek_hm.index import build_index
from protrek_hm.search import Searcher
from protrek_hm.serve import create_app

AXE = (Path(__file__).parents[1] / "data" / "axe-core" / "axe.min.js").read_text("utf-8")
QUERY = f"#k=2&q={quote('destroys penicillins and early cephalosporins')}"
INSULIN = load_showcase().row(by_predicate=pl.col("id") == "insulin", named=True)["sequence"]
OPEN = "for (const each of document.querySelectorAll('{}')) each.open = true;"
STATES = {
    "start": ("", "#columns button", OPEN.format("#options, #about")),
    "hits": (QUERY, ".hits", "document.querySelector('.family').click();"
             "document.querySelector('input[data-id]').click();" + OPEN.format(".facets, .more, .meaning")),
    "several": (f"{QUERY}%0Ahormone", ".answer", ""),
    "by score": (f"{QUERY}&signals=model&group=0", ".histogram", ""),
    "texts": (f"{QUERY}&want=text", ".hits", ""),
    "twins": (f"{QUERY}&a=TEM-1&b=TEM-3&offset=2", ".duel", ""),
    "family": (f"{QUERY}&family=TEM-1", "#family .worth", ""),
    "scan": (f"{QUERY}&scan=insulin", "#scan .lists table", ""),
    "description": (f"#by=sequence&want=describe&q={INSULIN}", ".relative", ""),
    "a wrong filter": ("#q=kinase&where=colour%3D1", "[aria-invalid]", ""),
    "reference": ("docs", "pre", ""),
}  # fmt: skip
PLACES = list(product(["light", "dark"], [1100, 390]))
FEW = list(zip(["start", "twins", "several", "family", "hits"], [*PLACES, ("light", 390)], strict=True))
ALL = [pytest.param(each, marks=() if each in FEW else pytest.mark.release) for each in product(STATES, PLACES)]


@pytest.fixture(scope="module")
def address(tmp_path_factory, letter_encoder, listen):
    folder = tmp_path_factory.mktemp("accessible") / "index"
    proteins = (
        load_showcase().filter(pl.col("base").is_in(["TEM", "INS"])).select("id", "sequence", "text", "base", "ec")
    )
    build_index(proteins, letter_encoder(), folder, model_name="user/model")
    return listen(create_app(Searcher.open(folder, model=letter_encoder())))


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case[0]}, {case[1][0]}, {case[1][1]}")
def test_axe_finds_nothing(browser, address, case):
    state, (colours, width) = case
    path, there, opening = STATES[state]
    browser.open("about:blank", width=width, height=844, phone=width < 500)
    features = {"prefers-color-scheme": colours, "prefers-reduced-motion": "reduce"}  # colours of a transition are none
    browser.call(
        "Emulation.setEmulatedMedia", features=[{"name": name, "value": value} for name, value in features.items()]
    )
    browser.call("Page.navigate", url=f"{address}/{path}")
    browser.wait_for(f"document.querySelector('{there}') && !document.querySelector('[aria-busy]')")
    browser.evaluate(f"(() => {{{opening}}})()")
    browser.evaluate(f"{AXE};0")
    found = browser.evaluate("""axe.run({resultTypes: ['violations']}).then(({violations}) => violations.map(
        ({id, nodes}) => [id, ...nodes.map(({html, failureSummary}) => `${html}: ${failureSummary}`)]))""")
    assert found == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
