import tracemalloc

import numpy as np
import pytest

from protrek_hm.model.window import count_cut, describe_cut, lengths, window


@pytest.mark.parametrize("task", ["text", "sequence", "structure"])
def test_what_is_cut_is_what_changes_when_its_end_is_lost(model, task):
    unit = "kinase " if task == "text" else "a" if task == "structure" else "A"
    inputs = [unit * length for length in (1, 17, 18, 19, 40)]
    assert window(model, task) == 18
    shorter = [unit * (length - 1) for length in (1, 17, 18, 19, 40)]
    same = np.isclose(model.encode(inputs[1:], task=task), model.encode(shorter[1:], task=task), atol=1e-6).all(axis=1)
    assert same.tolist() == [False, False, True, True]
    assert count_cut(model, inputs, task=task) == 2


def test_the_line(model):
    assert describe_cut(model, ["A" * 18], task="sequence") is None
    assert describe_cut(model, [], task="text") is None
    assert (
        describe_cut(model, ["A" * 19, "A"], task="sequence")
        == "1 of 2 sequences is longer than the model's 18 residues: the rest is not read"
    )
    assert "2 of 2 texts are longer than the model's 18 tokens" in str(
        describe_cut(model, ["glucose " * 30] * 2, task="text")
    )


def test_huge_inputs_are_counted_a_part_at_a_time(model):
    text = "glucose " * 60_000
    tracemalloc.start()
    assert lengths(model, [text, "glucose"], task="text") == [60_000, 1]
    assert count_cut(model, [text, "glucose"], task="text") == 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6  # all at once took 30 MB, and far more that tracemalloc does not see


def test_blanks_and_stops_count_for_nothing(model):
    assert lengths(model, ["MKV LA\n", "mkvla*", "MKVLA"], task="sequence") == [5, 5, 5]
