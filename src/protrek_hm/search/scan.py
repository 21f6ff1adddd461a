"""Every single substitution of a protein, scored towards a text, or from one text towards another.

Two signals, each 0 for the protein itself:

- *model*: the cosine of the substituted protein with the text, less that of the protein itself. Where a protein is
  longer than the model's window, both are read in the window in which the site stands nearest to the middle.
- *head*: by how much the twin head in the model's folder prefers the substituted protein over the protein itself, in
  log odds; what relatives have at the site is read from the index.

From text A towards text B, each is the difference of what the two texts give.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import polars as pl
from jaxtyping import Float

from protrek_hm.config import require, require_characters
from protrek_hm.cosines import equal_ties
from protrek_hm.data.compression import bare_name
from protrek_hm.data.fasta import ENDINGS as FASTA_ENDINGS
from protrek_hm.data.schema import AMINO_ACIDS, sequence_problem, upper_case
from protrek_hm.deadline import Progress, checkpoint
from protrek_hm.errors import FileFormatError, OptionError, counted, shorten
from protrek_hm.files import is_a_file
from protrek_hm.homology.profile import Profile, profiles
from protrek_hm.index.encoder import encode_unit
from protrek_hm.index.store import Index
from protrek_hm.model.encoder import FingerprintedEncoder
from protrek_hm.model.sharing import map_encoding
from protrek_hm.model.twin_head import head_of
from protrek_hm.search.config import ScanConfig, ScanSignal
from protrek_hm.search.explain import LONGEST_ID, SHORTEST, Protein, find_protein
from protrek_hm.search.query import clean_query, read_queries
from protrek_hm.search.reading import cuts, residues_read
from protrek_hm.search.searcher import Searcher

_SITES_AT_ONCE = 16
_SITES_OF_HEAD = 2000
_DIGITS = 7  # decimals that are written: beyond them, a model in other batches gives others


class ScanHead(Protocol):
    """What scores all substitutions at once, as `model.twin_head` does."""

    def read(self, texts: Sequence[str]) -> Float[np.ndarray, "texts dim"]:
        """Return the vectors of texts that `scan` takes."""
        ...

    def scan(
        self,
        text: Float[np.ndarray, " dim"],
        protein: str,
        profile: Profile | None = None,
        residues: range | None = None,
    ) -> Float[np.ndarray, "residues 20"]:
        """Say by how much each substitution is preferred over the protein, in the order of `AMINO_ACIDS`."""
        ...


@dataclass(frozen=True)
class ScannedSubstitution:
    """One substitution: where, by what, its scores (None: not scored), and the ids of the index that have it alone."""

    position: int
    wild_type: str
    residue: str
    model: float | None
    head: float | None
    known: tuple[str, ...] = ()

    @property
    def notation(self) -> str:
        """Such as S83L."""
        return f"{self.wild_type}{self.position}{self.residue}"


@dataclass(frozen=True)
class Scan:
    """All single substitutions of a protein, or of a region of it.

    from_text: the text whose score is taken off; None for none. first: number of the first residue, from 1.
    model, head: a row for each residue, columns in the order of `AMINO_ACIDS`, its own residue 0; None where it does
    not score. known: ids of the index that have this substitution (position, residue) alone. same: ids of the protein
    itself. notes: what should be known besides, a sentence each.
    """

    text: str
    from_text: str | None
    protein: Protein
    first: int
    model: Float[np.ndarray, "residues 20"] | None
    head: Float[np.ndarray, "residues 20"] | None
    known: Mapping[tuple[int, str], tuple[str, ...]] = field(default_factory=dict)
    same: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def residues(self) -> str:
        """What the protein has where it is scanned."""
        rows = next(len(each) for each in (self.model, self.head) if each is not None)
        return self.protein.sequence[self.first - 1 : self.first - 1 + rows]

    @property
    def last(self) -> int:
        """Number of the last residue that is scanned."""
        return self.first + len(self.residues) - 1

    @property
    def ordered_by(self) -> ScanSignal:
        """The signal by which substitutions are put in order: the head where there is one."""
        return "model" if self.head is None else "head"

    def substitutions(self) -> Iterator[ScannedSubstitution]:
        """Yield every substitution, from the first residue to the last, in the order of `AMINO_ACIDS`."""
        for place, own in enumerate(self.residues):
            for column, residue in enumerate(AMINO_ACIDS):
                if residue != own:
                    yield self._substitution(place, column)

    def best(self, most: int, *, lowest: bool = False) -> list[ScannedSubstitution]:
        """Return the substitutions that score highest (or lowest), by `ordered_by`; equal ones from the first on."""
        scores = self.head if self.head is not None else self.model
        assert scores is not None, "one of the two is there"
        own = np.array([[residue == each for residue in AMINO_ACIDS] for each in self.residues])
        places = np.flatnonzero(~own)
        values = equal_ties((-scores if lowest else scores).ravel()[places])
        chosen = places[np.argsort(-values, kind="stable")[:most]]
        return [self._substitution(*divmod(int(each), len(AMINO_ACIDS))) for each in chosen]

    def _substitution(self, place: int, column: int) -> ScannedSubstitution:
        model, head = (None if each is None else float(each[place, column]) for each in (self.model, self.head))
        position, residue = self.first + place, AMINO_ACIDS[column]
        known = self.known.get((position, residue), ())
        return ScannedSubstitution(position, self.residues[place], residue, model, head, known)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it; scores have seven decimals."""
        return {
            "text": self.text,
            "from_text": self.from_text,
            "protein": {"id": self.protein.id, "sequence": self.protein.sequence, "same": list(self.same)},
            "first": self.first,
            "last": self.last,
            "residues": AMINO_ACIDS,
            "model": None if self.model is None else self.model.round(_DIGITS).tolist(),
            "head": None if self.head is None else self.head.round(_DIGITS).tolist(),
            "ordered_by": self.ordered_by,
            "known": [
                {"position": position, "residue": residue, "ids": list(ids)}
                for (position, residue), ids in sorted(self.known.items())
            ],
            "notes": list(self.notes),
        }


