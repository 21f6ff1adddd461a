"""The whole: who knows the truth scores 1, who ignores text scores chance, numbers equal a naive loop."""

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import MissingColumnError, OptionError
from protrek_hm.evaluate import EvaluateConfig, evaluate
from protrek_hm.model.cached import CachedEncoder


def test_who_knows_the_truth_scores_one_everywhere(oracle, hard, easy, quick):
    (result,) = evaluate({"oracle": oracle}, hard, easy, quick).models
    assert {key: each.value for key, each in result.estimates.items()} == {
        "hard_text_to_protein": 1.0,
        "hard_protein_to_text": 1.0,
        "hard_group": 1.0,
        "easy_text_to_protein": 1.0,
        "easy_protein_to_text": 1.0,
    }
    assert [each.n for each in result.estimates.values()] == [120, 120, 60, 60, 60]
    assert [each.groups for each in result.estimates.values()] == [20] * 5


def test_who_ignores_text_scores_chance_and_never_all_four(text_blind, hard, quick):
    (result,) = evaluate({"blind": text_blind}, hard, config=quick).models
    assert result.estimates["hard_text_to_protein"].value == 0.5
    assert result.estimates["hard_protein_to_text"].value == 0.5
    assert result.estimates["hard_protein_to_text"].ties == 120
    assert result.estimates["hard_group"].value < 1 / 6


def test_numbers_equal_a_row_by_row_evaluation(letter_encoder, hard, quick):
    (result,) = evaluate({"letters": letter_encoder()}, hard, config=quick).models

    def cosine(text, sequence):
        first, second = letter_encoder().encode([text, sequence], task="text", batch_size=1, show_progress_bar=False)
        return round(float(first @ second / np.linalg.norm(first) / np.linalg.norm(second)), 6)

    worth = []
    for row in hard.iter_rows(named=True):
        right, wrong = (cosine(row["anchor_text"], row[column]) for column in ("anchor_seq", "hard_neg_seq"))
        worth.append(1.0 if right > wrong else 0.5 if right == wrong else 0.0)
    assert result.estimates["hard_text_to_protein"].value == pytest.approx(np.mean(worth))


def test_two_models_are_compared_on_the_same_cases(text_blind, oracle, hard, easy, quick):
    evaluation = evaluate({"base": text_blind, "tuned": oracle}, hard, easy, quick)
    assert evaluation.differences["hard_text_to_protein"].value == 0.5
    assert evaluation.differences["hard_text_to_protein"].low > 0.2
    assert evaluation.differences["hard_group"].n == 60
    assert evaluate({"one": oracle}, hard, config=quick).differences == {}


def test_without_other_texts_one_direction_is_measured(oracle, hard, quick):
    (result,) = evaluate({"oracle": oracle}, hard.drop("hard_neg_text"), config=quick).models
    assert list(result.estimates) == ["hard_text_to_protein"]


def test_same_seed_same_numbers_whatever_the_batch_size(guesser, hard, easy):
    def estimates(**settings):
        config = EvaluateConfig(resamples=200, **settings)
        return evaluate({"guesser": guesser}, hard, easy, config).models[0].estimates

    assert estimates(batch_size=1) == estimates(batch_size=64)
    assert estimates(seed=1) != estimates(seed=2)


def test_bad_input(oracle, hard):
    with pytest.raises(OptionError, match="at least one model"):
        evaluate({}, hard)
    with pytest.raises(MissingColumnError, match="hard triplets: no column 'anchor_text'"):
        evaluate({"oracle": oracle}, hard.drop("anchor_text"))
    with pytest.raises(MissingColumnError, match="easy triplets"):
        evaluate({"oracle": oracle}, hard, pl.DataFrame({"anchor_seq": ["MK"]}))
    with pytest.raises(MissingColumnError, match="training triplets"):
        evaluate({"oracle": oracle}, hard, train=pl.DataFrame({"anchor_seq": ["MK"]}))


@pytest.mark.parametrize("setting", [{"batch_size": 0}, {"resamples": 10}, {"shown_twins": 0}, {"seed": -1}])
def test_settings_out_of_range(setting):
    with pytest.raises(OptionError, match=next(iter(setting))):
        EvaluateConfig(**setting)


def test_a_second_evaluation_encodes_nothing_and_says_the_same(tmp_path, letter_encoder, hard, easy, quick):
    def run():
        encoder = CachedEncoder(letter_encoder(), tmp_path)
        (result,) = evaluate({"letters": encoder}, hard, easy, quick).models
        return encoder.encoded, result

    (first_count, first), (second_count, second) = run(), run()
    assert first_count > 0
    assert second_count == 0
    assert first.estimates == second.estimates
    assert np.array_equal(first.scores["hard"], second.scores["hard"])
