"""Conditions from the network: comparisons of columns pass, nothing else that SQL can do.

SQL engines read files from within an expression, and a few letters can make them work for hours: regular expressions,
texts that are put together or repeated. So a condition is parsed before an engine sees it, by a grammar of comparisons,
arithmetic of numbers, and functions that cost no more than to read their arguments. Its cost is estimated, and
refused if it exceeds the time of a request; records are read in blocks, so that the work ends when nobody waits any
more.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Bool

from protrek_hm.deadline import checkpoint
from protrek_hm.index.records import rows_where
from protrek_hm.serve.problems import ProblemError

Kind = Literal["number", "text", "truth", "other"]

FUNCTIONS: Mapping[str, Kind] = {
    **dict.fromkeys(("abs", "char_length", "length", "round"), "number"),
    **dict.fromkeys(("lower", "trim", "upper"), "text"),
    **dict.fromkeys(("ends_with", "starts_with"), "truth"),
    "coalesce": "other",
}
"""What may be called, and what it gives."""

_TYPES: Mapping[str, Kind] = {
    **dict.fromkeys("bigint decimal double float int integer numeric real smallint tinyint".split(), "number"),
    **dict.fromkeys("char string text varchar".split(), "text"),
    **dict.fromkeys("bool boolean".split(), "truth"),
    **dict.fromkeys("date datetime time timestamp".split(), "other"),
}
_LITERALS: Mapping[str, Kind] = {
    **{"<number>": "number", "<text>": "text", "null": "other"},
    **dict.fromkeys(("true", "false"), "truth"),
}
_STATEMENTS = frozenset("case copy exists from pragma select table union values with".split())
_WORDS = frozenset("and as between false ilike in is like not null or true".split())
_COMPARISONS = ("=", "==", "<>", "!=", "<", "<=", ">", ">=")
_DEEPEST = 50  # brackets, and `not`s, within each other
_DECIMALS = ("decimal", "numeric")
_DIGITS = 38  # of one of them, at most
_LONGEST_PATTERN = 200  # letters of what follows `like`
_BYTES_PER_SECOND = 200_000_000  # that are surely read of a column, on one slow core
_STEP = 32_000_000  # bytes that are read between two looks at the clock
_REMEDY = "write comparisons such as length < 400 and organism = 'Escherichia coli'"
_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
    | (?P<text>'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")+")
    | (?P<bad>--|/\*|\|\||\w+['"])      # remarks; texts put together; prefixes that change how a literal ends, as E'…'
    | (?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d{1,3})?(?!\w))
    | (?P<word>[^\W\d]\w*)
    | (?P<operator><=|>=|<>|!=|==|[-+*/%<>=(),])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Condition:
    """A condition that may be answered. cost: bytes of columns that are read for each of the table's rows, in all."""

    text: str
    cost: float

    def rows(self, records: pl.DataFrame) -> Bool[np.ndarray, " rows"]:
        """Say which records meet it, some at a time.

        Raises
        ------
        OptionError
            If the index does not understand it.
        GivenUpError
            If the time is over meanwhile.
        """
        step = max(1, int(len(records) * min(1.0, _STEP / max(self.cost, 1))))
        found = []
        for start in range(0, max(len(records), 1), step):
            checkpoint()
            found.append(rows_where(records.slice(start, step), self.text))
        return np.concatenate(found)


def read_condition(text: str, records: pl.DataFrame, *, seconds: float) -> Condition:
    """Parse a condition over the columns of `records` and `length`; nothing is evaluated.

    Parameters
    ----------
    seconds
        That it may take.

    Raises
    ------
    ProblemError
        If it is not made of comparisons of these columns, or would take too long.

    Examples
    --------
    >>> records = pl.DataFrame({"id": ["P1"], "sequence": ["MKV"]})
    >>> read_condition("length < 400 and (lower(id) like 'p%' or id in ('P2', 'P3'))", records, seconds=1).cost > 0
    True
    >>> read_condition("id in (select id from read_csv('/etc/passwd'))", records, seconds=1)
    Traceback (most recent call last):
        ...
    protrek_hm.serve.problems.ProblemError: where: 'select' is not allowed in a condition; write comparisons such as ...
    """
    parser = _Parser(text, _kinds(records))
    parser.whole()
    widths = {name: records[name].estimated_size() / max(len(records), 1) for name in parser.read if name in records}
    reading = sum(times * widths.get(name, 8) for name, times in parser.read.items())
    cost, most = len(records) * (8 * parser.steps + reading), seconds * _BYTES_PER_SECOND
    if cost > most:
        message = f"it would read {cost / 1e9:,.2f} GB of this index, more than {most / 1e9:,.2f}"
        raise ProblemError(400, "where", message, "name fewer columns, or compare with = and in")
    return Condition(text, cost)


