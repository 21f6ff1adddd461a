"""What a model does not read: inputs longer than its window lose their ends."""

import re
from collections.abc import Sequence

import numpy as np

from protrek_hm.config import Modality
from protrek_hm.model.inputs import cut_input
from protrek_hm.model.protrek import ProTrek
from protrek_hm.model.towers import reader_of

_PART = 2**16
_MARKS = 2  # the start and end tokens
UNITS = {"text": "tokens", "sequence": "residues", "structure": "residues"}


def window(model: ProTrek, task: Modality) -> int:
    """Return how many tokens of an input `model` reads, start and end tokens not counted."""
    return int(reader_of(model.routes[task]).max_seq_length) - _MARKS


def lengths(model: ProTrek, inputs: Sequence[str], *, task: Modality) -> list[int]:
    """Count the residues of each input or, of texts, the tokens that `model` would read if its window had no end."""
    if task != "text":
        return [len("".join(each.split()).removesuffix("*")) for each in inputs]
    tokenizer = reader_of(model.routes[task]).tokenizer

    def count(text: str) -> int:  # a part at a time, as tokens take some 300 bytes for each letter
        parts = [text] if len(text) <= _PART else re.findall(rf".{{1,{_PART}}}\S*", text, flags=re.DOTALL)
        read = (tokenizer(part, add_special_tokens=False, truncation=False, verbose=False) for part in parts)
        return sum(len(tokens["input_ids"]) for tokens in read)

    return [count(each) for each in inputs]


def count_cut(model: ProTrek, inputs: Sequence[str], *, task: Modality) -> int:
    """Count the inputs whose ends `model` does not read; an input given twice counts twice."""
    if task == "text":
        transformer = reader_of(model.routes[task])
        inputs = [cut_input(each, task, transformer) for each in inputs]  # what is left is still longer than the window
    return int((np.array(lengths(model, inputs, task=task)) > window(model, task)).sum())


def describe_cut(model: ProTrek, inputs: Sequence[str], *, task: Modality) -> str | None:
    """Say in a line how many of the inputs are cut; None if all are read to their ends."""
    cut = count_cut(model, inputs, task=task)
    if not cut:
        return None
    are = "is" if cut == 1 else "are"
    limit = f"{window(model, task):,} {UNITS[task]}"
    return f"{cut:,} of {len(inputs):,} {task}s {are} longer than the model's {limit}: the rest is not read"
