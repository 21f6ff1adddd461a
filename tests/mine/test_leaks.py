import numpy as np
import polars as pl
import pytest

from protrek_hm.errors import FileFormatError, MissingFileError
from protrek_hm.mine.leaks import check_leaks

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
    (side,) = check_leaks(tmp_path, threads=1)
    assert (side.side, side.proteins, side.shared_proteins, side.related) == ("test", 8, 0, 0)
    assert (side.texts, side.shared_texts) == (5, 1)
    assert sum(side.histogram) == 8


def test_planted_leaks_are_found(tmp_path, unrelated):
    relative = list(unrelated[0])
    for place in range(0, 120, 4):
        relative[place] = "W" if relative[place] != "W" else "A"
    write_split(tmp_path, unrelated[:16], ["".join(relative), unrelated[1], *unrelated[16:22]])
    (side,) = check_leaks(tmp_path, threads=1)
    assert (side.shared_proteins, side.related) == (1, 2)
    assert side.histogram[7] == 1
    assert side.histogram[9] == 1
    assert side.worst[0] == (unrelated[1], unrelated[1], 1.0)
    assert check_leaks(tmp_path, identity=0.8, threads=1)[0].related == 1


def test_faults_are_told(tmp_path):
    with pytest.raises(MissingFileError):
        check_leaks(tmp_path / "none")
    with pytest.raises(FileFormatError, match="mine first"):
        check_leaks(tmp_path)


def test_a_side_that_is_all_in_training_needs_no_search(tmp_path, unrelated):
    write_split(tmp_path, unrelated[:16], unrelated[:4])
    (side,) = check_leaks(tmp_path, threads=1)
    assert (side.shared_proteins, side.related) == (4, 4)
