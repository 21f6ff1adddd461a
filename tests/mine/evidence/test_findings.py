import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from protrek_hm.mine.evidence.findings import Outcome, Verdict, compare_values


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=1, max_size=8).flatmap(
        lambda values: st.tuples(
            st.just(values),
            st.lists(st.tuples(*[st.integers(0, len(values) - 1)] * 2), max_size=20),
        )
    )
)
def test_agrees_with_a_plain_loop(case):
    values, pairs = case

    def compare(one, other):
        return Outcome(f"{min(one, other)}-{max(one, other)}", Verdict.SAME if one == other else Verdict.DIFFERENT)

    left, right = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    findings = compare_values(values, left, right, compare=compare)
    for place, (i, j) in enumerate(pairs):
        unknown = values[i] is None or values[j] is None
        wanted = Outcome("", Verdict.SILENT) if unknown else compare(values[i], values[j])
        assert (findings.reasons[place], findings.verdicts[place]) == (wanted.reason, wanted.verdict)
