import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.deadline import until
from protrek_hm.errors import GivenUpError
from protrek_hm.index.records import rows_where
from protrek_hm.serve import conditions as conditions_of
from protrek_hm.serve.conditions import FUNCTIONS, read_condition
from protrek_hm.serve.problems import ProblemError

RECORDS = pl.DataFrame(
    {
        "id": ["P1", "P2", "P3"],
        "sequence": ["MKV", "MKVLA", "M"],
        "organism": ["Escherichia coli", None, "Homo sapiens"],
        "Entry Name": ["ONE", "TWO", "THREE"],
        "mass": [350.5, float("nan"), None],
    }
)

columns = st.sampled_from(["id", "length", '"Entry Name"', "organism"])
texts = st.text(max_size=12).map(lambda text: "'" + text.replace("'", "''") + "'")
values = texts | st.integers(0, 999).map(str)
comparisons = st.builds("{} {} {}".format, columns, st.sampled_from(["=", "<", ">=", "<>", "!="]), values) | st.builds(
    "{} {} {}".format, columns, st.sampled_from(["like", "not ILIKE"]), texts
)
functions = st.builds("{}({}) = {}".format, st.sampled_from(sorted(FUNCTIONS)), columns, values)
conditions = st.recursive(
    comparisons | functions,
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["and", "OR", "and not"]), inner),
    max_leaves=4,
)


def check_condition(condition):
    return read_condition(condition, RECORDS, seconds=60)


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


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("length between 2 and 4 or \"Entry Name\" ilike 'thr%'", ["P1", "P3"]),
        ("not (organism like 'Esch%') and id <> 'P9'", ["P3"]),
        ("organism is null or mass * 2 - 1 >= 7e2", ["P1", "P2"]),
        ("cast(mass as decimal(12, 2)) = 350.5 and cast(id as varchar(100)) = 'P1'", ["P1"]),
        ("cast(mass as double precision) = 350.5 and length(organism) = 16", ["P1"]),
        ("id not in ('P1', 'P2') and coalesce(organism, 'none') like '%sapiens' is true", None),
        ("lower(trim(id)) in ('p1') and starts_with(organism, 'Esch') and -length < (2 + 1) * 2", ["P1"]),
    ],
)
def test_what_passes_is_answered_as_the_index_does(condition, ids):
    if ids is None:
        with pytest.raises(ProblemError):
            check_condition(condition)
        return
    found = check_condition(condition).rows(RECORDS)
    assert found.tolist() == rows_where(RECORDS, condition).tolist()
    assert RECORDS["id"].filter(pl.Series(found)).to_list() == ids


@pytest.mark.parametrize(
    "condition",
    [
        "regexp_like(organism, '(a|b)*')",
        "organism regexp 'a'",
        "organism || organism = 'x'",
        "organism + organism = 'x'",
        "(organism) + lower(id) = 'x'",
        "(('a')) + 'b' = 'x'",
        "coalesce(organism, id) + 'a' = 'x'",
        "cast(length as varchar) + 'a' = 'x'",
        "case when true then organism else id end + id = 'x'",
        "-organism = 'x'",
        "mass + organism > 1",
        *(f"{name}(organism, 1000000, 'x') = 'x'" for name in ("repeat", "lpad", "rpad", "replace", "concat", "space")),
        "sum(length) > 1",
        "contains(organism, 'coli')",
        "organism like organism",
        f"organism like '{'a' * 201}'",
        "(" * 51 + "true" + ")" * 51,
        "not " * 51 + "true",
        "length",
        "'text'",
        "",
        "id =",
        "id = 'P1' and",
        "id in ()",
        "cast(id as frog) = 1",
        *(f"cast(mass as {size}) = 1" for size in ("decimal(0)", "numeric(39)", "decimal(5, 99999)", "DECIMAL(1e9)")),
        "id = 'P1' 'P2'",
    ],
)
def test_what_could_grow_or_is_no_comparison_is_refused_before_it_is_evaluated(condition, monkeypatch):
    monkeypatch.setattr(conditions_of, "rows_where", None)
    with pytest.raises(ProblemError) as refused:
        check_condition(condition)
    assert refused.value.field == "where"
    assert refused.value.remedy


def test_the_cost_is_what_is_read_and_is_held_against_the_time():
    records = pl.DataFrame({"id": ["P1"] * 1000, "sequence": ["M"] * 1000, "text": ["x" * 10_000] * 1000})

    def cost(condition):
        return read_condition(condition, records, seconds=3600).cost

    once = cost("text = 'x'")
    assert 1e7 <= once < 1.1e7
    assert cost("id = 'x'") < 1e6
    assert cost("text = 'x' or id = 'x' or text = id") == pytest.approx(2 * once, rel=0.01)
    assert cost("lower(upper(trim(text))) = 'x'") == pytest.approx(4 * once, rel=0.01)
    assert cost("cast(text as varchar) = 'x'") == pytest.approx(2 * once, rel=0.01)
    assert cost("text like '%x%'") == pytest.approx(3 * once, rel=0.01)
    with pytest.raises(ProblemError, match="it would read 0.25 GB of this index, more than 0.20"):
        read_condition(" or ".join(["text = 'x'"] * 25), records, seconds=1)


def test_records_are_looked_at_some_at_a_time_until_nobody_waits(monkeypatch):
    seen = []

    def watched(records, where):
        seen.append(len(records))
        return rows_where(records, where)

    condition = check_condition("length > 2")
    monkeypatch.setattr(conditions_of, "_STEP", 1)
    monkeypatch.setattr(conditions_of, "rows_where", watched)
    assert condition.rows(RECORDS).tolist() == [True, True, False]
    assert seen == [1, 1, 1]
    assert condition.rows(RECORDS.clear()).tolist() == []
    seen.clear()
    with pytest.raises(GivenUpError), until(lambda: len(seen) == 2):
        condition.rows(RECORDS)
    assert seen == [1, 1]
    assert check_condition("true").rows(RECORDS).dtype == np.bool_
