"""The documents cannot lie: commands exist, the README's chain and its Python run, links lead somewhere."""

import gzip
import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from protrek_hm.cli.app import app

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("example/*.md")])


def _commands(document: Path) -> list[str]:
    """The lines after `$` of a document's console blocks."""
    blocks = re.findall(r"```console\n(.*?)```", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def _leaves(command, path=()):
    """All commands below a group, as (words, command)."""
    children = getattr(command, "commands", None)
    if not children:
        return [(path, command)]
    return [leaf for name, child in children.items() for leaf in _leaves(child, (*path, name))]


LEAVES = {words: command for words, command in _leaves(typer.main.get_command(app))}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_and_flag_of_the_documents_exists(document):
    for line in _commands(document):
        _check(line, document)


def _check(line, document):
    words = shlex.split(line)
    if words[0] == "protrek-hm":
        given = tuple(words[1:3])
        name = next((known for known in (given, given[:1], (*given[:1], "run")) if known in LEAVES), None)
        assert name, f"{document.name}: no such command: {line}"
        flags = {flag for parameter in LEAVES[name].params for flag in (*parameter.opts, *parameter.secondary_opts)}
        assert not {word for word in words if re.match(r"--?[a-z]", word)} - flags, f"{document.name}: {line}"


def test_files_for_clusters_name_real_commands_and_the_tested_ray():
    yaml = pytest.importorskip("yaml", reason="PyYAML, of the site's extra, is not installed")
    deploy = ROOT / "deploy"
    [job] = yaml.safe_load_all((deploy / "ray-job.yaml").read_text())
    [service, training] = yaml.safe_load_all((deploy / "train-job.yaml").read_text())
    _check(job["spec"]["entrypoint"], deploy / "ray-job.yaml")
    pod = training["spec"]["template"]["spec"]
    [line] = pod["containers"][0]["args"]
    launched, _, command = line.partition("-m protrek_hm")
    _check(f"protrek-hm{command}", deploy / "train-job.yaml")
    nodes, cards = training["spec"]["completions"], pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"]
    assert f"--nnodes {nodes} --nproc-per-node {cards} " in launched
    assert f"--master-addr {training['metadata']['name']}-0.{service['metadata']['name']} " in launched
    [tested] = re.findall(r"^ray==(\S+)$", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE)
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["rayVersion"] == tested
    assert f"FROM rayproject/ray:{tested}-" in (deploy / "ray.Dockerfile").read_text()
    for part in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"], training["spec"]):
        pod = part["template"]["spec"]
        named = {each["name"] for each in pod["volumes"]}
        assert {mount["name"] for each in pod["containers"] for mount in each["volumeMounts"]} == named


def test_the_slurm_script_starts_ray_on_all_nodes_and_the_command_once(tmp_path):
    for name, line in {"scontrol": "printf 'n7\\nn8\\n'", "srun": "printf '%s\\n' \"$@\""}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    job = {"JOB_ID": "41", "JOB_NODELIST": "n[7-8]", "JOB_NUM_NODES": "2", "CPUS_PER_TASK": "16", "GPUS_ON_NODE": "4"}
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", **{f"SLURM_{name}": value for name, value in job.items()}}
    line = ["bash", str(ROOT / "deploy" / "slurm.sh")]

    def run(*words):
        return subprocess.run([*line, *words], env=environment, capture_output=True, text=True, timeout=20, check=False)

    said = run("index", "build", "my file.tsv", "-o", "index")
    assert said.returncode == 0, said.stderr
    words = said.stdout.splitlines()
    assert words[words.index("ray") : words.index("--")] == [
        *("ray", "symmetric-run", "--address", "n7:20041", "--min-nodes", "2"),
        *("--num-cpus=16", "--num-gpus=4", "--disable-usage-stats"),
    ]
    assert words[words.index("--") + 1 :] == [
        *("protrek-hm", "index", "build", "my file.tsv", "-o", "index", "--cluster", "auto")
    ]
    assert run().returncode == 2


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_is_documented(words):
    name = " ".join(word for word in words if word != "run")
    documents = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert re.search(rf"(protrek-hm |`){name}\b", documents), f"no document mentions `{name}`"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_make_targets_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (document.parent / target).exists(), f"{document.name}: {target}"
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    for target in re.findall(r"`?make (\w+)`", text):
        assert target in targets, f"{document.name}: make {target}"


def test_the_pages_of_public_names_are_those_of_the_code():
    pages = runpy.run_path(str(ROOT / "docs" / "api.py"))["pages"]()
    assert {each.name for each in (ROOT / "docs" / "api").glob("*.md")} == set(pages)
    for name, text in pages.items():
        assert (ROOT / "docs" / "api" / name).read_text(encoding="utf-8") == text, "run python docs/api.py"


def test_the_tables_of_settings_are_those_of_the_code():
    page = runpy.run_path(str(ROOT / "docs" / "settings.py"))["page"]()
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == page, "run python docs/settings.py"


def test_the_page_of_the_board_is_that_of_its_json():
    page = runpy.run_path(str(ROOT / "recipes" / "board" / "page.py"))["page"]
    content = json.loads((ROOT / "docs" / "board.json").read_text(encoding="utf-8"))
    text = (ROOT / "docs" / "board.md").read_text(encoding="utf-8")
    assert page(text, content) == text, "run python recipes/board/page.py docs/board.json docs/board.md"


def _assert_a_gain_on_unseen_alleles(tuned):
    report = json.loads((tuned / "evaluation" / "report.json").read_text(encoding="utf-8"))
    assert report["leak_check"]["shared_proteins"] == report["leak_check"]["shared_texts"] == 0
    for measure in ("hard_text_to_protein", "hard_protein_to_text"):
        assert report["differences"][measure]["value"] > 0, measure


def _blocks(document):
    """The commands and the Python blocks of a document, in order; commands without their program."""
    text = document.read_text(encoding="utf-8")
    for kind, block in re.findall(r"```(console|python)\n(.*?)```", text, flags=re.DOTALL):
        if kind == "python":
            yield kind, block
        else:
            yield from (
                (kind, line.split("protrek-hm ", 1)[1]) for line in block.splitlines() if "$ protrek-hm" in line
            )


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    """What tutorials name and a test cannot have, and what takes its place."""
    from protrek_hm.model import ModelConfig, ProTrek, TowerConfig

    tower = TowerConfig(layers=1, hidden=8, heads=1, max_tokens=50)
    config = ModelConfig(sequence=tower, text=tower, dimension=8, vocabulary=100)
    folder = tmp_path_factory.mktemp("official") / "model"
    ProTrek.build(config, texts=["a kinase", "a lyase"], device="cpu").save_pretrained(str(folder))
    return {"westlake-repl/ProTrek_650M": str(folder), "cuda": "cpu", "bf16": "float32"}


@pytest.mark.slow
@pytest.mark.parametrize("document", sorted((ROOT / "docs" / "tutorials").glob("*.md")), ids=lambda path: path.stem)
def test_a_tutorial_runs_from_its_first_line_to_its_last(document, tmp_path, monkeypatch, stand_ins):
    shutil.copytree(ROOT / "example", tmp_path / "example")
    (tmp_path / "more.fasta.gz").write_bytes(gzip.compress(b">P1\nMSIQHFRVALIPFFAAFCLPVFAHPETLVKVKDAEDQLG\n"))
    (tmp_path / "queries.tsv").write_text("id\tquery\nQ1\thydrolyses carbapenems\nQ2\tblue fluorescent protein\n")
    monkeypatch.chdir(tmp_path)
    names = {}
    for kind, block in _blocks(document):
        words = [stand_ins.get(word, word) for word in shlex.split(block)] if kind == "console" else []
        if words[:1] == ["serve"]:
            continue
        if kind == "console":
            result = CliRunner().invoke(app, words)
            assert result.exit_code == 0, f"{block}\n{result.output}\n{result.exception!r}"
        else:
            Path("block.py").write_text(block, encoding="utf-8")
            names |= runpy.run_path("block.py", init_globals=names)


@pytest.mark.slow
def test_the_chain_of_the_readme_runs_on_the_bundled_proteins(tmp_path):
    shutil.copytree(ROOT / "example", tmp_path / "example")
    readme = ROOT / "README.md"
    for line in _commands(readme):
        words = shlex.split(line)
        if words[0] == "protrek-hm" and words[1] != "demo":
            quick = ["--epochs", "2"] if words[1] == "tune" else []  # the README's three take longer
            run = subprocess.run(
                [sys.executable, "-m", "protrek_hm", *words[1:], *quick],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=900,
            )
            assert run.returncode == 0, f"{line}\n{run.stdout}\n{run.stderr}"
    assert run.stdout.count("\n") > 5, "the search at the end answers"
    _assert_a_gain_on_unseen_alleles(tmp_path / "out" / "lactamases")
    [python] = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), flags=re.DOTALL)
    run = subprocess.run([sys.executable, "-c", python], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
