"""The twin head: which of two near-identical proteins a text fits better, read from what differs between them.

One vector of a whole protein hardly moves for one substitution. The head reads the changed sites alone
(`model.changes`) and the text's vector, and gives a signed preference. Of a text t, and variants a, b of a reference r:

    prefer(t; a, b) = u(t) · (d(r → a) − d(r → b)),   d(r → x) = Σ over n changed sites of f(site) / √n

u is linear, f a small network. Without a reference each is the other's: half of u(t) · (d(b → a) − d(a → b)). So the
sign flips where a and b are exchanged, and equal proteins give 0, whatever was learned. It learned what changes do:
where nobody knows which protein was changed, its vote counts as far as the text speaks of that (`speaks`).

Texts are read by the packaged sentence encoder (`model.reader`), which tells "keeps" from "loses" where small models do
not (docs/LOG.md); so one head serves any model. It lies in the model's folder, in one file; nothing else there changes,
and plain SentenceTransformer loads the model as before.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from protrek_hm.config import require
from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.errors import FileFormatError, MissingFileError, ModelError
from protrek_hm.files import new_file, require_format
from protrek_hm.homology.lookup import Lookup
from protrek_hm.homology.profile import Profile, profiles
from protrek_hm.model.changes import Changes, FeatureConfig, all_substitutions, describe_changes, differing_sites, width
from protrek_hm.model.encoder import unit_vectors
from protrek_hm.model.reader import packaged_reader

HEAD = "twin_head.safetensors"
"""The head's file in a model's folder."""

FORMAT_VERSION = 2
_LIMIT = 5.0  # standard deviations; features beyond count as this
_SITES_AT_ONCE = 100_000


@dataclass(frozen=True)
class HeadConfig:
    """The shape of a head.

    Attributes
    ----------
    features
        What it reads at a changed site.
    hidden
        Width of its two hidden layers, at least 1.
    directions
        Dimensions of the space in which text and change meet, at least 1.
    members
        Networks whose preferences are averaged, at least 1.
    most_changes
        Sites that a variant may differ at from its reference, at least 1; of more the head says nothing.
    """

    features: FeatureConfig = field(default_factory=FeatureConfig)
    hidden: int = 64
    directions: int = 16
    members: int = 4
    most_changes: int = 8

    def __post_init__(self) -> None:
        for name in ("hidden", "directions", "members", "most_changes"):
            require(name, getattr(self, name), "must be at least 1", holds=getattr(self, name) >= 1)


class Change(NamedTuple):
    """A variant of a reference. related: whether the reference's relatives are asked what they have at the sites."""

    reference: str
    variant: str
    related: bool


class _Member(nn.Module):
    """One network: f of the changed sites, and u of the texts."""

    def __init__(self, config: HeadConfig, dimension: int, dropout: float) -> None:
        super().__init__()
        hidden = config.hidden
        self.change = nn.Sequential(
            *(nn.Linear(width(config.features), hidden), nn.GELU(), nn.Dropout(dropout)),
            *(nn.Linear(hidden, hidden), nn.GELU(), nn.Dropout(dropout)),
            nn.Linear(hidden, config.directions),
        )
        self.text = nn.Linear(dimension, config.directions)


