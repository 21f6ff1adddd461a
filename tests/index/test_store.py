import polars as pl
import pytest

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.index.build import build_index
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
