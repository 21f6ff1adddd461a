"""Look through the gate's verdicts: a stratified sample to read, and error rates where labels are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import binomtest

from protrek_hm.copies import local_path
from protrek_hm.data.proteins import read_proteins
from protrek_hm.errors import FileFormatError, MissingFileError, NothingFoundError, in_percent
from protrek_hm.figures.blocks import choose_blocks
from protrek_hm.files import new_folder, read_json, require_format
from protrek_hm.homology import align
from protrek_hm.mine.config import ColumnEvidence
from protrek_hm.mine.evidence.columns import judge_column
from protrek_hm.mine.evidence.findings import Verdict
from protrek_hm.mine.gate import agree
from protrek_hm.mine.report import FORMAT_VERSION

_BLOCK = 80
_FORMULA = r"^[\s\p{C}]*[=+\-@|＝＋－＠−]|^[\t\r\n]"  # as in serve/page/download.js
_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:62em;margin:2em auto;color:#1a1a1a}"
    "pre{font-size:12px;overflow-x:auto}"
    "article{border-top:1px solid #ccc;padding:1em 0}b.same{color:#009E73}b.different{color:#D55E00}"
    "b.unsure{color:#6e6e6e}mark{background:#f6c9ae}"
)


@dataclass(frozen=True)
class Rate:
    """`count` of `total`, and the ends of Wilson's 95 % interval (1927), which is honest near 0 and 1, too.

    The interval takes pairs for independent; pairs of one family are not, so it is a lower bound of the
    uncertainty.

    Examples
    --------
    >>> rate = Rate(0, 100)
    >>> rate.share, tuple(round(end, 3) for end in rate.interval)
    (0.0, (0.0, 0.037))
    >>> str(Rate(5, 100))
    '5 of 100 = 5.0 % (2.2 to 11.2 %)'
    """

    count: int
    total: int

    @property
    def share(self) -> float:
        """The share, in [0, 1]; 0 of nothing."""
        return self.count / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end, in [0, 1]."""
        if not self.total:
            return 0.0, 1.0
        ends = binomtest(self.count, self.total).proportion_ci(method="wilson")
        return float(ends.low), float(ends.high)

    def __str__(self) -> str:
        low, high = self.interval
        shown = f"{100 * self.share:.1f} % ({100 * low:.1f} to {100 * high:.1f} %)"
        return f"{self.count:,} of {self.total:,} = {shown}"


@dataclass(frozen=True)
class GateRates:
    """Error rates of the gate, measured against labels.

    false_negatives: of the labelled pairs called different, those that share their function.
    same_called_different: of the labelled pairs that share it, those called different. missed: of the
    labelled pairs that differ, those not called different.
    """

    false_negatives: Rate
    same_called_different: Rate
    missed: Rate


def rate_gate(pairs: pl.DataFrame, proteins: pl.DataFrame, labels: Sequence[str]) -> GateRates:
    """Compare verdicts with labels.

    pairs: columns a_id, b_id, verdict, as in `judged_pairs.parquet`. labels: columns of `proteins` in the
    language of `--evidence`; pairs with a missing label, or with sets that only overlap, are left out.

    Examples
    --------
    >>> proteins = pl.DataFrame({"id": ["a", "b", "c"], "drug": ["X", "X", "Y"]})
    >>> pairs = pl.DataFrame({
    ...     "a_id": ["a", "a"], "b_id": ["b", "c"], "verdict": ["different", "unsure"],
    ... })
    >>> rates = rate_gate(pairs, proteins, ["drug:equal"])
    >>> print(rates.false_negatives, "|", rates.missed)
    1 of 1 = 100.0 % (20.7 to 100.0 %) | 1 of 1 = 100.0 % (20.7 to 100.0 %)
    """
    known = proteins.unique("id", keep="first", maintain_order=True)
    row = dict(zip(known["id"], range(known.height), strict=True))
    left, right = (np.array([row[name] for name in pairs[side]], dtype=np.int64) for side in ("a_id", "b_id"))
    evidence = [ColumnEvidence.parse(label) for label in labels]
    truth = agree([judge_column(known, left, right, evidence=each) for each in evidence], len(pairs), needs_all=True)
    same, differ = truth == Verdict.SAME, truth == Verdict.DIFFERENT
    called = (pairs["verdict"] == "different").to_numpy()
    return GateRates(
        Rate(int((called & same).sum()), int((called & (same | differ)).sum())),
        Rate(int((called & same).sum()), int(same.sum())),
        Rate(int((~called & differ).sum()), int(differ.sum())),
    )


def draw_sample(pairs: pl.DataFrame, *, per_stratum: int, seed: int) -> pl.DataFrame:
    """Draw up to `per_stratum` pairs of every verdict and reason, at random.

    Examples
    --------
    >>> pairs = pl.DataFrame({"verdict": ["same"] * 5 + ["unsure"], "reasons": ["x"] * 6})
    >>> draw_sample(pairs, per_stratum=2, seed=1)["verdict"].to_list()
    ['same', 'same', 'unsure']
    """
    draws = pl.Series("draw", np.random.default_rng(seed).permutation(pairs.height))
    rank = pl.col("draw").rank("ordinal").over("verdict", "reasons")
    drawn = pairs.with_columns(draws).filter(rank <= per_stratum)
    return drawn.sort("verdict", "reasons", "draw").drop("draw")


