"""Several processes that train one model: each encodes its share, all see the whole batch.

Every process computes the loss of the whole batch, of which its own rows are a part, and takes the gradients of
its own rows from it: none are cut off at the other processes' rows.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from torch import Tensor, distributed, nn

from protrek_hm.files import new_folder

_BUCKET = 8_000_000  # numbers that are sent at once


def process_count() -> int:
    """Return how many processes train together; 1 without torchrun."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def process_rank() -> int:
    """Return this process's number among them, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def is_first_process() -> bool:
    """Tell whether this process speaks for all: it is alone, or torchrun's first; known from the start."""
    return os.environ.get("RANK", "0") == "0"


def gather_rows(rows: Tensor) -> tuple[Tensor, int]:
    """Return the rows of all processes, one process after the other, and where one's own begin.

    rows: free of any graph; their number may differ between processes.

    >>> gather_rows(torch.tensor([[1.0], [2.0]]))
    (tensor([[1.],
            [2.]]), 0)
    """
    count = process_count()
    if count == 1:
        return rows, 0
    sizes = [torch.zeros(1, dtype=torch.int64, device=rows.device) for _ in range(count)]
    distributed.all_gather(sizes, torch.tensor([len(rows)], device=rows.device))
    numbers = [int(size) for size in sizes]
    padded = rows.new_zeros(max(numbers), *rows.shape[1:])
    padded[: len(rows)] = rows
    received = [torch.empty_like(padded) for _ in range(count)]
    distributed.all_gather(received, padded)
    whole = torch.cat([each[:number] for each, number in zip(received, numbers, strict=True)])
    return whole, sum(numbers[: process_rank()])


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by the mean of all processes'; what learns, but was not used here, counts as 0.

    Gradients travel many at once: sent one by one, those of a small model cost more time than a step.
    """
    count = process_count()
    if count == 1:
        return
    bucket: list[Tensor] = []
    for parameter in parameters:
        if not parameter.requires_grad:
            continue
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        bucket.append(parameter.grad)
        if sum(each.numel() for each in bucket) >= _BUCKET:
            _average(bucket, count)
            bucket = []
    if bucket:
        _average(bucket, count)


def _average(gradients: list[Tensor], count: int) -> None:
    flat = torch.cat([each.flatten() for each in gradients])
    distributed.all_reduce(flat)
    parts = torch.split(flat / count, [each.numel() for each in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def sum_over_processes(value: float, device: torch.device) -> float:
    """Return the sum of a number over all processes."""
    if process_count() == 1:
        return value
    total = torch.tensor(value, dtype=torch.float64, device=device)
    distributed.all_reduce(total)
    return total.item()


@contextmanager
def new_folder_of_all(path: Path) -> Iterator[Path]:
    """Yield a temporary folder, the same to all processes, that replaces `path` once all are done with it.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with new_folder(path, force=True) if process_rank() == 0 else nullcontext() as folder:
        place = [folder]
        if process_count() > 1:
            distributed.broadcast_object_list(place)
        assert place[0] is not None
        yield place[0]
        wait_for_all()
    wait_for_all()  # the folder has its name


def wait_for_all() -> None:
    """Wait until all processes have come here."""
    if process_count() > 1:
        distributed.barrier()
