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
    with pytest.raises(OptionError, match="not a number"):
        reasons(["a", "b"], "x:numeric:1")
