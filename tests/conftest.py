"""Fixtures for all tests: no network, no GPU, no hub; shapes in signatures are executed in `SHAPES_CHECKED`."""

import json
import os
import re
import selectors
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen
from uuid import uuid4

import numpy as np
import pytest
from beartype import beartype
from hypothesis import settings
from jaxtyping import install_import_hook

from protrek_hm import locations

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side: more threads only wait for each other

settings.register_profile("any machine", deadline=None)  # a busy one is slow, not wrong
settings.load_profile("any machine")

SHAPES_CHECKED = [f"protrek_hm.{room}" for room in ("evaluate", "homology", "index", "mine", "search", "train")]
"""Rooms whose shapes the tests execute; the other rooms' signatures are not all true yet."""
_SHAPE = re.compile(r"\b(Bool|Float|Int|UInt)\d*\[")


def shapes_checked(function):
    """Check the arrays that a function takes and returns; mypy checks its other types, and stand-ins may pass there."""
    written = function.__annotations__
    function.__annotations__ = {name: hint for name, hint in written.items() if _SHAPE.search(str(hint))}
    checked = beartype(function)
    function.__annotations__ = checked.__annotations__ = written
    return checked


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests of whole commands, during which another process has the short ones to do."""
    here = Path(__file__).parent
    items.sort(key=lambda item: not (item.path.parent == here and item.get_closest_marker("slow")))


def readable(file, seconds: float) -> bool:
    """Wait until there is something to read; `select` would refuse a process with more than 1,024 open files."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(file, selectors.EVENT_READ)
        return bool(waiting.select(seconds))


def pytest_configure():
    """Check the shapes of `SHAPES_CHECKED` while the tests run; see `shapes_checked`."""
    install_import_hook(SHAPES_CHECKED, f"{__name__}.shapes_checked")


REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real proteins beside the checkout; tests that need it skip where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real proteins at {REAL_DATA}")
    return REAL_DATA


class LetterEncoder:
    """A stand-in for a model: counts the letters of its input, so that one can tell by hand what is near."""

    temperature = 0.05

    def __init__(self, weights: str = "letters", tasks: tuple[str, ...] = ("text", "sequence", "structure")) -> None:
        self.weights, self.tasks = weights, tasks
        self.encoded: list[str] = []

    def fingerprint(self) -> str:
        return self.weights

    def encode(self, inputs: list[str], /, *, task: str, batch_size: int, show_progress_bar: bool) -> np.ndarray:
        assert task in self.tasks
        assert batch_size >= 1
        assert isinstance(show_progress_bar, bool)
        self.encoded += inputs
        return np.array([[each.upper().count(letter) for letter in "ACDEFGHIKLMNPQRSTVWY"] for each in inputs])


@pytest.fixture(scope="session")
def letter_encoder() -> type[LetterEncoder]:
    return LetterEncoder


class Store:
    """A bucket of an S3 server on loopback; `refuse` has it answer 403."""

    def __init__(self, address: str, bucket: str) -> None:
        self.address, self.url = address, f"s3://{bucket}"
        self._ask(bucket, "PUT")

    def refuse(self, pattern: str) -> None:
        self._ask(f"refuse?{quote(pattern)}")

    def put(self, name: str, content: str | bytes) -> str:
        """Store a file, and return its URL."""
        locations.write_bytes(self.at(name), content.encode() if isinstance(content, str) else content)
        return f"{self.url}/{name}"

    def at(self, name: str) -> locations.Location:
        return locations.parse_url(f"{self.url}/{name}")

    def names(self, folder: str = "") -> list[str]:
        return list(locations.files_below(locations.parse_url(f"{self.url}/{folder}")))

    def _ask(self, path: str, method: str = "GET") -> None:
        urlopen(Request(f"{self.address}/{path}", method=method), timeout=20).close()


