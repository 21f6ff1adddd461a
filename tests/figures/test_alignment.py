"""Twin cards, and the bars beneath them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.figures.alignment import (
    MOST_BARS,
    Contribution,
    TwinCard,
    draw_contributions,
    draw_twin_cards,
    strongest,
)
from protrek_hm.figures.blocks import choose_blocks, differing_columns

PAIRS = st.lists(st.sampled_from(["AA", "CC", "AC", "A-", "-C"]), min_size=1, max_size=400).map(
    lambda columns: ("".join(pair[0] for pair in columns), "".join(pair[1] for pair in columns))
)


@given(PAIRS, st.integers(1, 4), st.integers(10, 80))
def test_shown_and_skipped_columns_are_all_columns(pair, most, width):
    blocks, after = choose_blocks(*pair, most=most, width=width)
    shown = sum(block.stop - block.start for block in blocks)
    assert shown + sum(block.skipped for block in blocks) + after == len(pair[0])
    assert 1 <= len(blocks) <= most
    assert all(block.stop - block.start <= width for block in blocks)
    assert [block.start for block in blocks] == sorted(block.start for block in blocks)


@given(PAIRS)
def test_all_differences_are_shown_where_there_is_room(pair):
    blocks, _ = choose_blocks(*pair, most=100, width=50)
    shown = {column for block in blocks for column in range(block.start, block.stop)}
    assert set(differing_columns(*pair)) <= shown


def test_a_card_needs_aligned_sequences():
    with pytest.raises(ValueError, match="one length"):
        TwinCard("MK", "M", ("a", "b"), ("x", "y"), 0.5)


@pytest.mark.parametrize("note", ["", "score 0.81 against 0.42"])
def test_the_picture_is_written_twice_and_repeatably(tmp_path, note):
    long = TwinCard(
        "M" * 500,
        "M" * 250 + "-" + "M" * 249,
        ("first", "a name that is too long"),
        ("Cuts.", ""),
        0.998,
        note,
    )
    short = TwinCard("MKV", "MRV", ("a", "b"), ("A text of many words. " * 40, "Binds."), 2 / 3)
    for name in ("one", "two"):
        draw_twin_cards([long, short], tmp_path / f"{name}.png", title="Twins")
    for ending in ("png", "pdf"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()
    assert (tmp_path / "one.png").read_bytes()[:4] == b"\x89PNG"


CARD = TwinCard("MKTAYIAKQR", "MRTAYIAK-R", ("TEM-1", "TEM-3"), ("score 0.1", "score 0.2"), 0.8)


def test_the_picture_is_written_twice_and_repeatably_with_and_without_bars(tmp_path):
    many = [Contribution(f"A{number}C", number / 100 - 0.15, 0.0) for number in range(MOST_BARS + 5)]
    for name, bars in (("one", many), ("two", many), ("none", [])):
        draw_contributions(CARD, bars, tmp_path / f"{name}.png", title="“text”", caption="They add up.")
    for ending in ("png", "pdf"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()
        assert (tmp_path / f"none.{ending}").stat().st_size > 1000


def test_the_strongest_come_first_whatever_their_sign():
    bars = [Contribution(name, change, 0.0) for name, change in (("a", 0.1), ("b", -0.3), ("c", 0.2), ("d", -0.1))]
    assert [each.name for each in strongest(bars)] == ["b", "c", "a", "d"]


def test_dollar_signs_and_letters_that_the_font_lacks_are_drawn(tmp_path):
    card = TwinCard("MK", "MR", ("$a", "b$"), ("costs $5_{ and $^ 6", "\u7d50\u5408 \\frac$$"), 0.5, note="$_$")
    draw_contributions(card, [Contribution("$K2R$^", 0.1, 0.0)], tmp_path / "a.png", title="“$x_{$”", caption="$^$")
    draw_twin_cards([card], tmp_path / "b.png", title="$_$")
    assert len(list(tmp_path.iterdir())) == 4
