"""Convert between ProTrek's own layout and ours; ProTrek's code loads the result with strict names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import torch
from sentence_transformers.base.modules import Dense
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor, nn
from transformers import BertModel, BertTokenizer, EsmModel
from transformers.models.esm.modeling_esm import EsmLMHead

from protrek_hm.errors import ModelError
from protrek_hm.files import new_folder, refuse_existing, write_json
from protrek_hm.model.config import require_license
from protrek_hm.model.locate import CHECKPOINT, find_model, is_official
from protrek_hm.model.official import EMBEDDINGS, ENCODERS, LM_HEAD, PLACES, TEMPERATURE, OfficialParts
from protrek_hm.model.protrek import ProTrek
from protrek_hm.model.tokenizers import vocabulary_lines

_NOT_THERE = ("contact_head.", "rotary_embeddings.")  # ProTrek removes the one, and has the other in each layer
_FOLDERS = {"sequence": "esm2_t{}", "text": "bert_t{}", "structure": "foldseek_t{}"}
_MARKS = ("cls_token", "eos_token", "sep_token", "pad_token", "unk_token", "mask_token")


def write_official(model: ProTrek, folder: Path, *, name: str) -> None:
    """Write `model` into the empty `folder` as ProTrek does; the checkpoint is called `name`.pt.

    What came with a model of ProTrek's own is given back as it was. For others, the heads for masked letters are
    fresh, and the buffers are those of transformers 4.28, which ProTrek asks for.

    Raises
    ------
    ModelError
        If ProTrek's code has no such tower.
    """
    tensors = {TEMPERATURE: torch.tensor(model.temperature)}
    for route, tower in sorted(model.routes.items(), key=lambda item: PLACES[item[0]]):
        transformer, dense = _check_tower(route, tower)
        tensors |= _tower_tensors(route, transformer.auto_model, dense, model.official)
        layers = transformer.config.num_hidden_layers
        names = {} if model.official is None else model.official.folders
        _write_settings(folder / names.get(route, _FOLDERS[route].format(layers)), transformer)
    torch.save({"model": tensors}, folder / f"{name}{CHECKPOINT}")
    head = f"license: {model.license}\n" if model.license else ""
    (folder / "README.md").write_text(f"---\n{head}tags: [protein, ProTrek]\n---\nA ProTrek model.\n", encoding="utf-8")


def _check_tower(route: str, tower: nn.Module) -> tuple[Any, Dense]:
    """Return encoder and projection, if they are of the architecture that ProTrek has for the route."""
    transformer, pooling, dense = (*cast("Any", tower), None, None, None)[:3]
    kind = BertModel if route == "text" else EsmModel
    if type(transformer.auto_model) is not kind:
        found = type(transformer.auto_model).__name__
        raise ModelError(f"the {route} tower is a {found}, ProTrek's is a {kind.__name__}", "keep it as it is")
    if route == "text" and not isinstance(transformer.tokenizer, BertTokenizer):
        raise ModelError("the text tower's words are not BERT's, as ProTrek's are", "keep it as it is")
    linear = isinstance(dense, Dense) and isinstance(dense.activation_function, nn.Identity) and dense.bias
    if not (linear and isinstance(pooling, Pooling) and pooling.pooling_mode == "cls"):
        raise ModelError(f"the {route} tower does not project its first token, as ProTrek's does", "keep it as it is")
    return transformer, dense


def _tower_tensors(route: str, encoder: Any, dense: Dense, parts: OfficialParts | None) -> dict[str, Tensor]:
    place = f"{PLACES[route]}."
    inner = place + ENCODERS[route]
    ours = encoder.state_dict()
    tensors = {inner + name: tensor for name, tensor in ours.items() if not name.startswith(_NOT_THERE)}
    tensors |= {f"{place}out.{name}": tensor for name, tensor in dense.linear.state_dict().items()}
    weights = {name: tensor.detach().to("cpu", torch.float32).contiguous() for name, tensor in tensors.items()}
    kept = {} if parts is None else {name: each for name, each in parts.tensors.items() if name.startswith(place)}
    if route != "text":
        # Tied to the embeddings, as these are now; unless it came untied
        weights[f"{place}{LM_HEAD}decoder.weight"] = weights[inner + EMBEDDINGS]
        if not any(name.startswith(place + LM_HEAD) for name in kept):
            weights |= {place + LM_HEAD + name: tensor for name, tensor in _fresh_head(encoder.config).items()}
    if parts is None:
        weights |= {inner + name: tensor for name, tensor in _buffers(encoder, ours).items()}
    return weights | kept


def _fresh_head(config: Any) -> dict[str, Tensor]:
    """Return an untrained head for masked letters, but for its last matrix, that of the embeddings."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = EsmLMHead(config).state_dict()  # type: ignore[no-untyped-call]
    return {name: tensor for name, tensor in head.items() if name != "decoder.weight"}


