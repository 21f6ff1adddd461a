from itertools import product

import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import FileFormatError, MissingFileError, OptionError
from protrek_hm.homology.identity import align
from protrek_hm.mine import leaks
from protrek_hm.mine.leaks import check_split

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))


def write_split(folder, train, test):
    for side, sequences in (("train", train), ("test", test)):
        pl.DataFrame(
            {
                "anchor_seq": sequences[0::2],
                "anchor_text": [f"{side} anchor {n}" for n in range(len(sequences) // 2)],
                "hard_neg_seq": sequences[1::2],
                "hard_neg_text": ["Boilerplate."] * (len(sequences) // 2),
            }
        ).write_csv(folder / f"hard_negatives_{side}.csv")


@pytest.fixture
def unrelated():
    generator = np.random.default_rng(1)
    return ["".join(generator.choice(LETTERS, 120)) for _ in range(24)]


def test_a_clean_split_is_clean(tmp_path, unrelated):
    write_split(tmp_path, unrelated[:16], unrelated[16:])
    (side,) = check_split(tmp_path, threads=1)
    assert (side.split, side.proteins, side.shared_proteins, side.related) == ("test", 8, 0, 0)
    assert (side.texts, side.shared_texts) == (5, 1)
    assert (sum(side.histogram), side.none_found) == (0, 8)  # nothing found is no identity of 0
    assert "none from 0.5       8" in str(side)


def test_planted_leaks_are_found(tmp_path, unrelated):
    relative = list(unrelated[0])
    for place in range(0, 120, 4):
        relative[place] = "W" if relative[place] != "W" else "A"
    write_split(tmp_path, unrelated[:16], ["".join(relative), unrelated[1], *unrelated[16:22]])
    (side,) = check_split(tmp_path, threads=1)
    assert (side.shared_proteins, side.related) == (1, 2)
    assert side.histogram[7] == 1
    assert side.histogram[9] == 1
    assert side.worst[0] == (unrelated[1], unrelated[1], 1.0)
    assert check_split(tmp_path, identity=0.8, threads=1)[0].related == 1


def test_faults_are_told(tmp_path):
    with pytest.raises(MissingFileError):
        check_split(tmp_path / "none")
    with pytest.raises(FileFormatError, match="mine first"):
        check_split(tmp_path)


def test_a_side_that_is_all_in_training_needs_no_search(tmp_path, unrelated):
    write_split(tmp_path, unrelated[:16], unrelated[:4])
    (side,) = check_split(tmp_path, threads=1)
    assert (side.shared_proteins, side.related) == (4, 4)


REPEATS = ("GAGAGS" * 20, "NANP" * 25, "Q" * 80, "VPGVG" * 20, "RS" * 35, "PPG" * 40, "EEEEK" * 14)
PEPTIDES = ("KWKLFKKIGIG", "GIGKFLHS", "RRWQWR", "FFVAP", "Q" * 11)


def changed(sequence, place):
    return sequence[:place] + ("W" if sequence[place] != "W" else "A") + sequence[place + 1 :]


@pytest.mark.parametrize("every_pair", [True, False])
def test_repeats_and_peptides_are_found(tmp_path, unrelated, monkeypatch, every_pair):
    if not every_pair:
        monkeypatch.setattr(leaks, "EVERY_PAIR", 0)
    relatives = [changed(each, len(each) // 2) for each in (*REPEATS, *PEPTIDES)]
    write_split(tmp_path, [*REPEATS, *PEPTIDES, *unrelated[:8]], [*relatives, *unrelated[8:10]])
    (side,) = check_split(tmp_path, threads=1)
    assert (side.related, side.none_found, side.every_pair) == (len(relatives), 2, every_pair)
    assert sum(side.histogram[8:]) == len(relatives)
    assert ("MMseqs2" in str(side)) != every_pair


def test_highest_identities_are_those_of_all_alignments(tmp_path, make_families):
    sequences = make_families(3, families=6, members=4, length=40)["sequence"].to_list()
    train, test = sequences[0::2][:10], sequences[1::2][:10]
    write_split(tmp_path, train, test)
    for identity, coverage in ((0.5, 0.8), (0.8, 0.9), (0.3, 0.0)):
        (side,) = check_split(tmp_path, identity=identity, coverage=coverage, threads=1)
        aligned = {pair: align(*pair) for pair in product(test, train)}
        related = {one for (one, _), each in aligned.items() if each.identity >= identity and each.coverage >= coverage}
        highest = [max(aligned[one, other].identity for other in train) for one in test]
        measured = [value for value in highest if value >= min(identity, 0.5)]
        bins = np.bincount([min(int(10 * value), 9) for value in measured], minlength=10)
        assert (side.related, side.histogram) == (len(related), tuple(bins.tolist()))
        assert side.none_found == len(test) - len(measured)


def test_cells_are_cleaned_as_for_training(tmp_path, unrelated):
    (tmp_path / "hard_negatives_train.csv").write_bytes(
        f"anchor_seq,anchor_text,hard_neg_seq,hard_neg_text\r\n{unrelated[0]},a,{unrelated[1]},b\r\n".encode()
    )
    spoiled = (
        unrelated[0].lower(),
        f"{unrelated[1]}*",
        f"{unrelated[0][:60]} {unrelated[0][60:]}",
        f" {unrelated[1]}\t",
    )
    lines = [f'"{one}",c,"{other}",d' for one, other in zip(spoiled[::2], spoiled[1::2], strict=True)]
    lines += ["MKJV,c,,d", f"{unrelated[2]},only two"]
    (tmp_path / "hard_negatives_test.csv").write_text(
        "anchor_seq,anchor_text,hard_neg_seq,hard_neg_text\n" + "\n".join(lines) + "\n"
    )
    (side,) = check_split(tmp_path, threads=1)
    assert (side.proteins, side.shared_proteins, side.unreadable) == (2, 2, (3, 0))
    assert "left out, without a usable sequence: 3 records of test, 0 of train" in str(side)
    (tmp_path / "hard_negatives_test.csv").write_text(
        f"anchor_seq,anchor_text,hard_neg_seq,hard_neg_text\nNA,c,{unrelated[0]}1,d\n"
    )
    with pytest.raises(FileFormatError, match="none of the 2 sequences of test is usable"):
        check_split(tmp_path)


def test_a_damaged_file_is_told_and_a_header_alone_is_no_side(tmp_path, unrelated):
    write_split(tmp_path, unrelated[:4], unrelated[4:8])
    (tmp_path / "easy_samples_test.csv").write_text("anchor_seq,anchor_text,hard_neg_seq,hard_neg_text\n")
    assert check_split(tmp_path)[0].proteins == 4
    (tmp_path / "easy_samples_test.csv").write_bytes(b"anchor_seq,anchor_text,hard_neg_seq\nMK\xff,a,MK\n")
    with pytest.raises(FileFormatError, match=r"line 2 is not UTF-8"):
        check_split(tmp_path)
    with pytest.raises(OptionError, match="identity = 0.1"):
        check_split(tmp_path, identity=0.1)
