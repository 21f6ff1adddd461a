"""The third step of the reference, by its name and flags; `protrek-hm evaluate` does more."""

from argparse import ArgumentParser
from pathlib import Path

from protrek_hm.cli.console import guard
from protrek_hm.cli.evaluate import evaluate

BASE = "checkpoints/base"


def main() -> None:
    """Measure `--model_path`, and the base beside it where there is one; write to `--output_dir`."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--model_path", default="checkpoints/tuned", help="the tuned model")
    parser.add_argument("--base_model", help=f"compared with it; {BASE} if it is there")
    parser.add_argument("--test_data", type=Path, default=Path("dataset/hard_negatives_test.csv"))
    parser.add_argument("--output_dir", type=Path, default=Path("evaluation_results"))
    given = parser.parse_args()
    base = given.base_model or (BASE if Path(BASE).exists() else None)
    easy, train = (given.test_data.with_name(f"{name}.csv") for name in ("easy_samples_test", "hard_negatives_train"))
    evaluate(
        given.test_data,
        model=[*([base] if base else []), given.model_path],
        output=given.output_dir,
        easy=easy if easy.is_file() else None,
        train=train if train.is_file() else None,
        force=(given.output_dir / "report.json").is_file(),  # replaced is an evaluation, nothing else
    )


if __name__ == "__main__":
    guard(main)
