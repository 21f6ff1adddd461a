"""The page in a real browser, over a real server on loopback."""

import csv
import io
import json
import time
from pathlib import Path
from urllib.parse import quote

import httpx2 as httpx
import polars as pl
import pytest

from protrek_hm.data.fasta import read_fasta
from protrek_hm.data.showcase import load_showcase
from protrek_hm.index import build_index
from protrek_hm.search import Searcher
from protrek_hm.serve import ServeConfig, create_app

STRUCTURE = Path(__file__).parents[2] / "example" / "structures" / "hairpin.pdb"
KEY = "a-key-of-some-length"
HOSTILE = "=HYPERLINK() <img src=x onerror=console.error('run')> & \"quoted\", with a comma"
QUERY = "destroys penicillins and early cephalosporins"


@pytest.fixture(scope="module")
def page_index(tmp_path_factory, letter_encoder):
    """Families of twins, and a record that would like to be markup."""
    showcase = (
        load_showcase()
        .filter(pl.col("base").is_in(["TEM", "INS", "UB-human", "GFP"]))
        .select("id", "sequence", "text", "base")
    )
    hostile = pl.DataFrame({"id": ["<b>bad</b>"], "sequence": ["MNPQWYVAGH" * 4], "text": [HOSTILE], "base": [None]})
    folder = tmp_path_factory.mktemp("page") / "index"
    build_index(
        pl.concat([showcase, hostile], how="vertical_relaxed"), letter_encoder(), folder, model_name="user/model"
    )
    return folder


@pytest.fixture(scope="module")
def serve(page_index, letter_encoder, listen):
    def start(**settings):
        return listen(create_app(Searcher.open(page_index, model=letter_encoder()), ServeConfig(**settings)))

    return start


@pytest.fixture(scope="module")
def address(serve):
    return serve()


@pytest.fixture
def page(browser, address, tmp_path):
    """The page at `/`, which may not complain."""
    browser.open(f"{address}/", downloads=tmp_path)
    browser.wait_for("document.querySelector('#columns button')")
    yield browser
    assert browser.complaints() == []


def post(address, path, **body):
    return httpx.post(f"{address}/v1/{path}", json=body).raise_for_status().json()


def searched(page, query=QUERY):
    page.type("#query", query)
    page.press("Enter", 13, modifiers=2)
    page.wait_for("document.querySelector('.hits')")


def texts(page, selector):
    return page.evaluate(f"[...document.querySelectorAll('{selector}')].map((each) => each.textContent)")


def requests(page):
    return [e["params"]["request"]["url"] for e in page.events if e.get("method") == "Network.requestWillBeSent"]


def waited_for_file(folder, name):
    end = time.monotonic() + 30
    while not (folder / name).is_file():
        assert time.monotonic() < end, sorted(folder.iterdir())
        time.sleep(0.02)
    return (folder / name).read_text()


def test_a_typed_query_gives_what_rest_gives_by_families(page, address):
    searched(page)
    found_by_rest = post(address, "search", query=QUERY)
    found = found_by_rest["families"]
    assert texts(page, ".hits tbody > tr:first-child .name b") == [family["hits"][0]["id"] for family in found]
    assert texts(page, ".hits .name b") == [hit["id"] for family in found for hit in family["hits"]]
    assert texts(page, ".hits .rank") == [str(hit["rank"]) for family in found for hit in family["hits"]]
    assert not page.evaluate("document.querySelectorAll('.histogram').length"), "the score alone does not decide"
    assert found[0]["hits"][0]["id"] in texts(page, "#status")[0]
    assert f"among the {found_by_rest['looked_at']} best hits" in texts(page, "#status")[0]
    shown = [family["hits"][1:] for family in found if len(family["hits"]) > 1]
    for words, members in zip(texts(page, ".family"), shown, strict=True):
        shares, away = [[member[name] for member in members] for name in ("identity", "differences")]
        assert words.startswith(f"{len(members)} more, {int(100 * min(shares))}")
        assert f"{int(100 * max(shares))} % identical" in words
        assert f"{max(away)} difference" in words

    hidden = "[...document.querySelectorAll('tr.member')].filter((row) => row.hidden).length"
    before = page.evaluate(hidden)
    page.click(".family")
    assert page.evaluate(hidden) < before
    assert page.evaluate("document.querySelector('.family').getAttribute('aria-expanded')") == "true"


