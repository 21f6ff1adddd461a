"""Settings of the conversion."""

from dataclasses import dataclass
from typing import Literal, get_args

from protrek_hm.config import OnBadRecord, require
from protrek_hm.data.uniprot.entry import SECTIONS

TextPer = Literal["protein", "section"]


@dataclass(frozen=True)
class ConvertConfig:
    """What becomes of an entry.

    Attributes
    ----------
    text_sections
        Section of the text; repeatable, in order. By default those that say what the protein does.
    text_per
        A row per protein, or per section. `protein`: its sections joined; `section`: a model reads them as several
        texts of a protein.
    release
        UniProt's release, such as 2026_03, to be recorded. Files do not say it themselves.
    on_bad_record
        Stop at a broken record, or leave it out.

    Raises
    ------
    OptionError
        If a value is none of these.
    """

    text_sections: tuple[str, ...] = ("function", "catalytic_activity", "cofactor", "activity_regulation", "pathway")
    text_per: TextPer = "protein"
    on_bad_record: OnBadRecord = "error"
    release: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text_sections", tuple(self.text_sections))
        for section in self.text_sections:
            require("text_sections", section, f"one of {', '.join(SECTIONS)}", holds=section in SECTIONS)
        require("text_sections", self.text_sections, "name at least one section", holds=bool(self.text_sections))
        per = self.text_per
        require("text_per", per, "must be protein or section", holds=per in get_args(TextPer))
        on_bad = self.on_bad_record
        require("on_bad_record", on_bad, "must be error or skip", holds=on_bad in get_args(OnBadRecord))
