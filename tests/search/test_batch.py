import subprocess
import sys
import textwrap
import time
from pathlib import Path

import polars as pl
import pytest

from protrek_hm.errors import FileFormatError, OptionError, OutputExistsError
from protrek_hm.index.build import build_index
from protrek_hm.search.batch import BatchConfig, run_batch
from protrek_hm.search.query import Query
from protrek_hm.search.searcher import SearchConfig, Searcher

PROTEINS = pl.DataFrame(
    {
        "id": [f"P{n}" for n in range(30)],
        "sequence": ["ACDE"[n % 4] * 10 + "KLMN"[n // 8] * (1 + n % 3) + "WY"[n % 2] for n in range(30)],
        "text": [f"binds {'ACDEFG'[n % 6]}" for n in range(30)],
        "length_class": [n % 2 for n in range(30)],
    }
)
QUERIES = [Query(f"q{n}", "ACDEKLW"[n % 7] * (1 + n % 3) + "MN"[n % 2]) for n in range(23)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, letter_encoder):
    folder = tmp_path_factory.mktemp("batch") / "index"
    build_index(PROTEINS, letter_encoder(), folder, model_name="m")
    return folder


@pytest.fixture
def searcher(folder, letter_encoder):
    return Searcher.open(folder, model=letter_encoder())


def test_agrees_with_one_search_for_each_query(searcher, tmp_path):
    config = BatchConfig(k=3, where="length_class = 0", columns=("text",), block=4)
    assert run_batch(searcher, QUERIES, tmp_path / "hits.parquet", config) == 0
    found = pl.read_parquet(tmp_path / "hits.parquet").rows(named=True)
    wanted = [
        {"query": query.name, "text": hit.record["text"]}
        | {"matched_words": " ".join(hit.matched.words), "meaning": hit.matched.meaning, "by_relatives": None}
        | {name: getattr(hit, name) for name in found[0] if hasattr(hit, name)}
        for query in QUERIES
        for hit in searcher.search(query.content, k=3, where="length_class = 0")[0]
    ]
    assert found == [pytest.approx(row) for row in wanted]
    assert [path.name for path in tmp_path.iterdir()] == ["hits.parquet"]


def test_families_as_one_search_for_each_query_finds_them(searcher, tmp_path):
    config = BatchConfig(query_type="sequence", k=2, group=True, block=5)
    run_batch(searcher, QUERIES, tmp_path / "hits.tsv", config)
    found = pl.read_csv(tmp_path / "hits.tsv", separator="\t")
    wanted = [
        (query.name, family.rank, member, hit.rank, hit.id)
        for query in QUERIES
        for family in searcher.answer([query.content], SearchConfig("sequence", k=2, group=True))[0]
        for member, hit in enumerate(family.hits, start=1)
    ]
    assert found.select("query", "family", "member", "rank", "id").rows() == wanted


@pytest.mark.parametrize("ending", [".parquet", ".tsv", ".csv.gz", ".jsonl"])
def test_stopped_anywhere_it_gives_the_same_bytes(searcher, tmp_path, ending, letter_encoder):
    config = BatchConfig(k=2, block=4)
    whole = tmp_path / f"whole{ending}"
    run_batch(searcher, QUERIES, whole, config)
    stopped = tmp_path / f"stopped{ending}"

    def stop_after(wanted):
        def progress(stage, done, total):
            if done >= wanted:
                raise KeyboardInterrupt

        return progress

    for wanted in (4, 12, 23):
        with pytest.raises(KeyboardInterrupt):
            run_batch(searcher, QUERIES, stopped, config, progress=stop_after(wanted))
        assert not stopped.exists()
    searcher.model.encoded.clear()
    assert run_batch(searcher, QUERIES, stopped, config) == 23
    assert not searcher.model.encoded
    assert stopped.read_bytes() == whole.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {whole.name, stopped.name}


def test_killed_it_goes_on(folder, searcher, tmp_path):
    script = f"""
        import sys, time
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parents[1])!r})
        from conftest import LetterEncoder
        from protrek_hm.search.batch import BatchConfig, run_batch
        from protrek_hm.search.query import Query
        from protrek_hm.search.searcher import Searcher

        queries = [Query(name, content) for name, content in {[(each.name, each.content) for each in QUERIES]!r}]
        searcher = Searcher.open({str(folder)!r}, model=LetterEncoder())
        run_batch(searcher, queries, Path("hits.parquet"), BatchConfig(block=2), progress=lambda *_: time.sleep(0.5))
        """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path)
    block = tmp_path / "hits.parquet.work" / "000001.parquet"
    until = time.monotonic() + 60
    while not block.exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert block.exists()
    assert not (tmp_path / "hits.parquet").exists()

    assert 4 <= run_batch(searcher, QUERIES, tmp_path / "hits.parquet", BatchConfig(block=2)) < 23
    run_batch(searcher, QUERIES, tmp_path / "whole.parquet", BatchConfig(block=2))
    assert (tmp_path / "hits.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not block.parent.exists()


def test_equal_queries_of_a_block_are_encoded_once(searcher, tmp_path):
    queries = [Query(name, "AC") for name in "abcde"]
    searcher.model.encoded.clear()
    run_batch(searcher, queries, tmp_path / "hits.parquet", BatchConfig(k=1, block=3))
    assert searcher.model.encoded == ["AC", "AC"]
    assert pl.read_parquet(tmp_path / "hits.parquet")["query"].to_list() == list("abcde")


def test_no_hits_is_a_table_without_rows(searcher, tmp_path):
    run_batch(searcher, QUERIES, tmp_path / "hits.parquet", BatchConfig(where="length > 1000", block=9))
    found = pl.read_parquet(tmp_path / "hits.parquet")
    assert (found.height, found.columns[:2], found.schema["rank"]) == (0, ["query", "rank"], pl.Int64)


def test_what_is_refused(searcher, tmp_path):
    with pytest.raises(FileFormatError, match=r"hits.xls: unknown ending; end its name in .parquet, .tsv"):
        run_batch(searcher, QUERIES, tmp_path / "hits.xls")
    with pytest.raises(OptionError, match="columns = 'txt': choose among sequence, text, length_class"):
        run_batch(searcher, QUERIES, tmp_path / "hits.tsv", BatchConfig(columns=("txt",)))
    with pytest.raises(OptionError, match="queries = 0: give one at least"):
        run_batch(searcher, [], tmp_path / "hits.tsv")
    with pytest.raises(OptionError, match="no_such"):
        run_batch(searcher, QUERIES, tmp_path / "hits.tsv", BatchConfig(where="no_such = 1"))
    with pytest.raises(OptionError, match="min_identity = 2"):
        run_batch(searcher, QUERIES, tmp_path / "hits.tsv", BatchConfig(group=True, min_identity=2))
    (tmp_path / "hits.tsv").write_text("mine")
    with pytest.raises(OutputExistsError):
        run_batch(searcher, QUERIES, tmp_path / "hits.tsv")
    assert [path.name for path in tmp_path.iterdir()] == ["hits.tsv"]


def test_blocks_of_another_search_are_not_taken(searcher, tmp_path):
    def stop(*_):
        raise KeyboardInterrupt

    output = tmp_path / "hits.tsv"
    with pytest.raises(KeyboardInterrupt):
        run_batch(searcher, QUERIES, output, BatchConfig(k=2, block=4), progress=stop)
    for queries, config, other in (
        (QUERIES, BatchConfig(k=3, block=4), "k"),
        (QUERIES[::-1], BatchConfig(k=2, block=4), "queries_sha256"),
    ):
        with pytest.raises(FileFormatError, match=rf"hits.tsv.work: holds .* \(other: {other}\); remove it"):
            run_batch(searcher, queries, output, config)
