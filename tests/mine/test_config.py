import pytest

from protrek_hm.config import resolve
from protrek_hm.errors import OptionError
from protrek_hm.mine.config import ColumnEvidence, MineConfig


@pytest.mark.parametrize(
    ("flag", "parsed"),
    [
        ("drug:set", ColumnEvidence("drug", "set")),
        ("a:b:equal", ColumnEvidence("a:b", "equal")),
        ("pH:numeric:0.5", ColumnEvidence("pH", "numeric", 0.5)),
    ],
)
def test_evidence_is_parsed(flag, parsed):
    assert ColumnEvidence.parse(flag) == parsed


@pytest.mark.parametrize("flag", ["drug", ":set", "drug:like", "x:numeric", "x:numeric:a", "x:numeric:-1", "x:set:1"])
def test_bad_evidence_is_refused(flag):
    with pytest.raises(OptionError, match="write it as"):
        ColumnEvidence.parse(flag)


@pytest.mark.parametrize(
    "values",
    [
        {"min_identity": 0.1},
        {"max_identity": 1.1},
        {"min_identity": 0.9, "max_identity": 0.8},
        {"coverage": -0.1},
        {"max_text_similarity": 2},
        {"valid_fraction": 0.5, "test_fraction": 0.5},
        {"easy": -1},
        {"medium": -1},
        {"negatives_per_anchor": 0},
        {"max_pairs_per_protein": 0},
        {"text_model_similarity": 1.5},
        {"format": "n-tuple"},
        {"format": "list", "negatives_per_anchor": 2},
        {"threads": -1},
        {"gate": "guess"},
        {"split": "luck"},
        {"compat": "yes"},
        {"evidence": ["drug"]},
    ],
)
def test_values_out_of_range_are_refused(values):
    with pytest.raises(OptionError):
        MineConfig(**values)


def test_flags_beat_the_file():
    config = resolve(MineConfig, {"easy": 10, "evidence": ["drug:set"]}, {"easy": 20, "gate": None})
    assert (config.easy, config.gate, config.evidence) == (20, "function", ("drug:set",))
