"""The tools for assistants, called by the protocol's own client and as bare JSON."""

import asyncio
import json
import os
import subprocess
import sys

import polars as pl
import pytest

from protrek_hm.data.showcase import load_showcase
from protrek_hm.index import IndexConfig, build_index
from protrek_hm.model import load_encoder
from protrek_hm.search.reading import Cut
from protrek_hm.serve import Service, create_app
from protrek_hm.serve.mcp import tools_of

NAMES = ["search", "score", "explain", "scan", "describe", "index_info"]
KEY = "a-key-of-some-length"


def ask(client, method, **params):
    """Speak as clients did that begin with a handshake."""
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return client.post("/mcp", json=body, headers=headers)


def called(client, name, **arguments):
    return ask(client, "tools/call", name=name, arguments=arguments).json()["result"]


@pytest.fixture
def sdk():
    return pytest.importorskip("mcp")


@pytest.mark.usefixtures("sdk")
def test_a_tool_answers_what_rest_answers(client):
    question = {"query": "AACC", "by": "sequence", "k": 3}
    rest = client.post("/v1/search", json=question).json()
    long = called(client, "search", **question, sequences=True)["structuredContent"]
    assert long.pop("guarantee") is None
    assert long == {key: value for key, value in rest.items() if key != "background"}
    short = called(client, "search", **question)["structuredContent"]
    records = [hit["record"] for family in short["families"] for hit in family["hits"]]
    assert records
    assert not any("sequence" in record for record in records)

    body = {"texts": ["A", "D"], "sequences": ["AACC"]}
    assert called(client, "score", **body)["structuredContent"] == client.post("/v1/score", json=body).json()
    body = {"text": "A and C", "a": "P1", "b": "P2"}
    assert called(client, "explain", **body)["structuredContent"] == client.post("/v1/explain", json=body).json()
    body = {"text": "A and C", "protein": "P1", "region": [1, 4]}
    best = called(client, "scan", **body, top=3)["structuredContent"]
    scanned = client.post("/v1/scan", json=body).json()
    assert {name: best[name] for name in ("text", "protein", "first", "known", "notes")} == {
        name: scanned[name] for name in ("text", "protein", "first", "known", "notes")
    }
    assert best["highest"][0]["model"] == pytest.approx(max(map(max, scanned["model"])), abs=1e-6)
    assert len(best["highest"]) == len(best["lowest"]) == 3
    body = {"sequences": ["AACCDDEE"], "k": 1}
    assert called(client, "describe", **body)["structuredContent"] == client.post("/v1/describe", json=body).json()
    assert called(client, "index_info")["structuredContent"] == client.get("/v1/index").json()


@pytest.mark.usefixtures("sdk")
def test_a_query_that_the_model_cuts_is_told_to_the_assistant(client, searcher, monkeypatch):
    monkeypatch.setattr(
        type(searcher), "cuts", lambda self, queries, query_type: [Cut(5, 3, "residues") for _ in queries]
    )
    result = called(client, "search", query="AACCD", by="sequence")
    assert "the model reads residues 1 to 3 of 5" in result["content"][0]["text"]
    assert result["structuredContent"]["notes"] == [str(Cut(5, 3, "residues"))]


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [("search", {"query": "AACCD", "by": "sequence"}), ("describe", {"sequences": ["AACCD"]})],
)
def test_an_answer_that_no_assistant_reads_is_refused(client, monkeypatch, name, arguments):
    monkeypatch.setattr("protrek_hm.serve.mcp._MOST", 100)
    result = called(client, name, **arguments)
    assert result["isError"] is True
    assert "more than 100 bytes" in result["content"][0]["text"]


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("search", {}, "query: Field required; correct it"),
        ("search", {"query": "A", "color": 1}, "color: unknown field; leave it out"),
        ("search", {"query": "A", "where": "color = 1"}, "color"),
        ("explain", {"text": "A", "a": "P1", "b": "P77"}, "P77"),
        ("delete", {}, "there is no tool 'delete'; there are search, score"),
    ],
)
def test_what_is_wrong_is_told_to_the_assistant(client, name, arguments, problem):
    result = called(client, name, **arguments)
    assert result["isError"] is True
    assert problem in result["content"][0]["text"]


@pytest.mark.usefixtures("sdk")
def test_tools_have_schemas_and_change_nothing(client):
    tools = ask(client, "tools/list").json()["result"]["tools"]
    assert [tool["name"] for tool in tools] == NAMES
    assert all(tool["inputSchema"]["type"] == "object" and tool["annotations"]["readOnlyHint"] for tool in tools)
    assert "where" in tools[0]["inputSchema"]["properties"]


@pytest.mark.usefixtures("sdk")
def test_the_protocols_own_client_understands_it(listen, searcher):
    from mcp.client.client import Client

    async def converse():
        async with Client(f"{listen(create_app(searcher))}/mcp") as assistant:
            names = [tool.name for tool in (await assistant.list_tools()).tools]
            answer = await assistant.call_tool("search", {"query": "AAC", "by": "sequence", "k": 1})
            return names, answer.structured_content["families"][0]["hits"][0]["id"]

    assert asyncio.run(converse()) == (NAMES, "P2")


