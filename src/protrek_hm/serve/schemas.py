"""What requests and answers look like, from which `/openapi.json` is made, and how much one request may ask for."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, model_validator

from protrek_hm.config import Modality
from protrek_hm.search.config import SCAN_SIGNALS, ScanSignal
from protrek_hm.search.hits import VOTES, Vote
from protrek_hm.search.signals import SIGNALS, Signal
from protrek_hm.serve.config import ServeConfig
from protrek_hm.serve.problems import HALF, ProblemError


def _characters(text: Any) -> Any:
    """Refuse what JSON can say, but UTF-8 cannot, nor any model or file: half of a surrogate pair."""
    if isinstance(text, str):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(HALF) from None
    return text


OTHERS = 19
"""Residues that each of a protein's can be replaced by."""

Text = Annotated[str, BeforeValidator(_characters)]
"""What every text of a request is."""

Texts = Annotated[list[Text], FailFast()]
"""Several; the first that is wrong is told, and the rest is not looked at."""

By = Annotated[Modality, Field(description="What the query is; a structure is written in Foldseek's 3Di letters.")]
Want = Annotated[Modality, Field(description="What is compared with it.")]
Hits = Annotated[
    int, Field(ge=1, description="Families per query, or hits where they are not grouped; /v1/index tells the limit.")
]
Where = Annotated[
    Annotated[str, Field(max_length=2000), BeforeValidator(_characters)] | None,
    Field(
        description="SQL condition over the columns of the records, as /v1/index lists them.",
        examples=["length < 400 and organism = 'Escherichia coli'"],
    ),
]
Group = Annotated[bool, Field(description="Whether hits that are 70 % identical or more share a family.")]
Exact = Annotated[bool, Field(description="Whether every vector is compared, also in an index with an engine.")]
Signals = Annotated[
    tuple[Signal, ...],
    Field(min_length=1, max_length=len(SIGNALS), description="By what a text is answered; others: the model alone."),
]
Within = Annotated[
    tuple[Vote, ...],
    Field(
        min_length=1,
        max_length=len(VOTES),
        description="By what the members of a family that answers a text are ordered; `model` alone: as they rank.",
    ),
]
ByRelatives = Annotated[
    bool,
    Field(description="Whether proteins without a text are found by the texts of labelled relatives, too; named."),
]
Fdr = Annotated[
    float | None,
    Field(
        gt=0,
        lt=1,
        description="Only hits of which at most this share is expected to be wrong, calibrated on families of the "
        "index; the model alone ranks them, and `where` must be null.",
        examples=[0.1],
    ),
]
Partial = Annotated[
    bool, Field(description="Leave out shards of the index that do not answer, and name them in `missing`.")
]
Notes = Annotated[list[str], Field(description="What should be known besides, such as that the model cuts the query.")]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _first_unknown(cls, given: Any) -> Any:
        """Leave one unknown field to be told of: a million would keep the server busy."""
        if not isinstance(given, Mapping):
            return given
        unknown = next((name for name in given if name not in cls.model_fields), None)
        return {name: value for name, value in given.items() if name in cls.model_fields or name == unknown}


class _Options(_Request):
    by: By = "text"
    want: Want = "sequence"
    k: Hits = 10
    where: Where = None
    group: Group = True
    exact: Exact = False
    signals: Signals = SIGNALS
    within: Within = VOTES
    relatives: ByRelatives = True
    fdr: Fdr = None
    partial: Partial = False


class SearchRequest(_Options):
    """One question."""

    query: Text = Field(min_length=1, description="Of the kind `by`.", examples=["hydrolyses carbapenems"])


class BatchRequest(_Options):
    """Several questions of one kind."""

    queries: Texts = Field(
        min_length=1,
        description="All of the kind `by`.",
        examples=[["a beta-lactamase", "a kinase of histidines"]],
    )


class ScoreRequest(_Request):
    """Every text with every sequence."""

    texts: Texts = Field(min_length=1, description="What proteins may do.", examples=[["a beta-lactamase"]])
    sequences: Texts = Field(
        min_length=1, description="Of proteins, in the index or not.", examples=[["MKVLAA", "MKWLAA"]]
    )


class ExplainRequest(_Request):
    """Why one of two proteins fits a text better."""

    text: Text = Field(min_length=1, description="What one of them may do.", examples=["hydrolyses carbapenems"])
    a: Text = Field(min_length=1, description="An id in the index, or a sequence.")
    b: Text = Field(min_length=1, description="An id in the index, or a sequence.", examples=["P67890"])


class FamilyRequest(_Request):
    """The members of a family, one below the other."""

    proteins: Texts = Field(
        min_length=2,
        description="Ids in the index, or sequences; the others are aligned with the first.",
        examples=[["P12345", "P67890"]],
    )
    text: Text | None = Field(
        default=None, min_length=1, description="What one of them may do: says what each difference is worth."
    )


