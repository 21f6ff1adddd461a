"""`protrek-hm serve`: the search over HTTP, with a page."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from protrek_hm.cli.flags import Device, ModelOfIndex, with_settings
from protrek_hm.serve.config import ServeConfig, read_keys


@with_settings(ServeConfig, table="serve", names={"allow_hosts": "--allow-host"}, without=("api_keys",))
def serve(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    *,
    settings: ServeConfig,
    api_keys: Annotated[
        list[str] | None, typer.Option("--api-key", help="Key that lets requests in; repeatable, and seen by `ps`.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option("--api-keys", help="File of keys, one a line; # begins a remark.")
    ] = None,
    model: ModelOfIndex = None,
    device: Device = None,
) -> None:
    """Answer searches over HTTP, for programs and for people. Only this machine is answered unless told otherwise."""
    keys = (*(api_keys or ()), *(read_keys(key_file) if key_file else ()))
    settings = replace(settings, api_keys=keys) if keys else settings

    from protrek_hm.serve.run import Opening, serve_index

    serve_index(Opening(index, model, device), settings)
