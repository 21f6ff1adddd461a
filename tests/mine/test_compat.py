from difflib import SequenceMatcher

import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from protrek_hm.errors import OptionError
from protrek_hm.mine.compat import explain_loss, reference_pairs


def naive(proteins):
    """The reference as the project's description states it, without any shortcut."""
    kept, seen = [], set()
    for row in proteins.iter_rows(named=True):
        if (row["sequence"], row["text"]) not in seen:
            seen.add((row["sequence"], row["text"]))
            kept.append(row)
    pairs = set()
    for structure in {row["structure"] for row in kept} - {None}:
        group = [row for row in kept if row["structure"] == structure]
        if len(group) < 2:
            continue
        vectors = TfidfVectorizer().fit_transform([row["text"] for row in group]).toarray()
        for i in range(len(group)):
            for j in range(i + 1, len(group)):
                a, b = group[i]["sequence"], group[j]["sequence"]
                ratio = 1.0 if a == b else SequenceMatcher(None, a, b).ratio()
                alike = float(vectors[i] @ vectors[j]) > 0.5
                apart = abs(len(a) - len(b)) / max(len(a), len(b)) > 0.2
                if not alike and not apart and 0.7 <= ratio <= 0.99999999:
                    pairs.add((group[i]["id"], group[j]["id"], round(ratio, 12)))
    return pairs


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("length", [60, 230])
def test_the_same_pairs_as_the_plain_loop(make_families, seed, length):
    proteins = make_families(seed, length=length)
    found = reference_pairs(proteins)
    ids = proteins["id"]
    assert {(ids[a], ids[b], round(ratio, 12)) for a, b, ratio, _ in found.iter_rows()} == naive(proteins)
    assert (found["first"] < found["second"]).all()


def test_every_lost_twin_has_one_reason(make_families):
    proteins = make_families(7, length=230)
    rows = list(proteins.iter_rows(named=True))
    twins = [
        {"anchor_seq": a["sequence"], "hard_neg_seq": b["sequence"]}
        for i, a in enumerate(rows)
        for b in rows[i + 1 :]
        if a["id"][:2] == b["id"][:2] and a["drug"] != b["drug"]
    ]
    reasons = explain_loss(proteins, pl.DataFrame(twins), reference_pairs(proteins))
    assert sum(reasons.values()) == len(twins)
    assert reasons["lost: difflib's autojunk"] > 0


def test_structures_are_needed(make_families):
    with pytest.raises(OptionError, match="Foldseek"):
        reference_pairs(make_families(1).drop("structure"))
