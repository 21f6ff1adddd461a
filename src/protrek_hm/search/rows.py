"""Answers as flat rows, for files that programs read."""

from collections.abc import Iterator, Sequence
from typing import Any

from protrek_hm.search.families import Family, identity_and_difference
from protrek_hm.search.searcher import Hit

SCORES = ("rank", "id", "score", "protrek_score", "probability", "p_value", "e_value")
FAMILY = ("family", "member", "identity", "difference")


def rows_of_hits(query: str, hits: Sequence[Hit]) -> Iterator[dict[str, Any]]:
    """Yield a row for each hit: the query, what the hit says, and its record.

    >>> hit = Hit(1, "P1", 0.5, 50.0, None, 0.01, 2.0, {"sequence": "MKV"})
    >>> next(rows_of_hits("a kinase", [hit]))
    {'query': 'a kinase', 'rank': 1, 'id': 'P1', 'score': 0.5, 'protrek_score': 50.0, 'probability': None,
     'p_value': 0.01, 'e_value': 2.0, 'record': {'sequence': 'MKV'}}
    """
    for hit in hits:
        yield {"query": query, **_scores(hit), "record": dict(hit.record)}


def rows_of_families(query: str, families: Sequence[Family]) -> Iterator[dict[str, Any]]:
    """Yield a row for each member of each family: besides, where it stands, and how it differs from the best.

    >>> hit = Hit(1, "P1", 0.5, 50.0, None, 0.01, 2.0, {"sequence": "MKV"})
    >>> row = next(rows_of_families("a kinase", [Family(1, (hit,))]))
    >>> [row[name] for name in FAMILY]
    [1, 1, 1.0, '']
    """
    for family in families:
        for member, hit in enumerate(family.hits, start=1):
            same = (
                (1.0, "")
                if member == 1
                else identity_and_difference(family.best.record["sequence"], hit.record["sequence"])
            )
            place = dict(zip(FAMILY, (family.rank, member, *same), strict=True))
            yield {"query": query, **place, **_scores(hit), "record": dict(hit.record)}


def _scores(hit: Hit) -> dict[str, Any]:
    return {name: getattr(hit, name) for name in SCORES}
