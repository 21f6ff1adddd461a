"""The official weights: the three scores of ProTrek's README, where the weights are at hand."""

import os
from pathlib import Path

import pytest

from protrek_hm.data.structures import read_structure
from protrek_hm.errors import MissingFileError
from protrek_hm.model import ProTrek
from protrek_hm.model.locate import find_model

TEXT = "Replication initiator in the monomeric form, and autogenous repressor in the dimeric form."
NAME = "westlake-repl/ProTrek_650M"


@pytest.mark.slow
@pytest.mark.realdata
def test_the_scores_of_protreks_readme(real_data):
    """8ac8, chain A. PROTREK_650M names the folder; without it, the hub's cache is looked into."""
    structure = real_data / "8ac8.cif.gz"
    if not structure.is_file():
        pytest.skip("no 8ac8.cif.gz")
    try:
        place = find_model(os.environ.get("PROTREK_650M", NAME))
    except MissingFileError as error:
        pytest.skip(f"no official weights: {error}")
    model = ProTrek.from_pretrained(place, device="cpu")
    [chain] = [each for each in read_structure(Path(structure)) if each["chain"] == "A"]
    inputs = {"sequence": chain["sequence"], "structure": chain["structure"], "text": TEXT}
    vectors = {task: model.encode([each], task=task)[0] for task, each in inputs.items()}
    scores = {
        (first, second): float(vectors[first] @ vectors[second]) / model.temperature
        for first, second in (("sequence", "structure"), ("sequence", "text"), ("structure", "text"))
    }
    assert scores == {
        ("sequence", "structure"): pytest.approx(28.51, abs=0.01),
        ("sequence", "text"): pytest.approx(17.84, abs=0.01),
        ("structure", "text"): pytest.approx(11.87, abs=0.01),
    }
