"""What a protein may do: the texts of an index that fit it best, and what plain homology would say.

Beside the texts stands the nearest labelled homolog, by exact identity: where that is high, its text is worth as much
as the model's, and is there for free.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from protrek_hm.data.uniprot.entry import SECTION_COLUMN, SECTIONS, section_texts
from protrek_hm.errors import OptionError, shorten
from protrek_hm.homology.lookup import Relative
from protrek_hm.index.encoder import encode_unit
from protrek_hm.index.store import Index
from protrek_hm.model.encoder import FingerprintedEncoder
from protrek_hm.model.sharing import map_encoding
from protrek_hm.search.hits import PROPOSED, Hit
from protrek_hm.search.labelled import MOST_RECORDS, Labelled, lay_out
from protrek_hm.search.query import Query, clean_query, distinct_queries, read_queries
from protrek_hm.search.reading import residues_read, tell_unread
from protrek_hm.search.searcher import Searcher

LEAST_IDENTITY = 0.3
"""Identity from which a protein counts as a homolog: strangers reach 0.25."""

NEIGHBOURS = 20
"""Proteins nearest by the model that are looked at as homologs, too: some share no word with the query."""

BY_RELATIVES = "by_relatives"
"""The section of what labelled relatives suggest."""

SUGGESTIONS = 20
"""Distinct texts of the nearest relatives that are compared for it."""

MOST_SECTIONS = 40
"""Values of a column `section` that are ranked by themselves."""

WHOLE_TEXTS = 25
"""Texts at least whose sections are compared, where sections are columns."""

_AT_ONCE = 64  # proteins that are described together


@dataclass(frozen=True)
class FoundText:
    """A text that fits. id: of the protein it was written for (the first, if of several). score: cosine."""

    rank: int
    id: str
    text: str
    score: float
    protrek_score: float
    probability: float | None = None


@dataclass(frozen=True)
class Homolog:
    """The nearest protein of the index that has a text.

    identity, coverage: of the global alignment, in [0, 1]. text: its own. score: cosine of the protein asked about and
    that text; None where the model does not say. sections: its own text of each section,
    where the index has sections.
    """

    id: str
    identity: float
    coverage: float
    text: str
    sections: Mapping[str, str] = field(default_factory=dict)
    score: float | None = None


@dataclass(frozen=True)
class Description:
    """What an index says of one protein.

    texts: the best of all. sections: the best of each section. homolog: None where no labelled protein is 30 %
    identical. notes: what should be known besides, a sentence each.
    """

    sequence: str
    residues_read: int
    texts: tuple[FoundText, ...]
    sections: Mapping[str, tuple[FoundText, ...]]
    homolog: Homolog | None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        return {
            "sequence": self.sequence,
            "length": len(self.sequence),
            "residues_read": self.residues_read,
            "texts": [asdict(each) for each in self.texts],
            "sections": {name: [asdict(each) for each in found] for name, found in self.sections.items()},
            "homolog": None if self.homolog is None else asdict(self.homolog),
            "notes": list(self.notes),
        }


def read_proteins(index: Index, given: Sequence[str]) -> list[Query]:
    """Read proteins from a command line: each is an id of the index, a FASTA file, or a sequence.

    Raises
    ------
    MissingFileError, FileFormatError
        If a file is not there, or no FASTA.
    OptionError
        If something is none of the three, or two proteins bear one name.
    """
    queries: list[Query] = []
    for each in given:
        rows = np.flatnonzero((index.records["id"] == each.strip()).to_numpy())
        if len(rows):
            queries.append(Query(each.strip(), str(index.take(rows[:1])["sequence"][0])))
            continue
        try:
            queries += read_queries([each], "sequence")
        except OptionError as error:
            problem = error.wanted.split(";")[0]
            raise OptionError("protein", shorten(each), f"no id of the index, and no sequence: {problem}") from None
    return distinct_queries(queries)


def describe(searcher: Searcher, sequences: Sequence[str], *, k: int = 5, batch_size: int = 32) -> list[Description]:
    """Find the texts that fit each protein best, and its nearest labelled homolog.

    Where the table of the index has a column `section` (a row for each text), each section is ranked by itself. Where
    sections are columns, as `protrek-hm data uniprot` writes them, those of the 25 best whole texts (or 5 k) are
    encoded and ranked. Where there are labelled relatives to learn from, the section `by_relatives` holds those texts
    of theirs that the model and they together suggest for this very protein, best first (`Searcher.fits`); its own
    text plays no part. The first time a searcher is asked, it reads the proteins of its index to find homologs in.

    Parameters
    ----------
    k
        Texts per protein, and per section; at least 1.

    Raises
    ------
    OptionError
        If a sequence is empty or has wrong letters, k < 1, or the index holds no texts.
    ModelError
        If the model gives a vector without direction.
    """
    searcher.check(target_type="text", k=k)
    cleaned = [clean_query(each, "sequence") for each in sequences]
    blocks = [cleaned[start : start + _AT_ONCE] for start in range(0, len(cleaned), _AT_ONCE)]
    work = partial(_describe, k=k, batch_size=batch_size)
    with map_encoding(work, blocks, searcher.model, shared=searcher.shared(), alone=len(blocks) == 1) as described:
        return [each for block in described for each in block]


def _describe(searcher: Searcher, cleaned: Sequence[str], *, k: int, batch_size: int) -> list[Description]:
    vectors = searcher.encode(cleaned, query_type="sequence", batch_size=batch_size)
    hits = searcher.rank(vectors, query_type="sequence", target_type="text", k=max(5 * k, WHOLE_TEXTS))
    _, near = searcher.index.nearest(vectors, want="sequence", k=NEIGHBOURS)
    few = searcher.index.info.counts["records"] <= MOST_RECORDS
    labelled = searcher.labelled if few else lay_out(searcher.index, np.unique(near[near >= 0]))
    if labelled.sections:
        sections = _sections_of_rows(searcher, vectors, labelled.sections[:MOST_SECTIONS], k=k)
    else:
        sections = _sections_of_columns(searcher.model, vectors, hits, k=k, batch_size=batch_size)
    found = []
    suggested = [_suggested(searcher, sequence, k=k) for sequence in cleaned]
    sections = [own | ({BY_RELATIVES: more} if more else {}) for own, more in zip(sections, suggested, strict=True)]
    homologs = _homologs(searcher.index, labelled, cleaned, near, vectors)
    for sequence, own, by_section, homolog in zip(cleaned, hits, sections, homologs, strict=True):
        read = residues_read(searcher.model, len(sequence))
        notes = tell_unread([("the protein", len(sequence), read)]) + [PROPOSED] * (not own.exact)
        found.append(Description(sequence, read, _found(own[:k]), by_section, homolog, tuple(notes)))
    return found


def _found(hits: Sequence[Hit]) -> tuple[FoundText, ...]:
    return tuple(
        FoundText(hit.rank, hit.id, hit.record["text"], hit.score, hit.protrek_score, hit.probability) for hit in hits
    )


def _suggested(searcher: Searcher, sequence: str, *, k: int) -> tuple[FoundText, ...]:
    """Order the texts of a protein's relatives by the model and by what the relatives predict."""
    rows = searcher.within.relatives(sequence, without=(sequence,))
    if len(rows) < searcher.within.config.least:
        return ()
    records = searcher.index.records.select("id", "text")[rows].unique("text", keep="first", maintain_order=True)
    names = dict(records.select("text", "id").head(SUGGESTIONS).iter_rows())
    fits = searcher.fits(sequence, list(names), without=(sequence,))
    if not any(each.relatives for each in fits):
        return ()
    best = sorted(zip(fits, names.items(), strict=True), key=lambda each: -each[0].total)[:k]
    return tuple(
        FoundText(rank, name, text, fit.score, fit.score / searcher.model.temperature)
        for rank, (fit, (text, name)) in enumerate(best, start=1)
    )


