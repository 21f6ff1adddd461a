import json
import shutil

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from protrek_hm.errors import FileFormatError, MissingFileError, OptionError, OutputExistsError
from protrek_hm.index import approximate
from protrek_hm.index.build import build_index
from protrek_hm.index.config import IndexConfig
from protrek_hm.index.encoder import encode_unit
from protrek_hm.index.layout import read_manifest
from protrek_hm.index.split import split_index
from protrek_hm.index.store import Index, check_index
from protrek_hm.index.update import add_to_index, compact_index, remove_from_index

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def drawn(count, seed=0):
    """Proteins with sequences and texts that recur, some without a text, some ids on several rows."""
    rng = np.random.default_rng(seed)
    sequences = ["".join(rng.choice(list(LETTERS), rng.integers(5, 30))) for _ in range(max(count * 2 // 3, 1))]
    texts = [" ".join("".join(rng.choice(list(LETTERS), 4)) for _ in range(5)) for _ in range(max(count // 2, 1))]
    chosen = rng.integers(0, len(sequences), count)
    return pl.DataFrame(
        {
            "id": [f"P{number}" for number in chosen],
            "sequence": [sequences[number] for number in chosen],
            "text": [None if rng.random() < 0.2 else texts[rng.integers(len(texts))] for _ in range(count)],
            "mass": rng.integers(0, 9, count),
        },
        schema_overrides={"text": pl.String},
    )


@pytest.fixture(params=["exact", "with engines"])
def engines(request, monkeypatch):
    """Small indexes with an engine, and without."""
    if request.param == "with engines":
        monkeypatch.setattr(approximate, "EXACT", 20)
    return request.param


def assert_same_neighbours(one, other, queries, *, want, k, where):
    a, b = (each.neighbours(queries, want=want, k=k, where=where) for each in (one, other))
    for left, right in zip(a, b, strict=True):
        np.testing.assert_array_equal(left, right)


def test_shards_find_what_the_whole_index_finds(tmp_path, letter_encoder, engines):
    table, encoder = drawn(400), letter_encoder()
    build_index(table, encoder, tmp_path / "whole", model_name="m")
    whole = Index.open(tmp_path / "whole")
    assert bool(whole.engines) == (engines == "with engines")
    queries = encode_unit(encoder, drawn(20, seed=1)["sequence"].to_list(), task="sequence")
    for shards in (2, 5):
        info = split_index(tmp_path / "whole", tmp_path / "split", shards=shards, force=True)
        assert info == whole.info
        split = Index.open(tmp_path / "split")
        assert_frame_equal(split.records, whole.records)
        assert split.engines.keys() == whole.engines.keys()
        assert check_index(tmp_path / "split") == []
        for want in whole.engines:
            effort = approximate.Effort(reach=0.02, scatter=0.1, candidates=8)
            lists = (each.engines[want].lists.candidates(queries, effort) for each in (whole, split))
            np.testing.assert_array_equal(*(np.sort(each, axis=1) for each in lists))
        for want in ("sequence", "text"):
            np.testing.assert_array_equal(split.sample(want), whole.sample(want))
            for k, where in ((1, None), (5, None), (10, "mass < 5"), (30, "mass = 3"), (90, None), (9999, "mass > 2")):
                assert_same_neighbours(whole, split, queries, want=want, k=k, where=where)
            assert_same_neighbours(whole.exactly(), split.exactly(), queries, want=want, k=12, where=None)


@settings(max_examples=12)
@given(data=st.data())
def test_any_small_table_in_any_number_of_shards(tmp_path_factory, letter_encoder, data):
    folder, encoder = tmp_path_factory.mktemp("any"), letter_encoder()
    some = st.sampled_from(["A", "AAC", "CA", "DDD", "WY"])
    rows = data.draw(st.lists(st.tuples(some, st.none() | some, st.integers(0, 2)), min_size=1, max_size=12))
    ids = {sequence: f"P{number}" for number, (sequence, _, _) in enumerate(rows)}
    columns = [(ids[sequence], sequence, text, mass) for sequence, text, mass in rows]
    schema = {"id": pl.String, "sequence": pl.String, "text": pl.String, "mass": pl.Int64}
    build_index(pl.DataFrame(columns, schema=schema, orient="row"), encoder, folder / "whole", model_name="m")
    split_index(folder / "whole", folder / "split", shards=data.draw(st.integers(1, len(rows))))
    whole, split = (Index.open(folder / name) for name in ("whole", "split"))
    queries = encode_unit(encoder, ["AC", "D", "WAY"], task="sequence")
    where = data.draw(st.sampled_from([None, "mass = 1", "mass > 5"]))
    for want in whole.embeddings:
        assert_same_neighbours(whole, split, queries, want=want, k=data.draw(st.integers(1, 15)), where=where)
        rows = np.flatnonzero(whole.embeddings[want].of_row >= 0)
        np.testing.assert_array_equal(split.vectors(want, rows), whole.vectors(want, rows))


def test_each_shard_is_an_index_of_its_own(tmp_path, letter_encoder, engines):
    table, encoder = drawn(300), letter_encoder()
    build_index(table, encoder, tmp_path / "whole", model_name="m")
    split_index(tmp_path / "whole", tmp_path / "split", shards=3)
    manifest = read_manifest(tmp_path / "split")
    assert [each.records for each in manifest.shards] == [100, 100, 100]
    whole = Index.open(tmp_path / "whole")
    for number, about in enumerate(manifest.shards):
        shard = Index.open(tmp_path / "split" / about.name)
        rows = np.arange(100 * number, 100 * number + 100)
        assert_frame_equal(shard.records, table[rows])
        assert shard.info.model_sha256 == whole.info.model_sha256
        assert ("sequence" in shard.engines) == (engines == "with engines")
        queries = shard.vectors("sequence", np.arange(0, 100, 9))
        here = np.zeros(300, dtype=bool)
        here[rows] = True
        near = shard.exactly().nearest(queries, want="sequence", k=8)
        among = whole.exactly().nearest(queries, want="sequence", k=8, where=here)
        np.testing.assert_array_equal(near[0], among[0])
        np.testing.assert_array_equal(near[1] + 100 * number, among[1])
        cosines, found = shard.nearest(queries, want="sequence", k=1)
        assert (cosines > 0.999).mean() > 0.9, "its engine finds a vector itself"


def test_it_is_built_split_at_once_and_replaced_whole(tmp_path, letter_encoder):
    table, encoder = drawn(40), letter_encoder()
    (tmp_path / "m").mkdir()
    build_index(table, encoder, tmp_path / "whole", model_name=str(tmp_path / "m"))
    info = build_index(table, encoder, tmp_path / "split", IndexConfig(shards=4), model_name=str(tmp_path / "m"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "split", "whole"]
    manifest = read_manifest(tmp_path / "split")
    assert len(manifest.shards) == 4
    assert info.counts == Index.open(tmp_path / "whole").info.counts
    assert info.model_path == "../m"
    assert read_manifest(tmp_path / "split" / "shard-1-0").info.model_path == "../../m"
    with pytest.raises(OutputExistsError):
        split_index(tmp_path / "whole", tmp_path / "split", shards=2)
    opened = Index.open(tmp_path / "split")
    split_index(tmp_path / "whole", tmp_path / "split", shards=2, force=True)
    assert read_manifest(tmp_path / "split").generation == 2
    names = {path.name for path in (tmp_path / "split").iterdir() if not path.name.startswith(".")}
    assert names == {"index.json", "common-2", "shard-2-0", "shard-2-1", "words-2.sqlite", "relatives-2.arrow"}
    vectors = opened.vectors("sequence", np.arange(40))  # what is open stays what it was
    np.testing.assert_array_equal(vectors, Index.open(tmp_path / "split").vectors("sequence", np.arange(40)))


def test_what_cannot_be_split_or_changed_says_what_to_do(tmp_path, letter_encoder):
    encoder = letter_encoder()
    build_index(drawn(20), encoder, tmp_path / "whole", model_name="m")
    for shards in (0, 21):
        with pytest.raises(OptionError, match=r"shards = \d+: must lie in \[1, 20\]"):
            split_index(tmp_path / "whole", tmp_path / "split", shards=shards)
    remove_from_index(tmp_path / "whole", where="mass = 3")
    with pytest.raises(FileFormatError, match="not in one piece; write it so with protrek-hm index compact"):
        split_index(tmp_path / "whole", tmp_path / "split", shards=2)
    assert not (tmp_path / "split").exists()
    compact_index(tmp_path / "whole")
    split_index(tmp_path / "whole", tmp_path / "split", shards=2)
    for change in (compact_index, lambda folder: add_to_index(folder, drawn(3, seed=5), encoder)):
        with pytest.raises(FileFormatError, match="an index of 2 shards, which does not change; change the whole one"):
            change(tmp_path / "split")
    assert check_index(tmp_path / "split") == []


def test_a_damaged_missing_or_changed_shard_is_named(tmp_path, letter_encoder):
    build_index(drawn(20), letter_encoder(), tmp_path / "whole", model_name="m")
    split_index(tmp_path / "whole", tmp_path / "sound", shards=3)

    def copied(name):
        shutil.copytree(tmp_path / "sound", tmp_path / name)
        return tmp_path / name

    gone = copied("gone")
    shutil.rmtree(gone / "shard-1-1")
    with pytest.raises(MissingFileError, match="shard-1-1"):
        Index.open(gone)
    changed = copied("changed")
    remove_from_index(changed / "shard-1-2", ids=Index.open(changed / "shard-1-2").records["id"].to_list()[:1])
    with pytest.raises(FileFormatError, match=r"shard-1-2/index.json: damaged"):
        Index.open(changed)
    damaged = copied("damaged")
    vectors = damaged / "shard-1-0" / "segment-1" / "sequence.vectors.npy"
    content = bytearray(vectors.read_bytes())
    content[-2] ^= 1
    vectors.write_bytes(content)
    assert check_index(damaged) == ["shard-1-0: segment-1/sequence.vectors.npy: damaged (not as it was written)"]
    manifest = json.loads((copied("odd") / "index.json").read_text())
    assert manifest["format_version"] == 6, "versions that know neither shards nor relatives say so"


def test_ties_between_shards_come_in_the_order_of_the_table(tmp_path, letter_encoder):
    table = pl.DataFrame({"id": [f"P{n}" for n in range(8)], "sequence": list("ACDEFGHI")})
    build_index(table, letter_encoder(), tmp_path / "whole", model_name="m")
    split_index(tmp_path / "whole", tmp_path / "split", shards=4)
    query = encode_unit(letter_encoder(), ["Y"], task="sequence")
    assert Index.open(tmp_path / "split").nearest(query, want="sequence", k=5)[1].tolist() == [[0, 1, 2, 3, 4]]