def _kinds(records: pl.DataFrame) -> dict[str, Kind]:
    def kind(of: pl.DataType) -> Kind:
        return "number" if of.is_numeric() else "text" if of == pl.String else "truth" if of == pl.Boolean else "other"

    return {**{name: kind(of) for name, of in records.schema.items()}, "length": "number"}


class _Parser:
    """Recursive descent over a condition; `read` counts how often each column is read, `steps` all else."""

    def __init__(self, text: str, columns: Mapping[str, Kind]) -> None:
        self._tokens, self._at, self._depth = list(_tokens(text)), 0, 0
        self._columns = columns
        self.read: dict[str, float] = {}
        self.steps = 0

    def whole(self) -> None:
        """Read all; the whole must be true or false of a record."""
        kind = self._either()
        if self._next() == ")":
            raise ProblemError(400, "where", "a bracket is closed that was not opened", "remove it")
        if self._next() is not None:
            raise _refused(self._shown())
        if kind not in ("truth", "other"):
            raise ProblemError(400, "where", "this compares nothing", _REMEDY)

    def _next(self) -> str | None:
        """Return the next token, lowered where it is a word or an operator; None at the end."""
        if self._at == len(self._tokens):
            return None
        kind, text = self._tokens[self._at]
        return text.lower() if kind in ("word", "operator") else f"<{kind}>"

    def _shown(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else "the end"

    def _take(self, *wanted: str) -> str | None:
        """Pass over one of these tokens; None if something else comes."""
        token = self._next()
        if token not in wanted:
            return None
        self._at += 1
        self.steps += 1
        return token

    def _need(self, token: str, missing: str) -> None:
        if self._take(token) is None:
            if self._next() is None:
                raise ProblemError(400, "where", missing, "complete it")
            raise _refused(self._shown())

    def _either(self) -> Kind:
        kind = self._both()
        while self._take("or"):
            self._both()
            kind = "truth"
        return kind

    def _both(self) -> Kind:
        kind = self._negated()
        while self._take("and"):
            self._negated()
            kind = "truth"
        return kind

    def _negated(self) -> Kind:
        if not self._take("not"):
            return self._compared()
        self._go_down()
        self._negated()
        self._depth -= 1
        return "truth"

    def _compared(self) -> Kind:
        first = self._at
        kind = self._sum()
        if self._take(*_COMPARISONS):
            self._sum()
        elif self._take("is"):
            self._take("not")
            if not self._take("null", "true", "false"):
                raise _refused(self._shown())
        else:
            negated = self._take("not")
            if self._take("in"):
                self._list()
            elif self._take("between"):
                self._sum()
                self._need("and", "after `between` stands one value")
                self._sum()
            elif self._take("like", "ilike"):
                self._pattern(first)
            elif negated:
                raise _refused(self._shown())
            else:
                return kind
        return "truth"

    def _list(self) -> None:
        self._need("(", "after `in` stands nothing")
        self._sum()
        while self._take(","):
            self._sum()
        self._need(")", "a bracket is not closed")

    def _pattern(self, first: int) -> None:
        """Read what follows `like`; each of its wildcards may have the column read again."""
        if self._next() != "<text>":
            raise ProblemError(400, "where", "after `like` stands no text in quotes", "write text like '%heat%'")
        pattern = self._shown()
        if len(pattern) > _LONGEST_PATTERN:
            message = f"a pattern has {len(pattern)} letters, more than {_LONGEST_PATTERN}"
            raise ProblemError(400, "where", message, "write a shorter one")
        self._read_again(first, pattern.count("%") + pattern.count("_"))
        self._take("<text>")

    def _read_again(self, first: int, times: int) -> None:
        """Count the columns that stand behind the token `first` so many times more."""
        for kind, text in self._tokens[first : self._at]:
            name = _name(kind, text)
            if name in self.read:
                self.read[name] += times

    def _sum(self) -> Kind:
        """Read sums and products; only numbers can be added, for texts would grow."""
        kind = self._signed()
        while operator := self._take("+", "-", "*", "/", "%"):
            other = self._signed()
            if (kind, other) != ("number", "number"):
                raise ProblemError(400, "where", f"{operator!r} does not stand between two numbers", _REMEDY)
        return kind

    def _signed(self) -> Kind:
        signed = False
        while self._take("+", "-"):
            signed = True
        kind = self._single()
        if signed and kind != "number":
            raise ProblemError(400, "where", "a sign does not stand before a number", _REMEDY)
        return kind

    def _single(self) -> Kind:
        token, shown = self._next(), self._shown()
        if self._take(*_LITERALS):
            return _LITERALS[token or ""]
        if self._take("("):
            self._go_down()
            kind = self._either()
            self._depth -= 1
            self._need(")", "a bracket is not closed")
            return kind
        if token is None:
            raise ProblemError(400, "where", "it ends too early", _REMEDY)
        if token == ")":
            raise ProblemError(400, "where", "a bracket is closed too early", _REMEDY)
        kind_of_token = self._tokens[self._at][0]
        if kind_of_token == "operator" or (kind_of_token == "word" and token in _WORDS | _STATEMENTS):
            raise _refused(shown)
        name = _name(*self._tokens[self._at])
        self._at += 1
        if self._take("("):
            return self._called(name.lower() if kind_of_token == "word" else f'"{name}"')
        if name not in self._columns:
            message = f"unable to find column {name!r}; columns: {', '.join(self._columns)}"
            remedy = f"choose one of them, or put text in single quotes: '{name}'"
            raise ProblemError(400, "where", message, remedy)
        self.read[name] = self.read.get(name, 0) + 1
        return self._columns[name]

    def _called(self, name: str) -> Kind:
        """Read the arguments of a function, and the bracket behind them; it reads once more what they have made."""
        first = self._at
        if name == "cast":
            kind = self._cast()
            self._read_again(first, 1)
            return kind
        if name not in FUNCTIONS:
            message = f"'{name}(…)' is not allowed in a condition"
            remedy = "write text like '%heat%'" if name == "contains" else f"functions are cast, {', '.join(FUNCTIONS)}"
            raise ProblemError(400, "where", message, remedy)
        self._go_down()
        kinds = [self._sum()]
        while self._take(","):
            kinds.append(self._sum())
        self._depth -= 1
        self._need(")", "a bracket is not closed")
        self._read_again(first, 1)
        return kinds[0] if name == "coalesce" and len({*kinds}) == 1 else FUNCTIONS[name]

    def _cast(self) -> Kind:
        self._go_down()
        self._sum()
        self._depth -= 1
        self._need("as", "a cast has no type")
        shown, kind = self._shown(), _TYPES.get(self._next() or "")
        if kind is None:
            raise ProblemError(400, "where", f"{shown!r} is no type to cast to", f"types are {', '.join(_TYPES)}")
        self._at += 1
        self._take("precision")
        digits = self._list_of_numbers() if self._take("(") else []
        if digits and shown.lower() in _DECIMALS and not _are_digits(*digits):  # the engine itself would fail
            message = f"no {shown} has ({', '.join(digits)}) digits"
            raise ProblemError(400, "where", message, f"write decimal(12, 3), of at most {_DIGITS}, or double")
        self._need(")", "a bracket is not closed")
        return kind

    def _list_of_numbers(self) -> list[str]:
        numbers = [self._shown()]
        self._need("<number>", "a type has empty brackets")
        while self._take(","):
            numbers.append(self._shown())
            self._need("<number>", "a type ends too early")
        self._need(")", "a bracket is not closed")
        return numbers

    def _go_down(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ProblemError(400, "where", f"more than {_DEEPEST} brackets lie within each other", "write it flatter")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yield kind and text of each token but spaces."""
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None or token.lastgroup == "bad":
            raise _refused(text[place] if token is None else token.group())
        if token.lastgroup != "space":
            yield str(token.lastgroup), token.group()
        place = token.end()


def _are_digits(in_all: str, behind_point: str = "0", *others: str) -> bool:
    """Say whether a decimal may have so many digits.

    >>> _are_digits("12", "3"), _are_digits("38"), _are_digits("39"), _are_digits("2", "3"), _are_digits("1e1")
    (True, True, False, False, False)
    """
    numbers = [int(each) if re.fullmatch("[0-9]{1,2}", each) else _DIGITS + 1 for each in (in_all, behind_point)]
    return not others and numbers[1] <= numbers[0] and 1 <= numbers[0] <= _DIGITS


def _name(kind: str, text: str) -> str:
    return text[1:-1].replace('""', '"') if kind == "name" else text


def _refused(what: str) -> ProblemError:
    return ProblemError(400, "where", f"{what!r} is not allowed in a condition", _REMEDY)
