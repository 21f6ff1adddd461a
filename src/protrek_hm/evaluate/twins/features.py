"""What can be said of a mutant's substitutions without a model: counts, BLOSUM62, residues, properties, neighbours."""

import numpy as np
from jaxtyping import Float

from protrek_hm.evaluate.twins.cases import substitutions
from protrek_hm.homology.identity import BEST, CODE, SCORE, STANDARD

NEIGHBOURS = 8
"""On each side of a substitution."""
COUNT_FEATURE, BLOSUM_FEATURE = 0, 1
"""Number of substitutions; BLOSUM62, summed as `cost`."""

LETTERS = "ARNDCQEGHILKMFPSTWYV"
_PROPERTIES = np.array(
    [
        # hydropathy (Kyte and Doolittle 1982)
        [1.8, -4.5, -3.5, -3.5, 2.5, -3.5, -3.5, -0.4, -3.2, 4.5]
        + [3.8, -3.9, 1.9, 2.8, -1.6, -0.8, -0.7, -0.9, -1.3, 4.2],
        # volume in Å³ (Zamyatnin 1972)
        [88.6, 173.4, 114.1, 111.1, 108.5, 143.8, 138.4, 60.1, 153.2, 166.7]
        + [166.7, 168.6, 162.9, 189.9, 112.7, 89.0, 116.1, 227.8, 193.6, 140.0],
        # charge at pH 7
        [0, 1, 0, -1, 0, 0, -1, 0, 0.1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        # helix propensity in kcal/mol (Pace and Scholtz 1998)
        [0, 0.21, 0.65, 0.69, 0.68, 0.39, 0.40, 1.0, 0.61, 0.41]
        + [0.21, 0.26, 0.24, 0.54, 3.16, 0.50, 0.66, 0.49, 0.53, 0.61],
    ]
).T  # fmt: skip
_UNKNOWN = np.zeros(4)


def cost(one: str, other: str) -> int:
    """Return how unusual a substitution is: what the residue scores against itself, less what it scores with the other.

    >>> cost("L", "I"), cost("L", "D")  # 4 - 2, 4 + 4
    (2, 8)
    """
    a, b = CODE[[ord(one), ord(other)]]
    return int(BEST[a] - SCORE[a, b])


def describe(protein: str, wild_type: str) -> Float[np.ndarray, " features"]:
    """Return the features of a mutant's substitutions; those that are not counted are means over them, NaN without one.

    The first is the number of substitutions, the second their BLOSUM62 (see `cost`, summed), both 0 for the wild type.

    Examples
    --------
    >>> describe("MAV", "MKV")[:2].tolist()  # 5 - (-1)
    [1.0, 6.0]
    >>> describe("MKV", "MKV")[:3].tolist()
    [0.0, 0.0, nan]
    """
    found = substitutions(protein, wild_type)
    costs = [cost(one, other) for _, one, other in found]
    each = [_describe_one(wild_type, at, one, other) for at, one, other in found]
    mean = np.mean(each, axis=0) if each else np.full(_SIZE, np.nan)
    return np.concatenate([[len(found), sum(costs), max(costs, default=0)] if found else [0.0, 0.0, np.nan], mean])


def _describe_one(wild_type: str, at: int, one: str, other: str) -> Float[np.ndarray, " features"]:
    before, after = _property(one), _property(other)
    around = [
        _property(wild_type[place])[0] if 0 <= place < len(wild_type) else np.nan
        for place in range(at - NEIGHBOURS, at + NEIGHBOURS + 1)
        if place != at
    ]
    change = after - before
    place = [at / len(wild_type), min(at, len(wild_type) - 1 - at), len(wild_type)]
    is_one, is_other = (np.array([letter == each for letter in LETTERS], dtype=np.float64) for each in (one, other))
    return np.concatenate([before, after, change, np.abs(change), is_one, is_other, around, place])


def _property(letter: str) -> Float[np.ndarray, " 4"]:
    at = LETTERS.find(letter)
    return _PROPERTIES[at] if at >= 0 else _UNKNOWN


_SIZE = len(_describe_one("AA", 0, "A", "R"))
assert len(LETTERS) == STANDARD
