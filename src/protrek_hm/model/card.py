"""The model card: README.md of a saved model, as the hub shows it, and what it says of a tower."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_USE = """## Use

```python
from protrek_hm.model import ProTrek

model = ProTrek.from_pretrained("this folder")
print(model.score(["Hydrolyses penicillins."], ["MSIQHFRVALIPFFAAFCLPVFA"]))  # cosines
```

It is a SentenceTransformer, too:

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("this folder")
text = model.encode("Hydrolyses penicillins.", task="text")
protein = model.encode("MSIQHFRVALIPFFAAFCLPVFA", task="sequence")
print(model.similarity(text, protein))
```

Without a task that the model has, SentenceTransformer raises an error. It reads letters that are no residues as
unknown ones; `ProTrek` refuses them.
"""


def write_card(folder: Path, made_of: Mapping[str, Any]) -> None:
    """Write README.md; made_of: as `ProTrek.describe` returns it."""
    (folder / "README.md").write_text(make_card(made_of), encoding="utf-8")


def make_card(made_of: Mapping[str, Any]) -> str:
    """Return the card of a model; made_of: as `ProTrek.describe` returns it."""
    head = ["library_name: sentence-transformers", "pipeline_tag: feature-extraction"]
    if made_of["license"]:
        head.append(f"license: {made_of['license']}")
    head.append("tags: [protein, ProTrek, ProTrek-HM]")
    rows = [
        f"| {route} | {tower['encoder']} | {tower['layers']} × {tower['hidden']} | {tower['vocabulary']:,} "
        f"| {tower['max_tokens']:,} | {tower['parameters']:,} |"
        for route, tower in made_of["towers"].items()
    ]
    steps = [f"{number}. {_describe_step(step)}" for number, step in enumerate(made_of["history"], start=1)]
    return "\n".join(
        [
            "---",
            *head,
            "---",
            "# A ProTrek model",
            "",
            f"{_enumerate(list(made_of['towers']))} in one space of {made_of['dimension']:,} dimensions. Scores are",
            f"cosines; ProTrek's own scale divides them by the temperature {made_of['temperature']:.6g}.",
            "",
            "| tower | encoder | layers × width | vocabulary | longest input, tokens | parameters |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            f"Fingerprint `{made_of['fingerprint']}` (weights; all else that vectors depend on).",
            f"Licence: {made_of['license'] or 'not stated'}.",
            "",
            "## What was done to the weights",
            "",
            *(steps or ["Not recorded."]),
            "",
            _USE,
        ]
    )


def describe_tower(config: Mapping[str, Any], *, parameters: int, max_tokens: int) -> dict[str, Any]:
    """Return the make of a tower; config: its encoder's settings, under whichever names they have there.

    >>> tower = {"architectures": ["EsmModel"], "num_hidden_layers": 12, "hidden_size": 480, "vocab_size": 33}
    >>> describe_tower(tower, parameters=1000, max_tokens=512)
    {'encoder': 'EsmModel', 'layers': 12, 'hidden': 480, 'vocabulary': 33, 'max_tokens': 512, 'parameters': 1000}
    """
    return {
        "encoder": next(iter(config.get("architectures") or ()), config.get("model_type")),
        "layers": config.get("num_hidden_layers", config.get("n_layers")),
        "hidden": config.get("hidden_size", config.get("dim")),
        "vocabulary": config.get("vocab_size"),
        "max_tokens": max_tokens,
        "parameters": parameters,
    }


def _describe_step(step: Mapping[str, Any]) -> str:
    facts = ", ".join(f"{name} {json.dumps(value)}" for name, value in step.items() if name != "step")
    return f"**{step.get('step')}**" + (f": {facts}" if facts else "")


def _enumerate(routes: list[str]) -> str:
    words = {"text": "texts", "sequence": "protein sequences", "structure": "3Di structures"}
    named = [words.get(route, route) for route in routes]
    listed = " and ".join([", ".join(named[:-1]), named[-1]])
    return listed[0].upper() + listed[1:]
