"""Queries by the hundred thousand: answered in blocks, each kept as soon as it is done.

`OUTPUT.work/` beside the output holds `settings.json` and a Parquet file for each finished block. A search that was
stopped, at whatever moment, goes on with the first block that is not there; the finished blocks are put together as the
output, and the folder is removed. Blocks are always made of the same queries, so the output has the same bytes, whether
it was stopped or not.
"""

import hashlib
import io
import json
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet

from protrek_hm.config import require
from protrek_hm.data.compression import bare_name, open_compressed
from protrek_hm.data.tables import write_table
from protrek_hm.deadline import Progress
from protrek_hm.errors import FileFormatError, OptionError
from protrek_hm.files import is_whole, new_file, new_part, read_json, refuse_existing, write_json
from protrek_hm.model.sharing import map_encoding
from protrek_hm.search.hits import NOT_EXACT
from protrek_hm.search.query import Query
from protrek_hm.search.reading import NoticeWarning, tell_cut_queries
from protrek_hm.search.render import FAMILY, MATCHED, SCORES, rows_of_answer
from protrek_hm.search.searcher import SearchConfig, Searcher

FORMAT_VERSION = 1
SETTINGS = "settings.json"
_AT_ONCE = 64  # queries of a block that one worker answers
ENDINGS = (".parquet", ".tsv", ".csv", ".jsonl")
_SETTING = {"query_type": "by", "target_type": "want"}  # what the file calls them
_STRINGS = ("query", "difference", "decided", "id", "matched_words", "by_relatives")
_TYPES = dict.fromkeys(_STRINGS, pl.String) | dict.fromkeys(("family", "member", "rank"), pl.Int64)


@dataclass(frozen=True)
class BatchConfig(SearchConfig):
    """How many queries are answered.

    columns: columns of the records that stand beside the hits. block: queries that are answered together and kept
    together, at least 1. All else is as in `SearchConfig`.
    """

    columns: tuple[str, ...] = ()
    block: int = 1_000

    def __post_init__(self) -> None:
        super().__post_init__()
        require("block", self.block, "must be at least 1", holds=self.block >= 1)


