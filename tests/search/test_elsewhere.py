"""Many queries, proteins, substitutions and vectors: the same bytes by one worker, by threads and by processes."""

from functools import partial

import polars as pl
import pytest

from protrek_hm.data.synthetic import SyntheticConfig, synthetic_families
from protrek_hm.errors import FileFormatError, OptionError
from protrek_hm.index import build_index
from protrek_hm.index.config import IndexConfig
from protrek_hm.model import load_encoder
from protrek_hm.model.cached import CachedEncoder
from protrek_hm.search import Searcher
from protrek_hm.search.batch import BatchConfig, run_batch
from protrek_hm.search.config import ScanConfig
from protrek_hm.search.describe import describe
from protrek_hm.search.explain import Protein
from protrek_hm.search.query import Query
from protrek_hm.search.scan import scan_protein
from protrek_hm.workers import using


@pytest.fixture(scope="module")
def proteins():
    made = synthetic_families(SyntheticConfig(families=4, members=4, seed=3)).proteins
    return made.with_columns(pl.col("sequence").str.head(60))


@pytest.fixture(scope="module")
def folder(proteins, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere") / "index"
    build_index(proteins, load_encoder("mini", device="cpu"), folder, IndexConfig(meaning=False), model_name="mini")
    return folder


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr("protrek_hm.search.batch._AT_ONCE", 3)
    monkeypatch.setattr("protrek_hm.search.describe._AT_ONCE", 3)
    monkeypatch.setattr("protrek_hm.search.scan._SITES_AT_ONCE", 3)
    monkeypatch.setattr("protrek_hm.model.sharing._LEAST", 3)


@pytest.fixture
def threads():
    import torch

    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def batch(folder, proteins, output, **config):
    searcher = Searcher.open(folder, device="cpu")
    queries = [Query(name, sequence) for name, sequence in proteins.select("id", "sequence").head(10).iter_rows()]
    run_batch(searcher, queries, output, BatchConfig("sequence", "text", k=2, block=7, **config))
    return output.read_bytes()


def test_one_thread_two_threads(folder, proteins, tmp_path, threads):
    def work(output):
        output.mkdir()
        searcher = Searcher.open(folder, device="cpu")
        some = proteins["sequence"].head(8).to_list()
        described = [each.as_dict() for each in describe(searcher, some, k=2)]
        config = ScanConfig((2, 9), ("model",))
        scanned = scan_protein(searcher.model, "binds zinc", Protein(None, some[0]), config=config).model
        CachedEncoder(searcher.model, output).encode(some, task="sequence", batch_size=8, show_progress_bar=False)
        [kept] = output.glob("*.safetensors")
        return batch(folder, proteins, output / "hits.parquet"), described, scanned.tobytes(), kept.read_bytes()

    threads(2)
    two = work(tmp_path / "two")
    threads(1)
    assert work(tmp_path / "one") == two


def test_another_process_opens_the_same_index(folder, proteins, tmp_path):
    one = batch(folder, proteins, tmp_path / "one.parquet")
    with using(devices="cpu"):
        assert batch(folder, proteins, tmp_path / "other.parquet") == one


def test_another_index_elsewhere_is_refused(folder, proteins, monkeypatch):
    searcher = Searcher.open(folder, device="cpu")
    load = partial(load_encoder, "mini", device="cpu")
    make, (place, info, *_) = searcher.shared().make, searcher.shared().arguments
    assert make(place, info, exact := True, load, ()).index.engines == {}
    with pytest.raises(OptionError, match="lies in the memory of one process"):
        make(None, info, exact, load, ())
    build_index(proteins[:2], load(), place.parent / "other", IndexConfig(meaning=False), model_name="mini")
    with pytest.raises(FileFormatError, match="has another index there; give all machines the same one"):
        make(place.parent / "other", info, exact, load, ())
    with pytest.raises(FileNotFoundError, match="does not see it; put it where all nodes do"):
        make(place.parent / "none", info, exact, load, ())
