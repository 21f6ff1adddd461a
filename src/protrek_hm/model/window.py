"""What a model does not read: inputs longer than its window lose their ends."""

from collections.abc import Sequence

import numpy as np

from protrek_hm.model.encoder import Task
from protrek_hm.model.protrek import ProTrek
from protrek_hm.model.towers import reader_of

_MARKS = 2  # the start and end tokens
_UNITS = {"text": "tokens", "sequence": "residues", "structure": "residues"}


def window(model: ProTrek, task: Task) -> int:
    """Return how many tokens of an input `model` reads, start and end tokens not counted."""
    return int(reader_of(model.routes[task]).max_seq_length) - _MARKS


def count_cut(model: ProTrek, inputs: Sequence[str], *, task: Task) -> int:
    """Count the inputs whose ends `model` does not read; an input given twice counts twice."""
    if not inputs:
        return 0
    if task != "text":
        lengths = [len(each) for each in inputs]
    else:
        tokenizer = reader_of(model.routes[task]).tokenizer
        read = tokenizer(list(inputs), add_special_tokens=False, truncation=False, verbose=False)
        lengths = [len(tokens) for tokens in read["input_ids"]]
    return int((np.array(lengths) > window(model, task)).sum())


def describe_cut(model: ProTrek, inputs: Sequence[str], *, task: Task) -> str | None:
    """Say in a line how many of the inputs are cut; None if all are read to their ends."""
    cut = count_cut(model, inputs, task=task)
    if not cut:
        return None
    are = "is" if cut == 1 else "are"
    limit = f"{window(model, task):,} {_UNITS[task]}"
    return f"{cut:,} of {len(inputs):,} {task}s {are} longer than the model's {limit}: the rest is not read"
