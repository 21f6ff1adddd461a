"""Twins that others have measured or curated, and the tables that cases are kept in (`case_table`)."""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.data.twins.case_table import read_cases as read_cases
    from protrek_hm.data.twins.case_table import write_cases as write_cases
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
