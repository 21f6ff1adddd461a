"""The pictures of an evaluation, one file each: `accuracy`, `distribution`, `projection`, `change`."""

from protrek_hm.evaluate.plots.everything import draw_all

__all__ = ["draw_all"]
