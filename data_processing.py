"""The first step of the reference, by its name and flags; `protrek-hm mine` does more."""

from argparse import ArgumentParser
from pathlib import Path

from protrek_hm.cli.console import guard

TRAIN = "hard_negatives_train.csv"


def main() -> None:
    """Write the training triplets to `--output`, and the other files of `protrek-hm mine` beside them."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True, help="proteins with texts: TSV, CSV, Parquet, FASTA")
    parser.add_argument("--output", type=Path, default=Path("dataset", TRAIN), help="table of training triplets")
    given = parser.parse_args()

    from protrek_hm.data import read_proteins
    from protrek_hm.files import new_files
    from protrek_hm.mine import mine_hard_negatives, write_mining

    result = mine_hard_negatives(read_proteins(given.input))
    with new_files(given.output.parent) as folder:
        write_mining(result, folder, source=given.input)
        (folder / TRAIN).rename(folder / given.output.name)
    print(result.report)  # noqa: T201


if __name__ == "__main__":
    guard(main)
