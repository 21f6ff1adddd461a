"""Models from the hub and to it, against a local server that answers as the hub does."""

import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import huggingface_hub
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizer

from protrek_hm.errors import FileFormatError, MissingFileError, ModelError, OptionError
from protrek_hm.model import ModelConfig, ProTrek, TowerConfig
from protrek_hm.model.config import EncoderConfig
from protrek_hm.model.info import describe_model
from protrek_hm.model.locate import push

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves the repositories in `models` (name → folder), each with the branch `main` and the tag `v1`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Answer)
        self.models: dict[str, Path] = {}
        self.requests: list[str] = []
        self.cut = ""  # the first answer with this file breaks off in the middle
        self.failures: list[BaseException | None] = []

    def handle_error(self, request, client_address):
        self.failures.append(sys.exception())


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(f"{self.command} {path}")
        api, _, rest = path.removeprefix("/api/models/").partition("/revision/")
        if path.startswith("/api/models/"):
            if "/tree/" in path:
                return self._tree(path.removeprefix("/api/models/").partition("/tree/")[0])
            return self._info(api, rest)
        name, _, file = path[1:].partition("/resolve/")
        if name not in self.server.models:
            return self._refuse("RepoNotFound")
        return self._file(name, file.partition("/")[2])

    def _tree(self, name):
        folder = self.server.models[name]
        files = [each for each in sorted(folder.rglob("*")) if each.is_file()]
        rows = [
            {"type": "file", "path": each.relative_to(folder).as_posix(), "size": each.stat().st_size, "oid": "0" * 40}
            for each in files
        ]
        return self._send(json.dumps(rows).encode())

    def _info(self, name, revision):
        if name not in self.server.models:
            return self._refuse("RepoNotFound")
        if revision not in ("", "main", "v1", COMMIT):
            return self._refuse("RevisionNotFound")
        return self._send(json.dumps({"id": name, "modelId": name, "sha": COMMIT, "siblings": []}).encode())

    def _file(self, name, file):
        path = self.server.models[name] / file
        content = path.read_bytes()
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        headers = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        return self._send(content, start=start, headers=headers, name=path.name)

    def _send(self, content, *, start=0, headers=None, name=""):
        self.send_response(206 if start else 200)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        if name and name == self.server.cut:
            self.server.cut = ""
            self.wfile.write(content[start : len(content) // 2])
            self.close_connection = True
            return
        self.wfile.write(content[start:])

    def _refuse(self, code):
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    constants = huggingface_hub.constants
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    huggingface_hub.close_session()
    yield server
    huggingface_hub.close_session()
    server.shutdown()
    thread.join()
    server.server_close()
    assert not [each for each in server.failures if not isinstance(each, ConnectionError)]


def test_an_official_model_by_name(hub, official, monkeypatch, capfd):
    folder, original = official
    hub.models["westlake/ProTrek_tiny"] = folder
    hub.cut = "ProTrek_tiny.pt"  # and goes on where it broke off
    model = ProTrek.from_pretrained("westlake/ProTrek_tiny", device="cpu")
    assert model.temperature == original.temperature.item()
    assert model.fingerprint() == ProTrek.from_pretrained(folder, device="cpu").fingerprint()
    assert hub.requests.count(f"GET /westlake/ProTrek_tiny/resolve/{COMMIT}/ProTrek_tiny.pt") == 2
    assert capfd.readouterr() == ("", ""), "no bar where there is no terminal"

    hub.requests.clear()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    huggingface_hub.close_session()
    offline = ProTrek.from_pretrained("westlake/ProTrek_tiny", device="cpu")
    assert offline.fingerprint() == model.fingerprint()
    assert hub.requests == []
    with pytest.raises(MissingFileError, match="westlake/other: .*nor is it a model that the hub gives"):
        ProTrek.from_pretrained("westlake/other")


def test_a_model_of_ours_by_name_and_revision(hub, model, saved):
    hub.models["user/tiny"] = saved
    names = (("user/tiny", None), ("user/tiny", "v1"), ("user/tiny@v1", None), (f"user/tiny@{COMMIT}", None))
    for name, revision in names:
        assert ProTrek.from_pretrained(name, revision=revision, device="cpu").fingerprint() == model.fingerprint()
    assert describe_model("user/tiny@v1")["fingerprint"] == model.fingerprint()
    with pytest.raises(MissingFileError, match=r"user/tiny@v2: .*(R|r)evision"):
        ProTrek.from_pretrained("user/tiny@v2")
    with pytest.raises(OptionError, match="revision = 'main': user/tiny@v1 names another one"):
        ProTrek.from_pretrained("user/tiny@v1", revision="main")


def test_names_that_lead_to_no_model(hub, tmp_path):
    with pytest.raises(MissingFileError, match="some/model: .*Repository Not Found") as caught:
        ProTrek.from_pretrained("some/model")
    assert "\n" not in str(caught.value)
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "config.json").write_text("{}")
    hub.models["some/bert"] = tmp_path / "repo"
    with pytest.raises(FileFormatError, match="a model of the hub, but no ProTrek"):
        ProTrek.from_pretrained("some/bert")


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
def test_an_encoder_by_name(hub, tmp_path, weights):
    folder = tmp_path / "source"
    config = BertConfig(vocab_size=7, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
    encoder = BertModel(config, add_pooling_layer=False)
    encoder.save_pretrained(folder)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "kinase"]
    BertTokenizer(vocab={word: number for number, word in enumerate(words)}).save_pretrained(folder)
    if weights != "model.safetensors":
        (folder / "model.safetensors").unlink()
        torch.save(encoder.state_dict(), folder / weights)
    hub.models["some/bert"] = folder
    fresh = TowerConfig(layers=1, hidden=8, heads=2, max_tokens=20)
    model = ProTrek.build(ModelConfig(sequence=fresh, text=EncoderConfig("some/bert@v1"), dimension=8), device="cpu")
    found = model.routes["text"][0].auto_model.state_dict()
    assert all(torch.equal(tensor, found[name]) for name, tensor in encoder.state_dict().items())
    assert model.history[0]["encoders"] == {"text": "some/bert@v1"}


class Api:
    """Stands in for HfApi, and remembers what it was asked."""

    asked: list = []
    error = None

    def create_repo(self, name, *, private, exist_ok):
        self.asked.append((name, private, exist_ok))
        if self.error:
            raise self.error
        return f"https://hub/{name}"

    def upload_folder(self, *, repo_id, folder_path, commit_message, ignore_patterns):
        self.asked.append((repo_id, Path(folder_path), commit_message))


@pytest.fixture
def api(monkeypatch):
    monkeypatch.setattr(Api, "asked", [])
    monkeypatch.setattr(Api, "error", None)
    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "token")
    return Api


def test_push_is_private_unless_said_otherwise(api, saved):
    assert push(saved, "user/model") == "https://hub/user/model"
    assert api.asked == [("user/model", True, True), ("user/model", saved, "Upload the model")]
    push(saved, "user/model", public=True, message="again")
    assert api.asked[2:] == [("user/model", False, True), ("user/model", saved, "again")]


def test_push_says_what_is_wrong(api, saved, monkeypatch):
    for name in ("model", "a/b/c", "user/model@v1", "user/mo del"):
        with pytest.raises(OptionError, match="give user/model"):
            push(saved, name)
    monkeypatch.setattr(Api, "error", OSError("403 Forbidden\nyou may not"))
    with pytest.raises(
        ModelError, match=r"user/model: the hub did not take the model \(403 Forbidden\); check"
    ) as caught:
        push(saved, "user/model")
    assert "\n" not in str(caught.value)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(ModelError, match="no token of the hub; log in with `hf auth login`, or set HF_TOKEN"):
        push(saved, "user/model")
    assert len(api.asked) == 1