def _sections_of_rows(
    searcher: Searcher, vectors: Float[np.ndarray, "n dim"], sections: Sequence[str], *, k: int
) -> list[dict[str, tuple[FoundText, ...]]]:
    """Rank the texts of each section for each protein, where each text has a row that says its section."""
    found: list[dict[str, tuple[FoundText, ...]]] = [{} for _ in vectors]
    for section in sections:
        quoted = section.replace("'", "''")
        where = f"{SECTION_COLUMN} = '{quoted}'"
        ranked = searcher.rank(vectors, query_type="sequence", target_type="text", k=k, where=where)
        for own, hits in zip(found, ranked, strict=True):
            own[section] = _found(hits)
    return found


def _sections_of_columns(
    model: FingerprintedEncoder,
    vectors: Float[np.ndarray, "n dim"],
    hits: Sequence[Sequence[Hit]],
    *,
    k: int,
    batch_size: int,
) -> list[dict[str, tuple[FoundText, ...]]]:
    """Rank the sections of the best whole texts for each protein, where sections are columns beside the text."""
    parts = [[(hit.id, section_texts(_cells(hit.record), SECTIONS)) for hit in own] for own in hits]
    texts = sorted({text for own in parts for _, sections in own for text in sections.values()})
    found: list[dict[str, tuple[FoundText, ...]]] = [{} for _ in hits]
    if not texts:
        return found
    place = {text: number for number, text in enumerate(texts)}
    encoded = encode_unit(model, texts, task="text", batch_size=batch_size).astype(np.float64)
    for vector, own, into in zip(vectors.astype(np.float64), parts, found, strict=True):
        cosines = np.clip((encoded * vector).sum(axis=1), -1, 1)
        for section in SECTIONS:
            ids: dict[str, str] = {}
            for name, sections in own:
                if section in sections:
                    ids.setdefault(sections[section], name)
            best = sorted(((-float(cosines[place[text]]), number) for number, text in enumerate(ids)))[:k]
            into[section] = tuple(
                FoundText(rank, list(ids.values())[number], list(ids)[number], -score, -score / model.temperature)
                for rank, (score, number) in enumerate(best, start=1)
            )
    return [{section: texts for section, texts in each.items() if texts} for each in found]


