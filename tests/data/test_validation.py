"""Vectorised checks, compared with plain loops."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data.schema import sequence_problem
from protrek_hm.data.validation import bad_proteins, bad_sequences, clean_proteins, clean_sequences

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