def scan(
    searcher: Searcher,
    text: str,
    protein: str,
    *,
    from_text: str | None = None,
    config: ScanConfig | None = None,
    progress: Progress | None = None,
) -> Scan:
    """Score all single substitutions of a protein, given as an id of the index or as a sequence; see `scan_protein`.

    Relatives for the head and known variants come from the index.

    Raises
    ------
    OptionError
        If the protein is neither an id nor a sequence, or as `scan_protein`.
    """
    found = find_protein(searcher.index, protein)
    return scan_protein(
        searcher.model, text, found, from_text=from_text, searcher=searcher, config=config, progress=progress
    )


def scan_protein(
    model: FingerprintedEncoder,
    text: str,
    protein: Protein,
    *,
    from_text: str | None = None,
    searcher: Searcher | None = None,
    config: ScanConfig | None = None,
    progress: Progress | None = None,
) -> Scan:
    """Score all single substitutions of a protein towards a text.

    Parameters
    ----------
    from_text
        A text whose score is taken off: what leads from it to `text`.
    searcher
        Of an index in which relatives and known variants are looked for; its model is `model`.

    Raises
    ------
    OptionError
        If a text is empty, both are the same, the region lies outside the protein, more residues than
        `ScanConfig.most_residues` are asked for, or nothing that is asked for can score.
    ModelError
        If the model gives a vector without direction.
    GivenUpError
        If the deadline of the work is over, or nobody waits for it.

    Examples
    --------
    A stand-in for a model, which gives a protein 0.1 for each K:

    >>> class Lysines:
    ...     temperature, tasks, fingerprint = 0.1, ("text", "sequence"), lambda self: "k"
    ...     def encode(self, inputs, /, *, task, **options):
    ...         share = np.array([1.0 if task == "text" else 0.1 * each.count("K") for each in inputs])
    ...         return np.stack([share, np.sqrt(1 - share**2)], axis=1)
    >>> found = scan_protein(Lysines(), "much K", Protein(None, "MKTAYIAKQR"), config=ScanConfig(region=(7, 8)))
    >>> [(each.notation, round(each.model, 6)) for each in found.best(1)], found.model.shape
    ([('A7K', 0.1)], (2, 20))
    """
    config = config or ScanConfig()
    texts = [clean_query(each, "text") for each in ([text] if from_text is None else [text, from_text])]
    require(
        "from_text", shorten(texts[-1]), "is the text that it leads to; give another", holds=len({*texts}) == len(texts)
    )
    first, last = _region(protein, config)
    head = _head_of(model, searcher)
    if "head" in config.signals and head is None and "model" not in config.signals:
        raise OptionError("signals", "head", "the model's folder holds no twin head; scan by --signals model")
    notes = [f"the text: {cut}" for cut in cuts(model, texts, task="text") if cut]
    by_model = by_head = None
    if "head" in config.signals:
        if head is None:
            notes.append("the model's folder holds no twin head: substitutions are scored by the model's vectors alone")
        else:
            scanned = _preferences(head, head.read(texts), protein.sequence, range(first - 1, last), searcher)
            by_head = scanned[0] if len(scanned) == 1 else scanned[0] - scanned[1]
    if "model" in config.signals:
        read = residues_read(model, len(protein.sequence))
        if read < len(protein.sequence):
            notes.append(f"the model reads {read:,} residues: each site in the window of so many that is nearest to it")
        vectors = encode_unit(model, texts, task="text")
        letters, sites = protein.sequence, range(first - 1, last)
        places = [(site, residue) for site in sites for residue in AMINO_ACIDS if residue != letters[site]]
        changes = substitution_changes(model, vectors, letters, places, batch_size=config.batch_size, progress=progress)
        by_model = np.zeros((last - first + 1, len(AMINO_ACIDS)))
        rows, columns = np.array([(site - first + 1, AMINO_ACIDS.index(residue)) for site, residue in places]).T
        by_model[rows, columns] = changes[:, 0] if len(texts) == 1 else changes[:, 0] - changes[:, 1]
    same, known = _known(searcher.index, protein.sequence) if searcher is not None else ((), {})
    kept = {place: ids for place, ids in known.items() if first <= place[0] <= last}
    return Scan(
        texts[0],
        texts[1] if from_text is not None else None,
        protein,
        first,
        by_model,
        by_head,
        kept,
        same,
        tuple(notes),
    )


