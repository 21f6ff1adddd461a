from dataclasses import replace

import numpy as np
import pytest

from protrek_hm.errors import NothingFoundError
from protrek_hm.mine import MineConfig, mine_hard_negatives
from protrek_hm.mine.evidence.doubts import is_guess, judge_likeness, judge_neighbours


@pytest.mark.parametrize(
    "text",
    [
        "Putative uncharacterized protein.",
        "May act as a transporter.",
        "Binds heme (By similarity).",
        "Binds heme. {ECO:0000250|UniProtKB:P12345}",
        "Binds heme. Binds iron. {ECO:0000250|UniProtKB:P12345}.",
        "Binds heme. {ECO:0000256|HAMAP-Rule:MF_1, ECO:0000256|ARBA:1}.",
        "Binds heme. {ECO:0000255|HAMAP-Rule:MF_1}. Binds iron. {ECO:0000305}.",
        "Binds heme (By similarity). Transports iron (Probable).",
        "Cuts chitin, by similarity.",
        "Cuts chitin (inferred from sequence similarity); binds iron.",
        "Ferritin-like protein 2",
        "Homolog of yeast CDC6.",
        "Protein mago nashi homolog",
    ],
)
def test_inferred_texts_are_guesses(text):
    assert is_guess(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Binds heme.",
        "Binds heme. {ECO:0000269|PubMed:1}",
        "Binds heme. {ECO:0000250|UniProtKB:P1, ECO:0000269|PubMed:1}.",
        "Binds heme. {ECO:0000303|PubMed:1}.",
        "Binds heme. {ECO:0000250}. Binds iron. {ECO:0000269|PubMed:1}.",
        "Binds heme. {ECO:0000250}. Binds iron.",
        "Binds heme. Transports iron (By similarity).",
        "Insulin-like growth regulator",
        "Resolves homologous recombination intermediates.",
        "Generates the membrane potential.",
        "Repairs breaks by homology-directed exchange.",
    ],
)
def test_statements_are_none(text):
    assert not is_guess(text)


@pytest.mark.parametrize(
    ("evidence", "guess"),
    [
        ("ECO:0000250", True),
        ("ECO:0000250; ECO:0000305", True),
        ("ECO:0000250|UniProtKB:P1;ECO:0000305", True),
        ("ECO:0000250; ECO:0000269", False),
        ("ECO:0000250; none", False),
        ("ECO:0000269", False),
        (None, False),
    ],
)
def test_evidence_in_a_column_of_its_own(evidence, guess):
    assert is_guess("Binds heme.", evidence) is guess
    assert is_guess("Probable kinase.", evidence), "its words say so, whatever is known of them"


def plain_loop(said, pairs, identity):
    """The definition in this module's head, word for word."""
    alike = {}
    for (a, b), value in zip(pairs, identity, strict=True):
        alike.setdefault(a, {})[b] = alike.setdefault(b, {})[a] = value
    found = []
    for (a, b), value in zip(pairs, identity, strict=True):
        alone = False
        for one, other in ((a, b), (b, a)):
            as_close = [said[c] for c, each in alike[one].items() if c != other and each >= value]
            alone |= said[one] != said[other] and said[one] not in as_close and said[other] in as_close
        found.append(alone)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_a_plain_loop(seed):
    generator = np.random.default_rng(seed)
    said = generator.integers(4, size=14).tolist()
    pairs = [(a, b) for a in range(14) for b in range(a + 1, 14) if generator.random() < 0.6]
    identity = generator.choice([0.7, 0.8, 0.9, 0.95], size=len(pairs))
    left, right = np.array(pairs).T
    found = judge_neighbours(said, left, right, identity=identity)
    assert (found.codes == 1).tolist() == plain_loop(said, pairs, identity)


def test_the_miner_doubts_words_and_nothing_stronger(make_families):
    proteins = make_families(5, families=8)
    everything = mine_hard_negatives(proteins, MineConfig(neighbours=False, easy=0, threads=1)).pairs
    doubted = mine_hard_negatives(proteins, MineConfig(easy=0, threads=1)).pairs
    other = everything["verdict"] != doubted["verdict"]
    assert other.any()
    assert set(everything.filter(other)["verdict"]) == {"different"}
    assert set(doubted.filter(other)["verdict"]) == {"unsure"}
    assert doubted.filter(other)["reasons"].str.ends_with("neighbours:share-the-other-text").all()
    config = MineConfig(evidence=("drug:equal",), easy=0, threads=1)
    assert set(mine_hard_negatives(proteins, config).triplets["seq_similarity"]) == set(
        mine_hard_negatives(
            proteins, MineConfig(evidence=("drug:equal",), neighbours=False, easy=0, threads=1)
        ).triplets["seq_similarity"]
    )


def test_no_pair_is_no_finding():
    nothing = np.array([], dtype=np.int64)
    assert judge_neighbours(["a"], nothing, nothing, identity=nothing.astype(float)).codes.tolist() == []


class Recorder:
    """Random vectors, the same for the same text; takes note of what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked += texts
        return [np.random.default_rng([len(text), *text.encode()]).normal(size=3) * len(text) for text in texts]


def test_agrees_with_a_plain_loop_and_encodes_once():
    texts = ["red", "green", "blue", "red", "dark red"]
    left, right = np.triu_indices(len(texts), 1)
    encoder = Recorder()
    found = judge_likeness(texts, left, right, encoder=encoder, least=0.2)
    vectors = np.array(Recorder()(texts))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    wanted = [float(vectors[a] @ vectors[b]) >= 0.2 for a, b in zip(left, right, strict=True)]
    assert [bool(reason) for reason in found.reasons] == wanted
    assert sorted(encoder.asked) == sorted(set(texts))


def test_it_doubts_words_and_nothing_stronger(make_families):
    proteins = make_families(3)
    config = MineConfig(text_model_similarity=-1, neighbours=False, easy=0, threads=1)
    with pytest.raises(NothingFoundError):
        mine_hard_negatives(proteins, config, text_encoder=Recorder())
    named = replace(config, evidence=("drug:equal",))
    found = mine_hard_negatives(proteins, named, text_encoder=Recorder())
    assert found.triplets["reasons"].str.contains("drug:differs").all()
    assert found.triplets["reasons"].str.contains("encoder:alike").any()
    assert found.triplets.height == mine_hard_negatives(proteins, named).triplets.height
