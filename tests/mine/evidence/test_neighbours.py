import numpy as np
import pytest

from protrek_hm.mine import MineConfig, mine_hard_negatives
from protrek_hm.mine.evidence.neighbours import judge_neighbours


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