def _head_of(model: FingerprintedEncoder, searcher: Searcher | None) -> ScanHead | None:
    """Return the twin head of a searcher, or of the folder that a model was loaded from; None if there is none."""
    head = head_of(model) if searcher is None or searcher.head is None else searcher.head
    return cast("ScanHead", head) if hasattr(head, "scan") else None


def read_protein(given: str, index: Index | None) -> Protein:
    """Read a protein from a command line: an id of the index, a FASTA file with one record, or a sequence.

    Raises
    ------
    MissingFileError, FileFormatError
        If a file is not there, or no FASTA with one record.
    OptionError
        If it is none of the three.

    Examples
    --------
    >>> read_protein("mktayiakqr", None)
    Protein(id=None, sequence='MKTAYIAKQR')
    >>> read_protein("TEM-1", None)
    Traceback (most recent call last):
        ...
    protrek_hm.errors.OptionError: protein = 'TEM-1': no sequence of 10 residues or more; if it is an id, name its ...
    """
    require_characters("protein", given)
    if index is not None and (index.records["id"] == given.strip()).any():
        return find_protein(index, given)
    if is_a_file(given) or bare_name(Path(given)).endswith(FASTA_ENDINGS):
        records = read_queries([given], "sequence")
        if len(records) != 1:
            problem = f"{counted(len(records), 'record')}, and one protein is scanned"
            raise FileFormatError(given, problem, "give a file with one, or the sequence itself")
        return Protein(records[0].name, records[0].content)
    if index is not None:
        return find_protein(index, given)
    letters = "".join(given.split()).removesuffix("*")
    if len(letters) < SHORTEST or (len(letters) <= LONGEST_ID and not letters.isalpha()):
        wanted = f"no sequence of {SHORTEST} residues or more; if it is an id, name its index with -i"
        raise OptionError("protein", shorten(given), wanted)
    wrong = sequence_problem(upper_case(letters))
    if wrong is not None:
        raise OptionError("protein", shorten(given), f"{wrong}; mend the sequence")
    return Protein(None, upper_case(letters))


def _region(protein: Protein, config: ScanConfig) -> tuple[int, int]:
    """Return the first and the last residue to be scanned."""
    length = len(protein.sequence)
    first, last = config.region or (1, length)
    within = f"the protein has {counted(length, 'residue')}; name a region within it"
    require("region", f"{first}-{last}", within, holds=last <= length)
    most = config.most_residues
    remedy = f"more than {most:,} at once; name a region, such as {first}-{first + most - 1}, or raise most-residues"
    require("residues", last - first + 1, remedy, holds=last - first < most)
    return first, last


