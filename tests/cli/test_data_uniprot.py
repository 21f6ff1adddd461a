"""`protrek-hm data convert` and `data uniprot`: what is printed, with which exit code, and what is left behind."""

import json
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pyarrow.parquet
import pytest

FILES = Path(__file__).parents[1] / "data" / "uniprot" / "files"


@pytest.fixture
def command(command_line, monkeypatch, tmp_path):
    """Run `protrek-hm data …` in an empty folder; give exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    return partial(command_line, "data")


@pytest.fixture
def server():
    """One page with the three entries; whatever follows `answers` is said first."""
    answers = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            query = parse_qs(urlsplit(self.path).query)["query"][0]
            code, body = answers.pop(0) if answers else (200, (FILES / "three.json").read_bytes())
            if query == "bad:":
                code, body = 400, b'{"messages": ["query parameter has an invalid syntax"]}'
            self.send_response(code)
            self.send_header("X-UniProt-Release", "2026_03")
            self.send_header("X-Total-Results", "3")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}", answers
        http.shutdown()


def test_convert(command, tmp_path):
    code, out, err = command("convert", FILES / "three.dat", "-o", "a.parquet", "--gold-twins", "t.tsv")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "a.parquet: 3 proteins, 2 of them with a text, in 3 rows (UniProt release not told)",
        "t.tsv: 7 gold twins (2 neutral) from 8 features; skipped: mismatch 1, no effect told 1, other isoform 1; "
        "first mismatch P00901 R40A: T stands at 40",
    ]
    assert pl.read_parquet(tmp_path / "a.parquet").height == 3
    code, out, err = command("convert", FILES / "three.dat", "-o", "a.parquet")
    assert (code, out) == (2, "")
    assert "overwrite it with --force" in err
    sections = ["--section", "ptm", "--section", "function", "--text-per", "section", "--release", "2026_03"]
    code, out, _ = command("convert", FILES / "three.tsv", "-o", "a.parquet", "--force", *sections)
    assert out == "a.parquet: 3 proteins, 2 of them with a text, in 4 rows (UniProt release 2026_03)\n"
    code, out, err = command(
        *("convert", FILES / "three.dat", FILES / "three.json", "-o", "b.csv", "--on-bad-record", "skip")
    )
    assert code == 0
    assert err.startswith("3 broken records left out, the first ")
    (tmp_path / "gone.tsv").write_text(
        "Entry\tProtein names\tSequence\nQ1\tTestase\tMKV\nQ2\tdeleted\t\nQ3\tMerged into Q1.\t\n"
    )
    code, _, err = command("convert", tmp_path / "gone.tsv", "-o", "gone.csv")
    assert (code, err) == (0, "2 entries deleted or merged by UniProt, left out\n")


def test_download(command, server, tmp_path):
    url, _ = server
    code, out, err = command("uniprot", "taxonomy_id:9999", "-o", "a.parquet", "--base-url", url)
    assert (code, err) == (0, "")
    assert out == "a.parquet: 3 proteins, 2 of them with a text, in 3 rows (UniProt release 2026_03)\n"
    metadata = json.loads(pyarrow.parquet.read_schema(tmp_path / "a.parquet").metadata[b"protrek_hm"])
    assert metadata.pop("server") == url
    assert metadata == {
        "format_version": 1,
        "source": "UniProt (CC BY 4.0)",
        "release": "2026_03",
        "query": "taxonomy_id:9999",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
    code, out, err = command("uniprot", "taxonomy_id:9999", "-o", "a.parquet", "--base-url", url)
    assert code == 2
    assert "exists already" in err
    code, out, _ = command(
        *("uniprot", "x", "-o", "a.parquet", "--base-url", url, "--force", "--restart", "--gold-twins", "t.parquet")
    )
    assert code == 0
    assert pl.read_parquet(tmp_path / "t.parquet")["neutral"].sum() == 2


@pytest.mark.parametrize(
    ("query", "arguments", "message"),
    [
        ("bad:", [], "error: query = 'bad:': query parameter has an invalid syntax"),
        ("x", ["--section", "functions"], "error: text_sections = 'functions': one of function, "),
        ("x", ["--base-url", "ftp://x"], "error: ftp://x/uniprotkb/search?"),
    ],
)
def test_what_cannot_be_downloaded_is_one_line(command, server, tmp_path, query, arguments, message):
    code, out, err = command("uniprot", query, "-o", "a.parquet", "--base-url", server[0], *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_says_how_to_go_on(command, server, monkeypatch, tmp_path):
    url, answers = server
    answers.append((503, b""))

    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("protrek_hm.data.web.time.sleep", interrupt)
    code, out, err = command("uniprot", "x", "-o", "a.parquet", "--base-url", url)
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "what has come is kept in a.parquet.download: the same command goes on"
    assert not (tmp_path / "a.parquet").exists()
