"""Many files at once against one by one; bad files, names that clash, an interruption, a process that dies."""

import gzip
import os

import polars as pl
import pytest

from protrek_hm.data import read_proteins
from protrek_hm.data.structures import table as table_module
from protrek_hm.data.structures.config import StructureConfig
from protrek_hm.data.structures.records import read_structure
from protrek_hm.data.structures.table import SCHEMA, join_texts, read_structures, read_texts
from protrek_hm.errors import FileFormatError, MissingColumnError, NothingFoundError, RecordError

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


def test_b_factors_that_are_no_plddt_are_told_once(build, tmp_path, caplog):
    header = "TITLE     ALPHAFOLD MONOMER V2.0 PREDICTION\n"
    for number, b_factor in enumerate((88.0, 130.0, -1.0)):
        atoms = build.hairpin(b_factor=b_factor)
        (tmp_path / f"{number}.pdb").write_bytes(build.formats["pdb"](atoms, header=header))
    table = read_structures(sorted(tmp_path.glob("*.pdb")), ONE)
    assert table.frame["plddt"].to_list() == [88.0, None, None]
    [told] = caplog.messages
    assert told.startswith("2 files have B-factors that cannot be pLDDT, the first is ")
    assert "1.pdb" in told


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


STRUCTURES = pl.DataFrame(
    {
        "id": ["1abc_A", "1abc_B", "AF-P1-F1_A", "2xyz_A"],
        "sequence": ["MK", "MKV", "MKVL", "M"],
        "structure": ["dd", "ddd", "dddd", "d"],
        "plddt": [None, None, 90.5, None],
        "accession": ["P1", "P1", "P1", None],
        "chain": ["A", "B", "A", "A"],
        "file": ["1abc.cif", "1abc.cif", "AF-P1-F1.cif", "2xyz.pdb"],
    }
)


def write(path, *lines):
    path.write_text("".join("\t".join(line) + "\n" for line in lines))
    return path


def test_the_nearest_name_counts(tmp_path):
    path = write(
        tmp_path / "texts.tsv",
        ("Entry", "Function [CC]", "Sequence", "stage", "score"),
        ("1abc_B", "Of the chain.", "WWWW", "test", "1"),
        ("1abc", "Of the file.", "WWWW", "", "2"),
        ("P1", "Of the protein.", "WWWW", "train", "3"),
        ("P1", "Once more.", "WWWW", "train", "4"),
        ("P9", "Of nobody.", "WWWW", "train", "5"),
    )
    joined = join_texts(STRUCTURES, read_texts(path))
    assert joined.columns[:5] == ["id", "sequence", "text", "structure", "plddt"]
    assert joined.select("id", "sequence", "text", "stage").rows() == [
        ("1abc_A", "MK", "Of the file.", None),
        ("1abc_B", "MKV", "Of the chain.", "test"),
        ("AF-P1-F1_A", "MKVL", "Of the protein.", "train"),
        ("AF-P1-F1_A", "MKVL", "Once more.", "train"),
        ("2xyz_A", "M", None, None),
    ]
    joined.write_parquet(tmp_path / "joined.parquet")
    assert read_proteins(tmp_path / "joined.parquet")["text"].null_count() == 1


def test_sequences_are_not_needed(tmp_path):
    path = write(tmp_path / "texts.tsv", ("accession", "text"), ("P1", "Binds."))
    assert join_texts(STRUCTURES, read_texts(path))["text"].to_list() == ["Binds."] * 3 + [None]


def test_tables_that_do_not_fit(tmp_path):
    for header in (("accession", "length"), ("title", "text")):
        with pytest.raises(MissingColumnError):
            read_texts(write(tmp_path / "texts.tsv", header, ("P1", "3")))
    path = write(tmp_path / "texts.tsv", ("accession", "text"), ("P9", "Binds."))
    with pytest.raises(NothingFoundError, match="none of the structures"):
        join_texts(STRUCTURES, read_texts(path))
    (tmp_path / "texts.tsv").write_text("accession\ttext\nP1\tBinds.\nP2\n")
    with pytest.raises(RecordError, match=r"texts.tsv:3: "):
        read_texts(tmp_path / "texts.tsv")
