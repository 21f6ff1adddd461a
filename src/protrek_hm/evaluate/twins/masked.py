"""Masked marginals of mutants: what a masked language model of proteins thinks of their substitutions."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from protrek_hm.errors import FileFormatError, MissingFileError

MOST_RESIDUES = 1022
"""Residues that the model sees of a longer protein: those around the substitution."""


def masked_marginals(folder: Path, wild_types: Mapping[str, str], *, batch_size: int = 16) -> dict[str, float]:
    """Return for each mutant how much less likely its residues are than the wild type's, in nats, summed.

    Each position is masked in the wild type alone, and the log odds of wild type to mutant are added up (Meier et al.
    2021, "Language models enable zero-shot prediction of the effects of mutations on protein function", masked
    marginals).

    Parameters
    ----------
    folder
        A model of transformers with a masked-language head, such as `EsmForMaskedLM.save_pretrained` writes it, and its
        tokenizer.
    wild_types
        Mutant → wild type; those of another length than it are left out.
    batch_size
        Masked proteins at once.

    Raises
    ------
    MissingFileError, FileFormatError
        If there is no such model.
    """
    model, tokenizer = _load(folder)
    changed = {mutant: _substitutions(mutant, wild) for mutant, wild in wild_types.items() if len(mutant) == len(wild)}
    wanted = sorted(
        {(wild_types[mutant], at) for mutant, found in changed.items() for at, _, _ in found},
        key=lambda each: (len(each[0]), each),
    )
    odds: dict[tuple[str, int], Float[np.ndarray, " vocabulary"]] = {}
    for batch in _batches(wanted, batch_size):
        odds.update(zip(batch, _log_probabilities(model, tokenizer, batch), strict=True))
    code = tokenizer.get_vocab()
    unknown = code[tokenizer.unk_token]

    def log_odds(wild: str, found: list[tuple[int, str, str]]) -> float:
        gaps = (
            odds[wild, at][code.get(one, unknown)] - odds[wild, at][code.get(other, unknown)]
            for at, one, other in found
        )
        return float(sum(gaps))

    return {mutant: log_odds(wild_types[mutant], found) for mutant, found in changed.items()}


def _substitutions(mutant: str, wild_type: str) -> list[tuple[int, str, str]]:
    pairs = enumerate(zip(wild_type, mutant, strict=True))
    return [(at, one, other) for at, (one, other) in pairs if one != other]


def require_folder(folder: Path) -> None:
    """Raise MissingFileError unless the folder is there; long work comes first otherwise."""
    if not folder.is_dir():
        raise MissingFileError(folder, "give the folder of a model with a masked-language head, such as ESM-2")


def _load(folder: Path) -> tuple[Any, Any]:
    require_folder(folder)
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    try:
        model, report = AutoModelForMaskedLM.from_pretrained(folder, local_files_only=True, output_loading_info=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise FileFormatError(folder, f"no masked language model ({reason[0]})", "give another folder") from error
    headless = [name for name in report["missing_keys"] if "lm_head" in name or name.startswith("cls.")]
    if headless:
        problem = f"has no masked-language head ({headless[0]} is missing)"
        raise FileFormatError(folder, problem, "give the folder of the whole model")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return model.float().eval().to(device), tokenizer


def _batches(wanted: list[tuple[str, int]], size: int) -> Iterator[list[tuple[str, int]]]:
    for start in range(0, len(wanted), size):
        yield wanted[start : start + size]


def _log_probabilities(model: Any, tokenizer: Any, batch: list[tuple[str, int]]) -> Float[np.ndarray, "batch letters"]:
    """Return the log probabilities of all tokens at the masked place of each protein."""
    import torch

    seen = []
    for wild, at in batch:
        start = max(0, min(at - MOST_RESIDUES // 2, len(wild) - MOST_RESIDUES))
        letters = [*wild[start : start + MOST_RESIDUES]]
        letters[at - start] = tokenizer.mask_token
        seen.append(" ".join(letters))
    tokens = tokenizer(seen, return_tensors="pt", padding=True).to(model.device)
    with torch.inference_mode():
        logits = model(**tokens).logits.double().log_softmax(dim=-1)
    masked = tokens["input_ids"] == tokenizer.mask_token_id
    return np.asarray(logits[masked].cpu().numpy())
