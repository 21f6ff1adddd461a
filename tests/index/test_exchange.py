import shutil

import faiss
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from protrek_hm.errors import (
    FileFormatError,
    MissingColumnError,
    MissingFileError,
    ModelError,
    OptionError,
    RecordError,
)
from protrek_hm.index.build import build_index
from protrek_hm.index.encoder import NamedModel
from protrek_hm.index.exchange import METADATA, export_parquet, import_parquet
from protrek_hm.index.faiss_folder import export_faiss, import_faiss
from protrek_hm.index.store import Index
from protrek_hm.index.update import remove_from_index

MODEL = NamedModel("m", "letters")


def vectors_of_rows(index, modality):
    held = index.embeddings[modality]
    return [None if number < 0 else held.vectors[np.array([number])][0].tolist() for number in held.of_row.tolist()]


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
    np.testing.assert_allclose(
        two.vectors("sequence", np.array([0, 1])), one.vectors("sequence", np.array([0, 1])), atol=1e-7
    )


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


def embedded(**columns):
    """Three proteins with vectors, as any tool may write them; columns replace ours, None leaves one out."""
    vectors = [[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]]
    table = {"id": ["P1", "P2", "P3"], "sequence": ["MKV", "MA", "MC"], "sequence_embedding": vectors} | columns
    return pl.DataFrame({name: cells for name, cells in table.items() if cells is not None}, strict=False)


def imported(table, folder, **options):
    table.write_parquet(folder / "mine.parquet")
    info = import_parquet(folder / "mine.parquet", folder / "made", model=MODEL, **options)
    return info, Index.open(folder / "made")


def test_records_of_a_parquet_file_are_cleaned_as_those_of_any_table(tmp_path):
    table = embedded(
        id=[1, 2, 3], sequence=["mk v", "MA*", "mc\n"], text=["Binds.", "NA", ""], organism=["n/a", "x", None]
    )
    _, index = imported(table, tmp_path)
    assert index.records.select("id", "sequence", "text", "organism").rows() == [
        ("1", "MKV", "Binds.", None),
        ("2", "MA", None, "x"),
        ("3", "MC", "", None),
    ]
    np.testing.assert_allclose(index.vectors("sequence", index.find(["3", "1"])), [[0.6, 0.8], [1, 0]])


@pytest.mark.parametrize(
    ("columns", "row", "problem"),
    [
        ({"id": ["P1", None, "P3"]}, 2, "no id"),
        ({"id": ["P1", " ", "P3"]}, 2, "no id"),
        ({"id": ["P1", "P2", "P1"]}, 3, "its id has another sequence on line 1"),
        ({"sequence": ["MKV", "MA", "M1"]}, 3, "letter '1' at position 2"),
        ({"sequence": ["MKV", None, "MC"]}, 2, "no sequence"),
        ({"sequence": ["MKV", "NA", "MC"]}, 2, "no sequence"),
    ],
)
def test_bad_records_of_a_parquet_file_are_named_or_left_out_with_their_vectors(tmp_path, columns, row, problem):
    table = embedded(**columns)
    with pytest.raises(RecordError, match=rf"mine.parquet:{row}: .*{problem}"):
        imported(table, tmp_path)
    assert not (tmp_path / "made").exists()
    _, index = imported(table, tmp_path, on_bad_record="skip")
    kept = [number for number in range(3) if number != row - 1]
    assert index.records["id"].to_list() == [table["id"][number] for number in kept]
    wanted = np.array([[1, 0], [0, 1], [0.6, 0.8]])[kept]
    np.testing.assert_allclose(index.vectors("sequence", np.arange(2)), wanted, atol=1e-7)


