"""A flipped bit in any file that a vector depends on is refused, or changes nothing."""

import random
import shutil

import numpy as np
import pytest

from protrek_hm.errors import FileFormatError, ProTrekHMError
from protrek_hm.model import ProTrek, load_encoder
from protrek_hm.model.info import check_model
from protrek_hm.model.locate import shipped_model
from protrek_hm.model.twin_head import HEAD, TwinHead


def flipped(path, count):
    """Yield with one bit of the file changed, at places that do not depend on the run; at the end it is whole again."""
    whole, draw = path.read_bytes(), random.Random(path.name)
    for place in sorted(draw.sample(range(len(whole)), min(count, len(whole)))):
        content = bytearray(whole)
        content[place] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        yield place
    path.write_bytes(whole)


def answers(folder):
    model = load_encoder(folder, device="cpu")
    vectors = [model.encode(inputs, task=task) for task, inputs in (("sequence", ["MKVA", "MU"]), ("text", ["Binds."]))]
    return np.concatenate([np.asarray(each) for each in vectors]), model.temperature


def test_no_flipped_bit_of_a_saved_model_gives_another_answer(saved, tmp_path):
    copy = shutil.copytree(saved, tmp_path / "copy")
    vectors, temperature = answers(copy)
    tried = refused = read = 0
    for path in sorted(copy.rglob("*")):
        if not path.is_file() or path.name in ("README.md", ".protrek-hm.json"):
            continue
        for place in flipped(path, 1 if path.suffix == ".safetensors" else 4):  # to load all weights takes long
            told = f"{path.relative_to(copy)}, byte {place}"
            tried += 1
            try:
                found, read_temperature = answers(copy)
            except ProTrekHMError as error:
                refused += "\n" not in str(error)
            else:
                read += 1
                np.testing.assert_allclose(found, vectors, rtol=0, atol=1e-6, err_msg=told)
                assert read_temperature == temperature, told
    assert refused > 40
    assert refused + read == tried, "a refusal is one line"
    np.testing.assert_array_equal(answers(copy)[0], vectors)


def test_settings_that_were_changed_are_refused_unless_they_are_meant(saved, tmp_path, as_meant):
    copy = shutil.copytree(saved, tmp_path / "copy")
    path = copy / "text_0_Transformer" / "config.json"
    path.write_text(path.read_text().replace('"layer_norm_eps": ', '"layer_norm_eps": 1'))
    for load in (ProTrek.from_pretrained, load_encoder):
        with pytest.raises(FileFormatError, match=r"not those that were saved here.*\"files\" out of protrek\.json"):
            load(copy, device="cpu")
    as_meant(copy)
    load_encoder(copy, device="cpu")


def test_model_check_names_what_is_damaged(saved, tmp_path):
    copy = shutil.copytree(saved, tmp_path / "copy")
    assert check_model(copy) == []
    shutil.copy(shipped_model("mini-words") / HEAD, copy)
    TwinHead.load(copy).save(copy)
    assert check_model(copy) == []
    for path, told in (
        (copy / HEAD, HEAD),
        (copy / "text_2_Dense" / "model.safetensors", "not the weights"),
        (copy / "router_config.json", "settings or vocabularies"),
        (copy / "protrek.json", "protrek.json"),
    ):
        for _ in flipped(path, 1):
            problems = check_model(copy)
            assert any(told in each for each in problems) or "load" in str(problems), problems


def test_no_flipped_bit_of_a_twin_head_is_read(tmp_path):
    TwinHead.load(shipped_model("mini-words")).save(tmp_path)
    for _ in flipped(tmp_path / HEAD, 20):
        with pytest.raises(ProTrekHMError):
            TwinHead.load(tmp_path)
