"""`protrek-hm serve`: the search over HTTP, with a page."""

from pathlib import Path
from typing import Annotated

import typer

from protrek_hm.cli.options import Device, ModelOfIndex


def serve(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    *,
    host: Annotated[
        str | None, typer.Option(help="Address to listen at; 0.0.0.0 lets other machines in. [default: 127.0.0.1]")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 is any free one. [default: 8000]")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes, each with a model of its own. [default: 1]")] = None,
    api_key: Annotated[
        list[str] | None, typer.Option(help="Key that lets requests in; repeatable, and seen by `ps`.")
    ] = None,
    api_keys: Annotated[Path | None, typer.Option(help="File of keys, one a line; # begins a remark.")] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Name that the server answers to; repeatable. [default: localhost, or all]")
    ] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds until a request is given up. [default: 60]")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Queries answered together. [default: 32]")] = None,
    max_waiting: Annotated[int | None, typer.Option(help="Queries that wait, at most. [default: 1024]")] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file with a table [serve], also for further limits; flags beat it.")
    ] = None,
    model: ModelOfIndex = None,
    device: Device = None,
) -> None:
    """Answer searches over HTTP, for programs and for people; for this machine only unless told otherwise."""
    from protrek_hm.config import read_toml, resolve
    from protrek_hm.serve.config import ServeConfig, read_keys

    keys = (*(api_key or ()), *(read_keys(api_keys) if api_keys else ()))
    flags = {
        "host": host,
        "port": port,
        "workers": workers,
        "api_keys": keys or None,
        "allow_hosts": tuple(allow_host) if allow_host else None,
        "timeout": timeout,
        "batch_size": batch_size,
        "max_waiting": max_waiting,
    }
    settings = resolve(ServeConfig, read_toml(config, "serve"), flags)

    from protrek_hm.serve.run import Opening, serve_index

    serve_index(Opening(index, model, device), settings)