def test_what_a_table_holds_stays_text(page):
    searched(page, HOSTILE)
    assert "<b>bad</b>" in texts(page, ".hits .name b")
    assert HOSTILE in texts(page, ".hits .text")
    assert page.evaluate("document.querySelectorAll('.hits img, .name b b').length") == 0


def test_an_address_brings_the_result_back_and_so_does_the_back_button(page, browser, address):
    searched(page)
    first = texts(page, ".hits .name b")
    page.evaluate("document.querySelector('#k').value = 2")
    page.click("#options summary")
    page.type("#where", "length > 200 and id like 'TEM%'")
    page.click("#submit")
    page.wait_for("document.querySelectorAll('.hits tbody').length === 1")
    filtered, shared = texts(page, ".hits .name b"), page.evaluate("location.href")
    assert filtered
    assert all(name.startswith("TEM") for name in filtered)
    page.evaluate("history.back()")
    names = "[...document.querySelectorAll('.hits .name b')].map((each) => each.textContent).join()"
    page.wait_for(f"{names} === {json.dumps(','.join(first))}")
    assert page.evaluate("document.querySelector('#where').value") == ""

    browser.open(shared)
    page.wait_for("document.querySelector('.hits')")
    assert texts(page, ".hits .name b") == filtered
    assert page.evaluate("document.querySelector('#query').value") == QUERY
    assert all(QUERY not in url.partition("#")[0] for url in requests(browser))
    assert {url.split("/")[2] for url in requests(browser)} == {address.removeprefix("http://")}


def test_a_result_is_saved_as_it_is_shown(page, address, tmp_path):
    searched(page, HOSTILE)
    wanted = post(address, "search", query=HOSTILE)
    for name in ("CSV", "FASTA", "JSON"):
        page.evaluate(
            f"[...document.querySelectorAll('.headline button')].find((each) => each.textContent === '{name}').click()"
        )
    stem = "protrek-hm_hyperlink-img-src-x-onerror-console-erro"
    assert json.loads(waited_for_file(tmp_path, f"{stem}.json")) == wanted

    hits = [hit for family in wanted["families"] for hit in family["hits"]]
    rows = list(csv.DictReader(io.StringIO(waited_for_file(tmp_path, f"{stem}.csv"), newline="")))
    assert [row["id"] for row in rows] == [hit["id"] for hit in hits]
    assert [float(row["score"]) for row in rows] == [hit["score"] for hit in hits]
    assert "'" + HOSTILE in [row["text"] for row in rows]  # a spreadsheet would run it

    waited_for_file(tmp_path, f"{stem}.fasta")
    records = list(read_fasta(tmp_path / f"{stem}.fasta"))
    ranked = sorted(hits, key=lambda hit: hit["rank"])
    assert [record.sequence for record in records] == [hit["record"]["sequence"] for hit in ranked]


def test_a_fasta_file_is_a_query_and_its_records_are_a_choice(page, tmp_path):
    insulin, ubiquitin = (
        load_showcase().row(by_predicate=pl.col("id") == name, named=True)["sequence"]
        for name in ("insulin", "ubiquitin-human")
    )
    (tmp_path / "two.fasta").write_text(f">first one\n{insulin[:50]}\n{insulin[50:]}\n>second\n{ubiquitin}\n")
    page.click("input[name=by][value=sequence]")
    page.upload("#file", tmp_path / "two.fasta")
    page.wait_for("document.querySelector('#file-hint').textContent.includes('two.fasta: 2 records')")
    page.evaluate("document.querySelector('#record').value = 1")
    page.evaluate("document.querySelector('#record').dispatchEvent(new Event('change'))")
    page.click("#submit")
    page.wait_for("document.querySelector('.hits')")
    assert texts(page, ".hits .name b")[0] == "ubiquitin-human"


