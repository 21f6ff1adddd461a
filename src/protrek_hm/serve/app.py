"""The application: its addresses with the guard before them, the pages, and the answers to errors.

Each address parses, calls the service, and answers. Answers are written by a thread: a large one would keep all others
waiting. What they look like is declared, and tested.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.routing import Route

from protrek_hm.search.searcher import Searcher
from protrek_hm.serve.answers import dump
from protrek_hm.serve.config import ServeConfig
from protrek_hm.serve.guard import Guard, Metrics
from protrek_hm.serve.mcp import PATH, McpEndpoint
from protrek_hm.serve.pages import page_routes, reference_page
from protrek_hm.serve.problems import ProblemError, status_problem, validation_problem
from protrek_hm.serve.schemas import (
    BatchAnswer,
    BatchRequest,
    DescribeAnswer,
    DescribeRequest,
    ExplainRequest,
    FamilyAlignmentAnswer,
    FamilyRequest,
    ProblemAnswer,
    ScanAnswer,
    ScanRequest,
    ScoreAnswer,
    ScoreRequest,
    SearchAnswer,
    SearchRequest,
    StructureAnswer,
)
from protrek_hm.serve.service import Service

_CHAIN = 16  # characters of a chain's name
_PROBLEMS = {
    400: "A field is wrong, or asks for too much.",
    401: "No valid API key.",
    413: "The request is too large.",
    422: "The body has another form.",
    429: "Too many requests wait.",
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


def create_app(
    searcher: Searcher, config: ServeConfig | None = None, *, watch: Callable[[float | None], None] = lambda _: None
) -> FastAPI:
    """Make the application that answers from `searcher`; it holds a thread until its lifespan ends.

    Parameters
    ----------
    searcher
        An open index with its model.
    config
        Limits, keys, and the names it answers to; the defaults where None.
    watch
        Called with the seconds that some work may take before it begins, and with None when it has ended.
    """
    config = config or ServeConfig()
    metrics = Metrics()
    service = Service(searcher, config, observe=metrics.batches.observe, watch=watch)

    assistants = McpEndpoint(service)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with assistants.running():
            yield
        service.close()

    app = FastAPI(
        title="ProTrek-HM",
        version=version("protrek-hm"),
        description="Search proteins by words and tell twins apart.",
        lifespan=lifespan,
        docs_url=None,  # those pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.service = service
    app.include_router(api_routes(service))
    app.include_router(health_routes(service, metrics))
    app.router.routes.append(Route(PATH, assistants))
    app.router.routes.extend(page_routes())

    @app.get("/docs", include_in_schema=False, response_class=HTMLResponse)
    async def reference(request: Request) -> str:
        return reference_page(app.openapi(), url=str(request.base_url), locked=bool(config.api_keys))

    for kind in (ProblemError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _tell)
    app.add_middleware(Guard, config=config, metrics=metrics)
    return app


def api_routes(service: Service) -> APIRouter:
    """Return the addresses below `/v1`."""
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

    @router.get("/index")
    async def index() -> dict[str, Any]:
        """Say what the index holds, which columns `where` knows, and the limits of requests."""
        return service.index()

    _add_protein_routes(router, service)
    return router


def _add_protein_routes(router: APIRouter, service: Service) -> None:
    """Add the addresses for questions about one protein or two."""

    @router.post("/explain")
    async def explain(request: ExplainRequest) -> Response:
        """Align two proteins, and say which differences make one of them fit a text better."""
        return await _written(await service.explain(request))

    @router.post("/family", responses={200: {"model": FamilyAlignmentAnswer}})
    async def family(request: FamilyRequest) -> Response:
        """Align the members of a family with the first, and say what each difference is worth for a text."""
        return await _written(await service.family(request))

    @router.post("/scan", responses={200: {"model": ScanAnswer}})
    async def scan(request: ScanRequest) -> Response:
        """Score every single substitution of a protein towards a text, or from one text towards another."""
        return await _written(await service.scan(request))

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
                raise ProblemError(422, "chain", "not the name of a chain", "leave it out, or send one such as A")
            return await service.structure(upload.file, chain or None)


async def _written(answer: dict[str, Any]) -> Response:
    return Response(await asyncio.to_thread(dump, answer), media_type="application/json")


def health_routes(service: Service, metrics: Metrics) -> APIRouter:
    """Return the addresses for monitoring."""
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


async def _tell(_: Request, error: Exception) -> JSONResponse:
    """Answer an error as a problem; of an unexpected one the trace goes to the log alone."""
    if isinstance(error, HTTPException) and isinstance(error.detail, ProblemError):
        problem = error.detail
    elif isinstance(error, HTTPException):
        problem = status_problem(error.status_code, error.detail)
    elif isinstance(error, RequestValidationError):
        problem = validation_problem(error.errors())
    elif isinstance(error, ProblemError):
        problem = error
    else:
        remedy = "try another request; the server's log holds the details"
        problem = ProblemError(500, None, "internal server error", remedy)
    return problem.response()
