"""Predicted structures by accession, from the AlphaFold Protein Structure Database or a mirror of it.

The database's interface is asked for the current addresses, as they bear the version of the model.
"""

import json
import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from protrek_hm.config import OnBadRecord
from protrek_hm.data.structures.reading import BadFile
from protrek_hm.data.web import Patience, RefusedError, ask
from protrek_hm.deadline import Progress
from protrek_hm.errors import DownloadError
from protrek_hm.files import is_a_file, new_file

log = logging.getLogger(__name__)
ALPHAFOLD_URL = "https://alphafold.ebi.ac.uk"
# UniProt's own pattern, https://www.uniprot.org/help/accession_numbers, with the number of an isoform
_ACCESSION = re.compile(r"([OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})(-[0-9]+)?")
_KEPT = re.compile(r"AF-.+-F(\d+)-model_v(\d+)\..+")
_FILE_NAME = re.compile(r"AF-[\w.-]+\.(?:bcif|cif)")
_SIDE_BY_SIDE = 4
_NOTHING = (400, 404, 410, 422)  # what the database says to accessions that it does not know


@dataclass(frozen=True)
class AlphaFold:
    """Where predictions come from and are kept.

    Attributes
    ----------
    cache
        Folder of the files; what is in it is not fetched again. Of several versions of a model the newest is read.
    url
        The database or its mirror.
    patience
        How long to try.
    """

    cache: Path
    url: str = ALPHAFOLD_URL
    patience: Patience = Patience()


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
        lines = Path(each).read_text(encoding="utf-8", errors="replace").split() if is_a_file(each) else [each]
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
        The database and the cache.
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
    DownloadError
        If the database cannot be reached, or its answer is not understood.
    OutputError
        If the cache cannot be written.
    FileFormatError
        On an accession without a prediction.
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
    if kept := _kept_files(accession, source.cache):
        return kept
    question = f"{source.url.rstrip('/')}/api/prediction/{accession}"
    try:
        urls, _ = ask(question, partial(_model_urls, accession=accession), patience=source.patience)
        paths = {source.cache / _file_name(url): url for url in urls}
        for path in sorted(paths, reverse=True):  # the first fragment comes last: where it lies, all lie
            content, _ = ask(paths[path], bytes, patience=source.patience)
            with new_file(path) as temporary:
                temporary.write_bytes(content)
    except RefusedError as error:
        if error.code not in _NOTHING:
            raise
        paths = {}
    if not paths:
        return BadFile(Path(accession), f"{source.url} has no prediction", "look for another entry of the protein")
    return sorted(paths)


def _kept_files(accession: str, cache: Path) -> list[Path]:
    """Return the files of a protein that lie in the cache: those of the newest version that has the first fragment."""
    versions: dict[int, dict[int, Path]] = defaultdict(dict)
    for path in sorted(cache.glob(f"AF-{accession}-F*-model_v*"), reverse=True):  # of two formats .bcif comes last
        if name := _KEPT.fullmatch(path.name):
            versions[int(name[2])][int(name[1])] = path
    whole = sorted(version for version, fragments in versions.items() if 1 in fragments)
    if len(whole) > 1:
        held = " and ".join(map(str, whole))
        log.warning("%s: %s holds versions %s of its model; the newest is read", accession, cache, held)
    return sorted(versions[whole[-1]].values()) if whole else []


def _model_urls(answer: bytes, *, accession: str) -> list[str]:
    """Return the addresses of a protein's models: one, or one for each fragment. Isoforms are other proteins.

    >>> _model_urls(b'[{"uniprotAccession": "P1", "cifUrl": "a"}, {"uniprotAccession": "P1-2"}]', accession="P1")
    ['a']
    """
    try:
        models = [each for each in json.loads(answer) if each["uniprotAccession"] == accession]
        return [str(each.get("bcifUrl") or each["cifUrl"]) for each in models]
    except (TypeError, KeyError):
        raise ValueError("not the answer of an AlphaFold database") from None


def _file_name(url: str) -> str:
    """Return the name of the file at an address; it becomes one of ours, so it must be an innocent one."""
    name = url.rpartition("/")[2]
    if not _FILE_NAME.fullmatch(name):
        raise DownloadError(url, "not the name of a model", "check --alphafold-url")
    return name
