"""A structure file from stdin, as JSON on stdout; the program that `uploads` runs.

A process of its own: whatever a file does to a parser written in C++, the server goes on.
"""

import json
import resource
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from protrek_hm.data.structures.config import StructureConfig
from protrek_hm.data.structures.records import read_structure
from protrek_hm.errors import FileFormatError

MEMORY = 3 << 30
"""Bytes that it may take, at most."""


def main() -> None:
    """Write the chains of the file, or what is wrong with it. Arguments: most bytes, most seconds."""
    max_bytes, seconds = map(int, sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "upload"
        with file.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        try:
            records = read_structure(file, StructureConfig(max_bytes=max_bytes, workers=1))
        except FileFormatError as error:
            json.dump({"problem": error.problem}, sys.stdout)
        except MemoryError:
            json.dump({"problem": "it takes too much memory"}, sys.stdout)
        else:
            json.dump({"chains": records}, sys.stdout)


if __name__ == "__main__":
    main()
