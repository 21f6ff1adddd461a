"""ProTrek as a SentenceTransformer: routes `text`, `sequence`, `structure` into one space of unit vectors.

Architecture: Su et al., "A trimodal protein language model enables advanced protein searches", Nature
Biotechnology (2025). Each route is Transformer → Pooling(cls) → Dense(identity); Normalize closes all of
them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Module, Normalize, Router
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import PreTrainedModel

from protrek_hm.config import Modality
from protrek_hm.cosines import cosine_table
from protrek_hm.errors import FileFormatError, OptionError
from protrek_hm.files import read_json, write_json
from protrek_hm.model.card import describe_tower, write_card
from protrek_hm.model.config import (
    TEXTS,
    EncoderConfig,
    ModelConfig,
    ModelSettings,
    TowerConfig,
    hash_files,
    read_settings,
    refuse_changed,
    write_settings,
)
from protrek_hm.model.encoder import compare_fingerprints, is_current
from protrek_hm.model.fingerprint import fingerprint
from protrek_hm.model.inputs import clean_inputs, cut_input, reader_of, require_route
from protrek_hm.model.locate import find_model, is_official
from protrek_hm.model.official import OfficialParts, read_official, read_parts, write_parts
from protrek_hm.model.packed import Packing, align_weights, check_device, encode_packed, read_once
from protrek_hm.model.source import check_weights, no_progress_bars, whole_model
from protrek_hm.model.tokenizers import residue_tokenizer, structure_tokenizer, train_text_tokenizer
from protrek_hm.model.towers import bert_tower, esm_tower, loading_options, read_encoder

_STOCK_ONLY = {"prompt": None, "output_value": "sentence_embedding", "processing_kwargs": None}  # and their defaults
_ONLY_PACKED = "packed encoding alone computes in it: no prompt, no packed=False, no other output than embeddings"


class ProTrek(SentenceTransformer):
    """A tri-modal protein model; `encode(inputs, task=…)` gives unit vectors of one space.

    A saved model is a SentenceTransformer folder plus `protrek.json`, and loads with plain
    `SentenceTransformer(path)`; there, too, a task must be named.
    """

    temperature: float = 0.07
    license: str | None = None
    history: Sequence[dict[str, Any]] = ()
    official: OfficialParts | None = None
    folder: Path | None = None
    origin: tuple[str, str | None] | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        """Make a model as SentenceTransformer does; weights become float32, whatever they were saved in."""
        super().__init__(*args, **options)
        self.float()
        align_weights(self)
        for module in self.modules():  # nothing reads the pooler that plain SentenceTransformer adds to our towers
            if isinstance(module, PreTrainedModel) and getattr(module, "pooler", None) is not None:
                module.add_module("pooler", None)
        if isinstance(router := self[0], Router):
            names = {name: str(task) for (task, modality), name in router.route_mappings.items() if modality is None}
            towers = {names.get(name, name): tower for name, tower in router.sub_modules.items()}
            router.sub_modules, router.route_mappings = nn.ModuleDict(towers), {}

    @classmethod
    def build(cls, config: ModelConfig, *, texts: Iterable[str] = (), device: str | None = None) -> Self:
        """Make a model to be trained: towers with random weights, or around pretrained encoders.

        texts: a fresh text tower takes its words from them. Fresh towers need no network.

        Raises
        ------
        OptionError
            If there is no text to learn words from, or no such `device`.
        MissingFileError, FileFormatError
            If an encoder is not there, or cannot be a tower.
        """
        check_device(device)
        words = [text for text in texts if text.strip()]
        if isinstance(config.text, TowerConfig) and not words:
            raise OptionError("texts", "none", "a fresh model needs texts to learn its words from")
        torch.manual_seed(config.seed)
        towers = {"text": config.text, "sequence": config.sequence, "structure": config.structure}
        with no_progress_bars():
            routes = {
                route: _make_tower(route, tower, config, words) for route, tower in towers.items() if tower is not None
            }
        model = cls(modules=[Router(routes, allow_empty_key=False), Normalize()], device=device)
        model.temperature, model.license = config.temperature, config.license
        encoders = {route: tower.path for route, tower in towers.items() if isinstance(tower, EncoderConfig)}
        model.record("build", seed=config.seed, **({"encoders": encoders} if encoders else {}))
        return model

    @classmethod
    def from_pretrained(cls, path: str | Path, *, revision: str | None = None, device: str | None = None) -> Self:
        """Load a model: a folder that `save_pretrained` or `train` wrote, ProTrek's own layout, or a hub name.

        Parameters
        ----------
        path
            A folder, a checkpoint `….pt` beside the folders of its towers, user/model or user/model@revision.
        revision
            Of a hub's model: branch, tag or commit.
        device
            cpu, cuda, …; the best there is by default.

        Raises
        ------
        MissingFileError, FileFormatError
            If there is no model at `path`, or only a part of one.
        OptionError
            If this machine has no such `device`.
        """
        check_device(device)
        place = find_model(path, revision=revision)
        with whole_model(path, place):
            if is_official(place):
                return cls._from_official(place, device=device)
            settings = read_settings(place)
            refuse_changed(path, place, settings)
            model = cls(str(place), device=device)
            if not {"text", "sequence"} <= set(model.tasks):
                problem = "not a ProTrek: it lacks the routes 'text' and 'sequence'"
                raise FileFormatError(path, problem, "give another model")
            check_weights(path, place, model)
            if (saved := settings.fingerprint) and is_current(saved):
                _check_weights(path, saved, model.fingerprint())
            model.temperature, model.license, model.history = settings.temperature, settings.license, settings.history
            model.official = None if settings.official is None else read_parts(place, settings.official)
            _try(model)
        return model

    @staticmethod
    def load(input_path: str) -> "ProTrek":
        """Load a model, as `from_pretrained` does."""
        return ProTrek.from_pretrained(input_path)

    @classmethod
    def _from_official(cls, place: Path, *, device: str | None) -> Self:
        read = read_official(place)
        model = cls(modules=[Router(read.routes, allow_empty_key=False), Normalize()], device=device)
        model.temperature, model.license, model.history = read.temperature, read.license, read.history
        model.official = read.parts
        return model

    def record(self, step: str, **facts: Any) -> None:
        """Note in the model's history what was done to its weights; `facts` can be written as JSON."""
        self.history = [*self.history, {"step": step, **facts}]

    @property
    def tasks(self) -> tuple[str, ...]:
        """The routes that this model has."""
        return tuple(self.routes)

    @property
    def routes(self) -> dict[str, nn.Module]:
        """The tower of each task: Transformer, Pooling, Dense."""
        router = self[0]
        return dict(router.sub_modules.items()) if isinstance(router, Router) else {}

    def encode(  # type: ignore[override]
        self,
        inputs: str | Sequence[str],
        *,
        task: Modality,
        packed: bool = True,
        precision: str = "float32",
        token_budget: int | None = None,
        **options: Any,
    ) -> Any:
        """Return unit vectors, a row for each input.

        Parameters
        ----------
        inputs
            Longer ones than the model's window are cut, as `inputs.describe_cut` tells.
        packed
            Lay inputs one after the other instead of padding them, each distinct one once: the same numbers,
            sooner. False: SentenceTransformer's own way.
        precision
            bf16: multiply matrices in bfloat16, to float32 vectors. Otherwise SentenceTransformer's: the type
            of the result, such as float32 or int8.
        token_budget
            The most tokens at a time, see `Packing`.
        options
            Those of SentenceTransformer. `batch_size`: the most inputs at a time. `pool`, or a list as `device`:
            several processes. Prompts and other values than sentence embeddings go SentenceTransformer's way.

        Raises
        ------
        OptionError
            If the model has no such route (a text read as a sequence would give numbers without a meaning), or
            bf16 is asked of SentenceTransformer's own way.
        InputError
            If an input is empty, or holds what is no residue or no 3Di letter; see `inputs.clean_inputs`.
        """
        require_route(task, self.tasks)
        reduced = precision == "bf16"
        packing = Packing(token_budget, options.get("batch_size"), bfloat16=reduced) if packed else None
        if reduced and not packed:
            raise OptionError("precision", precision, _ONLY_PACKED)
        options |= {"precision": "float32" if reduced else precision, "packing": packing, "task": task}
        tokenizer = reader_of(self.routes[task]).tokenizer
        if isinstance(inputs, str | Mapping) or not isinstance(inputs, Iterable):
            return super().encode(clean_inputs([inputs], task, tokenizer)[0], **options)
        given = clean_inputs(inputs, task, tokenizer)
        # Nothing, of the type and width that something would have
        return super().encode(given, **options) if given else super().encode(["A"], **options)[:0]

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **options: Any) -> dict[str, Any]:
        """Return the tokens of inputs of one `task`, as SentenceTransformer does; what no token is of is cut before."""
        task: Any = options.get("task")
        require_route(task, self.tasks)
        if not prompt and options.get("processing_kwargs") is None:
            transformer = reader_of(self.routes[task])
            inputs = [cut_input(each, task, transformer) if isinstance(each, str) else each for each in inputs]
        return super().preprocess(inputs, prompt=prompt, **options)

    def get_model_kwargs(self) -> list[str]:
        """Return what `encode` takes besides SentenceTransformer's options."""
        return [*super().get_model_kwargs(), "packing"]

    def _inference(self, inputs: list[Any], *, packing: Packing | None = None, **options: Any) -> Any:
        """Do SentenceTransformer's inference, packed where it can be; worker processes begin here, too."""
        stock = {name for name, default in _STOCK_ONLY.items() if options.get(name, default) != default}
        if packing is None or stock or self._can_flatten_inputs() or not all(isinstance(each, str) for each in inputs):
            if packing is not None and packing.bfloat16:
                raise OptionError("precision", "bf16", _ONLY_PACKED)
            return self._each_once(inputs, super()._inference, options)
        self._resolve_inference_device(options.get("device"))  # moves the model there
        self.eval()

        def finish(vectors: Tensor) -> Tensor:
            features = {"sentence_embedding": vectors}
            for module in list(self)[1:]:
                features = module(features)
            found = features["sentence_embedding"][:, : options["truncate_dim"]]
            found = normalize(found) if options["normalize_embeddings"] else found
            return found.cpu() if options["save_to_cpu"] else found

        with torch.inference_mode():
            task, progress = options["task"], options["show_progress_bar"]
            return encode_packed(self.routes[task], inputs, packing, task=task, finish=finish, progress=progress)

    def read_once(self, inputs: Sequence[str], *, task: Modality) -> tuple[list[str], list[int]]:
        """Return the first of those inputs that are read alike, and the place of each input's among these.

        Inputs are read alike if their tokens are the same after the cut at the window.
        """
        return read_once(self.routes[task], inputs, task)

    def _multi_process(self, inputs: Sequence[Any], **options: Any) -> Any:  # type: ignore[override]
        return self._each_once(inputs, super()._multi_process, options)

    def _each_once(self, inputs: Sequence[Any], infer: Callable[..., Any], options: dict[str, Any]) -> Any:
        """Have inferred once what is read alike: in two batches, its vectors would differ in their last bits."""
        stock = any(options.get(name, default) != default for name, default in _STOCK_ONLY.items())
        if stock or not all(isinstance(each, str) for each in inputs):
            return infer(inputs, **options)
        first, rows = self.read_once(inputs, task=options["task"])
        found = infer(first, **options)
        return found[rows] if isinstance(found, Tensor) else [found[row] for row in rows]

    @property
    def parameter_count(self) -> int:
        """How many numbers the model learns."""
        return _count(self)

    def describe(self) -> dict[str, Any]:
        """Return what the model is made of: towers, parameters, dimension, temperature, fingerprint, history."""
        towers = {}
        for route, tower in self.routes.items():
            transformer = reader_of(tower)
            config = {**transformer.config.to_dict(), "architectures": [type(transformer.auto_model).__name__]}
            towers[route] = describe_tower(config, parameters=_count(tower), max_tokens=transformer.max_seq_length)
        return {
            "towers": towers,
            "parameters": self.parameter_count,
            "dimension": self.get_embedding_dimension(),
            "temperature": self.temperature,
            "license": self.license,
            "fingerprint": self.fingerprint(),
            "history": list(self.history),
        }

    def score(
        self, texts: Sequence[str], sequences: Sequence[str], **encode_options: Any
    ) -> Float[np.ndarray, "texts sequences"]:
        """Return the cosine of every text with every sequence; ProTrek's own scale is this ÷ temperature."""
        by_text = self.encode(list(texts), task="text", **encode_options)
        by_sequence = self.encode(list(sequences), task="sequence", **encode_options)
        return cosine_table(np.asarray(by_text), np.asarray(by_sequence))

    def fingerprint(self) -> str:
        """Return a hash of all that vectors depend on: equal models have equal ones, whatever their folder.

        See `model.fingerprint`: `v2-<weights>-<reading>`.
        """
        return fingerprint(self, self.routes)

    def save(self, path: str, *args: Any, **kwargs: Any) -> None:
        """Write the model as a folder; see `SentenceTransformer.save` for the options."""
        kwargs["create_model_card"] = False  # the stock card shows a use that knows no routes
        with no_progress_bars():
            super().save(path, *args, **kwargs)
        as_loaded = fingerprint(self, self.routes, dtype=torch.float32)
        folder, made_of = Path(path), {**self.describe(), "fingerprint": as_loaded}
        write_card(folder, made_of)
        if self.official is not None:
            write_parts(folder, self.official)
        for route, tower in self.routes.items():
            options = folder / f"{route}_0_Transformer" / "sentence_bert_config.json"
            content = read_json(options)  # plain SentenceTransformer, too, shall load the same towers
            write_json(options, {**content, **loading_options(reader_of(tower))})
        router = folder / "router_config.json"
        content = read_json(router)
        content["structure"] = {TEXTS if name == "text" else name: each for name, each in content["structure"].items()}
        content["parameters"]["route_mappings"] = {str(("text", None)): TEXTS} if "text" in self.tasks else {}
        write_json(router, content)
        settings = ModelSettings(
            temperature=self.temperature,
            license=self.license,
            history=list(self.history),
            official=None if self.official is None else dict(self.official.folders),
            fingerprint=as_loaded,
            files=hash_files(folder),
        )
        write_settings(folder, settings)
        for weights in folder.rglob("*.safetensors"):  # safetensors writes for its owner's eyes alone
            weights.chmod((folder / "README.md").stat().st_mode)


