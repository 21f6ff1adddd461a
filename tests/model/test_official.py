"""ProTrek's own layout against ProTrek's classes, restated in conftest: the same vectors, whatever the file."""

import json
import math
import shutil

import numpy as np
import polars as pl
import pytest
import torch

from protrek_hm.errors import FileFormatError
from protrek_hm.model import ProTrek
from protrek_hm.model.locate import find_model

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def random_letters(length, seed):
    return "".join(np.random.default_rng(seed).choice(list(LETTERS), length))


INPUTS = {
    # 1,500 residues: more than `max_position_embeddings`; rare letters
    "sequence": ["M", "MKV", random_letters(1500, 0), random_letters(60, 1), "MKXBZUO", random_letters(61, 2)],
    "structure": ["d", random_letters(1200, 3).lower(), "dv#p", random_letters(70, 4).lower()],
    "text": ["A kinase.", "binds heme", "glucose " * 700, "Kinases bind ATP, unknown words", "a " * 511],
}


@pytest.fixture
def copy(official, tmp_path):
    return shutil.copytree(official[0], tmp_path / "copy")


def rewrite(folder, change):
    """Load the checkpoint of `folder`, let `change` alter its dict, and save it."""
    path = folder / "ProTrek_tiny.pt"
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)


FEW = {"sequence": ["MKV", random_letters(60, 6)], "structure": ["dvpq", "d#v"], "text": ["A kinase.", "binds heme"]}


def assert_same_vectors(model, original, tasks=tuple(FEW), inputs=None):
    for task in tasks:
        given = (inputs or FEW)[task]
        expected = original.towers[task].get_repr(given)
        np.testing.assert_allclose(model.encode(given, task=task), expected, atol=1e-6, rtol=0)


def test_vectors_are_those_of_protreks_classes(official):
    folder, original = official
    model = ProTrek.from_pretrained(folder, device="cpu")
    assert model.tasks == ("text", "sequence", "structure")
    assert model.temperature == original.temperature.item()
    assert_same_vectors(model, original, inputs=INPUTS)
    spread = np.std(model.encode(INPUTS["sequence"], task="sequence"), axis=0)
    assert spread.max() > 0.05, "the towers would tell nothing apart"


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_padding_and_order_change_nothing(official, batch_size):
    folder, original = official
    model = ProTrek.from_pretrained(folder, device="cpu")
    for task, inputs in INPUTS.items():
        alone = original.towers[task].get_repr(inputs, batch_size=1)
        found = model.encode(inputs[::-1], task=task, batch_size=batch_size)[::-1]
        np.testing.assert_allclose(found, alone, atol=1e-6, rtol=0)


