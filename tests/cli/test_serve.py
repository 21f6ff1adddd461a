import socket
import subprocess
import sys
from functools import partial

import polars as pl
import pytest

from protrek_hm.index import build_index
from protrek_hm.serve import ServeConfig
from protrek_hm.serve.run import _listen


@pytest.fixture
def run(command_line):
    return partial(command_line, "serve")


@pytest.fixture
def index(tmp_path, letter_encoder):
    proteins = pl.DataFrame({"id": ["P1"], "sequence": ["MKV"]})
    build_index(proteins, letter_encoder(), tmp_path / "index", model_name="nowhere/model")
    return tmp_path / "index"


def test_bad_input_gives_one_line(run, index, tmp_path):
    (tmp_path / "keys").write_text("# none yet\n\n")
    (tmp_path / "serve.toml").write_text("[serve]\nmax_k = 0\n")
    (tmp_path / "typo.toml").write_text("[serve]\nmaxk = 1\n")
    for arguments, message in (
        ((tmp_path / "nowhere",), "nowhere: no such file or folder"),
        ((tmp_path,), "not an index"),
        ((index, "--api-keys", tmp_path / "keys"), "keys: holds no key"),
        ((index, "--api-keys", tmp_path / "none"), "none: no such file"),
        ((index, "--api-key", "short"), "at least 16 ASCII characters"),
        ((index, "--port", "70000"), "port = 70000: must lie in [0, 65535]"),
        ((index, "--host", "no.such.host.invalid"), "host = 'no.such.host.invalid': no such address"),
        ((index, "--host", "x" * 70), "no such address"),
        ((index, "--host", "192.0.2.1"), "host = '192.0.2.1': cannot be listened at (Cannot assign requested address)"),
        ((index, "--config", tmp_path / "serve.toml"), "max_k = 0: must be above 0"),
        ((index, "--config", tmp_path / "typo.toml"), "unknown setting; known ones are host, port"),
    ):
        code, out, err = run(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err


def test_a_port_that_is_taken_gives_one_line(run, index):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = run(index, "--port", port)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"port = {port}: cannot be listened at (Address already in use); choose another one with --port" in err


def test_two_servers_do_not_take_the_same_port(run, index):
    with _listen(ServeConfig(port=0)) as taken:
        code, _, err = run(index, "--port", taken.getsockname()[1])
    assert code == 2
    assert "Address already in use" in err


def test_keys_of_flags_and_file_add_up(run, index, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("protrek_hm.serve.run.serve_index", lambda opening, config, **_: seen.append((opening, config)))
    (tmp_path / "keys").write_text(f"# of the lab\n{'b' * 16}\n\n{'c' * 16} \n")
    (tmp_path / "serve.toml").write_text('[serve]\nport = 9\nmax_k = 7\nallow_hosts = ["lab"]\n')
    run(index, "--api-key", "a" * 16, "--api-keys", tmp_path / "keys", "--config", tmp_path / "serve.toml", "--port", 8)
    [(opening, config)] = seen
    assert opening.index == index
    assert config.api_keys == ("a" * 16, "b" * 16, "c" * 16)
    assert (config.port, config.max_k, config.hosts >= {"lab", "localhost"}) == (8, 7, True)
    assert "aaaa" not in repr(config)


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['protrek-hm', 'serve', '--help']; from protrek_hm.cli.app import main\n"
        "try: main()\n"
        "finally: assert not {'torch', 'numpy', 'polars', 'fastapi', 'uvicorn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_the_server_for_assistants_is_refused_in_one_line(command_line, index, tmp_path, monkeypatch):
    for folder, message in ((tmp_path / "nowhere", "nowhere: no such file or folder"), (tmp_path, "not an index")):
        code, out, err = command_line("mcp", folder)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err
    monkeypatch.setattr("protrek_hm.serve.mcp.find_spec", lambda _: None)
    code, out, err = command_line("mcp", index)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "pip install 'protrek-hm[mcp]'" in err
