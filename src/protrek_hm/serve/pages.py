"""What browsers are given: the search page's files, and a description of the interface; nothing comes from elsewhere.

Files are read once: no path of a request reaches the file system. The description is made from the OpenAPI document;
why it is a page of our own stands in `docs/decisions/web-page.md`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from jinja2 import Environment, StrictUndefined
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


Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """A field of a request."""

    name: str
    kind: str
    needed: bool
    default: str
    meaning: str


@dataclass(frozen=True)
class Operation:
    """An address with a method: what it takes, an example, and the names in its answer."""

    method: str
    path: str
    description: str
    fields: list[Field]
    command: str
    answer: list[str]

    @property
    def anchor(self) -> str:
        """Its name in the page's address."""
        return self.path.strip("/").replace("/", "-")


def reference_page(document: Schema, *, url: str, locked: bool) -> str:
    """Write the page.

    Parameters
    ----------
    document
        The OpenAPI document.
    url
        The server's, for the examples.
    locked
        Whether requests need a key.
    """
    source = files("protrek_hm.serve").joinpath("reference.html").read_text(encoding="utf-8")
    template = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(source)
    operations = list(_operations(document, url.rstrip("/"), key=" -H 'Authorization: Bearer KEY'" if locked else ""))
    return template.render(operations=operations, locked=locked, **document["info"])


def _operations(document: Schema, url: str, *, key: str) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            [(kind, body)] = operation.get("requestBody", {}).get("content", {"": {}}).items()
            schema = _resolved(document, body.get("schema", {}))
            fields = [_field(document, schema, name, each) for name, each in schema.get("properties", {}).items()]
            fields.sort(key=lambda field: not field.needed)
            if kind == "application/json":
                given = json.dumps(_example(schema), ensure_ascii=False).replace("'", "'\\''")
                data = f" --json '{given}'"
            else:
                data = " -F file=@model.cif" if kind else ""
            success = operation["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {})
            answer = list(_resolved(document, success).get("properties", {}))
            description = " ".join(operation.get("description", "").split())
            yield Operation(method.upper(), path, description, fields, f"curl -s {url}{path}{key}{data}", answer)


def _field(document: Schema, schema: Schema, name: str, each: Schema) -> Field:
    needed = name in schema.get("required", ())
    return Field(name, _kind(document, each), needed, json.dumps(each.get("default")), each.get("description", ""))


def _kind(document: Schema, schema: Schema) -> str:
    """Say in words what a value may be.

    >>> _kind({}, {"anyOf": [{"type": "string"}, {"type": "null"}]}), _kind({}, {"enum": ["text", "sequence"]})
    ('string or null', '"text" or "sequence"')
    >>> _kind({}, {"type": "array", "items": {"type": "string"}})
    'list of string'
    >>> _kind({}, {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "integer"}]})
    'list of integer, integer'
    """
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        return " or ".join(_kind(document, each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(json.dumps(each) for each in schema["enum"])
    if "prefixItems" in schema:
        return f"list of {', '.join(_kind(document, each) for each in schema['prefixItems'])}"
    if schema.get("type") == "array":
        return f"list of {_kind(document, schema['items'])}"
    return "file" if schema.get("format") == "binary" else str(schema.get("type", "anything"))


def _example(schema: Schema) -> dict[str, Any]:
    """Return a request with the fields that must be given."""
    properties = schema["properties"]
    return {name: properties[name].get("examples", ["P12345"])[0] for name in schema.get("required", ())}


def _resolved(document: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found = document
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found
