import pytest

from protrek_hm.data.effects import Effect
from protrek_hm.mine.evidence.effects import compare_effects, read_text
from protrek_hm.mine.evidence.findings import Verdict


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("Loss of activity.", "lost"),
        ("Abolishes binding to iron.", "lost"),
        ("Kinase-dead.", "lost"),
        ("Reduced affinity for ATP.", "changed"),
        ("Strongly reduces catalytic activity.", "changed"),
        ("73% loss of ATPase activity.", "lost"),
        ("No effect.", "kept"),
        ("No visible effect on growth.", "kept"),
        ("Does not affect kinase activity.", "kept"),
        ("In rf1; no loss of activity.", "kept"),
        ("Abolishes E3 activity, but does not affect binding.", "mixed"),
        ("Kinase that reduces the activity of its substrate and is inactive at night.", "nothing"),
        ("DEAD-box helicase required for splicing.", "nothing"),
        ("Binds iron. Mutant: loss of activity.", "lost"),
        ("Retains 10% of activity.", "changed"),
        ("Does not affect dimerization. Does not bind DNA.", "mixed"),
        ("No effect on growth. Sticks to glass.", "mixed"),
        ("Does not inhibit trypsin.", "lost"),
        ("Prevents apoptosis.", "nothing"),
        ("Inhibits the activity of trypsin.", "nothing"),
        ("Abolishes phosphorylation of TSTB.", "lost"),
        ("Loss of binding of calcium.", "lost"),
        ("Prevents binding to iron.", "lost"),
        ("Maintains telomeres.", "nothing"),
        ("Helicase with no known substrate.", "nothing"),
        ("Subunit of the conserved complex; mutant shows defects in growth.", "nothing"),
        ("", "nothing"),
    ],
)
def test_what_is_said(text, effect):
    assert read_text(text) is Effect(effect)


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("nothing", "nothing", Verdict.SILENT),
        ("nothing", "kept", Verdict.SAME),
        ("nothing", "lost", Verdict.DIFFERENT),
        ("kept", "changed", Verdict.DIFFERENT),
        ("lost", "changed", Verdict.UNSURE),
        ("mixed", "lost", Verdict.UNSURE),
    ],
)
def test_pairs_of_effects(one, other, verdict):
    assert compare_effects(Effect(one), Effect(other)).verdict == verdict
    assert compare_effects(Effect(other), Effect(one)).verdict == verdict
