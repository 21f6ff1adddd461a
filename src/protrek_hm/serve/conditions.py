"""Conditions of strangers: comparisons of columns pass, whatever else SQL can do does not.

SQL engines read files from within an expression, by subqueries and table functions. So a condition is taken apart
before one sees it: nothing but literals, names, operators and a few functions of one row may stand in it. The index
then parses it and knows its columns.
"""

import re

from protrek_hm.serve.problems import ProblemError

FUNCTIONS = frozenset(
    "abs cast char_length coalesce contains ends_with length lower regexp_like round starts_with trim upper".split()
)
_BEFORE_BRACKETS = frozenset("and between case else ilike in is like not or then when".split())
_STATEMENTS = frozenset("copy exists from pragma select table union values with".split())
_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
    | (?P<text>'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")+")
    | (?P<bad>--|/\*|\w+['"])          # remarks; prefixes that change how a literal ends, as in E'…'
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<operator><=|>=|<>|!=|==|\|\||[-+*/%<>=(),.])
    """,
    re.VERBOSE,
)
_REMEDY = "write comparisons such as length < 400 and organism = 'Escherichia coli'"


def check_condition(condition: str) -> None:
    """Raise ProblemError unless `condition` holds comparisons of columns and nothing else.

    Examples
    --------
    >>> check_condition("length < 400 and (lower(organism) like '%coli' or id in ('P1', 'P2'))")
    >>> check_condition("id in (select id from read_csv('/etc/passwd'))")
    Traceback (most recent call last):
        ...
    protrek_hm.serve.problems.ProblemError: where: 'select' is not allowed in a condition; write comparisons such as ...
    """
    place, word, depth = 0, "", 0
    while place < len(condition):
        token = _TOKEN.match(condition, place)
        if token is None or token.lastgroup == "bad":
            raise _refused(condition[place] if token is None else token.group())
        text, kind = token.group(), token.lastgroup
        depth += (text == "(") - (text == ")")
        if depth < 0:
            raise ProblemError(400, "where", "a bracket is closed that was not opened", "mend it")
        lowered = text.lower()
        if kind == "word" and lowered in _STATEMENTS:
            raise _refused(text)
        if text == "(" and word and word not in FUNCTIONS | _BEFORE_BRACKETS:
            raise _refused(f"{word}(…)")
        if kind != "space":
            word = lowered if kind in ("word", "name") else ""
        place = token.end()
    if depth:
        raise ProblemError(400, "where", "a bracket is not closed", "mend it")


def _refused(what: str) -> ProblemError:
    return ProblemError(400, "where", f"{what!r} is not allowed in a condition", _REMEDY)
