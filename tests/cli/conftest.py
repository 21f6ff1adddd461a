"""Fixtures of the command line's tests."""

import pytest

from protrek_hm.mine import output


@pytest.fixture
def no_pictures(monkeypatch):
    """Mining without the picture, which takes longer than all the rest; others look at it."""
    monkeypatch.setattr(output, "draw_twin_cards", lambda *_, **__: None)
