"""The page's files, read once: no path of a request reaches the file system."""

from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_KINDS = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "webmanifest": "application/manifest+json",
}


def page_routes() -> list[Route]:
    """Return a route for each file of the page; `index.html` is at `/`.

    >>> "/style.css" in [route.path for route in page_routes()]
    True
    """
    found = sorted(_walk(files("protrek_hm.serve").joinpath("page"), ""))
    return [_route("/" if name == "index.html" else f"/{name}", content, kind) for name, content, kind in found]


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes, str]]:
    for entry in folder.iterdir():
        kind = _KINDS.get(entry.name.rpartition(".")[2])
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif kind is not None:
            yield prefix + entry.name, entry.read_bytes(), kind


def _route(path: str, content: bytes, kind: str) -> Route:
    tag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=kind, headers=headers)

    return Route(path, answer)
