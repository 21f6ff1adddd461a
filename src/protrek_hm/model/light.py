"""A saved ProTrek that only encodes: without sentence-transformers and transformers, which take seconds to import.

Its modules have the names and the weights of their originals there, so that `packed` computes the same numbers with
them and `fingerprint` gives the same hash. A model whose hash is not the one that was recorded when it was saved is
left to `ProTrek`, as is every architecture but ESM-2's and BERT's.
"""

import json
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize

from protrek_hm.config import Modality
from protrek_hm.errors import ProTrekHMError
from protrek_hm.files import read_json
from protrek_hm.model.config import TEXTS, ModelSettings, read_settings, refuse_changed
from protrek_hm.model.encoder import is_current
from protrek_hm.model.fingerprint import fingerprint
from protrek_hm.model.inputs import clean_inputs, require_route
from protrek_hm.model.locate import MODULES, find_model, is_official, origin_of
from protrek_hm.model.packed import Packing, align_weights, check_device, encode_packed, read_once

if TYPE_CHECKING:
    from protrek_hm.model.protrek import ProTrek

_MODULES = {"": "Router", "1_Normalize": "Normalize"}
_NORM = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
_OPTIONS = {"transformer_task", "modality_config", "module_output_name", "model_kwargs", "processor_kwargs"}
_WORDS_AS_STATES = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}
_ACTIVATIONS = {"torch.nn.modules.linear.Identity": nn.Identity, "torch.nn.modules.activation.GELU": nn.GELU}
_VECTOR = {"module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding"}


_NOT_AS_WRITTEN = (OSError, SafetensorError, LookupError, TypeError, ValueError, AttributeError, RuntimeError)


class _NotLightError(Exception):
    """A model has what only `ProTrek` knows."""


def load_encoder(
    path: str | Path, *, revision: str | None = None, device: str | None = None
) -> "LightProTrek | ProTrek":
    """Load a model to encode with it: the same vectors as `ProTrek.from_pretrained` gives, ready in less time.

    Parameters and errors are those of `ProTrek.from_pretrained`, which loads what this module does not know.

    Examples
    --------
    >>> model = load_encoder("mini", device="cpu")
    >>> type(model).__name__, model.encode(["A kinase."], task="text").shape
    ('LightProTrek', (1, 192))
    """
    check_device(device)
    place = find_model(path, revision=revision)
    light = None if is_official(place) else _load(place)
    if light is not None:
        light.folder, light.origin = place, origin_of(path, revision)
        return light.to(device or _best_device())
    from protrek_hm.model.protrek import ProTrek

    model = ProTrek.from_pretrained(path, revision=revision, device=device)
    model.folder, model.origin = place, origin_of(path, revision)
    return model


class LightProTrek(nn.Sequential):
    """What `load_encoder` loads: towers behind a router, closed by a normalisation, as in `ProTrek`."""

    prompts: dict[str, str] = {}
    default_prompt_name = truncate_dim = None
    folder: Path | None = None
    origin: tuple[str, str | None] | None = None

    def __init__(self, towers: dict[str, nn.Sequential], settings: ModelSettings) -> None:
        router = nn.Module()
        router.sub_modules = nn.ModuleDict(towers)
        super().__init__(router, Normalize())
        self.eval()
        align_weights(self)
        self.temperature = settings.temperature

    @property
    def tasks(self) -> tuple[str, ...]:
        """The routes that this model has."""
        return tuple(self.routes)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    @property
    def routes(self) -> dict[str, nn.Module]:
        """The tower of each task: Transformer, Pooling, Dense."""
        return dict(cast("Any", self[0]).sub_modules.items())

    def get_embedding_dimension(self) -> int:
        """Return how many numbers a vector has."""
        *_, last = cast("Any", self.routes["sequence"])
        return int(last.linear.out_features)

    def fingerprint(self) -> str:
        """Return the hash that `ProTrek.fingerprint` gives."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint(self, self.routes)

    def encode(
        self,
        inputs: Sequence[str],
        *,
        task: Modality,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        precision: str = "float32",
        token_budget: int | None = None,
    ) -> Float[np.ndarray, "inputs dim"]:
        """Return a float32 unit vector for each input; see `ProTrek.encode`, whose packed way this is."""
        require_route(task, self.tasks)
        tower = self.routes[task]
        given = clean_inputs(inputs, task, next(tower.children()).tokenizer)
        if not given:
            return np.zeros((0, self.get_embedding_dimension()), dtype=np.float32)
        packing = Packing(token_budget, batch_size, bfloat16=precision == "bf16")
        progress = bool(show_progress_bar)
        with torch.inference_mode():
            return encode_packed(tower, given, packing, task=task, finish=_unit, progress=progress).numpy()

    def read_once(self, inputs: Sequence[str], *, task: Modality) -> tuple[list[str], list[int]]:
        """Return the first of those inputs that are read alike, and the place of each input's among these."""
        return read_once(self.routes[task], inputs, task)


