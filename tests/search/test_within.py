import numpy as np
import polars as pl
import pytest
import torch

from protrek_hm.errors import OptionError
from protrek_hm.index import IndexConfig, build_index
from protrek_hm.model.twin_head import HeadConfig, TwinHead
from protrek_hm.search import SearchConfig, Searcher
from protrek_hm.search.describe import BY_RELATIVES, describe
from protrek_hm.search.explain import explain
from protrek_hm.search.hits import Hit
from protrek_hm.search.relatives import RelativesConfig
from protrek_hm.search.signals import Question
from protrek_hm.search.within import Within

BASE = "MKTAYIAKQRQISFVKSHFSRQDDILGHRNTEYLPAV"
IRON, SUGAR = "Carries iron into cells.", "Splits sugars of cell walls."


def mutant(*changes):
    letters = list(BASE)
    for place, letter in changes:
        letters[place] = letter
    return "".join(letters)


def relatives(count):
    """Members of a family: W in place of residue 20 carries iron, C splits sugars; elsewhere they differ at random."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        place, letter = int(rng.integers(24, len(BASE))), "ACDEFGHIKL"[number % 10]
        sequence = mutant((20, "WC"[number % 2]), (place, letter))
        rows.append((f"R{number}", sequence, (IRON, SUGAR)[number % 2]))
    return rows


UNKNOWN = [("W-dark", mutant((20, "W"), (5, "V")), None), ("C-dark", mutant((20, "C"), (5, "V")), None)]
STRANGERS = [("S1", "GGGGSSSSGGGGSSSSPPPP", "Makes silk."), ("S2", "NNNNQQQQNNNNQQQQTTTT", None)]


def searcher_of(rows, folder, encoder, head=None):
    proteins = pl.DataFrame(rows, schema=["id", "sequence", "text"], orient="row").unique("sequence", keep="first")
    build_index(proteins.sort("id"), encoder, folder / "index", IndexConfig(meaning=True), model_name="m")
    found = Searcher.open(folder / "index", model=encoder)
    found.head = head
    return found


@pytest.fixture(scope="module")
def searcher(tmp_path_factory, letter_encoder):
    rows = [*relatives(40), *UNKNOWN, *STRANGERS]
    return searcher_of(rows, tmp_path_factory.mktemp("within"), letter_encoder())


def dark(family):
    return [hit.id for hit in family.hits if hit.id.endswith("dark")]


@pytest.mark.parametrize(("question", "first"), [("iron", "W-dark"), ("sugar splitting", "C-dark")])
def test_unlabelled_members_stand_as_their_relatives_suggest(searcher, question, first):
    [answer] = searcher.answer([question], SearchConfig(group=True, where="text is null"))
    family = next(each for each in answer if len(each.hits) > 1)
    assert family.best.id == first
    [ranked] = searcher.answer([question], SearchConfig(group=True, where="text is null", within=("model",)))
    before = next(each for each in ranked if len(each.hits) > 1)
    assert before.decided is None
    moved = before.best.id != first
    assert family.decided == ("relatives" if moved else None)
    assert any("labelled relatives" in note for note in answer.notes) == moved


@pytest.mark.parametrize("question", ["iron", "sugar splitting"])
def test_what_fits_stands_before_what_does_not_with_or_without_a_text(searcher, question):
    [answer] = searcher.answer([question], SearchConfig(group=True, k=1))
    ids = [hit.id for hit in answer[0].hits]
    fits, other = ("W-dark", "C-dark") if question == "iron" else ("C-dark", "W-dark")
    right = {f"R{n}" for n in range(question != "iron", 40, 2)} & set(ids)
    wrong = {each for each in ids if each.startswith("R")} - right
    assert max(map(ids.index, right)) < min(map(ids.index, wrong))
    assert ids.index(fits) < min(map(ids.index, wrong))
    assert ids.index(other) > max(map(ids.index, right))


def test_the_order_between_families_and_what_they_hold_stay(searcher):
    asked = {"group": True, "k": 5}
    [ordered] = searcher.answer(["iron"], SearchConfig(**asked))
    [ranked] = searcher.answer(["iron"], SearchConfig(**asked, within=("model",)))
    assert [{hit.id for hit in family.hits} for family in ordered] == [{hit.id for hit in f.hits} for f in ranked]
    by_id = {hit.id: hit for family in ranked for hit in family.hits}
    assert all(by_id[hit.id] == hit for family in ordered for hit in family.hits)


def test_a_family_whose_members_all_have_texts_stays_as_it_ranks(searcher):
    asked = {"group": True, "where": "text is not null"}
    [ordered] = searcher.answer(["iron"], SearchConfig(**asked))
    assert ordered == searcher.answer(["iron"], SearchConfig(**asked, within=("model",)))[0]


@pytest.mark.parametrize("asked", [{"signals": ("model",)}, {"query_type": "sequence"}])
def test_relatives_are_silent_where_no_text_is_asked_of_words_or_meaning(searcher, asked):
    question = "iron" if "signals" in asked else BASE
    ordered, ranked = (
        searcher.answer([question], SearchConfig(group=True, within=votes, **asked))
        for votes in (("model", "difference", "relatives"), ("model",))
    )
    assert ordered == ranked


@pytest.mark.parametrize(
    "known", [relatives(6), [(name, sequence, IRON) for name, sequence, _ in relatives(40)]], ids=["few", "one text"]
)
def test_nothing_to_learn_from_changes_nothing(known, tmp_path, letter_encoder):
    searcher = searcher_of([*known, *UNKNOWN], tmp_path, letter_encoder())
    ordered, ranked = (
        searcher.answer(["iron"], SearchConfig(group=True, within=votes)) for votes in (("relatives",), ("model",))
    )
    assert ordered == ranked


class Likes:
    """A head that prefers what holds more of a letter."""

    weight = 1.0

    def __init__(self, letter, speaks=1.0):
        self.letter, self.asked, self.spoken = letter, 0, speaks

    def speaks(self, texts):
        return np.full(len(texts), self.spoken)

    def read(self, texts):
        return np.array([[float(len(text))] for text in texts])

    def prefer(self, texts, a, b, *, references, relatives):
        assert len(texts) == len(a) == len(b) == len(references)
        assert len(relatives.starts) > 1
        self.asked += len(a)
        return np.array([float(x.count(self.letter) - y.count(self.letter)) * 9 for x, y in zip(a, b, strict=True)])


@pytest.mark.parametrize("letter", ["W", "C"])
def test_a_head_orders_twins_that_the_model_alone_ranks(searcher, letter):
    searcher.within.head = Likes(letter)
    try:
        asked = SearchConfig(group=True, where="text is null", signals=("model",))
        [answer] = searcher.answer(["KT"], asked)
        family = next(each for each in answer if len(each.hits) > 1)
        assert family.best.id == f"{letter}-dark"
        assert family.decided in ("difference", None)
        assert searcher.within.head.asked == 2
        searcher.within.head = Likes(letter, speaks=0.0)
        assert searcher.answer(["KT"], asked)[0][0].decided is None, "the question is not about a change"
        absent = SearchConfig(group=True, where="text is null", signals=("model",), within=("relatives",))
        assert searcher.answer(["KT"], absent)[0][0].decided is None
    finally:
        searcher.within.head = None


def test_relatives_are_labelled_near_and_not_those_left_out(searcher):
    rows = searcher.within.relatives(UNKNOWN[0][1])
    found = searcher.index.take(rows)
    assert found["text"].null_count() == 0
    assert set(found["id"]) == {name for name in searcher.index.records["id"] if name.startswith("R")}
    one = found["sequence"][0]
    assert one not in searcher.index.take(searcher.within.relatives(UNKNOWN[0][1], without=(one,)))["sequence"]
    fewer = Within(searcher.index, searcher.model, config=RelativesConfig(most=5))
    assert fewer.relatives(UNKNOWN[0][1]).tolist() == rows[:5].tolist()


@pytest.mark.parametrize("votes", [(), ("relatives", "luck")])
def test_unknown_votes_are_refused(votes):
    with pytest.raises(OptionError, match="within"):
        SearchConfig(within=votes)


def test_texts_of_one_protein_are_told_apart_by_its_relatives(searcher):
    for number, (_, sequence, _) in enumerate(UNKNOWN):
        fits = searcher.fits(sequence, [IRON, SUGAR])
        assert int(np.argmax([each.relatives for each in fits])) == number
        assert [each.text for each in fits] == [IRON, SUGAR]
    assert [each.relatives for each in searcher.fits("GGGGSSSSGGGG", [IRON, SUGAR])] == [0.0, 0.0]


def test_a_protein_is_described_by_what_its_relatives_suggest_and_not_by_its_own_text(searcher):
    for number, (_, sequence, _) in enumerate(UNKNOWN):
        [found] = describe(searcher, [sequence], k=2)
        assert [each.text for each in found.sections[BY_RELATIVES]][0] == (IRON, SUGAR)[number]
    own = searcher.index.records.filter(text=IRON)["sequence"][0]
    assert own not in searcher.index.take(searcher.within.relatives(own, without=(own,)))["sequence"]
    [stranger] = describe(searcher, [STRANGERS[0][1]])
    assert BY_RELATIVES not in stranger.sections


def test_twins_are_explained_by_the_votes_and_exchanging_them_changes_the_signs(searcher):
    (_, a, _), (_, b, _) = UNKNOWN
    one, other = explain(searcher, "iron", a, b), explain(searcher, "iron", b, a)
    assert one.votes["relatives"] > 0
    assert one.votes["relatives"] == pytest.approx(-other.votes["relatives"], rel=0.05)
    assert "most of all by what labelled relatives suggest" in one.notes[-1]
    assert "A would stand first" in one.notes[-1]
    assert "B would stand first" in other.notes[-1]
    assert explain(searcher, "iron", a, a).votes is None


def test_the_twin_head_of_a_model_is_asked_in_its_own_reading_of_the_text(searcher):
    torch.manual_seed(0)
    head = TwinHead(HeadConfig(hidden=4, directions=2, members=1), dimension=384, reader="any", weight=0.5).eval()
    stage = Within(searcher.index, searcher.model, head)
    vector = searcher.encode(["iron"], query_type="text")[0]
    background = searcher.background(vector[None], target_type="sequence")[0]
    hits = [Hit(1, name, 0.5, 1.0, None, None, None, {"sequence": s}) for name, s, _ in [*UNKNOWN, UNKNOWN[0]]]
    found = stage.votes(hits, Question(vector, background=background, text="iron"), ("difference",)).difference
    assert found[0] == found[2] == 0.0
    (_, a, _), (_, b, _) = UNKNOWN
    preferred = head.prefer(head.read(["iron"]), [b], [a], references=[a])[0]
    assert np.sign(found[1]) == np.sign(preferred) != 0
    assert not stage.votes(hits, Question(vector, background=background), ("difference",)).difference.any()
