"""Where a parameter of a tower stands, by its name: embeddings, transformer blocks, projection."""

import re
from collections.abc import Iterable

BLOCK = re.compile(r"\.layers?\.(\d+)\.")
_ENCODER = "0."  # the first module of a tower; the others, after it, are its head


def depth(name: str, layers: int) -> int:
    """Return where a parameter of a tower stands: 0 embeddings, 1 … `layers` blocks, `layers` + 1 projection.

    What follows the last block, such as a final norm, counts with it.

    Examples
    --------
    >>> names = ("0.model.embeddings.LayerNorm.bias", "0.model.encoder.layer.3.output.dense.weight", "2.linear.bias")
    >>> [depth(name, layers=6) for name in names]
    [0, 4, 7]
    >>> depth("0.model.encoder.emb_layer_norm_after.weight", layers=6)
    6
    """
    if not name.startswith(_ENCODER):
        return layers + 1
    block = BLOCK.search(name)
    if block is not None:
        return int(block[1]) + 1
    return 0 if ".embeddings." in name else layers


def count_layers(names: Iterable[str]) -> int:
    """Count the transformer blocks of a tower by the names of its parameters.

    Examples
    --------
    >>> count_layers(["0.model.encoder.layer.0.output.dense.bias", "0.model.encoder.layer.1.output.dense.bias"])
    2
    """
    blocks = (BLOCK.search(name) for name in names)
    return max((int(block[1]) + 1 for block in blocks if block is not None), default=0)
