"""The search as tools for assistants by the Model Context Protocol: at `/mcp` over HTTP without sessions, and by stdio.

The tools are the methods of the service, and their schemas those of REST. The protocol is spoken by its own SDK, an
extra: what it cost to do so, and why not by hand, stands in `docs/decisions/web-page.md`.
"""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.types import Receive, Scope, Send

from protrek_hm.errors import OptionError
from protrek_hm.index.layout import read_info
from protrek_hm.search.searcher import Searcher
from protrek_hm.serve.answers import Room, size
from protrek_hm.serve.config import ServeConfig
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

_INSTRUCTIONS = (
    "Search an index of proteins by function, and tell near-identical proteins apart. Call index_info first: it names "
    "the columns that `where` can filter, the kinds of query, and limits. Then: search to find proteins; explain to "
    "say why one of two near-identical proteins fits a function better; describe to say what one protein does; scan "
    "for the substitutions that would change what it does; score for a few texts and sequences that need not be in the "
    "index. The same question gets the same answer. Report the evidence with a result: identity, matched words, "
    "labelled relatives, notes, and, where `fdr` was asked for, the guarantee. Scores are a model's, not measurements."
)


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
        answer["guarantee"] = None if request.fdr is None or not answer["families"] else _guarantee(request.fdr)
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
            "Find proteins of the index for a function in plain words, a sequence, or a structure in 3Di letters "
            "(`by`); with want: text it finds texts. Use it for questions such as 'which proteins hydrolyse "
            "carbapenems?' or 'what is like this sequence?'; to compare two proteins use explain, to annotate one "
            "describe. Near-identical proteins come as one family, each with its identity and changes from the best; "
            "decided says what ordered them if not their ranks: the twin head (difference) or labelled relatives. "
            "matched says which words and how much of the meaning a record shares with the question; a protein that "
            "has no text may be found by those of labelled relatives: by_relatives names them and their identity. What "
            "they say is inferred, not known of the protein: say so. score is the "
            "model's cosine; an e_value far above 1 means that chance gives as much. For hits of which few are wrong "
            "set fdr, such as 0.1: guarantee then says what holds; it is null where nothing is guaranteed.",
            SearchTool,
            search,
        ),
        Tool(
            "score",
            "Cosine of every text with every amino acid sequence, whether or not they are in the index. Use it to rank "
            "a few sequences of the user's own for a function; it gives numbers without evidence. To find proteins use "
            "search, for two near-identical ones explain.",
            ScoreRequest,
            service.score,
        ),
        Tool(
            "explain",
            "Say why one of two near-identical proteins, ids of the index or sequences, fits a text better: alignment, "
            "identity, both scores, and what each substitution is worth (change: the score of a when it alone is as in "
            "b, less the score of a). votes: what the twin head and labelled relatives say, above 0 for a. Use it when "
            "two candidates are known; notes say when they are too unlike for single differences to count.",
            ExplainRequest,
            service.explain,
        ),
        Tool(
            "scan",
            "Score every single substitution of a protein, or of a region of it, towards a text (with from_text: from "
            "that function to the other), and name those that score highest and lowest. Use it for 'which mutation "
            "would give it this function?'. model: change of the cosine; head: preference of the twin head, null where "
            "the model has none; known: variants that the index holds. A lead, not a measurement. The model encodes 19 "
            "variants a residue: name a region, or ask for signals: head alone.",
            ScanTool,
            scan,
        ),
        Tool(
            "describe",
            "Say what a protein does by the texts of the index: the best texts, the nearest labelled homolog with its "
            "identity and text, and what labelled relatives suggest. Use it for 'what is this sequence?'. Where the "
            "homolog's identity is high, its text is the better evidence.",
            DescribeRequest,
            service.describe,
        ),
        Tool(
            "index_info",
            "What the index holds: model, counts, kinds of query, the columns that `where` knows, example queries, and "
            "limits. Call it first, and once.",
            NoArguments,
            index_info,
        ),
    ]


def _guarantee(fdr: float) -> str:
    """Say what holds of hits that were asked for with `fdr`.

    >>> _guarantee(0.1)
    'of such hits at most 10 % are expected to be wrong, calibrated on families of this index'
    """
    return f"of such hits at most {100 * fdr:g} % are expected to be wrong, calibrated on families of this index"


def answer_on_stdio(
    index: Path, config: ServeConfig | None = None, *, model: str | None = None, device: str | None = None
) -> None:
    """Answer one assistant by stdin and stdout until it closes stdin; stdout carries the protocol alone.

    Parameters
    ----------
    index
        Folder of the index.
    config
        Limits of requests; the defaults where None.
    model, device
        As `Searcher.open`.

    Raises
    ------
    OptionError
        If the protocol's SDK is not installed.
    MissingFileError, FileFormatError, ModelError
        As `Searcher.open`.
    """
    if find_spec("mcp") is None:
        raise OptionError("mcp", index, "the Model Context Protocol needs its SDK; pip install 'protrek-hm[mcp]'")
    read_info(index)  # what is no index is told at once
    with redirect_stdout(sys.stderr):
        searcher = Searcher.open(index, model=model, device=device)
    service = Service(searcher, config or ServeConfig())
    # the SDK reads stdin in a thread that cannot be told to stop; nothing is written, so Ctrl-C may end the process
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        asyncio.run(_converse(tools_of(service)))
    finally:
        signal.signal(signal.SIGINT, before)
        service.close()


async def _converse(tools: list[Tool]) -> None:
    from mcp.server.stdio import stdio_server

    server = _server(tools)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


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
        if scope["method"] == "GET":  # it asks for a stream: nothing would ever come, and a connection be held
            allowed = {"Allow": "POST"}
            problem = ProblemError(405, "method", "nothing is sent unasked", "ask by POST", headers=allowed)
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
        instructions=_INSTRUCTIONS,
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
