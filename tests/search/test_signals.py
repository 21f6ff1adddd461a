import shutil

import polars as pl
import pytest

from protrek_hm.errors import OptionError
from protrek_hm.index import IndexConfig, build_index, remove_from_index
from protrek_hm.search import SearchConfig, Searcher
from protrek_hm.search.signals import RELATIVES

PROTEINS = pl.DataFrame(
    {
        "id": ["GFP", "CA2", "TEM-1", "dark"],
        "sequence": ["AACCD", "DDWWK", "KKMMN", "AACCD"],
        "text": [
            "Jellyfish protein that glows green.",
            "Zinc enzyme that hydrates carbon dioxide to bicarbonate.",
            "Haemolysin-like β-lactamase that destroys penicillins.",
            None,
        ],
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, letter_encoder):
    folder = tmp_path_factory.mktemp("signals") / "index"
    build_index(PROTEINS, letter_encoder(), folder, IndexConfig(meaning=True), model_name="m")
    return folder


@pytest.fixture
def searcher(folder, letter_encoder):
    return Searcher.open(folder, model=letter_encoder())


def best(searcher, question, **asked):
    [answer] = searcher.answer([question], SearchConfig(**asked))
    return answer[0].best


@pytest.mark.parametrize("signals", [("words",), ("words", "meaning"), ("model", "words", "meaning")])
@pytest.mark.parametrize(
    ("question", "wanted", "words"),
    [
        ("which proteins glow green?", "GFP", ("glows", "green")),
        ("beta lactamases", "TEM-1", ("β", "lactamase")),
        ("hemolysin", "TEM-1", ("Haemolysin",)),
        ("GFP", "GFP", ("GFP",)),
    ],
)
def test_words_find_what_is_written_in_other_forms(searcher, question, wanted, words, signals):
    hit = best(searcher, question, signals=signals)
    assert (hit.id, hit.matched.words) == (wanted, words)


def test_meaning_finds_what_shares_no_word(searcher):
    hit = best(searcher, "CO2 hydration", signals=("meaning",))
    assert hit.id == "CA2"
    assert not hit.matched.words
    assert hit.matched.meaning > 0.3


def test_the_model_alone_ranks_by_the_score_and_says_nothing_of_words(searcher):
    [answer] = searcher.answer(["glows green"], SearchConfig(signals=("model",)))
    scores = [family.best.score for family in answer]
    assert scores == sorted(scores, reverse=True)
    assert all(family.best.matched is None for family in answer)


def test_a_protein_without_a_text_is_not_pushed_behind_those_whose_texts_do_not_fit(searcher):
    [answer] = searcher.answer(["AACC"], SearchConfig())
    ids = [family.best.id for family in answer]
    assert ids.index("dark") < max(ids.index("CA2"), ids.index("TEM-1"))
    assert answer[ids.index("dark")].best.matched.meaning is None


def test_unknown_words_are_told(searcher):
    [answer] = searcher.answer(["zorgblat that glows"], SearchConfig())
    assert answer.notes[0] == "no record holds the word “zorgblat”"
    [answer] = searcher.answer(["zorgblat"], SearchConfig(signals=("words", "model")))
    assert any("nothing stands out" in note for note in answer.notes)


def test_only_records_that_meet_the_condition(searcher):
    [answer] = searcher.answer(["glows green"], SearchConfig(where="id <> 'GFP'"))
    assert "GFP" not in [family.best.id for family in answer]


def test_an_index_without_words_and_meaning_answers_by_the_model(folder, letter_encoder):
    searcher = Searcher.open(folder, model=letter_encoder())
    object.__setattr__(searcher.index, "words", None)
    object.__setattr__(searcher.index, "meaning", None)
    assert best(searcher, "glows green").matched is None


def test_removed_records_are_found_by_no_signal(tmp_path, letter_encoder):
    build_index(PROTEINS, letter_encoder(), tmp_path / "index", IndexConfig(meaning=True), model_name="m")
    remove_from_index(tmp_path / "index", ids=["GFP"])
    searcher = Searcher.open(tmp_path / "index", model=letter_encoder())
    [answer] = searcher.answer(["jellyfish protein that glows green"], SearchConfig())
    assert [family.best.id for family in answer if family.best.matched.words] == []
    assert sorted(family.best.id for family in answer) == ["CA2", "TEM-1", "dark"]


@pytest.mark.parametrize("signals", [(), ("model", "smell")])
def test_unknown_signals_are_refused(signals):
    with pytest.raises(OptionError, match="known signals are model, words, meaning"):
        SearchConfig(signals=signals)


def test_what_an_index_does_not_hold_is_refused_not_an_empty_answer(tmp_path, letter_encoder):
    build_index(PROTEINS, letter_encoder(), tmp_path / "index", model_name="m")
    searcher = Searcher.open(tmp_path / "index", model=letter_encoder())
    with pytest.raises(OptionError, match="signals = 'meaning': this index answers by model, words"):
        searcher.answer(["glows"], SearchConfig(signals=("meaning",)))


def test_a_sequence_that_is_typed_as_words_is_told(searcher):
    [answer] = searcher.answer(["MKTAYIAKQRQISFVKSHFSRQ"], SearchConfig())
    assert "the question reads like an amino acid sequence: search it with --by sequence" in answer.notes
    [answer] = searcher.answer(["PHOSPHATIDYLINOSITOL KINASE"], SearchConfig())
    assert not any("--by sequence" in note for note in answer.notes)


def test_endings_behind_an_apostrophe_are_no_words(searcher):
    [answer] = searcher.answer(["jellyfish's glow that can't fade"], SearchConfig(signals=("words",)))
    assert answer[0].best.matched.words == ("Jellyfish", "glows")


def test_what_a_text_says_first_is_what_the_protein_is(tmp_path, letter_encoder):
    texts = [
        "Regulator of the kinesin Cin8.",
        "Binds tubulin; kinesin cargo of the axon.",
        "Kinesin motor of the spindle.",
    ]
    proteins = pl.DataFrame({"id": ["R", "C", "K"], "sequence": ["AACCD", "AACCE", "AACCF"], "text": texts})
    build_index(proteins, letter_encoder(), tmp_path / "index", IndexConfig(meaning=False), model_name="m")
    searcher = Searcher.open(tmp_path / "index", model=letter_encoder())
    asked = {"signals": ("words",), "group": False}
    order = {
        question: [family.best.id for family in searcher.answer([question], SearchConfig(**asked))[0]]
        for question in ("kinesin", "regulator of kinesin")
    }
    assert order["kinesin"][0] == "K"
    assert order["regulator of kinesin"][0] == "R"


def test_a_name_counts_more_than_a_mention(tmp_path, letter_encoder):
    proteins = pl.DataFrame(
        {
            "id": ["mentions", "is"],
            "sequence": ["AACCD", "AACCE"],
            "text": [
                "Sits at the outer wall of mitochondria.",
                "Phosphorylates glucose at the start of glycolysis.",
            ],
            "Protein names": [None, "Hexokinase-1"],
            "organism_name": ["hexokinase yeast", "baker's yeast"],
        }
    )
    build_index(proteins, letter_encoder(), tmp_path / "index", IndexConfig(meaning=False), model_name="m")
    searcher = Searcher.open(tmp_path / "index", model=letter_encoder())
    [answer] = searcher.answer(["hexokinases"], SearchConfig(signals=("words",), group=False))
    assert answer[0].best.id == "is"


RELATED = pl.DataFrame(
    {
        "id": ["TEM-1", "GFP", "TEM-x", "stranger"],
        "sequence": ["MSIQHFRVALIPFFAAFCLPVFAHPETLVK", "MSKGEELFTGVVPILVELDGDVNGHKFSVS"]
        + ["MSIQHFRVALIPFFAAYCLPVFAHPETLVW", "WWWWWWWWWWCCCCCCCCCCHHHHHHHHHH"],
        "text": ["Serine β-lactamase that destroys penicillins.", "Jellyfish protein that glows green.", None, None],
    }
)


@pytest.fixture(scope="module")
def related(tmp_path_factory, letter_encoder):
    folder = tmp_path_factory.mktemp("related") / "index"
    build_index(RELATED, letter_encoder(), folder, IndexConfig(meaning=True), model_name="m")
    return folder


def by_id(searcher, question, **asked):
    [answer] = searcher.answer([question], SearchConfig(**asked))
    return {family.best.id: family.best for family in answer}


def test_a_protein_without_a_text_is_found_by_its_relatives_and_says_so(related, letter_encoder):
    searcher = Searcher.open(related, model=letter_encoder())
    [answer] = searcher.answer(["beta-lactamase"], SearchConfig())
    assert [family.best.id for family in answer][:2] == ["TEM-1", "TEM-x"], "a text of its own comes first"
    hits = by_id(searcher, "beta-lactamase")
    matched = hits["TEM-x"].matched
    assert (matched.words, matched.meaning, hits["TEM-x"].record["text"]) == ((), None, None)
    [relative] = matched.relatives
    assert (relative.id, relative.text, relative.words) == ("TEM-1", RELATED["text"][0], ("β", "lactamase"))
    assert relative.identity == pytest.approx(28 / 30)
    assert relative.meaning == hits["TEM-1"].matched.meaning
    assert all(hits[name].matched.relatives == () for name in ("TEM-1", "GFP", "stranger"))
    assert not any("nothing stands out" in note for note in answer.notes)


def test_one_relative_says_of_a_protein_what_is_said_of_itself(related, letter_encoder):
    searcher = Searcher.open(related, model=letter_encoder())
    for signals in (("words",), ("meaning",), ("words", "meaning")):
        hits = by_id(searcher, "destroys penicillins", signals=signals)
        assert hits["TEM-x"].matched.inferred == pytest.approx(RELATIVES * hits["TEM-1"].matched.total)
        assert hits["TEM-x"].matched.total == hits["TEM-x"].matched.inferred, "the model is no signal here"
    whole, without = (by_id(searcher, "destroys penicillins", relatives=each)["TEM-x"] for each in (True, False))
    assert whole.matched.total - whole.matched.inferred == pytest.approx(without.matched.total)
    assert (without.matched.inferred, without.matched.relatives) == (0.0, ())
    assert by_id(searcher, "destroys penicillins", signals=("model",))["TEM-x"].matched is None


def test_relatives_speak_where_they_do_not_meet_the_condition(related, letter_encoder):
    searcher = Searcher.open(related, model=letter_encoder())
    for signals in (("words",), ("meaning",)):
        [answer] = searcher.answer(["penicillinase"], SearchConfig(where="text is null", signals=signals))
        assert [family.best.id for family in answer] == ["TEM-x"] * bool(answer[0].best.matched.relatives)


def test_a_relative_that_is_removed_says_nothing_any_more(related, letter_encoder, tmp_path):
    shutil.copytree(related, tmp_path / "index")
    remove_from_index(tmp_path / "index", ids=["TEM-1"])
    searcher = Searcher.open(tmp_path / "index", model=letter_encoder())
    assert all(not hit.matched.inferred for hit in by_id(searcher, "beta-lactamase").values())