def windows(sites: Sequence[int], length: int, size: int) -> dict[int, list[int]]:
    """Choose the windows in which sites of a protein are read.

    Windows begin each half a window, and at the end one ends with the protein; a site is read where it stands nearest
    to the middle, in the earlier of two that are as near.

    Returns
    -------
    Of each window that is needed, how many residues stand before it, and its sites; all counted from 0.

    Examples
    --------
    >>> windows(range(10), 10, 10) == {0: list(range(10))}, windows(range(11), 11, 4)
    (True, {0: [0, 1, 2], 2: [3, 4], 4: [5, 6], 6: [7, 8], 7: [9, 10]})
    """
    end = max(length - size, 0)
    starts = np.array(sorted({*range(0, end + 1, max(size // 2, 1)), end}))
    found: dict[int, list[int]] = {}
    for site in sites:
        around = starts[(starts <= site) & (site < starts + size)]
        nearest = around[np.abs(2 * (around - site) + size - 1).argmin()]
        found.setdefault(int(nearest), []).append(site)
    return found


def substitution_changes(
    model: FingerprintedEncoder,
    texts: Float[np.ndarray, "texts dim"],
    protein: str,
    places: Sequence[tuple[int, str]],
    *,
    batch_size: int = 32,
    progress: Progress | None = None,
) -> Float[np.ndarray, "places texts"]:
    """Return what substitutions do to the cosines of a protein with texts, by the model's vectors.

    Parameters
    ----------
    texts
        Their unit vectors.
    places
        Site, counted from 0, and residue of each substitution; one that changes nothing gives 0.

    Raises
    ------
    ModelError, GivenUpError
        As `scan_protein`.
    """
    asked = texts.astype(np.float64)
    found = np.zeros((len(places), len(texts)))
    size = residues_read(model, len(protein))
    at: dict[int, list[int]] = {}
    for number, (site, residue) in enumerate(places):
        if residue != protein[site]:
            at.setdefault(site, []).append(number)
    blocks = [
        (start, [number for site in sites[block : block + _SITES_AT_ONCE] for number in at[site]])
        for start, sites in windows(sorted(at), len(protein), size).items()
        for block in range(0, len(sites), _SITES_AT_ONCE)
    ]

    def proteins(start: int, numbers: Sequence[int]) -> list[str]:
        part = protein[start : start + size]
        return [part, *(_substituted(part, places[number][0] - start, places[number][1]) for number in numbers)]

    done, work = 0, partial(_cosines, texts=asked, batch_size=batch_size)
    shards = (proteins(start, numbers) for start, numbers in blocks)
    with map_encoding(work, shards, model, alone=len(blocks) == 1) as encoded:
        for (_, numbers), cosines in zip(blocks, encoded, strict=True):
            found[numbers] = cosines[1:] - cosines[0]
            done += len(numbers)
            if progress is not None:
                progress("variants", done, len(places))
    return found


def _cosines(
    model: FingerprintedEncoder, proteins: Sequence[str], *, texts: Float[np.ndarray, "texts dim"], batch_size: int
) -> Float[np.ndarray, "proteins texts"]:
    vectors = encode_unit(model, proteins, task="sequence", batch_size=batch_size).astype(np.float64)
    return np.stack([(vectors * each).sum(axis=1) for each in texts], axis=1)


def _substituted(protein: str, site: int, residue: str) -> str:
    return protein[:site] + residue + protein[site + 1 :]


def _preferences(
    head: ScanHead, texts: Float[np.ndarray, "texts dim"], protein: str, sites: range, searcher: Searcher | None
) -> Float[np.ndarray, "texts residues 20"]:
    """Have the head score all substitutions towards each text, some sites at a time."""
    reads = getattr(getattr(getattr(head, "config", None), "features", None), "conservation", True)
    [profile] = profiles([protein], searcher.proteins if searcher is not None and reads else None)
    found = np.empty((len(texts), len(sites), len(AMINO_ACIDS)))
    for start in range(0, len(sites), _SITES_OF_HEAD):
        checkpoint()
        block = sites[start : start + _SITES_OF_HEAD]
        for number, text in enumerate(texts):
            found[number, start : start + len(block)] = head.scan(text, protein, profile, block)
    return found


def _known(index: Index, protein: str) -> tuple[tuple[str, ...], dict[tuple[int, str], tuple[str, ...]]]:
    """Return the ids of an index that are the protein itself, and those of each single substitution of it."""
    of_its_length = pl.col("sequence").str.len_bytes() == len(protein)
    records = index.records.lazy().select("id", "sequence").filter(of_its_length).unique(maintain_order=True).collect()
    own = np.frombuffer(protein.encode("latin-1"), dtype=np.uint8)
    same: list[str] = []
    known: dict[tuple[int, str], list[str]] = {}
    for name, sequence in records.iter_rows():
        differing = np.flatnonzero(np.frombuffer(sequence.encode("latin-1"), dtype=np.uint8) != own)
        if not len(differing):
            same.append(str(name))
        elif len(differing) == 1:
            known.setdefault((int(differing[0]) + 1, sequence[differing[0]]), []).append(str(name))
    return tuple(same), {place: tuple(ids) for place, ids in known.items()}