def _unit(vectors: Tensor) -> Tensor:
    return normalize(vectors, p=2, dim=-1).cpu()


def _best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def _load(place: Path) -> LightProTrek | None:
    """Load a folder; None if anything in it is not as `ProTrek.save` writes it, damaged files among them."""
    try:
        settings = read_settings(place)
        if not is_current(settings.fingerprint):
            return None
        refuse_changed(place, place, settings)
        listed = json.loads((place / MODULES).read_text(encoding="utf-8"))
        _expect({each["path"]: _class(each["type"]) for each in listed}, _MODULES)
        _expect(read_json(place / "config_sentence_transformers.json").get("default_prompt_name"), None)
        _expect(read_json(place / "1_Normalize" / "config.json"), _VECTOR)
        router = read_json(place / "router_config.json")
        towers = {}
        for name, parts in router["structure"].items():
            kinds = [_class(router["types"][part]) for part in parts]
            towers["text" if name == TEXTS else name] = load_tower([place / part for part in parts], kinds)
        model = LightProTrek(towers, settings)
        _expect(model.fingerprint(), settings.fingerprint)
    except Exception as error:
        if not isinstance(error, (_NotLightError, ProTrekHMError, *_NOT_AS_WRITTEN)) and type(error) is not Exception:
            raise  # but tokenizers raises bare ones on a damaged vocabulary
        return None
    return model


def load_tower(folders: Sequence[Path], kinds: Sequence[str]) -> nn.Sequential:
    """Load a tower from the folders of its modules: Transformer, Pooling, and any number of Dense."""
    _expect([*kinds[:2], *set(kinds[2:])], ["Transformer", "Pooling", *(["Dense"] if kinds[2:] else [])])
    with torch.device("meta"):
        tower = nn.Sequential(*(_KINDS[kind](folder) for kind, folder in zip(kinds, folders, strict=True)))
    for module, folder in zip(tower, folders, strict=True):
        if not isinstance(module, Pooling):
            weights = {_rename(name): each.float() for name, each in load_file(folder / "model.safetensors").items()}
            (module.model if isinstance(module, Transformer) else module).load_state_dict(weights, assign=True)
    return tower


def _rename(name: str) -> str:
    """Return the name of a tensor in memory; transformers writes ESM's as its first checkpoints had them.

    >>> _rename("encoder.layer.0.LayerNorm.gamma"), _rename("encoder.layer.*.attention.self.rotary_embeddings.inv_freq")
    ('encoder.layer.0.LayerNorm.weight', 'rotary_embeddings.inv_freq')
    """
    name = re.sub(r"encoder\.layer\.[^.]+\.attention\.self\.(rotary_embeddings\.inv_freq)", r"\1", name)
    return re.sub(r"LayerNorm\.(gamma|beta)$", lambda found: _NORM[found[0]], name)


def _expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise _NotLightError(f"{found!r}, not {wanted!r}")


def _class(name: str) -> str:
    package, *_, last = name.split(".")
    _expect(package, "sentence_transformers")
    return last


