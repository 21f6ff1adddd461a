import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import polars as pl
import pytest

from protrek_hm.index import build_index


@pytest.fixture
def index(tmp_path, letter_encoder, monkeypatch):
    """An index that names a model which is a stand-in."""
    proteins = pl.DataFrame({"id": ["P1", "P2"], "sequence": ["MKV", "DDD"], "text": ["a kinase", "a lyase"]})
    build_index(proteins, letter_encoder(), tmp_path / "index", model_name="user/model")
    loader = SimpleNamespace(
        from_pretrained=lambda name, *, device: letter_encoder(str(name).replace("user/model", "letters"))
    )
    monkeypatch.setitem(sys.modules, "protrek_hm.model", SimpleNamespace(ProTrek=loader))
    return tmp_path / "index"


@pytest.fixture
def run(command_line):
    return partial(command_line, "search")


def test_the_model_that_the_index_names_is_loaded(run, index):
    code, out, _ = run(index, "DKD")
    assert code == 0
    assert [line.split() for line in out.splitlines()[1:3]] == [
        ["rank", "score", "E", "id", "length", "text"],
        ["1", "0.8944", "1.3", "P2", "3", "a", "lyase"],
    ]


def test_bad_input_gives_one_line(run, index, tmp_path):
    for arguments, message in (
        ((tmp_path / "nowhere", "A"), "nowhere: no such file or folder"),
        ((tmp_path, "A"), "not an index"),
        ((index, " "), "query = ' ': is empty"),
        ((index, "MK1", "--by", "sequence"), "letter '1' at position 3"),
        ((index, "A", "-k", "0"), "k = 0: must be at least 1"),
        ((index, "A", "--want", "structure"), "this index holds sequence, text"),
        ((index, "A", "-m", "others"), "built with the model user/model"),
        ((index, "A", "-o", index / "index.json"), "exists already"),
    ):
        code, out, err = run(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['protrek-hm', 'search', '--help']; from protrek_hm.cli.app import main\n"
        "try: main()\n"
        "finally: assert not {'torch', 'numpy', 'polars', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)
