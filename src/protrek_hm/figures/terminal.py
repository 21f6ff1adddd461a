"""What is printed for people: as wide as the terminal, and nothing in a text is an order to it.

Ids, texts and names come from files of others. A terminal obeys control characters: they could clear it, name its
window, or hide a line. Square brackets are brackets, not rich's markup.
"""

import sys
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from protrek_hm.errors import visible


class PlainConsole(Console):
    r"""A console that prints what it is given: no markup, no colours of its own, control characters as escapes.

    >>> PlainConsole(file=sys.stdout).print("[b]clear\x1b[2J[/c]")
    [b]clear\x1b[2J[/c]
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Turn a text into what is printed; rich calls this for cells of tables as well."""
        return super().render_str(visible(text), **options)


def print_table(table: Table, file: TextIO | None = None) -> None:
    """Print a table without blanks at the ends of its lines, to stdout if no file is given."""
    file = file or sys.stdout
    console = PlainConsole(file=file)
    with console.capture() as captured:
        console.print(table)
    file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
