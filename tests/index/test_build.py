import hashlib

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from protrek_hm.errors import ModelError, NothingFoundError, OptionError, OutputError, OutputExistsError
from protrek_hm.index.build import build_index
from protrek_hm.index.config import IndexConfig
from protrek_hm.index.encoder import encode_unit
from protrek_hm.index.layout import Source
from protrek_hm.index.store import Index

PROTEINS = pl.DataFrame(
    {
        "id": ["P1", "P2", "P1", "P3"],
        "sequence": ["AAC", "DDD", "AAC", "AAC"],
        "text": ["all C", None, "a kinase", ""],
        "structure": ["dvv", None, "dvv", "pp"],
        "organism": ["E. coli", "E. coli", "E. coli", None],
        "mass": [1.5, 2.5, None, 4.0],
    }
)


def test_round_trip(tmp_path, letter_encoder):
    source = tmp_path / "proteins.tsv"
    source.write_text("id\tsequence\n")
    encoder = letter_encoder()
    info = build_index(PROTEINS, encoder, tmp_path / "index", model_name="user/model", source=source)
    index = Index.open(tmp_path / "index")

    assert index.info == info
    assert info.counts == {"records": 4, "sequence": 2, "text": 2, "structure": 2}
    assert (info.model, info.model_path, info.model_sha256, info.dimension) == (
        "user/model",
        None,
        "letters",
        20,
    )
    assert info.sources == (Source(str(source), hashlib.sha256(source.read_bytes()).hexdigest(), 12),)
    assert info.created.endswith("+00:00")
    assert_frame_equal(index.records, PROTEINS)
    assert encoder.encoded == ["AAC", "DDD", "a kinase", "all C", "dvv", "pp"]  # the longest first
    for modality, rows in {
        "sequence": [0, 1, 0, 0],
        "text": [0, -1, 1, -1],
        "structure": [0, -1, 0, 1],
    }.items():
        embeddings = index.embeddings[modality]
        assert embeddings.of_row.tolist() == rows
        distinct = PROTEINS[modality].drop_nulls().unique(maintain_order=True).to_list()
        wanted = encode_unit(encoder, [each for each in distinct if each], task=modality)
        np.testing.assert_array_equal(embeddings.vectors[:99], wanted)


def test_only_what_table_and_model_have(tmp_path, letter_encoder):
    encoder = letter_encoder(tasks=("text", "sequence"))
    without_texts = PROTEINS.with_columns(text=pl.lit(None, dtype=pl.String))
    info = build_index(without_texts, encoder, tmp_path / "index", model_name="m")
    assert info.modalities == ("sequence",)
    assert sorted(file.name for file in (tmp_path / "index" / "segment-1").iterdir()) == [
        "records.arrow",
        "sequence.rows.npy",
        "sequence.vectors.npy",
    ]


def test_a_model_in_a_folder_is_found_relative_to_the_index(tmp_path, letter_encoder):
    (tmp_path / "models" / "tuned").mkdir(parents=True)
    info = build_index(PROTEINS, letter_encoder(), tmp_path / "a" / "i", model_name=str(tmp_path / "models/tuned"))
    assert info.model_path == "../../models/tuned"


def test_a_failure_leaves_the_old_index_whole_and_nothing_else(tmp_path, letter_encoder):
    build_index(PROTEINS, letter_encoder(), tmp_path / "index", model_name="m")
    with pytest.raises(ModelError):
        build_index(
            PROTEINS.with_columns(text=pl.lit("1")),
            letter_encoder(),
            tmp_path / "index",
            model_name="m",
            force=True,
        )
    unwritable = PROTEINS.with_columns(thing=pl.Series([object()] * 4, dtype=pl.Object))
    with pytest.raises((pl.exceptions.PolarsError, pl.exceptions.PanicException)):
        build_index(unwritable, letter_encoder(), tmp_path / "index", model_name="m", force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".index.shards", "index"]  # what is encoded is kept
    assert_frame_equal(Index.open(tmp_path / "index").records, PROTEINS)


def test_a_new_index_replaces_the_old_one_only_with_force(tmp_path, letter_encoder):
    encoder = letter_encoder()
    build_index(PROTEINS, encoder, tmp_path / "index", model_name="m")
    with pytest.raises(OutputExistsError):
        build_index(PROTEINS[:2], encoder, tmp_path / "index", model_name="m")
    build_index(PROTEINS[:2], encoder, tmp_path / "index", model_name="m", force=True)
    assert len(Index.open(tmp_path / "index").records) == 2


def test_bad_input(tmp_path, letter_encoder):
    with pytest.raises(NothingFoundError, match="no proteins"):
        build_index(PROTEINS[:0], letter_encoder(), tmp_path / "index", model_name="m")
    with pytest.raises(OptionError, match="batch_size = 0"):
        build_index(PROTEINS, letter_encoder(), tmp_path / "index", IndexConfig(batch_size=0), model_name="m")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        build_index(PROTEINS, letter_encoder(), tmp_path / "file" / "index", model_name="m")
