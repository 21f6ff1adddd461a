from protrek_hm.figures.alignment import TwinCard, draw_twin_cards
from protrek_hm.figures.contributions import MOST_BARS, Contribution, draw_contributions, strongest

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
