import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from protrek_hm.errors import FileFormatError, ModelError, NothingFoundError, OptionError
from protrek_hm.files import MARKER
from protrek_hm.index import approximate
from protrek_hm.index.build import build_index
from protrek_hm.index.encoder import encode_unit
from protrek_hm.index.store import Index
from protrek_hm.index.update import add_to_index, compact_index, remove_from_index
from protrek_hm.search.searcher import Searcher

MORE = pl.DataFrame({"id": ["P4", "P5"], "sequence": ["DDD", "EEA"], "text": ["all C", "new"], "length_mm": ["1", "2"]})


def answers(folder, query, encoder, *, k=20, **options):
    index = Index.open(folder)
    cosines, rows = index.nearest(encode_unit(encoder, [query], task="sequence"), want="sequence", k=k, **options)
    found = rows[0][rows[0] >= 0]
    return list(zip(index.take(found)["id"], cosines[0].round(6).tolist(), strict=False))


def test_added_records_follow_and_known_inputs_are_not_encoded_again(folder, letter_encoder, proteins):
    encoder = letter_encoder()
    before = Index.open(folder)
    info = add_to_index(folder, MORE, encoder)
    assert encoder.encoded == ["EEA", "new"]
    assert info.counts == {"records": 6, "sequence": 3, "text": 3}
    index = Index.open(folder)
    assert_frame_equal(index.records, pl.concat([proteins, MORE], how="diagonal"))
    assert index.embeddings["sequence"].of_row.tolist() == [0, 1, 0, 0, 1, 2]
    assert index.embeddings["text"].of_row.tolist() == [0, -1, 1, -1, 0, 2]
    assert [name for name, _ in answers(folder, "DDD", encoder)][:2] == ["P2", "P4"]
    assert len(before.records) == 4  # an open index stays what it was
    assert before.nearest(before.vectors("sequence", before.find(["P2"])), want="sequence", k=1)[1].tolist() == [[1]]


def test_added_records_that_are_read_alike_keep_their_order(letter_encoder, tmp_path):
    class Window(letter_encoder):
        """Reads ten letters, in whatever case; vectors differ in their last digits from batch to batch."""

        def encode(self, inputs, /, **options):
            found = super().encode([each[:10].upper() for each in inputs], **options)
            return found + 1e-6 * len(self.encoded)

        def read_once(self, inputs, *, task):
            seen = list(dict.fromkeys(each[:10].upper() for each in inputs))
            first = {each[:10].upper(): each for each in reversed(inputs)}
            return [first[each] for each in seen], [seen.index(each[:10].upper()) for each in inputs]

    encoder = Window()
    one, other = "ACDACDACDA", "KRKKRKKRKK"
    sequences = [one + "E", other + "A", one + "F", one + "G", other + "A", one + "H", one + "EE", "WWW", other, one]
    table = pl.DataFrame({"id": [f"P{n}" for n in range(10)], "sequence": sequences, "text": [None] * 10})
    build_index(table.head(3).with_columns(text=pl.lit("kr")), encoder, tmp_path / "index", model_name="window")
    encoder.encoded.clear()
    for rows in (table[3:7], table[7:]):
        add_to_index(tmp_path / "index", rows.with_columns(text=pl.lit("KR?")), encoder)
    assert encoder.encoded == ["KR?", "WWW"], "a letter that is read differs"
    for query, expected in ((one, "P0 P2 P3 P5 P6 P9"), (other, "P1 P4 P8")):
        found = answers(tmp_path / "index", query, encoder)
        assert " ".join(name for name, _ in found[: len(expected.split())]) == expected
    assert len({cosine for _, cosine in found[:3]}) == 1


def test_known_proteins_are_refused_or_replaced(folder, letter_encoder):
    again = pl.DataFrame({"id": ["P1", "P9"], "sequence": ["AAC", "E"], "text": ["another", "x E"]})
    with pytest.raises(OptionError, match="id = 'P1': the index has it already; replace them with --replace"):
        add_to_index(folder, again, letter_encoder())
    changed = again.with_columns(sequence=pl.lit("EEEE"))
    with pytest.raises(OptionError, match="id = 'P1': the index has it with another sequence"):
        add_to_index(folder, changed, letter_encoder())
    info = add_to_index(folder, changed, letter_encoder(), replace_known=True)
    assert info.counts["records"] == 4
    index = Index.open(folder)
    assert index.records["id"].to_list() == ["P2", "P3", "P1", "P9"]
    assert index.take(index.find(["P1"]))["sequence"].to_list() == ["EEEE"]


