import numpy as np
import pytest

from protrek_hm.mine.evidence.words import judge_words, read_statements


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("Class A beta-lactamase TEM-1.", "Class A beta-lactamase TEM-2.", "words:same"),
        ("Carbapenem-hydrolyzing lactamase.", "Hydrolyzes carbapenem; a lactamase.", "words:one-says-more"),
        ("Protein kinase.", "Protein phosphatase.", "words:enzyme:differs"),
        ("Binds calcium.", "Recognises zinc.", "words:substance:differs"),
        ("Binds calcium.", "Recognises calcium.", "words:other-words"),
        ("Broad-spectrum lactamase.", "Extended-spectrum lactamase.", "words:-spectrum:differs"),
        (
            "Only the first hand binds, not the last.",
            "Only the last hand binds, not the first.",
            "words:reordered",
        ),
        ("Lactamase.", "Inhibitor-resistant lactamase.", "words:one-says-more"),
        (
            "Catalyzes the hydration of fumarate to malate. Inhibited by zinc.",
            "Catalyzes the hydration of fumarate to malate. Needs iron.",
            "words:shared-statement",
        ),
    ],
)
def test_wording_is_not_function(one, other, reason):
    for left, right in ((0, 1), (1, 0)):
        assert judge_words(read_statements([one, other]), np.array([left]), np.array([right])).reasons.tolist() == [
            reason
        ]


def test_labelled_fields_come_first():
    texts = [
        "Class C enzyme. Substrates: Cephalosporin.",
        "Cefepime-hydrolyzing class C enzyme. Substrates: Cephalosporin.",
        "Class C enzyme. Substrates: Carbapenem.",
        "Class C enzyme. Substrates: Carbapenem, Cephalosporin.",
        "Class C enzyme.",
    ]
    reasons = judge_words(read_statements(texts), np.array([0, 0, 0, 0]), np.array([1, 2, 3, 4])).reasons.tolist()
    assert reasons == [
        "words:one-says-more",
        "field:substrates:differs",
        "field:substrates:overlaps",
        "words:one-says-more",
    ]
