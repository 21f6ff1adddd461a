"""Any encoder of texts, for mining: a SentenceTransformer, or the text tower of a ProTrek."""

from collections.abc import Callable, Sequence
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Router

from protrek_hm.model.locate import find_model, is_official
from protrek_hm.model.protrek import ProTrek
from protrek_hm.model.source import check_weights, whole_model


def load_text_encoder(name: str) -> Callable[[Sequence[str]], Any]:
    """Load a text encoder by its folder or hub name; it turns texts into vectors, a row a text.

    Raises
    ------
    MissingFileError, FileFormatError
        If there is no such model, or only a part of one.
    """
    place = find_model(name)
    if is_official(place):
        model: SentenceTransformer = ProTrek.from_pretrained(name)
    else:
        with whole_model(name, place):
            model = SentenceTransformer(str(place))
            check_weights(name, place, model)
    task = "text" if isinstance(model[0], Router) else None

    def encode(texts: Sequence[str], /) -> Any:
        return model.encode(list(texts), show_progress_bar=False, task=task)

    return encode
