"""The showcase against facts that everybody can look up, and against the real proteins where they stand."""

from itertools import combinations
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.data import load_showcase, read_fasta, read_proteins
from protrek_hm.data import showcase as room
from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.data.showcase import Numbering, substitute, write_example
from protrek_hm.errors import FileFormatError
from protrek_hm.homology.identity import identity

EXAMPLE = Path(__file__).resolve().parents[2] / "example" / "raw_data.tsv"


@pytest.fixture(scope="module")
def showcase() -> pl.DataFrame:
    return load_showcase()


@pytest.fixture(scope="module")
def sequences(showcase: pl.DataFrame) -> dict[str, str]:
    return dict(showcase.select("id", "sequence").iter_rows())


def test_it_is_a_table_of_proteins(showcase: pl.DataFrame) -> None:
    assert showcase.height >= 100
    assert set(showcase.dtypes) == {pl.String}
    assert showcase.columns[:5] == ["id", "sequence", "text", "ec", "organism"]
    assert showcase.drop("ec", "substitutions").null_count().sum_horizontal().item() == 0
    for column in ("id", "sequence", "text"):
        assert showcase[column].is_unique().all()


def test_sequences_hold_only_the_twenty_letters(showcase: pl.DataFrame) -> None:
    assert set("".join(showcase["sequence"])) == set(AMINO_ACIDS)


def test_texts_are_one_or_two_sentences(showcase: pl.DataFrame) -> None:
    assert showcase["text"].str.ends_with(".").all()
    assert showcase["text"].str.len_chars().is_between(30, 200).all()


def test_ec_numbers_are_well_formed(showcase: pl.DataFrame) -> None:
    assert showcase["ec"].drop_nulls().str.contains(r"^[1-7](\.\d+){3}$").all()


def test_members_with_one_function_have_one_ec_number(showcase: pl.DataFrame) -> None:
    numbers = showcase.group_by("family", "function").agg(pl.col("ec").n_unique())
    assert numbers["ec"].max() == 1


@pytest.mark.parametrize(
    ("protein", "length"),
    [
        ("TEM-1", 286), ("KPC-2", 293), ("NDM-1", 270), ("GFP", 238), ("EGFP", 239),
        ("mCherry", 236), ("HbA-beta", 147), ("KRAS4B", 188), ("HRAS", 189), ("p53", 393), ("insulin", 110),
        ("ubiquitin-human", 76), ("lysozyme-T4", 164), ("RNase-A", 124), ("calmodulin", 149),
        ("luciferase", 550), ("subtilisin", 275),
    ],
)  # fmt: skip
def test_lengths_are_the_textbooks(sequences: dict[str, str], protein: str, length: int) -> None:
    assert len(sequences[protein]) == length


@pytest.mark.parametrize(
    ("protein", "position", "motif"),
    [
        ("GFP", 65, "SYG"),  # the chromophore
        ("DsRed", 66, "QYG"),
        ("mCherry", 71, "MYG"),
        ("HbS", 7, "V"),  # position 7 with the methionine
        ("KRAS-G12D", 10, "GADGVGKS"),  # the P loop
        ("TEM-1", 68, "STFK"),  # Ser70 of Ambler's numbering
        ("SHV-1", 66, "STFK"),
        ("CTX-M-15", 73, "STSK"),
        ("TEM-1", 232, "KSG"),  # Lys234
        ("thioredoxin", 33, "CGPC"),
        ("PTEN", 123, "HCKAGKGRTG"),  # the signature of cysteine phosphatases
        ("subtilisin", 219, "GTSMA"),  # Ser221
        ("PETase", 158, "GWSMG"),  # Ser160
        ("KRAS4B", 185, "CVIM"),  # the farnesylated end
        ("insulin", 90, "GIVEQCCTSICSLYQLENYCN"),  # the A chain
    ],
)
def test_landmarks_stand_where_textbooks_put_them(
    sequences: dict[str, str], protein: str, position: int, motif: str
) -> None:
    assert sequences[protein][position - 1 :].startswith(motif)


def test_every_substitution_is_one_letter_of_the_base(showcase: pl.DataFrame, sequences: dict[str, str]) -> None:
    bases = dict(showcase.filter(pl.col("substitutions").is_null()).select("base", "sequence").iter_rows())
    compared = 0
    for name, base, substitutions in showcase.select("id", "base", "substitutions").iter_rows():
        if substitutions is not None and base in bases:
            pairs = zip(bases[base], sequences[name], strict=True)
            changes = sorted(old + new for old, new in pairs if old != new)
            assert changes == sorted(each[0] + each[-1] for each in substitutions.split(";")), name
            compared += 1
    assert compared >= 100


def test_families_hold_twins_and_members_that_work_alike(showcase: pl.DataFrame) -> None:
    with_twins, alike = set(), set()
    for (family,), members in showcase.group_by("family", maintain_order=True):
        for (a, works_a), (b, works_b) in combinations(members.select("sequence", "function").iter_rows(), 2):
            if identity(a, b) > 0.7:
                (alike if works_a == works_b else with_twins).add(family)
    assert with_twins == set(showcase["family"]) - {"NDM beta-lactamase"}  # three carbapenemases
    assert len(with_twins) >= 30
    assert len(alike) >= 15


