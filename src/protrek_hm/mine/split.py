"""Training, validation and test: every protein gets a split such that nothing leaks.

`components` gives whole connected components, over homology and over shared or near-identical texts, to one
split each, the largest first, to the split that lacks most of its share. The rule for very large components:
one that holds more than half of a split's share goes to training, so that no family alone is the test. Where
that leaves a split with less than a quarter of its share, larger ones may be held out: up to the share, twice, four
times, any size, the first that is enough. Where even that does not help, links are given up step by step: first
those by texts that more than 8, then more than 2 families share, then all links by text, then homology below 60,
70, 80, 90 and 95 % identity. If nothing helps, the strictest of the best attempts stands. Warnings say what is not
had, and which flags would give it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from protrek_hm.data.proteins import check_bad_records
from protrek_hm.data.schema import or_null
from protrek_hm.data.tables import read_table
from protrek_hm.data.texts import fold_text
from protrek_hm.errors import FileFormatError, MissingColumnError, in_percent
from protrek_hm.homology import connected_components
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.corpus import Corpus
from protrek_hm.mine.text import similar_texts, text_vectors

SPLITS = ("train", "valid", "test")
_RECUTS = (0.6, 0.7, 0.8, 0.9, 0.95)
_GENERIC = (8, 2)
_LARGEST = (0.5, 1.0, 2.0, 4.0, np.inf)
_OFF_SHARE = 2.0  # times its share from which on a held-out split is called too large
_SMALLER = (0.5, 0.25, 0.1)  # times the shares, tried to keep all links
_LEAST_FILLED = 0.25
UNASSIGNED = -1


@dataclass(frozen=True)
class Assignment:
    """The split (0 train, 1 valid, 2 test) and the component of each protein, and the warnings.

    notes: what the split does not keep apart.
    """

    splits: Int[np.ndarray, " proteins"]
    components: Int[np.ndarray, " proteins"]
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def split_proteins(
    corpus: Corpus,
    families_at: Callable[[float], Int[np.ndarray, " proteins"]],
    pairs: Int[np.ndarray, "pairs 2"],
    config: MineConfig,
) -> Assignment:
    """Give each protein a split.

    families_at: returns the family of each protein at an identity. pairs: the twins, which are what the wanted
    shares count. A protein's `stage` in the input decides over everything else.
    """
    given = given_splits(corpus)
    if config.split != "components":
        _, components = next(_linkings(corpus, families_at, config))
        return Assignment(assign_proteins(len(components), config, given=given), components, notes=[_BY[config.split]])
    best: tuple[list[str], str, Assignment] | None = None
    for reading, components in _linkings(corpus, families_at, config):
        if best is None:
            strictest = components
        splits, lacking = _assign_evenly(components, pairs, config, given)
        if best is None or len(lacking) < len(best[0]):
            best = (lacking, reading, Assignment(splits, components))
        if best is not None and not best[0]:
            break
    assert best is not None, "there is always a first linking"
    lacking, reading, assigned = best
    warnings, notes = [], []
    if reading:
        notes = [f"a split would have too few twins, so {reading}"]
        warnings = [f"{notes[0]}; {_remedy(strictest, pairs, config, given)}"]
    warnings += _off_share(assigned.splits, pairs, config)
    if lacking:
        warnings.append(f"too few twins for the split {', '.join(lacking)}: give proteins of more families")
    if torn := _torn_components(assigned.components, given):
        notes.append(f"the given stages put {torn} components in several splits")
        warnings.append(f"{notes[-1]}: see protrek-hm mine leaks")
    return Assignment(assigned.splits, assigned.components, warnings, notes)


_BY = {
    "proteins": "split by proteins, so relatives and texts are in several splits",
    "pairs": "split by pairs, so proteins are in several splits",
}


def _assign_evenly(
    components: Int[np.ndarray, " proteins"],
    pairs: Int[np.ndarray, "pairs 2"],
    config: MineConfig,
    given: Int[np.ndarray, " proteins"],
) -> tuple[Int[np.ndarray, " proteins"], list[str]]:
    """Assign components with the least `largest` that leaves no split lacking, or fewest; return what lacks, too."""
    best: tuple[Int[np.ndarray, " proteins"], list[str]] | None = None
    for largest in _LARGEST:
        splits = assign_components(components, pairs, config, given=given, largest=largest)
        lacking = _lacking(splits, pairs, config)
        if best is None or len(lacking) < len(best[1]):
            best = (splits, lacking)
        if not lacking:
            break
    assert best is not None, "there is always a first size"
    return best


def _remedy(
    components: Int[np.ndarray, " proteins"],
    pairs: Int[np.ndarray, "pairs 2"],
    config: MineConfig,
    given: Int[np.ndarray, " proteins"],
) -> str:
    """Return the flags with which the strictest components would do, if smaller shares are enough."""
    smaller = [replace(config, valid_fraction=0.0)] if config.valid_fraction else []
    for times in _SMALLER:
        valid, test = config.valid_fraction * times, config.test_fraction * times
        smaller.append(replace(config, valid_fraction=valid, test_fraction=test))
        smaller.append(replace(config, valid_fraction=0.0, test_fraction=test))
    for each in smaller:
        if not _assign_evenly(components, pairs, each, given)[1]:
            flags = f"--valid-fraction {each.valid_fraction:.3g} --test-fraction {each.test_fraction:.3g}"
            return f"{flags} would keep them together"
    return "to keep them together, give proteins of more families"


def _off_share(
    splits: Int[np.ndarray, " proteins"], pairs: Int[np.ndarray, "pairs 2"], config: MineConfig
) -> list[str]:
    """Return a warning of each held-out split that is far larger than asked for."""
    whole = splits[pairs[:, 0]] == splits[pairs[:, 1]]
    held = np.bincount(splits[pairs[whole, 0]], minlength=len(SPLITS)) / max(len(pairs), 1)
    percent = partial(in_percent, digits=0)
    return [
        f"the split {name} holds {percent(part)} of the twins where {percent(share)} were asked: whole groups of "
        "relatives and shared texts are no smaller; --split proteins keeps to the shares (relatives are then in "
        "several splits)"
        for name, part, share in zip(SPLITS[1:], held[1:], wanted_shares(config)[1:], strict=True)
        if share > 0 and part > _OFF_SHARE * share
    ]


def split_triplets(triplets: pl.DataFrame, assignment: Assignment, config: MineConfig) -> pl.DataFrame:
    """Add `component` and `split`; a pair whose proteins are in two splits has no split."""
    anchor, negative = triplets["anchor"].to_numpy(), triplets["negative"].to_numpy()
    if config.split == "pairs":
        _, pair = np.unique(triplets["pair"].to_numpy(), return_inverse=True)
        free = np.full(int(pair.max(initial=-1)) + 1, -1)
        splits = assign_proteins(len(free), config, given=free)[pair]
    else:
        splits = np.where(
            assignment.splits[anchor] == assignment.splits[negative], assignment.splits[anchor], len(SPLITS)
        )
    names = np.array([*SPLITS, ""])[splits]
    return triplets.with_columns(
        component=pl.Series(assignment.components[anchor], dtype=pl.Int64),
        split=pl.Series(names.tolist(), dtype=pl.String).replace("", None),
    )


def assign_components(
    components: Int[np.ndarray, " proteins"],
    pairs: Int[np.ndarray, "pairs 2"],
    config: MineConfig,
    *,
    given: Int[np.ndarray, " proteins"] | None = None,
    largest: float = np.inf,
) -> Int[np.ndarray, " proteins"]:
    """Give whole components to splits, the largest (in twins) first, to the split that lacks most of its share.

    given: splits that are fixed, `UNASSIGNED` elsewhere; the rest of a component follows its fixed members,
    those with members in several splits are for training. largest: components above this multiple of a split's
    share never go to that split, except to training.

    Examples
    --------
    >>> config = MineConfig(valid_fraction=0.25, test_fraction=0.25)
    >>> twins = np.array([[0, 1], [1, 2], [3, 4], [5, 6]])
    >>> assign_components(np.array([0, 0, 0, 1, 1, 2, 2]), twins, config).tolist()
    [0, 0, 0, 2, 2, 1, 1]
    """
    fixed = np.full(len(components), UNASSIGNED) if given is None else given
    count = int(components.max(initial=-1)) + 1
    split_of = np.full(count, UNASSIGNED)
    for place in np.flatnonzero(fixed != UNASSIGNED):
        component, split = components[place], fixed[place]
        split_of[component] = split if split_of[component] in (UNASSIGNED, split) else 0
    twins = np.bincount(components[pairs[:, 0]], minlength=count)
    members = np.bincount(components, minlength=count)
    draws = np.random.default_rng(config.seed).permutation(count)
    for sizes, chosen in ((twins, twins > 0), (members, twins == 0)):
        share = wanted_shares(config) * sizes[chosen].sum()
        filled = np.array([sizes[chosen & (split_of == split)].sum() for split in range(3)], dtype=float)
        free = np.flatnonzero(chosen & (split_of == UNASSIGNED))
        for component in free[np.lexsort((draws[free], -sizes[free]))]:
            size = sizes[component]
            fits = (share > 0) & (size <= np.where(share > 0, largest, 0) * share)  # inf · 0 is no number
            fits[0] = True
            lacking = np.where(fits, 1 - filled / np.maximum(share, 1e-9), -np.inf)
            split_of[component] = int(np.argmax(lacking))
            filled[split_of[component]] += size
    return np.where(fixed == UNASSIGNED, split_of[components], fixed)


def assign_proteins(
    proteins: int, config: MineConfig, *, given: Int[np.ndarray, " proteins"]
) -> Int[np.ndarray, " proteins"]:
    """Give single proteins (or, for `pairs`, pairs) to splits at random, in the wanted shares."""
    order = np.random.default_rng(config.seed).permutation(proteins)
    ends = np.cumsum([config.test_fraction, config.valid_fraction]) * proteins
    splits = np.zeros(proteins, dtype=np.int64)
    splits[order[: round(ends[0])]] = 2
    splits[order[round(ends[0]) : round(ends[1])]] = 1
    return np.where(given == UNASSIGNED, splits, given)


def given_splits(corpus: Corpus) -> Int[np.ndarray, " proteins"]:
    """Return the split that the column `stage` gives to each protein, `UNASSIGNED` where it is empty or unknown.

    A column that puts all proteins into one split is not followed.
    """
    if "stage" not in corpus.entries.columns:
        return np.full(len(corpus.sequences), UNASSIGNED)
    stages = corpus.entries["stage"].cast(pl.String).str.strip_chars().str.to_lowercase()
    splits = np.array([STAGES.get(stage, UNASSIGNED) for stage in stages], dtype=np.int64)[corpus.first_entries()]
    no_split = len(set(splits.tolist())) == 1  # all for training is what an unsplit table says
    return np.full_like(splits, UNASSIGNED) if no_split else splits


def _linkings(
    corpus: Corpus, families_at: Callable[[float], Int[np.ndarray, " proteins"]], config: MineConfig
) -> Iterator[tuple[str, Int[np.ndarray, " proteins"]]]:
    """Yield ever weaker linkings of proteins: what was given up, and the components."""
    families = families_at(config.split_identity)
    links = family_links(families)

    def joined(by_text: Int[np.ndarray, "links 2"]) -> Int[np.ndarray, " proteins"]:
        return np.asarray(connected_components(len(families), np.concatenate([links, by_text])))

    texts = TextLinks(corpus)
    yield "", joined(texts.links())
    for most in _GENERIC:
        reading = f"texts shared by more than {most} families do not keep proteins together"
        yield reading, joined(texts.links(families=families, most=most))
    yield "shared texts do not keep proteins together", families
    for identity in _RECUTS:
        if identity > config.split_identity:
            yield f"only {in_percent(identity, digits=0)} identity keeps proteins together", families_at(identity)


def wanted_shares(config: MineConfig) -> Float[np.ndarray, "3"]:
    """Return the wanted shares of train, valid and test."""
    held_out = config.valid_fraction + config.test_fraction
    return np.array([1 - held_out, config.valid_fraction, config.test_fraction])


def _lacking(splits: Int[np.ndarray, " proteins"], pairs: Int[np.ndarray, "pairs 2"], config: MineConfig) -> list[str]:
    """Return the splits that hold less than a quarter of the pairs that they should."""
    whole = splits[pairs[:, 0]] == splits[pairs[:, 1]]
    held = np.bincount(splits[pairs[whole, 0]], minlength=len(SPLITS))
    wanted = wanted_shares(config)
    short = (wanted > 0) & (held < np.maximum(_LEAST_FILLED * wanted * len(pairs), 1))
    return [SPLITS[split] for split in np.flatnonzero(short)]


def _torn_components(components: Int[np.ndarray, " proteins"], given: Int[np.ndarray, " proteins"]) -> int:
    fixed = given != UNASSIGNED
    several = pl.DataFrame({"component": components[fixed], "split": given[fixed]}).unique()
    return int((several.group_by("component").len()["len"] > 1).sum())


STAGES = {"train": 0, "training": 0, "valid": 1, "val": 1, "validation": 1, "dev": 1, "test": 2, "testing": 2}
"""Words for the splits, as they stand in columns `stage` and in split files."""


def apply_split_file(proteins: pl.DataFrame, path: Path) -> pl.DataFrame:
    r"""Return `proteins` with the file's split as their `stage`; proteins that it does not name have none.

    path: a table with columns `id` and `split` (or `stage`), splits in the words of `STAGES`. Records without a split
    name none.

    Raises
    ------
    MissingFileError, MissingColumnError, RecordError
        If the file is not there, lacks a column, or holds damaged records.
    FileFormatError
        If it names an unknown split, none of the proteins, or puts one into two splits.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "split.tsv"
    >>> _ = path.write_text("id\tsplit\nP1\ttest\n")
    >>> apply_split_file(pl.DataFrame({"id": ["P1", "P2"]}), path)["stage"].to_list()
    ['test', None]
    """
    table = read_table(path)
    check_bad_records(table.bad, path, "error")
    columns = table.frame.columns
    split = next((name for name in ("split", "stage") if name in columns), "split")
    for column in ("id", split):
        if column not in columns:
            raise MissingColumnError(path, column, columns, "a split file has the columns id and split")
    cells = table.frame.select(or_null(pl.col("id", split).cast(pl.String))).drop_nulls()
    given = cells.select("id", stage=pl.col(split).str.to_lowercase())
    unknown = given.filter(~pl.col("stage").is_in(list(STAGES)))
    if not unknown.is_empty():
        raise FileFormatError(path, f"{unknown['stage'][0]!r} is not a split", "write train, valid or test")
    unique = given.with_columns(split=pl.col("stage").replace_strict(STAGES)).unique(
        ["id", "split"], maintain_order=True
    )
    twice = unique.filter(pl.col("id").is_duplicated())
    if not twice.is_empty():
        raise FileFormatError(path, f"{twice['id'][0]!r} is in two splits", "leave it in one")
    if unique.join(proteins, on="id", how="semi").is_empty():
        raise FileFormatError(path, "it names none of the proteins", "use the ids of the protein file")
    rest = proteins.drop("stage", strict=False)
    return rest.join(unique.select("id", "stage"), on="id", how="left", maintain_order="left")


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
