"""The pictures of an evaluation, one file each; `everything` lists them with what they say."""

from protrek_hm.evaluate.plots.everything import draw_all

__all__ = ["draw_all"]
