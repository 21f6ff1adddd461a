import numpy as np
import pytest

from protrek_hm.errors import ModelError
from protrek_hm.index.config import IndexConfig
from protrek_hm.index.encoder import encode_unit
from protrek_hm.index.shards import encode_in_shards
from protrek_hm.model.sharing import in_shards

INPUTS = ["AC", "DDDD", "A", "EEE", "FFFFF", "AG", "C"]


@pytest.fixture
def encode(monkeypatch, tmp_path):
    monkeypatch.setattr("protrek_hm.model.sharing.SHARD", 2)

    def run(model, inputs=INPUTS, config=None):
        config = config or IndexConfig()
        return encode_in_shards(model, inputs, task="sequence", config=config, folder=tmp_path / "shards")

    return run


def test_vectors_come_in_the_order_of_the_inputs(encode, letter_encoder):
    encoded = encode(letter_encoder())
    wanted = encode_unit(letter_encoder(), INPUTS, task="sequence")
    np.testing.assert_array_equal(np.concatenate(list(encoded.blocks())), wanted)
    assert encoded.numbers.tolist() == list(range(7))


def test_what_the_model_reads_alike_has_one_vector_in_whatever_shard_and_order(encode, letter_encoder):
    class Window(letter_encoder):
        """Reads two letters, and gives vectors that differ in their last digits from batch to batch."""

        def encode(self, inputs, /, **options):
            found = super().encode([each[:2] for each in inputs], **options)
            return found + 1e-7 * len(self.encoded)

        def read_once(self, inputs, *, task):
            assert task == "sequence"
            seen = list(dict.fromkeys(each[:2] for each in inputs))
            first = [next(each for each in inputs if each[:2] == read) for read in seen]
            return first, [seen.index(each[:2]) for each in inputs]

    inputs = ["ACDEF", "KRK", "AC", "ACD", "KR", "DD"]
    model = Window()
    vectors = np.concatenate(list(encode(model, inputs).blocks()))
    assert len(model.encoded) == 3
    assert [vectors.tolist().index(each) for each in vectors.tolist()] == [0, 1, 0, 0, 1, 5]
    again = np.concatenate(list(encode(Window(), inputs[::-1]).blocks()))
    assert len(np.unique(again, axis=0)) == 3


def test_the_order_of_inputs_changes_no_shard(encode, letter_encoder):
    encode(letter_encoder())
    turned = letter_encoder()
    encode(turned, INPUTS[::-1])
    assert turned.encoded == [], "all shards were there"


def test_an_interrupted_run_goes_on_where_it_stopped(encode, letter_encoder, tmp_path):
    model, whole = letter_encoder(), letter_encoder.encode

    class Interrupted(letter_encoder):
        def encode(self, inputs, /, **options):
            if len(self.encoded) == 4:
                raise KeyboardInterrupt
            return whole(self, inputs, **options)

    with pytest.raises(KeyboardInterrupt):
        encode(Interrupted())
    assert len(list((tmp_path / "shards").glob("*.npy"))) == 2
    damaged = sorted((tmp_path / "shards").iterdir())[0]
    damaged.write_bytes(damaged.read_bytes()[:50])  # as a failing disk leaves it: made again
    encoded = encode(model)
    assert len(model.encoded) == 5
    wanted = encode_unit(letter_encoder(), INPUTS, task="sequence")
    np.testing.assert_array_equal(np.concatenate(list(encoded.blocks())), wanted)


@pytest.mark.parametrize("change", ["weights", "precision", "input"])
def test_shards_of_another_run_are_not_taken(encode, letter_encoder, change):
    class Both(letter_encoder):
        def encode(self, inputs, /, *, precision="float32", **options):
            return super().encode(inputs, **options)

    encode(Both())
    model = Both("others" if change == "weights" else "letters")
    inputs = ["AD", *INPUTS[1:]] if change == "input" else INPUTS
    encode(model, inputs, IndexConfig(precision="bf16" if change == "precision" else "float32"))
    assert len(model.encoded) == (2 if change == "input" else 7)


def test_inputs_that_the_model_fails_on_can_be_skipped(encode, letter_encoder, caplog):
    inputs = ["AC", "1", "DD", "22", "33333", "44444"]
    with pytest.raises(ModelError, match="no usable vector"):
        encode(letter_encoder(), inputs)
    encoded = encode(letter_encoder(), inputs, IndexConfig(on_bad_record="skip"))
    assert encoded.usable.tolist() == [True, False, True, False, False, False]
    assert encoded.numbers.tolist() == [0, -1, 1, -1, -1, -1]
    wanted = encode_unit(letter_encoder(), ["AC", "DD"], task="sequence")
    np.testing.assert_array_equal(np.concatenate(list(encoded.blocks())), wanted)
    assert sum("left out" in message for message in caplog.messages) == 4


def test_very_many_inputs_make_larger_shards_and_no_more(monkeypatch):
    monkeypatch.setattr("protrek_hm.model.sharing.SHARD", 2)
    assert [len(each) for each in in_shards(["A"] * 9)] == [2, 2, 2, 2, 1]
    monkeypatch.setattr("protrek_hm.model.sharing._MOST_SHARDS", 3)
    shards = in_shards(["A"] * 10)
    assert [len(each) for each in shards] == [4, 4, 2]
    assert sorted(row for each in shards for row in each) == list(range(10))
