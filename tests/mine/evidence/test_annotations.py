import numpy as np
import pytest

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.mine.evidence.annotations import (
    count_unclear,
    information,
    judge_ec,
    judge_go,
    parse_go,
    read_ancestors,
)


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("1.1.1.1", "1.1.1.1", "ec:same"),
        ("1.1.1.1", "1.1.1.2", "ec:differs-at-4"),
        ("1.1.1.1", "1.1.2.1", "ec:differs-at-3"),
        ("1.1.1.1", "2.7.1.1", "ec:differs-at-1"),
        ("1.1.1.1; 2.7.1.1", "2.7.1.1", "ec:same"),
        ("1.1.1.1; 2.7.1.1", "2.7.1.2", "ec:differs-at-4"),
        ("1.1.1.-", "1.1.1.2", ""),
        ("1.1.-.-", "1.2.1.2", "ec:differs-at-2"),
        ("1.1.1.-", "1.1.1.-", ""),
        ("EC 3.4.21.n3", "3.4.21.n3", "ec:same"),
        ("none", "1.1.1.1", ""),
    ],
)
def test_levels(one, other, reason):
    forward = judge_ec([one, other], np.array([0]), np.array([1])).reasons.tolist()
    backward = judge_ec([one, other], np.array([1]), np.array([0])).reasons.tolist()
    assert forward == backward == [reason]


OBO = """format-version: 1.2

[Term]
id: GO:0000001
name: root
namespace: molecular_function

[Term]
id: GO:0000002
namespace: molecular_function
is_a: GO:0000001 ! root

[Term]
id: GO:0000003
namespace: molecular_function
is_a: GO:0000002 ! middle

[Term]
id: GO:0000009
namespace: biological_process
"""
FILLER = [f"GO:1{number:06d} F:filler" for number in range(40)]


def judge(one, other, ancestors=None):
    return judge_go([one, other, *FILLER], np.array([0]), np.array([1]), ancestors=ancestors).reasons[0]


def test_terms_of_one_protein_against_the_other():
    assert judge("GO:0000005 F:x", "GO:0000005 F:x") == "go:same"
    assert judge("GO:0000005 F:x; GO:0000006 F:y", "GO:0000005 F:x") == "go:shared"
    assert judge("GO:0000005 F:x", "GO:0000006 F:y") == "go:differs"
    assert judge("GO:0000005 F:x", "GO:0000006 C:place") == ""
    assert judge("GO:0000005 F:x", None) == ""


def test_only_functions_decide_in_whatever_form_they_stand():
    places = ("cytoplasm [GO:0005737]", "nucleus [GO:0005634]")
    assert judge(*places) == ""
    assert judge("GO:0005737; C:cytoplasm", "GO:0005634; C:nucleus") == ""
    assert judge("GO:0005737", "GO:0005634") == ""  # nothing says what they are
    assert judge("P:GO:0006915; C:GO:0005737", "P:GO:0006914") == ""
    assert judge("apoptotic process [GO:0006915]", "regulation of kinase activity [GO:0043549]") == ""
    assert judge("ATP binding [GO:0005524]; nucleus [GO:0005634]", "zinc ion binding [GO:0008270]") == "go:differs"
    assert judge("ATP binding [GO:0005524]; nucleus [GO:0005634]", "ATP binding [GO:0005524]") == "go:same"
    assert judge("F:GO:0005524", "GO:0008270 F:zinc ion binding") == "go:differs"
    cell = "hydrolase activity, acting on ester bonds [GO:0016788] | GO:0003735~structural constituent of ribosome"
    assert parse_go(cell) == {"GO:0016788", "GO:0003735"}


def test_the_ontology_says_what_identifiers_alone_are(tmp_path):
    path = tmp_path / "go.obo"
    path.write_text(OBO.replace("name: root\n", "name: root\nalt_id: GO:0000077\n"))
    ancestors = read_ancestors(path)
    assert parse_go("GO:0000002, GO:0000009; GO:0000077", ancestors) == {"GO:0000002", "GO:0000077"}
    assert ancestors["GO:0000077"] == {"GO:0000077", "GO:0000001"}
    cells = ["GO:0000002; GO:0000009", "GO:0000009 P:x", None, "growth [GO:0000009]"]
    assert (count_unclear(cells), count_unclear(cells, ancestors)) == (1, 0)


def test_ancestors_relate(tmp_path):
    path = tmp_path / "go.obo"
    path.write_text(OBO)
    ancestors = read_ancestors(path)
    assert ancestors["GO:0000003"] == {"GO:0000001", "GO:0000002", "GO:0000003"}
    assert "GO:0000009" not in ancestors
    assert judge("GO:0000003 F:leaf", "GO:0000002 F:middle") == "go:differs"
    assert judge("GO:0000003 F:leaf", "GO:0000002 F:middle", ancestors) == "go:related"


def test_terms_found_together_are_not_opposites():
    cells = ["GO:0000005 F:x", "GO:0000006 F:y", "GO:0000005 F:x; GO:0000006 F:y", *FILLER * 2]
    assert judge_go(cells, np.array([0]), np.array([1])).reasons.tolist() == ["go:related"]


def test_common_terms_say_nothing():
    cells = ["GO:0000005 F:binding", "GO:0000006 F:other"] * 10
    assert judge_go(cells, np.array([0]), np.array([1])).reasons.tolist() == [""]
    bits = information([parse_go(cell) for cell in cells], {})
    assert bits == {"GO:0000005": 1.0, "GO:0000006": 1.0}


def test_faults_are_told(tmp_path):
    with pytest.raises(MissingFileError):
        read_ancestors(tmp_path / "none.obo")
    (tmp_path / "empty.obo").write_text("hello")
    with pytest.raises(FileFormatError, match="OBO"):
        read_ancestors(tmp_path / "empty.obo")