def esm2_by_hand(tensors, prefix, token_ids, *, layers, heads):
    """ESM-2's forward pass for one input, written out in float64 from the paper's and the checkpoint's terms."""

    def weight(name):
        return tensors[f"{prefix}{name}"].double().numpy()

    def linear(x, name):
        return x @ weight(f"{name}.weight").T + weight(f"{name}.bias")

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return scaled * weight(f"{name}.weight") + weight(f"{name}.bias")

    def rotate(x):  # heads, tokens, size
        size = x.shape[-1]
        angle = np.outer(np.arange(x.shape[1]), 10000.0 ** (-np.arange(0, size, 2) / size))
        angle = np.concatenate([angle, angle], axis=-1)
        turned = np.concatenate([-x[..., size // 2 :], x[..., : size // 2]], axis=-1)
        return x * np.cos(angle) + turned * np.sin(angle)

    x = weight("embeddings.word_embeddings.weight")[token_ids] * (1 - 0.15 * 0.8)  # token dropout, nothing masked
    for layer in range(layers):
        at = f"encoder.layer.{layer}."
        inner = norm(x, f"{at}attention.LayerNorm")
        query, key, value = (
            linear(inner, f"{at}attention.self.{name}").reshape(len(x), heads, -1).swapaxes(0, 1)
            for name in ("query", "key", "value")
        )
        scores = rotate(query) @ rotate(key).swapaxes(1, 2) / np.sqrt(query.shape[-1])
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (shares / shares.sum(-1, keepdims=True) @ value).swapaxes(0, 1).reshape(len(x), -1)
        x = x + linear(mixed, f"{at}attention.output.dense")
        inner = linear(norm(x, f"{at}LayerNorm"), f"{at}intermediate.dense")
        gelu = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        x = x + linear(gelu, f"{at}output.dense")
    return norm(x, "encoder.emb_layer_norm_after")[0]


def test_the_sequence_tower_is_esm2_written_out(official):
    """Without transformers at all, so that no change of theirs passes unseen."""
    folder, _ = official
    tensors = torch.load(folder / "ProTrek_tiny.pt", weights_only=True)["model"]
    vocabulary = (folder / "esm2_t3_tiny" / "vocab.txt").read_text().split()
    model = ProTrek.from_pretrained(folder, device="cpu")
    for sequence in ("MKV", "ACDEFGHIKLMNPQRSTVWY" * 2):
        ids = [0, *(vocabulary.index(letter) for letter in sequence), 2]
        first = esm2_by_hand(tensors, "1.model.esm.", ids, layers=3, heads=4)
        vector = tensors["1.out.weight"].double().numpy() @ first + tensors["1.out.bias"].double().numpy()
        expected = vector / np.linalg.norm(vector)
        np.testing.assert_allclose(model.encode(sequence, task="sequence"), expected, atol=2e-6, rtol=0)


def test_texts_are_cut_at_512_tokens_and_proteins_nowhere(official):
    model = ProTrek.from_pretrained(official[0], device="cpu")
    encode = model.encode
    words = ["kinase"] * 600
    assert np.array_equal(encode(" ".join(words), task="text"), encode(" ".join(words[:510]), task="text"))
    assert not np.allclose(encode(" ".join(words[:510]), task="text"), encode(" ".join(words[:509]), task="text"))
    long = random_letters(1500, 5)
    assert not np.allclose(encode(long, task="sequence"), encode(long[:-1], task="sequence"), atol=1e-6)


def test_3di_letters_of_upper_case_are_read_too(official):
    model = ProTrek.from_pretrained(official[0], device="cpu")
    assert np.array_equal(model.encode("DVPQ", task="structure"), model.encode("dvpq", task="structure"))


def test_saved_as_ours_it_is_the_same_also_for_plain_sentence_transformers(official, tmp_path):
    from sentence_transformers import SentenceTransformer

    folder, original = official
    model = ProTrek.from_pretrained(folder, device="cpu")
    model.save_pretrained(str(tmp_path / "ours"))
    again = ProTrek.from_pretrained(tmp_path / "ours", device="cpu")
    assert again.fingerprint() == model.fingerprint()
    assert again.temperature == model.temperature
    assert_same_vectors(again, original)
    plain = SentenceTransformer(str(tmp_path / "ours"), device="cpu")
    assert_same_vectors(plain, original, inputs=INPUTS)


def test_frequencies_that_half_precision_rounded_are_kept(copy, restated, tmp_path):
    """As old checkpoints may have them: computing them anew would move every vector."""

    def round_frequencies(content):
        for name, tensor in content["model"].items():
            if name.endswith("inv_freq"):
                content["model"][name] = tensor.half().float()

    rewrite(copy, round_frequencies)
    original = restated(copy)
    original.model.load_state_dict(torch.load(copy / "ProTrek_tiny.pt", weights_only=True)["model"])
    for task in ("sequence", "structure"):
        rotary = original.towers[task].model.esm.rotary_embeddings
        rotary.inv_freq.copy_(rotary.inv_freq.half())
    model = ProTrek.from_pretrained(copy, device="cpu")
    assert_same_vectors(model, original)
    model.save_pretrained(str(tmp_path / "ours"))
    assert_same_vectors(ProTrek.from_pretrained(tmp_path / "ours", device="cpu"), original)
    rewrite(copy, put("1.model.esm.encoder.layer.1.attention.self.rotary_embeddings.inv_freq", torch.ones(4)))
    with pytest.raises(FileFormatError, match="differ from layer to layer"):
        ProTrek.from_pretrained(copy, device="cpu")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_every_precision_is_read_as_float32(copy, restated, dtype):
    def cast(content):
        content["model"] = {n: t.to(dtype) if t.is_floating_point() else t for n, t in content["model"].items()}

    rewrite(copy, cast)
    original = restated(copy)
    original.model.load_state_dict(torch.load(copy / "ProTrek_tiny.pt", weights_only=True)["model"])
    for task in ("sequence", "structure"):
        rotary = original.towers[task].model.esm.rotary_embeddings
        rotary.inv_freq.copy_(rotary.inv_freq.to(dtype))
    model = ProTrek.from_pretrained(copy, device="cpu")
    assert {each.dtype for each in model.parameters()} == {torch.float32}
    assert_same_vectors(model, original)


def test_names_of_todays_transformers(tmp_path, official_folders, restated):
    official_folders(tmp_path)
    original = restated(tmp_path, old_buffers=False)
    assert "1.model.esm.rotary_embeddings.inv_freq" in original.model.state_dict()
    torch.save({"model": original.model.state_dict()}, tmp_path / "any name.pt")
    assert_same_vectors(ProTrek.from_pretrained(tmp_path, device="cpu"), original)


def test_two_towers(tmp_path, official_folders, restated):
    official_folders(tmp_path)
    original = restated(tmp_path, structure=False)
    torch.save({"model": original.model.state_dict()}, tmp_path / "two.pt")
    for _ in range(2):
        model = ProTrek.from_pretrained(tmp_path, device="cpu")
        assert model.tasks == ("text", "sequence")
        assert_same_vectors(model, original, tasks=("text", "sequence"))
        shutil.rmtree(tmp_path / "foldseek_t2_tiny", ignore_errors=True)  # needed no more than it was


def test_fine_tuned_checkpoints_lie_beside_their_base_and_are_named(copy):
    """As the reference saves them: with settings, epoch and optimizer, in the folder of the base."""
    tensors = torch.load(copy / "ProTrek_tiny.pt", weights_only=True)["model"]
    parameters = [torch.nn.Parameter(torch.ones(3))]
    optimizer = torch.optim.AdamW(parameters)
    optimizer.zero_grad()
    parameters[0].sum().backward()
    optimizer.step()
    tuned = {
        "model": {f"module.{name}": tensor * 1.01 for name, tensor in tensors.items()},
        "config": {"protein_config": "weights/ProTrek_35M/esm2_t12_35M_UR50D", "structure_config": None},
        "epoch": 5,
        "optimizer": optimizer.state_dict(),
    }
    torch.save(tuned, copy / "protrek_finetuned_epoch5.pt")
    with pytest.raises(FileFormatError, match=r"holds 2 checkpoints \(ProTrek_tiny.pt, protrek_finetuned_epoch5.pt\)"):
        ProTrek.from_pretrained(copy)
    model = ProTrek.from_pretrained(copy / "protrek_finetuned_epoch5.pt", device="cpu")
    assert model.temperature == pytest.approx(0.0187 * 1.01)
    assert model.history == [{"step": "import", "checkpoint": "protrek_finetuned_epoch5.pt", "epoch": 5}]
    assert find_model(str(copy / "ProTrek_tiny.pt")) == copy / "ProTrek_tiny.pt"
    assert ProTrek.from_pretrained(copy / "ProTrek_tiny.pt", device="cpu").temperature == pytest.approx(0.0187)


def test_files_of_the_days_before_zip(copy):
    content = torch.load(copy / "ProTrek_tiny.pt", weights_only=True)
    wanted = ProTrek.from_pretrained(copy, device="cpu").fingerprint()
    torch.save(content, copy / "ProTrek_tiny.pt", _use_new_zipfile_serialization=False)
    assert ProTrek.from_pretrained(copy, device="cpu").fingerprint() == wanted


def test_a_stripped_checkpoint_has_no_heads_for_masked_letters(copy, official):
    rewrite(copy, lambda c: c.update(model={n: t for n, t in c["model"].items() if "lm_head" not in n}))
    assert_same_vectors(ProTrek.from_pretrained(copy, device="cpu"), official[1])


def test_the_licence_of_the_hubs_card(copy):
    assert ProTrek.from_pretrained(copy, device="cpu").license is None
    (copy / "README.md").write_text("---\nlicense: apache-2.0\ntags: [protein]\n---\n# ProTrek\nlicense: none\n")
    assert ProTrek.from_pretrained(copy, device="cpu").license == "apache-2.0"


def drop(*names):
    return lambda content: [content["model"].pop(name) for name in names]


def put(name, tensor):
    return lambda content: content["model"].update({name: tensor})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop("0"), "1 missing: 0"),
        (drop("1.model.esm.encoder.layer.2.LayerNorm.bias", "2.out.weight"), r"2 missing: .*2\.LayerNorm\.bias"),
        (drop("3.model.lm_head.dense.bias"), r"1 missing: 3\.model\.lm_head\.dense\.bias"),
        (put("4.out.bias", torch.zeros(3)), r"1 unexpected: 4\.out\.bias"),
        (put("2.model.pooler.dense.bias", torch.zeros(24)), r"1 unexpected: 2\.model\.pooler"),
        (
            put("1.model.lm_head.dense.weight", torch.zeros(5, 32)),
            r"of another size: .*\[5, 32\] instead of \[32, 32\]",
        ),
        (put("3.out.bias", torch.zeros(9)), r"3\.out\.bias \[9\] instead of \[12\]"),
        (put("0", torch.tensor(-1.0)), "not a number above 0"),
        (put("0", torch.tensor(float("nan"))), "not a number above 0"),
        (put("0", torch.zeros(2)), "not a number above 0"),
        (put("1.model.lm_head.decoder.weight", torch.zeros(33, 32)), "ties it"),
        (lambda content: content.pop("model"), 'no tensors under "model"'),
        (lambda content: content.update(model=[1, 2]), 'no tensors under "model"'),
    ],
)
def test_tensors_that_do_not_fit_are_listed(copy, change, message, capfd):
    rewrite(copy, change)
    with pytest.raises(FileFormatError, match=message):
        ProTrek.from_pretrained(copy, device="cpu")
    assert capfd.readouterr() == ("", "")


