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
