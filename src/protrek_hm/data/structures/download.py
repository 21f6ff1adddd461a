"""Fetch files over HTTP: whole or not at all, again where the server is busy, never more than a limit."""

import time
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.files import new_file

_TRIES = 5
_LONGEST_PAUSE = 60.0  # seconds
_TIMEOUT = 60.0  # seconds without a byte
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_REMEDY = "check the network and the address, and try again: what is fetched already is kept"


def fetch(url: str, *, max_bytes: int, first_pause: float = 1.0) -> bytes:
    """Return what stands at an address.

    Parameters
    ----------
    url
        Over http or https.
    max_bytes
        Longer answers are refused.
    first_pause
        Seconds before the second try; each later pause is twice as long, or as long as the server asks for.

    Raises
    ------
    MissingFileError
        If the server says that there is nothing.
    FileFormatError
        If it cannot be fetched, or is longer.
    """
    if not url.startswith(("http://", "https://")):
        raise FileFormatError(url, "not an address of the web", "give one that begins with https://")
    pause = first_pause
    for tries in range(1, _TRIES + 1):
        try:
            content = _fetch_once(url, max_bytes)
        except HTTPError as error:
            if error.code in (400, 404, 410, 422):
                raise MissingFileError(url, f"the server says {error.code}") from None
            reason = f"the server says {error.code}"
            asked = error.headers.get("Retry-After", "")
            error.close()
            if error.code not in _BUSY:
                break
            pause = float(asked) if asked.isdigit() else pause
        except (OSError, HTTPException, UnicodeError) as error:  # unreachable, timed out, cut off, no such address
            reason = str(error) or type(error).__name__
        else:
            if len(content) > max_bytes:
                raise FileFormatError(url, f"more than {max_bytes:,} bytes", "raise the limit with --max-bytes")
            return content
        if tries < _TRIES:
            time.sleep(min(pause, _LONGEST_PAUSE))
            pause *= 2
    raise FileFormatError(url, f"cannot be fetched ({reason})", _REMEDY)


def download(url: str, path: Path, *, max_bytes: int, first_pause: float = 1.0) -> None:
    """Write what stands at an address to `path`, whole or not at all; see `fetch`."""
    content = fetch(url, max_bytes=max_bytes, first_pause=first_pause)
    with new_file(path) as temporary:
        temporary.write_bytes(content)


def _fetch_once(url: str, max_bytes: int) -> bytes:
    with urlopen(Request(url, headers={"User-Agent": "protrek-hm"}), timeout=_TIMEOUT) as response:
        content: bytes = response.read(max_bytes + 1)
        announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and len(content) < min(int(announced), max_bytes + 1):
        raise OSError(f"cut off after {len(content):,} of {announced} bytes")
    return content