@pytest.mark.parametrize(
    ("columns", "error", "problem"),
    [
        ({"text_embedding": [[1.0, 0.0]] * 3}, FileFormatError, r"row 1: P1: text_embedding without a text \(3 such\)"),
        (
            {"text": ["Binds.", None, "Cuts."], "text_embedding": [[1.0, 0.0]] * 3},
            FileFormatError,
            "row 2: P2: text_embedding without a text; add the column text",
        ),
        (
            {"sequence_embedding": [[1.0, 0.0], [float("nan"), 1.0], [1.0, 1.0]]},
            FileFormatError,
            "row 2: .*not a number",
        ),
        ({"sequence_embedding": [[1.0, 0.0], [1.0, None], [1.0, 1.0]]}, FileFormatError, "row 2: .*not a number"),
        ({"sequence_embedding": [[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]}, FileFormatError, "row 3: .* is zero"),
        ({"sequence_embedding": [[1.0, 0.0], [float("inf"), 1.0], [0.0, 1.0]]}, FileFormatError, "row 2: .*infinite"),
        (
            {"sequence_embedding": [[1.0, 0.0], [1.0], [0.0, 1.0]]},
            FileFormatError,
            "row 2: .*lengths .*1 and 2 numbers",
        ),
        ({"sequence_embedding": ["a", "b", "c"]}, FileFormatError, "column sequence_embedding holds .*string"),
        ({"sequence_embedding": [["a"], ["b"], ["c"]]}, FileFormatError, "column sequence_embedding holds .*list"),
        ({"sequence_embedding": [None] * 3}, FileFormatError, "holds no embedding"),
        (
            {"structure_embedding": [[1.0, 0.0, 0.0]] * 3},
            FileFormatError,
            r"lengths \(2 numbers in sequence, 3 numbers in structure\)",
        ),
    ],
)
def test_embeddings_that_cannot_be_used_are_named(tmp_path, columns, error, problem):
    with pytest.raises(error, match=problem):
        imported(embedded(**columns), tmp_path)
    assert not (tmp_path / "made").exists()


def test_a_structure_that_nobody_tells_is_known_by_its_protein(tmp_path):
    vectors = [[0.0, 1.0], [1.0, 0.0], [0.6, 0.8]]
    for structure in (None, ["dvp", None, "dvp"]):
        table = embedded(sequence=["MKV", "MA", "MCC"], structure_embedding=vectors, structure=structure)
        info, index = imported(table, tmp_path)
        assert info.counts["structure"] == (3 if structure is None else 2)
        found = index.vectors("structure", np.arange(3))
        np.testing.assert_allclose(found, [vectors[0], vectors[1], vectors[2 if structure is None else 0]], atol=1e-7)
        shutil.rmtree(tmp_path / "made")


@pytest.mark.parametrize("name", ["sequence", "sequence_embedding", "organism"])
def test_a_column_that_stands_twice_is_named(tmp_path, name):
    table = embedded(organism=["x"] * 3).to_arrow()
    pq.write_table(table.append_column(name, table[name]), tmp_path / "mine.parquet")
    with pytest.raises(FileFormatError, match=f"two columns '{name}'"):
        import_parquet(tmp_path / "mine.parquet", tmp_path / "made", model=MODEL)


def test_tiny_and_huge_vectors_keep_their_direction(tmp_path):
    _, index = imported(embedded(sequence_embedding=[[3e-30, 4e-30], [3e30, 4e30], [1.0, 0.0]]), tmp_path)
    np.testing.assert_allclose(index.vectors("sequence", np.arange(2)), [[0.6, 0.8]] * 2, atol=1e-7)


def test_a_model_of_other_vectors_is_refused(tmp_path):
    embedded().write_parquet(tmp_path / "mine.parquet")
    with pytest.raises(ModelError, match="holds embeddings of 2 numbers, and m gives 8"):
        import_parquet(tmp_path / "mine.parquet", tmp_path / "made", model=NamedModel("m", "letters", 8))


@pytest.mark.parametrize(
    "about", [b"{", b"[]", b"{}", b'{"model": 3, "model_path": null, "model_sha256": "x"}', b"\xff"]
)
def test_damaged_metadata_are_said_to_be(folder, tmp_path, about):
    export_parquet(folder, tmp_path / "e.parquet")
    table = pq.read_table(tmp_path / "e.parquet").replace_schema_metadata({METADATA: about})
    pq.write_table(table, tmp_path / "e.parquet")
    with pytest.raises(FileFormatError, match="what it says of its model is damaged"):
        import_parquet(tmp_path / "e.parquet", tmp_path / "x")


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        *((kind, True) for kind in ("Flat", "IVF4,Flat", "HNSW8", "IDMap,Flat", "IDMap2,Flat", "IDMap,IVF4,Flat")),
        *(
            (kind, False)
            for kind in ("PQ4x4", "SQ8", "IVF4,SQ8", "IVF4,PQ4x4", "IVF4,PQ4x4fs", "PQ4x4fs", "RR,IVF4,Flat")
        ),
        *(
            (kind, False)
            for kind in ("PCA4,Flat", "IVF4,RaBitQ", "IDMap,SQ8", "HNSW8,SQ8", "LSH", "binary", "own", "own lists")
        ),
    ],
)
@pytest.mark.parametrize("metric", [faiss.METRIC_INNER_PRODUCT, faiss.METRIC_L2])
def test_faiss_indexes_give_their_vectors_back_or_are_refused(tmp_path, kind, good, metric):
    """Several of these end the process, when asked for all of their vectors."""
    drawn = np.random.default_rng(0).normal(size=(1_200, 8)).astype(np.float32)
    numbers = np.arange(1_200) + 7 * (kind.startswith("own"))
    path = tmp_path / "sequence.index"
    if kind == "binary":
        binary = faiss.IndexBinaryFlat(64)
        binary.add(drawn.view(np.uint8)[:, :8].copy())
        faiss.write_index_binary(binary, str(path))
    else:
        factory = {"own": "IDMap,Flat", "own lists": "IVF4,Flat"}.get(kind, kind)
        made = faiss.IndexLSH(8, 8) if kind == "LSH" else faiss.index_factory(8, factory, metric)
        made.train(drawn)
        made.add_with_ids(drawn, numbers) if "IDMap" in factory or "own" in kind else made.add(drawn)
        faiss.write_index(made, str(path))
    letters = ["".join("ACDEFGHIKL"[int(digit)] for digit in f"{number:04}") for number in range(1_200)]
    (tmp_path / "ids.tsv").write_text("".join(f"Q{n}\t{each}\t4\n" for n, each in enumerate(letters)))
    if not good:
        with pytest.raises(
            FileFormatError, match=r"sequence\.index: .*(cannot be taken|not a whole|numbers of their own)"
        ):
            import_faiss(tmp_path, tmp_path / "made", model=MODEL)
        assert not (tmp_path / "made").exists()
        return
    import_faiss(tmp_path, tmp_path / "made", model=MODEL)
    unit = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    np.testing.assert_allclose(Index.open(tmp_path / "made").vectors("sequence", np.arange(1_200)), unit, atol=1e-6)


