import numpy as np
import pytest

from protrek_hm.mine import MineConfig, mine_hard_negatives
from protrek_hm.mine.evidence.likeness import judge_likeness


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


@pytest.mark.parametrize(("least", "kept"), [(-1.0, False), (1.0, True)])
def test_the_threshold_decides_on_words(make_families, least, kept):
    config = MineConfig(gate="function", text_model_similarity=least, neighbours=False, easy=0, threads=1)
    alike = mine_hard_negatives(make_families(3).drop("drug"), config).pairs
    if kept:
        pairs = mine_hard_negatives(make_families(3).drop("drug"), config, text_encoder=Recorder()).pairs
        assert pairs.equals(alike)
    else:
        config = MineConfig(text_model_similarity=least, evidence=("drug:equal",), easy=0, threads=1)
        result = mine_hard_negatives(make_families(3), config, text_encoder=Recorder())
        assert set(result.triplets["reasons"].str.contains("encoder:alike")) == {True}
