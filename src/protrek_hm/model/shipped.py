"""The small models that come with the package, for trying things without a download."""

from pathlib import Path

SHIPPED = {
    "mini": "protrek-hm-mini, fine-tuned on twins",
    "mini-base": "the same before it saw twins: what fine-tuning starts from",
}
"""What can be given for a model's folder, and what it is."""


def shipped_model(name: str) -> Path | None:
    """Return the folder of a model that comes with the package, None if there is none of this name.

    >>> shipped_model("mini").name, shipped_model("ProTrek_650M")
    ('mini', None)
    """
    return Path(__file__).parent / "shipped_weights" / name if name in SHIPPED else None
