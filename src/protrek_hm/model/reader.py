"""A sentence encoder that reads questions: it compares texts with texts, whatever model compares them with proteins.

It is the text tower of `mini-words`, which comes with the package: all-MiniLM-L6-v2 of sentence-transformers
(Apache-2.0; Wang et al. 2020, arXiv:2002.10957), its vocabulary cut to what biology and English need; see that model's
card. It is loaded when something is first encoded.
"""

from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from protrek_hm.config import Modality
from protrek_hm.files import digest
from protrek_hm.model.locate import shipped_model

WINDOW = 128
"""Tokens of a text that are read, both marks included."""

_FILES = ("config.json", "model.safetensors", "tokenizer.json")


class Reader:
    """The packaged sentence encoder.

    Attributes
    ----------
    name, tasks, temperature, dimension
        "mini-words"; texts alone; cosines are not scaled; numbers per vector.

    Examples
    --------
    >>> vectors = packaged_reader().encode(["What carries oxygen?", "Oxygen transport in blood.", "Cuts DNA."])
    >>> near, far = vectors[0] @ vectors[1:].T
    >>> vectors.shape, bool(near > far + 0.3)
    ((3, 384), True)
    """

    name = "mini-words"
    tasks: tuple[str, ...] = ("text",)
    temperature = 1.0
    dimension = 384

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _parts(self) -> tuple[Any, Any]:
        from tokenizers import Tokenizer
        from transformers import BertModel

        tokenizer = Tokenizer.from_file(str(self.folder / _FILES[2]))
        tokenizer.enable_truncation(WINDOW)
        tokenizer.enable_padding(pad_id=0)
        model: Any = BertModel.from_pretrained(self.folder, add_pooling_layer=False, local_files_only=True)
        return tokenizer, model.float().eval()

    def fingerprint(self) -> str:
        """Hash all that its vectors depend on."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return "-".join(digest(self.folder / name)[:16] for name in _FILES)

    def encode(
        self,
        inputs: Sequence[str],
        /,
        *,
        task: Modality = "text",
        batch_size: int = 32,
        show_progress_bar: bool = False,
        **_: object,
    ) -> Float[np.ndarray, "n dim"]:
        """Encode texts as unit vectors, float32: the mean over a text's tokens; texts of alike length go together."""
        import torch

        assert task == "text", "a reader reads texts"
        tokenizer, model = self._parts
        vectors = np.empty((len(inputs), self.dimension), dtype=np.float32)
        order = sorted(range(len(inputs)), key=lambda number: len(inputs[number]))
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            tokens = tokenizer.encode_batch([inputs[number] for number in chosen])
            ids = torch.tensor([each.ids for each in tokens])
            mask = torch.tensor([each.attention_mask for each in tokens])
            with torch.inference_mode():
                states = model(input_ids=ids, attention_mask=mask).last_hidden_state
                summed = (states * mask[..., None]).sum(dim=1)
                vectors[chosen] = torch.nn.functional.normalize(summed, dim=1).numpy()
        return vectors


@cache
def packaged_reader() -> Reader:
    """Return the sentence encoder of the package, the same one at every call."""
    place = shipped_model(Reader.name)
    assert place is not None, "it comes with the package"
    return Reader(place / "text_0_Transformer")
