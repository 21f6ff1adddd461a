"""An interrupted `mine` goes on, and ends as if nothing had happened."""

import os
import signal
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from protrek_hm.cli.app import app
from protrek_hm.homology import homologs
from protrek_hm.mine import corpus

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
pytestmark = pytest.mark.usefixtures("no_pictures")
KILLED = """
import os, signal, sys
from protrek_hm.cli.app import main
from protrek_hm.mine import corpus

corpus.find_families = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
main()
"""


@pytest.fixture
def proteins(tmp_path):
    generator = np.random.default_rng(1)
    rows = []
    for family in range(8):
        founder = generator.choice(LETTERS, 60)
        for member in range(4):
            residues = founder.copy()
            residues[generator.choice(60, 4, replace=False)] = generator.choice(LETTERS, 4)
            text = f"{('Penicillin', 'Tetracycline')[member % 2]}-hydrolyzing enzyme {family}."
            rows.append({"id": f"F{family}M{member}", "sequence": "".join(residues), "text": text})
    path = tmp_path / "proteins.tsv"
    pl.DataFrame(rows).write_csv(path, separator="\t")
    return path


def command(proteins, output, threads):
    return ["mine", str(proteins), "-o", str(output), "--easy", "20", "--medium", "20", "--threads", str(threads)]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("ended", ["by Ctrl-C", "by kill -9"])
def test_the_same_command_goes_on(proteins, tmp_path, monkeypatch, ended):
    assert CliRunner().invoke(app, command(proteins, tmp_path / "whole", 1)).exit_code == 0
    first = command(proteins, tmp_path / "out", 2)
    if ended == "by kill -9":
        killed = subprocess.run([sys.executable, "-c", KILLED, *first], check=False, env={**os.environ})
        assert killed.returncode == -signal.SIGKILL
    else:
        with monkeypatch.context() as patch:

            def interrupt(*_, **__):
                raise KeyboardInterrupt

            patch.setattr(corpus, "find_families", interrupt)
            stopped = CliRunner().invoke(app, first)
        assert stopped.exit_code == 130
        assert "the same command goes on" in stopped.stderr
    assert not (tmp_path / "out").exists()
    assert list((tmp_path / ".out.work").rglob("*.parquet"))
    with monkeypatch.context() as patch:
        patch.delattr(homologs, "identities")  # every pair is known already
        again = CliRunner().invoke(app, first)
    assert again.exit_code == 0, again.output
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "proteins.tsv", "whole"]


def test_a_folder_of_ones_own_is_kept(proteins, tmp_path):
    flags = ["--work-dir", str(tmp_path / "parts")]
    for output in ("one", "two"):
        assert CliRunner().invoke(app, command(proteins, tmp_path / output, 1) + flags).exit_code == 0
    assert list((tmp_path / "parts").rglob("*.parquet"))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
