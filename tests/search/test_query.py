import pytest

from protrek_hm.errors import OptionError
from protrek_hm.search.query import clean_query


def test_white_space_case_and_stop():
    assert clean_query("  a kinase\n", "text") == "a kinase"
    assert clean_query("mkv\nLAX*", "sequence") == "MKVLAX"
    assert clean_query("dv p#", "structure") == "dvp#"


@pytest.mark.parametrize("by", ["text", "sequence", "structure"])
@pytest.mark.parametrize("query", ["", " \n"])
def test_an_empty_query_is_refused(query, by):
    with pytest.raises(OptionError, match=f"is empty; give a {by}"):
        clean_query(query, by)


@pytest.mark.parametrize(
    ("query", "by", "problem"),
    [
        ("MK1", "sequence", "letter '1' at position 3 is not an amino acid"),
        ("MK-V", "sequence", "gap '-' at position 3"),
        ("*", "sequence", "is empty"),
        ("dvx", "structure", "letter 'x' at position 3 is not a 3Di state"),
        ("A" * 1000 + "J", "sequence", r"AAA…': letter 'J' at position 1001"),
    ],
)
def test_wrong_letters_are_named(query, by, problem):
    with pytest.raises(OptionError, match=problem) as caught:
        clean_query(query, by)
    assert len(str(caught.value)) < 250
