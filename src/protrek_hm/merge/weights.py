"""Interpolate and average the weights of models, in single precision."""

import copy
import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from protrek_hm.config import require
from protrek_hm.errors import ModelError
from protrek_hm.model.inputs import reader_of
from protrek_hm.model.protrek import ProTrek

_REMEDY = "merge a base only with models that were tuned from it"
# What decides on the numbers beside the weights, or names a difference in plainer words than a shape does
_COMPUTES = (
    "model_type",
    "num_hidden_layers",
    "hidden_size",
    "num_attention_heads",
    "hidden_act",
    "position_embedding_type",
    "token_dropout",
)


def merge_models(base: ProTrek, tuned: ProTrek | Sequence[ProTrek], *, alpha: float) -> ProTrek:
    """Return a new model whose weights are (1 - alpha) · base + alpha · tuned; so is its temperature.

    Weights that are equal in both stay as they are, to the bit. Wortsman et al., "Robust fine-tuning of
    zero-shot models" (WiSE-FT), 2022.

    Parameters
    ----------
    base
        The model before fine-tuning.
    tuned
        A model tuned from it; of several, their `average_models` is taken.
    alpha
        In [0, 1]; 0 gives exactly the base's weights, 1 exactly the tuned ones.

    Raises
    ------
    OptionError
        If `alpha` lies outside [0, 1].
    ModelError
        If the models differ in towers, shapes or tokenizers.
    """
    require("alpha", alpha, "must lie in [0, 1]", holds=0 <= alpha <= 1)
    return _between(base, tuned if isinstance(tuned, ProTrek) else average_models(tuned), alpha, "the tuned model")


def average_models(models: Sequence[ProTrek]) -> ProTrek:
    """Return the model whose weights, and temperature, are the mean of theirs.

    Wortsman et al., "Model soups", 2022: the uniform soup.

    Raises
    ------
    ModelError
        If there is none, or they differ in towers, shapes or tokenizers.
    """
    if not models:
        raise ModelError("there is no model to merge with", "give at least one")
    mean = models[0]
    for number, model in enumerate(models[1:], start=2):
        mean = _between(mean, model, 1 / number, f"tuned model {number}")
    return mean


def check_alike(base: ProTrek, other: ProTrek, *, name: str) -> None:
    """Make sure that two models can be averaged; messages call the `other` by its name.

    Raises
    ------
    ModelError
        If they differ in towers, in what these compute, in tokenizers or in the shape of a weight.
    """
    if base.tasks != other.tasks:
        raise _difference(name, "towers", ", ".join(other.tasks), ", ".join(base.tasks))
    for task in base.tasks:
        ours, theirs = (reader_of(model.routes[task]) for model in (base, other))
        for setting in _COMPUTES:
            values = [getattr(tower.model.config, setting, None) for tower in (theirs, ours)]
            if values[0] != values[1]:
                raise _difference(name, f"the {task} tower's {setting}", *values)
        if _pieces(ours.tokenizer) != _pieces(theirs.tokenizer):
            raise ModelError(f"{name} has another tokenizer for {task}", _REMEDY)
    shapes, others = ({key: tuple(each.shape) for key, each in model.state_dict().items()} for model in (base, other))
    for key in sorted(shapes.keys() | others.keys()):
        if shapes.get(key) != others.get(key):
            raise _difference(name, f"the shape of {key}", others.get(key), shapes.get(key))


def _between(start: ProTrek, end: ProTrek, alpha: float, name: str) -> ProTrek:
    """Return a new model on the line from `start` to `end`, of the wider type of the two; `name` is the end's."""
    check_alike(start, end, name=name)
    made = copy.deepcopy(start).to(torch.promote_types(*(next(model.parameters()).dtype for model in (start, end))))
    goal = end.state_dict()
    weights = {key: _lerp(weight, goal[key].to(weight.device), alpha) for key, weight in start.state_dict().items()}
    made.load_state_dict(weights)
    made.temperature = (1 - alpha) * start.temperature + alpha * end.temperature
    return made


def _lerp(start: Tensor, end: Tensor, alpha: float) -> Tensor:
    if alpha in (0, 1):  # without arithmetic, which may turn -0.0 into 0.0
        return end if alpha else start
    if not start.is_floating_point():  # numbers of positions and the like, the same in both
        return start
    return start.float().lerp(end.float(), alpha)


def _pieces(tokenizer: Any) -> Any:
    """Return the vocabulary and rules of a tokenizer, without its padding."""
    content = json.loads(tokenizer.backend_tokenizer.to_str()) if tokenizer.is_fast else {}
    rules = {key: content.get(key) for key in ("normalizer", "pre_tokenizer", "post_processor", "added_tokens")}
    return tokenizer.get_vocab(), rules


def _difference(name: str, what: str, value: object, wanted: object) -> ModelError:
    return ModelError(f"{name} differs in {what}: {value} against {wanted}", _REMEDY)
