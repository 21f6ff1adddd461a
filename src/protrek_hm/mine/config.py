"""Settings of the miner, the small language in which users name columns as evidence, and settings of cases of twins."""

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
    min_identity
        Least exact global identity of a twin, in [0.3, 1].
    max_identity
        Greatest exact global identity of a twin, in [0.3, 1]. The bound is included, as the least is.
    coverage
        Least aligned share of the longer sequence, in [0, 1].
    gate
        What tells functions apart. `function` weighs all evidence, `text` goes by wording alone, as the reference
        does.
    max_text_similarity
        TF-IDF cosine above which --gate text says same, in [0, 1].
    evidence
        Column as evidence: COLUMN:equal, COLUMN:set or COLUMN:numeric:TOLERANCE; repeatable.
    neighbours
        Doubt a difference in words that goes against all closer homologs.
    text_model_similarity
        Cosine of --text-model from which on texts are similar, in [-1, 1]. A difference in words is then doubted.
    ontology
        Path of a Gene Ontology OBO file, for ancestors of terms.
    compat
        reference = exactly the pairs of the original script. It needs structures.
    split
        What never stands in two splits. Homologous `components`, `proteins`, or only `pairs` (leaky).
    split_identity
        Identity from which on two proteins belong to one component, in [0.3, 1].
    valid_fraction
        Share of the triplets for validation, in [0, 1).
    test_fraction
        Share of the triplets for testing, in [0, 1). Both shares together lie below 1.
    easy
        Easy triplets in all, both directions counted. They are split like the hard ones.
    medium
        Medium triplets in all (relatives, one fold, near texts), both directions counted. Relatives lie below
        `min_identity`; the triplets are split like the hard ones.
    negatives_per_anchor
        Negatives per text, at most, drawn at random; by default all.
    format
        n-tuple = also rows of anchor, positive, K negatives. K is `negatives_per_anchor`.
    max_pairs_per_protein
        Homologs per protein, at most, sampled evenly over identities; by default all.
    seed
        Seed of every draw.
    threads
        Threads; 0 = all cores, with the same result.

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


@dataclass(frozen=True)
class CaseConfig:
    """Which cases are made of tables of twins, and how they are shared out.

    Attributes
    ----------
    min_identity
        Least exact global identity of two natural proteins, in [0.3, 1].
    max_identity
        Greatest exact global identity of two natural proteins, in [0.3, 1]. The bound is included, as the least is.
    coverage
        Least aligned share of the longer sequence, in [0, 1].
    cases_per_protein
        Cases of two natural proteins, or of two mutants with labels, that one protein stands in at most. Drawn at
        random.
    cases_per_assay
        Cases of an assay's mutants at most. They are of the top and the bottom decile; half as many controls, and as
        many cases again where fold and function were measured.
    wording
        Which wording of the texts, from 0; -1 is the last, which is never trained on. Cases and their order are the
        same for all.
    split_identity
        Identity from which on two proteins belong to one family, in [0.3, 1].
    valid_fraction
        Share of each set's families for validation, in [0, 1).
    test_fraction
        Share of each set's families for testing, in [0, 1). Both shares together lie below 1.
    known_fraction
        Share of the members of natural training families for the second test, in [0, 1). Their cases with members that
        are trained on are left out.
    largest
        Share of a set's cases above which a family is trained on, in (0, 1]. So no family alone is the test; of few
        families, those of up to twice the mean may be tested all the same.
    seed
        Seed of every draw.
    threads
        Threads; 0 = all cores, with the same result.

    Raises
    ------
    OptionError
        If a value lies outside its range.
    """

    min_identity: float = 0.7
    max_identity: float = 0.9999
    coverage: float = 0.8
    cases_per_protein: int = 6
    cases_per_assay: int = 100
    wording: int = 0
    split_identity: float = 0.5
    valid_fraction: float = 0.2
    test_fraction: float = 0.2
    known_fraction: float = 0.2
    largest: float = 0.1
    seed: int = 42
    threads: int = 0

    def __post_init__(self) -> None:
        for name in ("min_identity", "max_identity", "split_identity"):
            require(name, getattr(self, name), "must lie in [0.3, 1]", holds=0.3 <= getattr(self, name) <= 1)
        ordered = self.min_identity <= self.max_identity
        require("min_identity", self.min_identity, f"must not exceed max_identity = {self.max_identity}", holds=ordered)
        nested = self.split_identity <= self.min_identity  # else the two proteins of a case could be in two families
        require("split_identity", self.split_identity, "must not exceed min_identity", holds=nested)
        require("coverage", self.coverage, "must lie in [0, 1]", holds=0 <= self.coverage <= 1)
        for name in ("cases_per_protein", "cases_per_assay"):
            require(name, getattr(self, name), "must be at least 1", holds=getattr(self, name) >= 1)
        require("wording", self.wording, "must be at least -1 (the last one)", holds=self.wording >= -1)
        for name in ("valid_fraction", "test_fraction", "known_fraction"):
            require(name, getattr(self, name), "must lie in [0, 1)", holds=0 <= getattr(self, name) < 1)
        share = self.valid_fraction + self.test_fraction
        require("test_fraction", self.test_fraction, "must leave something to train on", holds=share < 1)
        require("largest", self.largest, "must lie in (0, 1]", holds=0 < self.largest <= 1)
        require("threads", self.threads, "must be at least 0 (0 = all cores)", holds=self.threads >= 0)
