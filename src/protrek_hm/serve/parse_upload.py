"""A structure file from stdin, as JSON on stdout; the program that `uploads` runs in an empty folder.

A process of its own: whatever a file does to a parser written in C++, the server goes on.
"""

import json
import resource
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from protrek_hm.data.structures.config import StructureConfig
from protrek_hm.data.structures.records import read_structure
from protrek_hm.errors import FileFormatError

MEMORY = 3 << 30
"""Bytes that it may take, at most."""

_LISTED = 20  # chains that a message names


def main() -> None:
    """Write a chain of the file, or what is wrong with it. Arguments: most bytes, most seconds, chain or nothing."""
    max_bytes, seconds, chain = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
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


if __name__ == "__main__":
    main()
