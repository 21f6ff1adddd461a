"""Records are the same whatever the size of the blocks in which the file comes, and errors name their line."""

import io
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data.uniprot import records
from protrek_hm.data.uniprot.records import CutShortError, flat_records, json_records, lines, xml_records

CUTTERS = {"dat": flat_records, "xml": xml_records, "json": json_records, "tsv": lines}


def cut(kind, content):
    return list(CUTTERS[kind](io.BufferedReader(io.BytesIO(content))))


@pytest.mark.parametrize("kind", CUTTERS)
@settings(deadline=None, max_examples=30)
@given(size=st.integers(1, 3000))
def test_any_size_of_blocks(files, kind, size):
    content = (files / f"three.{kind}").read_bytes().replace(b"boredom", "Überdruß αβ 🧬".encode())
    with pytest.MonkeyPatch.context() as patch:
        whole = cut(kind, content)
        patch.setattr(records, "BLOCK", size)
        assert cut(kind, content) == whole


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.dictionaries(st.text(max_size=5), TREES, max_size=3), min_size=1, max_size=4),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
    st.integers(1, 40),
)
def test_any_json(trees, indent, as_ascii, size):
    text = [json.dumps(tree, indent=indent, ensure_ascii=as_ascii) for tree in trees]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK", size)
        for whole in ('{"results": [' + ", ".join(text) + "]}", "[" + ",\n".join(text) + "\n]", "\n".join(text)):
            try:
                found = cut("json", whole.encode())
            except UnicodeEncodeError:  # a lone surrogate is no text
                return
            assert [tree for _, tree in found] == trees
            starts = itertools.accumulate((each.count("\n") for each in text[:-1]), initial=1)
            if not whole.startswith('{"r'):  # there they are separated by line breaks, but for the first
                assert [line for line, _ in found] == [start + place for place, start in enumerate(starts)]


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b'[{"a": 1},\n{"a": 2', 2, "the file ends in the middle of it"),
        (b'[{"a": 1},\n{"a": "x', 2, "the file ends in the middle of it"),
        (b'[{"a": 1},\n', 2, "the file ends in the middle of the list"),
        (b'[{"a": 1},\n\n{"a" 2}' + b" " * 200 + b"]", 3, "not JSON (Expecting ':' delimiter)"),
        (b'[{"a": 1},\n7]', 2, "'7]' stands where an entry should begin"),
    ],
)
def test_broken_json(content, line, problem):
    with pytest.raises(CutShortError) as caught:
        cut("json", content)
    assert (caught.value.line, caught.value.problem) == (line, problem)


@pytest.mark.parametrize(
    ("kind", "content", "line"),
    [
        ("dat", b"ID   A\n//\nID   B\nAC", 3),
        ("xml", b"<uniprot>\n<entry></entry>\n<entry>", 3),
        ("xml", b"<uniprot>\n<entry></entry>\n", 2),
    ],
)
def test_files_that_end_too_early(kind, content, line):
    with pytest.raises(CutShortError, match="ends in the middle") as caught:
        cut(kind, content)
    assert caught.value.line == line


def test_a_record_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(records, "BLOCK", 100)
    monkeypatch.setattr(records, "LONGEST", 1_000)
    for kind, content in (("dat", b"ID   " + b"A" * 5_000), ("json", b'[{"a": "' + b"A" * 5_000)):
        with pytest.raises(CutShortError, match="no end of the record|not JSON"):
            cut(kind, content)
