"""A board of encoders whose right figures are known."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from protrek_hm.data.twins.case_table import SPLITS as TABLE_SPLITS
from protrek_hm.data.twins.case_table import swapped
from protrek_hm.errors import FileFormatError, MissingColumnError, NothingFoundError, OptionError
from protrek_hm.evaluate import config
from protrek_hm.evaluate.config import BoardConfig
from protrek_hm.evaluate.twins.board import board_content, board_markdown, scores_table
from protrek_hm.evaluate.twins.cases import draw_cases
from protrek_hm.evaluate.twins.measures import LEARNED
from protrek_hm.evaluate.twins.run import WithHead, evaluate_twins, measure_beside

ACCURACIES = ("text_to_protein", "protein_to_text", "all_four")


def figures(board, row=0):
    """Every figure of a row: (split, set, kind, measure) → estimate."""
    return {
        (split, name, kind, key): each
        for split, sets in board.rows[row].estimates.items()
        for name, kinds in sets.items()
        for kind, found in kinds.items()
        for key, each in found.items()
    }


def test_an_oracle_is_always_right(cases, reader, quick_board):
    found = figures(evaluate_twins({"oracle": reader(cases)}, cases, quick_board))
    assert {each.value for (*_, key), each in found.items() if key in ACCURACIES} == {1.0}
    assert {split for split, *_ in found} == {"test", "known"}
    assert {name for _, name, *_ in found} == {"all", "curated", "scans", "homologs"}


@pytest.mark.parametrize("task", ["text", "sequence"])
def test_who_reads_one_side_only_is_right_in_half(cases, blind, quick_board, task):
    found = figures(evaluate_twins({"blind": blind(task)}, cases, quick_board))
    assert {each.value for (*_, key), each in found.items() if key.endswith(("protein", "text"))} == {0.5}
    assert {each.value for (*_, key), each in found.items() if key == "false_alarms"} == {1.0}


def test_exchanging_a_and_b_changes_nothing_but_the_sign(cases, blind, reader, quick_board):
    models = {"reader": reader(cases), "guesser": blind("none")}
    one, other = (evaluate_twins(models, each, quick_board, train=each) for each in (cases, swapped(cases)))
    for first, second in zip(one.rows, other.rows, strict=True):
        assert first.estimates == second.estimates, first.name
        margins = [row.scores[:, 0, 0] - row.scores[:, 0, 1] for row in (first, second)]
        seen_from_b = first.scores[:, 1, 0] - first.scores[:, 1, 1]
        known = ~np.isnan(seen_from_b)
        np.testing.assert_allclose(margins[1][known], -seen_from_b[known], atol=1e-7)
        np.testing.assert_allclose(margins[1][~known], -margins[0][~known], atol=1e-7)


def test_the_order_of_rows_changes_no_byte_of_the_board(cases, blind, quick_board):
    boards = [evaluate_twins({"g": blind("none")}, each, quick_board, train=each) for each in (cases, cases.reverse())]
    assert board_content(boards[0]) == board_content(boards[1])


class Alanines:
    """A head that prefers the protein with more alanines where the text's vector begins with a positive number."""

    weight = 10.0

    def __init__(self):
        self.references = []

    def read(self, texts):
        return np.array([[len(text) % 2 - 0.5] for text in texts])

    def speaks(self, texts):
        return np.full(len(texts), 0.25)

    def prefer(self, texts, a, b, *, references, relatives):
        self.references += references
        return np.sign(texts[:, 0]) * [one.count("A") - other.count("A") for one, other in zip(a, b, strict=True)]


def test_a_head_has_three_rows(cases, blind, quick_board):
    model = WithHead(blind("sequence"), Alanines())
    board = evaluate_twins({"m": model}, cases, quick_board)
    assert [row.name for row in board.rows] == ["m", "m + head", "twin head"]
    vectors, both, head = (row.scores for row in board.rows)
    counts = np.array([0.25 if name.startswith("N") else 1.0 for name in board.cases.frame["id_a"]])
    np.testing.assert_allclose(both, vectors + 10 * counts[:, None, None] * head, atol=1e-12)
    gap = head[:, 0, 0] - head[:, 0, 1]
    wanted = cases.filter(pl.col("split").is_in(["test", "known"]))
    counts = wanted["a"].str.count_matches("A").cast(int) - wanted["b"].str.count_matches("A").cast(int)
    np.testing.assert_array_equal(np.abs(gap), np.abs(counts.to_numpy()))
    told = {case: each for case, each in zip(wanted["id_a"], model.head.references, strict=False)}
    wild = {row["id_a"]: row["a"] for row in cases.filter(kind="wild-type-mutant").iter_rows(named=True)}
    assert {each: told[each] for each in wild if each in told} == {each: wild[each] for each in wild if each in told}
    assert told["N2.0a"] is None, "natural homologs have no wild type"