def test_removed_records_are_gone_and_compaction_changes_no_answer(folder, letter_encoder):
    encoder = letter_encoder()
    add_to_index(folder, MORE, encoder)
    assert remove_from_index(folder, ids=["P4"], where="organism = 'E. coli' and mass > 2") == 2
    index = Index.open(folder)
    assert index.records["id"].to_list() == ["P1", "P1", "P3", "P5"]
    assert index.info.counts == {"records": 4, "sequence": 2, "text": 3}
    wanted = answers(folder, "AAD", encoder)
    assert "P2" not in dict(wanted)
    size = sum(path.stat().st_size for path in folder.rglob("*.npy"))
    assert compact_index(folder).counts == index.info.counts
    assert sum(path.stat().st_size for path in folder.rglob("*.npy")) < size
    assert answers(folder, "AAD", encoder) == wanted
    assert_frame_equal(Index.open(folder).records, index.records)
    add_to_index(folder, MORE[:1], encoder)  # what was removed can come back
    assert Index.open(folder).info.counts["records"] == 5


def test_the_same_weights_with_another_window_are_another_model(tmp_path, letter_encoder, proteins, caplog):
    first, second, other = (f"v2-{32 * weights}-{32 * window}" for weights, window in ("ab", "ac", "db"))
    folder = tmp_path / "index"
    build_index(proteins, letter_encoder(first), folder, model_name="m")
    with pytest.raises(ModelError, match="not with this one .which has its weights, but another tokenizer, window or"):
        add_to_index(folder, MORE, letter_encoder(second))
    with pytest.raises(ModelError, match=r"not with this one \(v2-ddddddddd…\)"):
        Searcher(Index.open(folder), letter_encoder(other))
    assert Searcher(Index.open(folder), letter_encoder(first)).search("A", query_type="sequence")
    assert caplog.messages == []


def test_an_index_built_before_fingerprints_covered_all_is_held_against_the_weights(
    tmp_path, letter_encoder, proteins, caplog
):
    before, now, other = 64 * "a", f"v2-{32 * 'a'}-{32 * 'b'}", f"v2-{32 * 'c'}-{32 * 'b'}"
    folder = tmp_path / "index"
    build_index(proteins, letter_encoder(before), folder, model_name="m")
    assert Searcher(Index.open(folder), letter_encoder(now)).search("A", query_type="sequence")
    [message] = caplog.messages
    assert "its fingerprint is of an earlier kind" in message
    add_to_index(folder, MORE, letter_encoder(now))
    assert Index.open(folder).info.model_sha256 == before, "what is not known is not claimed"
    with pytest.raises(ModelError, match="not with this one"):
        Searcher(Index.open(folder), letter_encoder(other))


def test_bad_changes(folder, letter_encoder, proteins):
    with pytest.raises(ModelError, match=r"built with the model m \(fingerprint letters…\), not with this one"):
        add_to_index(folder, MORE, letter_encoder("others"))
    with pytest.raises(NothingFoundError, match="no proteins to add"):
        add_to_index(folder, MORE[:0], letter_encoder())
    with pytest.raises(FileFormatError, match="column 'mass' holds String, and Float64 so far"):
        add_to_index(folder, MORE.with_columns(mass=pl.lit("heavy")), letter_encoder(), source=())
    with pytest.raises(OptionError, match="id = 'P7': not in this index"):
        remove_from_index(folder, ids=["P1", "P7"])
    with pytest.raises(NothingFoundError, match="nothing is removed"):
        remove_from_index(folder, where="length > 99")
    with pytest.raises(NothingFoundError, match="all 4 records would go"):
        remove_from_index(folder, where="true")
    assert_frame_equal(Index.open(folder).records, proteins)
    names = [".lock", MARKER, "index.json", "segment-1", "words-1.sqlite"]
    assert sorted(path.name for path in folder.iterdir()) == names


