"""Columns are recognised by name, in a stated order; sequences are judged letter by letter."""

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas._libs.parsers import STR_NA_VALUES

from protrek_hm.data import read_proteins, write_proteins
from protrek_hm.data.schema import (
    ALIASES,
    SEQUENCE_LETTERS,
    bad_proteins,
    bad_sequences,
    clean_proteins,
    clean_sequences,
    or_null,
    recognise_columns,
    require_polars,
    sequence_problem,
)
from protrek_hm.errors import MissingColumnError, OptionError, RecordError
from protrek_hm.mine import mine_hard_negatives


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        (
            ["protein_sequence", "description", "foldseek_seq", "stage"],
            {
                "sequence": "protein_sequence",
                "text": "description",
                "structure": "foldseek_seq",
                "stage": "stage",
            },
        ),
        (
            ["Entry", "Entry Name", "Protein names", "Organism", "Sequence", "Function [CC]", "EC number"]
            + ["Gene Ontology (molecular function)", "Gene Ontology (GO)"],
            {
                "id": "Entry",
                "sequence": "Sequence",
                "text": "Function [CC]",
                "ec": "EC number",
                "go": "Gene Ontology (GO)",
                "organism": "Organism",
            },
        ),
        (["Entry Name", "Protein names", "Sequence"], {"id": "Entry Name", "text": "Protein names"}),
        (
            ["accession", "protein_name", "go_terms", "sequence", "function"],
            {"go": "go_terms", "text": "function"},
        ),
        (["PROTEIN-SEQUENCE", " id "], {"sequence": "PROTEIN-SEQUENCE", "id": " id "}),
    ],
)
def test_known_files(present, expected):
    recognised = recognise_columns(present)
    assert expected.items() <= recognised.items()
    assert list(recognised) == [name for name in ALIASES if name in recognised]


def test_the_earlier_alias_wins_and_of_equal_names_the_first_column():
    assert recognise_columns(["description", "text", "sequence"])["text"] == "text"
    assert recognise_columns(["Sequence", "sequence"])["sequence"] == "Sequence"


def test_what_the_user_says_beats_everything_and_uses_the_column_up():
    recognised = recognise_columns(["sequence", "text", "id"], given={"text": "id"})
    assert recognised == {"sequence": "sequence", "text": "id"}


def test_no_alias_is_known_twice():
    names = [alias for aliases in ALIASES.values() for alias in aliases]
    assert len(names) == len(set(names))


def test_no_sequence_column_lists_the_columns_and_the_remedy():
    with pytest.raises(
        MissingColumnError, match=r"a\.tsv: no column 'sequence' \(columns: x, y\); .*--column sequence=NAME"
    ):
        recognise_columns(["x", "y"], path="a.tsv")


def test_a_sequence_in_place_of_the_header_does_not_flood_the_message():
    with pytest.raises(MissingColumnError) as caught:
        recognise_columns(["M" * 35_000] * 100)
    assert len(str(caught.value)) < 2_000


def test_wrong_flags():
    with pytest.raises(OptionError, match="sequenze=x.*one of id, sequence"):
        recognise_columns(["x"], given={"sequenze": "x"})
    with pytest.raises(MissingColumnError, match="no column 'z'"):
        recognise_columns(["x"], given={"sequence": "z"})


@given(st.text(alphabet=SEQUENCE_LETTERS + "J*-.1ä ", max_size=12))
def test_a_problem_is_told_exactly_where_a_letter_is_wrong(sequence):
    wrong = [position for position, letter in enumerate(sequence, 1) if letter not in SEQUENCE_LETTERS]
    problem = sequence_problem(sequence)
    if not sequence:
        assert problem == "no sequence"
    elif wrong:
        assert f"position {wrong[0]}" in problem
    else:
        assert problem is None


EXCEL = ["#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA", "Err:502"]
ELSEWHERE = ["#NV", "#WERT!", "#BEZUG!", "#ÜBERLAUF!", "#VALEUR!", "#NOM?", "#N/D", "#¿NOMBRE?", "#¡VALOR!", "#VERW!"]
OTHERS = ["N.A.", "nil", "–", "<NaN>", "-nan(ind)", "\\N", "-", ".", "?", "na", "NAN", "none", "  ", " NA "]
NOTHING = [
    *sorted(STR_NA_VALUES),
    *EXCEL,
    *ELSEWHERE,
    "N.A.",
    "nil",
    "–",
    "<NaN>",
    "-nan(ind)",
    "\\N",
    "-",
    ".",
    "?",
    "na",
    "NAN",
    "none",
    "  ",
    " NA ",
]


@pytest.mark.parametrize("cell", NOTHING)
def test_cells_that_say_nothing(cell):
    assert pl.select(or_null(pl.lit(cell))).item() is None


@pytest.mark.parametrize("cell", ["NAD", "Na", "NAT", "none of it", "0", "--", "α", "nano", "#1", "N", "inf", "1.#INF"])
def test_cells_that_say_something(cell):
    assert pl.select(or_null(pl.lit(cell))).item() == cell


@pytest.mark.parametrize("ending", [".tsv", ".csv", ".csv.gz", ".parquet"])
def test_nothing_is_nothing_in_every_column_of_ours_and_every_format(tmp_path, ending):
    rows = len(NOTHING)
    ours = dict.fromkeys(("text", "structure", "ec", "go", "organism", "stage"), NOTHING)
    frame = pl.DataFrame({"id": [f"p{row}" for row in range(rows)], "sequence": ["MKV"] * rows, **ours})
    write_proteins(frame, tmp_path / f"a{ending}")
    read = read_proteins(tmp_path / f"a{ending}")
    assert read.select(list(ours)).null_count().row(0) == (rows,) * len(ours)


