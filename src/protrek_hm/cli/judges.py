"""Models that judge while mining: a ProTrek that guides, any encoder of texts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protrek_hm.mine.evidence.likeness import TextEncoder
    from protrek_hm.model import ProTrek


def load_guide(name: str | None) -> "ProTrek | None":
    """Load the ProTrek that guides, if one is named."""
    if name is None:
        return None
    from protrek_hm.model import ProTrek

    return ProTrek.from_pretrained(name)


def load_text_encoder(name: str | None) -> "TextEncoder | None":
    """Load the encoder of texts, if one is named: a SentenceTransformer, or the text tower of a ProTrek.

    Raises
    ------
    MissingFileError, FileFormatError
        If there is no such model, or only a part of one.
    """
    if name is None:
        return None
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Router

    from protrek_hm.model import ProTrek
    from protrek_hm.model.locate import find_model, is_official
    from protrek_hm.model.source import whole_model

    place = find_model(name)
    if is_official(place):
        model: SentenceTransformer = ProTrek.from_pretrained(name)
    else:
        with whole_model(name, place):
            model = SentenceTransformer(str(place))
    task = "text" if isinstance(model[0], Router) else None

    def encode(texts: Sequence[str], /) -> Any:
        return model.encode(list(texts), show_progress_bar=False, task=task)

    return encode
