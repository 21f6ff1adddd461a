"""Cells of the CSV that the page writes, made by its own script in Node; the page itself is tested in a browser."""

import csv
import io
import json
import shutil
import subprocess
from importlib.resources import files

import pytest

PAGE = files("protrek_hm.serve").joinpath("page")


@pytest.fixture(scope="module")
def as_csv(tmp_path_factory):
    """Write a hit with these texts as CSV and read it again."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node on this machine: the page's scripts run in a browser alone")
    folder = tmp_path_factory.mktemp("page")
    (folder / "package.json").write_text('{"type": "module"}')
    for name in ("download.js", "numbers.js", "sequences.js"):
        (folder / name).write_text(PAGE.joinpath(name).read_text("utf-8"), encoding="utf-8")
    (folder / "write.js").write_text(
        "import { asCsv } from './download.js';process.stdout.write(asCsv(JSON.parse(process.argv[2])));"
    )

    def write(values, head="value", *, matched=None, columns=None):
        hit = {"rank": 1, "id": "P1", "score": -0.5, "matched": matched}
        hits = [{**hit, "record": {head: value}} for value in values]
        given = json.dumps([{"families": [{"rank": 1, "hits": hits}]}])
        done = subprocess.run([node, folder / "write.js", given], capture_output=True, timeout=60, check=True)
        heads, *rows = csv.reader(io.StringIO(done.stdout.decode(), newline=""))
        assert [row[3] for row in rows] == ["-0.5"] * len(values)
        if columns is not None:
            return heads[columns][-1], rows[0][columns]
        return heads[-1], [row[-1] for row in rows]

    return write


def test_what_a_spreadsheet_would_run_is_text(as_csv):
    formulas = ["=1+1", "+1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "|cmd", "\t=1", "\r=1", "\n=1", "\tplain"]
    formulas += [
        "  =1",
        "\u00a0=1",
        "\ufeff=1",
        "\u200b-1+cmd",
        "\u3000@x",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "\u2212x",
        "-",
        "--1",
        "-1-1",
    ]
    formulas += ["-1e", "- 5", "-5 %", "+A1", "-.e1", "\x00=1"]
    _, cells = as_csv(formulas)
    assert cells == ["'" + each for each in formulas]
    assert as_csv(["x"], head="=cmd")[0] == "'=cmd"


def test_numbers_and_words_stay_what_they_are(as_csv):
    plain = [
        "-2",
        "+3",
        "-0.5",
        "-.5",
        "-1e-10",
        "+1E5",
        "-3.",
        "5-HT",
        "beta-lactamase",
        "a=b",
        "EC 3.5.2.6",
        "'",
        "x@y.org",
    ]
    _, cells = as_csv([*plain, -1.5, None, True, ["=x"]])
    assert cells == [*plain, "-1.5", "", "true", '["=x"]']


def test_matched_words_meaning_and_relatives_have_columns(as_csv):
    relatives = [{"id": "TEM-1", "identity": 0.999}, {"id": "SHV-1", "identity": 0.62}]
    said = {"words": ["binds", "=zinc"], "meaning": 0.25, "by_relatives": relatives}
    told = "TEM-1 (99 % identical), SHV-1 (62 % identical)"
    assert as_csv(["x"], matched=said, columns=slice(9, 11)) == ("by_relatives", ["0.25", told])
    assert as_csv(["x"], matched=said, columns=slice(8, 10)) == ("meaning", ["binds =zinc", "0.25"])
    assert as_csv(["x"], matched=None, columns=slice(8, 10)) == ("meaning", ["", ""])
