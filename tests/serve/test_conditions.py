import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.serve.conditions import FUNCTIONS, check_condition
from protrek_hm.serve.problems import ProblemError

columns = st.sampled_from(["id", "length", '"Entry Name"', "organism"])
values = st.text(max_size=12).map(lambda text: "'" + text.replace("'", "''") + "'") | st.integers(0, 999).map(str)
comparisons = st.builds("{} {} {}".format, columns, st.sampled_from(["=", "<", ">=", "<>", "like", "!="]), values)
functions = st.builds("{}({}) = {}".format, st.sampled_from(sorted(FUNCTIONS)), columns, values)
conditions = st.recursive(
    comparisons | functions,
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["and", "OR", "and not"]), inner),
    max_leaves=4,
)


@settings(max_examples=30, deadline=None)
@given(conditions)
def test_comparisons_pass_whatever_their_texts_hold(condition):
    check_condition(condition)


@settings(max_examples=30, deadline=None)
@given(
    conditions, conditions, st.sampled_from(["select", "SELECT", "From", "exists", "union", "table", "values", "with"])
)
def test_words_of_other_statements_do_not(before, after, word):
    with pytest.raises(ProblemError, match=word):
        check_condition(f"{before} and {word} {after}")


@settings(max_examples=30, deadline=None)
@given(
    conditions, st.sampled_from(["read_csv", "scan_parquet", '"read_csv"', "eval", "getenv", "pg_read_file"]), values
)
def test_nor_do_functions_of_more_than_a_row(condition, function, value):
    with pytest.raises(ProblemError):
        check_condition(f"{condition} or {function} ({value}) is null")


@pytest.mark.parametrize(
    "rest", [";", "--", "/*", "\\", "`", "$$", "?", "@x", "E'a'", "x'00'", "'open", '"open', "#", "\0"]
)
def test_nor_what_could_change_where_a_literal_ends(rest):
    with pytest.raises(ProblemError):
        check_condition(f"id = 'P1' or {rest}")


@pytest.mark.parametrize("condition", ["(id = 'a'", "id = 'a')", ")id = 'a'("])
def test_nor_brackets_that_do_not_match(condition):
    with pytest.raises(ProblemError, match="bracket"):
        check_condition(condition)
