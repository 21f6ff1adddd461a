import gzip
import io
import tempfile
import zipfile
from pathlib import Path

import pytest

from protrek_hm.data.structures import read_structure
from protrek_hm.serve import uploads

EXAMPLES = Path(__file__).parents[2] / "example" / "structures"


def send(client, content, name="model.cif", **fields):
    return client.post("/v1/structure", files={"file": (name, content)}, data=fields)


@pytest.fixture
def a_file():
    return sorted(path for path in EXAMPLES.iterdir() if path.suffix in (".pdb", ".cif"))[0]


def test_an_upload_is_read_as_the_library_reads_it(client, a_file):
    first, *_ = chains = read_structure(a_file)
    wanted = {name: first[name] for name in ("chain", "sequence", "structure")}
    wanted["chains"] = [each["chain"] for each in chains]
    assert send(client, a_file.read_bytes()).json() == wanted
    assert send(client, gzip.compress(a_file.read_bytes()), name="../../../etc/passwd").json() == wanted
    assert (
        send(client, a_file.read_bytes(), name="\0", chain=chains[-1]["chain"]).json()["chain"] == wanted["chains"][-1]
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x83\x01\x02\x03" * 100, "no structure"),
        (b"\x1f\x8b\x08 not gzip at all", "damaged|truncated"),
        (gzip.compress(b"data_x\n" + b"#" * 2_000_000), "more than 1,000,000 bytes"),
        (bytes(range(256)) * 40, "no structure|no protein chain"),
        (b"data_x\nloop_\n_atom_site.id\n_atom_site.Cartn_x\n1\n", "no structure"),
    ],
)
def test_rubbish_and_bombs_are_refused(connect, content, message):
    error = send(connect(max_upload_bytes=1_000_000), content)
    assert error.status_code == 400, error.text
    assert error.json()["error"]["field"] == "file"
    assert any(part in error.json()["error"]["message"] for part in message.split("|"))
    assert "/" not in error.json()["error"]["message"], "no path of the server"


def test_zip_files_are_no_structures(client, a_file):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(a_file, "model.cif")
    assert send(client, buffer.getvalue()).status_code == 400


def test_a_gigabyte_is_refused_by_its_size(client):
    answer = client.post("/v1/structure", content=b"x", headers={"content-length": str(1 << 30)})
    assert answer.status_code == 413
    assert "67,108,864 bytes" in answer.json()["error"]["message"]


def test_forms_that_are_none(client, a_file):
    for answer, field in (
        (client.post("/v1/structure", json={"file": "x"}), "file"),
        (client.post("/v1/structure", data={"file": "a path"}), "file"),
        (client.post("/v1/structure", files={"other": b"x"}), "file"),
        (send(client, a_file.read_bytes(), chain="A" * 17), "chain"),
        (send(client, a_file.read_bytes(), chain="nobody"), "chain"),
        (client.post("/v1/structure", content=b"--x", headers={"content-type": "multipart/form-data"}), "request"),
        (client.post("/v1/structure", files=[("file", b"x"), ("file", b"y")]), "request"),
    ):
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.json()["error"]["field"] == field


def test_a_reader_that_fails_or_hangs_is_told_as_a_bad_file(client, monkeypatch):
    program = "import os, sys; os.kill(os.getpid(), 11)"
    monkeypatch.setattr(uploads, "_PROGRAM", program)
    assert send(client, b"x").json()["error"]["message"] == "it cannot be read"
    monkeypatch.setattr(uploads, "_PROGRAM", "import time; time.sleep(60)")
    monkeypatch.setattr(uploads, "_SECONDS", 0.1)
    assert send(client, b"x").json()["error"]["message"] == "it takes too long to read"


def test_no_module_of_the_folder_where_the_server_was_started_is_run(client, a_file, tmp_path, monkeypatch):
    for name in ("gemmi", "resource", "json", "runpy", "numpy", "protrek_hm"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'a').write({name!r})")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))  # as `python -m` does, or PYTHONPATH=.
    assert send(client, a_file.read_bytes()).status_code == 200
    assert not (tmp_path / "run").exists()


def test_nothing_of_an_upload_is_left_even_if_its_reader_is_killed(client, a_file, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert send(client, a_file.read_bytes()).status_code == 200
    program = "import os, pathlib; pathlib.Path('left').mkdir(); print(os.getcwd()); os.kill(os.getpid(), 9)"
    monkeypatch.setattr(uploads, "_PROGRAM", program)
    assert send(client, b"x").status_code == 400
    assert list(tmp_path.iterdir()) == []


def test_the_reader_works_in_an_empty_folder_of_its_own(client, tmp_path, monkeypatch):
    told = tmp_path / "told"
    monkeypatch.setattr(uploads, "_PROGRAM", f"import os; open({str(told)!r}, 'w').write(str(os.listdir()))")
    send(client, b"x")
    assert told.read_text() == "[]"


def test_of_many_chains_a_message_names_some(client, monkeypatch):
    many = [{"chain": f"C{number}", "sequence": "M", "structure": "d"} for number in range(1000)]
    monkeypatch.setattr("protrek_hm.data.structures.records.read_structure", lambda *_: many)
    answer = uploads._answer(Path("upload"), "nobody", 10)
    assert answer["problem"].startswith("no protein chain 'nobody' (chains: C0, C1, ")
    assert answer["problem"].endswith(", C19, …)")
