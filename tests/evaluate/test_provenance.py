"""Names and checksums."""

import hashlib

import pytest

from protrek_hm.errors import MissingFileError, OptionError
from protrek_hm.evaluate.provenance import describe_inputs, name_models


def test_names_are_as_short_as_they_can_be():
    assert list(name_models(["a/b/model", "a/c/model"])) == ["b/model", "c/model"]
    assert list(name_models(["model", "other"])) == ["model", "other"]


def test_the_same_model_by_two_paths_is_refused(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError, match="given twice"):
        name_models(["model", str(tmp_path / "model")])


def test_checksums(tmp_path):
    table = tmp_path / "test.csv"
    table.write_bytes(b"anchor_seq\n")
    told = describe_inputs({"hard": table}, {"base": "models/base"}, {"base": "f00"})
    assert told["tables"]["hard"] == {
        "path": str(table),
        "sha256": hashlib.sha256(b"anchor_seq\n").hexdigest(),
    }
    assert told["models"] == {"base": {"path": "models/base", "weights_sha256": "f00"}}
    with pytest.raises(MissingFileError):
        describe_inputs({"hard": tmp_path / "none"}, {}, {})
