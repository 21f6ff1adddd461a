"""An application over a small index, with a stand-in for the model."""

import threading
import time

import polars as pl
import pytest
import uvicorn
from fastapi.testclient import TestClient

from protrek_hm.index import build_index
from protrek_hm.search import Searcher
from protrek_hm.serve import ServeConfig, create_app

PROTEINS = pl.DataFrame(
    {
        "id": ["P1", "P2", "P3", "P4", "P5"],
        "sequence": ["AACCDDEEFF", "AACCDDEEFG", "DDDWWWDDDW", "KKKKRRRKKR", "MNPQMNPQMN"],
        "text": ["all A", "all D", "a kinase", "a lyase", None],
        "organism": ["Escherichia coli", "Escherichia coli", "Homo sapiens", None, "Mus musculus"],
        "weight": [1.5, float("nan"), float("inf"), None, 2.0],
    }
)


@pytest.fixture(scope="session")
def index_folder(tmp_path_factory, letter_encoder):
    folder = tmp_path_factory.mktemp("serve") / "index"
    build_index(PROTEINS, letter_encoder(), folder, model_name="user/model")
    return folder


@pytest.fixture
def searcher(index_folder, letter_encoder):
    return Searcher.open(index_folder, model=letter_encoder())


@pytest.fixture
def connect(searcher):
    """Open clients of applications; the settings are those of ServeConfig."""
    clients = []

    def open_client(*, model=None, **settings):
        if model is not None:
            searcher.model = model
        client = TestClient(create_app(searcher, ServeConfig(**settings)), base_url="http://127.0.0.1")
        clients.append(client.__enter__())
        return client

    yield open_client
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(connect):
    return connect()


@pytest.fixture(scope="module")
def listen():
    """Let applications listen on free ports of loopback until the module ends; returns the address."""
    servers = []

    def start(app, **settings):
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", **settings))
        thread = threading.Thread(target=server.run)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            time.sleep(0.01)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join()
