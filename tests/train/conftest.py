"""Twins of a few letters and a base that has never seen them."""

from itertools import permutations

import polars as pl
import pytest

COLUMNS = ("anchor_text", "anchor_seq", "hard_neg_seq")
SITES = {"K": "Binds potassium.", "H": "Carries heme.", "W": "Recognises tryptophan."}


def twins(families):
    rows = [
        (SITES[mine], f"{family}{mine}LA", f"{family}{other}LA")
        for family in families
        for mine, other in permutations(SITES, 2)
    ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


@pytest.fixture(scope="session")
def triplets():
    return twins(["MGS", "MEEV", "MTQNP"])


@pytest.fixture(scope="session")
def full_triplets(triplets):
    """Return triplets with the twin's text, and of both kinds."""
    letter = pl.col("hard_neg_seq").str.slice(-3, 1)
    easy = pl.col("anchor_seq").str.starts_with("MTQNP")
    return triplets.with_columns(
        hard_neg_text=letter.replace_strict(SITES), type=pl.when(easy).then(pl.lit("easy")).otherwise(pl.lit("hard"))
    )


@pytest.fixture(scope="session")
def valid():
    return twins(["MFFD"])


@pytest.fixture(scope="session")
def saved_base(tmp_path_factory):
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    tower = TowerConfig(layers=1, hidden=16, heads=2, max_tokens=20)
    config = ModelConfig(sequence=tower, text=tower, dimension=8, vocabulary=100)
    folder = tmp_path_factory.mktemp("models") / "base"
    ProTrek.build(config, texts=SITES.values(), device="cpu").save_pretrained(str(folder))
    return folder


@pytest.fixture
def base(saved_base):
    """Return the same fresh model to every test: training changes it in place."""
    from protrek_hm.model import ProTrek

    return ProTrek.from_pretrained(saved_base, device="cpu")
