import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import OptionError
from protrek_hm.mine.config import ColumnEvidence
from protrek_hm.mine.evidence.columns import judge_column


def reasons(cells, flag):
    entries = pl.DataFrame({"x": cells})
    rows = np.zeros(len(cells) - 1, dtype=np.int64)
    others = np.arange(1, len(cells))
    return judge_column(entries, rows, others, evidence=ColumnEvidence.parse(flag)).reasons.tolist()


def test_whole_values():
    assert reasons(["Beta", "beta ", "Gamma", None, ""], "x:equal") == ["x:same", "x:differs", "", ""]


def test_sets():
    cells = ["A, B", "b/a", "B|C", "C", None]
    assert reasons(cells, "x:set") == ["x:same", "x:overlaps", "x:differs", ""]


def test_numbers():
    assert reasons(["1.0", "1.4", "1.6", None], "x:numeric:0.5") == ["x:same", "x:differs", ""]
    assert reasons([1.0, 1.4, 1.6], "x:numeric:0.5") == ["x:same", "x:differs"]


def test_faults_are_told():
    with pytest.raises(OptionError, match="no such column"):
        reasons(["a", "b"], "y:equal")
    with pytest.raises(
        OptionError, match=r"row 2 holds 'high', which is not a number \(2 of 3 cells are not\); .*x:equal"
    ):
        reasons(["1", "high", "NA", "1,5"], "x:numeric:1")
    with pytest.raises(OptionError, match="holds lists"):
        reasons([["a"], ["b"]], "x:set")


MISSING = ("", " ", "NA", "nan", "NaN", "#N/A", "<NA>", r"\N", "NULL", "None", "-", ".", "n/a", "#DIV/0!", "#VALUE!",
           "#REF!", "#NAME?", "#NUM!", "#NULL!", None)  # fmt: skip


@pytest.mark.parametrize("kind", ["equal", "set", "numeric:5"])
def test_what_says_nothing_is_no_label(kind):
    assert set(reasons(["7", *MISSING], f"x:{kind}")) == {""}
    assert {answer for missing in MISSING for answer in reasons([missing, "7", missing], f"x:{kind}")} == {""}


def test_parts_of_a_list_that_say_nothing_are_no_values():
    assert reasons(["A; NA", "B; NA", "a", "A; n/a", "NA; #N/A", ";"], "x:set") == [
        "x:differs", "x:same", "x:same", "", "",
    ]  # fmt: skip


def test_a_word_can_be_kept_as_a_value():
    cells = ["NA", "na", "HA", "", "nan"]
    assert reasons(cells, "x:equal:keep=NA") == ["x:same", "x:differs", "", ""]
    assert reasons(["NA; -", "-", "HA", "NA;HA"], "x:set:keep=NA:keep=-") == ["x:overlaps", "x:differs", "x:overlaps"]


def test_numbers_are_compared_in_decimal():
    """Every pair of numbers of one decimal that are a tenth apart, and those that are not."""
    for tenths in range(-50, 500):
        one, near, far = (f"{number / 10:.1f}" for number in (tenths, tenths + 1, tenths + 2))
        assert reasons([one, near, far], "x:numeric:0.1") == ["x:same", "x:differs"]
        assert reasons([float(one), float(near), float(far)], "x:numeric:0.1") == ["x:same", "x:differs"]


def test_numbers_without_end_are_missing():
    assert set(reasons(["1", "inf", "-Infinity", "NaN", "sNaN", "1e999"], "x:numeric:5")) == {""}
    assert set(reasons([1.0, float("inf"), float("nan"), None], "x:numeric:5")) == {""}
    assert reasons(["1e3", " 1000.4 ", "+1001"], "x:numeric:0.5") == ["x:same", "x:differs"]
