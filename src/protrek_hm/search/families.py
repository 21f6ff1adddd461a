"""Near-identical hits as one answer: twins are found together or not at all, so they are shown together.

A hit joins the first family to whose best hit it is identical enough, by exact identity (`homology.identity`), in order
of rank; else it begins a family. So no member is far from what stands at the head of its family.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import LCSseq

from protrek_hm.config import Modality, require
from protrek_hm.deadline import checkpoint
from protrek_hm.homology.identity import align, identity
from protrek_hm.search.differences import differences
from protrek_hm.search.searcher import Answer, Hit, Searcher

MIN_IDENTITY = 0.7
MOST_HITS = 10_000
"""Hits per query that are looked at to fill the wanted number of families."""

FEW = 5
"""Differences that are written out; of more only the number is."""


@dataclass(frozen=True)
class Family:
    """Hits that are near-identical to the best of them. rank: among families, from 1. hits: by rank."""

    rank: int
    hits: tuple[Hit, ...]

    @property
    def best(self) -> Hit:
        """The hit that the others are compared with."""
        return self.hits[0]


def group_hits(hits: Sequence[Hit], *, min_identity: float = MIN_IDENTITY) -> list[Family]:
    """Group the hits of one query.

    Parameters
    ----------
    hits
        By rank; their records hold `sequence`.
    min_identity
        To the best hit of the family, in (0, 1]: identical columns ÷ columns of the best global alignment.

    Raises
    ------
    OptionError
        If min_identity lies outside (0, 1].

    Examples
    --------
    >>> sequences = ["MKTAYIAKQR", "WWWWWWWWWW", "MKTAYIAKQK"]
    >>> hits = [Hit(i + 1, f"P{i}", 0.5, 5.0, None, None, None, {"sequence": s}) for i, s in enumerate(sequences)]
    >>> [(family.rank, [hit.id for hit in family.hits]) for family in group_hits(hits)]
    [(1, ['P0', 'P2']), (2, ['P1'])]
    """
    require("min_identity", min_identity, "must lie in (0, 1]", holds=0 < min_identity <= 1)
    groups: list[list[Hit]] = []
    for hit in hits:
        sequence = hit.record["sequence"]
        home = next((each for each in groups if _alike(each[0].record["sequence"], sequence, min_identity)), None)
        if home is None:
            groups.append([hit])
        else:
            home.append(hit)
    return [Family(rank, tuple(group)) for rank, group in enumerate(groups, start=1)]


def each_alone(hits: Sequence[Hit]) -> list[Family]:
    """Make each hit its own family."""
    return [Family(rank, (hit,)) for rank, hit in enumerate(hits, start=1)]


def search_families(
    searcher: Searcher,
    query: str | Sequence[str],
    *,
    by: Modality = "text",
    want: Modality = "sequence",
    k: int = 10,
    where: str | None = None,
    min_identity: float = MIN_IDENTITY,
) -> list[Answer[Family]]:
    """Rank families of proteins: search for more and more hits until `k` families are full, or `MOST_HITS` are seen.

    Where texts are wanted, each is its own family. Parameters and errors are those of `Searcher.search` and
    `group_hits`; a family's members are those among the hits that were looked at. Where these make fewer than `k`
    families although the index holds more proteins, the answer's notes say so.
    """
    require("min_identity", min_identity, "must lie in (0, 1]", holds=0 < min_identity <= 1)
    searcher.check(want=want, k=k)
    queries = [query] if isinstance(query, str) else query
    vectors, cuts = searcher.encode(queries, by=by), searcher.cuts(queries, by=by)
    if want == "text":
        ranked = searcher.rank(vectors, by=by, want=want, k=k, where=where)
        return [Answer(each_alone(hits), cut=cut, exact=hits.exact) for hits, cut in zip(ranked, cuts, strict=True)]
    found: list[Answer[Family]] = [Answer() for _ in vectors]
    waiting, fetch = list(range(len(vectors))), min(max(5 * k, 50), max(MOST_HITS, k))
    while waiting:
        ranked = searcher.rank(vectors[waiting], by=by, want=want, k=fetch, where=where)
        unfilled = []
        for number, hits in zip(waiting, ranked, strict=True):
            families = group_hits(hits, min_identity=min_identity)[:k]
            notes, more = [], len(families) < k and len(hits) == fetch
            if more and fetch < MOST_HITS:
                unfilled.append(number)
            elif more and fetch < searcher.index.info.counts["records"]:
                notes = [f"only the {fetch:,} best hits were looked at: there may be more families"]
            found[number] = Answer(families, cut=cuts[number], exact=hits.exact, notes=notes)
        waiting, fetch = unfilled, min(4 * fetch, MOST_HITS)
    return found


def identity_and_difference(best: str, other: str) -> tuple[float, str]:
    """Return the identity of two sequences and, in words, what the second has otherwise than the first.

    Examples
    --------
    >>> identity_and_difference("MKTAYIAKQR", "MKTAYAKQK")
    (0.8, 'I6del, R10K')
    >>> identity_and_difference("MKTAYIAKQR", "WWTWWIWWQW")
    (0.3, '7 differences')
    >>> identity_and_difference("MKT", "MKT")
    (1.0, 'same sequence')
    """
    if best == other:
        return 1.0, "same sequence"
    alignment = align(best, other)
    found = differences(alignment)
    if len(found) > FEW:
        return alignment.identity, f"{len(found)} differences"
    return alignment.identity, ", ".join(each.notation for each in found)


def _alike(best: str, other: str, min_identity: float) -> bool:
    """Say whether two sequences are identical enough; what cannot be is told without an alignment.

    No alignment has more identical columns than the longest common subsequence has letters, nor fewer columns than the
    longer sequence.
    """
    checkpoint()
    if best == other:
        return True
    columns = max(len(best), len(other))
    return LCSseq.similarity(best, other) / columns >= min_identity and identity(best, other) >= min_identity
