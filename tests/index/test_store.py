import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.build import build_index
from protrek_hm.index.embeddings import Embeddings
from protrek_hm.index.layout import IndexInfo
from protrek_hm.index.store import Index


@pytest.fixture
def folder(tmp_path, letter_encoder):
    proteins = pl.DataFrame({"id": ["P1", "P2"], "sequence": ["AAC", "DDD"], "text": ["a kinase", "a lyase"]})
    build_index(proteins, letter_encoder(), tmp_path / "index", model_name="m")
    return tmp_path / "index"


FILES = ["records.arrow", "sequence.vectors.npy", "sequence.rows.npy", "text.vectors.npy"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_or_shortened_file_is_named(folder, name):
    path = folder / "segment-1" / name
    whole = path.read_bytes()
    for kept in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:kept])
        with pytest.raises(FileFormatError, match=f"{name}.*damaged or cut off.*build it again"):
            Index.open(folder)
    path.unlink()
    with pytest.raises(MissingFileError, match=name):
        Index.open(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_kind_is_refused(folder, name):
    path = folder / "segment-1" / name
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(FileFormatError, match=name):
        Index.open(folder)


@pytest.mark.parametrize("where", [None, "mass < 5"])
def test_rows_answer_for_vectors_as_in_a_loop_over_them(where):
    rng = np.random.default_rng(0)
    axes = np.concatenate([np.eye(12), -np.eye(12)]).astype(np.float32)
    _, of_row = np.unique(rng.integers(-1, 24, 40), return_inverse=True)
    _, order = np.unique(of_row, return_index=True)
    number = np.argsort(np.argsort(order))  # vectors are numbered in the order of their first rows
    of_row = number[of_row] - 1
    records = pl.DataFrame(
        {"id": [f"P{i % 30}" for i in range(40)], "sequence": ["M"] * 40, "mass": np.arange(40) % 10}
    )
    held = Embeddings(axes[: of_row.max() + 1], of_row)
    index = Index(
        IndexInfo("m", None, "hash", 12, {"records": 40, "sequence": held.count}), records, {"sequence": held}
    )
    queries = rng.normal(size=(4, 12)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    for k in (1, 5, 50):
        cosines, rows = index.nearest(queries, want="sequence", k=k, where=where)
        for query, values, places in zip(queries, cosines, rows.tolist(), strict=True):
            seen, wanted = set(), []
            for row in range(40):
                name = (of_row[row], records["id"][row])
                if of_row[row] >= 0 and (where is None or row % 10 < 5) and name not in seen:
                    seen.add(name)
                    wanted.append((-float(query @ held.vectors[of_row[row]]), row))
            wanted = sorted(wanted)[:k]
            assert places == [row for _, row in wanted] + [-1] * (k - len(wanted))
            assert values[: len(wanted)].tolist() == [-negated for negated, _ in wanted]
            assert np.isnan(values[len(wanted) :]).all()
