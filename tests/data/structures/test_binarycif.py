"""Columns that biotite encodes are decoded; rubbish is one kind of error."""

import io

import gemmi
import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data.structures.binarycif import BinaryCifError, decode_block

CELLS = st.one_of(
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=40),
    st.lists(st.integers(0, 3), min_size=1, max_size=200),
    st.lists(st.integers(-99_999, 99_999).map(lambda number: number / 1000), min_size=1, max_size=40),
    st.lists(st.sampled_from(["A", "N", "HIS", "a b", "it's", "", "loop_", ".", "ü"]), min_size=1, max_size=40),
)


def encode(cells, *, compress, mask=None):
    from biotite.structure.io import pdbx

    column = pdbx.BinaryCIFColumn(np.array(cells), None if mask is None else np.array(mask, dtype=np.uint8))
    file = pdbx.BinaryCIFFile({"made": pdbx.BinaryCIFBlock({"atom_site": pdbx.BinaryCIFCategory({"x": column})})})
    written = io.BytesIO()
    (pdbx.compress(file) if compress else file).write(written)
    return written.getvalue()


@pytest.mark.filterwarnings("ignore::RuntimeWarning:biotite")
@settings(max_examples=80, deadline=None)
@given(cells=CELLS, compress=st.booleans())
def test_what_biotite_encodes(cells, compress):
    block = decode_block(encode(cells, compress=compress), most_rows=1000)
    found = [gemmi.cif.as_string(value) for value in block.find_values("_atom_site.x")]
    if isinstance(cells[0], str):
        assert found == cells
    else:
        assert np.allclose([float(value) for value in found], cells, atol=5e-4, rtol=1e-6)


def test_cells_that_are_absent():
    data = encode([1, 2, 3], compress=False, mask=[0, 1, 2])
    assert list(decode_block(data, most_rows=3).find_values("_atom_site.x")) == ["1", ".", "?"]


def by_hand(values, *encodings):
    data = {"data": values, "encoding": encodings}
    column = {"name": "x", "data": data, "mask": None}
    category = {"name": "_atom_site", "rowCount": 1, "columns": [column]}
    return msgpack.packb({"dataBlocks": [{"header": "made", "categories": [category]}]})


def decoded(*given):
    return list(decode_block(by_hand(*given), most_rows=1000).find_values("_atom_site.x"))


BYTES = {"kind": "ByteArray", "type": 1}


def test_encodings_that_biotite_does_not_choose():
    steps = {"kind": "IntervalQuantization", "min": 1.0, "max": 2.0, "numSteps": 5, "srcType": 33}
    assert decoded(bytes([0, 2, 4]), steps, BYTES) == ["1.0", "1.5", "2.0"]
    chain = ({"kind": "Delta", "origin": 10, "srcType": 3}, {"kind": "RunLength", "srcType": 3, "srcSize": 4}, BYTES)
    assert decoded(bytes([0, 1, 1, 3]), *chain) == ["10", "11", "12", "13"]


@pytest.mark.parametrize(
    ("values", "encodings", "problem"),
    [
        (
            np.array([7, 2_000_000_000], "<i4").tobytes(),
            ({"kind": "RunLength"}, {"kind": "ByteArray", "type": 3}),
            "rows",
        ),
        (b"\0" * 1001, (BYTES,), "more than 1,000 rows"),
        (b"\0", ({"kind": "Huffman"},), "unknown encoding 'Huffman'"),
        (b"\0", ({"kind": "ByteArray", "type": 99},), "99"),
        (b"\0\0\0", ({"kind": "ByteArray", "type": 3},), "buffer size"),
        (None, (BYTES,), "None"),
    ],
)
def test_columns_that_cannot_be(values, encodings, problem):
    with pytest.raises(BinaryCifError, match=problem):
        decoded(values, *encodings)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.recursive(
    st.one_of(st.none(), st.integers(-5, 5), st.text(max_size=3), st.binary(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(
        ["dataBlocks", "categories", "name", "header", "columns", "data", "encoding", "kind"]), inner, max_size=4)),
).map(msgpack.packb)))  # fmt: skip
def test_rubbish(data):
    with pytest.raises(BinaryCifError):
        decode_block(data, most_rows=1000)


def test_columns_of_different_lengths():
    columns = [
        {"name": name, "data": {"data": b"\0" * size, "encoding": [BYTES]}} for name, size in (("x", 1), ("y", 2))
    ]
    block = {"header": "made", "categories": [{"name": "_atom_site", "columns": columns}]}
    with pytest.raises(BinaryCifError, match="differ in length"):
        decode_block(msgpack.packb({"dataBlocks": [block]}), most_rows=9)


def test_the_block_with_atoms_counts_and_there_is_one():
    def block(category):
        return {"header": "made", "categories": [{"name": category, "rowCount": 0, "columns": []}]}

    def decoded(*blocks):
        return decode_block(msgpack.packb({"dataBlocks": blocks}), most_rows=9)

    assert decoded(block("_chem_comp"), {**block("_atom_site"), "header": "atoms"}).name == "atoms"
    with pytest.raises(BinaryCifError, match="2 blocks with atoms"):
        decoded(block("_atom_site"), block("_atom_site."))
