from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.build import build_index
from protrek_hm.index.config import IndexConfig
from protrek_hm.index.layout import FORMAT_VERSION, WITH_RELATIVES, read_manifest
from protrek_hm.index.relatives import MOST, Relatives, write_relatives
from protrek_hm.index.store import Index, check_index
from protrek_hm.index.update import add_to_index, compact_index, remove_from_index


def share(protein, other, letters=5):
    """Windows of the other protein that the first one holds, ÷ residues of the longer, counted one by one."""
    windows = Counter(other[start : start + letters] for start in range(len(other) - letters + 1))
    own = {protein[start : start + letters] for start in range(len(protein) - letters + 1)}
    common = sum(count for window, count in windows.items() if window in own)
    return min(common, len(protein)) / max(len(protein), len(other))


def by_definition(records, most=MOST):
    """Compare every record without a text with the first record of each labelled sequence."""
    rows = list(records.select("sequence", "text").rows())
    labelled = {}
    for row, (sequence, text) in enumerate(rows):
        if text:
            labelled.setdefault(sequence, row)
    found = []
    for row, (sequence, text) in enumerate(rows):
        near = [] if text else [(-share(sequence, other), place) for other, place in labelled.items()]
        near = sorted(each for each in near if each[0])[:most]
        whole = sum(negated for negated, _ in near)
        found += [(row, place, negated / whole) for negated, place in near]
    return found


def drawn(rng, count):
    """Proteins cut out of few long ones, so that many share words; a half without a text, some twice."""
    bases = ["".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), 60)) for _ in range(4)]
    rows = []
    for number in range(count):
        start, base = int(rng.integers(0, 30)), bases[int(rng.integers(4))]
        sequence = base[start : start + int(rng.integers(4, 30))]
        rows.append((f"P{number}", sequence, None if rng.random() < 0.5 else f"text {number}"))
    return pl.DataFrame(rows, schema={"id": pl.String, "sequence": pl.String, "text": pl.String}, orient="row")


def pairs(held):
    return list(zip(held.owner.tolist(), held.other.tolist(), held.weight.tolist(), strict=True))


def rounded(found):
    return [(row, other, round(weight, 9)) for row, other, weight in found]


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_records_that_come_and_go_leave_what_a_new_index_would_hold(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    folder, records = tmp_path_factory.mktemp("relatives"), drawn(rng, 40)
    kept, before, seen = np.zeros(40, dtype=bool), None, 0
    for step, until in enumerate((15, 15, 30, 40)):
        kept[seen:until] = True
        kept[:until] &= rng.random(until) < (0.6 if step % 2 else 1.0)
        path = folder / f"{step}.arrow"
        there = write_relatives(path, records[:until], kept[:until], before=before, seen=seen)
        before, seen = path if there else None, until
        wanted = by_definition(records[:until].filter(pl.Series(kept[:until])))
        assert (rounded(pairs(Relatives.open(path, kept[:until]))) if there else []) == rounded(wanted)


def test_an_index_keeps_its_relatives_through_every_change(tmp_path, letter_encoder):
    table, index = drawn(np.random.default_rng(3), 24), tmp_path / "index"

    def held():
        opened = Index.open(index)
        found = [] if opened.relatives is None else pairs(opened.relatives)
        assert rounded(found) == rounded(by_definition(opened.records))
        assert check_index(index) == []
        return found

    build_index(table[:12], letter_encoder(), index, model_name="m")
    first = held()
    assert first
    assert read_manifest(index).relatives == "relatives-1.arrow"
    add_to_index(index, table[12:], letter_encoder())
    assert len(held()) > len(first)
    labelled = table.filter(pl.col("text").is_not_null())["id"].to_list()
    remove_from_index(index, ids=labelled[::2])
    held()
    before = pairs(Index.open(index).relatives)
    compact_index(index)
    assert rounded(held()) == rounded(before)
    add_to_index(index, table.filter(id=labelled[0]), letter_encoder(), IndexConfig(relatives=False))
    assert read_manifest(index).relatives is None
    add_to_index(index, table.filter(id=labelled[2]), letter_encoder())
    assert held()
    remove_from_index(index, where="text is not null")
    assert held() == []
    assert read_manifest(index).relatives is None


def test_only_an_index_that_holds_relatives_has_the_format_of_one(tmp_path, letter_encoder):
    table = pl.DataFrame({"id": ["P1", "P2"], "sequence": ["MKTAYIAKQR", "MKTAYIAKQK"], "text": ["cuts", None]})
    for name, proteins, settings_, version in (
        ("with", table, IndexConfig(), WITH_RELATIVES),
        ("without", table, IndexConfig(relatives=False), FORMAT_VERSION),
        ("labelled", table[:1], IndexConfig(), FORMAT_VERSION),
        ("no texts", table.drop("text"), IndexConfig(), FORMAT_VERSION),
    ):
        build_index(proteins, letter_encoder(), tmp_path / name, settings_, model_name="m")
        assert f'"format_version": {version}' in (tmp_path / name / "index.json").read_text()
        assert (Index.open(tmp_path / name).relatives is not None) == (version == WITH_RELATIVES)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (pl.DataFrame({"record": [5], "relative": [0], "share": [0.5]}), "other records than the index holds"),
        (pl.DataFrame({"record": [0], "relative": [2], "share": [0.5]}), "other records than the index holds"),
        (pl.DataFrame({"record": [1, 0], "relative": [0, 1], "share": [0.5, 0.5]}), "missing or out of place"),
        (pl.DataFrame({"record": [0, None], "relative": [1, 1], "share": [0.5, 0.5]}), "missing or out of place"),
        (pl.DataFrame({"record": [0], "relative": [1], "share": [float("nan")]}), "missing or out of place"),
        (pl.DataFrame({"record": [0], "relative": [1], "share": [0.0]}), "missing or out of place"),
        (pl.DataFrame({"record": [0], "share": [0.5]}), "holds record, share, not record, relative, share"),
    ],
)
def test_a_file_of_another_index_is_refused(tmp_path, table, problem):
    table.write_ipc(tmp_path / "relatives.arrow", compression="uncompressed")
    with pytest.raises(FileFormatError, match=problem):
        Relatives.open(tmp_path / "relatives.arrow", np.array([True, True, False]))
    with pytest.raises(MissingFileError):
        Relatives.open(tmp_path / "none.arrow", np.array([True]))