def test_numbers_that_are_none_are_missing(tmp_path):
    frame = pl.DataFrame({"id": [1.5, float("nan")], "sequence": ["MKV", "MKL"], "text": [float("nan"), None]})
    write_proteins(frame, tmp_path / "a.parquet")
    with pytest.raises(RecordError, match="parquet:2: record: no id"):
        read_proteins(tmp_path / "a.parquet")
    assert read_proteins(tmp_path / "a.parquet", on_bad_record="skip").row(0) == ("1.5", "MKV", None)


@pytest.mark.parametrize("column", ["id", "sequence"])
def test_an_id_or_a_sequence_that_is_na_is_none(tmp_path, column):
    """R's NA is no dipeptide of asparagine and alanine, and no name of a protein."""
    row = {"id": "p1", "sequence": "MKV"} | {column: "NA"}
    write_proteins(pl.DataFrame([row]), tmp_path / "a.csv")
    with pytest.raises(RecordError, match=f"no {column}"):
        read_proteins(tmp_path / "a.csv")


CELLS = st.none() | st.text(alphabet="MKvJ*- \t", max_size=6) | st.sampled_from(["NA", "n/a", "None"])


def clean_one(cell):
    stripped = (cell or "").strip()
    if stripped.lower() in {"", "-", ".", "?", "na", "n/a", "nan", "null", "none"}:
        return None
    return "".join(stripped.split()).upper().removesuffix("*") or None


@settings(deadline=None, max_examples=200)
@given(st.lists(CELLS, min_size=1, max_size=10))
def test_sequences_are_cleaned_and_judged_as_one_by_one(cells):
    frame = pl.DataFrame({"sequence": cells}, schema={"sequence": pl.String})
    cleaned = frame.select(clean_sequences(pl.col("sequence")))
    assert cleaned["sequence"].to_list() == [clean_one(cell) for cell in cells]
    expected = {row: sequence_problem(clean_one(cell)) for row, cell in enumerate(cells)}
    assert bad_sequences(cleaned) == {row: problem for row, problem in expected.items() if problem}


def naive_bad_proteins(ids, sequences):
    seen = {}
    problems = {}
    for row, (name, sequence) in enumerate(zip(ids, sequences, strict=True)):
        if name is None:
            problems[row] = "no id, or one that says NA"
        elif sequence_problem(sequence):
            problems[row] = sequence_problem(sequence)
        elif seen.setdefault(name, (row, sequence))[1] != sequence:
            problems[row] = f"its id has another sequence on line {seen[name][0] + 2}"
    return problems


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(st.sampled_from(["A", "B", "C", None]), st.sampled_from(["MK", "MV", "MJ", None])),
        min_size=1,
        max_size=12,
    )
)
def test_bad_proteins_are_those_of_the_plain_loop(rows):
    ids, sequences = zip(*rows, strict=True)
    frame = pl.DataFrame({"id": ids, "sequence": sequences}, schema={"id": pl.String, "sequence": pl.String})
    assert bad_proteins(frame, lambda: range(2, 2 + len(rows))) == naive_bad_proteins(ids, sequences)


def test_only_our_columns_are_cleaned():
    frame = pl.DataFrame({"id": [" A "], "sequence": ["mk"], "text": ["FUNCTION: NA"], "note": [" NA "]})
    assert clean_proteins(frame).row(0) == ("A", "MK", None, " NA ")


def test_an_id_that_says_nothing_is_none():
    frame = pl.DataFrame(
        {"id": ["NA", " ", "NA1"], "sequence": ["MK"] * 3, "text": [None] * 3},
        schema_overrides={"text": pl.String},
    )
    assert clean_proteins(frame)["id"].to_list() == [None, None, "NA1"]


def test_saprot_strings_are_no_proteins():
    cells = ["MdEvVp", "M#EvVp ", "MdEvVpK", "mdevvp", "MdEv"]
    cleaned = pl.DataFrame({"sequence": cells}).select(clean_sequences(pl.col("sequence")))
    assert cleaned["sequence"].to_list() == ["MdEvVp", "M#EvVp", "MDEVVPK", "MDEVVP", "MDEV"]
    assert {row: problem.split(":")[0] for row, problem in bad_sequences(cleaned).items()} == dict.fromkeys(
        (0, 1), "residues and 3Di letters by turns, as for SaProt"
    )


@pytest.mark.parametrize("name", ["a\x07b", "a\u200b", "\ufeffa", "a\u2028b", "a\nb"])
def test_an_id_holds_no_character_that_nobody_sees(name):
    proteins = pl.DataFrame({"id": ["ä b", name], "sequence": ["MKV", "MKL"]})
    problems = bad_proteins(proteins, lambda: [2, 3])
    assert list(problems) == [1]
    assert problems[1].startswith("invisible character U+")


@pytest.mark.parametrize(
    ("present", "recognised"),
    [
        (["name", "sequence", "comment"], {"id": "name", "sequence": "sequence", "text": "comment"}),
        (["id", "name", "sequence"], {"id": "id", "sequence": "sequence"}),
        (["Name", "sequence", "Label"], {"id": "Name", "sequence": "sequence", "text": "Label"}),
        (["name", "sequence"], {"id": "name", "sequence": "sequence"}),
    ],
)
def test_a_name_is_an_id_where_there_is_none(present, recognised):
    assert recognise_columns(present) == recognised


def test_frames_of_other_libraries_are_refused_with_a_remedy():
    with pytest.raises(TypeError, match=r"proteins is a pandas\..*DataFrame; give a polars DataFrame, such as "):
        require_polars("proteins", pd.DataFrame({"sequence": ["MKV"]}))
    with pytest.raises(TypeError, match="give a polars DataFrame"):
        mine_hard_negatives(pd.DataFrame({"sequence": ["MKV"]}))
