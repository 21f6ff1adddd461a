"""Files with the same three invented entries in UniProt's four formats, and a server that behaves as UniProt's."""

import gzip
import json
import threading
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

FILES = Path(__file__).parent / "files"


@pytest.fixture(scope="session")
def files() -> Path:
    return FILES


class UniProtServer:
    """Pages of entries with a cursor in the Link header; `troubles` are played one by one, one for each request.

    A trouble is a status code, ("429", seconds), "cut" (fewer bytes than announced), "short" (half a page, announced
    as if it were whole), "hang up", or None for none.
    """

    def __init__(self) -> None:
        template = json.loads((FILES / "three.json").read_text(encoding="utf-8"))["results"][1]
        self.entries = [{**template, "primaryAccession": f"A{number:05d}"} for number in range(25)]
        self.page_size = 10
        self.release = "2026_03"
        self.link_host = "https://rest.uniprot.example"  # as of a mirror that passes links on as they are
        self.troubles: deque = deque()
        self.requests: list[str] = []
        self.statuses: Counter = Counter()
        self.bad_query = "nosuchfield:1"
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server.answer(self)

            def log_message(self, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, request):
        self.requests.append(request.path)
        trouble = self.troubles.popleft() if self.troubles else None
        query = parse_qs(urlsplit(request.path).query)
        if trouble == "hang up":
            request.close_connection = True
            return
        if isinstance(trouble, (int, tuple)):
            code, headers = (
                (trouble, {}) if isinstance(trouble, int) else (int(trouble[0]), {"Retry-After": trouble[1]})
            )
            self.send(request, code, b"<html>busy</html>", headers)
        elif query["query"] == [self.bad_query]:
            told = {"url": "http://x", "messages": ["'nosuchfield' is not a valid search field"]}
            self.send(request, 400, json.dumps(told).encode(), {})
        else:
            self.send_page(request, query, trouble)

    def send_page(self, request, query, trouble):
        assert urlsplit(request.path).path == "/uniprotkb/search"
        assert query["format"] == ["json"]
        start = int(query.get("cursor", ["0"])[0])
        end = start + self.page_size
        body = json.dumps({"results": self.entries[start:end]}, separators=(",", ":")).encode()
        headers = {"X-UniProt-Release": self.release, "X-Total-Results": str(len(self.entries))}
        if end < len(self.entries):
            rest = "&".join(part for part in urlsplit(request.path).query.split("&") if not part.startswith("cursor="))
            headers["Link"] = f'<{self.link_host}/uniprotkb/search?{rest}&cursor={end}>; rel="next"'
        if trouble == "short":
            body = body[: len(body) // 2]
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        self.send(request, 200, body, headers, cut=trouble == "cut")

    def send(self, request, code, body, headers, *, cut=False):
        self.statuses[code] += 1
        request.send_response(code)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            request.send_header(key, value)
        request.end_headers()
        request.wfile.write(body[: len(body) // 2] if cut else body)
        request.close_connection = cut


@pytest.fixture
def server():
    running = UniProtServer()
    yield running
    running.http.shutdown()
    running.http.server_close()