def test_a_substitution_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    read = room.read_own

    def with_error(name: str) -> pl.DataFrame:
        return read(name).with_columns(pl.col("^substitutions$").str.replace("^E6V$", "D6V"))

    monkeypatch.setattr(room, "read_own", with_error)
    with pytest.raises(FileFormatError, match=r"showcase\.tsv: HbS: D6V: E stands at 6; mend"):
        load_showcase()


def test_a_base_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    read = room.read_own

    def without_base(name: str) -> pl.DataFrame:
        return read(name).filter(~((pl.col("base") == "HBD") & pl.lit("bases" in name)))

    monkeypatch.setattr(room, "read_own", without_base)
    with pytest.raises(FileFormatError, match="HbA2-delta: no base 'HBD'"):
        load_showcase()


def test_the_example_is_what_the_showcase_renders(tmp_path: Path, showcase: pl.DataFrame) -> None:
    write_example(tmp_path / "raw_data.tsv")
    assert EXAMPLE.read_bytes() == (tmp_path / "raw_data.tsv").read_bytes()
    header = EXAMPLE.read_text(encoding="utf-8").splitlines()[0]
    assert header.split("\t") == ["protein_sequence", "description", "foldseek_seq", "stage", "id"]
    proteins = read_proteins(EXAMPLE)
    assert proteins.select("id", "sequence", "text").equals(showcase.select("id", "sequence", "text"))
    assert proteins["structure"].null_count() == proteins.height
    assert proteins["stage"].null_count() == proteins.height


@pytest.mark.realdata
def test_alleles_are_those_of_the_resistance_proteins(real_data: Path, showcase: pl.DataFrame) -> None:
    real = pl.read_csv(real_data / "amr_proteins.tsv.gz", separator="\t", quote_char=None)
    alleles = showcase.with_columns(allele="bla" + pl.col("id")).join(real, on="allele")
    assert alleles.height >= 30
    assert alleles.filter(pl.col("sequence") != pl.col("protein_sequence"))["id"].to_list() == []


@pytest.mark.realdata
def test_accessions_are_those_of_the_real_proteins(real_data: Path, showcase: pl.DataFrame) -> None:
    # An entry may be an allele of the base (ADH1B*2, red opsin with Ala180) or hold it (ubiquitin)
    texts = pl.read_csv(real_data / "swissprot_text.tsv.gz", separator="\t", quote_char=None)
    real = dict(texts.select("accession", "sequence").iter_rows())
    for record in read_fasta(real_data / "unlabelled.fasta.gz"):
        real.setdefault(record.id, record.sequence)
    found = showcase.filter(pl.col("accession").is_in(list(real)))
    for (accession,), members in found.group_by("accession", maintain_order=True):
        assert any(sequence in real[str(accession)] for sequence in members["sequence"]), accession
    assert found["accession"].n_unique() >= 30


@pytest.mark.realdata
def test_mutants_are_those_of_the_real_mutants(real_data: Path, showcase: pl.DataFrame) -> None:
    real = pl.read_csv(real_data / "mutagenesis_twins.tsv.gz", separator="\t", quote_char=None)
    bases = showcase.filter(pl.col("substitutions").is_null()).select("base", wt_sequence="sequence")
    mutants = showcase.join(bases, on="base").join(
        real, left_on=["wt_sequence", "substitutions"], right_on=["wt_sequence", "mutation"]
    )
    assert mutants.height >= 2
    assert mutants.filter(pl.col("sequence") != pl.col("mut_sequence"))["id"].to_list() == []


numberings = st.builds(
    lambda first, gaps: Numbering(first=first, skipped=tuple(sorted(first + gap for gap in gaps))),
    st.integers(-30, 10),
    st.sets(st.integers(1, 60), max_size=4),
)


@given(numberings, st.integers(1, 80))
def test_numbers_are_counted_one_by_one(numbering: Numbering, length: int) -> None:
    number, counted = numbering.first, []
    while len(counted) < length:
        if number not in numbering.skipped:
            counted.append(number)
        number += 1
    assert [numbering.index(each) for each in counted] == list(range(length))


@given(numberings, st.data())
def test_what_is_substituted_can_be_substituted_back(numbering: Numbering, data: st.DataObject) -> None:
    sequence = data.draw(st.text("ACDEFGHIKLMNPQRSTVWY", min_size=1, max_size=40))
    numbers = [each for each in range(numbering.first, numbering.first + 40) if each not in numbering.skipped]
    number = data.draw(st.sampled_from(numbers[: len(sequence)]))
    old = sequence[numbering.index(number)]
    changed = substitute(sequence, f"{old}{number}W", numbering=numbering)
    assert sum(a != b for a, b in zip(sequence, changed, strict=True)) == (old != "W")
    assert substitute(changed, f"W{number}{old}", numbering=numbering) == sequence


@pytest.mark.parametrize("number", [2, 239, 253])
def test_a_number_that_no_residue_bears_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"no residue bears the number {number}"):
        Numbering(first=3, skipped=(239, 253)).index(number)


@pytest.mark.parametrize(
    ("substitutions", "message"),
    [
        ("K2V;M1A", "K2V: A stands at 2"),
        ("M1W;M1A", "M1A: W stands at 1"),
        ("A9C", "A9C: nothing stands at 9"),
        ("K2", "'K2' is not written like E6V"),
        ("del2", "'del2' is not written like E6V"),
    ],
)
def test_what_does_not_fit_is_named(substitutions: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        substitute("MAK", substitutions, numbering=Numbering())