@pytest.fixture(scope="session")
def s3_server():
    """The address of an S3 server on loopback; tests of it skip where there is none."""
    script = Path(__file__).with_name("s3_server.py")
    command = [sys.executable, "-W", "ignore", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            port = server.stdout.readline().strip() if readable(server.stdout, 60) else ""
            if not port:
                server.kill()
                pytest.skip(f"no S3 server: {(server.stderr.read().splitlines() or ['it does not start'])[-1]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


@pytest.fixture
def store(s3_server, monkeypatch, tmp_path):
    """An empty bucket, the environment that leads to it, and a cache of the test's own."""
    given = {"ENDPOINT_URL": s3_server, "ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret-of-the-test"}
    for name, value in {**given, "REGION": "us-east-1", "EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = Store(s3_server, f"bucket-{uuid4().hex[:12]}")
    yield store
    store.refuse("")


class Browser:
    """A headless Chromium, spoken to over a pipe in its DevTools protocol; `open` gives a fresh page without a past."""

    QUIET = (
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
        *("--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe"),
    )
    PATIENCE = 60  # seconds

    def __init__(self, program, profile):
        (child_in, self._out), (self._in, child_out) = os.pipe(), os.pipe()

        def use_pipes():
            source_in, source_out = os.dup(child_in), os.dup(child_out)
            os.dup2(source_in, 3)
            os.dup2(source_out, 4)

        self._process = subprocess.Popen(
            [program, *self.QUIET, f"--user-data-dir={profile}"],
            preexec_fn=use_pipes,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(child_in)
        os.close(child_out)
        self._buffer, self._number, self.events = b"", 0, []
        self.session = self.context = None

    def call(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self.session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self.session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, url, *, downloads=None, width=1100, height=900, phone=False):
        """Open an address; files that the page saves go into the folder `downloads`."""
        if self.context:
            self.call("Target.disposeBrowserContext", browserContextId=self.context)
        self.events, self.session = [], None
        self.context = self.call("Target.createBrowserContext")["browserContextId"]
        if downloads:
            allowed = {"behavior": "allow", "downloadPath": str(downloads)}
            self.call("Browser.setDownloadBehavior", browserContextId=self.context, **allowed)
        target = self.call("Target.createTarget", url="about:blank", browserContextId=self.context)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive())

    def evaluate(self, expression):
        """Return the value of a JavaScript expression; promises are awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression):
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + self.PATIENCE
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < end, f"never true: {expression}\n{self.evaluate('document.body.innerText')}"
            time.sleep(0.02)

    def press(self, key, code=0, *, text="", modifiers=0):
        """Press a key; `modifiers`: 2 for Ctrl, 8 for Shift."""
        for kind in ("keyDown", "keyUp"):
            said = {"text": text} if text and kind == "keyDown" else {}
            about = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
            self.call("Input.dispatchKeyEvent", type=kind, **about, **said)

    def type(self, selector, text):
        """Put the cursor into a field and type."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)

    def click(self, selector):
        """Press the element that a selector finds first."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def upload(self, selector, path):
        """Choose a file in a file input."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def complaints(self):
        """List what the page wrote to the console as an error or a warning, and its uncaught exceptions."""
        told = []
        for event in self.events:
            method, said = event.get("method"), event.get("params", {})
            entry = said.get("entry", {})
            if method == "Runtime.exceptionThrown" or said.get("type") in ("error", "warning", "assert"):
                told.append(said)
            elif method == "Log.entryAdded" and entry["level"] in ("error", "warning"):
                told.append(entry)
        return told

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def _receive(self):
        while b"\0" not in self._buffer:
            assert readable(self._in, self.PATIENCE), "the browser does not answer"
            read = os.read(self._in, 1 << 16)
            assert read, "the browser has ended"
            self._buffer += read
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


def chromium():
    """Where Chromium is on this machine; None if it is not."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for found in map(shutil.which, names) if found), None)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A headless Chromium; tests that need one skip where there is none."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on this machine: no page is opened in a browser")
    opened = Browser(program, tmp_path_factory.mktemp("chromium"))
    yield opened
    opened.close()