def read_verdicts(
    folder: Path, file: Path | None = None, *, columns: Mapping[str, str] | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the verdicts that mining wrote into `folder`, and the proteins that it judged.

    file: the proteins; by default the file that the report of `folder` names. columns: as for `read_proteins`.

    Raises
    ------
    MissingFileError, FileFormatError, MissingColumnError
        If the folder holds no verdicts, the proteins cannot be read, or some judged proteins are not among them.
    NothingFoundError
        If no pair was judged.
    """
    path = folder / "judged_pairs.parquet"
    if not path.exists():
        raise MissingFileError(path, "give a folder written by protrek-hm mine")
    try:
        pairs = pl.read_parquet(path)
    except pl.exceptions.ComputeError as error:
        raise FileFormatError(path, f"not a Parquet file ({error})", "mine again") from None
    if pairs.is_empty():
        raise NothingFoundError(f"{path}: no pair was judged; mine again with a lower --min-identity")
    if file is None:
        report = read_json(folder / "mining_report.json")
        require_format(report, folder / "mining_report.json", reads=FORMAT_VERSION, remedy="mine again")
        file = local_path(str(report.get("input")))
    proteins = read_proteins(file, columns=columns, on_bad_record="skip")
    unknown = pl.concat([pairs["a_id"], pairs["b_id"]]).unique(maintain_order=True)
    unknown = unknown.filter(~unknown.is_in(proteins["id"].implode()))
    if len(unknown):
        problem = f"{len(unknown):,} of the proteins that were judged are not in it, such as {unknown[0]}"
        raise FileFormatError(file, problem, "give the table that was mined, with the same --column flags")
    return pairs, proteins


def write_audit(sample: pl.DataFrame, proteins: pl.DataFrame, folder: Path, *, force: bool = False) -> None:
    """Write a sample as `audit.tsv` (with an empty column `judgement` to fill in) and `audit.html`.

    Raises
    ------
    OutputExistsError, ProtectedOutputError, OutputError
        If `folder` holds something and `force` is false; if it holds more than an audit; if it cannot be written.
    """
    told_first = proteins.sort(pl.col("text").is_null(), maintain_order=True)
    known = {row["id"]: row for row in told_first.unique("id", keep="first", maintain_order=True).iter_rows(named=True)}
    rows = [_audit_row(pair, known) for pair in sample.iter_rows(named=True)]
    page = "".join(_article(row) for row in rows)
    head = f"<!doctype html><meta charset='utf-8'><title>Verdicts to read</title><style>{_STYLE}</style>"
    with new_folder(folder, force=force) as new:
        _harmless(pl.DataFrame(rows).drop("alignment")).write_csv(new / "audit.tsv", separator="\t")
        (new / "audit.html").write_text(f"{head}<h1>{len(rows)} verdicts to read</h1>{page}", encoding="utf-8")


def _harmless(table: pl.DataFrame) -> pl.DataFrame:
    """Put an apostrophe before what a spreadsheet, in which the table is filled in, would run."""
    formula = pl.col(pl.String).str.contains(_FORMULA)
    return table.with_columns(pl.when(formula).then("'" + pl.col(pl.String)).otherwise(pl.col(pl.String)).name.keep())


def _audit_row(pair: dict[str, Any], known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    one, other = known[pair["a_id"]], known[pair["b_id"]]
    aligned = align(one["sequence"], other["sequence"])
    return {
        **{name: pair[name] for name in ("verdict", "reasons", "a_id", "b_id", "identity", "text_similarity")},
        "a_text": one["text"],
        "b_text": other["text"],
        "judgement": "",
        "alignment": (aligned.a, aligned.b),
    }


def _article(row: dict[str, Any]) -> str:
    blocks = []
    for block in choose_blocks(*row["alignment"], width=_BLOCK)[0]:
        columns = [
            (a, b) if a == b else (f"<mark>{a}</mark>", f"<mark>{b}</mark>") for a, b in zip(*block.rows, strict=True)
        ]
        one, other = ("".join(letters) for letters in zip(*columns, strict=True))
        blocks += [f"{one}  {block.start + 1}", other, ""]
    verdict = f"<b class='{row['verdict']}'>{row['verdict']}</b>"
    head = f"{verdict} · {in_percent(row['identity'], digits=2)} identical · {escape(row['reasons'])}"
    texts = "".join(
        f"<p><b>{escape(row[f'{side}_id'])}</b> {escape(str(row[f'{side}_text']))}</p>" for side in ("a", "b")
    )
    return f"<article>{head}{texts}<pre>" + "\n".join(blocks) + "</pre></article>\n"
