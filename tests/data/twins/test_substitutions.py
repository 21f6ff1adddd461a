"""Substitutions against a reference, by letters put in by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.data.twins.substitutions import (
    BEYOND,
    INDEL,
    OTHER_LETTER,
    SAME,
    STOP,
    UNREAD,
    NotAppliedError,
    constant_shift,
    name_substitutions,
    read_substitutions,
    substitute,
)

SEQUENCES = st.text(AMINO_ACIDS, min_size=4, max_size=30)


@given(SEQUENCES, st.data())
def test_a_mutant_is_its_reference_with_the_letters_put_in(sequence, data):
    places = data.draw(st.lists(st.integers(0, len(sequence) - 1), min_size=1, max_size=4, unique=True))
    letters, names = list(sequence), []
    for place in places:
        new = data.draw(st.sampled_from([each for each in AMINO_ACIDS if each != sequence[place]]))
        names.append(f"{sequence[place]}{place + 1}{new}")
        letters[place] = new
    changes = read_substitutions(":".join(names))
    assert substitute(sequence, changes) == "".join(letters)
    assert name_substitutions(changes) == ":".join(sorted(names, key=lambda name: int(name[1:-1])))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *(("Q42STOP", STOP), ("Q42*", STOP), ("Q42Ter", STOP)),
        *(("WR65del", INDEL), ("S145DEL", INDEL), ("K83KKGPSLK", INDEL), ("Y253CfsTer5ins7", INDEL), ("N474KG", INDEL)),
        *(("A12A", SAME), ("", UNREAD), ("WT", UNREAD), ("A12", UNREAD), ("a12c", UNREAD), ("A12X", UNREAD)),
        *(("A12C,D15E", UNREAD), ("A12C:", UNREAD), ("p.Ala12Cys", UNREAD), ("A-3C", UNREAD), ("nothing", UNREAD)),
    ],
)
def test_what_is_no_substitution_says_why(name, reason):
    with pytest.raises(NotAppliedError) as caught:
        read_substitutions(name)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [("K1R", OTHER_LETTER), ("A9G", BEYOND), ("M0A", OTHER_LETTER), ("K2R:A9G", BEYOND), ("K2R:K2A", OTHER_LETTER)],
)
def test_what_does_not_fit_the_reference_says_why(name, reason):
    with pytest.raises(NotAppliedError) as caught:
        substitute("MKVLA", read_substitutions(name))
    assert caught.value.reason == reason


@given(SEQUENCES, st.integers(-40, 40))
def test_a_shift_that_makes_all_fit_is_found(sequence, shift):
    names = [f"{letter}{place + 100 - shift}{'A' if letter != 'A' else 'C'}" for place, letter in enumerate(sequence)]
    changes = [change for name in names for change in read_substitutions(name)]
    found = constant_shift(sequence, changes)
    assert found is not None
    assert all(sequence[change.start + found - 1] == change.original for change in changes)
    assert found == shift - 99
