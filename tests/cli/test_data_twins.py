"""`protrek-hm data twins`: a set becomes a table; counts on stdout, what is left out on stderr; bad input in a line."""

import json
from functools import partial
from pathlib import Path

import pytest

from protrek_hm.data import read_proteins

ORIGINALS = Path(__file__).parents[1] / "data" / "twins" / "originals"
POINT = [ORIGINALS / "ncbi_point" / name for name in ("AMRProt-mutation.tsv", "AMRProt_mutation.fa")]


@pytest.fixture
def run(command_line):
    return partial(command_line, "data", "twins")


@pytest.mark.parametrize("ending", ["tsv", "csv.gz", "parquet"])
def test_a_set_becomes_a_table_and_tells_what_is_left_out(run, tmp_path, ending):
    output, report = tmp_path / f"point.{ending}", tmp_path / "report.json"
    code, out, err = run("ncbi-point", *POINT, "-o", output, "--report", report)
    assert (code, out) == (
        0,
        f"{output}: 24 proteins of 20 records: 10 wild types, 14 mutants (0 controls), 0 others; 24 with a text\n",
    )
    assert err.splitlines() == [
        "left out: 1 (a stop): WP_000843414.1 marR_E31STOP",
        "left out: 3 (an insertion, deletion or frameshift): WP_002215424.1 rplV_K83KKGPSLK,"
        " WP_002215424.1 rplV_K90KARAK, WP_014614750.1 rpoB_A473AA",
        "left out: 2 (another letter in the reference, though it stands at mutation_position):"
        " WP_033785346.1 gyrA_S83I, WP_033785346.1 gyrA_S83L",
    ]
    proteins = read_proteins(output)
    assert proteins.height == 24
    assert proteins["text"].null_count() == 0
    written = json.loads(report.read_text())
    assert (written["format_version"], written["set"], written["mutants"]) == (1, "ncbi-point", 14)
    assert sum(map(len, written["left_out"].values())) == 6
    again = tmp_path / f"again.{ending}"
    run("ncbi-point", *POINT, "-o", again)
    assert again.read_bytes() == output.read_bytes(), "the same files give the same bytes"


def test_labels_of_a_table_of_ones_own(run, fails, tmp_path):
    table, output = tmp_path / "mine.tsv", tmp_path / "twins.tsv"
    table.write_text("name\tprotein\tdrug\nA\tMKV\tx\nB\tMKL\ty\n")
    given = ("labels", table, "-o", output, "--column", "sequence=protein")
    assert "name the columns of labels with --label COLUMN" in fails(*given)
    code, _, err = run(*given, "--label", "drug")
    assert (code, err) == (0, "")
    assert read_proteins(output)["label"].to_list() == ["x", "y"]
    table.write_text("name\tprotein\tdrug\nA\tMKV\tx\nB\tMKL\tx\n")
    assert "all proteins have the same label, 'x', in drug" in fails(*given, "--label", "drug", "--force")
    assert read_proteins(output)["label"].to_list() == ["x", "y"], "the earlier table stays"


def test_bad_input_is_one_line(run, fails, tmp_path):
    output = tmp_path / "out.tsv"
    assert "no FASTA beside it" in fails("ncbi-point", POINT[0], "-o", output)
    assert "no such file" in fails("catpred", tmp_path / "none.csv", "-o", output)
    assert "no column 'uniprot'" in fails("catpred", POINT[0], "-o", output)
    assert "is for the set labels only" in fails("ncbi-point", *POINT, "-o", output, "--label", "class")
    assert "unknown ending" in fails("ncbi-point", *POINT, "-o", tmp_path / "out.txt")
    assert "would be overwritten" in fails("ncbi-point", *POINT, "-o", POINT[0], "--force")
    assert "must be another file" in fails("ncbi-point", *POINT, "-o", output, "--report", output)
    scan = tmp_path / "A_B_activity.csv"
    scan.write_text("mutant,score\nM24A,1\nK25R,2\nV26A,1\n")
    (tmp_path / "A_B.fasta").write_text(">A_B\nMKV\n")
    line = fails("dms", scan, tmp_path / "A_B.fasta", "-o", output)
    assert "A_B_activity.csv: 3 of 3 mutants do not fit A_B.fasta" in line
    assert "they fit if 23 is subtracted from all positions" in line
    scan.write_text("mutant,fitness\nM1A,1\n")
    assert "no column 'score'" in fails("dms", scan, tmp_path / "A_B.fasta", "-o", output)
    assert not output.exists()
    code, _, err = run("dns", scan, "-o", output)
    assert code == 2
    assert "ncbi-point" in err