@pytest.mark.usefixtures("sdk")
def test_the_door_is_the_same(connect):
    client = connect(api_keys=(KEY,))
    assert ask(client, "tools/list").status_code == 401
    client.headers["Authorization"] = f"Bearer {KEY}"
    assert ask(client, "tools/list").status_code == 200
    client.headers["Sec-Fetch-Site"] = "cross-site"
    assert ask(client, "tools/list").status_code == 403


@pytest.mark.usefixtures("sdk")
def test_no_connection_is_held_for_what_never_comes(client):
    answer = client.get("/mcp", headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_without_the_extra_it_says_what_to_install(connect, monkeypatch):
    monkeypatch.setattr("protrek_hm.serve.mcp.find_spec", lambda _: None)
    answer = ask(connect(), "tools/list")
    assert answer.status_code == 501
    assert "protrek-hm[mcp]" in answer.json()["error"]["remedy"]


@pytest.fixture(scope="module")
def real_index(tmp_path_factory):
    """Beta-lactamases by the package's own model, which a process of its own can open."""
    folder = tmp_path_factory.mktemp("stdio") / "index"
    proteins = load_showcase().filter(pl.col("id").str.starts_with("TEM"))
    build_index(proteins, load_encoder("mini", device="cpu"), folder, IndexConfig(meaning=False), model_name="mini")
    return folder


def by_stdio(index, questions):
    """Ask by the protocol's own client; returns its tools and the texts of the answers."""
    from mcp.client.client import Client
    from mcp.client.stdio import StdioServerParameters

    async def converse():
        command = ["-m", "protrek_hm", "mcp", str(index), "--device", "cpu"]
        server = StdioServerParameters(command=sys.executable, args=command, env=dict(os.environ))
        async with Client(server) as assistant:
            tools = (await assistant.list_tools()).tools
            return tools, [(await assistant.call_tool(*each)).content[0].text for each in questions]

    return asyncio.run(converse())


@pytest.mark.usefixtures("sdk")
def test_a_session_by_stdio_gives_evidence_and_the_same_answers_each_time(real_index):
    spectrum = "Extended-spectrum beta-lactamase that hydrolyses cefotaxime"
    [own] = load_showcase().filter(pl.col("id") == "TEM-1")["sequence"]
    questions = [
        ("search", {"query": spectrum, "k": 3}),
        ("explain", {"text": spectrum, "a": "TEM-1", "b": "TEM-3"}),
        ("describe", {"sequences": [own], "k": 1}),
        ("search", {"query": spectrum, "fdr": 0.1}),
        ("search", {"query": spectrum, "colour": "red"}),
        ("index_info", {}),
    ]
    tools, answers = by_stdio(real_index, [*questions, *questions])
    assert [tool.name for tool in tools] == NAMES
    assert answers[: len(questions)] == answers[len(questions) :]
    found, why, what, refused, wrong, about = answers[: len(questions)]
    [family, *_] = json.loads(found)["families"]
    assert json.loads(found)["guarantee"] is None
    assert family["hits"][1]["identity"] > 0.9
    assert family["hits"][1]["changes"]
    assert family["hits"][0]["matched"]["words"]
    assert {"G236S", "E102K"} <= {each["notation"] for each in json.loads(why)["substitutions"]}
    assert json.loads(what)["descriptions"][0]["homolog"]["identity"] == 1
    assert "1 family to calibrate on" in refused, "no guarantee is given that cannot be kept"
    assert "colour: unknown field" in wrong
    assert str(real_index) not in about


@pytest.mark.parametrize(("fdr", "hits"), [(None, [{"record": {}}]), (0.05, [{"record": {}}]), (0.05, [])])
def test_a_guarantee_is_told_only_where_hits_were_asked_for_with_it(fdr, hits):
    class Answers(Service):
        def __init__(self):
            pass

        async def search(self, request):
            assert request.fdr == fdr
            return {"families": [{"hits": hits}] if hits else [], "background": None}

    [search] = [tool for tool in tools_of(Answers()) if tool.name == "search"]
    answer = asyncio.run(search.call(search.arguments(query="a kinase", fdr=fdr)))
    assert (answer["guarantee"] is not None) == bool(fdr and hits)
    assert answer["guarantee"] is None or "at most 5 % are expected to be wrong" in answer["guarantee"]


NOISY = """
import os
from protrek_hm.cli.app import main
from protrek_hm.search.searcher import Searcher
from protrek_hm.serve.service import Service

opened, index = Searcher.open, Service.index

def loudly(*given, **named):
    print("a library greets")
    return opened(*given, **named)

def aloud(self):
    print("a line")
    os.write(1, b"a byte\\n")
    return index(self)

Searcher.open, Service.index = loudly, aloud
main()
"""


@pytest.mark.usefixtures("sdk")
def test_stdout_carries_the_protocol_alone_until_stdin_is_closed(real_index):
    command = [sys.executable, "-c", NOISY, "mcp", str(real_index), "--device", "cpu"]
    server = subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True)
    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    try:
        for number, (method, params) in enumerate([("initialize", about), ("tools/call", {"name": "index_info"})]):
            server.stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n")
            server.stdin.flush()
            assert json.loads(server.stdout.readline())["id"] == number
        out, err = server.communicate(timeout=60)
    finally:
        server.kill()
    assert (server.returncode, out) == (0, "")
    assert all(noise in err for noise in ("a library greets", "a line", "a byte"))
