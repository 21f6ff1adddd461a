"""Flags that several commands have."""

from typing import Annotated

import typer

ModelOrMini = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="Folder or hub name of the model; mini, which comes with the package, is for trying things.",
    ),
]
"""With the default "mini"."""
