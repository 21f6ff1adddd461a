import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.data.numbering import Numbering, substitute

numberings = st.builds(
    lambda first, gaps: Numbering(first=first, skipped=tuple(sorted(first + gap for gap in gaps))),
    st.integers(-30, 10),
    st.sets(st.integers(1, 60), max_size=4),
)


@given(numberings, st.integers(1, 80))
def test_numbers_are_counted_one_by_one(numbering: Numbering, length: int) -> None:
    number, counted = numbering.first, []
    while len(counted) < length:
        if number not in numbering.skipped:
            counted.append(number)
        number += 1
    assert [numbering.index(each) for each in counted] == list(range(length))


@given(numberings, st.data())
def test_what_is_substituted_can_be_substituted_back(numbering: Numbering, data: st.DataObject) -> None:
    sequence = data.draw(st.text("ACDEFGHIKLMNPQRSTVWY", min_size=1, max_size=40))
    numbers = [each for each in range(numbering.first, numbering.first + 40) if each not in numbering.skipped]
    number = data.draw(st.sampled_from(numbers[: len(sequence)]))
    old = sequence[numbering.index(number)]
    changed = substitute(sequence, f"{old}{number}W", numbering=numbering)
    assert sum(a != b for a, b in zip(sequence, changed, strict=True)) == (old != "W")
    assert substitute(changed, f"W{number}{old}", numbering=numbering) == sequence


@pytest.mark.parametrize("number", [2, 239, 253])
def test_a_number_that_no_residue_bears_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"no residue bears the number {number}"):
        Numbering(first=3, skipped=(239, 253)).index(number)


@pytest.mark.parametrize(
    ("substitutions", "message"),
    [
        ("K2V;M1A", "K2V: A stands at 2"),
        ("M1W;M1A", "M1A: W stands at 1"),
        ("A9C", "A9C: nothing stands at 9"),
        ("K2", "'K2' is not written like E6V"),
        ("del2", "'del2' is not written like E6V"),
    ],
)
def test_what_does_not_fit_is_named(substitutions: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        substitute("MAK", substitutions, numbering=Numbering())
