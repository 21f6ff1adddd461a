"""Between ProTrek's own layout and ours, in both directions."""

from pathlib import Path
from typing import Literal

from protrek_hm.files import new_folder, refuse_existing
from protrek_hm.model.config import require_license
from protrek_hm.model.export_official import write_official
from protrek_hm.model.locate import find_model, is_official
from protrek_hm.model.protrek import ProTrek

Format = Literal["official", "sentence-transformers"]


def convert_model(
    source: str | Path, output: Path, *, to: Format | None = None, license: str | None = None, force: bool = False
) -> Format:
    """Write the model at `source` into the folder `output` in the other format, or in that of `to`; return which.

    source: as for `ProTrek.from_pretrained`. license: for the model card, where the source states none or another.

    Raises
    ------
    MissingFileError, FileFormatError
        If there is no model, or only a part of one.
    OptionError
        If `license` is not one word.
    ModelError
        If ProTrek's own code has no such towers.
    OutputExistsError, ProtectedOutputError, OutputError
        If `output` exists (without `force`), holds the source or other things than a model, or cannot be written.
    """
    require_license(license)
    refuse_existing(output, force=force, inputs=[source], folder=True)
    place = find_model(source)
    to = to or ("sentence-transformers" if is_official(place) else "official")
    model = ProTrek.from_pretrained(place, device="cpu")
    model.license = license or model.license
    with new_folder(output, force=force) as temporary:
        if to == "official":
            write_official(model, temporary, name=output.name)
        else:
            model.save_pretrained(str(temporary))
    return to