def flat_folder(folder, lines, vectors):
    folder.mkdir(parents=True)
    flat = faiss.IndexFlatIP(len(vectors[0]))
    flat.add(np.array(vectors, dtype=np.float32))
    faiss.write_index(flat, str(folder / "sequence.index"))
    (folder / "ids.tsv").write_text("".join(f"{line}\n" for line in lines))


def test_records_of_faiss_folders_are_checked_as_those_of_any_table(tmp_path):
    db = tmp_path / "db"
    flat_folder(db / "a", ["P1\tmk l\t3", "P2\tM1\t2", "P3\tMC\t2"], [[1, 0], [0, 1], [3, 4]])
    flat_folder(db / "b", ["P4\tMKL\t3", "P5\tMW\u2028\t2"], [[0, 1], [1, 1]])
    with pytest.raises(RecordError, match=r"a/ids.tsv:2: P2: letter '1' at position 2"):
        import_faiss(db, tmp_path / "made", model=MODEL)
    import_faiss(db, tmp_path / "made", model=MODEL, on_bad_record="skip")
    index = Index.open(tmp_path / "made")
    assert index.records.select("id", "sequence").rows() == [("P1", "MKL"), ("P3", "MC"), ("P4", "MKL"), ("P5", "MW")]
    found = index.vectors("sequence", np.arange(4))
    np.testing.assert_allclose(found, [[1, 0], [0.6, 0.8], [1, 0], [0.5**0.5, 0.5**0.5]], atol=1e-6)


@pytest.mark.parametrize(
    ("lines", "vectors", "error", "message"),
    [
        (["P3\tMA", "P4\tMC"], [[1, 0]], FileFormatError, "b/sequence.index: 1 vectors for 2 lines"),
        (
            ["P3\tMA"],
            [[1, 0, 0]],
            FileFormatError,
            "b/sequence.index: vectors of 3 numbers, and 2 in the folders before",
        ),
        (["P1\tMW"], [[1, 0]], FileFormatError, "P1 has another sequence in another folder"),
        (["P3\tMA"], [[0, 0]], FileFormatError, "row 1: an embedding is zero"),
        (["P3\tMA"], [[float("nan"), 0]], FileFormatError, "row 1: .*not a number"),
    ],
)
def test_folders_that_do_not_go_together_are_refused(tmp_path, lines, vectors, error, message):
    flat_folder(tmp_path / "db" / "a", ["P1\tMK", "P2\tMV"], [[1, 0], [0, 1]])
    flat_folder(tmp_path / "db" / "b", lines, vectors)
    with pytest.raises(error, match=message):
        import_faiss(tmp_path / "db", tmp_path / "made", model=MODEL)


def test_an_index_that_only_some_folders_have_is_not_left_out(tmp_path):
    flat_folder(tmp_path / "db" / "a", ["P1\tMK"], [[1, 0]])
    flat_folder(tmp_path / "db" / "b", ["P2\tMV"], [[0, 1]])
    shutil.copy(tmp_path / "db" / "a" / "sequence.index", tmp_path / "db" / "a" / "structure.index")
    with pytest.raises(MissingFileError, match=r"b/structure\.index"):
        import_faiss(tmp_path / "db", tmp_path / "made", model=MODEL)


def test_protreks_files_and_back(tmp_path, letter_encoder, proteins):
    with_structures = proteins.with_columns(structure=pl.Series(["dv", "pp", "dv", None]))
    build_index(with_structures, letter_encoder(), tmp_path / "index", model_name="m")
    assert export_faiss(tmp_path / "index", tmp_path / "f") == 2
    assert (tmp_path / "f" / "ids.tsv").read_text() == "P1\tAAC\t3\nP2\tDDD\t3\n"
    index = Index.open(tmp_path / "index")
    sequences = faiss.read_index(str(tmp_path / "f" / "sequence.index"))
    np.testing.assert_array_equal(sequences.reconstruct_n(0, 2), index.vectors("sequence", np.array([0, 1])))
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
    np.testing.assert_allclose(index.vectors("sequence", np.array([0, 1, 150, 299])), unit[[0, 0, 150, 298]], atol=1e-6)


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
