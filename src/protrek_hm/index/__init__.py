"""Embeddings on disk, and the nearest of them.

The flow: files are read as one table (`records`); every distinct sequence, text and structure is encoded once, in
shards that survive an interruption (`shards`, `encoder`, `config`). Records and vectors are written as a segment
(`segments`), an engine is made where there are many (`engines`, `approximate`), and one rename of `index.json`
(`layout`) makes them count (`changes`): so an index is built (`build`), added to and pruned (`update`), and taken
elsewhere (`exchange`, `faiss_folder`). Opened (`store`), it finds the nearest exactly (`nearest`) or by its engine
(`approximate`): lists that promise neighbours propose candidates, which are compared exactly. An index may be split
into shards for several machines (`split`), which answer together as the whole one does (`fanout`).
"""

from typing import TYPE_CHECKING

from protrek_hm.lazy import lazily

if TYPE_CHECKING:
    from protrek_hm.index.build import build_index as build_index
    from protrek_hm.index.config import IndexConfig as IndexConfig
    from protrek_hm.index.encoder import NamedModel as NamedModel
    from protrek_hm.index.exchange import export_parquet as export_parquet
    from protrek_hm.index.exchange import import_parquet as import_parquet
    from protrek_hm.index.faiss_folder import export_faiss as export_faiss
    from protrek_hm.index.faiss_folder import import_faiss as import_faiss
    from protrek_hm.index.layout import IndexInfo as IndexInfo
    from protrek_hm.index.layout import Source as Source
    from protrek_hm.index.layout import read_info as read_info
    from protrek_hm.index.nearest import Engine as Engine
    from protrek_hm.index.nearest import Nearest as Nearest
    from protrek_hm.index.records import read_files as read_files
    from protrek_hm.index.segments import Embeddings as Embeddings
    from protrek_hm.index.split import split_index as split_index
    from protrek_hm.index.store import Index as Index
    from protrek_hm.index.store import check_index as check_index
    from protrek_hm.index.update import add_to_index as add_to_index
    from protrek_hm.index.update import compact_index as compact_index
    from protrek_hm.index.update import remove_from_index as remove_from_index
else:
    __getattr__, __dir__, __all__ = lazily(__name__)
