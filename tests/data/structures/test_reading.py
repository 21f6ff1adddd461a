"""Formats by content, what a file tells about itself, limits, and rubbish."""

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protrek_hm.data.structures.reading import find_structure_files, read_entry
from protrek_hm.data.structures.records import read_structure
from protrek_hm.errors import FileFormatError, MissingFileError, NothingFoundError

LIMIT = 1 << 20
DBREF = (
    "DBREF  1ABC A    1    30  UNP    P12345   MADE_UP          1     30\n"
    "DBREF  1ABC B    1    15  UNP    P12345   MADE_UP          1     15\n"
    "DBREF  1ABC B   16    30  UNP    Q67890   MADE_TOO         1     15\n"
    "DBREF  1ABC C    1    30  PDB    1ABC     1ABC             1     30\n"
    "DBREF1 1ABC D    1    30  UNP                  A0A024RBG1_HUMAN\n"
    "DBREF2 1ABC D     A0A024RBG1                          1          30\n"
    "DBREF  1ABC E    1    15  UNP    P12345   MADE_UP          1     15\n"
    "DBREF1 1ABC E   16    30  UNP                  A0A024RBG1_HUMAN\n"
    "DBREF2 1ABC E     A0A024RBG1                          1          15\n"
    "DBREF1 1ABC F    1    30  GB                   1234567890\n"
    "DBREF2 1ABC F     1234567890                          1          30\n"
)
STRUCT_REF = """loop_
_struct_ref.id
_struct_ref.db_name
_struct_ref.pdbx_db_accession
1 UNP P12345
2 PDB 1ABC
3 UNP Q67890
4 UNP A0A024RBG1
loop_
_struct_ref_seq.ref_id
_struct_ref_seq.pdbx_strand_id
_struct_ref_seq.pdbx_db_accession
1 A P12345
1 B P12345
3 B Q67890
2 C 1ABC
4 D A0A024RBG1
1 E P12345
4 E A0A024RBG1
"""


def write(path, data):
    path.write_bytes(data)
    return path


def entry(path, data):
    return read_entry(write(path, data), max_bytes=LIMIT)


@pytest.mark.parametrize("kind", ["pdb", "cif", "bcif"])
@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_the_format_is_known_by_the_content(build, tmp_path, kind, ending):
    data = build.formats[kind](build.hairpin())
    if ending == ".gz":
        data = gzip.compress(data)
    if ending == ".zst":
        import pyarrow as pa

        data = pa.compress(data, "zstd", asbytes=True)
    [record] = read_structure(write(tmp_path / f"misnamed{ending}", data))
    assert record["sequence"] == "MKTAYIAKQRGISFVKSHFSGQLEERLGLI"


@pytest.mark.parametrize(("kind", "header"), [("pdb", DBREF), ("cif", STRUCT_REF), ("bcif", STRUCT_REF)])
def test_uniprot_accessions_of_chains_that_are_one_protein(build, tmp_path, kind, header):
    found = entry(tmp_path / "a", build.formats[kind](build.hairpin(), header=header)).accessions
    assert found == {"A": "P12345", "D": "A0A024RBG1"}


def test_an_accession_that_only_the_reference_names(build, tmp_path):
    header = STRUCT_REF.replace("_struct_ref_seq.pdbx_db_accession", "_struct_ref_seq.seq_align_beg")
    data = build.formats["cif"](build.hairpin(), header=header)
    assert entry(tmp_path / "a", data).accessions == {"A": "P12345", "D": "A0A024RBG1"}
    unknown = header.replace(" UNP P12345", " UNP ?")
    data = build.formats["cif"](build.hairpin(), header=unknown)
    assert entry(tmp_path / "a", data).accessions == {"D": "A0A024RBG1"}


