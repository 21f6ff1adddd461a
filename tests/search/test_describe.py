import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import OptionError
from protrek_hm.homology.identity import identity
from protrek_hm.index.build import build_index
from protrek_hm.search.describe import Homolog, describe
from protrek_hm.search.searcher import Searcher

ACID = "DEDEDDEEDKDEDAEDDEED"
BASE = "KRKRKKRRKDKRKAKRRKKR"
OILY = "LIVLLIVVLDLIVALLIVIL"
PROTEINS = pl.DataFrame(
    {
        "id": ["acid", "acid2", "base", "oily", "oily"],
        "sequence": [ACID, ACID[:-1] + "A", BASE, OILY, OILY],
        "text": ["DE acid", None, "KR base", "LIV oily", "LLVI oil"],
        "organism": ["Homo sapiens"] * 5,
    }
)


def opened(folder: Path, encoder, proteins: pl.DataFrame) -> Searcher:
    build_index(proteins, encoder(), folder / "index", model_name="m")
    return Searcher.open(folder / "index", model=encoder())


@pytest.fixture(scope="module")
def searcher(tmp_path_factory, letter_encoder):
    return opened(tmp_path_factory.mktemp("plain"), letter_encoder, PROTEINS)


def cosine(encoder, sequence, text):
    one, other = encoder().encode([sequence], task="sequence", batch_size=1, show_progress_bar=False)[0], None
    other = encoder().encode([text], task="text", batch_size=1, show_progress_bar=False)[0]
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_the_best_texts_and_the_nearest_labelled_homolog(searcher, letter_encoder):
    [base, acid] = describe(searcher, [f"{BASE[:-1]}a", ACID[:-1] + "A"], k=2)
    assert [(each.rank, each.id, each.text) for each in base.texts] == [(1, "base", "KR base"), (2, "acid", "DE acid")]
    for each in base.texts:
        assert each.score == pytest.approx(cosine(letter_encoder, BASE[:-1] + "A", each.text), abs=1e-6)
        assert each.protrek_score == pytest.approx(each.score / 0.05, abs=1e-4)
    same = pytest.approx(cosine(letter_encoder, BASE[:-1] + "A", "KR base"), abs=1e-6)
    assert base.homolog == Homolog("base", 0.95, 1.0, "KR base", {}, score=same)
    assert base.sequence == BASE[:-1] + "A"
    assert (acid.homolog.id, acid.homolog.identity) == ("acid", 0.95), "the identical one has no text"
    assert acid.sections == {}


def test_no_homolog_and_a_short_peptide(searcher):
    stranger, peptide = describe(searcher, ["W" * 30, "LIVL"])
    assert stranger.homolog is None
    assert peptide.homolog is None
    assert len(stranger.texts) == 4


def test_batches_are_as_single_ones_and_repeats_are_alike(searcher):
    sequences = [BASE, ACID, OILY, BASE]
    assert describe(searcher, sequences) == [describe(searcher, [each])[0] for each in sequences]
    assert describe(searcher, []) == []


def test_sections_in_rows_of_their_own(tmp_path, letter_encoder):
    rows = [
        ("base", BASE, "KKRR", "function"),
        ("base", BASE, "MEMBRANE", "subcellular_location"),
        ("acid", ACID, "DDEE", "function"),
        ("oily", OILY, "LIV", "it's function"),
    ]
    table = pl.DataFrame(rows, schema=["id", "sequence", "text", "section"], orient="row")
    [found] = describe(opened(tmp_path, letter_encoder, table), [BASE[:-1] + "A"], k=2)
    assert {name: [each.text for each in texts] for name, texts in found.sections.items()} == {
        "function": ["KKRR", "DDEE"],
        "subcellular_location": ["MEMBRANE"],
        "it's function": ["LIV"],
    }
    assert len(found.texts) == 2
    assert found.homolog is not None
    assert found.homolog.sections == {"function": "KKRR", "subcellular_location": "MEMBRANE"}