class DescribeRequest(_Request):
    """What proteins do, by the texts of the index."""

    sequences: Texts = Field(min_length=1, description="Of proteins, in the index or not.", examples=[["MKVLAA"]])
    k: Annotated[int, Field(ge=1, description="Texts per protein.")] = 5


class ScanRequest(_Request):
    """Every single substitution of a protein, towards a text."""

    text: Text = Field(min_length=1, description="What the protein should do.", examples=["hydrolyses carbapenems"])
    protein: Text = Field(min_length=1, description="An id in the index, or a sequence.", examples=["P12345"])
    from_text: Text | None = Field(default=None, description="A text whose score is taken off.", min_length=1)
    region: tuple[int, int] | None = Field(
        default=None,
        description="First and last residue; by default all. /v1/index tells how many variants are encoded at most.",
        examples=[[50, 90]],
    )
    signals: tuple[ScanSignal, ...] = Field(
        default=SCAN_SIGNALS,
        min_length=1,
        max_length=len(SCAN_SIGNALS),
        description="By what a substitution is scored; without a twin head there is none by head.",
    )


class _InCommon(BaseModel):
    words: list[str] = Field(description="Of the question, which the record holds.")
    meaning: float | None = Field(description="Cosine of the question and the record's text; null without one.")


class RelativeAnswer(_InCommon):
    """A labelled relative whose text speaks for a hit that has none, as `protrek_hm.search.Relative`."""

    id: str
    identity: float = Field(description="Of its sequence and the hit's, in [0, 1].")
    text: str = Field(description="Its own, not the hit's.")


class MatchedAnswer(_InCommon):
    """What a hit has in common with a question, as `protrek_hm.search.Matched`."""

    by_relatives: list[RelativeAnswer] = Field(
        description="Labelled relatives that put a hit without a text in its place; empty where none did."
    )


class HitAnswer(BaseModel):
    """One protein or text, as `protrek_hm.search.Hit`."""

    rank: int
    id: str
    score: float = Field(description="Cosine, in [-1, 1].")
    protrek_score: float = Field(description="On ProTrek's scale: cosine ÷ temperature.")
    probability: float | None = Field(
        description="Share of right hits at such a score, in (0, 1); null where words or meaning rank them."
    )
    p_value: float | None = Field(description="Against the index's background, in (0, 1].")
    e_value: float | None = Field(description="Hits as good that chance would give.")
    matched: MatchedAnswer | None = Field(description="In common with a question in words; null for other queries.")
    record: dict[str, Any]
    identity: float | None = Field(description="With the best of its family, in [0, 1]; null for the best itself.")
    differences: int | None = Field(description="From the best of its family: substitutions, insertions, deletions.")
    changes: list[str] = Field(description="The first of these differences, in the manner of HGVS.")


class FamilyAnswer(BaseModel):
    """Hits that are 70 % identical or more to the one that ranks first of them."""

    rank: int
    hits: list[HitAnswer]
    decided: Vote | None = Field(description="What put the members in another order than their ranks; null: nothing.")


class BackgroundAnswer(BaseModel):
    """Histogram of the query's scores with a sample of the index: `counts[i]` in [edges[i], edges[i + 1])."""

    counts: list[int]
    edges: list[float]
    whole: bool = Field(description="Whether the sample is the whole index: then E is no more than the rank.")


class SearchAnswer(BaseModel):
    """The answer to one question."""

    query: str
    by: Modality
    want: Modality
    families: list[FamilyAnswer]
    looked_at: int = Field(description="Best hits that the families were made of.")
    background: BackgroundAnswer | None
    missing: list[str] = Field(description="Shards of the index that did not answer; empty but for `partial`.")
    notes: Notes


class BatchAnswer(BaseModel):
    """The answers, in the order of the questions."""

    results: list[SearchAnswer]


class ScoreAnswer(BaseModel):
    """A row for each text, a column for each sequence."""

    scores: list[list[float]] = Field(description="Cosines, in [-1, 1].")
    temperature: float = Field(description="ProTrek's scale is cosine ÷ temperature.")
    notes: Notes


class DescribeAnswer(BaseModel):
    """One description for each sequence, in order."""

    descriptions: list[dict[str, Any]]


class ScannedProtein(BaseModel):
    """What was scanned."""

    id: str | None
    sequence: str
    same: list[str] = Field(description="Ids of the index that are this protein.")


class KnownVariant(BaseModel):
    """A substitution that proteins of the index have, and that alone."""

    position: int
    residue: str
    ids: list[str]


class AlignedMember(BaseModel):
    """A member of a family, as it stands in the alignment."""

    id: str | None
    aligned: str = Field(description="Its sequence with gaps; all members have one length.")
    identity: float = Field(description="With the first member, in [0, 1].")


class VariationAnswer(BaseModel):
    """A difference that some members have from the first."""

    notation: str = Field(description="In the manner of HGVS, by residues of the first member.")
    column: int = Field(description="Of the alignment, from 1.")
    position: int = Field(description="Of the first member; of an insertion the residue before it, or 0.")
    members: list[int] = Field(description="Places of those that have it, from 0.")
    model: float | None = Field(description="Change of the first member's cosine by this alone; null: not scored.")
    head: float | None = Field(description="Preference of the twin head, in log odds; null: not scored.")


