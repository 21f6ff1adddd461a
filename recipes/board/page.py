"""Put a board into a page, between its marks: python recipes/board/page.py docs/board.json docs/board.md."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from protrek_hm.evaluate.twins.board import board_markdown, read_board
from protrek_hm.files import new_file


def main() -> None:
    """Write the page again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("board", type=Path)
    parser.add_argument("page", type=Path)
    given = parser.parse_args()
    text = page(given.page.read_text(encoding="utf-8"), read_board(given.board))
    with new_file(given.page, force=True) as temporary:
        temporary.write_text(text, encoding="utf-8")


def page(text: str, content: Mapping[str, Any]) -> str:
    """Return the page with the protocol and the tables of a board between its marks."""
    for mark, made in (("protocol", content["protocol"]), ("board", board_markdown(content))):
        begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n\n{made.rstrip()}\n\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    main()
