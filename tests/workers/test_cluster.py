"""Two nodes on this machine against one process: the same bytes, whatever happens in between."""

import itertools
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from protrek_hm.data.synthetic import SyntheticConfig, synthetic_families
from protrek_hm.errors import ClusterError, ModelError, WorkerLostError
from protrek_hm.index import build_index
from protrek_hm.index.config import IndexConfig
from protrek_hm.mine import MineConfig, mine_hard_negatives, write_mining
from protrek_hm.model import load_encoder
from protrek_hm.workers import Needs, RayCluster, Shared, map_shards, using

pytestmark = pytest.mark.release  # a process that had joined a cluster crashed once in a whole run

TWO = Shared(int, ("2",), here=2)
WHEN = ("created", "updated", "sha256")  # of the manifest, which holds the two


@pytest.fixture(autouse=True)
def cluster(two_nodes):
    import ray

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import the tests
    with using(two_nodes):
        yield


def node(_, shard):
    import ray

    time.sleep(0.05)
    return shard, ray.get_runtime_context().get_node_id()


def test_both_nodes_work_and_results_come_in_order():
    shards = itertools.count()
    with map_shards(node, shards, shared=TWO) as results:
        done = list(itertools.islice(results, 30))
    assert [shard for shard, _ in done] == list(range(30))
    assert len({place for _, place in done}) == 2
    assert next(shards) < 50, "no more than a few are made ahead"


def test_a_cluster_is_empty_again_after_an_interruption():
    with map_shards(forever, range(8), shared=TWO):
        pass  # nothing was asked for, and nothing begun
    with map_shards(first_only, range(8), shared=TWO) as results:
        assert next(results) == 0
    with map_shards(pow, [3], shared=TWO) as results:
        assert list(results) == [8]


def forever(_, shard):
    time.sleep(10_000)


def first_only(_, shard):
    return shard if shard == 0 else forever(_, shard)


def raising(_, shard):
    raise ModelError("no usable vector", "take another model") if shard else ZeroDivisionError("of a shard")


def test_errors_come_as_they_are():
    with map_shards(raising, [1], shared=TWO) as results, pytest.raises(ModelError, match="take another") as caught:
        list(results)
    assert caught.value.problem == "no usable vector"
    with map_shards(raising, [0], shared=TWO) as results, pytest.raises(ZeroDivisionError, match="of a shard"):
        list(results)


def test_no_room_is_told_and_not_waited_for():
    workers = RayCluster(patience=2)
    with pytest.raises(ClusterError, match=r"3 CPU of one node; the cluster has nodes of 1 CPU, 1 CPU"):
        list(workers.map(pow, [1], shared=TWO, needs=Needs(cpus=3)))


class Mortal:
    """Counts letters; the process that is the first to meet a W is killed, in the middle of its shard."""

    temperature, tasks = 0.05, ("text", "sequence")

    def __init__(self, marker):
        self.marker = marker

    def fingerprint(self):
        return "letters"

    def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
        if self.marker is not None and any("W" in each for each in inputs) and not self.marker.exists():
            self.marker.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return np.array([[each.upper().count(letter) for letter in "ACDEFGHIKLMNPQRSTVWY"] for each in inputs])


def proteins(families=20):
    return synthetic_families(SyntheticConfig(families=families, members=12, seed=3)).proteins


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files; when an index was made is of no interest."""
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    for name in [name for name in files if name.endswith("index.json")]:
        told = json.loads(files[name])
        files[name] = json.dumps({key: told[key] for key in told if key not in WHEN}).encode()
    return files


def test_a_killed_worker_changes_no_byte(tmp_path):
    def build(folder, marker):
        folder.mkdir()
        build_index(proteins(), Mortal(marker), folder / "index", model_name="m")
        return files_of(folder)

    killed = build(tmp_path / "cluster", tmp_path / "killed")
    assert int((tmp_path / "killed").read_text()) != os.getpid(), "a worker of the cluster was killed"
    with using():
        assert build(tmp_path / "here", None) == killed


def test_a_shard_that_always_kills_is_given_up():
    with map_shards(die, [9], shared=TWO) as results, pytest.raises(WorkerLostError, match="died 5 times") as caught:
        list(results)
    assert caught.value.shard == 9


def die(_, number):
    os.kill(os.getpid(), number)


def test_an_index_that_two_nodes_encode_has_the_bytes_of_one_process(tmp_path):
    def build(folder):
        folder.mkdir()
        model = load_encoder("mini", device="cpu")
        build_index(proteins(12), model, folder / "index", IndexConfig(meaning=True), model_name="mini")
        return files_of(folder)

    two = build(tmp_path / "two")
    with using():
        assert build(tmp_path / "one") == two
    with using(devices="cpu,cpu"):
        assert build(tmp_path / "processes") == two


def test_twins_that_two_nodes_find_are_those_of_one_process(tmp_path):
    def mine(folder, config):
        table = proteins()
        write_mining(mine_hard_negatives(table, config), folder, source=tmp_path / "proteins.tsv")
        return files_of(folder)

    two = mine(tmp_path / "two", MineConfig(threads=1, easy=20))
    with using():
        one = mine(tmp_path / "one", MineConfig(threads=1, easy=20))
    assert two.keys() == one.keys()
    assert [name for name in two if two[name] != one[name]] == []
    assert pl.read_csv(tmp_path / "one" / "hard_negatives_all.csv").height > 0


def test_a_model_that_a_node_does_not_find_is_named(tmp_path):
    model = load_encoder("mini", device="cpu")
    model.origin = (str(tmp_path / "only-here"), None)
    with pytest.raises(
        ModelError, match=r"does not find the model .*only-here; put it into a folder that all nodes see"
    ):
        build_index(proteins(1), model, tmp_path / "index", model_name="mini")


def test_a_shard_that_nothing_begins_is_told_and_not_waited_for(monkeypatch):
    import ray

    monkeypatch.setattr("protrek_hm.workers.cluster._LOOK", 0.2)
    workers = RayCluster(patience=20)
    assert list(workers.map(pow, [1], shared=TWO, needs=Needs())) == [2]
    holding = [ray.remote(num_cpus=1)(lambda: time.sleep(50)).remote() for _ in range(2)]
    until = time.monotonic() + 20
    while ray.available_resources().get("CPU", 0) and time.monotonic() < until:
        time.sleep(0.1)
    workers.patience = 2
    try:
        with pytest.raises(ClusterError, match=r"no shard was begun within \d+ s: it takes 1 CPU.* 0 CPU are free"):
            list(workers.map(pow, [1], shared=TWO, needs=Needs()))
    finally:
        for each in holding:
            ray.cancel(each)


def test_a_head_that_is_gone_is_told(monkeypatch):
    monkeypatch.setattr("protrek_hm.workers.cluster._LOOK", 0.1)
    monkeypatch.setattr("protrek_hm.workers.cluster._head_is_gone", lambda: True)
    with map_shards(soon, [5], shared=TWO) as results, pytest.raises(ClusterError, match="the cluster is lost; start"):
        list(results)


def soon(_, seconds):
    time.sleep(seconds)
