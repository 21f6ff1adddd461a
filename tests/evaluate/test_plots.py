"""Pictures: drawn for every shape of evaluation, showing what they say."""

from dataclasses import replace

import numpy as np
import pytest

from protrek_hm.evaluate import evaluate
from protrek_hm.evaluate.plots import everything
from protrek_hm.evaluate.plots.accuracy import plot_accuracy
from protrek_hm.evaluate.plots.change import plot_change
from protrek_hm.evaluate.plots.distribution import plot_distribution
from protrek_hm.evaluate.plots.everything import draw_all
from protrek_hm.evaluate.plots.projection import plot_projection
from protrek_hm.evaluate.plots.reliability import plot_reliability
from protrek_hm.evaluate.plots.retrieval import plot_retrieval
from protrek_hm.evaluate.plots.strata import plot_strata


@pytest.fixture(scope="module")
def two_models(hard, easy, quick, letter_encoder):
    class Half(letter_encoder):
        def encode(self, inputs, /, **options):
            return super().encode(inputs, **options)[:, :10] + 0.1

    return evaluate({"base": Half(), "tuned": letter_encoder()}, hard, easy, quick)


def test_accuracy_bars_are_the_estimates(two_models):
    (axes,) = plot_accuracy(two_models).axes
    drawn = sorted(bar.get_height() for bar in axes.patches)
    keys = ("hard_text_to_protein", "hard_protein_to_text", "hard_group", "easy_text_to_protein")
    assert drawn == pytest.approx(
        sorted(100 * model.estimates[key].value for model in two_models.models for key in keys)
    )


def test_distribution_has_a_panel_per_set_and_model(two_models):
    panels = plot_distribution(two_models).axes
    assert len(panels) == 4
    assert [axes.get_title(loc="left") for axes in panels[:2]] == ["base", "tuned"]


def test_projection_says_which_twins_were_selected(two_models):
    titles = [axes.get_title(loc="left") for axes in plot_projection(two_models).axes]
    assert titles == [
        "base: random twins",
        "tuned: random twins",
        "base: most improved twins (selected)",
        "tuned: most improved twins (selected)",
    ]


def test_projection_is_repeatable(two_models):
    def places():
        return np.concatenate(
            [points.get_offsets() for axes in plot_projection(two_models).axes for points in axes.collections]
        )

    assert places().tolist() == places().tolist()


def test_change_counts_every_case_once(two_models):
    panels = plot_change(two_models).axes
    for axes, cases in zip(panels, (120, 60), strict=True):
        counts = [len(points.get_offsets()) for points in axes.collections]
        assert sum(counts) == cases
        assert f"n = {cases}" in axes.get_title(loc="left")


def test_change_needs_two_models(oracle, hard, quick):
    with pytest.raises(ValueError, match="exactly two"):
        plot_change(evaluate({"only": oracle}, hard, config=quick))


def test_strata_reliability_and_retrieval_show_every_model(two_models):
    assert len(plot_strata(two_models).axes) == 4
    reliability = plot_reliability(two_models).axes
    assert [axes.get_title(loc="left") for axes in reliability[:2]] == ["hard (n = 120)", "easy (n = 60)"]
    for axes in plot_retrieval(two_models).axes:
        curves = [line.get_ydata() for line in axes.get_lines()[:2]]
        assert all((np.diff(curve) >= 0).all() and curve[-1] == 100 for curve in curves)


@pytest.mark.parametrize(("rows", "models"), [(1, 1), (2, 3), (1, 2)])
def test_smallest_inputs_are_drawn(tmp_path, monkeypatch, rows, models, text_blind, hard, quick):
    monkeypatch.setattr("protrek_hm.evaluate.plots.everything.save_figure", lambda _figure, path: path.touch())
    named = {f"m{number}": text_blind for number in range(models)}
    draw_all(evaluate(named, hard.head(rows), config=quick), tmp_path)
    assert len(list(tmp_path.glob("*.png"))) == (7 if models == 2 else 6)


def test_dollar_signs_are_no_formulas_and_a_failing_picture_costs_nothing_else(
    two_models, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(everything, "save_figure", lambda _figure, path: path.touch())
    names = ("$5_{ and", "$^ 100 % \\frac$ $")
    models = tuple(replace(model, name=name) for model, name in zip(two_models.models, names, strict=True))
    assert len(draw_all(replace(two_models, models=models), tmp_path)) == 7
    assert not caplog.records

    def fails(_):
        raise ValueError("ParseException:\nno such\nsymbol")

    monkeypatch.setattr(everything, "PICTURES", (replace(everything.PICTURES[0], plot=fails), *everything.PICTURES[4:]))
    assert len(draw_all(two_models, tmp_path)) == 3
    (told,) = caplog.messages
    assert told == (
        "1_accuracy_comparison.png could not be drawn (ParseException: no such symbol); everything else is there"
    )
