"""Pictures inside the page: data URIs, so that one file is all there is."""

import base64
import io

from matplotlib import rc_context
from matplotlib.figure import Figure

from protrek_hm.figures.style import STYLE

_DPI = 140


def picture_uri(figure: Figure, *, vector: bool) -> str:
    """Return a figure as `data:image/svg+xml` or `data:image/png`; the same figure gives the same bytes.

    Examples
    --------
    >>> picture_uri(Figure((1, 1)), vector=True)[:26]
    'data:image/svg+xml;base64,'
    """
    content = io.BytesIO()
    # letters as paths: the reader's browser need not have our font
    with rc_context({**STYLE, "svg.hashsalt": "protrek-hm", "svg.fonttype": "path"}):
        if vector:
            figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
        else:
            figure.savefig(content, format="png", dpi=_DPI)
    kind = "svg+xml" if vector else "png"
    return f"data:image/{kind};base64,{base64.b64encode(content.getvalue()).decode()}"
