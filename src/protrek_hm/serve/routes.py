"""The addresses: each parses, calls the service, and answers.

Answers are written by a thread: a large one would keep all others waiting. What they look like is declared, and tested.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.datastructures import UploadFile

from protrek_hm.serve.answers import dump
from protrek_hm.serve.metrics import Metrics
from protrek_hm.serve.problems import ProblemError
from protrek_hm.serve.schemas import (
    BatchAnswer,
    BatchRequest,
    DescribeAnswer,
    DescribeRequest,
    ExplainRequest,
    ProblemAnswer,
    ScoreAnswer,
    ScoreRequest,
    SearchAnswer,
    SearchRequest,
    StructureAnswer,
)
from protrek_hm.serve.service import Service

_CHAIN = 16  # characters of a chain's name
_PROBLEMS = {
    400: "What was asked makes no sense.",
    401: "An API key is missing.",
    413: "The request is too large.",
    422: "The request has another form.",
    429: "Too many wait.",
    503: "The model failed, or took too long.",
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemAnswer, "description": meaning} for status, meaning in _PROBLEMS.items()
}
_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "PDB, mmCIF or BinaryCIF."},
                        "chain": {"type": "string", "description": "The author's name; the first where missing."},
                    },
                }
            }
        },
    }
}


def api_routes(service: Service) -> APIRouter:
    """Return what is below `/v1`."""
    router = APIRouter(prefix="/v1", responses=RESPONSES)

    @router.post("/search", responses={200: {"model": SearchAnswer}})
    async def search(request: SearchRequest) -> Response:
        """Rank proteins or texts by how well they fit a text, a sequence or a structure."""
        return await _written(await service.search(request))

    @router.post("/batch", responses={200: {"model": BatchAnswer}})
    async def batch(request: BatchRequest) -> Response:
        """Answer several questions of one kind."""
        return await _written(await service.batch(request))

    @router.post("/score", responses={200: {"model": ScoreAnswer}})
    async def score(request: ScoreRequest) -> Response:
        """Score every text with every sequence, whether or not they are in the index."""
        return await _written(await service.score(request))

    @router.post("/explain")
    async def explain(request: ExplainRequest) -> Response:
        """Align two proteins, and say which differences make one of them fit a text better."""
        return await _written(await service.explain(request))

    @router.post("/describe", responses={200: {"model": DescribeAnswer}})
    async def describe(request: DescribeRequest) -> Response:
        """Say what proteins do by the texts of the index, with the nearest labelled homolog beside them."""
        return await _written(await service.describe(request))

    @router.post("/structure", response_model=StructureAnswer, openapi_extra=_UPLOAD)
    async def structure(request: Request) -> dict[str, Any]:
        """Read an uploaded structure: its sequence, and the 3Di letters that are a query by structure."""
        async with request.form(max_files=1, max_fields=4) as form:
            upload, chain = form.get("file"), form.get("chain")
            if not isinstance(upload, UploadFile):
                remedy = "send multipart/form-data with a structure as `file`"
                raise ProblemError(422, "file", "there is no file in the request", remedy)
            if not isinstance(chain, str | None) or not (chain or "A").isprintable() or len(chain or "") > _CHAIN:
                raise ProblemError(422, "chain", "this is no name of a chain", "leave it out, or send one such as A")
            return await service.structure(upload.file, chain or None)

    @router.get("/index")
    async def index() -> dict[str, Any]:
        """Say what the index holds, which columns `where` knows, and the limits of requests."""
        return service.index()

    return router


async def _written(answer: dict[str, Any]) -> Response:
    return Response(await asyncio.to_thread(dump, answer), media_type="application/json")


def health_routes(service: Service, metrics: Metrics) -> APIRouter:
    """Return what watches over the server ask for."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Say that the server is up."""
        return {"status": "ok"}

    @router.get("/metrics", response_class=PlainTextResponse, responses={401: RESPONSES[401]})
    async def counts() -> Response:
        """Return counts for Prometheus."""
        metrics.waiting.set(service.waiting)
        return Response(metrics.page(), media_type=CONTENT_TYPE_LATEST)

    return router
