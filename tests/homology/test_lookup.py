from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protrek_hm.data import read_proteins
from protrek_hm.homology import lookup as module
from protrek_hm.homology.identity import identity
from protrek_hm.homology.lookup import Lookup, Relative

AMINO_ACIDS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
few_letters = st.text(alphabet="ACDXU", min_size=1, max_size=14)


@given(proteins=st.lists(few_letters, min_size=1, max_size=8), queries=st.lists(few_letters, max_size=4))
@settings(max_examples=60, deadline=None)
def test_candidates_are_those_that_share_words_most_for_their_length_first(proteins, queries):
    like = str.maketrans("XU", "ND")  # letters beyond the twenty count as these

    def words(sequence):
        plain = sequence.translate(like)
        return [plain[i : i + 5] for i in range(len(plain) - 4)]

    wanted = []
    for query in queries:
        asked = set(words(query))
        shared = {i: sum(word in asked for word in words(each)) for i, each in enumerate(proteins)}
        share = {i: min(count, len(query)) / max(len(query), len(proteins[i])) for i, count in shared.items() if count}
        wanted.append(sorted(share, key=lambda i: (-share[i], i)))
    found = Lookup.of(proteins).candidates(queries)
    assert [each.tolist() for each in found] == wanted


def mutated(rng, sequence, share):
    letters = list(sequence)
    for position in rng.permutation(len(letters))[: round(share * len(letters))]:
        letters[position] = str(rng.choice(AMINO_ACIDS))
    cut = rng.integers(0, len(letters) - 3)
    return "".join(letters[:cut] + letters[cut + int(rng.integers(0, 3)) :])


@pytest.mark.parametrize("residues_at_once", [1 << 18, 1000])
def test_the_nearest_relative_is_that_of_an_exhaustive_search(monkeypatch, residues_at_once):
    monkeypatch.setattr(module, "_RESIDUES_AT_ONCE", residues_at_once)
    monkeypatch.setattr(module, "_QUERIES_AT_ONCE", 7)
    rng = np.random.default_rng(4)
    founders = ["".join(rng.choice(AMINO_ACIDS, rng.integers(60, 300))) for _ in range(15)]
    proteins = [mutated(rng, each, share) for each in founders for share in rng.uniform(0, 0.4, 4)]
    queries = [mutated(rng, each, 0.2) for each in founders]
    for query, found in zip(queries, Lookup.of(proteins).nearest(queries), strict=True):
        identities = [identity(query, each) for each in proteins]
        assert found is not None
        assert found.identity == max(identities)
        assert found.index == int(np.argmax(identities))


def test_the_first_of_equals_and_none_below_the_least():
    lookup = Lookup.of(["MKTAYIAKQR", "MKTAYIAKQR", "WWWWW"])
    assert lookup.nearest(["MKTAYIAKQR", "MKTAYIAKQRGGGGGGGGGGGG"], least=0.5) == [Relative(0, 1.0, 1.0), None]


def test_those_that_share_no_word_are_compared_on_request():
    query = "MKTAYIAKQR" * 6
    relative = "".join("W" if place % 4 == 0 else letter for place, letter in enumerate(query))
    lookup = Lookup.of(["WWWWW", relative, "MKS"])
    assert lookup.nearest([query, "MKT"]) == [None, Relative(2, 2 / 3, 1.0)]  # peptides always are
    assert lookup.nearest([query, "MKS"], also=[[0, 2, 1], []]) == [Relative(1, 0.75, 1.0), Relative(2, 1.0, 1.0)]


def test_too_long_to_be_aligned_is_left_out(monkeypatch):
    monkeypatch.setattr(module, "CELLS", 150)
    assert Lookup.of(["MKTAYIAKQR" * 5, "MKTAYIAKQRMKTAYI"]).nearest(["MKTAYIAKQR"]) == [None]
    assert Lookup.of(["MKTAYIAKQR"]).nearest(["MKTAYIAKQR"]) == [Relative(0, 1.0, 1.0)]


def test_nothing_in_it_and_nothing_asked():
    assert Lookup.of([]).nearest(["MKTAYIAKQR"]) == [None]
    assert Lookup.of(["MKTAYIAKQR"]).nearest([]) == []


def test_words_do_not_reach_from_one_protein_into_the_next():
    assert Counter(len(each) for each in Lookup.of(["MKT", "AYI", "AKQR"]).candidates(["MKTAYIAKQR"])) == {0: 1}


@pytest.mark.slow
@pytest.mark.realdata
def test_no_near_relative_of_a_real_protein_is_missed(real_data):
    table = read_proteins(real_data / "swissprot_text.tsv.gz", on_bad_record="skip")
    short = [each for each in table["sequence"].unique(maintain_order=True) if len(each) < 300]
    rng = np.random.default_rng(0)
    chosen = [short[i] for i in rng.permutation(len(short))[:1500]]
    queries, proteins = chosen[:40], chosen[40:]
    near = 0
    for query, found in zip(queries, Lookup.of(proteins).nearest(queries), strict=True):
        fitting = [each for each in proteins if len(query) <= 2 * len(each) <= 4 * len(query)]
        best = max(identity(query, each) for each in fitting)
        if best >= 0.5:
            near += 1
            assert found is not None
            assert found.identity == best
    assert near


def test_the_nearest_of_repeats_and_peptides_is_found():
    """Longer repeats hold the words of a short one more often than its relatives do; peptides share few or none."""
    rng = np.random.default_rng(4)

    def changed(sequence, rate):
        letters = np.array(list(sequence))
        hit = rng.random(len(letters)) < rate
        letters[hit] = rng.choice(AMINO_ACIDS, hit.sum())
        return "".join(letters)

    units, lengths = ("Q", "GAGAGS", "NANP", "PPG", "EEEEK"), (20, 40, 60, 120, 300)
    known = [
        changed((unit * length)[:length], 0.3 * rng.random())
        for unit in units
        for length in lengths
        for _ in "12345678"
    ]
    known += ["".join(rng.choice(AMINO_ACIDS, length)) for length in (4, 6, 8, 11, 15, 25) for _ in range(20)]
    queries = [changed(known[index], 0.1) for index in rng.choice(len(known), 60)]
    for query, found in zip(queries, Lookup.of(known).nearest(queries), strict=True):
        best = max(identity(query, each) for each in known)
        assert best < 0.5 or found.identity == best
