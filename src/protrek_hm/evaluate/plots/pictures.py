"""All pictures of one evaluation, as data: what each is called, says and needs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from protrek_hm.evaluate.plots.accuracy import plot_accuracy, plot_retrieval, plot_strata
from protrek_hm.evaluate.plots.scores import plot_change, plot_distribution, plot_projection, plot_reliability
from protrek_hm.evaluate.run import Evaluation
from protrek_hm.figures.style import STYLE, save_figure, spared


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes
    ----------
    stem
        Its file's name without the ending.
    title, caption
        Its heading and what it shows, in the report; the caption is also its text for who cannot see it.
    plot
        Draws it.
    vector
        Whether the report shows it as SVG; pictures of many points are smaller as PNG.
    of_two
        Whether it needs exactly two models.
    """

    stem: str
    title: str
    caption: str
    plot: Callable[[Evaluation], Figure]
    vector: bool = True
    of_two: bool = False


PICTURES = (
    Picture(
        "1_accuracy_comparison",
        "Accuracy",
        "Accuracy of each model by measure with 95 % intervals over groups; dashed: chance; mark: the best baseline.",
        plot_accuracy,
    ),
    Picture(
        "2_score_distribution",
        "Scores",
        "Distribution of the scores of each text with its own protein and with the wrong one; dotted: means.",
        plot_distribution,
    ),
    Picture(
        "3_tsne",
        "Map",
        "t-SNE of texts, their proteins and the twins, each model laid out on its own; the twins drawn with lines "
        "are random ones, or those of the title.",
        plot_projection,
        vector=False,
    ),
    Picture(
        "4_score_change",
        "Change of each twin",
        "Margin (right minus wrong score) of each case after over before; above the dotted line it grew.",
        plot_change,
        vector=False,
        of_two=True,
    ),
    Picture(
        "5_accuracy_by_stratum",
        "Accuracy by kind of twin",
        "Hard accuracy, text → protein, by identity, differing residues, length and family size, with 95 % intervals.",
        plot_strata,
    ),
    Picture(
        "6_reliability",
        "Calibration",
        "Share of right choices over the certainty that the model states, each point with its number of cases; below: "
        "how many choices it states so surely.",
        plot_reliability,
    ),
    Picture(
        "7_retrieval",
        "Retrieval",
        "Share of queries whose answer is among the first k of the whole test pool, for every k.",
        plot_retrieval,
    ),
)


def pictures_of(evaluation: Evaluation) -> tuple[Picture, ...]:
    """Return the pictures that this evaluation has."""
    return tuple(picture for picture in PICTURES if evaluation.differences or not picture.of_two)


def draw_all(evaluation: Evaluation, folder: Path) -> dict[str, Figure]:
    """Write the pictures as PNG and PDF, and return the figures by the stems of their files."""
    figures = {}
    for picture in pictures_of(evaluation):
        path = folder / f"{picture.stem}.png"
        with spared(path):
            figure = picture.plot(evaluation)
            with rc_context(STYLE):
                figure.draw_without_rendering()
            figure.set_layout_engine("none")  # laid out once, not again for each format
            save_figure(figure, path)
            figures[picture.stem] = figure
    return figures
