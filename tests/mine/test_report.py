from pathlib import Path

from protrek_hm.mine.report import MiningReport, Step


def test_what_was_removed_adds_up():
    assert Step("x", "pairs", 10, 4).removed == 6


def test_the_table_shows_steps_splits_reference_and_warnings():
    report = MiningReport()
    report.add("look alike", "pairs", given=1000, kept=10, note="70 %")
    report.splits = {"train": {"triplets": 2000}, "test": {"triplets": 5}}
    report.reference = {"found": 3, "lost: lengths differ": 7}
    report.warnings = ["few families"]
    assert str(report).splitlines() == [
        "step        given  kept  removed  of     note",
        "look alike  1,000    10      990  pairs  70 %",
        "",
        "split  triplets",
        "train     2,000",
        "test          5",
        "",
        "twins by our gate, in the reference  pairs",
        "found                                    3",
        "lost: lengths differ                     7",
        "warning: few families",
    ]


def test_the_file_names_its_version():
    content = MiningReport().to_dict(source=Path("a.tsv"), config={"seed": 1})
    assert (content["format_version"], content["input"], content["config"]) == (1, "a.tsv", {"seed": 1})
