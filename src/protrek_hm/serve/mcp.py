"""The search as tools for assistants: the Model Context Protocol at `/mcp`, over streamable HTTP without sessions.

The tools are the methods of the service, and their schemas those of REST. The protocol is spoken by its own SDK, an
extra: what it cost to do so, and why not by hand, stands in `docs/decisions/web-page.md`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.types import Receive, Scope, Send

from protrek_hm.serve.answers import Room, size
from protrek_hm.serve.problems import ProblemError, validation_problem
from protrek_hm.serve.schemas import DescribeRequest, ExplainRequest, ScanRequest, ScoreRequest, SearchRequest
from protrek_hm.serve.service import Service

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PATH = "/mcp"
_LONG = ("sequence", "structure")
_MOST = 2 << 20
"""Bytes of an answer: more is written while all others wait, and no assistant reads it."""


class SearchTool(SearchRequest):
    """A question of an assistant, which seldom wants to read the sequences."""

    sequences: bool = Field(default=False, description="Whether records hold sequences; explain needs ids only.")


class ScanTool(ScanRequest):
    """A scan for an assistant, which wants the few substitutions that stand out."""

    top: int = Field(default=20, ge=1, le=200, description="Substitutions of the highest, and of the lowest.")


class NoArguments(BaseModel):
    """Nothing to be said."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Tool:
    """What an assistant can call: its name, what it is for, its arguments, and what answers."""

    name: str
    description: str
    arguments: type[BaseModel]
    call: Callable[[Any], Awaitable[dict[str, Any]]]


def tools_of(service: Service) -> list[Tool]:
    """List the tools of a service."""

    async def search(request: SearchTool) -> dict[str, Any]:
        answer = await service.search(SearchRequest(**request.model_dump(exclude={"sequences"})))
        del answer["background"]
        if not request.sequences:
            for hit in (hit for family in answer["families"] for hit in family["hits"]):
                hit["record"] = {name: value for name, value in hit["record"].items() if name not in _LONG}
        return answer

    async def scan(request: ScanTool) -> dict[str, Any]:
        return await service.scan_best(ScanRequest(**request.model_dump(exclude={"top"})), request.top)

    async def index_info(_: NoArguments) -> dict[str, Any]:
        return service.index()

    return [
        Tool(
            "search",
            "Rank proteins (or texts) by how well they fit a description of a function, a sequence, or a structure in "
            "3Di letters. Near-identical proteins come as one family; decided says what ordered its members if not "
            "their ranks. A text is compared with the words and meaning of records, too: matched says what they share. "
            "score is the cosine of the model; an e_value far above 1 means that chance gives as much.",
            SearchTool,
            search,
        ),
        Tool(
            "score",
            "Cosine of every text with every amino acid sequence, whether or not they are in the index.",
            ScoreRequest,
            service.score,
        ),
        Tool(
            "explain",
            "Compare two near-identical proteins for a text: alignment, both scores, and what each substitution is "
            "worth (change: the score of a when it alone is as in b, less the score of a).",
            ExplainRequest,
            service.explain,
        ),
        Tool(
            "scan",
            "Score every single substitution of a protein, or of a region of it, towards a text (with from_text: from "
            "that function to the other), and name those that score highest and lowest. model: change of the cosine; "
            "head: preference of the twin head, null where the model has none. A lead, not a measurement. The model "
            "encodes 19 variants a residue: name a region, or ask for signals: head alone.",
            ScanTool,
            scan,
        ),
        Tool(
            "describe",
            "Say what a protein does by the texts of the index, with the nearest labelled homolog and its identity.",
            DescribeRequest,
            service.describe,
        ),
        Tool(
            "index_info",
            "What the index holds: model, counts, the columns that `where` knows, and limits. Call it first.",
            NoArguments,
            index_info,
        ),
    ]


class McpEndpoint:
    """An ASGI application that answers while `running`; without the SDK it says what to install."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take requests until the context ends."""
        if find_spec("mcp") is None:
            yield
            return
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        manager = StreamableHTTPSessionManager(
            _server(tools_of(self._service)),
            json_response=True,
            stateless=True,
            max_request_body_size=self._service.config.max_body_bytes,
        )
        async with manager.run():
            self._manager = manager
            try:
                yield
            finally:
                self._manager = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._manager is None:
            remedy = "whoever runs it can install protrek-hm[mcp]; REST is at /v1"
            problem = ProblemError(501, None, "this server does not speak the Model Context Protocol", remedy)
            await problem.response()(scope, receive, send)
            return
        await self._manager.handle_request(scope, receive, send)


def _server(tools: list[Tool]) -> "Server[Any]":
    from mcp import types
    from mcp.server.lowlevel import Server

    by_name = {tool.name: tool for tool in tools}

    async def list_tools(_: Any, __: Any) -> types.ListToolsResult:
        listed = [
            types.Tool(
                name=tool.name,
                description=tool.description,
                input_schema=tool.arguments.model_json_schema(),
                annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
            )
            for tool in tools
        ]
        return types.ListToolsResult(tools=listed)

    async def call_tool(_: Any, request: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            answer = await _call(by_name, request.name, request.arguments or {})
        except ProblemError as problem:
            said = types.TextContent(type="text", text=str(problem))
            return types.CallToolResult(content=[said], is_error=True)
        said = types.TextContent(type="text", text=json.dumps(answer, ensure_ascii=False))
        return types.CallToolResult(content=[said], structured_content=answer)

    return Server(
        "protrek-hm",
        version=version("protrek-hm"),
        title="ProTrek-HM",
        instructions="Search proteins by what they do, and tell near-identical ones apart.",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def _call(tools: dict[str, Tool], name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    tool = tools.get(name)
    if tool is None:
        raise ProblemError(404, "name", f"there is no tool {name!r}", f"there are {', '.join(tools)}")
    try:
        request = tool.arguments.model_validate(arguments)
    except ValidationError as error:
        found = [{**each, "loc": ("arguments", *each["loc"])} for each in error.errors()]
        raise validation_problem(found) from None
    answer = await tool.call(request)
    await asyncio.to_thread(lambda: Room(_MOST).take(size(answer)))
    return answer
