"""`protrek-hm serve` and `mcp`: the search over HTTP, with a page, and to an assistant by stdio."""

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
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Hold an index of shards on a Ray cluster: `auto` for this machine's, HOST:PORT, or `local`."
        ),
    ] = None,
    model: ModelOfIndex = None,
    device: Device = None,
) -> None:
    """Answer searches over HTTP, for programs and for people. Only this machine is answered unless told otherwise."""
    keys = (*(api_keys or ()), *(read_keys(key_file) if key_file else ()))
    settings = replace(settings, api_keys=keys) if keys else settings

    from protrek_hm.serve.run import Opening, serve_index

    serve_index(Opening(index, model, device), settings, cluster=cluster)


_OF_HTTP = (
    "host port workers replicas shard_cpus api_keys allow_hosts max_queries max_hits max_letters max_body_bytes "
    "max_answer_bytes max_upload_bytes max_waiting batch_wait grace"
).split()


@with_settings(ServeConfig, table="serve", without=_OF_HTTP)
def mcp(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    *,
    settings: ServeConfig,
    model: ModelOfIndex = None,
    device: Device = None,
) -> None:
    """Answer an assistant by stdin and stdout (MCP)."""
    from protrek_hm.serve.mcp import answer_on_stdio

    answer_on_stdio(index, settings, model=model, device=device)