def test_sections_in_columns_are_ranked_by_themselves(tmp_path, letter_encoder):
    table = pl.DataFrame(
        {
            "id": ["base", "acid", "oily"],
            "sequence": [BASE, ACID, OILY],
            "text": ["KKRR. Cofactor: D.", "DDEE. Cofactor: RRRR.", "LIV"],
            "function": ["KKRR.", "DDEE.", None],
            "cofactor": ["D.", "RRRR.", None],
        }
    )
    encoder = letter_encoder
    [found] = describe(opened(tmp_path, encoder, table), [BASE], k=3)
    assert list(found.sections) == ["function", "cofactor"]
    for texts in found.sections.values():
        scores = [cosine(encoder, BASE, each.text) for each in texts]
        assert [each.score for each in texts] == pytest.approx(scores, abs=1e-6)
        assert scores == sorted(scores, reverse=True)
    assert [(each.id, each.text) for each in found.sections["cofactor"]] == [
        ("acid", "Cofactor: RRRR."),
        ("base", "Cofactor: D."),
    ]
    assert found.homolog is not None
    assert found.homolog.sections == {"function": "KKRR.", "cofactor": "Cofactor: D."}


def test_an_index_too_large_to_be_read_whole_has_the_models_neighbours(tmp_path, letter_encoder, monkeypatch):
    monkeypatch.setattr("protrek_hm.search.describe.MOST_RECORDS", 2)
    monkeypatch.setattr("protrek_hm.search.describe.NEIGHBOURS", 1)
    searcher = opened(tmp_path, letter_encoder, PROTEINS)
    [found] = describe(searcher, [BASE])
    assert found.homolog is not None
    assert found.homolog.id == "base"


def test_the_homolog_is_the_one_that_an_exhaustive_comparison_finds(tmp_path, letter_encoder):
    rng = np.random.default_rng(0)
    letters = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
    founder = "".join(rng.choice(letters, 120))

    def mutant(changes):
        sequence = list(founder)
        for position in rng.choice(120, changes, replace=False):
            sequence[position] = str(rng.choice(letters))
        return "".join(sequence)

    table = pl.DataFrame({"sequence": [mutant(n) for n in (50, 40, 30, 20, 10)]}).with_row_index("id")
    table = table.with_columns(pl.col("id").cast(pl.String), text=pl.Series(["A", "C", None, "D", None]))
    [found] = describe(opened(tmp_path, letter_encoder, table), [founder])
    known = [(identity(founder, row["sequence"]), row["id"]) for row in table.iter_rows(named=True) if row["text"]]
    assert found.homolog is not None
    assert (found.homolog.identity, found.homolog.id) == max(known)


def test_as_dict_is_json(searcher):
    content = json.loads(json.dumps(describe(searcher, [BASE])[0].as_dict()))
    assert list(content) == ["sequence", "length", "residues_read", "texts", "sections", "homolog", "notes"]
    assert content["homolog"] == {
        **{"id": "base", "identity": 1.0, "coverage": 1.0},
        **{"text": "KR base", "sections": {}, "score": pytest.approx(1, abs=0.5)},
    }
    assert content["texts"][0].keys() == {"rank", "id", "text", "score", "protrek_score", "probability"}


def test_what_the_model_does_not_read_is_told(searcher, monkeypatch):
    monkeypatch.setattr("protrek_hm.search.describe.residues_read", lambda model, length: min(length, 5))
    [found] = describe(searcher, [BASE])
    assert found.residues_read == 5
    assert found.notes[0].startswith("the protein: the model reads residues 1 to 5 of 20;")


@pytest.mark.parametrize(
    ("sequences", "k", "message"),
    [([""], 5, "is empty"), (["MKJ"], 5, "letter 'J' at position 3"), ([BASE], 0, "k = 0")],
)
def test_bad_questions(searcher, sequences, k, message):
    with pytest.raises(OptionError, match=message):
        describe(searcher, sequences, k=k)


def test_an_index_without_texts(tmp_path, letter_encoder):
    searcher = opened(tmp_path, letter_encoder, PROTEINS.with_columns(text=pl.lit(None, pl.String)))
    with pytest.raises(OptionError, match="this index holds sequence"):
        describe(searcher, [BASE])