def _try(model: ProTrek) -> None:
    """Send an input through each tower: what does not fit together shows here, not in the middle of a work."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for task in model.tasks:
            encode_packed(model.routes[task], ["A"], Packing(), task=cast("Modality", task), finish=lambda each: each)


def _check_weights(path: str | Path, saved: str, found: str) -> None:
    if compare_fingerprints(saved, found) == "other":
        problem = f"not the weights that were saved here ({found[:12]}…, not {saved[:12]}…): damaged or replaced"
        raise FileFormatError(
            path, problem, 'copy the model again; if they are meant, take "fingerprint" out of protrek.json'
        )


def _make_tower(
    route: str, tower: TowerConfig | EncoderConfig, config: ModelConfig, texts: Sequence[str]
) -> list[Module]:
    if isinstance(tower, EncoderConfig):
        return read_encoder(tower, route, dimension=config.dimension)
    if route == "text":
        tokenizer = train_text_tokenizer(texts, vocabulary=config.vocabulary, max_tokens=tower.max_tokens)
        return bert_tower(tokenizer, tower, dimension=config.dimension)
    letters = residue_tokenizer if route == "sequence" else structure_tokenizer
    return esm_tower(letters(tower.max_tokens), tower, dimension=config.dimension)


def _count(module: nn.Module) -> int:
    return sum(weights.numel() for weights in module.parameters())
