import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.errors import MissingFileError, ModelError, OptionError
from protrek_hm.index import approximate
from protrek_hm.index.build import build_index
from protrek_hm.index.encoder import encode_unit
from protrek_hm.model import ModelConfig, ProTrek, TowerConfig
from protrek_hm.search.hits import NOT_EXACT, Hit
from protrek_hm.search.searcher import SearchConfig, Searcher

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
    [hits] = searcher.search("DDC", k=2, signals=("model",))
    cosine = 6 / (5**0.5 * 3)
    assert [hit.id for hit in hits] == ["P2", "P4"]
    assert hits[0].rank == 1
    assert hits[0].score == pytest.approx(cosine, abs=1e-6)
    assert hits[0].protrek_score == pytest.approx(cosine / 0.05, abs=1e-4)
    assert hits[0].record == {"id": "P2", "sequence": "DDD", "text": "all D", "stage": None}


def test_a_protein_of_several_rows_is_one_hit_and_others_with_its_sequence_follow(searcher):
    [hits] = searcher.search("caa", query_type="sequence", k=10)
    assert [(hit.rank, hit.id) for hit in hits] == [(1, "P1"), (2, "P3"), (3, "P4"), (4, "P2")]
    assert hits[0].score == hits[1].score == pytest.approx(1.0)
    assert hits[0].record["text"] == "all A"


def test_a_text_of_several_proteins_is_one_hit(searcher):
    [hits] = searcher.search("DDD", query_type="sequence", target_type="text")
    assert [hit.record["text"] for hit in hits] == ["all D", "all A", "a kinase"]  # the last two tie at 0
    assert hits[0].id == "P2"


def test_several_queries_give_the_answers_of_each(searcher):
    queries = ["AC", "D", "KIN"]
    assert searcher.search(queries, k=3) == [searcher.search(query, k=3)[0] for query in queries]
    assert searcher.search([]) == []


def test_only_records_that_meet_the_condition(searcher):
    [hits] = searcher.search("A", query_type="sequence", where="length = 3 and stage is null")
    assert [hit.id for hit in hits] == ["P1", "P3", "P2"]
    assert hits[0].record["text"] == "a kinase"  # the first row of P1 has a stage
    assert searcher.search("A", where="length > 9") == [[]]


def test_p_and_e_are_those_of_the_whole_index(searcher):
    [hits] = searcher.search("AC", query_type="sequence", k=4)
    assert [hit.p_value for hit in hits] == [1 / 3, 1 / 3, 2 / 3, 1.0]  # of three vectors: AAC, CCCA, DDD
    assert [hit.e_value for hit in hits] == [3 * hit.p_value for hit in hits]
    [filtered] = searcher.search("AC", query_type="sequence", where="id = 'P4'")
    assert filtered[0].p_value == 2 / 3
    assert all(hit.probability is None for hit in hits)


def test_a_background_is_sorted_and_of_the_index(searcher):
    vectors = searcher.encode(["AAC", "D"], query_type="sequence")
    found = searcher.background(vectors, target_type="sequence")
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
    [hits] = Searcher.open(folder, model=letter_encoder()).search(query, query_type="sequence", k=k)

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
        ({"query": "MK1", "query_type": "sequence"}, "letter '1' at position 3"),
        ({"query": "A", "k": 0}, "k = 0: must be at least 1"),
        ({"query": "A", "query_type": "name"}, "by = 'name'"),
        ({"query": "A", "target_type": "structure"}, "this index holds sequence, text"),
    ],
)
def test_bad_questions(searcher, options, message):
    with pytest.raises(OptionError, match=message):
        searcher.search(**options)


def test_another_model_is_refused(tmp_path, letter_encoder):
    build_index(PROTEINS, letter_encoder(), tmp_path / "index", model_name="tuned")
    with pytest.raises(ModelError, match=r"built with the model tuned \(fingerprint letters…\), not with this one"):
        Searcher.open(tmp_path / "index", model=letter_encoder("others"))


def test_a_model_that_reads_otherwise_under_the_same_name_is_refused(tmp_path, letter_encoder):
    """As by another tokenizer that no fingerprint covers, or a processor that computes wrong."""

    class Reversed(letter_encoder):
        def encode(self, inputs, /, **options):
            return super().encode(inputs, **options)[:, ::-1]

    build_index(PROTEINS, letter_encoder(), tmp_path / "index", model_name="tuned")
    Searcher.open(tmp_path / "index", model=letter_encoder())
    with pytest.raises(ModelError, match=r"another vector for the \w+ of \w+ than the index holds \(cosine 0\.\d+\)"):
        Searcher.open(tmp_path / "index", model=Reversed())


def test_a_model_that_has_moved_is_named(tmp_path, letter_encoder):
    (tmp_path / "tuned").mkdir()
    build_index(PROTEINS, letter_encoder(), tmp_path / "index", model_name=str(tmp_path / "tuned"))
    (tmp_path / "tuned").rename(tmp_path / "elsewhere")
    with pytest.raises(MissingFileError, match=r"tuned: no such file or folder; .*index was built with .* -m"):
        Searcher.open(tmp_path / "index")