def cut(content):
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (cut, "cut off or damaged"),
        (lambda content: b"", "cut off or damaged"),
        (lambda content: b"<html>404</html>", "not a checkpoint of tensors alone|cut off or damaged"),
        (lambda content: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "pointer of Git LFS"),
    ],
)
def test_a_damaged_checkpoint(copy, content, message):
    path = copy / "ProTrek_tiny.pt"
    path.write_bytes(content(path.read_bytes()))
    with pytest.raises(FileFormatError, match=message) as caught:
        ProTrek.from_pretrained(copy, device="cpu")
    assert "\n" not in str(caught.value)


def test_a_flipped_bit_is_no_weight(copy):
    path = copy / "ProTrek_tiny.pt"
    weights = max(torch.load(path, weights_only=True)["model"].values(), key=torch.numel).numpy().tobytes()
    content = bytearray(path.read_bytes())
    content[content.index(weights) + len(weights) // 2] ^= 4
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="damaged .*does not agree with its checksum"):
        ProTrek.from_pretrained(copy, device="cpu")


def test_a_checkpoint_without_checksums(copy):
    torch.serialization.set_crc32_options(False)
    try:
        rewrite(copy, lambda content: None)
    finally:
        torch.serialization.set_crc32_options(True)
    ProTrek.from_pretrained(copy, device="cpu")


