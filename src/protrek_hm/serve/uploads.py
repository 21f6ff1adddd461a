"""Uploaded structures: read by another process, with limits on time and memory, in an empty folder of its own.

Whatever a file does to a parser written in C++, the server goes on.
"""

import json
import shutil
import signal
import subprocess
import sys
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import protrek_hm
from protrek_hm.errors import FileFormatError
from protrek_hm.serve.config import ServeConfig
from protrek_hm.serve.problems import ProblemError

MEMORY = 3 << 30
"""Bytes that it may take, at most."""

_LISTED = 20  # chains that a message names
_REMEDIES = {
    "file": "send a PDB, mmCIF or BinaryCIF file, as it is or as .gz or .zst",
    "chain": "choose one of them",
}
_SECONDS = 30  # of processor time; twice as many by the clock
_PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv.pop(1))
from protrek_hm.serve.uploads import main
main()
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


def main() -> None:
    """Write a chain of the file, or what is wrong with it. Arguments: most bytes, most seconds, chain or nothing."""
    max_bytes, seconds, chain = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    import resource  # Windows has none

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))
    signal.alarm(2 * seconds)  # even if the server that waits for it has been killed
    file = Path("upload")
    with file.open("wb") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
    try:
        answer = _answer(file, chain, max_bytes)
    except FileFormatError as error:
        answer = {"field": "file", "problem": error.problem}
    except MemoryError:
        answer = {"field": "file", "problem": "it takes too much memory"}
    json.dump(answer, sys.stdout)


def _answer(file: Path, chain: str, max_bytes: int) -> dict[str, Any]:
    from protrek_hm.data.structures.config import StructureConfig
    from protrek_hm.data.structures.records import read_structure  # loaded by the other process alone

    records = {each["chain"]: each for each in read_structure(file, StructureConfig(max_bytes=max_bytes, workers=1))}
    chosen = chain or next(iter(records))
    if chosen not in records:
        listed = ", ".join(list(records)[:_LISTED]) + ", …" * (len(records) > _LISTED)
        return {"field": "chain", "problem": f"no protein chain {chosen!r} (chains: {listed})"}
    found = records[chosen]
    return {
        "chain": chosen,
        "sequence": found["sequence"],
        "structure": found["structure"],
        "chains": list(records),
    }
