import re
import subprocess


def test_every_address_is_described_with_its_fields(client):
    page = client.get("/docs").text
    for path, methods in client.app.openapi()["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in page
    for field in ("queries", "where", "sequences"):
        assert f"<td><code>{field}</code></td>" in page
    assert "list of string" in page
    assert "must be given" in page


def test_it_loads_nothing_from_elsewhere(client):
    page = client.get("/docs").text
    loaded = re.findall(r'(?:src|<link[^>]* href)="([^"]+)"', page)
    assert loaded
    assert all(client.get(f"/{name}").status_code == 200 for name in loaded)


def test_its_examples_are_answered(client):
    page = client.get("/docs").text
    for command in re.findall(r"<pre><code>(curl [^<]*)</code>", page):
        shown = command.replace("&#39;", "'").replace("&#34;", '"').replace("&amp;", "&")
        words = subprocess.run(["bash", "-c", f"printf '%s\\0' {shown}"], capture_output=True, text=True, check=True)
        _, _, url, *data = words.stdout.split("\0")[:-1]
        if data[:1] == ["--json"]:
            answer = client.post(url, content=data[1], headers={"content-type": "application/json"})
            assert answer.status_code in (200, 400), answer.text  # its ids and texts are of another index
        elif not data:
            assert client.get(url).status_code == 200
