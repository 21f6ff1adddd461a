"""How much one request may ask for."""

from collections.abc import Sequence

from protrek_hm.serve.config import ServeConfig
from protrek_hm.serve.problems import ProblemError


def check_k(k: int, config: ServeConfig, *, queries: int = 1) -> None:
    """Raise ProblemError if more hits are wanted, of one query or of all, than the server gives.

    >>> check_k(30, ServeConfig(max_k=50, max_hits=100), queries=4)
    Traceback (most recent call last):
        ...
    protrek_hm.serve.problems.ProblemError: k: k = 30: must be at most 25 for 4 queries; ask for fewer hits
    """
    most = min(config.max_k, config.max_hits // queries)
    if k > most:
        of_how_many = f" for {queries} queries" if most < config.max_k else ""
        raise ProblemError(400, "k", f"k = {k}: must be at most {most:,}{of_how_many}", "ask for fewer hits")


def check_texts(texts: Sequence[str], field: str, config: ServeConfig) -> None:
    """Raise ProblemError if there are too many of them, or one is too long, or all together.

    >>> check_texts(["MKV", "MKVLAA"], "sequences", ServeConfig(max_query_length=5))
    Traceback (most recent call last):
        ...
    protrek_hm.serve.problems.ProblemError: sequences[1]: has 6 characters, more than 5; send a shorter one
    """
    if len(texts) > config.max_queries:
        remedy = "send several requests, or use protrek-hm on the command line"
        raise ProblemError(400, field, f"{len(texts)} at once, more than {config.max_queries}", remedy)
    for place, text in enumerate(texts):
        check_text(text, f"{field}[{place}]", config)
    letters = sum(map(len, texts))
    if letters > config.max_letters:
        message = f"they have {letters:,} characters together, more than {config.max_letters:,}"
        raise ProblemError(400, field, message, "send several requests")


def check_text(text: str, field: str, config: ServeConfig) -> None:
    """Raise ProblemError if a text is too long."""
    if len(text) > config.max_query_length:
        message = f"has {len(text):,} characters, more than {config.max_query_length:,}"
        raise ProblemError(400, field, message, "send a shorter one")


def check_pair(a: str, b: str, config: ServeConfig) -> None:
    """Raise ProblemError if two proteins are too long to be aligned while others wait."""
    if len(a) * len(b) > config.max_query_length**2:
        message = f"proteins of {len(a):,} and {len(b):,} residues are too long to be compared here"
        raise ProblemError(400, "b", message, "give the domains to be compared, or use protrek-hm explain")


class Room:
    """How much larger an answer may become.

    >>> room = Room(10)
    >>> room.take(7)
    >>> room.take(7)
    Traceback (most recent call last):
        ...
    protrek_hm.serve.problems.ProblemError: k: the answer would have more than 10 bytes; ask for fewer hits, or ...
    """

    def __init__(self, size: int) -> None:
        self._size = self._left = size

    def empty(self) -> None:
        """Take all back: the work begins anew."""
        self._left = self._size

    def take(self, size: float) -> None:
        """Raise ProblemError if so many bytes more are too many."""
        self._left -= int(size)
        if self._left < 0:
            message = f"the answer would have more than {self._size:,} bytes"
            raise ProblemError(400, "k", message, "ask for fewer hits, or send fewer queries at a time")
