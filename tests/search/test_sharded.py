"""An index of several shards answers as the whole one does, to the last digit."""

from dataclasses import asdict

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import OptionError, ShardDownError
from protrek_hm.index import approximate
from protrek_hm.index.build import build_index
from protrek_hm.index.config import IndexConfig
from protrek_hm.index.fanout import LocalParts
from protrek_hm.index.layout import read_manifest
from protrek_hm.index.split import split_index
from protrek_hm.search.describe import describe
from protrek_hm.search.explain import find_protein
from protrek_hm.search.scan import scan_protein
from protrek_hm.search.searcher import SearchConfig, Searcher

LETTERS = list("ACDEFGHIKLMNPQRSTVWY")
WORDS = (
    "kinase hydrolyzes beta-lactam antibiotics zinc binding heat shock chaperone membrane transporter ATP DNA repair "
    "polymerase ligase signal receptor regulator of transcription cell wall cytosol ribosome resistance toxin"
).split()
QUESTIONS = ("zinc kinase", "what hydrolyzes antibiotics?", "heat shock", "Unheardof receptor", "regulator of the wall")


def families(rng):
    """Families of near-identical proteins, shuffled: relatives, equal sequences and equal texts in all shards."""
    rows = []
    for family in range(26):
        parent = rng.choice(LETTERS, rng.integers(30, 60))
        for member in range(32 if family % 9 == 0 else rng.integers(1, 8)):
            letters = parent.copy()
            for place in rng.integers(0, len(letters), member // 2):
                letters[place] = rng.choice(LETTERS)
            if variant := member % 2:  # what relatives say follows from the sequence
                letters[5:9] = list("WWHH")
            words = [("zinc kinase", "heat toxin")[variant], f"fam{family}", *rng.choice(WORDS, rng.integers(0, 2))]
            text = " ".join(words) if rng.random() < 0.8 else None
            structure = "".join(rng.choice(list("acdefgh"), len(letters))) if rng.random() < 0.5 else None
            rows.append((f"F{family}M{member}", "".join(letters), text, structure, f"sp. {family % 4}", family + 0.5))
    names = ("id", "sequence", "text", "structure", "organism", "mass")
    table = pl.DataFrame(rows, schema=names, orient="row")
    return table.sample(fraction=1, shuffle=True, seed=3)


class Failing:
    """Shards in this process, some of which do not answer."""

    def __init__(self, parts):
        self.parts, self.down = parts, set()

    def __call__(self, question, calls):
        for number in sorted(self.down & calls.keys()):
            raise ShardDownError(number, f"shard-1-{number}", "unplugged")
        return self.parts(question, calls)


@pytest.fixture(scope="module")
def searchers(tmp_path_factory, letter_encoder):
    folder, encoder = tmp_path_factory.mktemp("sharded"), letter_encoder()
    table = families(np.random.default_rng(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(approximate, "EXACT", 100)
        build_index(table, encoder, folder / "whole", IndexConfig(meaning=True), model_name="m")
        split_index(folder / "whole", folder / "split", shards=4)
        whole = Searcher.open(folder / "whole", model=encoder)
        failing = Failing(LocalParts.open(folder / "split", read_manifest(folder / "split")))
        yield table, whole, Searcher.open(folder / "split", model=encoder, asked=failing)


def plain(answers):
    """Everything that an answer says."""
    return [
        (
            [(each.rank, each.decided, [asdict(hit) for hit in each.hits]) for each in answer],
            *(answer.notes, answer.exact, answer.cut, answer.looked_at, answer.background.tolist()),
        )
        for answer in answers
    ]


def asked(table):
    """Some hundred questions: every kind of query and target, every option."""
    sequences, structures = table["sequence"][::60].to_list(), table["structure"].drop_nulls()[::60].to_list()
    of_kind = {"text": QUESTIONS, "sequence": sequences, "structure": structures}
    for by, queries in of_kind.items():
        for want in of_kind:
            for options in (
                {},
                {"k": 1, "group": True},
                {"k": 1, "group": True, "relatives": False},
                {"k": 40},
                {"where": "organism = 'sp. 2' and length < 70", "group": True},
                {"where": "organism = 'sp. 2' and length < 70", "group": True, "relatives": False},
                {"where": "mass > 15", "k": 25},
                {"where": "mass > 999"},
                {"exact": True},
            ):
                yield from ((query, SearchConfig(by, want, **{"k": 10, **options})) for query in queries)
    for signals in (("model",), ("words",), ("meaning", "words")):
        for within, relatives in ((("model",), True), (("model", "relatives"), True), (("model", "relatives"), False)):
            config = SearchConfig(k=8, group=True, signals=signals, within=within, relatives=relatives)
            yield from ((query, config) for query in QUESTIONS)


def test_every_question_has_the_answer_of_the_whole_index(searchers):
    table, whole, split = searchers
    queries, configs = zip(*asked(table), strict=True)
    assert len(queries) > 200
    one, other = (plain(each.answer(queries, configs)) for each in (whole, split))
    for query, config, left, right in zip(queries, configs, one, other, strict=True):
        assert left == right, (query, config)
    assert sum(bool(families) for families, *_ in one) > 180
    assert any(decided == "relatives" for families, *_ in one for _, decided, _ in families)
    hits = [hit for families, *_ in one for *_, members in families for hit in members]
    assert any(hit["matched"] and hit["matched"]["relatives"] for hit in hits)


def test_probability_and_promise_are_those_of_the_whole_index(searchers):
    table, whole, split = searchers
    queries = table["sequence"][::30].to_list()
    kinds = SearchConfig("sequence", "text", 5)
    assert plain(whole.answer(queries, kinds)) == plain(split.answer(queries, kinds))
    for share in (0.1, 0.9, 0.98):
        told = []
        for searcher in (whole, split):
            try:
                told.append(plain(searcher.answer(QUESTIONS, SearchConfig(fdr=share, group=True))))
            except OptionError as error:
                told.append(str(error))
        assert told[0] == told[1]
    for by, want in (("text", "sequence"), ("sequence", "text")):
        one, other = (each._trials(by, want) for each in (whole, split))
        assert one.families >= 20
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_array_equal(one.right, other.right)


def test_proteins_are_described_scanned_and_found_alike(searchers):
    table, whole, split = searchers
    some = table["sequence"][::50].to_list()
    assert [each.as_dict() for each in describe(whole, some)] == [each.as_dict() for each in describe(split, some)]
    name = table["id"][7]
    proteins = [find_protein(each.index, name) for each in (whole, split)]
    assert proteins[0] == proteins[1]
    one, other = (
        scan_protein(each.model, "zinc kinase", protein, searcher=each).as_dict()
        for each, protein in zip((whole, split), proteins, strict=True)
    )
    assert repr(one) == repr(other)
    assert whole.votes("zinc kinase", *some[:2]) is not None
    for left, right in zip(
        whole.votes("zinc", *some[:2]).__dict__.values(), split.votes("zinc", *some[:2]).__dict__.values(), strict=True
    ):
        np.testing.assert_array_equal(left, right)


def test_a_shard_that_does_not_answer_is_named_or_left_out_where_that_is_allowed(searchers):
    table, whole, split = searchers
    asked = split.index.embeddings["sequence"].vectors.ask
    split.measure()
    query, options = table["sequence"][5], {"k": 30, "exact": True}
    kept = split.index.embeddings["sequence"].vectors.owners(split.index.embeddings["sequence"].of_row)
    asked.down = {2}
    try:
        for config in (SearchConfig("sequence", **options), SearchConfig(**options), SearchConfig("text", "text")):
            with pytest.raises(ShardDownError, match=r"shard-1-2 of the index does not answer \(unplugged\)"):
                split.answer([query], config)
        [partial] = split.answer([query], SearchConfig("sequence", partial=True, **options))
        assert partial.missing == ("shard-1-2",)
        assert partial.notes[0] == "a partial answer: shard-1-2 of the index did not answer"
        names = table["id"].filter(pl.Series(kept != 2)).to_list()
        where = f"id in ({', '.join(map(repr, names))})"
        [expected] = whole.answer([query], SearchConfig("sequence", where=where, **options))
        assert plain([partial])[0][0] == plain([expected])[0][0], "scores, p and E stay those of the whole index"
        [grouped] = split.answer(["zinc kinase"], SearchConfig(group=True, k=5, partial=True))
        assert len(grouped) == 5
        assert not {hit.id for family in grouped for hit in family.hits} - set(names)
        asked.down = {0, 3}
        [partial] = split.answer([query], SearchConfig("sequence", partial=True, **options))
        assert partial.missing == ("shard-1-0", "shard-1-3")
    finally:
        asked.down = set()
    for again, config in ((query, SearchConfig("sequence", partial=True)), ("zinc kinase", SearchConfig(group=True))):
        one, other = (plain(each.answer([again], config)) for each in (whole, split))
        assert one == other, "nothing is remembered of a partial answer"
