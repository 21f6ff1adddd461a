import json

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient

from protrek_hm.errors import InputError
from protrek_hm.index import build_index
from protrek_hm.search import Searcher
from protrek_hm.search.config import ScanConfig
from protrek_hm.search.hits import NOT_EXACT, Answer, identity_and_difference
from protrek_hm.search.reading import Cut
from protrek_hm.search.scan import scan
from protrek_hm.serve import ServeConfig, create_app
from protrek_hm.serve.schemas import BatchRequest


def search(client, **request):
    return client.post("/v1/search", json=request)


def test_a_search_has_families_with_hits_and_the_background(client, searcher):
    answer = search(client, query="DDC", k=3)
    assert answer.status_code == 200
    content = answer.json()
    assert (content["query"], content["by"], content["want"]) == ("DDC", "text", "sequence")
    [hits] = searcher.search("DDC", k=5)
    answered = [hit for family in content["families"] for hit in family["hits"]]
    assert len(content["families"]) == 3
    for hit in answered:
        wanted = hits[hit["rank"] - 1]
        compared = {name: hit[name] for name in ("identity", "differences", "changes")}
        matched = {"words": list(wanted.matched.words), "meaning": wanted.matched.meaning, "by_relatives": []}
        assert hit == {**vars(wanted), **compared, "matched": matched, "record": hit["record"]}
        assert hit["record"]["sequence"] == wanted.record["sequence"]
    assert sum(content["background"]["counts"]) == 5
    assert len(content["background"]["edges"]) == len(content["background"]["counts"]) + 1


def test_a_protein_without_a_text_names_the_relatives_that_speak_for_it(tmp_path, letter_encoder):
    sequences = ["MSIQHFRVALIPFFAAFCLPVFAHPETLVK", "MSIQHFRVALIPFFAAYCLPVFAHPETLVW"]
    table = pl.DataFrame({"id": ["TEM-1", "TEM-x"], "sequence": sequences, "text": ["Destroys penicillins.", None]})
    build_index(table, letter_encoder(), tmp_path / "index", model_name="m")
    searcher = Searcher.open(tmp_path / "index", model=letter_encoder())

    def matched(client, **given):
        families = search(client, query="penicillins", group=False, **given).json()["families"]
        return {hit["id"]: hit["matched"] for family in families for hit in family["hits"]}

    with TestClient(create_app(searcher, ServeConfig()), base_url="http://127.0.0.1") as client:
        own = {"words": ["penicillins"], "meaning": None}
        said = {"id": "TEM-1", "identity": 28 / 30, "text": "Destroys penicillins."}
        nothing = {"words": [], "meaning": None, "by_relatives": []}
        assert matched(client) == {
            "TEM-1": {**own, "by_relatives": []},
            "TEM-x": {**nothing, "by_relatives": [{**said, **own}]},
        }
        assert matched(client, relatives=False)["TEM-x"] == nothing


def test_twins_share_a_family_unless_told_otherwise(client):
    families = search(client, query="AACCDD", by="sequence").json()["families"]
    assert [hit["id"] for hit in families[0]["hits"]] == ["P2", "P1"]
    families = search(client, query="AACCDD", by="sequence", group=False).json()["families"]
    assert [[hit["id"] for hit in family["hits"]] for family in families[:2]] == [["P2"], ["P1"]]


def test_numbers_that_are_none_are_null(client):
    families = search(client, query="AAW", by="sequence", group=False).json()["families"]
    weights = {family["hits"][0]["id"]: family["hits"][0]["record"]["weight"] for family in families}
    assert weights == {"P1": 1.5, "P2": None, "P3": None, "P4": None, "P5": 2.0}


def test_a_batch_answers_each_query_as_alone(client):
    queries = ["AAC", "DDW", "KRK"]
    answer = client.post("/v1/batch", json={"queries": queries, "by": "sequence", "k": 2})
    assert answer.json()["results"] == [search(client, query=query, by="sequence", k=2).json() for query in queries]


def test_a_condition_chooses_records(client):
    families = search(client, query="AC", where="organism = 'Homo sapiens' or length > 1000").json()["families"]
    assert [hit["id"] for family in families for hit in family["hits"]] == ["P3"]


def test_scores_are_the_cosines_of_every_text_with_every_sequence(client):
    answer = client.post("/v1/score", json={"texts": ["A", "CC"], "sequences": ["AAC", "AAAA", "KC"]}).json()
    wanted = [[2 / 5**0.5, 1, 0], [1 / 5**0.5, 0, 0.5**0.5]]
    assert answer["scores"] == [pytest.approx(row, abs=1e-6) for row in wanted]
    assert answer["temperature"] == 0.05


