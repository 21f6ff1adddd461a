"""What labelled relatives say of a protein without a label: ridge regression on words of sequences, in closed form.

The features of a protein are which words of four residues it holds; their kernel is the number of words that two
proteins share. What is predicted is linear in what is known of the relatives, so that one fit serves whatever is asked
of them: a score of their texts with a question, or a vector of each. The intercept is not penalised, and predictions of
a relative from all the others follow from the same inverse without another fit (Cawley & Talbot 2004,
doi:10.1016/j.neunet.2004.07.002).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from jaxtyping import Float

from protrek_hm.homology.identity import CODE

if TYPE_CHECKING:  # at run time SciPy is loaded when something is fitted
    from scipy.sparse import csr_array

_CODES = int(CODE.max()) + 1


@dataclass(frozen=True)
class RelativesConfig:
    """How labelled relatives are asked.

    Attributes
    ----------
    least
        Relatives below which nothing is learned from them.
    most
        Relatives that are fitted at most: the nearest by the model.
    min_identity
        Of a relative with the protein that stands for the family, in (0, 1].
    letters
        Residues of a word.
    penalty
        Of the ridge, as a share of the words' mean variance: the mean of the kernel's diagonal less its mean.
    """

    least: int = 10
    most: int = 1_000
    min_identity: float = 0.5
    letters: int = 4
    penalty: float = 0.1


def word_features(sequences: Sequence[str], *, letters: int = 4) -> "csr_array":
    """Say which words each protein holds: a row a protein, a column a word, 1 or nothing.

    >>> features = word_features(["MKMKM", "KMKW"], letters=2)  # MK and KM; KM, MK and KW
    >>> (features @ features.T).toarray().tolist()
    [[2, 2], [2, 3]]
    """
    from scipy.sparse import csr_array

    words = [np.unique(_numbers(sequence, letters)) for sequence in sequences]
    starts = np.cumsum([0, *map(len, words)])
    columns = np.concatenate([np.empty(0, dtype=np.int64), *words])
    shape = (len(sequences), _CODES**letters)
    return csr_array((np.ones(len(columns), dtype=np.int64), columns, starts), shape=shape)


def _numbers(sequence: str, letters: int) -> np.ndarray:
    codes = CODE[np.frombuffer(sequence.encode("latin-1"), dtype=np.uint8)].astype(np.int64)
    count = max(len(codes) - letters + 1, 0)
    number = np.zeros(count, dtype=np.int64)
    for offset in range(letters):
        number = number * _CODES + codes[offset : offset + count]
    return number


@dataclass(frozen=True)
class Ridge:
    """Ridge regression on labelled relatives, fitted to no target yet.

    Attributes
    ----------
    features
        Words of the relatives.
    letters
        Residues of a word.
    inverse
        Of the kernel plus the penalty, bordered by a row and a column of ones for the intercept, which is last.

    Examples
    --------
    Of three relatives two hold a W and are worth 1; what holds none is worth less:

    >>> ridge = Ridge.of(["MKW", "MRW", "MKR"], letters=1, penalty=0.1)
    >>> values = ridge.weights(["MW", "MK"]) @ np.array([1.0, 1.0, 0.0])
    >>> bool(values[0] > 0.8 > 0.6 > values[1])
    True
    >>> ridge.weights(["MW"]).sum().round(9).item()
    1.0
    """

    features: "csr_array"
    letters: int
    inverse: Float[np.ndarray, "n_plus_1 n_plus_1"]

    @classmethod
    def of(cls, sequences: Sequence[str], *, letters: int = 4, penalty: float = 0.1) -> "Ridge":
        """Fit: one inverse of as many rows as there are relatives, at least 1; options are those of RelativesConfig."""
        features = word_features(sequences, letters=letters)
        kernel = (features @ features.T).toarray().astype(np.float64)
        count = len(kernel)
        spread = float(np.diag(kernel).mean() - kernel.mean())
        bordered = np.ones((count + 1, count + 1))
        bordered[:count, :count] = kernel + penalty * max(spread, 1.0) * np.eye(count)
        bordered[count, count] = 0.0
        return cls(features, letters, np.linalg.inv(bordered))

    def weights(self, sequences: Sequence[str]) -> Float[np.ndarray, "proteins n"]:
        """Return by how much each relative counts for each protein; a row adds up to 1, and may hold negative ones.

        What is predicted for a protein is the weighted sum of what is known of the relatives.
        """
        shared = (word_features(sequences, letters=self.letters) @ self.features.T).toarray()
        bordered = np.concatenate([shared, np.ones((len(shared), 1))], axis=1)
        return cast("np.ndarray", (bordered @ self.inverse)[:, :-1])

    def left_out(self, known: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Predict what is known of each relative from all the others: exact, without another fit.

        Of three that are the same, each is the mean of the two others:

        >>> Ridge.of(["MKTA"] * 3).left_out(np.array([0.0, 1.0, 2.0])).round(9).tolist()
        [1.5, 1.0, 0.5]
        """
        coefficients = (self.inverse[:, :-1] @ known)[:-1]
        return np.asarray(known - coefficients / np.diag(self.inverse)[:-1])


def share_explained(known: Float[np.ndarray, " n"], predicted: Float[np.ndarray, " n"]) -> float:
    """Return the share of the variance of what is known that predictions from the others explain, in [0, 1].

    0 where nothing varies, or predictions are no better than the mean.

    >>> share_explained(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0]))
    0.5
    >>> share_explained(np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    0.0
    """
    whole = float(((known - known.mean()) ** 2).sum())
    left = float(((known - predicted) ** 2).sum())
    return max(0.0, 1.0 - left / whole) if whole > 1e-12 else 0.0
