"""One style for every picture.

Colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/), told apart by colour-blind readers and in grey.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from protrek_hm.files import new_file

log = logging.getLogger(__name__)
BEFORE, AFTER = "#E69F00", "#0072B2"
POSITIVE, NEGATIVE = "#009E73", "#D55E00"
GREY = "#6E6E6E"

STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a user's text may hold dollar signs
    "text.usetex": False,
}


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of the given size in inches, in our style, with a constrained layout."""
    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write `figure` as `path` (PNG, 200 dots an inch) and beside it as PDF for print."""
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)  # drawn as boxes
        for target in (path, path.with_suffix(".pdf")):
            with new_file(target) as temporary:
                figure.savefig(temporary, dpi=200, metadata={"CreationDate": None} if target.suffix == ".pdf" else None)


@contextmanager
def spared(picture: Path) -> Iterator[None]:
    """Warn in one line instead of failing if a picture cannot be drawn: no result depends on it.

    Examples
    --------
    >>> with spared(Path("curve.png")):
    ...     raise ValueError("no such font")
    """
    try:
        yield
    except (ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        log.warning("%s could not be drawn (%s); everything else is there", picture.name, reason)
