"""The reference's miner, pair for pair, and what it loses.

The original ProTrek-HM script groups proteins by identical Foldseek strings, rejects pairs whose texts'
TF-IDF cosine, fitted within the group, exceeds 0.5 or whose lengths differ by more than 20 %, and keeps those
for which Python's `difflib.SequenceMatcher(None, a, b).ratio()` lies in [0.7, 0.99999999]: pairs i < j in
file order, one direction. That ratio is not an identity: for sequences of 200 residues or more its default
`autojunk` ignores every residue that makes up more than 1 % of the second one, which is all of them.
"""

from collections import Counter
from collections.abc import Mapping
from difflib import SequenceMatcher

import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from protrek_hm.errors import OptionError

MOST_TEXT_SIMILARITY = 0.5
MOST_LENGTH_DIFFERENCE = 0.2
LEAST_RATIO, MOST_RATIO = 0.7, 0.99999999

_SCHEMA: dict[str, type[pl.DataType]] = {
    "first": pl.Int64,
    "second": pl.Int64,
    "ratio": pl.Float64,
    "text_similarity": pl.Float64,
}


def reference_pairs(proteins: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs of the reference: rows, ratio, and the texts' similarity in their group.

    proteins: columns sequence, text and structure. Groups with a missing text, or without any word, are
    skipped, as the reference skips them; so are rows without a structure.

    Raises
    ------
    OptionError
        If there is no column `structure`.

    Examples
    --------
    >>> sequence = "MKTAYIAKQRQISFVKSHFSRQ"
    >>> table = pl.DataFrame({
    ...     "sequence": [sequence, "MKTAYIAKQRQISFVKSHFSRW", sequence[:15]],
    ...     "text": ["Cuts starch.", "Joins sugars.", "Binds heme."],
    ...     "structure": ["dvv", "dvv", "dvv"],
    ... })
    >>> reference_pairs(table).select("first", "second", pl.col("ratio").round(3)).rows()
    [(0, 1, 0.955)]
    """
    if "structure" not in proteins.columns:
        raise OptionError(
            "compat", "reference", "needs a column of Foldseek strings: name it with --column structure=NAME"
        )
    rows = proteins.with_row_index("row").unique(["sequence", "text"], keep="first", maintain_order=True)
    grouped = rows.filter(pl.col("structure").is_not_null()).sort("structure", "row")
    found: list[tuple[int, int, float, float]] = []
    for group in grouped.partition_by("structure", maintain_order=True):
        if group.height > 1 and group["text"].null_count() == 0:
            found += _pairs_of_group(group["row"].to_list(), group["sequence"].to_list(), group["text"].to_list())
    return pl.DataFrame(found, schema=_SCHEMA, orient="row")


def reference_triplets(proteins: pl.DataFrame, pairs: pl.DataFrame, *, numbers: Mapping[str, int]) -> pl.DataFrame:
    """Return the reference's pairs with the columns of `triplets.build_triplets`, one direction each.

    pairs: from `reference_pairs`. numbers: of the sequences that have a text. `seq_similarity` is difflib's
    ratio, as in the reference's files.
    """
    anchor, negative = (proteins[pairs[name].to_numpy()] for name in ("first", "second"))
    return pl.DataFrame(
        {
            "anchor_seq": anchor["sequence"],
            "anchor_text": anchor["text"],
            "hard_neg_seq": negative["sequence"],
            "hard_neg_text": negative["text"],
            "seq_similarity": pairs["ratio"],
            "type": pl.repeat("hard", pairs.height, dtype=pl.String, eager=True),
            "anchor_id": anchor["id"],
            "hard_neg_id": negative["id"],
            "coverage": pl.repeat(None, pairs.height, dtype=pl.Float64, eager=True),
            "text_similarity": pairs["text_similarity"],
            "reasons": pl.repeat("compat:reference", pairs.height, dtype=pl.String, eager=True),
            "pair": pl.int_range(pairs.height, eager=True),
            "anchor": pl.Series([numbers[sequence] for sequence in anchor["sequence"]], dtype=pl.Int64),
            "negative": pl.Series([numbers[sequence] for sequence in negative["sequence"]], dtype=pl.Int64),
        }
    )


def explain_loss(proteins: pl.DataFrame, twins: pl.DataFrame, pairs: pl.DataFrame) -> dict[str, int]:
    """Count why the reference lacks twins that complete mining finds.

    twins: triplets with anchor_seq and hard_neg_seq, in any direction. pairs: what `reference_pairs` found
    among `proteins`. Each twin is counted once, under the first of the reference's filters that stops it.
    """
    sequences = proteins["sequence"].to_list()
    both = zip(twins["anchor_seq"], twins["hard_neg_seq"], strict=True)
    found = {frozenset((sequences[a], sequences[b])) for a, b in pairs.select("first", "second").iter_rows()}
    structures = dict(zip(sequences, proteins["structure"].to_list(), strict=True))
    reasons: Counter[str] = Counter()
    for one, other in sorted({(min(pair), max(pair)) for pair in both}):
        if frozenset((one, other)) in found:
            reasons["found"] += 1
        elif structures[one] is None or structures[one] != structures[other]:
            reasons["lost: another Foldseek string"] += 1
        elif _lengths_apart(one, other):
            reasons["lost: lengths differ"] += 1
        elif _likeness(one, other) is None:
            honest = SequenceMatcher(None, one, other, autojunk=False).ratio()
            cause = "difflib's autojunk" if honest >= LEAST_RATIO else "difflib's ratio"
            reasons[f"lost: {cause}"] += 1
        else:
            reasons["lost: wording within the group"] += 1
    return dict(sorted(reasons.items()))


def _pairs_of_group(rows: list[int], sequences: list[str], texts: list[str]) -> list[tuple[int, int, float, float]]:
    try:
        similarity = cosine_similarity(TfidfVectorizer().fit_transform(texts))
    except ValueError:  # no word in the whole group
        return []
    found = []
    for i, one in enumerate(sequences):
        for j in range(i + 1, len(sequences)):
            other = sequences[j]
            if similarity[i, j] > MOST_TEXT_SIMILARITY or one == other or _lengths_apart(one, other):
                continue
            ratio = _likeness(one, other)
            if ratio is not None:
                found.append((rows[i], rows[j], ratio, float(similarity[i, j])))
    return found


def _lengths_apart(one: str, other: str) -> bool:
    return abs(len(one) - len(other)) / max(len(one), len(other)) > MOST_LENGTH_DIFFERENCE


def _likeness(one: str, other: str) -> float | None:
    """Return difflib's ratio if it lies in the range; its upper bounds spare most of the work."""
    matcher = SequenceMatcher(None, one, other)
    if matcher.real_quick_ratio() < LEAST_RATIO or matcher.quick_ratio() < LEAST_RATIO:
        return None
    ratio = matcher.ratio()
    return ratio if LEAST_RATIO <= ratio <= MOST_RATIO else None