def test_numbers_that_are_none_do_not_cost_a_record(tmp_path, letter_encoder):
    """Only one of the four has a kcat above 100."""
    table = pl.DataFrame(
        {
            "id": ["P1", "P2", "P3", "P4"],
            "sequence": ["AAC", "DDD", "ACD", "CCA"],
            "kcat": [float("nan"), 150.0, float("inf"), 7.0],
        }
    )
    build_index(table, letter_encoder(), tmp_path / "index", model_name="m")
    assert remove_from_index(tmp_path / "index", where="kcat > 100") == 1
    assert Index.open(tmp_path / "index").records["id"].to_list() == ["P1", "P3", "P4"]
    with pytest.raises(NothingFoundError, match="nothing is removed"):
        remove_from_index(tmp_path / "index", where="not kcat < 100")


sequences = st.text(alphabet="ACD", min_size=1, max_size=3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(sequences, min_size=1, max_size=4)),
        st.tuples(st.just("remove"), st.integers(0, 30)),
        st.tuples(st.just("compact"), st.none()),
    ),
    min_size=1,
    max_size=4,
)


@given(steps=steps)
@settings(max_examples=8, deadline=None)
def test_any_changes_give_the_index_that_is_built_at_once(tmp_path_factory, letter_encoder, steps):
    folder, encoder = tmp_path_factory.mktemp("changes"), letter_encoder()
    table = pl.DataFrame({"id": ["P0"], "sequence": ["CA"], "text": [None]}, schema_overrides={"text": pl.String})
    build_index(table, encoder, folder / "index", model_name="m")
    number = 0
    for step, what in steps:
        if step == "add":
            names = [f"P{(number := number + 1)}" for _ in what]
            more = pl.DataFrame({"id": names, "sequence": what, "text": [f"text {each}" for each in what]})
            add_to_index(folder / "index", more, encoder)
            table = pl.concat([table, more])
        elif step == "remove" and len(table) > 1:
            name = table["id"][what % len(table)]
            remove_from_index(folder / "index", ids=[name])
            table = table.filter(pl.col("id") != name)
        elif step == "compact":
            compact_index(folder / "index")
    build_index(table, encoder, folder / "whole", model_name="m")
    changed, whole = Index.open(folder / "index"), Index.open(folder / "whole")
    assert_frame_equal(changed.records, whole.records)
    assert changed.info.counts == whole.info.counts
    for want in whole.info.modalities:
        asked = encode_unit(encoder, ["CAD"], task="sequence")
        for found, wanted in zip(*(each.nearest(asked, want=want, k=3) for each in (changed, whole)), strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_an_engine_is_made_extended_and_made_anew(tmp_path, letter_encoder, monkeypatch):
    monkeypatch.setattr(approximate, "EXACT", 40)
    letters = "ACDEFGHIKLMNPQRSTVWY"
    names = [a + b + c * 3 for a in letters for b in letters for c in "ADK"]
    table = pl.DataFrame({"id": names, "sequence": names, "text": [None] * len(names)}, schema_overrides={"text": str})
    encoder, folder = letter_encoder(), tmp_path / "index"

    def engine():
        index = Index.open(folder)
        return {name: len(each.lists) for name, each in index.engines.items()}, index

    build_index(table[:30], encoder, folder, model_name="m")
    assert engine()[0] == {}
    sizes = []
    for start, stop in ((30, 60), (60, 90), (90, 110), (110, 900)):
        add_to_index(folder, table[start:stop], encoder)
        sizes.append(engine()[0].get("sequence"))
    assert sizes[0] is not None
    index = engine()[1]
    assert len(list(folder.glob("*.faiss"))) == 1
    found = [
        index.nearest(index.vectors("sequence", np.array([row])), want="sequence", k=1)[0][0, 0]
        for row in range(0, 900, 60)
    ]
    assert min(found) > 0.999
    remove_from_index(folder, where="length < 5 or id like 'A%'")
    _, rows = engine()[1].nearest(index.vectors("sequence", np.array([0])), want="sequence", k=5)
    assert all(not name.startswith("A") for name in Index.open(folder).take(rows[0])["id"])
