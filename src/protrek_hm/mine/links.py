"""Links between proteins by text: the same text, or nearly."""

import numpy as np
import polars as pl
from jaxtyping import Int

from protrek_hm.data.texts import fold_text
from protrek_hm.mine.corpus import Corpus
from protrek_hm.mine.text import similar_texts, text_vectors

NEAR_IDENTICAL = 0.95
"""TF-IDF cosine from which on two texts are the same in all but form."""


class TextLinks:
    """Texts of `corpus` that are one in all but form, found once; links between the proteins that bear them.

    Examples
    --------
    >>> from protrek_hm.mine.corpus import build_corpus
    >>> table = pl.DataFrame({"id": list("abc"), "sequence": list("MKR"), "text": ["Red.", "red", "Blue."]})
    >>> TextLinks(build_corpus(table)).links().tolist()
    [[0, 1]]
    """

    def __init__(self, corpus: Corpus) -> None:
        folded = pl.Series([fold_text(text) for text in corpus.entries["text"]], dtype=pl.String)
        distinct = folded.unique().sort()
        self._bearers = pl.DataFrame({"text": folded.rank("dense") - 1, "protein": corpus.entries["protein"]})
        self._texts = len(distinct)
        self._alike = similar_texts(text_vectors(distinct.to_list()), least=NEAR_IDENTICAL)

    def links(
        self, *, families: Int[np.ndarray, " proteins"] | None = None, most: int = 0
    ) -> Int[np.ndarray, "links 2"]:
        """Return pairs of proteins that keep together all proteins with texts alike in all but form.

        A chain for each text, not all its pairs: it links the same proteins. families, most: leave out texts
        that proteins of more than `most` families share.
        """
        bearers = self._bearers
        if families is not None:
            bearers = bearers.with_columns(family=pl.Series(families[bearers["protein"].to_numpy()]))
            bearers = bearers.filter(pl.col("family").n_unique().over("text") <= most)
        chain = (
            bearers.sort("text", "protein")
            .with_columns(before=pl.col("protein").shift(1).over("text"))
            .filter(pl.col("before").is_not_null())
        )
        links = chain.select("before", "protein").to_numpy().astype(np.int64)
        bearer = np.full(self._texts, -1)
        bearer[bearers["text"].to_numpy()] = bearers["protein"].to_numpy()
        alike = bearer[self._alike]
        return np.concatenate([links, alike[(alike >= 0).all(axis=1)]])


def family_links(families: Int[np.ndarray, " proteins"]) -> Int[np.ndarray, "links 2"]:
    """Return pairs of proteins that keep together all proteins of a family: a chain for each.

    Examples
    --------
    >>> family_links(np.array([0, 1, 0, 0])).tolist()
    [[0, 2], [2, 3]]
    """
    order = np.argsort(families, kind="stable")
    together = families[order[:-1]] == families[order[1:]]
    return np.stack([order[:-1][together], order[1:][together]], axis=1)
