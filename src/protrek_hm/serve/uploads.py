"""Uploaded structures: read by another process, with limits on time and memory."""

import json
import subprocess
import sys
from typing import IO, Any

from protrek_hm.serve.config import ServeConfig
from protrek_hm.serve.problems import ProblemError

_REMEDY = "send a PDB, mmCIF or BinaryCIF file, as it is or as .gz or .zst"
_SECONDS = 30  # of processor time; twice as many by the clock
_PROGRAM = ("-m", "protrek_hm.serve.parse_upload")


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
    command = [sys.executable, *_PROGRAM, str(config.max_upload_bytes), str(_SECONDS)]
    try:
        done = subprocess.run(command, stdin=upload, capture_output=True, timeout=2 * _SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ProblemError(400, "file", "it takes too long to read", "send a smaller structure") from None
    if done.returncode != 0:
        raise ProblemError(400, "file", "it cannot be read", _REMEDY)
    answer = json.loads(done.stdout)
    if "problem" in answer:
        raise ProblemError(400, "file", answer["problem"], _REMEDY)
    chains: dict[str, dict[str, Any]] = {each["chain"]: each for each in answer["chains"]}
    chosen = chain or next(iter(chains))
    if chosen not in chains:
        listed = ", ".join(chains)
        raise ProblemError(400, "chain", f"no protein chain {chosen!r} (chains: {listed})", "choose one of them")
    found = chains[chosen]
    return {"chain": chosen, "sequence": found["sequence"], "structure": found["structure"], "chains": list(chains)}