def test_hits_are_frozen():
    with pytest.raises(AttributeError):
        Hit(1, "P1", 0.5, 10.0, None, 0.1, 0.2, {}).rank = 2


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """An index that counts as large: 600 proteins of 30 letters in families of three, and an engine."""
    rng = np.random.default_rng(3)
    letters = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
    heads = ["".join(rng.choice(letters, 30)) for _ in range(200)]
    sequences = [head[:at] + "A" + head[at + 1 :] for head in heads for at in (0, 10, 20)]
    numbers = range(len(sequences))
    table = pl.DataFrame({"id": [f"P{n}" for n in numbers], "sequence": sequences, "number": list(numbers)})
    folder = tmp_path_factory.mktemp("large") / "index"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(approximate, "EXACT", 50)
        build_index(table, LetterPairs(), folder, model_name="nowhere/model")
        yield Searcher.open(folder, model=LetterPairs())


class LetterPairs:
    """Each sequence is a direction of its own: a random one for each letter and place, added."""

    temperature, tasks, fingerprint = 0.05, ("sequence",), lambda self: "pairs"
    directions = np.random.default_rng(0).normal(size=(128, 128, 32))

    def encode(self, inputs, /, **_):
        return np.stack([sum(self.directions[n, ord(letter)] for n, letter in enumerate(each)) for each in inputs])


@pytest.mark.parametrize("where", [None, "number % 3 > 0", "number < 70"])
@pytest.mark.parametrize("k", [1, 10, 99, 100, 101, 600, 10**9])
def test_above_the_exact_size_there_are_as_many_hits_as_were_asked_for(large, k, where):
    query = large.index.records["sequence"][4]
    allowed = {None: 600, "number % 3 > 0": 400, "number < 70": 70}[where]
    [hits] = large.search(query, query_type="sequence", k=k, where=where)
    [wanted] = large.exact.search(query, query_type="sequence", k=k, where=where)
    assert large.index.engines
    assert len(hits) == len(wanted) == min(k, allowed)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert wanted.exact
    assert hits.exact or NOT_EXACT in hits.notes
    shared = {hit.id: hit.score for hit in hits}
    assert all(shared.get(hit.id, hit.score) == hit.score for hit in wanted)
    assert sum(hit.id in shared for hit in wanted) >= 0.9 * len(wanted)
    if k > 100:
        assert hits == wanted, "so many are compared exactly"


def families_of(searcher, query, query_type="sequence", **options):
    return searcher.answer([query], SearchConfig(query_type, group=True, **options))


@pytest.mark.parametrize("where", [None, "number % 2 = 0"])
def test_families_are_filled_above_the_exact_size(large, where):
    [families] = families_of(large, large.index.records["sequence"][4], k=150, where=where)
    assert len(families) == 150
    [families] = families_of(large, large.index.records["sequence"][4], k=300, where=where)
    assert len(families) == 200
    assert sum(len(each.hits) for each in families) == (600 if where is None else 300)


@pytest.mark.parametrize(
    ("query", "by", "told"),
    [
        ("MKTAYIAKQRQISFVKSHFSRQLEER", "sequence", "the model reads residues 1 to 18 of 26; "),
        ("m kta yia kqr qis fvk shf s", "sequence", "the model reads residues 1 to 18 of 20; "),
        ("MKTAYIAKQRQISFVKSH*", "sequence", None),
        ("cleaves " * 19, "text", "the model reads tokens 1 to 18 of 19; "),
        ("cleaves " * 18, "text", None),
        ("é" * 18, "text", None),
    ],
)
def test_an_answer_says_what_the_model_did_not_read_of_the_query(reader, query, by, told):
    [hits], [families] = reader.search(query, query_type=by), families_of(reader, query, query_type=by)
    for answer in (hits, families):
        assert len(answer) == 2
        assert [note.startswith(told) for note in answer.notes if "reads" in note] == ([True] if told else [])
    assert (hits.cut is None) == (told is None)
    [hits] = reader.search(query, query_type=by, signals=("model",))
    assert hits == reader.rank(reader.encode([query], query_type=by), query_type=by)[0]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A real model that reads 18 residues or tokens, and an index of its own."""
    tower = TowerConfig(layers=1, hidden=16, heads=2, max_tokens=20)
    config = ModelConfig(sequence=tower, text=tower, structure=None, dimension=8, vocabulary=120)
    model = ProTrek.build(config, texts=["cleaves citrate"], device="cpu")
    folder = tmp_path_factory.mktemp("reader") / "index"
    proteins = pl.DataFrame({"id": ["P1", "P2"], "sequence": ["MKV", "WWWWWW"], "text": ["cleaves", "citrate"]})
    build_index(proteins, model, folder, model_name="nowhere/model")
    return Searcher.open(folder, model=model)
