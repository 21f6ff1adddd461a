"""Two nodes of Ray on this machine, for all tests of a module that ask for them."""

import signal

import pytest

MEGABYTES = 2**20


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory):
    """The address of a cluster of two nodes of one core each; this process is not connected to it."""
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * MEGABYTES, "include_dashboard": False}
    handler = signal.getsignal(signal.SIGTERM)
    cluster = None
    try:
        cluster = Cluster(initialize_head=True, head_node_args=node)
        cluster.add_node(**{name: node[name] for name in ("num_cpus", "object_store_memory")})
    except Exception as error:  # noqa: BLE001, whatever it is: sockets, shared memory, a sandbox
        if cluster is not None:
            cluster.shutdown()
        pytest.skip(f"Ray does not start here: {error}")
    yield cluster.address
    ray.shutdown()
    cluster.shutdown()
    signal.signal(signal.SIGTERM, handler)
