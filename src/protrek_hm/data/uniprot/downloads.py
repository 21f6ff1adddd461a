"""Download entries that match a query, page by page into a folder; an interrupted download is continued."""

import gzip
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from protrek_hm.data.web import Patience, RefusedError, ask
from protrek_hm.deadline import Progress
from protrek_hm.errors import DownloadError, NothingFoundError, OptionError
from protrek_hm.files import new_file, read_json, write_json

SERVER = "https://rest.uniprot.org"
PAGE_SIZE = 500
"""Entries a page, the most that the server gives."""

_STATE, _PAGE = "download.json", "page_{:05d}.json.gz"
_FIELDS = (
    *("accession", "id", "reviewed", "protein_name", "fragment", "gene_names", "organism_name", "organism_id"),
    *("length", "sequence", "ec", "go", "xref_alphafolddb", "cc_function", "cc_catalytic_activity", "cc_cofactor"),
    *("cc_activity_regulation", "cc_pathway", "cc_subunit", "cc_subcellular_location", "cc_tissue_specificity"),
    *("cc_developmental_stage", "cc_induction", "cc_domain", "cc_ptm", "cc_polymorphism", "cc_disease"),
    *("cc_disruption_phenotype", "cc_allergen", "cc_toxic_dose", "cc_biotechnology", "cc_pharmaceutical"),
    *("cc_miscellaneous", "protein_families", "cc_caution"),
)
_FEATURES = ("ft_mutagen", "ft_variant")
_NEXT = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')


@dataclass
class Download:
    """The progress of a download.

    Attributes
    ----------
    question
        Address of the first page; a folder goes on with the same question only.
    release
        UniProt's release, such as ``2026_03``; None if the server does not say.
    total
        Entries that match; None if the server does not say.
    entries, pages
        Those that have come.
    cursor
        Query part of the next page's address; None at the end.
    """

    question: str
    release: str | None = None
    total: int | None = None
    entries: int = 0
    pages: int = 0
    cursor: str | None = None

    def paths(self, folder: Path) -> list[Path]:
        """Return the pages that have come, in order."""
        return [folder / _PAGE.format(number) for number in range(1, self.pages + 1)]


def download(
    query: str,
    folder: Path,
    *,
    server: str = SERVER,
    features: bool = False,
    patience: Patience | None = None,
    progress: Progress | None = None,
) -> Download:
    """Download the entries of UniProtKB that match a query, as pages of JSON in `folder`.

    A folder that holds a part of the same download is completed, one that holds another is begun anew.

    Parameters
    ----------
    query
        As in the search field of uniprot.org, such as ``reviewed:true AND organism_id:562``.
    folder
        For the pages; made if it is not there.
    server
        Address of UniProt's REST service, or of a mirror.
    features
        Whether MUTAGEN and VARIANT features are wanted.
    patience
        How long to try again after failures that pass.
    progress
        Is told the entries that have come and their number in all.

    Raises
    ------
    OptionError
        If the server does not understand the query; it says why.
    NothingFoundError
        If no entry matches.
    DownloadError
        If pages do not come, or the release changes in between.
    OutputError
        If the folder cannot be written.
    """
    fields = ",".join(_FIELDS + (_FEATURES if features else ()))
    first = urlencode({"query": query, "format": "json", "fields": fields, "size": PAGE_SIZE})
    address = server.rstrip("/") + "/uniprotkb/search?"
    state = _resumed(folder, address + first) or Download(address + first, cursor=first)
    while state.cursor is not None:
        if progress:
            progress("download", state.entries, state.total)
        _fetch_page(state, folder, address, query, patience)
    if progress:
        progress("download", state.entries, state.total)
    if not state.entries:
        raise NothingFoundError(f"{query!r}: no entry of UniProt matches; try the query at uniprot.org")
    if state.total not in (None, state.entries):
        discard(folder)
        problem = f"{state.entries:,} of {state.total:,} entries came"
        raise DownloadError(address[:-1], problem, "run the same command again: it begins anew")
    return state


def discard(folder: Path) -> None:
    """Remove the pages and what is noted of them; the folder too if nothing else is in it."""
    for path in [*folder.glob(_PAGE.format(0).replace("0" * 5, "*")), folder / _STATE]:
        path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _resumed(folder: Path, question: str) -> Download | None:
    """Return what is noted in the folder, if it is a part of this download and its pages are there."""
    if not (folder / _STATE).is_file():
        return None
    noted: dict[str, Any] = read_json(folder / _STATE)
    noted.pop("format_version", None)
    state = Download(**noted) if noted.keys() == asdict(Download("")).keys() else None
    if state and state.question == question and all(path.is_file() for path in state.paths(folder)):
        return state
    discard(folder)
    return None


def _fetch_page(state: Download, folder: Path, address: str, query: str, patience: Patience | None) -> None:
    """Fetch the next page, write it, and note how far we are."""
    try:
        (body, count), headers = ask(f"{address}{state.cursor}", _read_page, patience=patience)
    except RefusedError as error:
        told = _message(error.body)
        if told and not state.pages:
            raise OptionError("query", query, told) from None
        remedy = f"check the address, or begin anew without {folder}"
        raise DownloadError(address[:-1], f"the server says {error.code} {told}".strip(), remedy) from None
    release = headers.get("X-UniProt-Release")
    if state.pages and release != state.release:
        discard(folder)
        problem = f"UniProt's release changed from {state.release} to {release} in between"
        raise DownloadError(address[:-1], problem, "run the same command again: it begins anew")
    total = headers.get("X-Total-Results", "")
    state.release, state.total = release, int(total) if total.isdigit() else state.total
    state.entries += count
    state.pages += 1
    link = _NEXT.search(headers.get("Link", ""))
    state.cursor = urlsplit(link[1]).query if link else None  # of the link only this: so a mirror stays in charge
    with new_file(state.paths(folder)[-1]) as temporary:
        temporary.write_bytes(gzip.compress(body, compresslevel=1, mtime=0))
    write_json(folder / _STATE, {"format_version": 1, **asdict(state)})


def _read_page(body: bytes) -> tuple[bytes, int]:
    """Return the page with the number of its entries; raise ValueError if it is not whole."""
    try:
        return body, len(json.loads(body)["results"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"an answer that is no page of UniProt's, or was cut off ({len(body):,} bytes)") from None


def _message(body: bytes) -> str:
    """Return what UniProt says is wrong.

    >>> _message(b'{"messages": ["query parameter has an invalid syntax"]}')
    'query parameter has an invalid syntax'
    """
    try:
        messages = json.loads(body)["messages"]
    except (ValueError, KeyError, TypeError):
        return ""
    return " ".join("; ".join(map(str, messages)).split())
