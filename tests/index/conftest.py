"""Fixtures of the index room's tests."""

import polars as pl
import pytest

from protrek_hm.index.build import build_index

PROTEINS = pl.DataFrame(
    {
        "id": ["P1", "P2", "P1", "P3"],
        "sequence": ["AAC", "DDD", "AAC", "AAC"],
        "text": ["all C", None, "a kinase", ""],
        "organism": ["E. coli", "E. coli", "E. coli", None],
        "mass": [1.5, 2.5, None, 4.0],
    }
)


@pytest.fixture
def proteins():
    """The table of `folder`."""
    return PROTEINS


@pytest.fixture
def folder(tmp_path, letter_encoder):
    """A small index."""
    build_index(PROTEINS, letter_encoder(), tmp_path / "index", model_name="m")
    return tmp_path / "index"
