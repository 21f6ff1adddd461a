"""Many files at once against one by one; bad files, names that clash, an interruption, a process that dies."""

import gzip
import os

import polars as pl
import pytest

from protrek_hm.data.structures import table as table_module
from protrek_hm.data.structures.config import StructureConfig
from protrek_hm.data.structures.records import read_structure
from protrek_hm.data.structures.table import SCHEMA, read_structures
from protrek_hm.errors import FileFormatError, NothingFoundError

ONE, TWO = StructureConfig(workers=1), StructureConfig(workers=2)


@pytest.fixture
def files(build, tmp_path):
    made = []
    for number in range(20):
        atoms = build.peptide("MKGSEAW"[: 3 + number % 5], [build.helix] * (3 + number % 5), chain="AB"[number % 2])
        kind = ("pdb", "cif")[number % 2]
        path = tmp_path / f"{number:02d}.{kind}.gz"
        path.write_bytes(gzip.compress(build.formats[kind](atoms)))
        made.append(path)
    return made


def test_side_by_side_as_one_by_one(files):
    told = []
    table = read_structures(files, TWO, progress=lambda *each: told.append(each))
    expected = [record for path in files for record in read_structure(path)]
    assert table.frame.equals(pl.DataFrame(expected, schema=SCHEMA))
    assert table.bad == ()
    assert told == [("structures", done, 20) for done in range(1, 21)]
    assert read_structures(files, ONE).frame.equals(table.frame)


def test_bad_files(files):
    files[3].write_bytes(b"rubbish")
    files[18].unlink()
    with pytest.raises(FileFormatError, match=r"03\.cif\.gz: no protein chain.*--on-bad-record skip") as caught:
        read_structures(files, TWO)
    assert str(caught.value).count("\n") == 0
    for config in (ONE, TWO):
        table = read_structures(files, config, on_bad_record="skip")
        assert [bad.path for bad in table.bad] == [files[3], files[18]]
        assert str(table.bad[1]).endswith("18.pdb.gz: no such file; check the path")
        assert table.frame["file"].to_list() == [str(path) for path in files if path not in (files[3], files[18])]


def test_no_good_file(tmp_path):
    (tmp_path / "a.pdb").write_bytes(b"rubbish")
    with pytest.raises(NothingFoundError, match=r"no protein chain in 1 files, the first because: .*a\.pdb: no prot"):
        read_structures([tmp_path / "a.pdb"], ONE, on_bad_record="skip")


def test_two_files_of_one_name(files, tmp_path):
    (tmp_path / "again").mkdir()
    clash = tmp_path / "again" / "00.pdb"
    clash.write_bytes(gzip.decompress(files[0].read_bytes()))
    with pytest.raises(FileFormatError, match=r"would be 00_A, as that of .*00\.pdb\.gz; rename"):
        read_structures([*files, clash], ONE)
    table = read_structures([*files, clash], ONE, on_bad_record="skip")
    assert [bad.path for bad in table.bad] == [clash]
    assert table.frame.height == 20


def test_records_are_put_together_in_parts(files, monkeypatch):
    whole = read_structures(files, ONE).frame
    monkeypatch.setattr(table_module, "_AT_ONCE", 3)
    assert read_structures(files, ONE).frame.equals(whole)


def test_an_interruption_ends_the_processes(files):
    import multiprocessing

    def interrupt(_stage, done, _total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_structures(files, TWO, progress=interrupt)
    assert multiprocessing.active_children() == []


class Deadly(os.PathLike):
    """A path that ends the process that looks at it."""

    def __fspath__(self):
        return "deadly.pdb"

    def __reduce__(self):
        return os._exit, (1,)


def test_a_process_that_dies(files):
    with pytest.raises(FileFormatError, match="a process died while it read"):
        read_structures([*files, Deadly()], TWO)
