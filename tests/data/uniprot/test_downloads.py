"""Downloads against a server that behaves as UniProt's, with all its moods."""

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from protrek_hm.data.uniprot import convert, download
from protrek_hm.data.uniprot.downloads import discard
from protrek_hm.data.web import Patience
from protrek_hm.errors import DownloadError, NothingFoundError, OptionError

QUICK = Patience(tries=4, first_pause=0.0, timeout=5.0)
QUERY = "reviewed:true AND organism_id:999902"


def accessions(done, folder):
    convert(done.paths(folder), folder / "out.tsv", force=True)
    return [line.split("\t")[0] for line in (folder / "out.tsv").read_text().splitlines()[1:]]


EVERY = [f"A{number:05d}" for number in range(25)]


def test_all_pages_in_order(server, tmp_path):
    seen = []
    done = download(
        QUERY, tmp_path, server=server.url + "/", patience=QUICK, progress=lambda *report: seen.append(report)
    )
    assert accessions(done, tmp_path) == EVERY
    assert (done.release, done.total, done.entries, done.pages) == ("2026_03", 25, 25, 3)
    assert seen == [("download", 0, None), *(("download", count, 25) for count in (10, 20, 25))]
    assert len(server.requests) == 3
    assert all("127.0.0.1" in server.url and "cc_function" in request for request in server.requests)
    assert "ft_mutagen" not in server.requests[0]


def test_features_are_asked_for_when_wanted(server, tmp_path):
    download(QUERY, tmp_path, server=server.url, features=True, patience=QUICK)
    assert "ft_mutagen%2Cft_variant" in server.requests[0]


@pytest.mark.parametrize(
    "troubles",
    [
        [500, 502, 503],
        ["cut", None, "cut"],
        ["short", "short", "short"],
        ["hang up", None, "hang up"],
        [None, ("429", "0"), 504, "cut"],
    ],
)
def test_what_passes_is_waited_for(server, tmp_path, troubles, caplog):
    server.troubles.extend(troubles)
    done = download(QUERY, tmp_path, server=server.url, patience=QUICK)
    assert accessions(done, tmp_path) == EVERY
    assert len(server.requests) == 3 + sum(trouble is not None for trouble in troubles)
    assert "trying again" in caplog.text


@pytest.mark.parametrize("as_date", [False, True])
def test_the_server_says_how_long_to_wait(server, tmp_path, monkeypatch, as_date):
    pauses = []
    monkeypatch.setattr("protrek_hm.data.web.time.sleep", pauses.append)
    asked = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True) if as_date else "40"
    server.troubles.extend([("429", asked), 500, 500])
    download(QUERY, tmp_path, server=server.url, patience=Patience(tries=4, first_pause=3.0))
    assert pauses[0] == pytest.approx(40, abs=2)
    assert pauses[1:] == [6.0, 12.0]


def test_an_aborted_download_goes_on(server, tmp_path):
    server.troubles.extend([None, None, 500, 500, 500, 500])
    with pytest.raises(
        DownloadError, match=r"no answer after 4 tries \(the server says 500\); .*what has come is kept"
    ):
        download(QUERY, tmp_path, server=server.url, patience=QUICK)
    assert json.loads((tmp_path / "download.json").read_text())["entries"] == 20
    server.requests.clear()
    seen = []
    done = download(QUERY, tmp_path, server=server.url, patience=QUICK, progress=lambda *report: seen.append(report))
    assert len(server.requests) == 1
    assert seen[0] == ("download", 20, 25)
    assert accessions(done, tmp_path) == EVERY
    assert download(QUERY, tmp_path, server=server.url, patience=QUICK) == done, "complete: nothing is asked for"
    assert len(server.requests) == 1


def test_an_interrupted_download_goes_on(server, tmp_path):
    def interrupt(stage, done, total):
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(QUERY, tmp_path, server=server.url, patience=QUICK, progress=interrupt)
    assert accessions(download(QUERY, tmp_path, server=server.url, patience=QUICK), tmp_path) == EVERY
    assert len(server.requests) == 3


def test_another_query_or_a_lost_page_begins_anew(server, tmp_path):
    download(QUERY, tmp_path, server=server.url, patience=QUICK)
    download("another", tmp_path, server=server.url, patience=QUICK)
    assert len(server.requests) == 6
    (tmp_path / "page_00002.json.gz").unlink()
    done = download("another", tmp_path, server=server.url, patience=QUICK)
    assert len(server.requests) == 9
    assert accessions(done, tmp_path) == EVERY
    (tmp_path / "mine.txt").touch()
    (tmp_path / "out.tsv").unlink()
    discard(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"], "only our own files are removed"


def test_a_bad_query_is_told_in_uniprots_words(server, tmp_path):
    with pytest.raises(OptionError) as caught:
        download(server.bad_query, tmp_path / "work", server=server.url, patience=QUICK)
    assert str(caught.value) == "query = 'nosuchfield:1': 'nosuchfield' is not a valid search field"
    assert not (tmp_path / "work").exists()


def test_no_entry(server, tmp_path):
    server.entries = []
    with pytest.raises(NothingFoundError, match="no entry of UniProt matches"):
        download(QUERY, tmp_path, server=server.url, patience=QUICK)


def test_a_release_that_changes_in_between(server, tmp_path):
    server.page_size = 20

    def publish(stage, done, total):
        server.release = "2026_04" if done else "2026_03"

    with pytest.raises(DownloadError, match="changed from 2026_03 to 2026_04 in between; .*begins anew"):
        download(QUERY, tmp_path, server=server.url, patience=QUICK, progress=publish)
    assert not tmp_path.exists()


def test_fewer_entries_than_promised(server, tmp_path, monkeypatch):
    monkeypatch.setattr("protrek_hm.data.uniprot.downloads._NEXT", re.compile("(no such link)"))
    with pytest.raises(DownloadError, match="10 of 25 entries came"):
        download(QUERY, tmp_path, server=server.url, patience=QUICK)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://127.0.0.1:9", "no answer after 4 tries"),
        ("file:///etc", "no address of the web"),
        ("rest.uniprot.org", "no address of the web"),
    ],
)
def test_no_server(tmp_path, address, message):
    with pytest.raises(DownloadError, match=message) as caught:
        download(QUERY, tmp_path, server=address, patience=QUICK)
    assert "\n" not in str(caught.value)


def test_a_server_that_knows_no_such_page(server, tmp_path):
    server.troubles.append(404)
    with pytest.raises(DownloadError, match="the server says 404; check the address"):
        download(QUERY, tmp_path, server=server.url, patience=QUICK)
    assert len(server.requests) == 1


@pytest.mark.parametrize("setting", [{"tries": 0}, {"first_pause": -1}, {"timeout": 0}])
def test_patience_checks_its_values(setting):
    with pytest.raises(OptionError):
        Patience(**setting)
