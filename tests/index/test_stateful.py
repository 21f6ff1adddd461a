"""An index beside a plain list of records: whatever is done to both, they hold and find the same."""

import hashlib
import shutil
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import polars as pl
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from protrek_hm.errors import OptionError
from protrek_hm.index.build import build_index
from protrek_hm.index.exchange import export_parquet, import_parquet
from protrek_hm.index.store import Index, check_index
from protrek_hm.index.update import add_to_index, compact_index, remove_from_index

SEQUENCES = st.text("ACD", min_size=1, max_size=4)
TEXTS = st.sampled_from(["a kinase", "a lyase", "all C", "DADA", None])
RECORDS = st.tuples(st.sampled_from([f"P{number}" for number in range(8)]), SEQUENCES, TEXTS, st.integers(0, 5))
TABLES = st.lists(RECORDS, min_size=1, max_size=4, unique_by=lambda record: record[0])
SCHEMA = {"id": pl.String, "sequence": pl.String, "text": pl.String, "mass": pl.Int64}
COLUMN = {"sequence": 1, "text": 2}


def table(records):
    return pl.DataFrame(records, schema=SCHEMA, orient="row")


def signs(text):
    """Sixteen signs that depend on the text: vectors of length 4 whose products are exact, and often equal."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:2])
    return np.array([1 - 2 * (number >> bit & 1) for bit in range(16)])


class SignEncoder:
    temperature, tasks = 0.05, ("text", "sequence")

    def fingerprint(self):
        return "signs"

    def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
        return np.array([signs(each) for each in inputs])


class IndexMachine(RuleBasedStateMachine):
    """The records in the order of the index, and the index."""

    encoder = SignEncoder()

    @initialize(records=TABLES)
    def build(self, records):
        self.place = Path(mkdtemp())
        self.folder, self.records, self.copies = self.place / "index", list(records), 0
        build_index(table(records), self.encoder, self.folder, model_name="m")

    def teardown(self):
        shutil.rmtree(self.place, ignore_errors=True)

    @rule(records=TABLES, replace=st.booleans())
    def add(self, records, replace):
        named = {record[0] for record in records}
        if not replace and any(record[0] in named for record in self.records):
            with pytest.raises(OptionError):
                add_to_index(self.folder, table(records), self.encoder)
            return
        add_to_index(self.folder, table(records), self.encoder, replace_known=replace)
        self.records = [record for record in self.records if record[0] not in named] + list(records)

    @precondition(lambda self: len(self.records) > 1)
    @rule(number=st.integers(0, 7))
    def remove(self, number):
        gone = self.records.pop(number % len(self.records))
        assert remove_from_index(self.folder, ids=[gone[0]]) == 1

    @rule(limit=st.integers(0, 5))
    def remove_where(self, limit):
        kept = [record for record in self.records if record[3] < limit]
        if 0 < len(kept) < len(self.records):
            assert remove_from_index(self.folder, where=f"mass >= {limit}") == len(self.records) - len(kept)
            self.records = kept

    @rule()
    def compact(self):
        compact_index(self.folder)

    @rule()
    def export_and_import(self):
        self.copies += 1
        export_parquet(self.folder, self.place / f"{self.copies}.parquet")
        self.folder = self.place / f"copy-{self.copies}"
        import_parquet(self.place / f"{self.copies}.parquet", self.folder)

    @rule(query=SEQUENCES, want=st.sampled_from(["sequence", "text"]), limit=st.none() | st.integers(1, 5))
    def search(self, query, want, limit):
        index, column = Index.open(self.folder), COLUMN[want]
        if all(record[column] is None for record in self.records):
            assert want not in index.embeddings
            return
        where = None if limit is None else f"mass < {limit}"
        cosines, rows = index.nearest(signs(query)[None].astype(np.float32) / 4, want=want, k=5, where=where)
        allowed = [row for row, each in enumerate(self.records) if limit is None or each[3] < limit]
        candidates = [row for row in allowed if self.records[row][column] is not None]
        if want == "text":  # the first record stands for all that share a text
            texts = [self.records[row][column] for row in candidates]
            candidates = [row for place, row in enumerate(candidates) if texts.index(texts[place]) == place]
        products = [int(signs(query) @ signs(self.records[row][column])) for row in candidates]
        scored = sorted((-product, row) for product, row in zip(products, candidates, strict=True))[:5]
        found = rows[0] >= 0
        assert rows[0][found].tolist() == [row for _, row in scored]
        assert cosines[0][found].tolist() == [-negated / 16 for negated, _ in scored]

    @invariant()
    def holds_the_same(self):
        assert Index.open(self.folder).records.select(*SCHEMA).rows() == self.records
        assert check_index(self.folder) == []


def test_an_index_is_what_a_list_of_records_would_be():
    run_state_machine_as_test(IndexMachine, settings=settings(max_examples=8, stateful_step_count=12, deadline=None))


@pytest.mark.release
def test_an_index_is_what_a_list_of_records_would_be_in_many_runs():
    run_state_machine_as_test(IndexMachine, settings=settings(max_examples=300, stateful_step_count=40, deadline=None))