def test_all_records_of_a_file_are_asked_at_once_and_kept_as_one_table(page, address, tmp_path):
    queries = {
        row["id"]: row["sequence"]
        for row in load_showcase().filter(pl.col("id").is_in(["insulin", "ubiquitin-human"])).iter_rows(named=True)
    }
    (tmp_path / "two.fasta").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in queries.items()))
    page.click("input[name=by][value=sequence]")
    page.upload("#file", tmp_path / "two.fasta")
    page.wait_for("document.querySelector('#record').options[0]?.text === 'all 2 at once'")
    page.click("#submit")
    page.wait_for("document.querySelectorAll('.answer').length === 2")
    assert texts(page, ".answer > summary b") == list(queries)
    page.click(".answer:not([open]) > summary")
    page.wait_for("document.querySelectorAll('.hits').length === 2")
    wanted = post(address, "batch", queries=list(queries.values()), by="sequence")["results"]
    hits = [[hit for family in each["families"] for hit in family["hits"]] for each in wanted]
    assert texts(page, ".hits .name b") == [hit["id"] for own in hits for hit in own]

    page.click(".headline button")
    rows = list(csv.DictReader(io.StringIO(waited_for_file(tmp_path, "protrek-hm_2-questions.csv"), newline="")))
    told = [(name, hit["id"]) for name, own in zip(queries, hits, strict=True) for hit in own]
    assert [(row["query"], row["id"]) for row in rows] == told


def test_lines_are_questions_unless_they_are_one(browser, address):
    browser.open(f"{address}/#q={quote(QUERY)}%0Ahormone")
    browser.wait_for("document.querySelectorAll('.answer').length === 2")
    assert texts(browser, ".answer > summary b") == [QUERY, "hormone"]
    browser.click("#each")
    browser.click("#submit")
    browser.wait_for("!document.querySelector('.answer') && document.querySelector('.hits')")
    assert "each=0" in browser.evaluate("location.hash")


def test_the_question_that_is_wrong_is_named(browser, address):
    records = quote(">good\nMKTAYIAKQR\n>bad\nMKJ")
    browser.open(f"{address}/#by=sequence&q={records}")
    browser.wait_for("!document.querySelector('#query-problem').hidden")
    assert texts(browser, "#query-problem")[0].startswith("bad: query = 'MKJ': letter 'J' at position 3")


