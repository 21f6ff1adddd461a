"""Changes are named, read and applied; a naive list of letters is the truth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.data.uniprot.mutations import Change, apply_changes, name_changes, parse_changes

SEQUENCES = st.text("ACDEFGHIKLMNPQRSTVWY", min_size=4, max_size=30)


@given(SEQUENCES, st.data())
def test_there_and_back(sequence, data):
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sequence)), min_size=2, max_size=6)))
    spans = list(zip(cuts, cuts[1:], strict=False))[::2]
    changes = [
        Change(start + 1, sequence[start:end], data.draw(st.text("ACDEFGHIKLMNPQRSTVWY", max_size=3)))
        for start, end in spans
    ]
    letters = list(sequence)
    for change in changes:
        letters[change.start - 1 : change.end] = [change.replacement] + [""] * (len(change.original) - 1)
    assert apply_changes(sequence, reversed(changes)) == "".join(letters)
    assert sorted(parse_changes(name_changes(changes))) == sorted(changes)


@pytest.mark.parametrize("name", ["", "K45", "45A", "K45-46A", "KR45A", "K45A+", "k45a", "K45?"])
def test_what_is_no_name(name):
    with pytest.raises(ValueError, match="is not written like|do not fill"):
        parse_changes(name)


@pytest.mark.parametrize("name", ["K3R", "K9R", "VL3-4AA+L4R", "K2R+K2A"])
def test_what_does_not_fit(name):
    with pytest.raises(ValueError, match="stands at|overlaps"):
        apply_changes("MKVLA", parse_changes(name))
    with pytest.raises(ValueError, match="stands at"):
        apply_changes("MKVLA", [Change(0, "A", "K")])


@pytest.mark.realdata
def test_real_mutants(real_data):
    import polars as pl

    table = pl.read_csv(real_data / "mutagenesis_twins.tsv.gz", separator="\t", quote_char=None, infer_schema=False)
    same, refused = 0, []
    for name, wild_type, mutant in table.select("mutation", "wt_sequence", "mut_sequence").iter_rows():
        try:
            same += apply_changes(wild_type, parse_changes(name)) == mutant
        except ValueError:
            refused.append(name)
    assert (table.height, same) == (4_264, 4_261)
    assert refused == ["L194A+L194L", "C95A+C95A", "S208A+S208S"], "one residue changed twice, once to itself"
