"""The beta-lactamases against facts that everybody can look up, and against the real alleles where they stand."""

from itertools import combinations
from pathlib import Path

import polars as pl
import pytest

from protrek_hm.data import read_proteins
from protrek_hm.data import showcase as room
from protrek_hm.data.lactamases import load_lactamases, write_lactamases
from protrek_hm.errors import FileFormatError

EXAMPLE = Path(__file__).resolve().parents[2] / "example" / "lactamases.tsv"


@pytest.fixture(scope="module")
def lactamases() -> pl.DataFrame:
    return load_lactamases()


def test_it_is_a_table_of_proteins_with_a_class_each(lactamases: pl.DataFrame) -> None:
    assert lactamases.height >= 140
    assert lactamases.drop("substitutions").null_count().sum_horizontal().item() == 0
    for column in ("id", "sequence", "text"):
        assert lactamases[column].is_unique().all(), column
    alleles = lactamases.filter(pl.col("family").str.contains("TEM|SHV"))
    assert alleles.height >= 80
    classes = set(alleles.group_by("class").len().filter(pl.col("len") >= 5)["class"])
    assert classes == {"penicillinase", "extended-spectrum", "inhibitor-resistant", "complex mutant"}


# What the literature says of single positions in Ambler's numbering
def test_substitutions_and_classes_agree(lactamases: pl.DataFrame) -> None:
    alleles = lactamases.filter(pl.col("family").str.contains("TEM|SHV"))
    for name, substitutions, works in alleles.select("id", "substitutions", "class").iter_rows():
        numbers = {int(each[1:-1]) for each in (substitutions or "").split(";") if each}
        extends = bool(numbers & {104, 164, 179, 238, 240})
        resists = bool(numbers & {69, 130, 234, 244, 275, 276}) or "T235A" in (substitutions or "")
        wanted = {
            "penicillinase": (False, False),
            "extended-spectrum": (True, False),
            "inhibitor-resistant": (False, True),
            "complex mutant": (True, True),
        }
        assert works not in wanted or (extends, resists) == wanted[works], name


def test_no_allele_stands_twice_and_none_is_without_a_twin(lactamases: pl.DataFrame) -> None:
    tem = lactamases.filter(family="TEM beta-lactamase").select("substitutions", "class").rows()
    assert len({frozenset((each or "").split(";")) for each, _ in tem}) == len(tem)
    pairs = list(combinations([works for _, works in tem], 2))
    assert 0.5 < sum(a != b for a, b in pairs) / len(pairs) < 0.8


def test_the_example_is_what_the_lactamases_render(tmp_path: Path, lactamases: pl.DataFrame) -> None:
    write_lactamases(tmp_path / "lactamases.tsv")
    assert EXAMPLE.read_bytes() == (tmp_path / "lactamases.tsv").read_bytes()
    columns = ["id", "sequence", "text", "class"]
    assert read_proteins(EXAMPLE).select(columns).equals(lactamases.select(columns))


def test_a_substitution_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    read = room.read_own

    def with_error(name: str) -> pl.DataFrame:
        return read(name).with_columns(pl.col("^substitutions$").str.replace("^E104K;G238S$", "D104K"))

    monkeypatch.setattr("protrek_hm.data.lactamases.read_own", with_error)
    with pytest.raises(FileFormatError, match=r"lactamases\.tsv: TEM-15: D104K: E stands at 104; mend"):
        load_lactamases()


@pytest.mark.realdata
def test_alleles_and_classes_are_those_of_the_resistance_proteins(real_data: Path, lactamases: pl.DataFrame) -> None:
    real = pl.read_csv(real_data / "amr_proteins.tsv.gz", separator="\t", quote_char=None)
    alleles = lactamases.with_columns(allele="bla" + pl.col("id")).join(real, on="allele")
    assert alleles.height >= 80
    assert alleles.filter(pl.col("sequence") != pl.col("protein_sequence"))["id"].to_list() == []
    alleles = alleles.filter(pl.col("family").str.contains("TEM|SHV"))
    named = {
        "extended-spectrum": "^extended-spectrum",
        "inhibitor-resistant": "^inhibitor-resistant broad-spectrum",
        "complex mutant": "^inhibitor-resistant extended-spectrum",
        "penicillinase": "^(broad-spectrum |)class A",
    }
    for works, product in named.items():
        assert alleles.filter(pl.col("class") == works)["product"].str.contains(product).all(), works
