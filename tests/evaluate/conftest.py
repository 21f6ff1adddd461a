"""Small triplet tables with a known truth, and encoders that know it or do not."""

import json
import os
import shutil
import subprocess
import time
from itertools import permutations

import numpy as np
import polars as pl
import pytest

from protrek_hm.evaluate import EvaluateConfig

COLUMNS = ("anchor_seq", "anchor_text", "hard_neg_seq", "hard_neg_text", "component")


class Oracle:
    """Puts every text on its own protein: `text of X` and the sequence X get the same vector."""

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
        self.encoded += inputs
        sequences = [each.removeprefix("text of ") for each in inputs]
        return np.array([np.random.default_rng([*sequence.encode()]).normal(size=24) for sequence in sequences])


class TextBlind(Oracle):
    """Gives all texts one vector."""

    def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
        names = ["any"] * len(inputs) if task == "text" else inputs
        return super().encode(names, task=task, batch_size=batch_size, show_progress_bar=show_progress_bar)


class Guesser(Oracle):
    """Gives texts vectors that have nothing to do with those of their proteins."""

    def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
        names = [f"{task} {each}" for each in inputs]
        return super().encode(names, task=task, batch_size=batch_size, show_progress_bar=show_progress_bar)


def triplets(rows):
    """Build a table from rows of (protein, twin, component)."""
    cells = [(protein, f"text of {protein}", twin, f"text of {twin}", component) for protein, twin, component in rows]
    return pl.DataFrame(cells, schema=COLUMNS, orient="row")


@pytest.fixture
def oracle():
    return Oracle()


@pytest.fixture
def text_blind():
    return TextBlind()


@pytest.fixture
def guesser():
    return Guesser()


@pytest.fixture(scope="session")
def make_triplets():
    return triplets


@pytest.fixture(scope="session")
def hard():
    """Return 20 components of three twins each, every pair in both directions: 120 rows."""
    rng = np.random.default_rng(5)
    rows = []
    for component in range(20):
        base = "".join(rng.choice(list("ACDEFGHIKL"), 30))
        twins = [base[:at] + letter + base[at + 1 :] for at, letter in ((3, "M"), (9, "N"), (20, "P"))]
        rows += [(first, second, component) for first, second in permutations(twins, 2)]
    return triplets(rows)


@pytest.fixture(scope="session")
def easy(hard):
    """Return each distinct protein of `hard` against one of another component."""
    proteins = hard["anchor_seq"].unique(maintain_order=True).to_list()
    shifted = proteins[7:] + proteins[:7]
    return triplets(
        [(protein, other, at // 3) for at, (protein, other) in enumerate(zip(proteins, shifted, strict=True))]
    )


@pytest.fixture(scope="session")
def quick():
    return EvaluateConfig(resamples=200, shown_twins=4)


@pytest.fixture
def light_pictures(monkeypatch):
    """Write a report without its pictures."""
    monkeypatch.setattr("protrek_hm.evaluate.report.write.draw_all", lambda *_: {})
    monkeypatch.setattr("protrek_hm.evaluate.report.write.draw_cards", lambda *_, **__: None)


@pytest.fixture
def real_search():
    """Ask for MMseqs2 itself."""


@pytest.fixture(autouse=True)
def _quick_search(request, monkeypatch):
    """Let equal proteins be the only relatives: MMseqs2 takes a second and a half to start."""

    def search(queries, targets, **_):
        at = {target: number for number, target in enumerate(targets)}
        hits = [(number, at[query]) for number, query in enumerate(queries) if query in at]
        return pl.DataFrame(hits, schema={"query": pl.UInt32, "target": pl.UInt32}, orient="row")

    if "real_search" not in request.fixturenames:
        monkeypatch.setattr("protrek_hm.evaluate.baselines.homologs.search", search)
        monkeypatch.setattr("protrek_hm.evaluate.scoreboards.ec.search", search)


class Browser:
    """A headless Chromium, spoken to over a pipe in its DevTools protocol."""

    QUIET = (
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
        *("--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe"),
    )

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

    def call(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if hasattr(self, "session"):
            message["sessionId"] = self.session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                return answer["result"]
            self.events.append(answer)

    def open(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive())

    def evaluate(self, expression):
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"]["value"]

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def _receive(self):
        end = time.monotonic() + 60
        while b"\0" not in self._buffer:
            assert time.monotonic() < end, "the browser does not answer"
            read = os.read(self._in, 1 << 16)
            assert read, "the browser has ended"
            self._buffer += read
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


@pytest.fixture
def browser(tmp_path):
    """Return a headless Chromium; tests that need one skip where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    program = next((found for found in map(shutil.which, names) if found), None)
    if program is None:
        pytest.skip("no Chromium on this machine: the report is not opened in a browser")
    opened = Browser(program, tmp_path / "profile")
    yield opened
    opened.close()
