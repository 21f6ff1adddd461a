"""A merge on disk and on the terminal."""

import json
import resource
from io import StringIO

import pytest
from rich.console import Console

from protrek_hm.errors import OutputError, OutputExistsError
from protrek_hm.files import MARKER
from protrek_hm.merge import SweepConfig, merge_models, sweep, write_merge
from protrek_hm.merge.output import print_sweep
from protrek_hm.model import ProTrek


def test_the_folder_is_a_model_with_its_record(base, tuned, hard, easy, tmp_path):
    result = sweep(base, tuned, hard, easy, SweepConfig(points=3, resamples=100))
    model = merge_models(base, tuned, alpha=result.chosen.alpha)
    options = {"alpha": result.chosen.alpha, "sources": {"base": "b", "tuned": ["t"]}, "result": result}
    write_merge(model, tmp_path / "merged", **options)
    names = sorted(path.name for path in (tmp_path / "merged").iterdir())
    assert names == [MARKER, "frontier.pdf", "frontier.png", "merge.json", "model"]
    loaded = ProTrek.from_pretrained(tmp_path / "merged", device="cpu")
    assert loaded.fingerprint() == model.fingerprint()
    assert loaded.temperature == model.temperature
    record = json.loads((tmp_path / "merged" / "merge.json").read_text())
    assert record["format_version"] == 1
    assert record["alpha"] == record["sweep"]["chosen"] == result.chosen.alpha
    assert record["fingerprint"] == model.fingerprint()
    assert "minus 0.3 points" in record["sweep"]["rule"]
    [first, *_rest] = record["sweep"]["points"]
    assert first["hard"] == result.points[0].hard.as_dict()
    assert len(record["sweep"]["points"]) == 3

    with pytest.raises(OutputExistsError):
        write_merge(model, tmp_path / "merged", **options)
    write_merge(model, tmp_path / "merged", alpha=0.5, sources={}, force=True)
    assert sorted(path.name for path in (tmp_path / "merged").iterdir()) == [MARKER, "merge.json", "model"]


def test_a_full_disk_is_one_line_and_the_old_merge_stays(base, tuned, tmp_path):
    write_merge(merge_models(base, tuned, alpha=0.5), tmp_path / "merged", alpha=0.5, sources={})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, limits[1]))  # a file cannot grow beyond it, as on a full disk
    try:
        with pytest.raises(OutputError, match=r"merged: cannot be written \(.*File too large"):
            write_merge(base, tmp_path / "merged", alpha=0.0, sources={}, force=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert json.loads((tmp_path / "merged" / "merge.json").read_text())["alpha"] == 0.5
    assert [path.name for path in tmp_path.iterdir()] == ["merged"]


def test_a_row_for_each_alpha(base, tuned, hard, easy):
    result = sweep(base, tuned, hard, easy, SweepConfig(points=3, resamples=100))
    text = StringIO()
    print_sweep(result, Console(file=text, width=100))
    lines = [line.split() for line in text.getvalue().splitlines() if line.strip()]
    values = {words[0]: words[1] for words in lines if words[0] in ("0", "0.5", "1")}
    assert values == {f"{point.alpha:g}": f"{100 * point.hard.value:.1f}" for point in result.points}
    [marked] = [words for words in lines if "◀" in words]
    assert marked[0] == f"{result.chosen.alpha:g}"
