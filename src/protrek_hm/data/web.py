"""Ask a web server, and try again after temporary failures, waiting as long as it asks for."""

import gzip
import logging
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from protrek_hm.config import require
from protrek_hm.errors import DownloadError

log = logging.getLogger(__name__)
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_LONGEST_PAUSE = 300.0  # seconds
_REMEDY = "check the network and run the same command again: what has come is kept"
Content = TypeVar("Content")


@dataclass(frozen=True)
class Patience:
    """How long to try.

    Attributes
    ----------
    tries
        Maximum number of requests.
    first_pause
        Seconds before the second time, doubled each time, unless the server asks for more.
    timeout
        Seconds without a byte after which an answer counts as cut off.
    """

    tries: int = 8
    first_pause: float = 1.0
    timeout: float = 60.0

    def __post_init__(self) -> None:
        require("tries", self.tries, "must be at least 1", holds=self.tries >= 1)
        require("first_pause", self.first_pause, "must not be negative", holds=self.first_pause >= 0)
        require("timeout", self.timeout, "must be above 0", holds=self.timeout > 0)


class RefusedError(DownloadError):
    """The server refuses a request, and would refuse it again."""

    def __init__(self, url: str, code: int, body: bytes) -> None:
        self.code, self.body = code, body
        super().__init__(url, f"the server says {code}", "check the address")


def ask(
    url: str, read: Callable[[bytes], Content], *, patience: Patience | None = None
) -> tuple[Content, Mapping[str, str]]:
    """Request an address; return the answer as parsed by `read`, and its headers.

    Parameters
    ----------
    url
        Over http or https; nothing else is opened.
    read
        Parses the body, and raises ValueError if it is not complete: then the request is repeated.
    patience
        How long to try; the defaults of `Patience` without it.

    Raises
    ------
    RefusedError
        If the server refuses for good, with a code such as 400 or 404.
    DownloadError
        If no complete answer came in all tries, or the address is not one of http or https.
    """
    if not url.startswith(("http://", "https://")):
        raise DownloadError(url, "no address of the web", "give one that begins with https://")
    patience = patience or Patience()
    reason = ""
    for attempt in range(patience.tries):
        pause = patience.first_pause * 2**attempt
        try:
            body, headers = _answer(url, patience.timeout)
            return read(body), headers
        except HTTPError as error:
            with error:
                if error.code not in _PASSING:
                    raise RefusedError(url, error.code, error.read()) from None
                reason = f"the server says {error.code}"
                pause = max(pause, asked_pause(error.headers.get("Retry-After", "")))
        except (OSError, EOFError, HTTPException, ValueError, zlib.error) as error:
            reason = str(error) or type(error).__name__
        if attempt + 1 < patience.tries:
            pause = min(pause, _LONGEST_PAUSE)
            log.warning("%s: %s; trying again in %.0f s", url.split("?")[0], reason, pause)
            time.sleep(pause)
    raise DownloadError(url.split("?")[0], f"no answer after {patience.tries} tries ({reason})", _REMEDY)


def asked_pause(header: str, now: datetime | None = None) -> float:
    """Return the seconds that a Retry-After header asks for, given as a number or a date; 0 if it says nothing.

    >>> asked_pause("7"), asked_pause(""), asked_pause("soon")
    (7.0, 0.0, 0.0)
    >>> asked_pause("Thu, 01 Jan 2026 00:00:30 GMT", datetime(2026, 1, 1, tzinfo=UTC))
    30.0
    """
    if header.isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - (now or datetime.now(UTC))).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def _answer(url: str, timeout: float) -> tuple[bytes, Mapping[str, str]]:
    request = Request(url, headers={"User-Agent": "protrek-hm", "Accept-Encoding": "gzip"})
    with urlopen(request, timeout=timeout) as response:
        body: bytes = response.read()
        headers: Mapping[str, str] = response.headers
    return (gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body), headers