def test_two_proteins_are_explained(client):
    answer = client.post("/v1/explain", json={"text": "GG", "a": "P1", "b": "P2"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["text"] == "GG"


def test_the_index_says_what_it_holds(client, index_folder):
    answer = client.get("/v1/index").json()
    assert answer["model"] == "user/model"
    assert answer["modalities"] == ["sequence", "text"]
    assert answer["counts"]["records"] == 5
    assert answer["sources"] == []
    assert {"name": "organism", "type": "String"} in answer["columns"]
    assert answer["limits"]["max_k"] == 1000
    assert str(index_folder.parent) not in str(answer)


def test_health_and_counts(client):
    search(client, query="A")
    search(client, query=" ")
    client.get("/nowhere")
    assert client.get("/healthz").json() == {"status": "ok"}
    page = client.get("/metrics").text
    assert 'protrek_hm_requests_total{method="POST",route="/v1/search",status="200"} 1.0' in page
    assert 'protrek_hm_requests_total{method="POST",route="/v1/search",status="400"} 1.0' in page
    assert 'protrek_hm_requests_total{method="GET",route="other",status="404"} 1.0' in page
    assert "protrek_hm_batch_size_count 1.0" in page


@pytest.mark.parametrize(
    ("path", "request_", "status", "field", "message"),
    [
        ("search", {}, 422, "query", "Field required"),
        ("search", {"query": "A", "key": 1}, 422, "key", "unknown field"),
        ("search", {"query": "A", "k": 0}, 422, "k", "greater than or equal to 1"),
        ("search", {"query": "A", "k": 1001}, 400, "k", "must be at most 1,000"),
        ("search", {"query": "A", "by": "name"}, 422, "by", "'sequence'"),
        ("search", {"query": " "}, 400, "query", "is empty"),
        ("search", {"query": "MK1", "by": "sequence"}, 400, "query", "letter '1' at position 3"),
        ("search", {"query": "A" * 10_001}, 400, "query", "more than 10,000"),
        ("search", {"query": "A", "want": "structure"}, 400, "want", "this index holds sequence, text"),
        ("search", {"query": "A", "where": "colour = 'red'"}, 400, "where", "colour"),
        ("search", {"query": "A", "where": "a" * 2001}, 422, "where", "at most 2000 characters"),
        ("batch", {"queries": []}, 422, "queries", "at least 1 item"),
        ("batch", {"queries": ["A", 3]}, 422, "queries[1]", "valid string"),
        ("batch", {"queries": ["A"] * 257}, 400, "queries", "257 at once, more than 256"),
        ("batch", {"queries": ["A"] * 50, "k": 401}, 400, "k", "at most 400 for 50 queries"),
        ("batch", {"queries": ["A", "C" * 10_001]}, 400, "queries[1]", "more than 10,000"),
        ("batch", {"queries": ["A", " "]}, 400, "queries[1]", "is empty"),
        ("score", {"texts": ["A"], "sequences": ["A", "1"]}, 400, "sequences[1]", "not an amino acid"),
        ("explain", {"text": "A", "a": "P1", "b": "P77"}, 400, "b", "P77"),
        ("family", {"proteins": ["P1", "P77"]}, 400, "proteins[1]", "P77"),
        ("family", {"proteins": ["P1"]}, 422, "proteins", "at least 2"),
        ("scan", {"text": "A", "protein": "P77"}, 400, "protein", "P77"),
        ("scan", {"text": " ", "protein": "P1"}, 400, "text", "is empty"),
        ("scan", {"text": "A", "protein": "P1", "from_text": ""}, 422, "from_text", "at least 1 item"),
        ("scan", {"text": "A", "protein": "P1", "from_text": " A "}, 400, "from_text", "is the text that it leads to"),
        ("scan", {"text": "A", "protein": "P1", "region": [5, 11]}, 400, "region", "has 10 residues"),
        ("scan", {"text": "A", "protein": "P1", "region": [0, 3]}, 400, "region", "begins with residue 1"),
        ("scan", {"text": "A", "protein": "P1", "region": [1]}, 422, "region[1]", "Field required"),
        ("scan", {"text": "A", "protein": "P1", "signals": []}, 422, "signals", "at least 1 item"),
        ("scan", {"text": "A", "protein": "P1", "signals": ["head"]}, 400, "signals", "holds no twin head"),
        ("scan", {"text": "A", "protein": "A" * 2_000}, 400, "region", "38,000 variants, more than 1,000"),
    ],
)
def test_what_is_wrong_is_told_with_its_field_and_a_remedy(client, path, request_, status, field, message):
    answer = client.post(f"/v1/{path}", json=request_)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["field"] == field
    assert message in error["message"]
    assert error["remedy"]


def test_other_bodies_and_addresses_are_refused(client):
    for answer, status in (
        (client.post("/v1/search", content=b"{", headers={"content-type": "application/json"}), 400),
        (client.post("/v1/search", content=b"\xff\xfe", headers={"content-type": "application/json"}), 400),
        (client.post("/v1/search", content=b'{"query": "A"}', headers={"content-type": "text/plain"}), 422),
        (client.post("/v1/search", content=b"[" * 100_000, headers={"content-type": "application/json"}), 400),
        (client.get("/v1/search"), 405),
        (client.get("/v1/nothing"), 404),
        (client.get("/../../etc/passwd"), 404),
    ):
        assert answer.status_code == status, answer.text
        assert set(answer.json()["error"]) == {"field", "message", "remedy"}


@pytest.fixture
def short_model(searcher, monkeypatch):
    """As if the model read three letters."""

    def cuts(self, queries, *, query_type):
        return [
            Cut(len(each), 3, "residues" if query_type == "sequence" else "tokens") if len(each) > 3 else None
            for each in queries
        ]

    def tell(_, inputs, *, task):
        return f"some {task} is longer" if max(map(len, inputs)) > 3 else None

    monkeypatch.setattr(type(searcher), "cuts", cuts)
    monkeypatch.setattr("protrek_hm.serve.service.tell_cuts", tell)


@pytest.mark.usefixtures("short_model")
def test_a_query_that_the_model_cuts_is_told(client):
    told = "the model reads residues 1 to 3 of 5; what lies behind them plays no part in its score"
    assert search(client, query="AACCD", by="sequence").json()["notes"] == [told]
    assert search(client, query="AAC", by="sequence").json()["notes"] == []
    results = client.post("/v1/batch", json={"queries": ["AAC", "AACCD", "AAC"], "by": "sequence"}).json()["results"]
    assert [each["notes"] for each in results] == [[], [told], []]
    scored = client.post("/v1/score", json={"texts": ["AAC"], "sequences": ["AACCD"]}).json()
    assert scored["notes"] == ["some sequence is longer"]
    assert client.post("/v1/score", json={"texts": ["A"], "sequences": ["C"]}).json()["notes"] == []


def test_an_answer_that_is_not_exact_says_so_and_one_that_is_can_be_had(client, searcher, monkeypatch):
    asked = []

    def rank(self, vectors, **options):
        asked.append(self)
        return [Answer([], exact=self is not searcher) for _ in vectors]

    monkeypatch.setattr(type(searcher), "rank", rank)
    told = NOT_EXACT.replace("--exact", "exact: true")
    assert search(client, query="AAC", signals=["model"]).json()["notes"] == [told]
    assert search(client, query="AAC", exact=True, signals=["model"]).json()["notes"] == []
    assert asked == [searcher, searcher.exact]


def test_few_families_have_the_members_that_the_command_line_shows(client, searcher, monkeypatch):
    fetched = []

    def rank(self, vectors, *, k, **_):
        fetched.append(k)
        return [Answer([]) for _ in vectors]

    monkeypatch.setattr(type(searcher), "rank", rank)
    for k in (1, 5, 20, 200):
        search(client, query="AAC", k=k, signals=["model"])
    assert fetched == [50, 50, 100, 500], "the first look for families, at most 500"


def test_fewer_families_than_there_may_be_are_told(client, monkeypatch):
    monkeypatch.setattr("protrek_hm.serve.service._MOST_GROUPED", 2)
    answer = search(client, query="AACC", by="sequence", k=2).json()
    assert len(answer["families"]) == 1, "the two best are twins"
    assert answer["notes"] == ["only the 2 best hits were looked at: there may be more families"]
    assert search(client, query="AACC", by="sequence", k=1).json()["notes"] == []


def test_what_the_model_does_not_read_is_the_fault_of_the_request(client, letter_encoder, monkeypatch):
    def refuse(*_, task, **__):
        raise InputError(task, 1, "'\\x00'", "empty: there is nothing to read")

    monkeypatch.setattr(letter_encoder, "encode", refuse)
    answer = search(client, query="\0")
    assert answer.status_code == 400
    problem = {"field": "text", "message": "('\\x00'): empty: there is nothing to read"}
    assert answer.json()["error"] == {**problem, "remedy": "mend it or leave it out"}


HALF = "\\ud83d"  # as JSON writes the first half of a character beyond the first 65,536


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("search", '{"query": "A%s"}', "query"),
        ("search", '{"query": "A", "where": "id = \'%s\'"}', "where"),
        ("search", '{"query": "A", "by": "%s"}', "by"),
        ("search", '{"query": "A", "%s": 1}', "body"),
        ("batch", '{"queries": ["A", "%s"]}', "queries[1]"),
        ("score", '{"texts": ["A%s"], "sequences": ["A"]}', "texts[0]"),
        ("score", '{"texts": ["A"], "sequences": ["%s"]}', "sequences[0]"),
        ("explain", '{"text": "%s", "a": "P1", "b": "P2"}', "text"),
        ("explain", '{"text": "A", "a": "P1", "b": "%s"}', "b"),
        ("describe", '{"sequences": ["A%s"]}', "sequences[0]"),
    ],
)
def test_half_a_character_is_told_as_such(client, path, body, field):
    kind = {"content-type": "application/json"}
    answer = client.post(f"/v1/{path}", content=(body % HALF).encode(), headers=kind)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["field"] == field
    assert "half of a surrogate pair" in answer.json()["error"]["message"]
    whole = client.post(f"/v1/{path}", content=(body % "\\ud83d\\ude00").encode(), headers=kind)
    assert "surrogate" not in whole.text