class TwinHead(nn.Module):
    """Prefers one of two near-identical proteins for a text.

    Parameters
    ----------
    config
        Its shape.
    dimension
        Of the texts' vectors.
    reader
        The fingerprint of the sentence encoder whose texts it reads.
    weight
        Of its preference beside a difference of the model's cosines, at least 0.
    dropout
        While it is trained, in [0, 1).
    """

    mean: Tensor
    deviation: Tensor
    of_changes: Tensor

    def __init__(
        self, config: HeadConfig, *, dimension: int, reader: str, weight: float = 1.0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.config, self.dimension, self.reader, self.weight = config, dimension, reader, weight
        self.members = nn.ModuleList(_Member(config, dimension, dropout) for _ in range(config.members))
        self.register_buffer("mean", torch.zeros(width(config.features)))
        self.register_buffer("deviation", torch.ones(width(config.features)))
        self.register_buffer("of_changes", torch.tensor([*[0.0] * dimension, 1.0]))  # untrained: any text

    def effects(self, features: Float[Tensor, "sites features"]) -> Float[Tensor, "members sites directions"]:
        """Return f of every changed site, by each member."""
        scaled = ((features - self.mean) / self.deviation).clamp(-_LIMIT, _LIMIT)
        return torch.stack([cast("_Member", member).change(scaled) for member in self.members])

    def readings(self, texts: Float[Tensor, "texts dimension"]) -> Float[Tensor, "members texts directions"]:
        """Return u of each text's unit vector, by each member."""
        scaled = texts * self.dimension**0.5
        return torch.stack([cast("_Member", member).text(scaled) for member in self.members])

    def sums(self, changes: Changes) -> Float[Tensor, "members variants directions"]:
        """Return d(r → x) of each variant, by each member."""
        device = self.mean.device
        found = torch.zeros(len(self.members), len(changes.sites), self.config.directions, device=device)
        for start in range(0, len(changes.variant), _SITES_AT_ONCE):
            part = slice(start, start + _SITES_AT_ONCE)
            owner = torch.from_numpy(changes.variant[part]).to(device)
            found.index_add_(1, owner, self.effects(torch.from_numpy(changes.features[part]).to(device)))
        return found / torch.from_numpy(np.sqrt(np.maximum(changes.sites, 1))).float().to(device)[:, None]

    @staticmethod
    def read(texts: Sequence[str]) -> Float[np.ndarray, "texts dimension"]:
        """Return the vectors of texts that `prefer` and `scan` take."""
        return unit_vectors(packaged_reader(), texts, task="text")

    def speaks(self, texts: Float[np.ndarray, "n dimension"]) -> Float[np.ndarray, " n"]:
        """Say how surely each text speaks of what a change does, not of what a protein does, in [0, 1].

        It is what the preference is multiplied by where the reference of two proteins is not known.
        """
        weights = self.of_changes.double().numpy()
        return np.asarray((np.asarray(texts, dtype=np.float64) @ weights[:-1] + weights[-1]).clip(0.0, 1.0))

    @torch.inference_mode()
    def prefer(
        self,
        texts: Float[np.ndarray, "n dimension"],
        a: Sequence[str],
        b: Sequence[str],
        *,
        references: Sequence[str | None] | None = None,
        relatives: Lookup | None = None,
    ) -> Float[np.ndarray, " n"]:
        """Say how much better each text fits `a` than `b`: above 0 where it does, 0 where they are equal.

        Parameters
        ----------
        texts
            Unit vectors of the texts, as `read` gives.
        a, b
            Sequences, pair by pair.
        references
            The protein that both are variants of, such as the wild type; None: not known.
        relatives
            Proteins among which those of the references are looked for: what they have at a site says what it allows.

        Returns
        -------
        Log odds, as the head was trained; exchanging a and b changes the sign alone. 0 where either differs from its
        reference at more sites than the head was trained for (`HeadConfig.most_changes`).
        """
        given = [None] * len(a) if references is None else list(references)
        ways = [
            [
                Change(other if r is None else r, own, related=r is not None)
                for own, other, r in zip(owns, others, given, strict=True)
            ]
            for owns, others in ((a, b), (b, a))
        ]
        distinct = sorted({*ways[0], *ways[1]})  # the same batch, to the last digit, whichever comes first
        number = {change: position for position, change in enumerate(distinct)}
        first, second = ([number[change] for change in way] for way in ways)
        changes = self.describe(distinct, relatives)
        sums, few = self.sums(changes), changes.sites <= self.config.most_changes
        half = torch.tensor([0.5 if r is None else 1.0 for r in given]) * torch.from_numpy(few[first] & few[second])
        read = self.readings(torch.from_numpy(np.asarray(texts, dtype=np.float32)))
        found = (read * (sums[:, first] - sums[:, second])).sum(-1).double().mean(0) * half
        return found.numpy()

    def describe(self, changes: Sequence[Change], relatives: Lookup | None = None) -> Changes:
        """Describe changes, for the related ones with what relatives have at the sites; see `model.changes`.

        Variants with more than `most_changes` sites are only counted, and relatives are looked for where a site is
        described.
        """
        reads = relatives is not None and self.config.features.conservation
        references, variants = [each.reference for each in changes], [each.variant for each in changes]
        sites = [differing_sites(*pair) for pair in zip(references, variants, strict=True)]
        asked = [
            (each.reference, each.related and reads) if 0 < len(some) <= self.config.most_changes else None
            for each, some in zip(changes, sites, strict=True)
        ]
        known: dict[tuple[str, bool], Profile] = {}
        for read in (False, True):
            distinct = list(dict.fromkeys(each[0] for each in asked if each is not None and each[1] == read))
            found = profiles(distinct, relatives if read else None)
            known |= zip(((each, read) for each in distinct), found, strict=True)
        profiled = [None if each is None else known[each] for each in asked]
        return describe_changes(references, variants, profiled, self.config.features, sites=sites)

    @torch.inference_mode()
    def scan(
        self,
        text: Float[np.ndarray, " dimension"],
        protein: str,
        profile: Profile | None = None,
        residues: range | None = None,
    ) -> Float[np.ndarray, "residues 20"]:
        """Return the preference for each single substitution over the protein itself, residues in `AMINO_ACIDS`' order.

        The protein's own residues have 0. `residues`: those that are replaced, counted from 0; all by default.
        """
        scanned = range(len(protein)) if residues is None else residues
        features = all_substitutions(protein, profile or Profile.of(protein), self.config.features, scanned)
        read = self.readings(torch.from_numpy(np.asarray(text, dtype=np.float32))[None])
        found = (read * self.effects(torch.from_numpy(features))).sum(-1).double().mean(0).view(len(scanned), 20)
        found[torch.tensor([[protein[place] == other for other in AMINO_ACIDS] for place in scanned])] = 0.0
        return found.numpy()

    def save(self, folder: Path) -> None:
        """Write the head into its model's folder, over an older one."""
        facts = {
            "format_version": FORMAT_VERSION,
            "config": asdict(self.config),
            "dimension": self.dimension,
            "reader": self.reader,
            "weight": self.weight,
        }
        tensors = {name: each.detach().cpu().contiguous() for name, each in self.state_dict().items()}
        facts["sha256"] = _digest(facts, tensors)
        with new_file(folder / HEAD, force=True) as temporary:
            save_file(tensors, temporary, metadata={"protrek-hm": json.dumps(facts)})
            temporary.chmod(0o644)  # safetensors writes for its owner's eyes alone

    @classmethod
    def load(cls, folder: Path | str) -> "TwinHead":
        """Load the head from its model's folder.

        Raises
        ------
        MissingFileError, FileFormatError
            If there is none, or it is damaged or of a later version.
        ModelError
            If it was trained with another sentence encoder than the package's.
        """
        path = Path(folder) / HEAD
        if not path.is_file():
            raise MissingFileError(path)
        try:
            with safe_open(path, framework="pt") as held:
                facts = json.loads((held.metadata() or {})["protrek-hm"])
                tensors = {name: held.get_tensor(name) for name in held.keys()}  # no mapping
            require_format(facts, path, reads=FORMAT_VERSION, remedy="train the head anew")
            recorded = facts.pop("sha256", None)
            if recorded is not None and recorded != _digest(facts, tensors):
                raise ValueError("not as it was written")
            shape = {**facts["config"], "features": FeatureConfig(**facts["config"]["features"])}
            head = cls(
                HeadConfig(**shape), dimension=facts["dimension"], reader=facts["reader"], weight=float(facts["weight"])
            )
            head.load_state_dict(tensors)
        except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            if isinstance(error, FileFormatError):
                raise
            raise FileFormatError(path, f"damaged ({error})", "copy the model again, or train the head anew") from None
        if head.reader != packaged_reader().fingerprint():
            raise ModelError(
                f"{path}: the head was trained with another sentence encoder than this version's ({head.reader[:12]}…)",
                "train it anew: protrek-hm train head",
            )
        return head.eval()


def _digest(facts: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def head_of(model: object) -> TwinHead | None:
    """Return `find_head` of the folder that a model was loaded from; None for a model that was loaded from none."""
    own = getattr(model, "folder", None)
    return None if own is None else find_head(own)


def find_head(model: Path) -> TwinHead | None:
    """Load the head in the folder of a model, or beside a checkpoint, else the packaged one; None if neither is there.

    Raises
    ------
    FileFormatError, ModelError
        As `TwinHead.load`.
    """
    own = model if model.is_dir() else model.parent
    packaged = own == packaged_reader().folder.parent
    return TwinHead.load(own) if (own / HEAD).is_file() and not packaged else packaged_head()


@cache
def packaged_head() -> TwinHead | None:
    """Load the head that comes with the package, the same one at every call."""
    place = packaged_reader().folder.parent
    return TwinHead.load(place) if (place / HEAD).is_file() else None
