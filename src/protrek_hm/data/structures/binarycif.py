"""BinaryCIF: mmCIF as MessagePack of encoded columns, turned back into a CIF block.

Source: Sehnal et al., "BinaryCIF and CIFTools—Lightweight, efficient and extensible macromolecular data management",
PLOS Computational Biology 16 (2020), and its specification, version 0.3.0.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import gemmi
import msgpack  # type: ignore[import-untyped]
import numpy as np

Values = np.ndarray[Any, np.dtype[Any]]
_TYPES = {1: "<i1", 2: "<i2", 3: "<i4", 4: "<u1", 5: "<u2", 6: "<u4", 32: "<f4", 33: "<f8"}
_ABSENT = {1: ".", 2: "?"}
_WANTED = (
    *("_entry.", "_exptl.", "_entity.", "_entity_poly.", "_struct_asym.", "_struct_ref.", "_struct_ref_seq."),
    *("_atom_site.", "_chem_comp.", "_pdbx_struct_mod_residue."),
)


class BinaryCifError(ValueError):
    """Bytes that are no BinaryCIF."""


def decode_block(data: bytes, *, most_rows: int) -> gemmi.cif.Block:
    """Decode what describes atoms, chains and the experiment in the block with atoms.

    Parameters
    ----------
    data
        The decompressed bytes.
    most_rows
        No column may be longer: a few bytes can stand for billions of rows.

    Raises
    ------
    BinaryCifError
        If it is no BinaryCIF, damaged, or longer than that, or has several blocks with atoms.
    """
    try:
        content = msgpack.unpackb(data)
        blocks = content["dataBlocks"]
        with_atoms = [
            each for each in blocks if "_atom_site" in {one["name"].rstrip(".") for one in each["categories"]}
        ]
        if len(with_atoms) > 1:
            raise BinaryCifError(f"{len(with_atoms)} blocks with atoms")
        block = (with_atoms or blocks)[0]
        decoded = gemmi.cif.Block(str(block["header"]))
        for category in block["categories"]:
            name = str(category["name"]).rstrip(".") + "."
            if name in _WANTED:
                columns = {column["name"]: _cells(column, most_rows) for column in category["columns"]}
                if len({len(cells) for cells in columns.values()}) > 1:
                    raise BinaryCifError(f"columns of {name[:-1]} differ in length")
                decoded.set_mmcif_category(name, columns, raw=True)
    except BinaryCifError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as error:
        raise BinaryCifError(" ".join(str(error).split())[:100] or type(error).__name__) from None
    return decoded


def _cells(column: Mapping[str, Any], most_rows: int) -> list[str]:
    """Return a column as CIF text, quoted where it must be."""
    values = _decoded(column["data"], most_rows)
    texts = [gemmi.cif.quote(each) for each in values] if values.dtype == object else list(map(str, values.tolist()))
    if column.get("mask") is None:
        return texts
    mask = _decoded(column["mask"], most_rows).tolist()
    return [_ABSENT.get(absent, text) for text, absent in zip(texts, mask, strict=True)]


def _decoded(encoded: Mapping[str, Any], most_rows: int) -> Values:
    values: Any = encoded["data"]
    for encoding in reversed(encoded["encoding"]):
        values = _undo(values, encoding, most_rows)
        if len(values) > most_rows:
            raise BinaryCifError(f"more than {most_rows:,} rows")
    return np.asarray(values)


def _undo(values: Any, encoding: Mapping[str, Any], most_rows: int) -> Values:
    kind = encoding["kind"]
    if kind == "ByteArray":
        return np.frombuffer(values, _TYPES[encoding["type"]])
    if kind == "StringArray":
        return _strings(values, encoding, most_rows)
    if kind == "FixedPoint":
        return np.asarray(values / encoding["factor"])
    if kind == "IntervalQuantization":
        lowest, highest = encoding["min"], encoding["max"]
        return np.asarray(lowest + values * (highest - lowest) / (encoding["numSteps"] - 1))
    if kind == "RunLength":
        counts = values[1::2].astype(np.int64)
        if counts.sum() > most_rows:
            raise BinaryCifError(f"more than {most_rows:,} rows")
        return np.repeat(values[::2], counts)
    if kind == "Delta":
        return np.asarray(np.cumsum(values, dtype=np.int64) + encoding["origin"])
    if kind == "IntegerPacking":
        return _unpacked(values, is_unsigned=bool(encoding["isUnsigned"]))
    raise BinaryCifError(f"unknown encoding {kind!r}")


def _unpacked(values: Values, *, is_unsigned: bool) -> Values:
    """Add up the runs that stand for numbers too large for their bytes: each ends with one below the limit.

    >>> _unpacked(np.array([1, 127, 127, 3, -128, -1], np.int8), is_unsigned=False).tolist()
    [1, 257, -129]
    """
    limits = np.iinfo(values.dtype)
    is_last = values != limits.max
    if not is_unsigned:
        is_last &= values != limits.min
    ends = np.flatnonzero(is_last)
    if not len(ends):
        return np.zeros(0, np.int64)
    starts = np.concatenate([[0], ends[:-1] + 1])
    return np.asarray(np.add.reduceat(values[: ends[-1] + 1].astype(np.int64), starts))


def _strings(indices: bytes, encoding: Mapping[str, Any], most_rows: int) -> Values:
    offsets = _decoded({"data": encoding["offsets"], "encoding": encoding["offsetEncoding"]}, most_rows).tolist()
    text: str = encoding["stringData"]
    distinct: Sequence[str] = [text[start:end] for start, end in zip(offsets, offsets[1:], strict=False)]
    places = _decoded({"data": indices, "encoding": encoding["dataEncoding"]}, most_rows)
    if len(places) and (places.min() < -1 or places.max() >= len(distinct)):
        raise BinaryCifError("a string that is not there")
    return np.array([*distinct, ""], dtype=object)[places]  # -1, the last one, is the empty string