def test_of_a_thousand_faults_one_is_told():
    with pytest.raises(ValueError, match="1 validation error"):
        BatchRequest.model_validate({"queries": list(range(1000))})
    with pytest.raises(ValueError, match="1 validation error"):
        BatchRequest.model_validate({"queries": ["A"], **{str(number): 0 for number in range(1000)}})


def test_members_of_a_family_are_compared_with_its_best_as_the_command_line_does(client):
    answer = client.post("/v1/search", json={"query": "AACCDDEEFF", "by": "sequence"}).json()
    best, member = answer["families"][0]["hits"]
    assert (best["identity"], best["differences"], best["changes"]) == (None, None, [])
    alike, said = identity_and_difference(best["record"]["sequence"], member["record"]["sequence"])
    assert (member["identity"], member["differences"], ", ".join(member["changes"])) == (alike, 1, said)
    assert answer["looked_at"] == 5
    assert answer["background"]["whole"] is True


def test_a_word_without_quotes_is_told_to_need_them(client):
    answer = client.post("/v1/search", json={"query": "A", "where": "organism = coli"})
    assert answer.json()["error"]["remedy"] == "choose one of them, or put text in single quotes: 'coli'"


def test_no_family_because_of_the_condition_is_told(client):
    answer = client.post("/v1/search", json={"query": "A", "where": "length < 3"}).json()
    assert answer["families"] == []
    assert answer["notes"] == ["no record with a sequence meets the condition; loosen it"]


