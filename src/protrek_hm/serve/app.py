"""The application: door, addresses, page and the words for what goes wrong."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from protrek_hm.search.searcher import Searcher
from protrek_hm.serve.config import ServeConfig
from protrek_hm.serve.guard import Guard
from protrek_hm.serve.mcp import PATH, McpEndpoint
from protrek_hm.serve.metrics import Metrics
from protrek_hm.serve.problems import ProblemError, status_problem, validation_problem
from protrek_hm.serve.reference import reference_page
from protrek_hm.serve.routes import api_routes, health_routes
from protrek_hm.serve.service import Service
from protrek_hm.serve.static import page_routes


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

    app.add_exception_handler(ProblemError, _tell_problem)
    app.add_exception_handler(RequestValidationError, _tell_validation)
    app.add_exception_handler(HTTPException, _tell_http)
    app.add_exception_handler(Exception, _tell_fault)
    app.add_middleware(Guard, config=config, metrics=metrics)
    return app


async def _tell_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return error.response()


async def _tell_validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return validation_problem(error.errors()).response()


async def _tell_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = error.detail
    problem = detail if isinstance(detail, ProblemError) else status_problem(error.status_code, str(detail))
    return problem.response()


async def _tell_fault(_: Request, __: Exception) -> JSONResponse:
    """Tell that a fault is ours; its trace goes to the log alone."""
    remedy = "ask otherwise; whoever runs the server finds what happened in its log"
    return ProblemError(500, None, "the server has a fault", remedy).response()