@pytest.mark.parametrize(
    ("kind", "header", "predicted"),
    [
        ("pdb", "", False),
        ("pdb", "TITLE     ALPHAFOLD MONOMER V2.0 PREDICTION FOR MADE UP (P12345)", True),
        ("pdb", "TITLE     ESMFOLD V1 PREDICTION FOR INPUT", True),
        ("pdb", "EXPDTA    THEORETICAL MODEL\nREMARK   1 ALPHAFOLD", True),
        ("pdb", "EXPDTA    X-RAY DIFFRACTION\nREMARK 200 STARTING MODEL: ALPHAFOLD", False),
        ("cif", "_ma_qa_metric.name pLDDT", True),
        ("cif", "_exptl.method 'X-RAY DIFFRACTION'\n_refine.pdbx_starting_model AlphaFold", False),
        ("bcif", "_ma_qa_metric.name pLDDT", True),
        ("bcif", "_exptl.method 'X-RAY DIFFRACTION'\n_software.name AlphaFold", False),
    ],
)
def test_predictions_are_known_by_what_they_say(build, tmp_path, kind, header, predicted):
    data = build.formats[kind](build.hairpin(), header=header)
    assert entry(tmp_path / "a", data).names_predictor is predicted


def test_the_block_with_atoms_counts(build, tmp_path):
    data = b"data_comp_LIG\n_chem_comp.id LIG\n" + build.formats["cif"](build.hairpin())
    assert len(entry(tmp_path / "a.cif", data).structure) == 1


@pytest.mark.parametrize("kind", ["pdb", "cif"])
def test_several_structures_in_one_file_are_refused(build, tmp_path, kind):
    """Only the first would be read."""
    one = build.formats[kind](build.hairpin())
    two = build.formats[kind](build.peptide("GASWK", [build.strand] * 5, chain="B")).replace(b"data_made", b"data_two")
    with pytest.raises(FileFormatError, match=r"atoms; give each|behind END; give each structure a file of its own"):
        entry(tmp_path / "a", one + two)
    models = [build.replace(atom, model=number) for number in (1, 2) for atom in build.hairpin()]
    frames = build.formats[kind](models).replace(b"ENDMDL", b"ENDMDL\nEND")
    assert len(entry(tmp_path / "b", frames).structure[0]) == 1


def test_letters_of_other_alphabets_shift_no_column(build, tmp_path):
    data = build.formats["pdb"](build.hairpin(chain="\xe4")).decode().encode("latin-1")
    [chain] = read_structure(write(tmp_path / "a.pdb", data))
    assert (chain["chain"], len(chain["sequence"])) == ("?", 30)


def test_limits(build, tmp_path):
    data = build.formats["pdb"](build.hairpin())
    bomb = write(tmp_path / "bomb.pdb.gz", gzip.compress(data + b" " * 5_000_000))
    with pytest.raises(FileFormatError, match=r"bomb\.pdb\.gz: more than 1,048,576 bytes; raise .*--max-bytes"):
        read_entry(bomb, max_bytes=LIMIT)
    assert len(read_entry(write(tmp_path / "a.pdb", data), max_bytes=len(data)).structure) == 1


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no protein chain"),
        (b"\0" * 500, "no protein chain"),
        (b"data_x\nloop_\n_atom_site.id\n1 2\n_y", "no structure file"),
        (b"data_x\n_atom_site.id 'open\n", "no structure file"),
        (b"\x83\xa7version", "no structure file"),
        (gzip.compress(b"ATOM" * 999, mtime=0)[:40], "truncated"),
        (b"\x1f\x8b" + b"x" * 40, "damaged"),
        (b"PK\x03\x04" + b"x" * 40, "no protein chain"),
    ],
)
def test_no_structures(tmp_path, data, problem):
    with pytest.raises(FileFormatError, match=problem):
        read_structure(write(tmp_path / "bad", data))
    with pytest.raises(MissingFileError):
        read_structure(tmp_path / "none")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_are_read_or_refused(build, tmp_path, data):
    """Never anything else, and as many letters as residues."""
    kind = data.draw(st.sampled_from(["pdb", "cif", "bcif"]))
    content = bytearray(build.formats[kind](build.peptide("MKGSE", [build.helix] * 5)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        gone = data.draw(st.integers(0, 60))
        content[at : at + gone] = data.draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"nan", b"inf", b"-9e999", b"\n", b"?", b"loop_\n"]))
        )
    try:
        records = read_structure(write(tmp_path / "x", bytes(content)))
    except FileFormatError:
        return
    assert all(len(record["sequence"]) == len(record["structure"]) > 0 for record in records)


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