class Evil:
    def __reduce__(self):
        return (print, ("this must not run",))


def test_code_in_a_checkpoint_is_not_run(copy, capfd):
    torch.save({"model": {"0": torch.tensor(0.1)}, "x": Evil()}, copy / "ProTrek_tiny.pt")
    with pytest.raises(FileFormatError, match="not a checkpoint of tensors alone"):
        ProTrek.from_pretrained(copy, device="cpu")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("remove", "message"),
    [
        ("ProTrek_tiny.pt", r"holds no checkpoint \*\.pt"),
        ("esm2_t3_tiny", r"no folder of the sequence tower \(esm2_\*/"),
        ("BiomedNLP-PubMedBERT-base-uncased-abstract-fulltext", "no folder of the text tower"),
        ("foldseek_t2_tiny", "no folder of the structure tower"),
        ("esm2_t3_tiny/vocab.txt", "esm2_t3_tiny: vocab.txt is missing"),
        ("BiomedNLP-PubMedBERT-base-uncased-abstract-fulltext/vocab.txt", "fulltext: vocab.txt is missing"),
        ("foldseek_t2_tiny/config.json", "no folder of the structure tower"),
    ],
)
def test_a_missing_part(copy, remove, message):
    path = copy / remove
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(FileFormatError, match=message):
        ProTrek.from_pretrained(copy, device="cpu")


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("num_hidden_layers", 4, r"missing: 1\.model\.esm\.encoder\.layer\.3"),
        ("hidden_size", "wide", "does not load"),
        ("hidden_size", 30, "does not load|of another size"),
        ("position_embedding_type", "relative_key", "position_embedding_type 'relative_key'"),
        ("vocab_size", 20, "of another size"),
    ],
)
def test_settings_that_do_not_fit(copy, setting, value, message):
    path = copy / "esm2_t3_tiny" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), setting: value}))
    with pytest.raises(FileFormatError, match=message):
        ProTrek.from_pretrained(copy, device="cpu")


