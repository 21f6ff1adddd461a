from io import StringIO

from rich.console import Console

from protrek_hm.merge import SweepConfig, sweep
from protrek_hm.merge.table import print_sweep


def test_a_row_for_each_alpha(base, tuned, hard, easy):
    result = sweep(base, tuned, hard, easy, SweepConfig(points=3, resamples=100))
    text = StringIO()
    print_sweep(result, Console(file=text, width=100))
    lines = [line.split() for line in text.getvalue().splitlines() if line.strip()]
    values = {words[0]: words[1] for words in lines if words[0] in ("0", "0.5", "1")}
    assert values == {f"{point.alpha:g}": f"{100 * point.hard.value:.1f}" for point in result.points}
    [marked] = [words for words in lines if "◀" in words]
    assert marked[0] == f"{result.chosen.alpha:g}"
