"""The gate: do two homologs differ in function? *Same*, *different* or *unsure*, with reason codes.

Evidence from the strongest to the weakest: columns that the user names; what texts say of a variant's effect;
EC numbers and GO molecular functions; the texts' labelled fields and telling words. The strongest that speaks
decides, with three exceptions: words that differ are *unsure* where one text is a guess, where closer
homologs say otherwise, or where a text encoder finds the texts alike; agreement in EC or GO, which is
annotated by family, does not outvote texts that differ (*unsure*); and texts that are one and the same make no
twin whatever the labels say, since no model could learn it from them.
"""

from functools import cached_property

import numpy as np
import polars as pl
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix

from protrek_hm.copies import local_path
from protrek_hm.data.proteins import WILD_TYPE_ID
from protrek_hm.data.texts import EVIDENCE, fold_text
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.corpus import Corpus, expand_pairs
from protrek_hm.mine.evidence.annotations import Ancestors, count_unclear, judge_ec, judge_go, read_ancestors
from protrek_hm.mine.evidence.columns import judge_column
from protrek_hm.mine.evidence.doubts import TextEncoder, judge_guesses, judge_likeness, judge_neighbours
from protrek_hm.mine.evidence.effects import judge_effects
from protrek_hm.mine.evidence.findings import SILENT, Findings, Outcome, Rows, Verdict, join_reasons
from protrek_hm.mine.evidence.words import Statement, judge_words, read_statements
from protrek_hm.mine.text import pair_cosines, text_vectors

VERDICTS = {Verdict.SAME: "same", Verdict.UNSURE: "unsure", Verdict.DIFFERENT: "different"}

Verdicts = Int[np.ndarray, " pairs"]
_BY_COSINE = (Outcome("text:unlike", Verdict.DIFFERENT), Outcome("text:alike", Verdict.SAME))
_ONE_TEXT = (SILENT, Outcome("text:identical", Verdict.SAME))


class Gate:
    """Judges pairs of entries. What the entries say is read once, however often it is asked.

    entries: rows with a `text` and whatever evidence columns there are. encoder: of texts, for evidence from
    their likeness.

    Examples
    --------
    >>> gate = Gate(pl.DataFrame({"text": ["Cuts starch.", "Cuts chitin."]}), MineConfig())
    >>> gate.judge(np.array([0]), np.array([1])).row(0)
    ('different', 'words:substance:differs', 0.336...)
    """

    def __init__(self, entries: pl.DataFrame, config: MineConfig, *, encoder: TextEncoder | None = None) -> None:
        self.entries, self.config, self.encoder = entries, config, encoder
        self._texts: list[str] = entries["text"].to_list()

    def judge(self, left: Rows, right: Rows, *, identity: Float[np.ndarray, " pairs"] | None = None) -> pl.DataFrame:
        """Judge pairs of entries.

        left, right: rows of the entries. identity: of the pairs' sequences, for evidence from neighbours;
        only with all homologs among the pairs.

        Returns
        -------
        pl.DataFrame
            `verdict` (same, unsure, different), `reasons` (codes joined by `;`) and `text_similarity` (TF-IDF
            cosine, fitted on all entries' texts, in [0, 1]), a row a pair.
        """
        cosines = pair_cosines(self.vectors, left, right)
        if self.config.gate == "text":
            found = Findings(_BY_COSINE, (cosines > self.config.max_text_similarity).astype(np.int16))
            verdicts, spoken = found.verdicts, [found]
        else:
            verdicts, spoken = self._weigh(left, right, identity)
        names = pl.Series("verdict", [VERDICTS[verdict] for verdict in sorted(VERDICTS)])
        return pl.DataFrame(
            {"verdict": names.gather(verdicts - 1), "reasons": join_reasons(spoken), "text_similarity": cosines}
        )

    def unclear_terms(self) -> int:
        """Count the entries with GO terms that may or may not be functions, and so are no evidence."""
        known = self.config.gate == "function" and "go" in self.entries.columns
        return count_unclear(self.entries["go"].to_list(), self._ancestors) if known else 0

    @cached_property
    def vectors(self) -> csr_matrix:
        """TF-IDF vectors, a row an entry."""
        return text_vectors(self._texts)

    @cached_property
    def _ancestors(self) -> Ancestors | None:
        return read_ancestors(local_path(self.config.ontology)) if self.config.ontology else None

    @cached_property
    def _variants(self) -> list[bool]:
        """Whether each entry is a mutant, as `data.proteins` stacks them: its id begins with that of its wild type."""
        if not {"id", WILD_TYPE_ID} <= set(self.entries.columns):
            return [False] * self.entries.height
        begins = pl.col("id").str.starts_with(pl.col(WILD_TYPE_ID).cast(pl.String) + ":")
        return self.entries.select(begins.fill_null(value=False)).to_series().to_list()

    @cached_property
    def _folded(self) -> np.ndarray:
        """A number for each text, the same for texts that differ only in form."""
        return pl.Series([fold_text(text) for text in self._texts]).rank("dense").to_numpy()

    @cached_property
    def _statements(self) -> list[Statement]:
        return read_statements(self._texts)

    def _judge_words(self, left: Rows, right: Rows, identity: np.ndarray | None) -> list[Findings]:
        """Return what the texts say, and then what casts doubt on a difference in words (not in fields)."""
        words = judge_words(self._statements, left, right)
        told = self.entries[EVIDENCE].to_list() if EVIDENCE in self.entries.columns else None
        doubts = [judge_guesses(self._texts, left, right, evidence=told)]
        if self.config.neighbours and identity is not None:
            said = [(statement.fields, statement.stems) for statement in self._statements]
            doubts.append(judge_neighbours(said, left, right, identity=identity))
        differs = [outcome.verdict == Verdict.DIFFERENT for outcome in words.outcomes]
        in_words = [outcome.reason.startswith("words:") for outcome in words.outcomes]
        doubtful = (np.array(differs) & np.array(in_words))[words.codes]
        if self.encoder is not None:
            least = self.config.text_model_similarity
            doubts.append(judge_likeness(self._texts, left, right, encoder=self.encoder, least=least))
        return [words, *(doubt.only_where(doubtful) for doubt in doubts)]

    def _weigh(self, left: Rows, right: Rows, identity: np.ndarray | None) -> tuple[Verdicts, list[Findings]]:
        """Weigh all evidence; return verdicts, and all findings."""
        entries, config = self.entries, self.config
        columns = [judge_column(entries, left, right, evidence=each) for each in config.column_evidence()]
        effects = judge_effects(self._texts, left, right, variants=self._variants)
        annotations = []
        if "ec" in entries.columns:
            annotations.append(judge_ec(entries["ec"].to_list(), left, right))
        if "go" in entries.columns:
            annotations.append(judge_go(entries["go"].to_list(), left, right, ancestors=self._ancestors))
        words, *doubts = self._judge_words(left, right, identity)
        one_text = Findings(_ONE_TEXT, (self._folded[left] == self._folded[right]).astype(np.int16))

        verdicts = words.verdicts.copy()
        for doubt in doubts:
            verdicts[doubt.verdicts == Verdict.UNSURE] = Verdict.UNSURE
        annotated = agree(annotations, len(left), needs_all=False)
        contradicted = (annotated == Verdict.SAME) & (words.verdicts == Verdict.DIFFERENT)
        verdicts = np.where(annotated == Verdict.SILENT, verdicts, annotated)
        verdicts = np.where(contradicted, Verdict.UNSURE, verdicts)
        for stronger in (effects.verdicts, agree(columns, len(left), needs_all=True)):
            verdicts = np.where(stronger == Verdict.SILENT, verdicts, stronger)
        alike = one_text.verdicts == Verdict.SAME
        verdicts[alike] = np.where(verdicts[alike] == Verdict.DIFFERENT, Verdict.UNSURE, Verdict.SAME)
        return verdicts, [*columns, effects, *annotations, words, *doubts, one_text]