class FamilyAlignmentAnswer(BaseModel):
    """A star alignment: each member with the first, laid on each other."""

    text: str | None
    members: list[AlignedMember]
    variations: list[VariationAnswer]
    ordered_by: ScanSignal | None = Field(description="The signal that says which variations decide.")
    notes: Notes


class ScanAnswer(BaseModel):
    """A row of scores for each residue, a column for each of the twenty; the protein's own residue has 0."""

    text: str
    from_text: str | None
    protein: ScannedProtein
    first: int = Field(description="Number of the first residue, from 1.")
    last: int
    residues: str = Field(description="What the columns stand for.")
    model: list[list[float]] | None = Field(description="Change of the cosine.")
    head: list[list[float]] | None = Field(description="Preference of the twin head, in log odds.")
    ordered_by: ScanSignal
    known: list[KnownVariant]
    notes: Notes


class StructureAnswer(BaseModel):
    """A chain of an uploaded file."""

    sequence: str
    structure: str = Field(description="3Di letters, a query for `by`: `structure`.")
    chain: str
    chains: list[str] = Field(description="All protein chains of the file.")


class Problem(BaseModel):
    """What is wrong with a request."""

    field: str | None
    message: str
    remedy: str


class ProblemAnswer(BaseModel):
    """The body of every status from 400."""

    error: Problem


def check_k(k: int, config: ServeConfig, *, queries: int = 1) -> None:
    """Raise ProblemError if more hits are wanted, of one query or of all, than the server gives.

    >>> check_k(30, ServeConfig(max_k=50, max_hits=100), queries=4)
    Traceback (most recent call last):
        ...
    protrek_hm.serve.problems.ProblemError: k: k = 30: must be at most 25 for 4 queries; ask for fewer hits
    """
    most = min(config.max_k, config.max_hits // queries)
    if k > most:
        of_how_many = f" for {queries} queries" if most < config.max_k else ""
        raise ProblemError(400, "k", f"k = {k}: must be at most {most:,}{of_how_many}", "ask for fewer hits")


def check_texts(texts: Sequence[str], field: str, config: ServeConfig) -> None:
    """Raise ProblemError if there are too many of them, or one is too long, or all together.

    >>> check_texts(["MKV", "MKVLAA"], "sequences", ServeConfig(max_query_length=5))
    Traceback (most recent call last):
        ...
    protrek_hm.serve.problems.ProblemError: sequences[1]: has 6 characters, more than 5; send a shorter one
    """
    if len(texts) > config.max_queries:
        remedy = "send several requests, or use protrek-hm on the command line"
        raise ProblemError(400, field, f"{len(texts)} at once, more than {config.max_queries}", remedy)
    for place, text in enumerate(texts):
        check_text(text, f"{field}[{place}]", config)
    letters = sum(map(len, texts))
    if letters > config.max_letters:
        message = f"they have {letters:,} characters together, more than {config.max_letters:,}"
        raise ProblemError(400, field, message, "send several requests")


def check_text(text: str, field: str, config: ServeConfig) -> None:
    """Raise ProblemError if a text is too long."""
    if len(text) > config.max_query_length:
        message = f"has {len(text):,} characters, more than {config.max_query_length:,}"
        raise ProblemError(400, field, message, "send a shorter one")


def check_pair(a: str, b: str, config: ServeConfig, *, field: str = "b") -> None:
    """Raise ProblemError if two proteins are too long to be aligned while others wait."""
    if len(a) * len(b) > config.max_query_length**2:
        message = f"proteins of {len(a):,} and {len(b):,} residues are too long to be compared here"
        raise ProblemError(400, field, message, "give the domains to be compared, or use protrek-hm explain")


def check_scan(protein: str, region: tuple[int, int], config: ServeConfig, *, by_model: bool) -> None:
    """Raise ProblemError if a scan would keep others waiting: too long a protein, or too many variants to encode.

    >>> check_scan("M" * 99, (1, 99), ServeConfig(max_variants=200), by_model=True)
    Traceback (most recent call last):
        ...
    protrek_hm.serve.problems.ProblemError: region: 1,881 variants, more than 200; name a region of at most 10 ...
    """
    if len(protein) > config.max_query_length:
        message = f"a protein of {len(protein):,} residues is too long to be scanned here"
        raise ProblemError(400, "protein", message, "give the domain to be scanned, or use protrek-hm scan")
    first, last = region
    variants = (last - first + 1) * OTHERS
    if by_model and variants > config.max_variants:
        most = max(1, config.max_variants // OTHERS)
        remedy = f"name a region of at most {most} residues at a time, or use protrek-hm scan"
        raise ProblemError(400, "region", f"{variants:,} variants, more than {config.max_variants:,}", remedy)