def test_what_a_model_has_not_learned_is_flagged(cases, quick_board):
    """The model knows proteins that begin with M, as real ones do here; all others lie far away, together."""

    class Knows:
        def encode(self, inputs, /, *, task, batch_size, show_progress_bar):
            known = [each.startswith("M") and each[-1] not in "ACDEF" for each in inputs]
            spread = [np.random.default_rng([*each.encode()]).normal(size=8) for each in inputs]
            return np.array([[9.0 if is_known else -9.0, *each] for is_known, each in zip(known, spread, strict=True)])

    board = evaluate_twins({"k": Knows()}, cases, replace(quick_board, shuffled=60))
    [row] = board.rows
    last = [each[-1] in "ACDEF" for each in board.cases.frame["a"]]
    other = [each[-1] in "ACDEF" for each in board.cases.frame["b"]]
    control = board.cases.is_control
    flagged = row.values["unlearned"]
    assert np.isnan(flagged[control]).all()
    assert (flagged[~control] == np.logical_or(last, other)[~control]).all()
    assert 0 < np.nanmean(flagged) < 1
    right = np.where(flagged == 0, row.values["text_to_protein"], np.nan)
    np.testing.assert_array_equal(row.values["text_to_protein_learned"], right)
    page = board_markdown(board_content(board))
    assert page.count("Cases with a protein that the model has not learned") == len(board.splits)
    assert not evaluate_twins({"k": Knows()}, cases, quick_board).rows[0].values.keys() & LEARNED.keys()


def test_scores_of_others_are_measured_as_a_model_s(cases, blind, quick_board):
    board = evaluate_twins({"g": blind("none")}, cases, quick_board)
    given = scores_table(board).filter(row="g").sample(fraction=1.0, shuffle=True, seed=1)
    again = evaluate_twins({}, cases, quick_board, scores={"g": given})
    assert again.rows[0].estimates == board.rows[0].estimates

    with pytest.raises(FileFormatError, match="1 of 96 cases have no score"):
        evaluate_twins({}, cases, quick_board, scores={"g": given[1:]})
    with pytest.raises(FileFormatError, match="a case stands twice"):
        evaluate_twins({}, cases, quick_board, scores={"g": pl.concat([given, given[:1]])})
    with pytest.raises(MissingColumnError, match="'ab'"):
        evaluate_twins({}, cases, quick_board, scores={"g": given.drop("ab")})
    holes = given.with_columns(ba=pl.when(pl.col("id_a") != "N2.0a").then("ba"))
    with pytest.raises(FileFormatError, match="1 of 96 cases have no score, the first is N2.0a"):
        evaluate_twins({}, cases, quick_board, scores={"g": holes})


def test_what_cannot_be_measured_is_told(cases, blind):
    with pytest.raises(OptionError, match="at least one model"):
        evaluate_twins({}, cases)
    with pytest.raises(NothingFoundError, match="--split"):
        evaluate_twins({"g": blind("none")}, cases.filter(split="train"))
    with pytest.raises(OptionError, match="some of train, valid"):
        BoardConfig(splits=("tests",))
    with pytest.raises(OptionError, match="each once"):
        BoardConfig(splits=("test", "test"))


def test_a_planted_leak_is_counted(cases, blind, quick_board):
    clean = evaluate_twins({"g": blind("none")}, cases, quick_board, train=cases)
    assert clean.leaks == {"proteins": 0, "test_families": 0}
    planted = cases.filter(split="test")[:1].with_columns(split=pl.lit("train"))
    leaking = evaluate_twins({"g": blind("none")}, cases, quick_board, train=pl.concat([cases, planted]))
    assert leaking.leaks == {"proteins": 2, "test_families": 1}


def test_a_case_in_two_tables_is_refused(cases, blind, quick_board):
    with pytest.raises(FileFormatError, match=r"the case N0.3a / N0.3b stands in two of them \(192 such rows\)"):
        evaluate_twins({"g": blind("none")}, pl.concat([cases, cases]), quick_board)


def test_the_gain_over_the_best_baseline_is_the_mean_of_differences(cases, reader, quick_board):
    board = evaluate_twins({"oracle": reader(cases)}, cases, quick_board, train=cases)
    gain = board.gains(board.rows[0])["test"]["text_to_protein"]
    best = max(
        (each.estimates["test"]["all"]["all"]["text_to_protein"].value, each.name)
        for each in board.rows[1:]
        if "test" in each.estimates
    )
    assert gain.difference.value == pytest.approx(1 - best[0])
    assert gain.baseline == best[1]
    assert gain.difference.low > 0


def test_of_a_family_so_many_are_drawn_whatever_the_order(invented):
    cases = invented(10)
    key, group = ["id_a", "id_b", "kind"], ["split", "set", "kind", "control", "family"]
    drawn = draw_cases(cases, 2, seed=1)
    assert drawn.group_by(group).len()["len"].max() == 2
    assert drawn.select(group).unique().height == cases.select(group).unique().height
    mixed = draw_cases(swapped(cases).sample(fraction=1.0, shuffle=True, seed=5), 2, seed=1)
    assert swapped(mixed).sort(key).equals(drawn.sort(key))
    assert not draw_cases(cases, 2, seed=2).sort(key).equals(drawn.sort(key))
    assert draw_cases(cases, 0, seed=1).equals(cases)


def test_the_splits_are_those_of_case_tables():
    assert set(config.SPLITS) == set(TABLE_SPLITS)


def test_beside(hard, easy, oracle, guesser, quick_board):
    found = measure_beside(oracle, "oracle", quick_board, easy=easy, retrieval=hard)
    assert {key: each.value for key, each in found.items()} == {"easy": 1.0, "R@1": 1.0}
    assert measure_beside(guesser, "guesser", quick_board, retrieval=hard)["R@1"].value < 0.3
    assert measure_beside(guesser, "guesser", quick_board) == {}
