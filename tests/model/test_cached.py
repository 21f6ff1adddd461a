import numpy as np
import pytest

from protrek_hm.model.cached import CachedEncoder


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
    monkeypatch.setattr("protrek_hm.model.cached.KEPT_AT_ONCE", 2)
    monkeypatch.setattr("protrek_hm.model.sharing._LEAST", 2)
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