def _cells(record: Mapping[str, Any]) -> dict[str, str]:
    return {section: record[section] for section in SECTIONS if record.get(section)}


def _homologs(
    index: Index,
    labelled: Labelled,
    sequences: Sequence[str],
    near: Int[np.ndarray, "n neighbours"],
    vectors: Float[np.ndarray, "n dim"],
) -> list[Homolog | None]:
    """Find the nearest labelled protein of each: among those that share words with it, and the model's nearest."""
    distinct = dict(zip(sequences, zip(near, vectors, strict=True), strict=True))
    also = [labelled.numbers_of(rows) for rows, _ in distinct.values()]
    relatives = labelled.lookup.nearest(list(distinct), least=LEAST_IDENTITY, also=also)
    found = {
        sequence: _homolog(index, labelled, each, distinct[sequence][1])
        for sequence, each in zip(distinct, relatives, strict=True)
    }
    return [found[sequence] for sequence in sequences]


def _homolog(
    index: Index, labelled: Labelled, relative: Relative | None, vector: Float[np.ndarray, " dim"]
) -> Homolog | None:
    if relative is None:
        return None
    rows = labelled.rows_of(relative.index)
    records = index.take(rows).rows(named=True)
    own = [record for record in records if record["id"] == records[0]["id"]]
    if labelled.sections:
        sections = {record[SECTION_COLUMN]: record["text"] for record in own if record[SECTION_COLUMN]}
    else:
        sections = section_texts(_cells(own[0]), SECTIONS)
    of_text = index.vectors("text", np.asarray(rows[:1])).astype(np.float64)
    score = float(np.clip((of_text[0] * vector.astype(np.float64)).sum(), -1, 1))
    return Homolog(own[0]["id"], relative.identity, relative.coverage, own[0]["text"], sections, score)
