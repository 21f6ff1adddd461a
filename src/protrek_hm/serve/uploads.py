"""Uploaded structures: read by another process, with limits on time and memory, in a folder of its own."""

import json
import subprocess
import sys
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import protrek_hm
from protrek_hm.serve.config import ServeConfig
from protrek_hm.serve.problems import ProblemError

_REMEDIES = {
    "file": "send a PDB, mmCIF or BinaryCIF file, as it is or as .gz or .zst",
    "chain": "choose one of them",
}
_SECONDS = 30  # of processor time; twice as many by the clock
_PROGRAM = """
import json, runpy, sys
sys.path[:] = json.loads(sys.argv.pop(1))
runpy.run_module("protrek_hm.serve.parse_upload", run_name="__main__")
"""


def read_upload(upload: IO[bytes], chain: str | None, config: ServeConfig) -> dict[str, Any]:
    """Return sequence and 3Di letters of a chain of a PDB, mmCIF or BinaryCIF file, which may be compressed.

    Parameters
    ----------
    upload
        A real file, of which all is read.
    chain
        The author's name of the chain; the first protein chain where None.

    Raises
    ------
    ProblemError
        If it is no structure, has no such chain, is too large, or takes too long.
    """
    upload.fileno()  # from here on it is a file on disk, where it was small enough for memory
    upload.seek(0)
    seconds = min(_SECONDS, ceil(config.timeout))
    command = [sys.executable, "-I", "-c", _PROGRAM, json.dumps(_module_folders())]
    command += [str(config.max_upload_bytes), str(seconds), chain or ""]
    with TemporaryDirectory(prefix="upload-", ignore_cleanup_errors=True) as folder:
        try:
            done = subprocess.run(
                command,
                stdin=upload,
                capture_output=True,
                timeout=min(2 * seconds, config.timeout),
                check=False,
                cwd=folder,
            )
        except subprocess.TimeoutExpired:
            raise ProblemError(400, "file", "it takes too long to read", "send a smaller structure") from None
    if done.returncode != 0:
        raise ProblemError(400, "file", "it cannot be read", _REMEDIES["file"])
    answer: dict[str, Any] = json.loads(done.stdout)
    if "problem" in answer:
        raise ProblemError(400, answer["field"], answer["problem"], _REMEDIES[answer["field"]])
    return answer


def _module_folders() -> list[str]:
    """List where this process finds its modules, but for the folder that it was started in: anybody may write there."""
    here = Path.cwd()
    package = Path(protrek_hm.__file__).parents[1]
    found = [each for each in sys.path if Path(each).is_absolute() and Path(each).resolve() != here]
    return [*found, str(package)]