def test_hits_are_narrowed_by_what_they_share_and_called_by_a_column(page, address):
    searched(page)
    hits = [hit for family in post(address, "search", query=QUERY)["families"] for hit in family["hits"]]
    lengths = [hit["record"].get("length") or len(hit["record"]["sequence"]) for hit in hits]
    count = sum(200 <= each < 400 for each in lengths)
    base = max({hit["record"]["base"] for hit in hits} - {None}, key=[hit["record"]["base"] for hit in hits].count)
    chips = texts(page, ".facets .chip")
    assert f"200 to 399 {count}" in chips
    assert f"{base} {sum(hit['record']['base'] == base for hit in hits)}" in chips
    press = "[...document.querySelectorAll('.facets .chip')].find((each) => each.textContent.startsWith('{}')).click()"
    middle = "length between 200 and 399"
    for value, condition in (("200", middle), (base, f"{middle} and base = '{base}'")):
        page.evaluate(press.format(value))
        page.wait_for(f"document.querySelector('#where').value === {json.dumps(condition)}")
        page.wait_for(f"document.querySelectorAll('.chip[aria-pressed=true]').length === {1 + (' = ' in condition)}")
    page.evaluate(press.format("200"))
    page.wait_for(f"document.querySelector('#where').value === {json.dumps(condition.removeprefix(f'{middle} and '))}")
    page.wait_for("document.querySelectorAll('.chip[aria-pressed=true]').length === 1")

    asked = [url for url in requests(page) if "/v1/" in url]
    page.evaluate("document.querySelector('#name').value = 'base'")
    page.evaluate("document.querySelector('#name').dispatchEvent(new Event('change'))")
    page.wait_for("document.querySelector('.called')")
    assert base in texts(page, ".called")
    assert "name=base" in page.evaluate("location.hash")
    assert [url for url in requests(page) if "/v1/" in url] == asked


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("sheet.xlsx", b"PK\x03\x04", "sheet.xlsx is a spreadsheet. Copy its columns"),
        ("picture.fasta", b"\x00\x01", "picture.fasta is neither FASTA nor a structure."),
        ("empty.fasta", b"\n", "empty.fasta holds no sequence."),
    ],
)
def test_a_file_that_is_no_query_is_told(page, tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    page.click("input[name=by][value=sequence]")
    page.upload("#file", tmp_path / name)
    page.wait_for("!document.querySelector('#query-problem').hidden")
    assert texts(page, "#query-problem")[0].startswith(told)


def test_a_structure_file_becomes_letters(page, tmp_path):
    page.click("input[name=by][value=structure]")
    page.upload("#file", STRUCTURE)
    page.wait_for("document.querySelector('#file-hint').textContent.includes('hairpin.pdb')")
    assert set(page.evaluate("document.querySelector('#query').value")) <= set("acdefghiklmnpqrstvwy#")
    page.click("#submit")
    page.wait_for("document.querySelector('.hits')")


def test_two_twins_are_compared_and_escape_closes(page, address):
    searched(page)
    page.click(".family")
    page.click("tr.member .differs button")
    page.wait_for("document.querySelector('.duel')")
    a, b = texts(page, "#compare-title span")
    why = post(address, "explain", text=QUERY, a=a, b=b)
    assert why["substitutions"]
    assert set(texts(page, ".worth tbody th")) == {each["notation"] for each in why["substitutions"]}
    columns = "[...document.querySelectorAll('.alignment mark')].map((each) => Number(each.dataset.column))"
    assert sorted(set(page.evaluate(columns))) == [each["column"] for each in why["substitutions"]]
    assert [f"{why[side]['score']:.3f}" for side in "ab"] == [each.replace("−", "-") for each in texts(page, ".big")]
    assert page.evaluate("location.hash").endswith(f"a={quote(a)}&b={quote(b)}")

    page.press("Escape", 27)
    page.wait_for("!document.querySelector('dialog').open")
    page.evaluate("history.back()")
    page.wait_for("document.querySelector('dialog').open && document.querySelector('.duel')")


def test_a_family_is_aligned_and_what_decides_stands_first(page, address, tmp_path):
    searched(page)
    page.evaluate("document.querySelector('[aria-label^=\"Align TEM\"]').click()")
    page.wait_for("document.querySelector('#family .worth')")
    family = max(post(address, "search", query=QUERY)["families"], key=lambda each: len(each["hits"]))
    ids = [hit["id"] for hit in family["hits"]]
    found = post(address, "family", proteins=ids, text=QUERY)
    by_worth = sorted(found["variations"], key=lambda each: -abs(each["model"]))
    assert texts(page, "#family .worth tbody th") == [each["notation"] for each in by_worth]
    columns = "[...document.querySelectorAll('#family mark')].map((each) => Number(each.dataset.column))"
    assert set(page.evaluate(columns)) == {each["column"] for each in found["variations"]}
    assert page.evaluate("document.querySelectorAll('#family .block:first-of-type .line:not(.marks)').length") == len(
        ids
    )
    assert page.evaluate("location.hash").endswith(f"family={ids[0]}")

    page.evaluate("document.querySelector('#family #offset').value = 2")
    page.evaluate("document.querySelector('#family form').requestSubmit()")
    first = by_worth[0]["notation"]
    moved = f"{first[0]}{int(first[1:-1]) + 2}{first[-1]}"
    page.wait_for(f"document.querySelector('#family .worth tbody th')?.textContent === '{moved}'")
    page.click("#family .headline button")
    saved = waited_for_file(tmp_path, f"protrek-hm_family-{ids[0].lower()}.fasta")
    assert [part.replace("\n", "") for part in saved.split(">")[1:]] == [
        each["id"] + each["aligned"] for each in found["members"]
    ]
    page.press("Escape", 27)
    page.wait_for("!document.querySelector('#family').open")


def test_two_hits_are_chosen_by_their_boxes(page):
    searched(page)
    page.evaluate("document.querySelectorAll('input[data-id]')[0].click()")
    assert page.evaluate("document.querySelector('#tray button').disabled") is True
    page.evaluate("document.querySelectorAll('input[data-id]')[1].click()")
    page.click("#tray button")
    page.wait_for("document.querySelector('.duel')")


def test_a_sequence_is_described(page):
    page.click("input[name=by][value=sequence]")
    page.click("input[name=want][value=describe]")
    insulin = load_showcase().row(by_predicate=pl.col("id") == "insulin", named=True)
    page.type("#query", f">mine\n{insulin['sequence']}")
    page.click("#submit")
    page.wait_for("document.querySelector('.relative')")
    assert insulin["text"] in texts(page, ".relative blockquote")
    assert len(texts(page, ".texts li")) == 5


def test_without_a_mouse(page):
    visited = []
    for _ in range(20):
        page.press("Tab", 9)
        name, ring = page.evaluate("""(() => {
            const at = document.activeElement;
            const seen = at.type === 'radio' ? at.nextElementSibling : at;
            return [at.id || at.name || at.textContent.trim(), getComputedStyle(seen).outlineStyle];
        })()""")
        assert ring != "none", name
        visited.append(name)
        if name == "About this index":
            break
    assert visited[0] == "Skip to the search"
    assert visited[-1] == "About this index"
    assert {"theme", "by", "want", "query", "Filter and options", "submit"} <= set(visited)


def test_every_field_has_a_name(page):
    nameless = """[...document.querySelectorAll('input, textarea, select, button, a, dialog')].filter((each) => !(
        each.labels?.length || each.ariaLabel || each.getAttribute('aria-labelledby') || each.textContent.trim()
    )).length"""
    assert page.evaluate(nameless) == 0
    searched(page)
    assert page.evaluate(nameless) == 0


@pytest.mark.parametrize("place", ["", f"#q={quote(QUERY)}", f"#q={quote(QUERY)}&a=TEM-1&b=TEM-2"])
def test_it_fits_a_phone(browser, address, place):
    browser.open(f"{address}/{place}", width=360, height=740, phone=True)
    if place:
        browser.wait_for("document.querySelector('.duel')" if "&a=" in place else "document.querySelector('.hits')")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 360
    assert browser.evaluate(
        "document.querySelector('dialog').scrollWidth <= document.querySelector('dialog').clientWidth"
    )
    assert browser.complaints() == []


def test_dark_and_light(page):
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.evaluate(paper) == "rgb(20, 23, 27)"
    page.click("#theme")
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    page.call("Page.reload")
    page.wait_for("document.querySelector('#columns button')")
    assert page.evaluate(paper) == "rgb(255, 255, 255)"


def test_a_wrong_filter_is_told_beside_its_field(browser, address):
    browser.open(f"{address}/#q=kinase&where=colour%20%3D%201")
    browser.wait_for("document.querySelector('#where-problem').textContent.includes('colour')")
    assert browser.evaluate("document.activeElement.id") == "where"
    assert browser.evaluate("document.querySelector('#where').getAttribute('aria-invalid')") == "true"


def test_a_filter_is_put_together_without_sql(page, address):
    page.click("#options summary")
    choose = "((each) => {{ each.selectedIndex = [...each.options].findIndex((one) => one.text === '{}');"
    choose += " each.dispatchEvent(new Event('change')); }})(document.querySelector('{}'))"
    for column, how, value in (("id", "contains", "tem"), ("length", "is at least", "200")):
        page.evaluate(choose.format(column, "#filter-column"))
        page.evaluate(choose.format(how, "#filter-how"))
        page.type("#filter-value", value)
        page.press("Enter", 13)
    condition = "id ilike '%tem%' and length >= 200"
    assert page.evaluate("document.querySelector('#where').value") == condition
    assert page.evaluate("document.querySelector('#options-summary').textContent") == "filter"
    assert page.evaluate("document.activeElement.id") == "filter-add"
    searched(page)
    found = post(address, "search", query=QUERY, where=condition)["families"]
    assert texts(page, ".hits tbody > tr:first-child .name b") == [family["hits"][0]["id"] for family in found]
    assert all(hit["id"].startswith("TEM") for family in found for hit in family["hits"])


def test_signals_can_be_chosen(browser, address):
    browser.open(f"{address}/#q=kinase&signals=model")
    browser.wait_for("document.querySelector('.hits')")
    found = post(address, "search", query="kinase", signals=["model"])["families"]
    assert texts(browser, ".hits tbody > tr:first-child .name b") == [family["hits"][0]["id"] for family in found]
    assert browser.evaluate("document.querySelector('#signals').value") == "model"
    assert browser.evaluate("document.querySelector('.histogram') !== null")


def test_a_filter_that_nothing_meets_is_told(browser, address):
    browser.open(f"{address}/#q=kinase&where=length%20%3C%203")
    browser.wait_for("document.querySelector('#results .notice')")
    assert texts(browser, "#results .notice") == [
        "No hits. No record holds the word “kinase”. No record with a sequence meets the condition; loosen it."
    ]


def test_where_the_background_is_the_index_no_e_value_is_shown_and_nothing_called_faint(page):
    searched(page, "a nucleotide that is not in any text")
    assert "E-value" not in texts(page, ".hits th")
    assert not any("stands out" in notice for notice in texts(page, "#results > .notice"))


def test_an_empty_query_and_wrong_letters_are_told(page):
    page.click("#submit")
    assert "empty" in texts(page, "#query-problem")[0]


def test_a_server_that_is_gone_is_told(browser, serve):
    browser.open(f"{serve()}/")
    browser.wait_for("document.querySelector('#columns button')")
    browser.call(
        "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1
    )
    browser.type("#query", QUERY)
    browser.click("#submit")
    browser.wait_for("document.querySelector('#alert').textContent.includes('does not answer')")


def test_a_key_is_asked_for_only_where_one_is_needed(browser, serve):
    browser.open(f"{serve(api_keys=(KEY,))}/#q=kinase")
    browser.wait_for("!document.querySelector('#key-form').hidden")
    browser.type("#key", KEY)
    browser.click("#key-form button")
    browser.wait_for("document.querySelector('.hits')")
    assert browser.evaluate("document.querySelector('#key-form').hidden")


def test_no_key_is_asked_for(page):
    assert page.evaluate("document.querySelector('#key-form').hidden")


@pytest.mark.parametrize(
    ("module", "expression", "value"),
    [
        ("api", "(window.fetch = async () => { m.setKey('new'); return new Response('{}', {status: 401}); },"
         " m.ask('v1/index').catch((error) => error.name))", "AbortError"),
        ("api", "['it ends too early', 'k = 3: too many', 'TEM-1 is short.', ''].map(m.sentence)",
         ["It ends too early.", "k = 3: too many.", "TEM-1 is short.", ""]),
        ("numbers", "[[0.912, 0.9989], [0.99], [1, 1]].map(m.identical)",
         ["91–99 % identical", "99 % identical", "100 % identical"]),
        ("numbers", "[0.5, 0.0999, null].map(m.likely)", ["50 %", None, None]),
        ("links", "m.linksOf({id: 'P62593'}).map((l) => l.label)", ["UniProt", "AlphaFold"]),
        ("links", "m.linksOf({id: 'sp|A0A0K8P6T7|PETH'})[0].href", "https://www.uniprot.org/uniprotkb/A0A0K8P6T7/entry"),
        ("links", "m.linksOf({id: 'x', accession: '2LZM'})[0].href", "https://www.rcsb.org/structure/2LZM"),
        ("links", "m.linksOf({id: 'AF-P12345-F1-model_v4'}).map((l) => l.label)", ["UniProt", "AlphaFold"]),
        ("links", "m.linksOf({id: '1234', accession: 'TEM-1'})", []),
        ("numbers", "[0.5, 0.004, 0.999, 1, null].map(m.percent)", ["50 %", "< 1 %", "> 99 %", "100 %", "–"]),
        ("numbers", "[0.031, 12.3, 2.4e-5, 0].map(m.tiny)", ["0.031", "12", "2 × 10⁻⁵", "0"]),
        ("form", "[['id', 'is', \"O'Hara\", false], ['full name', 'contains', 'Kin', false],"
         " ['length', 'most', '400', true]].map((each) => m.conditionOf(...each))",
         ["id = 'O''Hara'", "\"full name\" ilike '%Kin%'", "length <= 400"]),
        ("form", "[['length', 'least', 'many', true], ['id', 'is', '', false], ['id', 'filled', '', false]]"
         ".map((each) => m.conditionOf(...each))", [None, None, "id is not null"]),
        ("sequences", "m.parseRecords('MK\\nLA\\n').map((r) => r.sequence)", ["MKLA"]),
        ("sequences", "m.parseRecords('name\\ttext\\tSequence\\none\\ta kinase\\tMKLA\\n').map(Object.values)",
         [["one", "MKLA"]]),
        ("sequences", "m.parseRecords('one\\tMKLA\\t7 kDa\\ntwo\\tMKWA\\tkinase X').map(Object.values)",
         [["one", "MKLA"], ["two", "MKWA"]]),
        ("sequences", "m.parseRecords('one\\tMK1LA\\ntwo\\tMKWA').map(Object.values)",
         [["one", "MK1LA"], ["two", "MKWA"]]),
        ("sequences", "m.parseRecords('>one\\n>two\\nMK').map(Object.values)", [["one", ""], ["two", "MK"]]),
        ("sequences", "m.queriesOf({by: 'sequence', q: m.writeRecords([{name: 'a', sequence: 'MK'},"
         " {name: '', sequence: 'LA'}])}).map(Object.values)", [["a", "MK"], ["record-2", "LA"]]),
        ("facets", "m.facetsOf([{ec: '1.1; 2.2', length: 90}, {ec: '2.2', length: 900}],"
         " [{name: 'ec', type: 'String'}]).map((f) => f.values.map((v) => [v.label, v.count, v.condition]))",
         [[["2.2", 2, "ec ilike '%2.2%'"], ["1.1", 1, "ec ilike '%1.1%'"]],
          [["below 100", 1, "length < 100"], ["800 to 1599", 1, "length between 800 and 1599"]]]),
        ("form", "[m.without('a = 1 and b = 2 and c = 3', 'b = 2'), m.without('a = 1 and b = 2', 'a = 1'),"
         " m.holds('length < 1000', 'length < 100')]", ["a = 1 and c = 3", "b = 2", False]),
        ("state", "m.format(m.parse('#q=a+b&k=5&want=nonsense'))", "#q=a+b&k=5"),
        ("numbers", "['E102K', 'E3_T4insGG', 'K2_T3del'].map((each) => m.renumbered(each, -3))",
         ["E99K", "E0_T1insGG", "K−1_T0del"]),
        ("alignment", "m.chooseBlocks([170], 300, 60)",
         {"blocks": [{"start": 120, "stop": 180, "skipped": 120}], "after": 120}),
    ],
)  # fmt: skip
def test_its_parts(browser, address, module, expression, value):
    if browser.context is None or not browser.evaluate("location.href").startswith(address):
        browser.open(f"{address}/")
    assert browser.evaluate(f"import('/{module}.js').then((m) => {expression})") == value


def test_all_substitutions_of_a_hit_are_scanned_and_kept(page, address, tmp_path):
    searched(page)
    name = texts(page, ".hits .name b")[0]
    page.evaluate(f"document.querySelector('[aria-label=\"Scan the substitutions of {name}\"]').click()")
    page.wait_for("document.querySelector('#scan .lists table')")
    protein = post(address, "scan", text=QUERY, protein=name, region=[1, 1])["protein"]["sequence"]
    pieces = [
        post(address, "scan", text=QUERY, protein=name, region=[first, min(first + 39, len(protein))])
        for first in range(1, len(protein) + 1, 40)
    ]
    values = [row for piece in pieces for row in piece["model"]]
    best = max(map(max, values))
    first = texts(page, "#scan .lists tbody tr:first-child th")[0]
    scored = values[int(first[1:-1]) - 1][pieces[0]["residues"].index(first[-1])]
    assert scored == pytest.approx(best, abs=1e-6)
    assert "no twin head" in texts(page, "#scan .notice")[0]
    assert page.evaluate("document.querySelectorAll('#scan canvas').length") > 1

    box = "document.querySelector('#scan canvas')"
    at = f"{{offsetX: 18 + 5, offsetY: 14 + 11 * 'GAVLIMCPFYWHKRDENQST'.indexOf('{protein[0]}') + 5}}"
    page.evaluate(f"{box}.dispatchEvent(Object.assign(new Event('pointermove'), {at}))")
    assert texts(page, "#scan .readout") == [f"{protein[0]}1: the protein's own residue."]

    page.evaluate("document.querySelector('#scan .headline button').click()")
    wanted = f"import('./download.js').then((each) => each.fileName('scan {name} {QUERY}', 'tsv'))"
    saved = waited_for_file(tmp_path, page.evaluate(wanted))
    found = pl.read_csv(io.StringIO(saved), separator="\t")
    assert found.columns == ["position", "wild_type", "residue", "model", "head", "known"]
    assert len(found) == 19 * len(protein)
    held = dict(zip(zip(found["position"], found["residue"], strict=True), found["model"], strict=True))
    for piece in pieces:
        for at, row in enumerate(piece["model"]):
            for residue, value in zip(piece["residues"], row, strict=True):
                assert held.get((piece["first"] + at, residue), 0.0) == pytest.approx(value, abs=1e-6)
    known = {(each["position"], each["residue"]) for piece in pieces for each in piece["known"]}
    assert set(found.filter(pl.col("known").is_not_null()).select("position", "residue").rows()) == known

    page.press("Escape", 27)
    page.wait_for("!document.querySelector('#scan').open")
    assert "scan=" not in page.evaluate("location.hash")
