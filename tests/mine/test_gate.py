import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.data import read_proteins
from protrek_hm.data.uniprot import convert
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.evidence.findings import Findings, Outcome, Verdict
from protrek_hm.mine.gate import Gate, agree

VERDICTS = st.lists(st.lists(st.sampled_from(list(Verdict)), min_size=3, max_size=3), min_size=1, max_size=3)


def as_findings(verdicts):
    outcomes = tuple(Outcome(verdict.name, verdict) for verdict in Verdict)
    return Findings(outcomes, np.array([list(Verdict).index(verdict) for verdict in verdicts]))


@given(VERDICTS)
def test_columns_agree_only_if_all_speak(columns):
    found = agree([as_findings(column) for column in columns], 3, needs_all=True)
    for pair, said in enumerate(zip(*columns, strict=True)):
        if Verdict.DIFFERENT in said:
            assert found[pair] == Verdict.DIFFERENT
        elif Verdict.SILENT in said:
            assert found[pair] == Verdict.SILENT
        else:
            assert found[pair] == (Verdict.UNSURE if Verdict.UNSURE in said else Verdict.SAME)


@given(VERDICTS)
def test_annotations_that_contradict_each_other_are_unsure(columns):
    found = agree([as_findings(column) for column in columns], 3, needs_all=False)
    for pair, said in enumerate(zip(*columns, strict=True)):
        if Verdict.DIFFERENT in said:
            assert found[pair] == (Verdict.UNSURE if Verdict.SAME in said else Verdict.DIFFERENT)
        elif Verdict.SAME in said:
            assert found[pair] == Verdict.SAME
        else:
            assert found[pair] == (Verdict.UNSURE if Verdict.UNSURE in said else Verdict.SILENT)


def verdicts(one, other, **config):
    entries = pl.DataFrame([one, other], schema_overrides={name: pl.String for name in {*one, *other}})
    return Gate(entries, MineConfig(**config)).judge(np.array([0]), np.array([1])).row(0, named=True)


def test_columns_decide_over_wording():
    one, other = {"text": "Binds zinc.", "drug": "A"}, {"text": "Holds iron.", "drug": "A"}
    assert verdicts(one, other)["verdict"] == "different"
    found = verdicts(one, other, evidence=("drug:equal",))
    assert found["verdict"] == "same"
    assert found["reasons"] == "drug:same;words:substance:differs"


def test_a_missing_label_is_not_a_difference():
    one, other = {"text": "Class A enzyme.", "drug": "A"}, {"text": "Enzyme of class A, new.", "drug": None}
    assert verdicts(one, other, evidence=("drug:equal",))["verdict"] == "unsure"


def test_one_text_makes_no_twin():
    one, other = {"text": "Binds zinc.", "drug": "A"}, {"text": "binds ZINC", "drug": "B"}
    found = verdicts(one, other, evidence=("drug:equal",))
    assert found["verdict"] == "unsure"
    assert found["reasons"].endswith("text:identical")


def test_family_annotation_does_not_outvote_a_variants_effect():
    one = {"text": "Cuts penicillin.", "ec": "3.5.2.6"}
    assert verdicts(one, {"text": "Loss of activity.", "ec": "3.5.2.6"})["verdict"] == "different"
    assert verdicts(one, {"text": "No effect.", "ec": "3.5.2.6"})["verdict"] == "same"
    assert verdicts(one, {"text": "Cuts carbapenem.", "ec": "3.5.2.6"})["verdict"] == "unsure"
    assert verdicts(one, {"text": "Cuts penicillin, too.", "ec": "2.7.1.1"})["verdict"] == "different"


def test_the_text_gate_is_the_references():
    one, other = {"text": "red blood cell"}, {"text": "red blood cell part"}
    assert verdicts(one, other, gate="text")["verdict"] == "same"
    assert verdicts(one, other, gate="text", max_text_similarity=1.0)["verdict"] == "different"


def test_a_text_that_is_known_by_similarity_makes_no_twin(tmp_path):
    """The same from UniProt's table itself, and after conversion, which takes the tags out of the texts."""
    (tmp_path / "a.tsv").write_text(
        "Entry\tSequence\tFunction [CC]\n"
        "P1\tMKV\tFUNCTION: Hydrolyzes starch. {ECO:0000269|PubMed:1}.\n"
        "P2\tMKL\tFUNCTION: Hydrolyzes chitin. {ECO:0000250|UniProtKB:Q9}.\n"
        "P3\tMKI\tFUNCTION: Hydrolyzes chitin (By similarity).\n"
        "P4\tMKA\tFUNCTION: Hydrolyzes chitin. {ECO:0000269|PubMed:2}.\n"
        "P5\tMKG\tFUNCTION: Hydrolyzes chitin. {ECO:0000250|UniProtKB:Q9, ECO:0000269|PubMed:2}.\n"
    )
    convert([tmp_path / "a.tsv"], tmp_path / "b.parquet")
    for name in ("a.tsv", "b.parquet"):
        judged = Gate(read_proteins(tmp_path / name), MineConfig()).judge(np.zeros(4, dtype=int), np.arange(1, 5))
        assert judged["verdict"].to_list() == ["unsure", "unsure", "different", "different"]
        assert [("words:guessed" in reasons) for reasons in judged["reasons"]] == [True, True, False, False]


def test_a_mutant_whose_effect_is_not_understood_is_unsure(tmp_path):
    """Where a table says who is a mutant, its text is an effect, whatever it begins with, and no other function."""
    (tmp_path / "twins.tsv").write_text(
        "accession\tmutation\teffect\twt_function\twt_sequence\tmut_sequence\n"
        "P1\tK2A\tCuts chitin.\tCuts starch.\tMKV\tMAV\n"
        "P1\tK2R\tPrevents apoptosis.\tCuts starch.\tMKV\tMRV\n"
        "P1\tK2L\tNo effect on cutting.\tCuts starch.\tMKV\tMLV\n"
        "P1\tK2I\tNo effect on growth. Sticks to glass.\tCuts starch.\tMKV\tMIV\n"
    )
    judged = Gate(read_proteins(tmp_path / "twins.tsv"), MineConfig()).judge(np.zeros(4, dtype=int), np.arange(1, 5))
    assert judged["verdict"].to_list() == ["unsure", "different", "same", "unsure"]
    assert judged["reasons"][0].startswith("effect:unclear")
