"""What words say that a change does: only what is known to be neutral is."""

from collections import Counter

import pytest

from protrek_hm.data.effects import Effect, is_neutral, read_effect

KEPT = """
No effect.
No effect on growth; no effect on kinase activity.
In tst1-1; normal growth.
In tst1-1, tst1-2; no effect.
In WD; unknown pathological significance; no effect on copper transport activity.
Almost no effect on activity.
Little or no effect on binding.
Has little or no effect on binding.
No significant effect on binding to transferrin nor TstB.
Does not affect protein levels. Does not impair heterodimer formation.
Does not significantly affect activity.
Does not show any effect.
Does not reduce activity.
Does not lose activity.
No loss of activity.
No growth defect in the presence of acetate or glucose as sole source of carbon.
Retains full activity.
Retains the ability to bind zinc.
Retains 95% of activity.
About 98% of wild-type activity.
Same activity as wild-type.
As active as wild-type.
Activity comparable to wild-type.
Wild-type levels of activity.
Unaffected cleavage.
Unchanged.
Activity and stability are unaffected.
Protein levels are normal.
Neither activity nor localization is affected.
No change in activity, and normal localization.
No change in activity nor stability.
Localizes normally.
Not essential for activity.
In the presence of calcium, no effect on binding.
No effect on catalytic activity (in vitro (at pH 5)).
No effect on catalytic activity with N(6)-testine in single-stranded DNA.
No change in binding for isoforms with or without the beta domain.
No effect on phosphorylation {ECO:0000269|PubMed:1}.
No effect on inactivation.
No effect; when associated with A-641; A-650 and A-690.
Neither affects dimerization nor DNA-binding.
Activity is 95% of wild-type.
No effect on dimerization, leucine uptake or ability to inhibit TstB.
Does not disrupt DNA binding.
NO LOSS OF ACTIVITY.
Viable and fertile.
Shows activity similar to wild-type.
No effect in E. coli. No effect on binding to factor A.
"Silent" mutant; does not affect testing.
""".strip().splitlines()

NOT_KEPT = """
Loss of activity. | lost
No kinase activity. | lost
Has no activity. | lost
Does not bind DNA. | lost
Does not inhibit trypsin. | lost
Does not reduce ferric iron. | lost
Does not grow normally. | lost
Does not restore normal growth. | lost
Fails to retain activity. | lost
Unable to maintain normal growth. | lost
No longer affected by calcium. | lost
Not phosphorylated. | lost
Failed to bind zinc. | lost
Neither binds nor cuts DNA. | lost
Full loss of activity. | lost
Almost inactive. | lost
Non-viable. | lost
Not unaffected. | lost
When associated with A-12, loss of activity. | lost
In E. coli no growth. | lost
14% of wild-type activity. | changed
250% of wild-type activity. | changed
Retains 10% of activity. | changed
Retains one-third of the original activity. | changed
Less active than the wild-type enzyme. | changed
Less than normal activity. | changed
Slight effect on binding. | changed
Slightly reduces activity. | changed
2-fold decrease in affinity. | changed
Binds to a lesser extent. | changed
Partially functional. | changed
Constitutively active. | changed
Dominant negative. | changed
Retained in the endoplasmic reticulum. | changed
Binds zinc. | unclear
Sticks to glass. | unclear
Same phenotype as the null mutant. | unclear
Does not abolish binding. | unclear
Does not prevent phosphorylation. | unclear
No inhibitory effect on trypsin. | unclear
No effect of calcium on activity. | unclear
Activity is unaffected by calcium. | unclear
No difference between substrates. | unclear
No change in fluorescence upon binding of the ligand. | unclear
No increase in kinase activity in response to calcium. | unclear
Retains significant activity. | unclear
Does not interfere with apoptosis. | unclear
No gain of function. | unclear
Not affected by the inhibitor. | unclear
Does not stimulate transcription. | lost
95% loss of activity. | lost
95% reduction in binding. | changed
89% of wild-type activity. | changed
NO EFFECT ON GROWTH AND MISLOCALIZES. | mixed
No effect on growth, Mislocalizes to nuclei. | mixed
Does not affect binding to ATP but to GTP. | mixed
No effect until heat shock. | mixed
Activity is not affected, whereas stability is. | mixed
No effect on activity at pH 7; at pH 5 inactive. | mixed
Grows normally at 30 degrees but not at 37. | mixed
No effect when associated with A-12 but inactive alone. | mixed
Catalytically dead. | lost
In isoform 2: loss of binding. In isoform 1: no effect. | mixed
 | unclear
Does not affect dimerization. Does not bind DNA. | mixed
No effect on protein level; not secreted. | mixed
Deficient in nuclease activity, but retains flap-cutting activity. | mixed
Normal growth at 30 degrees. Compromised recovery after heat shock. | mixed
No effect on expression. Not activated by calcium. | mixed
Normal localization. Does not rescue growth of the null mutant. | mixed
No effect on stability. Loss of activity. | mixed
No effect on growth. Sticks to glass. | mixed
No effect on growth, sticks to glass. | mixed
No effect on growth and sticks to glass. | mixed
No effect on growth; nuclear. | mixed
No effect on growth; nuclear localization. | mixed
No effect on growth but impairs binding. | mixed
Reduces binding without affecting growth. | changed
No effect on activity (but reduced stability). | mixed
No effect on activity, which is 10% of wild-type. | mixed
No effect except at high temperature. | mixed
Normal expression, ER retention. | mixed
Loss of activity despite normal expression. | mixed
In addition to loss of binding, no effect on stability. | mixed
No effect on its own. Lethal; when associated with A-12. | mixed
No interaction with FIS1; normal growth. | mixed
No effect on binding to factor A. Mislocalized. | mixed
""".strip("\n").splitlines()


@pytest.mark.parametrize("text", KEPT)
def test_neutral(text):
    assert is_neutral(text)


@pytest.mark.parametrize(("text", "effect"), [line.split(" | ") for line in NOT_KEPT])
def test_not_neutral(text, effect):
    assert read_effect(text) is Effect(effect)
    assert not is_neutral(text)


@pytest.mark.parametrize(
    "known", ["No effect on growth", "Normal growth", "Does not affect growth", "Unchanged growth"]
)
@pytest.mark.parametrize("joint", [". ", "; ", ", ", " but ", " and ", ", whereas ", " ("])
@pytest.mark.parametrize("unknown", ["glows in the dark", "xyzzies zinc", "frobs"])
def test_a_word_that_no_list_knows_is_never_no_effect(known, joint, unknown):
    assert read_effect(known + joint + unknown + ".") is Effect.MIXED
    assert read_effect(unknown + ". " + known + ".") is Effect.MIXED


@pytest.mark.realdata
def test_against_the_labels_of_real_mutants(real_data):
    """The labels call an effect neutral if any words in it do, mixed ones too; ours only if all do."""
    import polars as pl

    table = pl.read_csv(real_data / "mutagenesis_twins.tsv.gz", separator="\t", quote_char=None, infer_schema=False)
    ours = [str(int(is_neutral(effect))) for effect in table["effect"]]
    counts = Counter(zip(table["neutral"], ours, strict=True))
    assert sum(counts.values()) == 4_264
    assert counts == {("0", "0"): 3_637, ("1", "1"): 333, ("1", "0"): 255, ("0", "1"): 39}