def test_a_share_of_wrong_hits_that_cannot_be_promised_is_refused_with_the_reason(client):
    answer = search(client, query="AAC", fdr=0.1)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "fdr")
    assert "3 families to calibrate on, and this level needs 20" in answer.json()["error"]["message"]
    assert answer.json()["error"]["remedy"] == "leave it out"
    assert search(client, query="AAC", fdr=0.1, where="length > 3").json()["error"]["field"] == "fdr"
    assert search(client, query="AAC", fdr=1.5).status_code == 422


def test_every_substitution_is_scored(client, searcher):
    body = {"text": "GGF", "protein": "P1", "from_text": "AA", "region": [9, 10]}
    answer = client.post("/v1/scan", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    wanted = scan(searcher, "GGF", "P1", from_text="AA", config=ScanConfig((9, 10)))
    assert found == json.loads(json.dumps(wanted.as_dict()))
    assert (found["first"], found["last"], found["head"], len(found["model"])) == (9, 10, None, 2)
    assert found["known"] == [{"position": 10, "residue": "G", "ids": ["P2"]}]
    assert found["protein"] == {"id": "P1", "sequence": "AACCDDEEFF", "same": ["P1"]}
    assert "no twin head" in found["notes"][0]


def test_a_head_scans_what_the_model_would_take_too_long_for(connect, searcher):
    class Head:
        def read(self, texts):
            return np.zeros((len(texts), 2))

        def scan(self, text, protein, profile=None, residues=None):
            return np.arange(20.0)[None].repeat(len(residues), axis=0)

    client = connect(max_variants=40)
    assert client.get("/v1/index").json()["twin_head"] is False
    searcher.head = Head()
    assert client.get("/v1/index").json()["twin_head"] is True
    refused = client.post("/v1/scan", json={"text": "A", "protein": "P1"})
    assert refused.status_code == 400
    assert refused.json()["error"] == {
        "field": "region",
        "message": "190 variants, more than 40",
        "remedy": "name a region of at most 2 residues at a time, or use protrek-hm scan",
    }
    whole = client.post("/v1/scan", json={"text": "A", "protein": "P1", "signals": ["head"]}).json()
    assert (whole["model"], whole["ordered_by"]) == (None, "head")
    assert whole["head"] == [list(range(20))] * 10
