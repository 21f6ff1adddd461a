"""What answers, explanations, alignments and reports show of themselves in a notebook."""

from html.parser import HTMLParser

import numpy as np
import pytest

from protrek_hm.homology import align
from protrek_hm.mine.report import MiningReport, Step
from protrek_hm.search.explain import Protein, explain_pair
from protrek_hm.search.hits import Answer, Family, Hit

NASTY = "<script>alert(1)</script> & <b>"


class Reader(HTMLParser):
    """Collects the texts, and fails on a tag that is not closed in its turn."""

    def __init__(self, html):
        super().__init__()
        self.open, self.texts, self.tags = [], [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)


def hit(rank, name, text, sequence="MKTAYIAKQR"):
    return Hit(rank, name, 0.5, 5.0, None, 0.1, 2.0, {"id": name, "text": text, "sequence": sequence})


def test_an_answer_is_a_table_of_its_hits_and_families():
    families = [Family(1, (hit(1, "P1", NASTY), hit(2, "P2", "a kinase"))), Family(2, (hit(3, "P3", None),))]
    page = Reader(Answer(families, notes=["only 50 were looked at"])._repr_html_())
    assert page.tags.count("tr") == 3
    assert "script" not in page.tags
    assert {NASTY, "1 near-identical", "P3", "only 50 were looked at"} <= set(page.texts)
    assert Answer(families).to_frame()["id"].to_list() == ["P1", "P2", "P3"]
    assert Reader(Answer([])._repr_html_()).tags.count("tr") == 1
    assert Answer([]).to_frame().is_empty()


def test_an_explanation_shows_verdict_alignment_and_signed_bars():
    class Lysines:
        temperature, tasks = 0.1, ("text", "sequence")

        def fingerprint(self):
            return "k"

        def encode(self, inputs, /, *, task, **options):
            share = np.array([1.0 if task == "text" else 0.1 * each.count("K") for each in inputs])
            return np.stack([share, np.sqrt(1 - share**2)], axis=1)

    why = explain_pair(Lysines(), NASTY, Protein("P<1>", "MKTKYWKAAR"), Protein(None, "MKTRYWRAAKR"))
    html = why._repr_html_()
    page = Reader(html)
    assert "script" not in page.tags
    assert any("P<1> fits better" in each for each in page.texts)
    assert page.tags.count("mark") == 2 * len(why.substitutions)
    changes = [float(each) for each in page.texts if each[:1] in "+-" and len(each) == 7]
    assert changes == pytest.approx([each.change for each in why.substitutions])
    assert html.count("background:#d55e00") == 1 + sum(each.change < 0 for each in why.substitutions), "and the marks"
    assert "one by one they change the score by -0.1000, together by -0.1000" in page.texts


def test_an_alignment_marks_what_differs():
    page = Reader(align("MKTAYIAKQR", "MKTAYAKER")._repr_html_())
    assert page.tags.count("mark") == 4
    assert "".join(page.texts).count("I") == 1


def test_a_report_is_a_table_of_its_steps():
    report = MiningReport([Step("with a text", "proteins", 1000, 800)], {"train": {"pairs": 3}}, warnings=[NASTY])
    page = Reader(report._repr_html_())
    assert {"with a text", "1,000", "800", "train", "3", f"warning: {NASTY}"} <= set(page.texts)
