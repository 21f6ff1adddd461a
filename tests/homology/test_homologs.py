import itertools

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import OptionError
from protrek_hm.homology.config import HomologyConfig
from protrek_hm.homology.homologs import SCHEMA, find_homologs
from protrek_hm.homology.identity import matches_and_columns


def exhaustive(sequences, config):
    """Truth: every pair, aligned."""
    rows = []
    for (a, x), (b, y) in itertools.combinations(enumerate(sequences), 2):
        matches, columns = matches_and_columns(x, y)
        identity = matches / columns
        coverage = (len(x) + len(y) - columns) / max(len(x), len(y))
        if config.min_identity <= identity <= config.max_identity and coverage >= config.coverage:
            rows.append((a, b, identity, coverage))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("min_identity", [0.5, 0.7, 0.9])
def test_finds_what_exhaustive_search_finds(seed, min_identity, families):
    sequences = families(
        seed, sizes=[25, 15, 10, 8, 20, 20], lengths=[300, 170, 120, 80, 40, 22], change=0.6, gap_rate=0.01
    )
    config = HomologyConfig(min_identity=min_identity, threads=2)
    truth, found = exhaustive(sequences, config), find_homologs(sequences, config)
    assert found.join(truth, on=["a", "b"], how="anti").is_empty()
    assert found.equals(truth.join(found, on=["a", "b"], how="semi"))
    assert len(found) >= 0.99 * len(truth)
    if min_identity >= 0.7:
        assert len(found) == len(truth)


UNITS = {"poly-Q": "Q", "silk": "GAGAGS", "NANP": "NANP", "elastin": "VPGVG", "RS": "RS"}


def drifted(unit, length, rng):
    """Members of a family of repeats: whole, shortened, and with residues drawn anew."""
    whole = np.array(list((unit * length)[:length]))
    members = ["".join(whole), "".join(whole[:-3]), "".join(whole[2:])]
    for rate in np.linspace(0.02, 0.5, 12):
        child = whole.copy()
        hit = rng.random(length) < rate
        child[hit] = rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), hit.sum())
        members.append("".join(child))
    return members


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
@pytest.mark.parametrize("length", [60, 170, 400])
def test_all_pairs_of_repeats_are_found(unit, length):
    sequences = drifted(unit, length, np.random.default_rng(length))
    for min_identity in (0.5, 0.7, 0.9):
        config = HomologyConfig(min_identity=min_identity, max_identity=1, threads=1)
        assert find_homologs(sequences, config).equals(exhaustive(sequences, config))


@pytest.mark.parametrize("kept", ["01", "011", "1100", "01110", "111000", "1001011", "101011100"])
def test_all_pairs_whose_mismatches_return_at_one_distance_are_found(kept):
    """Of two repeats whole positions of the unit can differ: then few seeds or none are whole."""
    rng = np.random.default_rng(int(kept, 2))
    for length in (50, 120, 300):
        one, other = (rng.choice(list("ACDEFGHIKL"), len(kept)), rng.choice(list("MNPQRSTVWY"), len(kept)))
        mixed = [a if same == "1" else b for a, b, same in zip(one, other, kept, strict=True)]
        sequences = [("".join(unit) * length)[:length] for unit in (one, mixed)]
        for min_identity in (0.3, 0.5, 0.6):
            config = HomologyConfig(min_identity=min_identity, max_identity=1, threads=1)
            assert find_homologs(sequences, config).equals(exhaustive(sequences, config))


def test_all_pairs_of_peptides_are_found():
    rng = np.random.default_rng(5)
    peptides = {"".join(rng.choice(list("GAQW"), rng.integers(5, 31))) for _ in range(80)} | {"Q" * 5, "Q" * 30}
    config = HomologyConfig(min_identity=0.3, max_identity=1, threads=1)
    assert find_homologs(sorted(peptides), config).equals(exhaustive(sorted(peptides), config))


def test_same_bytes_whatever_the_threads_and_after_an_interruption(tmp_path, families):
    sequences = families(9, sizes=[40, 30, 20], lengths=[200, 100, 30])
    once = find_homologs(sequences, HomologyConfig(threads=1))
    assert once.equals(find_homologs(sequences, HomologyConfig(threads=3)))

    class StopNowError(Exception):
        pass

    def interrupt(stage, done, total):
        raise StopNowError

    with pytest.raises(StopNowError):
        find_homologs(sequences, HomologyConfig(threads=1), work_dir=tmp_path, progress=interrupt)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*.parquet")}
    assert kept
    assert once.equals(find_homologs(sequences, HomologyConfig(threads=2), work_dir=tmp_path))
    assert all(path.stat().st_mtime_ns == before for path, before in kept.items())


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "other"])
def test_damaged_parts_are_made_again(tmp_path, families, damage, caplog):
    sequences = families(9, sizes=[40], lengths=[100])
    whole = find_homologs(sequences, HomologyConfig(threads=1), work_dir=tmp_path)
    for part in (part for part in tmp_path.glob("*/*.parquet") if part.stat().st_size > 2_000):
        content = bytearray(part.read_bytes())
        content[200] ^= 4  # within the pairs' first column
        part.write_bytes({"empty": b"", "cut": content[:-30], "flipped": content, "other": b"text" * 99}[damage])
    assert find_homologs(sequences, HomologyConfig(threads=1), work_dir=tmp_path).equals(whole)
    assert "is damaged and made again" in caplog.text
    caplog.clear()
    assert find_homologs(sequences, HomologyConfig(threads=1), work_dir=tmp_path).equals(whole)
    assert not caplog.records


def test_other_input_does_not_take_the_shards_of_this_one(tmp_path, families):
    sequences = families(9, sizes=[10], lengths=[60])
    find_homologs(sequences, work_dir=tmp_path)
    fewer = find_homologs(sequences[:5], work_dir=tmp_path)
    assert fewer.equals(find_homologs(sequences[:5]))


def test_progress_ends_at_the_total(families):
    seen = []
    find_homologs(families(2, sizes=[5], lengths=[60]), progress=lambda *step: seen.append(step))
    assert seen[-1] == ("pairs", 5, 5)


@pytest.mark.parametrize("sequences", [[], ["MKT"], ["MKT", "WWWWWWWWWW"]])
def test_nothing_to_find(sequences):
    found = find_homologs(sequences)
    assert found.is_empty()
    assert dict(found.schema) == SCHEMA


def test_unusual_letters_and_a_very_long_protein():
    titin = "MKTAYIAKQRWUXBZO" * 250
    found = find_homologs([titin, titin[:-3], "XXXXXXXX", "XXXXXXXW"], HomologyConfig(min_identity=0.9))
    assert found.select("a", "b").rows() == [(0, 1)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_identity": 0.1},
        {"max_identity": 0.5},
        {"coverage": 2.0},
        {"threads": -1},
        {"max_pairs_per_protein": 0},
    ],
)
def test_settings_outside_their_range(wrong):
    with pytest.raises(OptionError):
        HomologyConfig(**wrong)


def test_a_cap_is_kept_reported_and_even(families, caplog):
    sequences = families(4, sizes=[60], lengths=[100])
    everything = find_homologs(sequences)
    found = find_homologs(sequences, HomologyConfig(max_pairs_per_protein=10))
    partners = pl.concat([found["a"], found["b"]]).value_counts()["count"]
    assert partners.max() <= 10
    assert partners.mean() > 5
    assert abs(found["identity"].mean() - everything["identity"].mean()) < 0.02
    assert f"of {len(everything)} pairs left out" in caplog.text
