"""How every command line of ours ends: what users can mend is one line, and exit codes mean what they say."""

import codecs
import io
import json
import os
import sys
from collections.abc import Callable

from protrek_hm.errors import ProTrekHMError


def guard(command: Callable[[], object]) -> None:
    r"""Run a command line. Exit codes: 0 done, 1 no (or a closed pipe), 2 bad input, 130 interrupted.

    Letters that stdout cannot show are written as in JSON: é as \u00e9.
    """
    codecs.register_error("escape", _escape)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="escape")
    try:
        try:
            command()
        finally:
            sys.stdout.flush()  # a closed pipe shows here, not when the interpreter ends
    except ProTrekHMError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `protrek-hm … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except ImportError as error:
        _fail(f"{error}; a package is missing or damaged: install protrek-hm again with pip")
    except OSError as error:
        _fail(str(error))


def _fail(message: str) -> None:
    print("error:", " ".join(message.splitlines()), file=sys.stderr)  # noqa: T201
    sys.exit(2)


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
