"""Pictures: drawn for every shape of evaluation, showing what they say."""

from dataclasses import replace

import numpy as np
import pytest

from protrek_hm.evaluate import evaluate
from protrek_hm.evaluate.plots import pictures
from protrek_hm.evaluate.plots.accuracy import plot_accuracy, plot_retrieval, plot_strata
from protrek_hm.evaluate.plots.pictures import draw_all
from protrek_hm.evaluate.plots.scores import plot_change, plot_distribution, plot_projection, plot_reliability


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


def test_strata_have_a_panel_for_each_grouping_with_several_bins(two_models):
    def relabelled(model):
        first = replace(model.strata[0], label="below 70 %")
        return replace(model, strata=(first, *model.strata, replace(model.strata[-1], label="more than 20")))

    figure = plot_strata(replace(two_models, models=tuple(map(relabelled, two_models.models))))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["identity (%)", "family size"]
    assert figure.get_supxlabel().startswith("the same for all cases: differing residues 2–5; length")


def test_reliability_shows_no_point_of_few_cases(two_models):
    for axes in plot_reliability(two_models).axes[:2]:
        counts = [int(text.get_text()) for text in axes.texts]
        assert min(counts) >= 20
        assert sum(counts) == 2 * int(axes.get_title(loc="left").partition("n = ")[2].rstrip(")"))


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
    (strata,) = plot_strata(two_models).axes  # one bin in each grouping: nothing to compare
    assert strata.get_title(loc="left") == "identity (%)"
    reliability = plot_reliability(two_models).axes
    assert [axes.get_title(loc="left") for axes in reliability[:2]] == ["hard (n = 120)", "easy (n = 60)"]
    for axes in plot_retrieval(two_models).axes:
        curves = [line.get_ydata() for line in axes.get_lines()[:2]]
        assert all((np.diff(curve) >= 0).all() and curve[-1] == 100 for curve in curves)


@pytest.mark.parametrize(("rows", "models"), [(1, 1), (2, 3), (1, 2)])
def test_smallest_inputs_are_drawn(tmp_path, monkeypatch, rows, models, text_blind, hard, quick):
    monkeypatch.setattr("protrek_hm.evaluate.plots.pictures.save_figure", lambda _figure, path: path.touch())
    named = {f"m{number}": text_blind for number in range(models)}
    draw_all(evaluate(named, hard.head(rows), config=quick), tmp_path)
    assert len(list(tmp_path.glob("*.png"))) == (7 if models == 2 else 6)


def test_dollar_signs_are_no_formulas_and_a_failing_picture_costs_nothing_else(
    two_models, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(pictures, "save_figure", lambda _figure, path: path.touch())
    names = ("$5_{ and", "$^ 100 % \\frac$ $")
    models = tuple(replace(model, name=name) for model, name in zip(two_models.models, names, strict=True))
    assert len(draw_all(replace(two_models, models=models), tmp_path)) == 7
    assert not caplog.records

    def fails(_):
        raise ValueError("ParseException:\nno such\nsymbol")

    monkeypatch.setattr(pictures, "PICTURES", (replace(pictures.PICTURES[0], plot=fails), *pictures.PICTURES[4:]))
    assert len(draw_all(two_models, tmp_path)) == 3
    (told,) = caplog.messages
    assert told == (
        "1_accuracy_comparison.png could not be drawn (ParseException: no such symbol); everything else is there"
    )
