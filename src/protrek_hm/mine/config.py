"""Settings of the miner, and the small language in which users name columns as evidence."""

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from protrek_hm.config import require
from protrek_hm.errors import OptionError

Gate = Literal["function", "text"]
Compat = Literal["reference"]
Format = Literal["triplet", "n-tuple"]
Split = Literal["components", "proteins", "pairs"]
EvidenceKind = Literal["equal", "set", "numeric"]
_EVIDENCE = re.compile(
    r"(?P<column>.+):(?:(?P<kind>equal|set)(?P<keep>(?::keep=[^:]+)*)|numeric:(?P<tolerance>\d+\.?\d*|\.\d+))$"
)


@dataclass(frozen=True)
class ColumnEvidence:
    """A user's column that tells functions apart.

    kind: `equal` compares whole values, `set` compares values listed with `,` `;` `/` or `|` (disjoint =
    different, overlapping = unsure), `numeric` compares numbers (further apart than `tolerance` = different).
    keep: words that are values here, though elsewhere they say that there is none, such as a gene called NA.
    """

    column: str
    kind: EvidenceKind
    tolerance: float = 0.0
    keep: tuple[str, ...] = ()

    @classmethod
    def parse(cls, flag: str) -> "ColumnEvidence":
        """Read `column:equal`, `column:set` (both perhaps with `:keep=WORD`) or `column:numeric:TOLERANCE`.

        Raises
        ------
        OptionError
            If it is none of these.

        Examples
        --------
        >>> ColumnEvidence.parse("half_life:numeric:0.5")
        ColumnEvidence(column='half_life', kind='numeric', tolerance=0.5, keep=())
        >>> ColumnEvidence.parse("gene:equal:keep=NA").keep
        ('NA',)
        """
        match = _EVIDENCE.match(flag)
        if match is None:
            wanted = "write it as column:equal, column:set or column:numeric:TOLERANCE"
            raise OptionError("evidence", flag, wanted)
        kind = cast("EvidenceKind", match["kind"] or "numeric")
        keep = tuple(match["keep"].split(":keep=")[1:]) if match["keep"] else ()
        return cls(match["column"], kind, float(match["tolerance"] or 0), keep)


@dataclass(frozen=True)
class MineConfig:
    """What counts as a twin, and how the twins are shared out.

    Attributes
    ----------
    min_identity, max_identity
        Bounds of the exact global identity of a pair, in [0.3, 1], both included.
    coverage
        Least share of the longer sequence that faces residues of the other, in [0, 1].
    gate
        `function` weighs all evidence, `text` goes by wording alone, as the reference does.
    compat
        `reference` mines the pairs of the original ProTrek-HM script, which needs structures.
    max_text_similarity
        TF-IDF cosine above which the `text` gate says *same*, in [0, 1].
    text_model_similarity
        Cosine of a text encoder (if one is given) from which on a difference in words is doubted, in [-1, 1].
    evidence
        Columns as evidence, each `column:equal`, `column:set` or `column:numeric:TOLERANCE`.
    neighbours
        Whether a difference in words that goes against all closer look-alikes is doubted.
    ontology
        Path of a Gene Ontology OBO file, for ancestors of terms.
    split
        What never stands on two sides: homologous `components`, `proteins`, or only `pairs` (leaky).
    split_identity
        Identity from which on two proteins belong to one component, in [0.3, 1].
    valid_fraction, test_fraction
        Wanted shares of the triplets; together below 1.
    easy
        Easy triplets in all, shared out like the hard ones.
    medium
        Medium triplets in all (relatives below `min_identity`, one fold, or near in text), shared out likewise.
    negatives_per_anchor
        At most so many, drawn by lot; None keeps all.
    format
        `n-tuple` also gives rows of an anchor, its positive and `negatives_per_anchor` negatives.
    max_pairs_per_protein
        At most so many look-alikes of a protein, sampled evenly over identities; None keeps all.
    seed, threads
        Of every draw; 0 threads are all cores, and change no result.

    Raises
    ------
    OptionError
        If a value lies outside its range.
    """

    min_identity: float = 0.7
    max_identity: float = 0.9999
    coverage: float = 0.8
    gate: Gate = "function"
    compat: Compat | None = None
    max_text_similarity: float = 0.5
    text_model_similarity: float = 0.9
    evidence: tuple[str, ...] = ()
    neighbours: bool = True
    ontology: str | None = None
    split: Split = "components"
    split_identity: float = 0.5
    valid_fraction: float = 0.1
    test_fraction: float = 0.2
    easy: int = 1000
    medium: int = 0
    negatives_per_anchor: int | None = None
    format: Format = "triplet"
    max_pairs_per_protein: int | None = None
    seed: int = 42
    threads: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "evidence", tuple(self.evidence))  # TOML gives a list
        for name in ("min_identity", "max_identity", "split_identity"):
            value = getattr(self, name)
            require(name, value, "must lie in [0.3, 1]", holds=0.3 <= value <= 1)
        require(
            "min_identity",
            self.min_identity,
            f"must not exceed max_identity = {self.max_identity}",
            holds=self.min_identity <= self.max_identity,
        )
        for name in ("coverage", "max_text_similarity"):
            value = getattr(self, name)
            require(name, value, "must lie in [0, 1]", holds=0 <= value <= 1)
        cosine = self.text_model_similarity
        require("text_model_similarity", cosine, "must lie in [-1, 1]", holds=-1 <= cosine <= 1)
        for name in ("valid_fraction", "test_fraction"):
            value = getattr(self, name)
            require(name, value, "must lie in [0, 1)", holds=0 <= value < 1)
        share = self.valid_fraction + self.test_fraction
        require("test_fraction", self.test_fraction, "must leave something to train on", holds=share < 1)
        require("gate", self.gate, "must be function or text", holds=self.gate in get_args(Gate))
        compat = self.compat
        require("compat", compat, "must be reference", holds=compat in (None, *get_args(Compat)))
        require("split", self.split, "must be components, proteins or pairs", holds=self.split in get_args(Split))
        for name in ("easy", "medium"):
            require(name, getattr(self, name), "must be at least 0", holds=getattr(self, name) >= 0)
        for name in ("negatives_per_anchor", "max_pairs_per_protein"):
            limit = getattr(self, name)
            require(name, limit, "must be at least 1", holds=limit is None or limit >= 1)
        require("format", self.format, "must be triplet or n-tuple", holds=self.format in get_args(Format))
        counted = self.format == "triplet" or self.negatives_per_anchor is not None
        require("format", self.format, "say how many negatives: --negatives-per-anchor K", holds=counted)
        require("threads", self.threads, "must be at least 0 (0 = all cores)", holds=self.threads >= 0)
        self.column_evidence()

    def column_evidence(self) -> tuple[ColumnEvidence, ...]:
        """Return `evidence` in parsed form."""
        return tuple(ColumnEvidence.parse(flag) for flag in self.evidence)