def agree(findings: list[Findings], pairs: int, *, needs_all: bool) -> Verdicts:
    """Combine evidence of the same strength.

    needs_all: *different* by any is different, *same* needs all of them to speak. Otherwise a *different*
    beside a *same* is unsure, and whichever speaks alone decides.
    """
    if not findings:
        return np.full(pairs, Verdict.SILENT, dtype=np.int8)
    verdicts = np.stack([found.verdicts for found in findings])
    different, same = (verdicts == Verdict.DIFFERENT).any(axis=0), (verdicts == Verdict.SAME).any(axis=0)
    silent = (verdicts == Verdict.SILENT).any(axis=0) if needs_all else (verdicts == Verdict.SILENT).all(axis=0)
    unsure = (verdicts == Verdict.UNSURE).any(axis=0) if needs_all else different & same
    agreed = np.where(unsure, Verdict.UNSURE, np.where(same, Verdict.SAME, Verdict.UNSURE))
    agreed = np.where(silent, Verdict.SILENT, agreed)
    return np.where(different & (needs_all | ~same), Verdict.DIFFERENT, agreed)


def judge_pairs(corpus: Corpus, homologs: pl.DataFrame, gate: Gate) -> pl.DataFrame:
    """Judge each homologous pair of proteins.

    homologs: columns a, b (numbers of proteins), identity, coverage: all pairs in the range. gate: over
    `corpus.entries`.

    Returns
    -------
    pl.DataFrame
        A row for each combination of texts, with columns `pair` (row of `homologs`), a, b, left, right (rows
        of `corpus.entries`), identity, coverage, text_similarity, reasons, `verdict` of the *pair*:
        *same* if any of its combinations is, *different* only if all of them are, else *unsure*; and `decides`:
        whether the combination has the pair's verdict, so that its reasons are the pair's.
    """
    a, b = (homologs[name].to_numpy().astype(np.int64) for name in ("a", "b"))
    pair, left, right = expand_pairs(corpus, a, b)
    identity = homologs["identity"].to_numpy()[pair]
    judged = gate.judge(left, right, identity=identity)
    wide = homologs[pair].with_columns(pair=pl.Series(pair), left=pl.Series(left), right=pl.Series(right))
    verdict = pl.col("verdict")
    of_pair = (
        pl.when((verdict == "same").any().over("pair"))
        .then(pl.lit("same"))
        .when((verdict == "different").all().over("pair"))
        .then(pl.lit("different"))
        .otherwise(pl.lit("unsure"))
    )
    table = pl.concat([wide, judged], how="horizontal")
    return table.with_columns(verdict=of_pair, decides=of_pair == verdict)


def one_row_a_pair(judged: pl.DataFrame) -> pl.DataFrame:
    """Return of each pair the first combination that decides; `judged` as from `judge_pairs`.

    Examples
    --------
    >>> judged = pl.DataFrame({"pair": [0, 0], "reasons": ["differs", "same"], "decides": [False, True]})
    >>> one_row_a_pair(judged)["reasons"].to_list()
    ['same']
    """
    return judged.filter("decides").unique("pair", keep="first", maintain_order=True)
