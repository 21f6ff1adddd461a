"""A model of three tiny towers, in memory and saved."""

import pytest

TEXTS = [
    "A kinase that phosphorylates glucose.",
    "A lyase that cleaves citrate.",
    "Binds heme; transports oxygen.",
]


@pytest.fixture(scope="session")
def config():
    from protrek_hm.model import ModelConfig, TowerConfig

    tower = TowerConfig(layers=2, hidden=16, heads=2, max_tokens=20)
    return ModelConfig(sequence=tower, text=tower, structure=tower, dimension=8, vocabulary=120, temperature=0.05)


@pytest.fixture(scope="session")
def model(config):
    from protrek_hm.model import ProTrek

    return ProTrek.build(config, texts=TEXTS, device="cpu")


@pytest.fixture(scope="session")
def saved(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model.save_pretrained(str(folder))
    return folder