def run_batch(
    searcher: Searcher,
    queries: Sequence[Query],
    output: Path,
    config: BatchConfig | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> int:
    """Answer all queries and write a row for each hit to `output`; go on where an earlier run was stopped.

    Columns: query (its name), with `group` also family, member, identity, difference and decided; rank, id, score,
    protrek_score, probability, p_value, e_value, matched_words, meaning, by_relatives; `config.columns`. Rows stand in
    the order of the queries, then of rank. Equal queries of a block are encoded once.

    Parameters
    ----------
    output
        Ends in .parquet, .tsv, .csv or .jsonl, the last three also with .gz or .zst.
    progress
        Is told after each block how many queries are done.

    Returns
    -------
    Number of queries that an earlier run had answered.

    Warns
    -----
    NoticeWarning
        If the model does not read all of some queries, which it names; or if the search was not exact.

    Raises
    ------
    FileFormatError
        If the ending is unknown, or `OUTPUT.work/` holds the blocks of another search.
    OptionError
        If there is no query, a setting is outside its range, or a column is not in the index.
    OutputExistsError, OutputError
        If the output exists (without `force`), or cannot be written.
    """
    config = config or BatchConfig()
    if not bare_name(output).endswith(ENDINGS):
        raise FileFormatError(output, "unknown ending", f"end its name in {', '.join(ENDINGS)}")
    require("queries", len(queries), "give one at least", holds=len(queries) > 0)
    refuse_existing(output, force=force)
    searcher.check(target_type=config.target_type, k=config.k)
    schema = _schema(searcher, config, output)
    work = output.with_name(output.name + ".work")
    settings = _settings(searcher, queries, config)
    _refuse_another(work, settings)
    cuts = searcher.cuts([each.content for each in queries], query_type=config.query_type)
    cut = tell_cut_queries([each.name for each in queries], cuts)
    if cut is not None:
        warnings.warn(cut, NoticeWarning, stacklevel=2)
    blocks = [queries[start : start + config.block] for start in range(0, len(queries), config.block)]
    paths = [work / f"{number:06}.parquet" for number in range(len(blocks))]
    whole = [is_whole(path) for path in paths]
    parts = [
        [] if known else [block[at : at + _AT_ONCE] for at in range(0, len(block), _AT_ONCE)]
        for known, block in zip(whole, blocks, strict=True)
    ]
    answers = map_encoding(
        partial(_answer, config=config),
        [part for block in parts for part in block],
        searcher.model,
        shared=searcher.shared(),
        alone=len(queries) <= min(_AT_ONCE, config.block),
    )
    done, exact = 0, True
    with answers as answered:
        for path, known, block, own in zip(paths, whole, blocks, parts, strict=True):
            if not known:
                found = [next(answered) for _ in own]
                exact = exact and all(each for each, _ in found)
                write_json(work / SETTINGS, settings)  # not before something is found: a wrong setting leaves nothing
                with new_part(path) as temporary:
                    rows = [row for _, some in found for row in some]
                    write_table(pl.DataFrame(rows, schema=schema), temporary, force=True)
            done += len(block)
            if progress is not None:
                progress("queries", done, len(queries))
    if not exact:
        warnings.warn(NOT_EXACT, NoticeWarning, stacklevel=2)
    with new_file(output, force=force) as temporary:
        _join(paths, temporary)
    shutil.rmtree(work)
    return sum(len(block) for known, block in zip(whole, blocks, strict=True) if known)


def _answer(searcher: Searcher, queries: Sequence[Query], *, config: BatchConfig) -> tuple[bool, list[dict[str, Any]]]:
    """Return whether all was compared, and the rows of the answers."""
    answers = searcher.answer([each.content for each in queries], config)
    rows = [
        row
        for query, answer in zip(queries, answers, strict=True)
        for row in rows_of_answer(query.name, answer, grouped=config.group)
    ]
    kept = [row | {name: record[name] for name in config.columns} for row in rows for record in [row.pop("record")]]
    return all(each.exact for each in answers), kept


def _schema(searcher: Searcher, config: BatchConfig, output: Path) -> dict[str, Any]:
    present = searcher.index.records.schema
    own = ("query", *(FAMILY if config.group else ()), *SCORES, *MATCHED)
    for name in config.columns:
        if name not in present or name in own:
            wanted = f"choose among {', '.join(each for each in present if each not in own)}"
            raise OptionError("columns", name, wanted)
        if present[name].is_nested() and not bare_name(output).endswith((".parquet", ".jsonl")):
            raise OptionError("columns", name, f"holds lists, which {output.suffix} cannot; end the output in .parquet")
    return {name: _TYPES.get(name, pl.Float64) for name in own} | {name: present[name] for name in config.columns}


def _settings(searcher: Searcher, queries: Sequence[Query], config: BatchConfig) -> dict[str, Any]:
    """Describe all that the answers depend on."""
    lines = (json.dumps([query.name, query.content]).encode() for query in queries)
    digest = hashlib.sha256(b"\n".join(lines)).hexdigest()
    index = json.loads(json.dumps(asdict(searcher.index.info), default=str))
    options = asdict(config) | {"columns": list(config.columns), "signals": list(config.signals)}
    options["within"] = list(config.within)
    asked = {_SETTING.get(name, name): value for name, value in options.items() if name != "most_hits"}
    return {
        "format_version": FORMAT_VERSION,
        "queries": len(queries),
        "queries_sha256": digest,
        **asked,
        "index": index,
    }


def _refuse_another(work: Path, settings: dict[str, Any]) -> None:
    """Make sure that the work folder, if there is one, belongs to this very search."""
    if not (work / SETTINGS).exists():
        refuse_existing(work, force=False, folder=True)
        return
    held = read_json(work / SETTINGS)
    other = [key for key in settings if held.get(key) != settings[key]]
    if other:
        problem = f"holds what a search with other settings has found (other: {', '.join(other)})"
        raise FileFormatError(work, problem, "remove it, or choose another --output")


def _join(blocks: Sequence[Path], output: Path) -> None:
    """Put the blocks together; memory holds one of them."""
    name = bare_name(output)
    if name.endswith(".parquet"):
        schema = pyarrow.parquet.read_schema(blocks[0])
        with pyarrow.parquet.ParquetWriter(output, schema, compression="zstd") as writer:
            for block in blocks:
                writer.write_table(pyarrow.parquet.read_table(block))
        return
    with open_compressed(output) as stream:
        for number, block in enumerate(blocks):
            frame = pl.read_parquet(io.BytesIO(block.read_bytes()))
            if name.endswith(".jsonl"):
                frame.write_ndjson(stream)
            else:
                frame.write_csv(stream, separator="\t" if name.endswith(".tsv") else ",", include_header=number == 0)
