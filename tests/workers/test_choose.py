import socket
import sys

import pytest

from protrek_hm.errors import ClusterError, OptionError
from protrek_hm.workers import workers_of


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"cluster": "auto", "devices": "0,1"}, "devices.*leave them out with --cluster"),
        ({"cluster": "auto", "device": "cuda"}, "device.*cpu alone with --cluster"),
        ({"devices": "0", "device": "cpu"}, "device.*leave it out with --devices"),
        ({"devices": "0,77"}, "devices = '0,77': give numbers"),
        ({"devices": "gpu"}, "devices = 'gpu'"),
    ],
)
def test_flags_that_exclude_each_other_or_name_nothing_are_refused(flags, told):
    with pytest.raises(OptionError, match=told), workers_of(**flags):
        pass


def test_all_devices_where_there_are_none(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(OptionError, match="no GPU"), workers_of(devices="all"):
        pass
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with workers_of(devices="all") as workers:
        assert workers.devices == ("0", "1")


@pytest.mark.parametrize("client", ["", "ray://"])
def test_an_address_where_nobody_listens_is_told_at_once(client):
    pytest.importorskip("ray", reason="Ray is not installed")
    with socket.socket() as silent:  # bound, and so taken by no one else, but not listening
        silent.bind(("127.0.0.1", 0))
        address = f"{client}127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ClusterError, match="no cluster answers at"), workers_of(address):
            pass


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(OptionError, match=r"protrek-hm\[cluster\]"), workers_of("auto"):
        pass
