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
    def _tower(self) -> Any:
        from protrek_hm.model.light import load_tower
        from protrek_hm.model.packed import align_weights

        tower = load_tower([self.folder, self.folder.parent / "text_1_Pooling"], ["Transformer", "Pooling"]).eval()
        align_weights(tower)
        return tower

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
        """Encode texts as unit vectors, float32: the mean over a text's tokens."""
        import torch
        from torch.nn.functional import normalize

        from protrek_hm.model.packed import Packing, encode_packed

        assert task == "text", "a reader reads texts"
        if not inputs:
            return np.empty((0, self.dimension), dtype=np.float32)
        packing = Packing(most_inputs=batch_size)
        with torch.inference_mode():
            return encode_packed(self._tower, inputs, packing, task=task, finish=normalize).numpy()


@cache
def packaged_reader() -> Reader:
    """Return the sentence encoder of the package, the same one at every call."""
    place = shipped_model(Reader.name)
    assert place is not None, "it comes with the package"
    return Reader(place / "text_0_Transformer")
