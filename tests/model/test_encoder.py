import numpy as np
import pytest

from protrek_hm.errors import ModelError
from protrek_hm.model import ProTrek
from protrek_hm.model.encoder import CachedEncoder, Encoder, read_once, unit_vectors


def test_vectors_are_float32_of_length_one(letter_encoder):
    vectors = unit_vectors(letter_encoder(), ["AAC", "DDDD"], task="sequence")
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors[:, :3], [[2 / 5**0.5, 1 / 5**0.5, 0], [0, 0, 1]], rtol=1e-6)


def test_a_vector_without_direction_is_refused(letter_encoder):
    with pytest.raises(ModelError, match=r"base gives no usable vector for text '123' \(2 such\)"):
        unit_vectors(letter_encoder(), ["AC", "123", "456"], task="text", name="base")


def test_a_protrek_is_an_encoder(model):
    assert isinstance(model, ProTrek)
    assert isinstance(model, Encoder)
    assert unit_vectors(model, ["MKV", "MKV"], task="sequence").shape == (2, 8)


def test_each_distinct_input_is_encoded_once(letter_encoder):
    encoder = letter_encoder()
    vectors = unit_vectors(encoder, ["AC", "C", "AC"], task="text")
    assert encoder.encoded == ["AC", "C"]
    assert np.array_equal(vectors, unit_vectors(letter_encoder(), ["AC", "C"], task="text")[[0, 1, 0]])


def test_a_task_that_the_model_lacks_is_named(letter_encoder):
    with pytest.raises(ModelError, match="base has no route for 'structure'; it encodes text, sequence"):
        unit_vectors(letter_encoder(tasks=("text", "sequence")), ["dv"], task="structure", name="base")


def test_what_the_model_reads_alike_is_read_once(model):
    assert read_once(model, ["A Kinase", "a kinase", "lyase"], task="text") == (["A Kinase", "lyase"], [0, 0, 1])


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


def test_what_is_interrupted_goes_on_where_it_was(letter_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr("protrek_hm.model.encoder.KEPT_AT_ONCE", 2)
    inputs, options = ["A", "AC", "D", "DE", "K"], {"task": "text", "batch_size": 8, "show_progress_bar": False}

    class Cut(letter_encoder):
        def encode(self, given, /, **more):
            if "K" in given:
                raise KeyboardInterrupt
            return super().encode(given, **more)

    with pytest.raises(KeyboardInterrupt):
        CachedEncoder(Cut(), tmp_path).encode(inputs, **options)
    again = CachedEncoder(letter_encoder(), tmp_path)
    np.testing.assert_array_equal(again.encode(inputs, **options), letter_encoder().encode(inputs, **options))
    assert again.encoded == 1
