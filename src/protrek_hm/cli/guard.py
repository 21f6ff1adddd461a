"""How every command line of ours ends: what users can mend is one line, and exit codes mean what they say."""

import os
import sys
from collections.abc import Callable

from protrek_hm.errors import ProTrekHMError


def guard(command: Callable[[], object]) -> None:
    """Run a command line. Exit codes: 0 done, 1 no (or a closed pipe), 2 bad input, 130 interrupted."""
    try:
        try:
            command()
        finally:
            sys.stdout.flush()  # a closed pipe shows here, not when the interpreter ends
    except ProTrekHMError as error:
        print("error:", " ".join(str(error).splitlines()), file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `protrek-hm … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
