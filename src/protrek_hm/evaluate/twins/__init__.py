"""The board of twins: how well models tell real twins of many families apart, beside what understands less.

The flow: case tables become numbered `cases`; a model, or any program, gives each its 2 × 2 scores; `measures`
make figures of them in which every family weighs the same; `shortcuts` (with `features` and `masked`) are baselines on
the same cases. `run` puts it together, `board` writes it as JSON and as tables, and adds rows to a board that is there.
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.evaluate.twins.board import add_rows as add_rows
    from protrek_hm.evaluate.twins.board import board_content as board_content
    from protrek_hm.evaluate.twins.board import board_markdown as board_markdown
    from protrek_hm.evaluate.twins.board import write_board as write_board
    from protrek_hm.evaluate.twins.run import Board as Board
    from protrek_hm.evaluate.twins.run import WithHead as WithHead
    from protrek_hm.evaluate.twins.run import evaluate_twins as evaluate_twins
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