class Transformer(nn.Module):
    """An encoder with its tokenizer and its window, as sentence-transformers' module of this name."""

    do_lower_case = False
    processing_kwargs = None

    def __init__(self, folder: Path) -> None:
        super().__init__()
        options = read_json(folder / "sentence_bert_config.json")
        _expect(options.keys() - _OPTIONS, set())
        _expect(options["modality_config"], _WORDS_AS_STATES)
        self.config = SimpleNamespace(**read_json(folder / "config.json"), _attn_implementation="sdpa")
        self.model = _ENCODERS[self.config.model_type](self.config)
        self.max_seq_length: int = options["processor_kwargs"]["model_max_length"]
        self.tokenizer = _Tokenizer(folder, self.max_seq_length)

    @property
    def auto_model(self) -> nn.Module:
        """The encoder."""
        return self.model

    def preprocess(self, inputs: Sequence[str]) -> dict[str, list[Tensor]]:
        """Return the tokens of each input, cut at the window; no padding."""
        ids = [torch.tensor(each) for each in self.tokenizer.cut(inputs)]
        return {"input_ids": ids, "attention_mask": [torch.ones_like(each) for each in ids]}


class Pooling(nn.Module):
    """Which vector of the encoder's stands for an input; `packed` takes it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        options = read_json(folder / "config.json")
        _expect(options.keys() - {"embedding_dimension", "pooling_mode", "include_prompt"}, set())
        self.pooling_mode: str = options["pooling_mode"]
        _expect({self.pooling_mode} - {"cls", "mean"}, set())


class Dense(nn.Module):
    """The projection into the space that all towers share."""

    module_input_name = module_output_name = "sentence_embedding"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        options = read_json(folder / "config.json")
        sizes = (options.pop("in_features"), options.pop("out_features"), options.pop("bias"))
        self.activation_function = _ACTIVATIONS[options.pop("activation_function")]()
        _expect(options, _VECTOR)
        self.linear = nn.Linear(*sizes)

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """Project the vectors."""
        projected = self.activation_function(self.linear(features[self.module_input_name]))
        return {**features, self.module_output_name: projected}


class Normalize(nn.Module):
    """Closes all towers: `encode` makes the vectors' length 1."""

    module_input_name = module_output_name = "sentence_embedding"


_KINDS: dict[str, Callable[[Path], nn.Module]] = {"Transformer": Transformer, "Pooling": Pooling, "Dense": Dense}


class _Tokens(dict[str, list[int]]):
    """The tokens of an input, and from which word each comes."""

    def __init__(self, found: Any) -> None:
        super().__init__(input_ids=found.ids)
        self._words: list[int | None] = found.word_ids

    def word_ids(self) -> list[int | None]:
        return self._words


