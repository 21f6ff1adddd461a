"""Fixtures of the command line's tests."""

import sys

import pytest

from protrek_hm.cli.app import main
from protrek_hm.mine import output


@pytest.fixture
def command_line(monkeypatch, capsys):
    """Runs `protrek-hm` with the arguments; returns exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["protrek-hm", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        output = capsys.readouterr()
        return caught.value.code or 0, output.out, output.err

    return run


@pytest.fixture
def no_pictures(monkeypatch):
    """Mining without the picture, which takes longer than all the rest; others look at it."""
    monkeypatch.setattr(output, "draw_twin_cards", lambda *_, **__: None)


@pytest.fixture
def fails(run):
    """Runs a module's command with bad arguments or files; returns the one line that it says."""

    def fails(*arguments):
        code, out, err = run(*arguments)
        (line,) = err.splitlines()
        assert (code, out) == (2, "")
        assert line.startswith("error: ")
        return line

    return fails


@pytest.fixture(scope="session")
def build_models(tmp_path_factory):
    """Writes models that are alike but for their random weights; returns their folders."""
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    def build(*names):
        tower = TowerConfig(layers=1, hidden=8, heads=1, max_tokens=50)
        folders = []
        for seed, name in enumerate(names):
            config = ModelConfig(sequence=tower, text=tower, dimension=8, vocabulary=100, seed=seed)
            folders.append(tmp_path_factory.mktemp("models") / name)
            ProTrek.build(config, texts=["a kinase", "a lyase"], device="cpu").save_pretrained(str(folders[-1]))
        return folders

    return build
