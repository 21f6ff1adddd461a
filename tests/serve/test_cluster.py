"""Shards on a Ray cluster, on loopback: the answers of the whole index, a shard that dies, a change of generation."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx2
import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient

from protrek_hm.errors import FileFormatError, OptionError, ShardDownError
from protrek_hm.index.build import build_index
from protrek_hm.index.split import split_index
from protrek_hm.search.searcher import SearchConfig, Searcher
from protrek_hm.serve.app import create_app
from protrek_hm.serve.cluster import Cluster, RayParts, deploy, joined, name_of, withdraw

pytestmark = [pytest.mark.release, pytest.mark.filterwarnings("ignore")]  # of Ray's own making
SERVER = [sys.executable, str(Path(__file__).parent / "letters_server.py"), "serve"]
MEGABYTES = 2**20
LETTERS = list("ACDEFGHIKLMNPQRSTVWY")


AGENTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
"""Ports that Ray waits for the agents to tell, 15 s, if they are not given: too short for a busy machine."""


def free_ports(count):
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def proteins(count, seed):
    rng = np.random.default_rng(seed)
    sequences = ["".join(rng.choice(LETTERS, 30)) for _ in range(count)]
    words = ["zinc", "kinase", "heat", "shock", "toxin", "membrane"]
    texts = [" ".join(rng.choice(words, 3)) for _ in range(count)]
    return pl.DataFrame({"id": [f"S{seed}P{n}" for n in range(count)], "sequence": sequences, "text": texts})


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of a cluster of one node, that this process has joined."""
    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_AUTH_MODE", "disabled")  # a cluster of this test alone, on loopback
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    from ray.cluster_utils import Cluster as Nodes

    handler = signal.getsignal(signal.SIGTERM)
    nodes = None
    try:
        node = {"num_cpus": 4, "object_store_memory": 80 * MEGABYTES, "include_dashboard": False}
        ports = dict(zip(AGENTS, free_ports(len(AGENTS)), strict=True))
        nodes = Nodes(initialize_head=True, head_node_args={**node, **ports})
    except Exception as error:  # noqa: BLE001, whatever it is: sockets, shared memory, a busy machine
        pytest.skip(f"Ray does not start here: {error}")
    with joined(nodes.address):
        yield nodes.address
    ray.shutdown()
    nodes.shutdown()
    patch.undo()
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="module")
def folders(tmp_path_factory, letter_encoder):
    """A whole index, and the same in three shards."""
    folder, encoder = tmp_path_factory.mktemp("cluster"), letter_encoder()
    build_index(proteins(60, 1), encoder, folder / "whole", model_name="m")
    split_index(folder / "whole", folder / "split", shards=3)
    return folder


def process_of(shard, application):
    """The number of the process that holds a shard."""
    import ray

    named = ray.util.list_named_actors(all_namespaces=True)
    [found] = [each for each in named if application in each["name"] and shard in each["name"]]
    actor = ray.get_actor(found["name"], namespace=found["namespace"])
    return ray.get(actor.__ray_call__.remote(lambda _: os.getpid()), timeout=60)


def found(answers):
    return [([hit for family in each for hit in family.hits], each.notes, each.missing) for each in answers]


