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
    """Raise ProblemError if there are too many of them, or one is too long or no text.

    >>> check_texts(["MKV", "MKVLAA"], "sequences", ServeConfig(max_query_length=5))
    Traceback (most recent call last):
        ...
    protrek_hm.serve.problems.ProblemError: sequences[1]: has 6 characters, more than 5; send a shorter one
    """
    if len(texts) > config.max_queries:
        remedy = "send several requests, or use protrek-hm on the command line"
        raise ProblemError(400, field, f"{len(texts)} at once, more than {config.max_queries}", remedy)
    for place, text in enumerate(texts):
        if len(text) > config.max_query_length:
            message = f"has {len(text):,} characters, more than {config.max_query_length:,}"
            raise ProblemError(400, f"{field}[{place}]", message, "send a shorter one")


def check_text(text: str, field: str, config: ServeConfig) -> None:
    """Raise ProblemError if a text is too long."""
    if len(text) > config.max_query_length:
        message = f"has {len(text):,} characters, more than {config.max_query_length:,}"
        raise ProblemError(400, field, message, "send a shorter one")
