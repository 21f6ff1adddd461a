"""What strangers write is shown on a terminal, never obeyed by it."""

import io

from rich.table import Table

from protrek_hm.figures.terminal import PlainConsole, print_table

NASTY = "\x1b[2J\x1b]0;owned\x07\x9b31m\x00\r\x08\u202e[/bold][red]"
SHOWN = r"\x1b[2J\x1b]0;owned\x07\x9b31m\x00\r\x08\u202e[/bold][red]"


def test_control_characters_and_markup_are_printed_as_they_are():
    file = io.StringIO()
    PlainConsole(file=file, width=200).print(f"{NASTY}\nplain β")
    assert file.getvalue() == f"{SHOWN}\nplain β\n"


def test_tables_too():
    file = io.StringIO()
    table = Table(NASTY, title=NASTY, caption=NASTY, width=90)
    table.add_row(NASTY)
    print_table(table, file)
    assert file.getvalue().count(SHOWN) == 4
    assert not {"\x1b", "\x9b", "\x07", "\x00", "\r"} & {*file.getvalue()}
