"""`protrek-hm data structure`: files become a table that other commands read; one clear line for each bad input."""

import gzip
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from protrek_hm.data import read_proteins

EXAMPLE = Path(__file__).parents[2] / "example" / "structures"


@pytest.fixture
def run(command_line):
    return partial(command_line, "data", "structure")


def test_the_example_becomes_a_protein_table(run, tmp_path):
    output = tmp_path / "structures.parquet"
    code, out, err = run(EXAMPLE, "-o", output, "--texts", EXAMPLE / "texts.tsv")
    assert (code, err) == (0, "")
    assert out == f"{output}: 3 chains of 2 files, 3 of them with a text\n"
    proteins = read_proteins(output)
    assert proteins["id"].to_list() == ["hairpin_A", "model_A", "model_B"]
    assert proteins["text"].null_count() == 0
    assert (proteins["sequence"].str.len_chars() == proteins["structure"].str.len_chars()).all()
    hidden = [structure.count("#") for structure in proteins["structure"]]
    assert hidden == [0, 6, 0], "the prediction is unsure of its first residues"
    assert proteins["plddt"].is_null().to_list() == [True, False, False]

    code, _, err = run(EXAMPLE, "-o", output)
    assert code == 2
    assert "exists already" in err
    code, out, _ = run(EXAMPLE / "model.cif.gz", "-o", output, "--force", "--chain", "B", "--mask-plddt", "none")
    assert (code, pl.read_parquet(output)["id"].to_list()) == (0, ["model_B"])
    code, out, _ = run(EXAMPLE / "model.cif.gz", "-o", tmp_path / "table.tsv", "--mask-plddt", "100")
    assert set("".join(read_proteins(tmp_path / "table.tsv")["structure"])) == {"#"}


def test_bad_files_are_told_and_left_out(run, fails, tmp_path):
    (tmp_path / "bad.pdb").write_bytes(b"rubbish")
    given = (tmp_path / "bad.pdb", EXAMPLE / "hairpin.pdb", "-o", tmp_path / "table.parquet")
    assert "bad.pdb: no protein chain; " in fails(*given)
    assert not (tmp_path / "table.parquet").exists()
    code, out, err = run(*given, "--on-bad-record", "skip")
    assert (code, out) == (0, f"{tmp_path / 'table.parquet'}: 1 chains of 1 files\n")
    (line,) = err.splitlines()
    assert line.startswith(f"left out: {tmp_path / 'bad.pdb'}: no protein chain")


def test_residues_that_nobody_knows_or_that_are_left_out_are_told(run, tmp_path):
    lines = [
        line.replace("LYS A   2", "QQQ A   2")
        for line in (EXAMPLE / "hairpin.pdb").read_text().splitlines()
        if (line[12:16], line[22:26]) != (" CA ", "   5")
    ]
    (tmp_path / "a.pdb").write_text("\n".join(lines) + "\n")
    code, _, err = run(tmp_path / "a.pdb", "-o", tmp_path / "table.tsv")
    assert code == 0
    assert err.splitlines() == [
        "1 residues of 1 chains are X, as nobody says of what, such as in a_A",
        "1 residues of 1 chains are left out, such as in a_A",
    ]
    assert pl.read_csv(tmp_path / "table.tsv", separator="\t")["unknown", "left_out"].row(0) == (1, 1)


def test_bad_input_gives_one_clear_line(fails, tmp_path):
    output = ("-o", tmp_path / "table.parquet")
    example = EXAMPLE / "hairpin.pdb"
    assert "paths = 'none': give structure files" in fails(*output)
    assert "none.cif: no such file" in fails(tmp_path / "none.cif", *output)
    assert "no structure file in it" in fails(tmp_path, *output)
    assert "mask_plddt = 'often'" in fails(example, *output, "--mask-plddt", "often")
    assert "workers = -1" in fails(example, *output, "--workers", "-1")
    assert "no protein chain 'Z' (chains: A)" in fails(example, *output, "--chain", "Z")
    assert "more than 99 bytes; raise the limit with --max-bytes" in fails(example, *output, "--max-bytes", "99")
    assert "unknown ending" in fails(example, "-o", tmp_path / "table.xlsx")
    assert "no such file" in fails(example, *output, "--texts", tmp_path / "none.tsv")
    (tmp_path / "texts.tsv").write_text("id\ttext\nnobody\tBinds.\n")
    assert "name none of the structures" in fails(example, *output, "--texts", tmp_path / "texts.tsv")
    bomb = tmp_path / "bomb.pdb.gz"
    bomb.write_bytes(gzip.compress(b" " * 100_000))
    assert "more than 99,999 bytes" in fails(bomb, *output, "--max-bytes", "99999")
    assert "no UniProt accession" in fails("--alphafold", "oops", *output, "--cache", tmp_path / "cache")
    assert not (tmp_path / "table.parquet").exists()


def test_predictions_in_the_cache_need_no_network(run, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    model = gzip.decompress((EXAMPLE / "model.cif.gz").read_bytes())
    (cache / "AF-P12345-F1-model_v6.cif").write_bytes(model)
    output = tmp_path / "table.parquet"
    url = ("--alphafold-url", "http://127.0.0.1:9")
    code, _, err = run("--alphafold", "P12345", "--cache", cache, "-o", output, *url)
    assert (code, err) == (0, "")
    assert pl.read_parquet(output)["id"].to_list() == ["AF-P12345-F1-model_v6_A", "AF-P12345-F1-model_v6_B"]