@pytest.mark.slow
def test_shards_on_a_cluster_answer_are_missed_and_change_together(address, folders, letter_encoder):
    encoder, asked = letter_encoder(), proteins(60, 1)["sequence"][::6].to_list()
    with pytest.raises(FileFormatError, match="an index without shards; split it with protrek-hm index split"):
        deploy(folders / "whole", replicas=1, cpus=0.1)
    first = deploy(folders / "split", replicas=1, cpus=0.1)
    assert first == deploy(folders / "split", replicas=1, cpus=0.1), "what is deployed stays"
    parts = RayParts.connect(Cluster(address, first), folders / "split")
    whole = Searcher.open(folders / "whole", model=encoder)
    split = Searcher.open(folders / "split", model=encoder, asked=parts)
    split.measure()
    for config in (SearchConfig("sequence", "text", 5), SearchConfig("sequence", k=7), SearchConfig(group=True)):
        queries = asked if config.query_type == "sequence" else ["zinc kinase", "heat"]
        assert found(whole.answer(queries, config)) == found(split.answer(queries, config))

    impatient = Searcher.open(folders / "split", model=encoder, asked=replace(parts, seconds=1.0, silent={}))
    impatient.measure()
    process = process_of("shard-1-1", first)
    os.kill(process, signal.SIGSTOP)
    with pytest.raises(ShardDownError, match=r"shard-1-1 of the index does not answer \(not within 1 s\)"):
        impatient.answer(asked[:1], SearchConfig("sequence"))
    [partial] = impatient.answer(asked[:1], SearchConfig("sequence", partial=True))
    assert partial.missing == ("shard-1-1",)
    os.kill(process, signal.SIGKILL)
    whole_again = found(whole.answer(asked, SearchConfig("sequence")))
    assert found(split.answer(asked, SearchConfig("sequence"))) == whole_again, (
        "who waits has the answer of another one"
    )

    build_index(proteins(40, 2), encoder, folders / "whole", model_name="m", force=True)
    split_index(folders / "whole", folders / "split", shards=2, force=True)
    with pytest.raises(FileFormatError, match="has changed since its shards were deployed"):
        RayParts.connect(Cluster(address, first), folders / "split")
    second = deploy(folders / "split", replicas=1, cpus=0.1)
    assert second == name_of(folders / "split") != first
    later = RayParts.connect(Cluster(address, second), folders / "split")
    new = Searcher.open(folders / "split", model=encoder, asked=later)
    assert {hit.id[:2] for family in new.answer(asked[:1], SearchConfig("sequence"))[0] for hit in family.hits} == {
        "S2"
    }
    assert found(split.answer(asked, SearchConfig("sequence"))) == whole_again, "the old one answers while it is there"
    withdraw(first)
    withdraw(second)


@pytest.mark.release
def test_a_server_over_a_cluster_changes_its_generation_while_it_answers(address, tmp_path, letter_encoder):
    def index_of(seed, **options):
        build_index(proteins(30, seed), letter_encoder(), tmp_path / "whole", model_name="m", **options)
        split_index(tmp_path / "whole", tmp_path / "split", shards=2, **options)

    index_of(1)
    command = [*SERVER, str(tmp_path / "split"), "--port", "0", "--cluster", address, "--shard-cpus", "0.1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        first = process.stderr.readline()
        assert f"(30 records, 2 shards on {address})" in first, "nothing of Ray's before it"
        [url] = re.findall(r"http://[^ ]+", first)
        with httpx2.Client(base_url=url, timeout=60) as client:
            whole = Searcher.open(tmp_path / "whole", model=letter_encoder())
            with TestClient(create_app(whole), base_url="http://127.0.0.1") as one:
                for question in ({"query": "zinc kinase", "k": 3}, {"query": "MKTAYIAK", "by": "sequence"}):
                    assert (
                        client.post("/v1/search", json=question).json() == one.post("/v1/search", json=question).json()
                    )
            index_of(2, force=True)
            process.send_signal(signal.SIGUSR1)
            seen = []
            while "S2" not in seen:
                answer = client.post("/v1/search", json={"query": "heat", "k": 5})
                assert answer.status_code == 200, answer.text
                [generation] = {hit["id"][:2] for family in answer.json()["families"] for hit in family["hits"]}
                seen.append(generation)
            assert seen == ["S1"] * (len(seen) - 1) + ["S2"], "no answer is of both"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


def test_what_is_no_cluster_is_told(monkeypatch):
    pytest.importorskip("ray", reason="Ray is not installed")
    with (
        pytest.raises(OptionError, match="cluster = 'ray://there:1': needs a process of the cluster"),
        joined("ray://there:1"),
    ):
        pass
