"""Answers, explanations, alignments and reports as HTML, for notebooks: they show themselves in the look of the page.

Colours are those of the page, laid over the notebook's own, so that they can be read in light and in dark.
"""

from collections.abc import Iterable, Sequence
from html import escape

from protrek_hm.figures.blocks import choose_blocks, marks

_STYLE = """<style>
.protrek-hm{font:14px/1.45 system-ui,sans-serif}
.protrek-hm table{border-collapse:collapse;margin:.4em 0}
.protrek-hm :is(th,td){padding:.2em .7em;text-align:left;vertical-align:top;border-bottom:1px solid #8884}
.protrek-hm .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.protrek-hm pre{font:13px/1.35 ui-monospace,Menlo,Consolas,monospace;margin:.4em 0}
.protrek-hm mark{background:#d55e0055;color:inherit}
.protrek-hm small{opacity:.75}
.protrek-hm .bar{display:inline-block;height:.7em}
</style>"""
_HALF = 90
"""Pixels of the longest bar to either side."""


def notebook_html(*parts: str) -> str:
    """Join parts that are HTML already, with the style that they share.

    >>> notebook_html("<p>a</p>").endswith('<div class="protrek-hm"><p>a</p></div>')
    True
    """
    return f'{_STYLE}<div class="protrek-hm">{"".join(parts)}</div>'


def paragraph(text: str, *, small: bool = False) -> str:
    """Write a text as a paragraph.

    >>> paragraph("a < b", small=True)
    '<p><small>a &lt; b</small></p>'
    """
    return f"<p><small>{escape(text)}</small></p>" if small else f"<p>{escape(text)}</p>"


def html_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """Write a table of texts; `numbers` are the columns, from 0, that are set to the right.

    A cell that begins with ``<span class="bar"`` is HTML of `signed_bar`, all others are text.

    >>> html_table(["id", "n"], [["<P1>", "2"]], numbers=[1])
    '<table><tr><th>id</th><th class="n">n</th></tr><tr><td>&lt;P1&gt;</td><td class="n">2</td></tr></table>'
    """

    def row(kind: str, cells: Sequence[str]) -> str:
        written = [
            f"<{kind}{_RIGHT if at in numbers else ''}>{cell if cell.startswith(_BAR) else escape(cell)}</{kind}>"
            for at, cell in enumerate(cells)
        ]
        return f"<tr>{''.join(written)}</tr>"

    return f"<table>{row('th', headings)}{''.join(row('td', each) for each in rows)}</table>"


_BAR = '<span class="bar"'
_RIGHT = ' class="n"'


def signed_bar(value: float, most: float) -> str:
    """Draw a bar from the middle, to the left where the value is negative; `most`: what fills a side, above 0.

    >>> signed_bar(-0.1, 0.2)
    '<span class="bar" style="width:45px;margin-left:45px;background:#d55e00"></span>'
    >>> signed_bar(0.2, 0.2)
    '<span class="bar" style="width:90px;margin-left:90px;background:#0072b2"></span>'
    """
    width = round(_HALF * min(abs(value) / most, 1.0))
    start, colour = (_HALF - width, "#d55e00") if value < 0 else (_HALF, "#0072b2")
    return f'{_BAR} style="width:{width}px;margin-left:{start}px;background:{colour}"></span>'


def alignment_html(a: str, b: str, names: tuple[str, str] = ("A", "B")) -> str:
    r"""Write the blocks of an alignment that hold a difference, which is marked; gapped sequences of one length.

    >>> alignment_html("MKT", "MRT", ("P1", "<P2>"))
    '<pre>P1       1 M<mark>K</mark>T 3\n&lt;P2&gt;     1 M<mark>R</mark>T 3</pre>'
    """
    blocks, after = choose_blocks(a, b)
    width = max(map(len, names))
    lines = []
    for block in blocks:
        if block.skipped:
            lines.append(_skipped(block.skipped))
        for name, row, (first, last) in zip(names, block.rows, block.residues, strict=True):
            letters = [
                letter if mark == " " else f"<mark>{letter}</mark>"
                for letter, mark in zip(row, marks(*block.rows), strict=True)
            ]
            lines.append(f"{escape(name.ljust(width))} {min(first, last):>5} {''.join(letters)} {last}")
    if after:
        lines.append(_skipped(after))
    written = "\n".join(lines)
    return f"<pre>{written}</pre>"


def _skipped(columns: int) -> str:
    return f"… {columns:,} columns, all identical"
