import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.errors import MissingFileError, ModelError, OptionError
from protrek_hm.index.build import build_index
from protrek_hm.index.encoder import encode_unit
from protrek_hm.search.searcher import Hit, Searcher

PROTEINS = pl.DataFrame(
    {
        "id": ["P1", "P2", "P1", "P3", "P4"],
        "sequence": ["AAC", "DDD", "AAC", "AAC", "CCCA"],
        "text": ["all A", "all D", "a kinase", "all D", None],
        "stage": ["train", None, None, None, "test"],
    }
)


@pytest.fixture(scope="module")
def searcher(tmp_path_factory, letter_encoder):
    folder = tmp_path_factory.mktemp("searcher") / "index"
    build_index(PROTEINS, letter_encoder(), folder, model_name="nowhere/model")
    return Searcher.open(folder, model=letter_encoder())


def test_hits_carry_rank_scores_and_record(searcher):
    [hits] = searcher.search("DDC", k=2)
    cosine = 6 / (5**0.5 * 3)
    assert [hit.id for hit in hits] == ["P2", "P4"]
    assert hits[0].rank == 1
    assert hits[0].score == pytest.approx(cosine, abs=1e-6)
    assert hits[0].protrek_score == pytest.approx(cosine / 0.05, abs=1e-4)
    assert hits[0].record == {"id": "P2", "sequence": "DDD", "text": "all D", "stage": None}


def test_a_protein_of_several_rows_is_one_hit_and_others_with_its_sequence_follow(searcher):
    [hits] = searcher.search("caa", by="sequence", k=10)
    assert [(hit.rank, hit.id) for hit in hits] == [(1, "P1"), (2, "P3"), (3, "P4"), (4, "P2")]
    assert hits[0].score == hits[1].score == pytest.approx(1.0)
    assert hits[0].record["text"] == "all A"


def test_a_text_of_several_proteins_is_one_hit(searcher):
    [hits] = searcher.search("DDD", by="sequence", want="text")
    assert [hit.record["text"] for hit in hits] == ["all D", "all A", "a kinase"]  # the last two tie at 0
    assert hits[0].id == "P2"


def test_several_queries_give_the_answers_of_each(searcher):
    queries = ["AC", "D", "KIN"]
    assert searcher.search(queries, k=3) == [searcher.search(query, k=3)[0] for query in queries]
    assert searcher.search([]) == []


def test_only_records_that_meet_the_condition(searcher):
    [hits] = searcher.search("A", by="sequence", where="length = 3 and stage is null")
    assert [hit.id for hit in hits] == ["P1", "P3", "P2"]
    assert hits[0].record["text"] == "a kinase"  # the first row of P1 has a stage
    assert searcher.search("A", where="length > 9") == [[]]


def test_p_and_e_are_those_of_the_whole_index(searcher):
    [hits] = searcher.search("AC", by="sequence", k=4)
    assert [hit.p_value for hit in hits] == [1 / 3, 1 / 3, 2 / 3, 1.0]  # of three vectors: AAC, CCCA, DDD
    assert [hit.e_value for hit in hits] == [3 * hit.p_value for hit in hits]
    [filtered] = searcher.search("AC", by="sequence", where="id = 'P4'")
    assert filtered[0].p_value == 2 / 3
    assert all(hit.probability is None for hit in hits)


def test_a_background_is_sorted_and_of_the_index(searcher):
    vectors = searcher.encode(["AAC", "D"], by="sequence")
    found = searcher.background(vectors, want="sequence")
    assert found.tolist() == [pytest.approx([0, 5 / 50**0.5, 1]), pytest.approx([0, 0, 1])]


sequences = st.text(alphabet="ACD", min_size=1, max_size=4)


@given(
    table=st.lists(st.tuples(st.sampled_from("pqrst"), sequences), min_size=1, max_size=15),
    query=sequences,
    k=st.integers(1, 20),
)
@settings(max_examples=60, deadline=None)
def test_agrees_with_ranking_all_records(tmp_path_factory, letter_encoder, table, query, k):
    proteins = pl.DataFrame(
        {"id": [name + sequence for name, sequence in table], "sequence": [sequence for _, sequence in table]}
    )
    folder = tmp_path_factory.mktemp("random") / "index"
    build_index(proteins, letter_encoder(), folder, model_name="m")
    [hits] = Searcher.open(folder, model=letter_encoder()).search(query, by="sequence", k=k)

    encoded = encode_unit(letter_encoder(), [query, *proteins["sequence"]], task="sequence").astype(np.float64)
    cosines = np.minimum(np.einsum("ij,ij->i", np.repeat(encoded[:1], len(table), axis=0), encoded[1:]), 1)
    firsts = [i for i, name in enumerate(proteins["id"]) if name not in proteins["id"][:i].to_list()]
    wanted = sorted(firsts, key=lambda i: (-cosines[i], i))[:k]
    assert [hit.id for hit in hits] == [proteins["id"][i] for i in wanted]
    assert [hit.score for hit in hits] == [cosines[i] for i in wanted]
    assert [hit.rank for hit in hits] == list(range(1, len(wanted) + 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"query": " "}, "is empty"),
        ({"query": "MK1", "by": "sequence"}, "letter '1' at position 3"),
        ({"query": "A", "k": 0}, "k = 0: must be at least 1"),
        ({"query": "A", "by": "name"}, "by = 'name'"),
        ({"query": "A", "want": "structure"}, "this index holds sequence, text"),
    ],
)
def test_bad_questions(searcher, options, message):
    with pytest.raises(OptionError, match=message):
        searcher.search(**options)


def test_another_model_is_refused(tmp_path, letter_encoder):
    build_index(PROTEINS, letter_encoder(), tmp_path / "index", model_name="tuned")
    with pytest.raises(ModelError, match=r"built with the model tuned \(weights letters…\), not with this one"):
        Searcher.open(tmp_path / "index", model=letter_encoder("others"))


def test_a_model_that_has_moved_is_named(tmp_path, letter_encoder):
    (tmp_path / "tuned").mkdir()
    build_index(PROTEINS, letter_encoder(), tmp_path / "index", model_name=str(tmp_path / "tuned"))
    (tmp_path / "tuned").rename(tmp_path / "elsewhere")
    with pytest.raises(MissingFileError, match=r"tuned: no such file or folder; .*index was built with .* -m"):
        Searcher.open(tmp_path / "index")


def test_hits_are_frozen():
    with pytest.raises(AttributeError):
        Hit(1, "P1", 0.5, 10.0, None, 0.1, 0.2, {}).rank = 2
