"""One colour per model, in order: before, after, then further ones."""

from protrek_hm.figures.style import AFTER, BEFORE, GREY

_MODELS = (BEFORE, AFTER, "#CC79A7", "#56B4E9", "#F0E442")


def model_colour(position: int, *, of: int) -> str:
    """Return the colour of the model at `position` of `of`; a single one looks like "after".

    Examples
    --------
    >>> model_colour(0, of=2), model_colour(0, of=1), model_colour(7, of=8)
    ('#E69F00', '#0072B2', '#6E6E6E')
    """
    if of == 1:
        return AFTER
    return _MODELS[position] if position < len(_MODELS) else GREY
