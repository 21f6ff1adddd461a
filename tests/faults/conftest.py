"""A disk that fails at a chosen call: `disk.c`, preloaded into one process that runs our commands in forks."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Run:
    """How a command ended: exit code (negative: killed by that signal), stderr, calls that changed the disk."""

    code: int
    stderr: str
    count: int | None


class FaultyDisk:
    """Runs commands; the `number`-th call that changes the disk below `folder` goes wrong.

    mode: count (nothing goes wrong), kill (SIGKILL before the call), torn (half of a write, then SIGKILL), error (EIO),
    full (ENOSPC from that call on, for all calls that need room). Where calls that read are counted instead: reads,
    read error (EIO), short (half of what was asked for).
    """

    def __init__(self, library):
        environment = os.environ | {"LD_PRELOAD": str(library), "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, HERE / "runner.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        assert self._process.stdout.readline() == "ready\n"

    def run(self, arguments, folder, mode="count", number=0):
        request = {"arguments": [*map(str, arguments)], "folder": str(folder), "mode": mode, "number": number}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return Run(**json.loads(self._process.stdout.readline()))

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


@pytest.fixture(scope="session")
def faulty_disk(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("faults") / "disk.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "disk.c", "-ldl"], check=True)
    disk = FaultyDisk(library)
    yield disk
    disk.close()
