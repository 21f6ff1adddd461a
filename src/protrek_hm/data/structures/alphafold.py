"""Predicted structures by accession, from the AlphaFold Protein Structure Database or a mirror of it.

The database's interface is asked for the current addresses, as they bear the version of the model.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from protrek_hm.data.proteins import OnBadRecord
from protrek_hm.data.structures.download import download, fetch
from protrek_hm.data.structures.files import BadFile
from protrek_hm.errors import FileFormatError, MissingFileError

ALPHAFOLD_URL = "https://alphafold.ebi.ac.uk"
# UniProt's own pattern, https://www.uniprot.org/help/accession_numbers, with the number of an isoform
_ACCESSION = re.compile(r"([OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})(-[0-9]+)?")
_FILE_NAME = re.compile(r"AF-[\w.-]+\.(?:bcif|cif)")
_SIDE_BY_SIDE = 4
_ANSWER_BYTES = 16 << 20

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class AlphaFold:
    """Where predictions come from and are kept.

    Attributes
    ----------
    cache
        Folder of the files; what is in it is not fetched again.
    url
        The database or its mirror.
    max_bytes
        Larger files are refused.
    first_pause
        Seconds before a second try where the server is busy.
    """

    cache: Path
    url: str = ALPHAFOLD_URL
    max_bytes: int = 512 << 20
    first_pause: float = 1.0


def default_cache() -> Path:
    """Return the user's cache folder for predictions, by the XDG rules."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "protrek-hm" / "alphafold"


def read_accessions(given: Iterable[str]) -> list[str]:
    """Return accessions, from words or from files that list one a line; each once, in order.

    Examples
    --------
    >>> read_accessions(["P12345", "q8ac81", "P12345"])
    ['P12345', 'Q8AC81']
    """
    accessions: dict[str, None] = {}
    for each in given:
        lines = Path(each).read_text(encoding="utf-8", errors="replace").split() if Path(each).is_file() else [each]
        accessions.update((line.strip().upper(), None) for line in lines)
    return list(accessions)


def fetch_predictions(
    accessions: Sequence[str],
    source: AlphaFold,
    *,
    on_bad_record: OnBadRecord = "error",
    progress: Progress | None = None,
) -> tuple[list[Path], list[BadFile]]:
    """Fetch the predictions of proteins, unless they lie in the cache.

    Parameters
    ----------
    accessions
        Of UniProt, such as P12345, or with an isoform's number, P12345-2.
    source
        The database, the cache and the limits.
    on_bad_record
        "error" raises on the first accession without a prediction, "skip" leaves them out.
    progress
        Called with "predictions", accessions looked up, and their number.

    Returns
    -------
    list of Path, list of BadFile
        The files in the order of the accessions, and the accessions without a prediction.

    Raises
    ------
    FileFormatError
        If the database cannot be reached, or answers something else; on an accession without a prediction.
    """
    files: list[Path] = []
    bad: list[BadFile] = []
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        try:
            outcomes = pool.map(partial(_fetch_prediction, source=source), accessions)
            for done, outcome in enumerate(outcomes, start=1):
                if not isinstance(outcome, BadFile):
                    files += outcome
                elif on_bad_record == "skip":
                    bad.append(outcome)
                else:
                    raise outcome.error()
                if progress is not None:
                    progress("predictions", done, len(accessions))
        finally:
            pool.shutdown(cancel_futures=True)
    return files, bad


def _fetch_prediction(accession: str, source: AlphaFold) -> list[Path] | BadFile:
    if not _ACCESSION.fullmatch(accession):
        return BadFile(Path(accession), "no UniProt accession", "write it like P12345")
    if any(source.cache.glob(f"AF-{accession}-F1-model_v*")):
        return sorted(source.cache.glob(f"AF-{accession}-F*-model_v*"))
    question = f"{source.url.rstrip('/')}/api/prediction/{accession}"
    try:
        answer = fetch(question, max_bytes=_ANSWER_BYTES, first_pause=source.first_pause)
        urls = _model_urls(answer, accession, question)
        if not urls:
            raise MissingFileError(question)
        paths = {source.cache / url.rpartition("/")[2]: url for url in urls}
        for path in sorted(paths, reverse=True):  # the first fragment comes last: where it lies, all lie
            download(paths[path], path, max_bytes=source.max_bytes, first_pause=source.first_pause)
    except MissingFileError:
        return BadFile(Path(accession), f"{source.url} has no prediction", "look for another entry of the protein")
    return sorted(paths)


def _model_urls(answer: bytes, accession: str, question: str) -> list[str]:
    """Return the addresses of a protein's models: one, or one for each fragment. Isoforms are other proteins."""
    try:
        models = [each for each in json.loads(answer) if each.get("uniprotAccession") == accession]
        urls = [str(each.get("bcifUrl") or each["cifUrl"]) for each in models]
    except (ValueError, TypeError, AttributeError, KeyError):
        raise FileFormatError(question, "not the answer of an AlphaFold database", "check --alphafold-url") from None
    for url in urls:
        if not _FILE_NAME.fullmatch(url.rpartition("/")[2]):
            raise FileFormatError(question, f"names an unlikely file ({url})", "check --alphafold-url")
    return urls
