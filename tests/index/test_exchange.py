import faiss
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from protrek_hm.errors import FileFormatError, MissingColumnError, MissingFileError, ModelError, OptionError
from protrek_hm.index.build import build_index
from protrek_hm.index.exchange import export_parquet, import_parquet
from protrek_hm.index.faiss_folder import export_faiss, import_faiss
from protrek_hm.index.model import NamedModel
from protrek_hm.index.store import Index
from protrek_hm.index.update import remove_from_index

MODEL = NamedModel("m", "letters")


def vectors_of_rows(index, modality):
    held = index.embeddings[modality]
    return [None if number < 0 else held.vectors[[number]][0].tolist() for number in held.of_row.tolist()]


def test_parquet_and_back_is_the_same_index(folder, tmp_path, proteins):
    remove_from_index(folder, ids=["P2"])
    assert export_parquet(folder, tmp_path / "e.parquet") == 3
    info = import_parquet(tmp_path / "e.parquet", tmp_path / "again")
    one, two = Index.open(folder), Index.open(tmp_path / "again")
    assert (info.counts, info.model, info.model_sha256) == (one.info.counts, "m", "letters")
    assert_frame_equal(two.records, one.records)
    for modality in one.info.modalities:
        assert vectors_of_rows(two, modality) == vectors_of_rows(one, modality)


def test_any_tool_can_read_and_write_the_parquet_file(folder, tmp_path):
    export_parquet(folder, tmp_path / "e.parquet")
    table = pl.read_parquet(tmp_path / "e.parquet")
    assert table["sequence_embedding"].dtype == pl.Array(pl.Float32, 20)
    assert table["text_embedding"].is_null().to_list() == [False, True, False, True]
    longer = table.select(
        "id", "sequence", sequence_embedding=pl.col("sequence_embedding").cast(pl.List(pl.Float64)) * 3
    )
    longer.write_parquet(tmp_path / "mine.parquet")
    with pytest.raises(OptionError, match="does not say which model"):
        import_parquet(tmp_path / "mine.parquet", tmp_path / "again")
    import_parquet(tmp_path / "mine.parquet", tmp_path / "again", model=MODEL)
    one, two = Index.open(folder), Index.open(tmp_path / "again")
    np.testing.assert_allclose(two.vectors("sequence", [0, 1]), one.vectors("sequence", [0, 1]), atol=1e-7)


def test_bad_parquet_files(folder, tmp_path):
    export_parquet(folder, tmp_path / "e.parquet")
    with pytest.raises(ModelError, match="was made with the model m"):
        import_parquet(tmp_path / "e.parquet", tmp_path / "x", model=NamedModel("m", "others"))
    table = pl.read_parquet(tmp_path / "e.parquet")
    for change, error, message in (
        (table.drop("sequence_embedding", "text_embedding"), MissingColumnError, "sequence_embedding"),
        (table.drop("id"), MissingColumnError, "id"),
        (table.with_columns(pl.col("sequence_embedding") * 0), FileFormatError, "zero, infinite"),
        (
            table.with_columns(sequence_embedding=pl.Series([[1.0], [1.0, 2.0], [1.0], [1.0]])),
            FileFormatError,
            "lengths",
        ),
    ):
        change.write_parquet(tmp_path / "bad.parquet")
        with pytest.raises(error, match=message):
            import_parquet(tmp_path / "bad.parquet", tmp_path / "x", model=MODEL)
    (tmp_path / "bad.parquet").write_bytes((tmp_path / "e.parquet").read_bytes()[:99])
    with pytest.raises(FileFormatError, match="not a whole Parquet file"):
        import_parquet(tmp_path / "bad.parquet", tmp_path / "x")
    with pytest.raises(MissingFileError):
        import_parquet(tmp_path / "nothing", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_protreks_files_and_back(tmp_path, letter_encoder, proteins):
    with_structures = proteins.with_columns(structure=pl.Series(["dv", "pp", "dv", None]))
    build_index(with_structures, letter_encoder(), tmp_path / "index", model_name="m")
    assert export_faiss(tmp_path / "index", tmp_path / "f") == 2
    assert (tmp_path / "f" / "ids.tsv").read_text() == "P1\tAAC\t3\nP2\tDDD\t3\n"
    index = Index.open(tmp_path / "index")
    sequences = faiss.read_index(str(tmp_path / "f" / "sequence.index"))
    np.testing.assert_array_equal(sequences.reconstruct_n(0, 2), index.vectors("sequence", [0, 1]))
    info = import_faiss(tmp_path / "f", tmp_path / "again", model=MODEL)
    assert info.counts == {"records": 2, "sequence": 2, "structure": 2}


def test_inverted_lists_in_several_folders(tmp_path):
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(300, 16)).astype(np.float32)
    for number, part in enumerate(np.split(drawn, 2)):
        folder = tmp_path / "db" / f"part{number}"
        folder.mkdir(parents=True)
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(16), 16, 4, faiss.METRIC_INNER_PRODUCT)
        index.train(part)
        index.add(part)
        faiss.write_index(index, str(folder / "sequence.index"))
        lines = [f"Q{150 * number + i}\t{'A' * (i // 2 + 1)}{'C' * number}\t9\n" for i in range(150)]
        (folder / "ids.tsv").write_text("".join(lines))
    info = import_faiss(tmp_path / "db", tmp_path / "index", model=MODEL)
    assert info.counts == {"records": 300, "sequence": 150}
    index = Index.open(tmp_path / "index")
    unit = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    np.testing.assert_allclose(index.vectors("sequence", [0, 1, 150, 299]), unit[[0, 0, 150, 298]], atol=1e-6)


def test_bad_faiss_folders(folder, tmp_path):
    with pytest.raises(MissingFileError, match="ids.tsv"):
        import_faiss(tmp_path, tmp_path / "x", model=MODEL)
    export_faiss(folder, tmp_path / "f")
    ids = tmp_path / "f" / "ids.tsv"
    whole = ids.read_text()
    for text, message in ((whole + "P9\tA\t1\n", "3 vectors for 4 lines"), ("P1\nP2\nP3\n", "line 1 has no sequence")):
        ids.write_text(text)
        with pytest.raises(FileFormatError, match=message):
            import_faiss(tmp_path / "f", tmp_path / "x", model=MODEL)
    ids.write_text(whole)
    (tmp_path / "f" / "sequence.index").write_bytes(b"IxFI rubbish")
    with pytest.raises(FileFormatError, match="not a whole FAISS index"):
        import_faiss(tmp_path / "f", tmp_path / "x", model=MODEL)
    assert not (tmp_path / "x").exists()