class _Tokenizer:
    """A saved tokenizer, with as much of transformers' interface as the rest of this room needs."""

    is_fast = True

    def __init__(self, folder: Path, window: int) -> None:
        options = read_json(folder / "tokenizer_config.json")
        _expect(options.get("split_special_tokens") or None, None)
        self.mask_token: str = options["mask_token"]
        self.truncation_side: str = options.get("truncation_side", "right")
        self.padding_side: str = options.get("padding_side", "right")
        self.backend_tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.backend_tokenizer.no_padding()
        self.backend_tokenizer.no_truncation()
        self.pad_token_id: int | None = self.backend_tokenizer.token_to_id(options["pad_token"])
        self._cutting = Tokenizer.from_str(self.backend_tokenizer.to_str())
        self._cutting.enable_truncation(window, direction=self.truncation_side)

    def get_vocab(self) -> dict[str, int]:
        return self.backend_tokenizer.get_vocab()

    def cut(self, inputs: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each input, start and end among them, cut at the window."""
        return [each.ids for each in self._cutting.encode_batch(list(inputs))]

    def __call__(self, given: str, *, add_special_tokens: bool, truncation: bool, verbose: bool) -> _Tokens:
        """Return all tokens of an input, without start and end."""
        return _Tokens(self.backend_tokenizer.encode(given, add_special_tokens=False))


class _Sum(nn.Module):
    """A dense layer whose result is added to what went around it; BERT normalises the sum."""

    def __init__(self, size: int, config: Any, *, normalized: bool) -> None:
        super().__init__()
        self.dense = nn.Linear(size, config.hidden_size)
        self.LayerNorm = _norm(config) if normalized else None

    def forward(self, states: Tensor, around: Tensor) -> Tensor:
        added = self.dense(states) + around
        return cast("Tensor", added if self.LayerNorm is None else self.LayerNorm(added))


class _SelfAttention(nn.Module):
    dropout = 0.0

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.attention_head_size = config.hidden_size // config.num_attention_heads
        self.query, self.key, self.value = (nn.Linear(config.hidden_size, config.hidden_size) for _ in range(3))


class _Attention(nn.Module):
    def __init__(self, config: Any, *, esm: bool) -> None:
        super().__init__()
        self.self = _SelfAttention(config)
        self.output = _Sum(config.hidden_size, config, normalized=not esm)
        self.LayerNorm = _norm(config) if esm else None


class _Intermediate(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)

    def forward(self, states: Tensor) -> Tensor:
        return gelu(self.dense(states))


class _Layer(nn.Module):
    """One block; ESM normalises what enters attention and dense layers, BERT what leaves them."""

    def __init__(self, config: Any, *, esm: bool) -> None:
        super().__init__()
        self.attention = _Attention(config, esm=esm)
        self.intermediate = _Intermediate(config)
        self.output = _Sum(config.intermediate_size, config, normalized=not esm)
        self.LayerNorm = _norm(config) if esm else None


class _Encoder(nn.Module):
    """What BERT and ESM have in common; `packed` computes with it."""

    def __init__(self, config: Any, embeddings: nn.Module, *, esm: bool) -> None:
        super().__init__()
        self.config, self.embeddings, self.encoder = config, embeddings, nn.Module()
        self.encoder.layer = nn.ModuleList(_Layer(config, esm=esm) for _ in range(config.num_hidden_layers))

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device


class BertModel(_Encoder):
    """Texts' encoder (Devlin et al., arXiv:1810.04805)."""

    def __init__(self, config: Any) -> None:
        _expect(config.hidden_act, "gelu")
        super().__init__(config, _BertEmbeddings(config), esm=False)


class EsmModel(_Encoder):
    """ESM-2 (Lin et al., Science 2023), which reads proteins and structures; its head for contacts is only kept."""

    def __init__(self, config: Any) -> None:
        _expect(config.position_embedding_type, "rotary")
        super().__init__(config, _EsmEmbeddings(config), esm=True)
        self.encoder.emb_layer_norm_after = _norm(config)
        self.rotary_embeddings = _Rotary(config)
        self.contact_head = nn.Module()
        self.contact_head.regression = nn.Linear(config.num_hidden_layers * config.num_attention_heads, 1)


_ENCODERS = {"bert": BertModel, "esm": EsmModel}


class _BertEmbeddings(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.word_embeddings = _table(config.vocab_size, config)
        self.position_embeddings = _table(config.max_position_embeddings, config)
        self.token_type_embeddings = _table(config.type_vocab_size, config)
        self.LayerNorm = _norm(config)

    def forward(self, input_ids: Tensor) -> Tensor:
        places = torch.arange(input_ids.shape[1], device=input_ids.device)[None]
        typed = self.word_embeddings(input_ids) + self.token_type_embeddings(torch.zeros_like(input_ids))
        return cast("Tensor", self.LayerNorm(typed + self.position_embeddings(places)))


class _EsmEmbeddings(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.word_embeddings = _table(config.vocab_size, config)
        self.layer_norm = _norm(config) if config.emb_layer_norm_before else None
        self.mask = config.mask_token_id if config.token_dropout else None

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states = cast("Tensor", self.word_embeddings(input_ids))
        if self.mask is not None:  # masked residues are left out, and the others scaled as if 12 % were masked
            masked = input_ids == self.mask
            share = masked.sum(-1).float() / attention_mask.sum(-1)
            states = states.masked_fill(masked.unsqueeze(-1), 0.0) * (1 - 0.15 * 0.8) / (1 - share)[:, None, None]
        return states if self.layer_norm is None else self.layer_norm(states)


class _Rotary(nn.Module):
    """Cosine and sine of each position's angles (Su et al., arXiv:2104.09864)."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.register_buffer("inv_freq", torch.empty(config.hidden_size // config.num_attention_heads // 2))

    def forward(self, states: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        angles = positions[..., None].float() * cast("Tensor", self.inv_freq)
        both = torch.cat((angles, angles), dim=-1)
        return both.cos().to(states.dtype), both.sin().to(states.dtype)


def _norm(config: Any) -> nn.LayerNorm:
    return nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)


def _table(rows: int, config: Any) -> nn.Embedding:
    # drawing random numbers on the meta device would import torch's compiler
    return nn.Embedding(rows, config.hidden_size, _weight=torch.empty(rows, config.hidden_size), _freeze=True)