def _buffers(encoder: Any, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the buffers that transformers 4.28 saves: positions, and rotary frequencies in each layer."""
    buffers = {"embeddings.position_ids": torch.arange(encoder.config.max_position_embeddings)[None]}
    frequencies = tensors.get("rotary_embeddings.inv_freq")
    if frequencies is not None:
        for layer in range(encoder.config.num_hidden_layers):
            buffers[f"encoder.layer.{layer}.attention.self.rotary_embeddings.inv_freq"] = frequencies.cpu().clone()
    return buffers


def _write_settings(folder: Path, transformer: Any) -> None:
    """Write settings and vocabulary of a tower for old and new transformers alike."""
    folder.mkdir()
    is_text, tokenizer = type(transformer.auto_model) is BertModel, transformer.tokenizer
    config = {name: value for name, value in transformer.config.to_dict().items() if value is not None}
    for name in ("_name_or_path", "dtype", "transformers_version"):
        config.pop(name, None)
    config |= {"architectures": ["BertModel" if is_text else "EsmForMaskedLM"], "torch_dtype": "float32"}
    write_json(folder / "config.json", config)
    (folder / "vocab.txt").write_text(vocabulary_lines(tokenizer), encoding="utf-8")
    marks = {name: str(getattr(tokenizer, name)) for name in _MARKS if getattr(tokenizer, name, None) is not None}
    flags = {}
    if is_text:
        names = ("do_lower_case", "strip_accents", "tokenize_chinese_chars")
        flags = {"model_max_length": tokenizer.model_max_length, **{name: getattr(tokenizer, name) for name in names}}
    kind = "BertTokenizer" if is_text else "EsmTokenizer"
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": kind, **marks, **flags})
    write_json(folder / "special_tokens_map.json", marks)


Format = Literal["official", "sentence-transformers"]


def convert_model(
    source: str | Path, output: Path, *, to: Format | None = None, license: str | None = None, force: bool = False
) -> Format:
    """Write the model at `source` into the folder `output` in the other format, or in that of `to`; return which.

    source: as for `ProTrek.from_pretrained`. license: for the model card, where the source states none or another.

    Raises
    ------
    MissingFileError, FileFormatError
        If there is no model, or only a part of one.
    OptionError
        If `license` is not one word.
    ModelError
        If ProTrek's own code has no such towers.
    OutputExistsError, ProtectedOutputError, OutputError
        If `output` exists (without `force`), holds the source or other things than a model, or cannot be written.
    """
    require_license(license)
    refuse_existing(output, force=force, inputs=[source], folder=True)
    place = find_model(source)
    to = to or ("sentence-transformers" if is_official(place) else "official")
    model = ProTrek.from_pretrained(place, device="cpu")
    model.license = license or model.license
    with new_folder(output, force=force) as temporary:
        if to == "official":
            write_official(model, temporary, name=output.name)
        else:
            model.save_pretrained(str(temporary))
    return to
