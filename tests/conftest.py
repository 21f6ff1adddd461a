"""Fixtures for all tests: no network, no GPU, no hub."""

import os
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side: more threads only wait for each other

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real proteins beside the checkout; tests that need it skip where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real proteins at {REAL_DATA}")
    return REAL_DATA


class LetterEncoder:
    """A stand-in for a model: counts the letters of its input, so that one can tell by hand what is near."""

    temperature = 0.05

    def __init__(self, weights: str = "letters", tasks: tuple[str, ...] = ("text", "sequence", "structure")) -> None:
        self.weights, self.tasks = weights, tasks
        self.encoded: list[str] = []

    def fingerprint(self) -> str:
        return self.weights

    def encode(self, inputs: list[str], /, *, task: str, batch_size: int, show_progress_bar: bool) -> np.ndarray:
        assert task in self.tasks
        assert batch_size >= 1
        assert isinstance(show_progress_bar, bool)
        self.encoded += inputs
        return np.array([[each.upper().count(letter) for letter in "ACDEFGHIKLMNPQRSTVWY"] for each in inputs])


@pytest.fixture(scope="session")
def letter_encoder() -> type[LetterEncoder]:
    return LetterEncoder
