"""A base, and models tuned from it by hand: the base plus known noise."""

import polars as pl
import pytest
import torch

TEXTS = ["Binds potassium.", "Carries heme.", "Recognises tryptophan."]
LETTERS = "KHW"


@pytest.fixture(scope="session")
def saved_base(tmp_path_factory):
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    tower = TowerConfig(layers=1, hidden=16, heads=2, max_tokens=20)
    config = ModelConfig(sequence=tower, text=tower, structure=tower, dimension=8, vocabulary=100)
    folder = tmp_path_factory.mktemp("models") / "base"
    ProTrek.build(config, texts=TEXTS, device="cpu").save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="session")
def load(saved_base):
    from protrek_hm.model import ProTrek

    def load(*, noise=0.0, seed=0, temperature=0.07):
        """Return the base, its text and sequence towers moved by noise."""
        model = ProTrek.from_pretrained(saved_base, device="cpu")
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for task in ("text", "sequence") if noise else ():
                for weight in model.routes[task].parameters():
                    weight += noise * torch.randn(weight.shape, generator=generator)
        model.temperature = temperature
        return model

    return load


@pytest.fixture(scope="session")
def base(load):
    return load()


@pytest.fixture(scope="session")
def tuned(load):
    return load(noise=0.2, seed=1, temperature=0.03)


def triplets(families, others):
    """Return triplets whose negatives have the same letter in another family, or another letter in the same."""
    rows = [
        (f"{family}{mine}LA", TEXTS[at], f"{other}{LETTERS[(at + 1) % 3]}LA", TEXTS[(at + 1) % 3], number)
        for number, (family, other) in enumerate(zip(families, others, strict=True))
        for at, mine in enumerate(LETTERS)
    ]
    columns = ["anchor_seq", "anchor_text", "hard_neg_seq", "hard_neg_text", "component"]
    return pl.DataFrame(rows, schema=columns, orient="row")


@pytest.fixture(scope="session")
def hard():
    families = ["MGS", "MEEV", "MTQNP", "MFFD"]
    return triplets(families, families)


@pytest.fixture(scope="session")
def easy():
    return triplets(["MGS", "MEEV", "MTQNP", "MFFD"], ["MTQNP", "MFFD", "MGS", "MEEV"])
