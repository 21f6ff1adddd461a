"""All pictures of one evaluation."""

from pathlib import Path

from protrek_hm.evaluate.plots.accuracy import plot_accuracy
from protrek_hm.evaluate.plots.change import plot_change
from protrek_hm.evaluate.plots.distribution import plot_distribution
from protrek_hm.evaluate.plots.projection import plot_projection
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.figures.style import save_figure


def draw_all(evaluation: Evaluation, folder: Path) -> None:
    """Write the pictures as PNG and PDF; the change per twin needs exactly two models."""
    save_figure(plot_accuracy(evaluation), folder / "1_accuracy_comparison.png")
    save_figure(plot_distribution(evaluation), folder / "2_score_distribution.png")
    save_figure(plot_projection(evaluation), folder / "3_tsne.png")
    if evaluation.differences:
        save_figure(plot_change(evaluation), folder / "4_score_change.png")