def test_vocabularies_that_do_not_fit(copy):
    path = copy / "foldseek_t2_tiny" / "vocab.txt"
    whole = path.read_text()
    path.write_text(whole + "extra\n")
    with pytest.raises(FileFormatError, match="27 entries, but 26 embeddings"):
        ProTrek.from_pretrained(copy, device="cpu")
    path.write_text(whole.replace("d\n", ""))
    with pytest.raises(FileFormatError, match="the vocabulary lacks d"):
        ProTrek.from_pretrained(copy, device="cpu")
    (copy / "foldseek_t2_tiny" / "config.json").write_text("{")
    with pytest.raises(FileFormatError, match="not JSON"):
        ProTrek.from_pretrained(copy, device="cpu")


def test_two_folders_for_one_tower(copy):
    shutil.copytree(copy / "esm2_t3_tiny", copy / "esm2_t9_other")
    with pytest.raises(FileFormatError, match="esm2_t3_tiny and esm2_t9_other are both folders of a sequence tower"):
        ProTrek.from_pretrained(copy, device="cpu")


def test_the_board_of_twins_measures_a_checkpoint_as_it_is(official, tmp_path):
    """`evaluate twins -m FOLDER`: the scores are the cosines of ProTrek's own classes, structure tower or not."""
    from protrek_hm.cli.board import twins

    folder, original = official
    columns = ("id_a", "id_b", "a", "b", "text_a", "text_b", "set", "kind", "control", "family", "split")
    wild = random_letters(90, 7)
    texts = ("A kinase binds glucose.", "A lyase binds heme.")
    rows = [
        (f"P:{at}", "P", f"{wild[:at]}W{wild[at + 1 :]}", wild, *texts, "one", "wild-type-mutant", "no", "F", "test")
        for at in (10, 40, 70)
        if wild[at] != "W"
    ]
    cases = tmp_path / "cases.csv"
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(cases)
    twins([cases], model=[str(folder)], output=tmp_path / "board", device="cpu")
    scores = pl.read_parquet(tmp_path / "board" / "scores.parquet")
    scores = scores.filter(row="ProTrek_tiny")
    text = original.towers["text"].get_repr(list(texts))
    proteins = original.towers["sequence"].get_repr([row[2] for row in rows])
    np.testing.assert_allclose(scores.select("aa", "ba").to_numpy(), proteins @ text.T, atol=1e-6)
    assert json.loads((tmp_path / "board" / "board.json").read_text())["rows"][0]["name"] == "ProTrek_tiny"
