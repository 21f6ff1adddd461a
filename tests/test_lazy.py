"""Public names: found when they are first used, and known to type checkers, which refuse what is wrong."""

import importlib
import subprocess
import sys
from pathlib import Path
from pkgutil import iter_modules
from typing import Literal, get_origin

import pytest

import protrek_hm

ROOT = Path(__file__).parents[1]
ROOMS = [each.name for each in iter_modules(protrek_hm.__path__, "protrek_hm.") if each.ispkg]
OPEN = [
    "protrek_hm",
    *(room for room in ROOMS if "lazily" in Path(f"{ROOT}/src/{room.replace('.', '/')}/__init__.py").read_text()),
]
WRONG = """\
import protrek_hm
from protrek_hm.mine import no_such_name
from protrek_hm import Hit, Searcher, mine_hard_negatives, read_proteins
mine_hard_negatives(1, 2, 3, nonsense=True)
read_proteins("a.tsv", collumns={})
protrek_hm.no_such_name
Searcher.open("index").search(5)
hit: Hit = "P1"
protrek_hm.build_index("proteins.tsv")
"""
RIGHT = """\
from pathlib import Path
import protrek_hm
from protrek_hm.search import Query
proteins = protrek_hm.read_proteins(Path("a.tsv"))
mined = protrek_hm.mine_hard_negatives(proteins, protrek_hm.MineConfig(min_identity=0.8))
[hits] = protrek_hm.Searcher.open("index").search("a kinase", k=3)
score: float = hits[0].score
"""


@pytest.mark.parametrize("package", OPEN)
def test_every_public_name_is_there(package):
    module = importlib.import_module(package)
    assert dir(module) == module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        found = getattr(module, name)
        assert get_origin(found) is Literal or found.__name__ == name
    with pytest.raises(AttributeError, match=f"'{package}' has no attribute 'no_such_name'"):
        module.no_such_name  # noqa: B018


@pytest.mark.slow
def test_type_checkers_refuse_wrong_uses_and_accept_right_ones(tmp_path):
    (tmp_path / "wrong.py").write_text(WRONG)
    (tmp_path / "right.py").write_text(RIGHT)
    files = [tmp_path / "wrong.py", tmp_path / "right.py"]
    command = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", *files]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT).stdout
    lines = {int(line.split(":")[1]) for line in told.splitlines() if "wrong.py" in line and ": error:" in line}
    assert lines == {2, 4, 5, 6, 7, 8, 9}, told
    assert "right.py" not in told, told
