"""Embeddings are made once: for this model, this task, this input, and for no other."""

import numpy as np
import pytest

from protrek_hm.evaluate import evaluate
from protrek_hm.evaluate.cache import CachedEncoder


@pytest.fixture
def encode(tmp_path, letter_encoder):
    def encode(inputs, *, weights="letters", task="sequence"):
        encoder = CachedEncoder(letter_encoder(weights), tmp_path / "cache")
        vectors = encoder.encode(inputs, task=task, batch_size=4, show_progress_bar=False)
        return encoder.encoded, vectors

    return encode


def test_only_what_is_new_is_encoded(encode):
    assert encode(["MK", "MR", "MK"])[0] == 2
    count, vectors = encode(["MV", "MK"])
    assert count == 1
    assert encode(["MK", "MV", "MR"])[0] == 0
    assert vectors.tolist() == encode(["MV", "MK"])[1].tolist()


def test_another_model_or_task_is_another_file(encode):
    encode(["MK"])
    assert encode(["MK"], weights="others")[0] == 1
    assert encode(["MK"], task="text")[0] == 1
    for window in "bc":  # the same weights, another window
        assert encode(["MK"], weights=f"v2-{32 * 'a'}-{32 * window}")[0] == 1


def test_a_damaged_file_is_made_anew(encode, tmp_path):
    _, vectors = encode(["MK", "MR"])
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(file.read_bytes()[:40])
    count, again = encode(["MK", "MR"])
    assert count == 2
    assert vectors.tolist() == again.tolist()


def test_a_second_evaluation_encodes_nothing_and_says_the_same(tmp_path, letter_encoder, hard, easy, quick):
    def run():
        encoder = CachedEncoder(letter_encoder(), tmp_path)
        (result,) = evaluate({"letters": encoder}, hard, easy, quick).models
        return encoder.encoded, result

    (first_count, first), (second_count, second) = run(), run()
    assert first_count > 0
    assert second_count == 0
    assert first.estimates == second.estimates
    assert np.array_equal(first.scores["hard"], second.scores["hard"])
