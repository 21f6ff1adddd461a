import numpy as np
import pytest

from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.figures import heatmap
from protrek_hm.figures.heatmap import ORDER, Heatmap, draw_heatmaps


def test_the_order_of_the_rows_names_each_of_the_twenty():
    assert sorted(ORDER) == sorted(AMINO_ACIDS)


@pytest.mark.parametrize("length", [1, 80, 81, 300])
def test_every_cell_is_drawn_in_its_place(length, tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(heatmap, "save_figure", lambda figure, path: figures.append(figure))
    values = np.arange(length * 20, dtype=float).reshape(length, 20)
    residues = ("MKTAYIAKQRX" * length)[:length]
    marked = {(length - 1, "E"), (0, "X")}
    draw_heatmaps(
        [Heatmap("a", values, AMINO_ACIDS), Heatmap("b", -values, AMINO_ACIDS)],
        residues,
        tmp_path / "a.png",
        marked=marked,
    )
    images = [axes.images[0] for axes in figures[0].axes if axes.images]
    lines = -(-length // 80)
    assert len(images) == 2 * lines
    drawn = np.hstack([np.asarray(each.get_array()) for each in images[:lines]])
    assert np.array_equal(drawn[[ORDER.index(each) for each in AMINO_ACIDS]].T, values)
    letters = "".join(text.get_text() for axes in figures[0].axes if axes.images for text in axes.texts)
    assert letters == 2 * residues
    frames = [patch for axes in figures[0].axes if axes.images for patch in axes.patches]
    assert [patch.get_xy() for patch in frames] == [((length - 1) % 80 - 0.5, ORDER.index("E") - 0.5)] * 2


def test_a_picture_of_more_than_can_be_drawn_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(heatmap, "MOST", 10)
    draw_heatmaps([Heatmap("a", np.zeros((12, 20)), AMINO_ACIDS)], "M" * 12, tmp_path / "a.png", title="$x$ " * 60)
    assert (tmp_path / "a.png").stat().st_size > 0
    assert (tmp_path / "a.pdf").stat().st_size > 0
