"""Training of the twin head: it learns a planted rule, weighs families alike, and leaves the model as it is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sentence_transformers import SentenceTransformer

from protrek_hm.data.schema import AMINO_ACIDS
from protrek_hm.errors import MissingColumnError, NothingFoundError, OptionError
from protrek_hm.model import load_encoder
from protrek_hm.model.locate import find_model
from protrek_hm.model.twin_head import HEAD, TwinHead
from protrek_hm.train.config import HeadTrainConfig
from protrek_hm.train.head import Table, measure, number_scans, save_with_head, train_head

FAST = HeadTrainConfig(steps=120, batch_size=64, scan_pairs=64, hidden=16, directions=4, members=1, dropout=0.0)
OILY, WATERY = "It likes oil.", "It likes water."


class Reader:
    """Two texts, two directions; sequences are all one."""

    temperature, tasks = 0.07, ("text", "sequence")

    def fingerprint(self) -> str:
        return "v2-reader-0"

    def encode(self, inputs: list[str], /, **_: object) -> np.ndarray:
        vectors = {OILY: [1.0, 0.1, 0.0], WATERY: [-1.0, 0.1, 0.0]}
        return np.array([vectors.get(each, [0.0, 0.0, 1.0]) for each in inputs], dtype=np.float32)


def mutants(rng: np.random.Generator, protein: str) -> tuple[str, str]:
    """Return two mutants at one place: to an oily residue, and to a watery one."""
    place = int(rng.integers(len(protein)))
    return tuple(protein[:place] + str(rng.choice(list(kind))) + protein[place + 1 :] for kind in ("ILVF", "DEKN"))  # type: ignore[return-value]


def case_rows(seed: int, families: int, split: str) -> Iterator[dict[str, object]]:
    rng = np.random.default_rng(seed)
    for family in range(families):
        protein = "".join(rng.choice(list(AMINO_ACIDS), 60))
        for number in range(4):
            oily, watery = mutants(rng, protein)
            yield {
                **{"id_a": f"{seed}-{family}-{number}a", "id_b": f"{seed}-{family}-{number}b", "a": oily, "b": watery},
                **{"text_a": OILY, "text_b": WATERY, "set": "s", "kind": "mutant-mutant", "control": "no"},
                **{"family": f"{seed}-{family}", "split": split, "reference": protein},
            }


def cases(seed: int, families: int = 12, split: str = "train") -> pl.DataFrame:
    return pl.DataFrame([*case_rows(seed, families, split)])


def accuracy(head: TwinHead, table: pl.DataFrame) -> float:
    vectors = TwinHead.read(table["text_a"].to_list())
    return float((head.prefer(vectors, table["a"].to_list(), table["b"].to_list()) > 0).mean())


def test_a_planted_rule_is_learned_and_holds_for_proteins_it_has_not_seen() -> None:
    head = train_head(cases(1), FAST, valid=cases(2, split="valid"), model=Reader())
    assert accuracy(head, cases(3)) > 0.9
    assert head.weight > 0


def test_it_learns_which_texts_speak_of_a_change() -> None:
    both = cases(1).with_columns(kind=pl.lit("wild-type-mutant"), b=pl.col("reference"))  # b is the wild type
    head = train_head(both, replace(FAST, steps=1))
    oily, watery = head.speaks(TwinHead.read([OILY, WATERY]))
    assert oily > 0.9
    assert watery == 0.0


def test_names_of_other_scans_stand_in_the_texts_too() -> None:
    scans = pl.concat([scan(seed).with_columns(protein=pl.lit(f"name{seed}")) for seed in (1, 2, 3)])
    table = Table()
    own, more = number_scans(scans, Table()), number_scans(scans, table, names=2)
    assert [len(each.high) for each in more] == [3 * len(each.high) for each in own]
    said = [*table.texts]
    for each in more:
        for name in ("name1", "name2", "name3"):
            assert sum(name in said[number] for number in each.low) == len(each.low) / 3


def test_the_same_seed_gives_the_same_head() -> None:
    one, two = (train_head(cases(1), FAST).state_dict() for _ in range(2))
    assert all((one[name] == two[name]).all() for name in one)


def test_texts_exchanged_in_training_exchange_the_preference() -> None:
    other = cases(1).with_columns(text_a=pl.lit(WATERY), text_b=pl.lit(OILY))
    assert accuracy(train_head(other, FAST), cases(3)) < 0.1


def scan(seed: int) -> pl.DataFrame:
    """Return a scan in which the more oily mutant scores higher."""
    rng = np.random.default_rng(seed)
    protein = "".join(rng.choice(list(AMINO_ACIDS), 40))
    rows: list[dict[str, object]] = [{"id": f"W{seed}", "sequence": protein}]
    for place in range(40):
        for residue in "ILVFDEKN":
            if residue != protein[place]:
                mutant = protein[:place] + residue + protein[place + 1 :]
                rows.append(
                    {"id": f"{seed}:{protein[place]}{place + 1}{residue}", "sequence": mutant, "wild_type": f"W{seed}"}
                )
    table = pl.DataFrame(rows, infer_schema_length=None)
    last = [str(each).endswith(tuple("ILVF")) for each in table["id"]]
    score = pl.Series([float(each) + 0.1 * rng.random() for each in last])
    return table.with_columns(
        score=pl.when(pl.col("wild_type").is_not_null()).then(score),
        assay=pl.when(pl.col("wild_type").is_not_null()).then(pl.lit(f"assay {seed}")),
        level=pl.when(score > 1.05).then(pl.lit("high")).when(score < 0.05).then(pl.lit("low")),
        **{"set": pl.lit("dms"), "kind": pl.lit("activity"), "measured": pl.lit("activity"), "protein": pl.lit("it")},
    )


def test_scans_alone_teach_which_mutant_scores_higher(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = {"high": (OILY, "-"), "low": (WATERY, "-")}
    monkeypatch.setattr("protrek_hm.train.head.wordings", lambda row: spoken[row["level"]])
    scans = pl.concat([scan(seed) for seed in range(6)])
    head = train_head(cases(1).clear(), FAST, scans=scans)
    assert accuracy(head, cases(3)) > 0.9


def test_scans_are_ranked_within_their_assay_and_read_for_training_alone() -> None:
    table = Table()
    scans = pl.concat([scan(1), scan(2)])
    found = number_scans(scans, table)
    assert [len(each.changes) for each in found] == [scans.filter(assay=f"assay {seed}").height for seed in (1, 2)]
    assert all((each.ranks.min(), each.ranks.max()) == (-1.0, 1.0) for each in found)
    split = pl.when(pl.col("assay") == "assay 1").then(pl.lit("train")).otherwise(pl.lit("test"))
    assert len(number_scans(scans.with_columns(split=split), Table())) == 1


def test_a_table_that_is_no_scan_and_no_data_at_all_are_told() -> None:
    with pytest.raises(MissingColumnError, match="wild_type"):
        number_scans(pl.DataFrame({"id": ["x"], "sequence": ["MK"]}), Table())
    with pytest.raises(NothingFoundError):
        train_head(cases(1).clear(), FAST)
    with pytest.raises(OptionError):
        HeadTrainConfig(neighbours=3)


def test_the_measure_weighs_families_alike_and_kinds_by_the_root_of_their_number() -> None:
    table = cases(1, families=3).with_columns(
        kind=pl.Series(["mutant-mutant"] * 8 + ["natural"] * 4), control=pl.Series(["no"] * 11 + ["yes"])
    )
    rng = np.random.default_rng(0)
    margins = [rng.choice([-1.0, 0.0, 1.0], 12) for _ in range(2)]
    worth = {-1.0: 0.0, 0.0: 0.5, 1.0: 1.0}
    families: dict[tuple[str, str], list[float]] = {}
    for row, each in enumerate(table.rows(named=True)):
        if each["control"] == "no":
            known = families.setdefault((each["kind"], each["family"]), [])
            known.append((worth[margins[0][row]] + worth[margins[1][row]]) / 2)
    kinds: dict[str, list[float]] = {}
    for (kind, _), values in families.items():
        kinds.setdefault(kind, []).append(float(np.mean(values)))
    weights = {kind: len(values) ** 0.5 for kind, values in kinds.items()}
    expected = sum(weights[kind] * np.mean(values) for kind, values in kinds.items()) / sum(weights.values())
    assert measure(margins, Table().pairs(table)) == pytest.approx(expected)


def test_a_model_with_a_head_is_the_same_model(tmp_path: Path) -> None:
    model = load_encoder("mini", device="cpu")
    head = train_head(cases(1), HeadTrainConfig(steps=2, members=1))
    save_with_head(find_model("mini"), head, tmp_path / "with")
    again = load_encoder(tmp_path / "with", device="cpu")
    assert again.fingerprint() == model.fingerprint()
    assert TwinHead.load(tmp_path / "with").config == head.config
    assert SentenceTransformer(str(tmp_path / "with"), device="cpu").encode(["MKV"], task="sequence").shape == (1, 192)
    assert (tmp_path / "with" / HEAD).is_file()
