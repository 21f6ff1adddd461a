"""ProTrek as a SentenceTransformer: routes `text`, `sequence`, `structure` into one space of unit vectors.

Architecture: Su et al., "A trimodal protein language model enables advanced protein searches", Nature
Biotechnology (2025). Each route is Transformer → Pooling(cls) → Dense(identity); Normalize closes all of
them.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from jaxtyping import Float
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Router
from torch import Tensor, nn
from torch.nn.functional import normalize

from protrek_hm.errors import FileFormatError, OptionError
from protrek_hm.files import read_json, write_json
from protrek_hm.model.config import ModelConfig
from protrek_hm.model.packed_batches import Packing, encode_packed
from protrek_hm.model.source import (
    FORMAT_VERSION,
    SETTINGS,
    check_device,
    find_model,
    no_progress_bars,
    read_temperature,
    whole_model,
)
from protrek_hm.model.tokenizers import residue_tokenizer, structure_tokenizer, train_text_tokenizer
from protrek_hm.model.towers import NO_POOLER, bert_tower, esm_tower

Task = Literal["text", "sequence", "structure"]
_STOCK_ONLY = {"prompt": None, "output_value": "sentence_embedding", "processing_kwargs": None}  # and their defaults
_ONLY_PACKED = "packed encoding alone computes in it: no prompt, no packed=False, no other output than embeddings"
_CARD = """---
library_name: sentence-transformers
tags: [protein, ProTrek, ProTrek-HM]
---
A ProTrek model: texts, protein sequences and (where that tower is there) 3Di structures in one space.

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("this folder")
text = model.encode("Hydrolyses penicillins.", task="text")
protein = model.encode("MSIQHFRVALIPFFAAFCLPVFA", task="sequence")
print(model.similarity(text, protein))
```
"""


class ProTrek(SentenceTransformer):
    """A tri-modal protein model; `encode(inputs, task=…)` gives unit vectors of one space.

    A saved model is a SentenceTransformer folder plus `protrek.json`, and loads with plain
    `SentenceTransformer(path)`.
    """

    temperature: float = 0.07

    @classmethod
    def build(cls, config: ModelConfig, *, texts: Iterable[str], device: str | None = None) -> Self:
        """Make a fresh model with random weights; its words come from `texts`. Needs no network.

        Raises
        ------
        OptionError
            If there is no text to learn words from, or no such `device`.
        """
        check_device(device)
        words = [text for text in texts if text.strip()]
        if not words:
            raise OptionError("texts", "none", "a fresh model needs texts to learn its words from")
        torch.manual_seed(config.seed)
        with no_progress_bars():
            text_tokenizer = train_text_tokenizer(
                words, vocabulary=config.vocabulary, max_tokens=config.text.max_tokens
            )
            routes = {
                "text": bert_tower(text_tokenizer, config.text, dimension=config.dimension),
                "sequence": esm_tower(
                    residue_tokenizer(config.sequence.max_tokens), config.sequence, dimension=config.dimension
                ),
            }
            if config.structure is not None:
                routes["structure"] = esm_tower(
                    structure_tokenizer(config.structure.max_tokens),
                    config.structure,
                    dimension=config.dimension,
                )
        model = cls(modules=[Router(routes, allow_empty_key=False), Normalize()], device=device)
        model.temperature = config.temperature
        return model

    @classmethod
    def from_pretrained(cls, path: str | Path, *, device: str | None = None) -> Self:
        """Load a model from a folder that `save_pretrained` or `train` wrote, or from the hub by its name.

        Raises
        ------
        MissingFileError, FileFormatError
            If there is no model at `path`, or only a part of one.
        OptionError
            If this machine has no such `device`.
        """
        check_device(device)
        place = find_model(path)
        with whole_model(path, place):
            model = cls(place, device=device)
            if not {"text", "sequence"} <= set(model.tasks):
                problem = "not a ProTrek: it lacks the routes 'text' and 'sequence'"
                raise FileFormatError(path, problem, "give another model")
        model.temperature = read_temperature(Path(place)) or cls.temperature
        return model

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
        task: Task,
        packed: bool = True,
        precision: str = "float32",
        token_budget: int | None = None,
        **options: Any,
    ) -> Any:
        """Return unit vectors, a row for each input.

        Parameters
        ----------
        inputs
            Longer ones than the model's window are cut, as `window.describe_cut` tells.
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
        """
        if task not in self.tasks:
            raise OptionError("task", task, f"this model encodes {', '.join(self.tasks)}")
        reduced = precision == "bf16"
        packing = Packing(token_budget, options.get("batch_size"), bfloat16=reduced) if packed else None
        if reduced and not packed:
            raise OptionError("precision", precision, _ONLY_PACKED)
        options |= {"precision": "float32" if reduced else precision, "packing": packing, "task": task}
        if isinstance(inputs, str):
            return super().encode(inputs, **options)
        given = list(inputs)
        # Nothing, of the type and width that something would have
        return super().encode(given, **options) if given else super().encode(["A"], **options)[:0]

    def get_model_kwargs(self) -> list[str]:
        """Return what `encode` takes besides SentenceTransformer's options."""
        return [*super().get_model_kwargs(), "packing"]

    def _inference(self, inputs: list[Any], *, packing: Packing | None = None, **options: Any) -> Any:
        """Do SentenceTransformer's inference, packed where it can be; worker processes begin here, too."""
        stock = {name for name, default in _STOCK_ONLY.items() if options.get(name, default) != default}
        if packing is None or stock or self._can_flatten_inputs() or not all(isinstance(each, str) for each in inputs):
            if packing is not None and packing.bfloat16:
                raise OptionError("precision", "bf16", _ONLY_PACKED)
            return super()._inference(inputs, **options)
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
            tower, progress = self.routes[options["task"]], options["show_progress_bar"]
            return encode_packed(tower, inputs, packing, finish=finish, progress=progress)

    @property
    def parameter_count(self) -> int:
        """How many numbers the model learns."""
        return _count(self)

    def describe(self) -> dict[str, Any]:
        """Return what the model is made of: parameters by route, dimension, temperature, fingerprint."""
        return {
            "parameters": {name: _count(tower) for name, tower in self.routes.items()},
            "dimension": self.get_embedding_dimension(),
            "temperature": self.temperature,
            "fingerprint": self.fingerprint(),
        }

    def score(
        self, texts: Sequence[str], sequences: Sequence[str], **encode_options: Any
    ) -> Float[np.ndarray, "texts sequences"]:
        """Return the cosine of every text with every sequence; ProTrek's own scale is this ÷ temperature."""
        by_text = self.encode(list(texts), task="text", **encode_options)
        by_sequence = self.encode(list(sequences), task="sequence", **encode_options)
        return np.asarray(by_text @ by_sequence.T)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the weights: equal models have equal fingerprints, whatever their folder."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def save(self, path: str, *args: Any, **kwargs: Any) -> None:
        """Write the model as a folder; see `SentenceTransformer.save` for the options."""
        kwargs["create_model_card"] = False  # the stock card shows a use that knows no routes
        with no_progress_bars():
            super().save(path, *args, **kwargs)
        (Path(path) / "README.md").write_text(_CARD, encoding="utf-8")
        write_json(Path(path) / SETTINGS, {"format_version": FORMAT_VERSION, "temperature": self.temperature})
        for settings in Path(path).glob("*_Transformer/sentence_bert_config.json"):
            content = read_json(settings)  # tell plain SentenceTransformer, too, that the towers have no pooler
            settings.write_text(json.dumps({**content, "model_kwargs": NO_POOLER}, indent=2), encoding="utf-8")


def _count(module: nn.Module) -> int:
    return sum(weights.numel() for weights in module.parameters())
