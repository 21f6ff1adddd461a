"""Errors as JSON: the field of the request, what is wrong with it, and a remedy."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse

from protrek_hm.errors import FileFormatError, InputError, ModelError, OptionError, ProTrekHMError, ShardDownError

_STATUSES = {
    400: ("request", "bad request", "send JSON as /openapi.json describes"),
    404: ("path", "not found", "see /openapi.json for the addresses"),
    405: ("method", "method not allowed", "see /openapi.json for the methods"),
}


_LONGEST_NAME = 100
HALF = "holds half of a surrogate pair, which is not a character"


class ProblemError(ProTrekHMError):
    """A request that is refused, with its HTTP status.

    >>> problem = ProblemError(429, None, "too many wait", "try again", headers={"Retry-After": "1"})
    >>> problem.status, problem.content()
    (429, {'error': {'field': None, 'message': 'too many wait', 'remedy': 'try again'}})
    """

    def __init__(
        self, status: int, field: str | None, message: str, remedy: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status, self.field = status, field and _told(field, _LONGEST_NAME)
        self.message, self.remedy = _told(message), _told(remedy)
        self.headers = dict(headers or {})
        super().__init__(f"{self.field}: {self.message}; {self.remedy}")

    def content(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"error": {"field": self.field, "message": self.message, "remedy": self.remedy}}

    def response(self) -> JSONResponse:
        """Return the answer."""
        return JSONResponse(self.content(), self.status, headers=self.headers)


def as_problem(error: BaseException) -> ProblemError:
    """Turn any error into a problem for the client, without what only the operator may know.

    >>> as_problem(OptionError("k", 0, "must be at least 1")).content()["error"]
    {'field': 'k', 'message': 'k = 0: must be at least 1', 'remedy': 'correct it'}
    >>> as_problem(ZeroDivisionError()).status
    503
    """
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, OptionError):
        wanted, _, remedy = error.wanted.replace("--", "").partition("; ")
        value = repr(error.value) if len(repr(error.value)) <= 80 else f"{repr(error.value)[:80]}…"
        return ProblemError(400, error.name, f"{error.name} = {value}: {wanted}", remedy or "correct it")
    if isinstance(error, InputError):
        where = f"{error.task} {error.number} "  # among those of all requests that were answered together
        return ProblemError(400, error.task, error.problem.removeprefix(where), error.remedy)
    if isinstance(error, ShardDownError):
        message, remedy = f"{error.name} of the index does not answer", "ask again, or for a partial answer"
        return ProblemError(503, None, message, remedy, headers={"Retry-After": "2"})
    if isinstance(error, FileFormatError):
        return ProblemError(400, "file", error.problem, error.remedy.replace("--", ""))
    if isinstance(error, ProTrekHMError) and not isinstance(error, ModelError):
        return ProblemError(400, None, str(error), "correct the request")
    return ProblemError(503, None, "the model failed", "try again; the server's log says what happened")


def validation_problem(errors: Sequence[Mapping[str, Any]]) -> ProblemError:
    """Turn the first validation error of a request into a problem.

    >>> place = {"loc": ("body", "queries", 3), "msg": "Input should be a valid string", "type": "string_type"}
    >>> validation_problem([place]).content()["error"]["field"]
    'queries[3]'
    """
    first = errors[0]
    field = ""
    for part in first["loc"][1:]:
        field += f"[{part}]" if isinstance(part, int) and field else f".{part}" if field else str(part)
    message = HALF if first["type"] == "string_unicode" else str(first["msg"]).removeprefix("Value error, ")
    unknown = first["type"] == "extra_forbidden"
    if first["type"] == "json_invalid":
        return ProblemError(400, "body", "not valid JSON", _STATUSES[400][2])
    remedy = "leave it out, or correct its name" if unknown else "correct it as /openapi.json describes"
    return ProblemError(422, field or "body", "unknown field" if unknown else message, remedy)


def status_problem(status: int, detail: str) -> ProblemError:
    """Turn a refusal of the framework into a problem."""
    field, message, remedy = _STATUSES.get(status, ("request", detail, "correct the request"))
    return ProblemError(status, field, message, remedy)


def _told(text: str, longest: int = 1000) -> str:
    """Shorten what comes from the request, and escape lone surrogates, which cannot be sent."""
    told = text if len(text) <= longest else f"{text[:longest]}…"
    return told.encode(errors="backslashreplace").decode()
