"""Predictions from a server that behaves as the database does: busy, cut off, without an answer."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from protrek_hm.data.structures.alphafold import AlphaFold, default_cache, fetch_predictions, read_accessions
from protrek_hm.data.structures.records import read_structure
from protrek_hm.data.web import Patience
from protrek_hm.errors import DownloadError, FileFormatError


class Database(ThreadingHTTPServer):
    """Models by accession, and what goes wrong at the first tries of each path."""

    daemon_threads = True

    def __init__(self, build):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        header = "_ma_qa_metric.name pLDDT"
        self.model = build.formats["bcif"](build.hairpin(b_factor=88.0), header=header)
        self.models = {
            "P12345": [("P12345", "AF-P12345-F1-model_v6"), ("P12345-2", "AF-P12345-2-F1-model_v6")],
            "Q8WZ42": [("Q8WZ42", "AF-Q8WZ42-F1-model_v6"), ("Q8WZ42", "AF-Q8WZ42-F2-model_v6")],
        }
        self.troubles, self.asked, self.host = {}, [], self.url

    def answer(self, path):
        _, _, accession = path.partition("/api/prediction/")
        if accession:
            models = self.models.get(accession)
            return (
                models
                and json.dumps(
                    [{"uniprotAccession": owner, "bcifUrl": f"{self.host}/files/{name}.bcif"} for owner, name in models]
                ).encode()
            )
        return self.model if path.startswith("/files/") else None


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked.append(self.path)
        trouble = next((each for key, each in server.troubles.items() if key in self.path and each), None)
        content = server.answer(self.path)
        if trouble:
            code, headers = trouble.pop(0)
            if code != "cut":
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                return
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write((content or b"")[: 100 if trouble is not None and code == "cut" else None])

    def log_message(self, *_args):
        pass


@pytest.fixture
def database(build):
    with Database(build) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield server
        server.shutdown()


@pytest.fixture
def source(database, tmp_path):
    return AlphaFold(tmp_path / "cache", database.url, Patience(tries=4, first_pause=0.01))


def test_predictions_are_fetched_once(database, source):
    told = []
    files, bad = fetch_predictions(["Q8WZ42", "P12345"], source, progress=lambda *each: told.append(each))
    names = ["AF-Q8WZ42-F1-model_v6.bcif", "AF-Q8WZ42-F2-model_v6.bcif", "AF-P12345-F1-model_v6.bcif"]
    assert ([path.name for path in files], bad) == (names, [])
    assert told == [("predictions", 1, 2), ("predictions", 2, 2)]
    [record] = read_structure(files[2])
    assert (record["id"], record["plddt"]) == ("AF-P12345-F1-model_v6_A", 88.0)
    database.asked.clear()
    assert fetch_predictions(["Q8WZ42", "P12345"], source) == (files, [])
    assert database.asked == []


def test_busy_servers_and_cut_connections_are_asked_again(database, source):
    database.troubles = {
        "api/prediction/P12345": [(429, {"Retry-After": "0"}), (503, {})],
        "files/AF-P12345": [("cut", {}), (500, {})],
    }
    [path], _ = fetch_predictions(["P12345"], source)
    assert path.read_bytes() == database.model
    assert len(database.asked) == 6


def test_accessions_without_a_prediction(database, source):
    with pytest.raises(FileFormatError, match="P99999: .* has no prediction; .*--on-bad-record skip"):
        fetch_predictions(["P99999", "P12345"], source)
    files, bad = fetch_predictions(["P99999", "../etc", "P12345"], source, on_bad_record="skip")
    assert len(files) == 1
    assert [str(each).partition(";")[0] for each in bad] == [
        f"P99999: {database.url} has no prediction",
        "../etc: no UniProt accession",
    ]
    database.models["P00001"] = [("P00001-2", "AF-P00001-2-F1-model_v6")]
    assert len(fetch_predictions(["P00001"], source, on_bad_record="skip")[1]) == 1, "another isoform"


def test_servers_that_are_none(database, source, tmp_path):
    def fails(match):
        with pytest.raises(DownloadError, match=match):
            fetch_predictions(["P12345"], source, on_bad_record="skip")

    database.troubles = {"api": [(500, {})] * 4}
    fails(r"P12345: no answer after 4 tries \(the server says 500\); check the network")
    database.troubles = {"api": [(403, {})]}
    fails("the server says 403")
    database.troubles = {}
    database.models["P12345"] = [("P12345", "../../evil")]
    fails("not the name of a model")
    database.host = "file:///etc"
    database.models["P12345"] = [("P12345", "AF-P12345-F1-model_v6")]
    fails("no address of the web")
    for answer in (b"<html>", b"[1]", b'[{"entry": 1}]'):
        database.answer = lambda _path, answer=answer: answer
        fails("no answer after 4 tries")
    source = AlphaFold(tmp_path, "http://127.0.0.1:9", Patience(tries=1))
    fails("no answer after 1 tries")
    assert list(tmp_path.rglob("*.bcif")) == []


def test_lists_of_accessions(tmp_path, monkeypatch):
    (tmp_path / "list.txt").write_text("P12345\nq8wz42\n\n P12345 \n")
    assert read_accessions([str(tmp_path / "list.txt"), "A0A024R161"]) == ["P12345", "Q8WZ42", "A0A024R161"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "protrek-hm" / "alphafold"


def test_of_two_versions_in_the_cache_the_newest_is_read(database, source, caplog):
    source.cache.mkdir()
    for name in ("F1-model_v4.bcif", "F1-model_v10.cif", "F1-model_v10.bcif", "F2-model_v10.bcif", "F2-model_v11.bcif"):
        (source.cache / f"AF-P12345-{name}").write_bytes(b"")
    files, bad = fetch_predictions(["P12345"], source)
    assert [path.name for path in files] == ["AF-P12345-F1-model_v10.bcif", "AF-P12345-F2-model_v10.bcif"]
    assert (bad, database.asked) == ([], [])
    assert "versions 4 and 10 of its model; the newest is read" in caplog.text
