"""Files that are named, and those in folders."""

import pytest

from protrek_hm.data.structures.files import find_structure_files
from protrek_hm.errors import MissingFileError, NothingFoundError


def test_named_files_and_folders(tmp_path):
    names = ["b/2.cif", "b/1.pdb.gz", "b/deeper/3.bcif.zst", "b/notes.txt", "b/list.cif.txt", "odd", "4.ENT"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "folder.cif").mkdir()
    given = [tmp_path / "odd", tmp_path / "b", tmp_path / "b/2.cif", tmp_path / "4.ENT"]
    found = [path.relative_to(tmp_path).as_posix() for path in find_structure_files(given)]
    assert found == ["odd", "b/1.pdb.gz", "b/2.cif", "b/deeper/3.bcif.zst", "4.ENT"]


def test_paths_that_lead_nowhere(tmp_path):
    with pytest.raises(MissingFileError, match=r"none\.cif"):
        find_structure_files([tmp_path / "none.cif"])
    with pytest.raises(NothingFoundError, match="no structure file in it; they end in .pdb"):
        find_structure_files([tmp_path])
