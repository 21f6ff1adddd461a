import numpy as np
import pytest
from sklearn.linear_model import Ridge as Reference

from protrek_hm.search.relatives import Ridge, share_explained, word_features


def family(seed, count=25, length=40, changes=6):
    rng = np.random.default_rng(seed)
    letters = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
    founder = rng.choice(letters, length)
    members = []
    for _ in range(count):
        member = founder.copy()
        member[rng.choice(length, changes, replace=False)] = rng.choice(letters, changes)
        members.append("".join(member))
    return members


def explicit(sequences, vocabulary, letters):
    held = [{s[i : i + letters] for i in range(len(s) - letters + 1)} for s in sequences]
    return np.array([[float(word in words) for word in vocabulary] for words in held])


def vocabulary_of(sequences, letters):
    return sorted({s[i : i + letters] for s in sequences for i in range(len(s) - letters + 1)})


def penalty_of(features, share):
    kernel = features @ features.T
    return share * (np.diag(kernel).mean() - kernel.mean())


@pytest.mark.parametrize("letters", [1, 3, 4])
def test_shared_words_are_counted(letters):
    sequences = [*family(0, count=6), "MK", "MKWX"]
    features = word_features(sequences, letters=letters)
    naive = explicit(sequences, vocabulary_of(sequences, letters), letters)
    assert ((features @ features.T).toarray() == naive @ naive.T).all()


@pytest.mark.parametrize(("seed", "letters", "share"), [(0, 4, 0.1), (1, 3, 0.01), (2, 2, 1.0)])
def test_predictions_are_those_of_a_ridge_on_explicit_features(seed, letters, share):
    *known, first, second = family(seed)
    vocabulary = vocabulary_of(known, letters)
    features = explicit(known, vocabulary, letters)
    targets = np.random.default_rng(seed).normal(size=(len(known), 3))
    reference = Reference(alpha=penalty_of(features, share)).fit(features, targets)
    predicted = Ridge.of(known, letters=letters, penalty=share).weights([first, second]) @ targets
    np.testing.assert_allclose(predicted, reference.predict(explicit([first, second], vocabulary, letters)), atol=1e-8)


def test_a_relative_left_out_is_predicted_as_after_a_fit_without_it():
    sequences = family(3, count=12)
    targets = np.random.default_rng(3).normal(size=len(sequences))
    vocabulary = vocabulary_of(sequences, 4)
    features = explicit(sequences, vocabulary, 4)
    alpha = penalty_of(features, 0.1)  # the penalty of the whole fit
    found = Ridge.of(sequences).left_out(targets)
    for place in range(len(sequences)):
        others = np.arange(len(sequences)) != place
        reference = Reference(alpha=alpha).fit(features[others], targets[others])
        np.testing.assert_allclose(found[place], reference.predict(features[[place]])[0], atol=1e-8)


def test_what_is_the_same_of_all_is_predicted_for_all():
    ridge = Ridge.of(family(4))
    weights = ridge.weights(["WWWWWWWW", *family(5, count=2), "M"])
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)


def test_relatives_that_are_one_sequence_can_be_fitted():
    weights = Ridge.of(["MKTAYIAKQR"] * 3).weights(["MKTAYIAKQR", "WWWWW"])
    np.testing.assert_allclose(weights, 1 / 3, atol=1e-9)


def test_a_constant_or_a_guess_explains_nothing():
    assert share_explained(np.ones(5), np.ones(5)) == 0.0
    assert share_explained(np.arange(4.0), np.arange(4.0)[::-1]) == 0.0
    assert share_explained(np.arange(4.0), np.arange(4.0)) == 1.0
