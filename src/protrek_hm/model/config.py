"""The shape of a fresh ProTrek, and `protrek.json`: what a saved one is, beyond SentenceTransformer's own files."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from protrek_hm.config import require
from protrek_hm.errors import FileFormatError
from protrek_hm.files import content_digest, read_json, require_format, write_json


@dataclass(frozen=True)
class TowerConfig:
    """One encoder: `layers` transformer blocks of width `hidden` with `heads` attention heads.

    max_tokens: longer inputs are cut, counted with the start and end tokens.
    """

    layers: int
    hidden: int
    heads: int
    max_tokens: int

    def __post_init__(self) -> None:
        for name in ("layers", "hidden", "heads"):
            value = getattr(self, name)
            require(name, value, "must be at least 1", holds=value >= 1)
        require("max_tokens", self.max_tokens, "must be at least 3", holds=self.max_tokens >= 3)
        require(
            "hidden",
            self.hidden,
            f"must be a multiple of heads = {self.heads}",
            holds=self.hidden % self.heads == 0,
        )


@dataclass(frozen=True)
class EncoderConfig:
    """A pretrained encoder: ESM-2, ESM C, SaProt, BERT and their like, as transformers saves them.

    path: a local folder, or a hub name as user/model or user/model@revision. max_tokens: longer inputs are cut,
    counted with the start and end tokens; None reads as much as the encoder can.
    """

    path: str
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        require(
            "max_tokens", self.max_tokens, "must be at least 3", holds=self.max_tokens is None or self.max_tokens >= 3
        )


@dataclass(frozen=True)
class ModelConfig:
    """A model to be trained: each tower fresh or pretrained.

    structure: None builds a model without that tower. dimension: size of the joint space. temperature: what
    ProTrek divides cosines by, in (0, 1]. vocabulary: size of the WordPiece vocabulary that is trained on the
    given texts. seed: of the random weights. license: an identifier as the hub has them, for the model card.
    """

    sequence: TowerConfig | EncoderConfig = field(
        default_factory=lambda: TowerConfig(layers=4, hidden=128, heads=4, max_tokens=1024)
    )
    text: TowerConfig | EncoderConfig = field(
        default_factory=lambda: TowerConfig(layers=2, hidden=128, heads=4, max_tokens=512)
    )
    structure: TowerConfig | EncoderConfig | None = None
    dimension: int = 128
    temperature: float = 0.07
    vocabulary: int = 4000
    seed: int = 42
    license: str | None = None

    def __post_init__(self) -> None:
        require("dimension", self.dimension, "must be at least 1", holds=self.dimension >= 1)
        require("temperature", self.temperature, "must lie in (0, 1]", holds=0 < self.temperature <= 1)
        require("vocabulary", self.vocabulary, "must be at least 100", holds=self.vocabulary >= 100)
        require_license(self.license)


def require_license(name: str | None) -> None:
    """Raise OptionError unless `name` is None or one word, as the hub's identifiers of licences are.

    >>> require_license("apache-2.0")
    """
    fine = name is None or re.fullmatch(r"[\w.-]+", name) is not None
    require("license", name, "must be an identifier such as apache-2.0, mit or other", holds=fine)


SETTINGS = "protrek.json"
FORMAT_VERSION = 1
# How files call the text tower's route. Of a task that it does not know, or none, SentenceTransformer takes the route
# that is called as the input's modality: "text" would read proteins as texts. This name is no modality, so it raises
TEXTS = "texts"
_MEANT = 'if the change is meant, take "{}" out of protrek.json'
_AT_THE_TOP = ("modules.json", "router_config.json", "config_sentence_transformers.json")


@dataclass(frozen=True)
class ModelSettings:
    """What stands in `protrek.json`.

    temperature: what ProTrek divides cosines by, above 0. license: an identifier as the hub has them, such as
    "apache-2.0". history: what was done to the weights, oldest first, as JSON objects. official: names of the
    tower folders in ProTrek's own layout, by route, where the model came from there. fingerprint: as
    `ProTrek.fingerprint` gives it once the model is loaded. files: of the settings and vocabularies beside, as
    `hash_files` gives it: as long as they are these, the fingerprint holds.
    """

    temperature: float = 0.07
    license: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    official: dict[str, str] | None = None
    fingerprint: str | None = None
    files: str | None = None


def read_settings(folder: Path) -> ModelSettings:
    """Return the settings of the model in `folder`; the default ones where nothing of ours stands beside it.

    Raises
    ------
    FileFormatError
        If the file is damaged, changed, or of a later version.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> read_settings(folder).temperature
    0.07
    >>> write_settings(folder, ModelSettings(temperature=0.05, license="mit"))
    >>> read_settings(folder).temperature, read_settings(folder).license
    (0.05, 'mit')
    """
    path = folder / SETTINGS
    if not path.is_file():
        return ModelSettings()
    content = read_json(path)
    recorded = content.pop("sha256", None)
    if recorded is not None and recorded != content_digest(content):
        raise FileFormatError(path, "not as it was written", f"copy the model again; {_MEANT.format('sha256')}")
    require_format(content, path, reads=FORMAT_VERSION, remedy="copy the model again")
    if unknown := content.keys() - {"format_version", *ModelSettings.__dataclass_fields__}:
        raise FileFormatError(path, f"unknown key {min(unknown)!r}", "update protrek-hm, or copy the model again")
    temperature = content.get("temperature")
    if not (isinstance(temperature, int | float) and temperature > 0):
        raise FileFormatError(path, f"temperature {temperature!r} is not above 0", "copy the model again")
    for name, kind in (("license", str), ("history", list), ("official", dict), ("fingerprint", str), ("files", str)):
        if not isinstance(content.get(name, kind()), kind):
            raise FileFormatError(path, f"{name} {content[name]!r} is not a {kind.__name__}", "copy the model again")
    known = {name: content[name] for name in ModelSettings.__dataclass_fields__ if name in content}
    return ModelSettings(**known)


def hash_files(folder: Path) -> str:
    """Return the SHA-256 of a saved model's settings and vocabularies, by name; weights are not read."""
    digest = hashlib.sha256()
    for path in sorted({*folder.glob("*/*.json"), *folder.glob("*/*.txt"), *map(folder.joinpath, _AT_THE_TOP)}):
        if path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()} {len(content)} ".encode() + content)
    return digest.hexdigest()


def refuse_changed(path: str | Path, place: Path, settings: ModelSettings) -> None:
    """Make sure that settings and vocabularies of a saved model are those that were saved.

    path: what the user calls it. place: its folder.

    Raises
    ------
    FileFormatError
        If any is not, and `settings` say what they were.
    """
    if settings.files is not None and settings.files != hash_files(place):
        problem = "settings or vocabularies are not those that were saved here: damaged or replaced"
        raise FileFormatError(path, problem, f"copy the model again; {_MEANT.format('files')}")


def write_settings(folder: Path, settings: ModelSettings) -> None:
    """Write `protrek.json`; what is not known is left out."""
    known = {name: value for name, value in asdict(settings).items() if value not in (None, [])}
    content: Mapping[str, Any] = {"format_version": FORMAT_VERSION, **known}
    write_json(folder / SETTINGS, {**content, "sha256": content_digest(content)})
