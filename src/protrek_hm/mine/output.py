"""The miner's folder: triplets and easy pairs as CSV, report, settings, and a picture of some twins."""

from dataclasses import asdict
from pathlib import Path

import polars as pl

from protrek_hm.errors import NoTwinsError
from protrek_hm.figures.alignment import TwinCard, draw_twin_cards
from protrek_hm.figures.style import spared
from protrek_hm.files import new_folder, write_json
from protrek_hm.homology import align
from protrek_hm.mine.config import MineConfig
from protrek_hm.mine.report import MiningReport
from protrek_hm.mine.run import MiningResult
from protrek_hm.mine.split import SPLITS

_CARDS = 3
_LONGEST = 5_000  # residues; to draw an alignment takes memory that grows with the square


def write_mining(result: MiningResult, folder: Path, *, source: Path | None = None, force: bool = False) -> None:
    """Write everything into `folder`, which appears whole or not at all.

    source: the file of the proteins, as the report names it.

    `hard_negatives_{all,train,valid,test}.csv`, `easy_samples_{train,valid,test}.csv`, `mining_report.json`,
    where asked for `medium_negatives_{train,valid,test}.csv`, `{text,protein}_tuples_{train,valid,test}.csv`,
    `judged_pairs.parquet`, `config.json`, `hard_negative_examples.png` and `.pdf`.

    Raises
    ------
    OutputExistsError, OutputError
        If `folder` holds something and `force` is false, or if it cannot be written.
    """
    config = result.config
    settings = _settings(config)
    with new_folder(folder, force=force) as new:
        result.triplets.write_csv(new / "hard_negatives_all.csv")
        for split in SPLITS:
            result.triplets.filter(split=split).write_csv(new / f"hard_negatives_{split}.csv")
            result.easy.filter(split=split).write_csv(new / f"easy_samples_{split}.csv")
            if config.medium:
                result.medium.filter(split=split).write_csv(new / f"medium_negatives_{split}.csv")
            for anchor, rows in result.tuples.items():
                rows.filter(split=split).drop("split").write_csv(new / f"{anchor}_tuples_{split}.csv")
        result.pairs.write_parquet(new / "judged_pairs.parquet")
        write_json(new / "mining_report.json", result.report.to_dict(source=source, config=settings))
        write_json(new / "config.json", settings)
        examples = choose_examples(result.triplets, count=_CARDS)
        if examples:
            title = "Hard negatives: nearly the same sequence, another function"
            picture = new / "hard_negative_examples.png"
            with spared(picture):
                draw_twin_cards([twin_card(row) for row in examples], picture, title=title)


def write_verdicts(
    error: NoTwinsError, config: MineConfig, folder: Path, *, source: Path | None = None, force: bool = False
) -> None:
    """Write what a run without twins found: `judged_pairs.parquet`, `mining_report.json` and `config.json`.

    Raises
    ------
    OutputExistsError, ProtectedOutputError, OutputError
        If `folder` holds something and `force` is false, if it holds other results, or if it cannot be written.
    """
    settings = _settings(config)
    assert isinstance(error.pairs, pl.DataFrame)
    assert isinstance(error.report, MiningReport)
    with new_folder(folder, force=force) as new:
        error.pairs.write_parquet(new / "judged_pairs.parquet")
        write_json(new / "mining_report.json", error.report.to_dict(source=source, config=settings))
        write_json(new / "config.json", settings)


def _settings(config: MineConfig) -> dict[str, object]:
    """Return the settings that change a result."""
    return {key: value for key, value in asdict(config).items() if key != "threads"}


def choose_examples(triplets: pl.DataFrame, *, count: int) -> list[dict[str, object]]:
    """Choose the most telling pairs: of each family its most identical pair with the least similar texts.

    The families with the most triplets come first; the choice does not depend on the seed. Test twins are
    shown like any others; proteins of more than 5,000 residues, which no picture shows, are not.
    """
    longest = pl.max_horizontal(pl.col("anchor_seq", "hard_neg_seq").str.len_bytes())
    ranked = triplets.filter(longest <= _LONGEST).sort(
        ["seq_similarity", "text_similarity", "anchor_id", "hard_neg_id"], descending=[True, False, False, False]
    )
    size = pl.len().over("component")
    best = (
        ranked.with_columns(size=size)
        .unique("component", keep="first", maintain_order=True)
        .sort(["size", "component"], descending=[True, False])
    )
    return best.head(count).to_dicts()


def twin_card(row: dict[str, object]) -> TwinCard:
    """Make the card of one triplet: the protein that the text belongs to above, its twin below."""
    aligned = align(str(row["anchor_seq"]), str(row["hard_neg_seq"]))
    return TwinCard(
        a=aligned.a,
        b=aligned.b,
        names=(str(row["anchor_id"]), str(row["hard_neg_id"])),
        texts=(str(row["anchor_text"]), str(row["hard_neg_text"])),
        identity=float(str(row["seq_similarity"])),
    )
