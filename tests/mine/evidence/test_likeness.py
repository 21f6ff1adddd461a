from dataclasses import replace

import numpy as np
import pytest

from protrek_hm.errors import NothingFoundError
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
