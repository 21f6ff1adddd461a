"""Train the twin head on cases of twins, and on the scores of deep mutational scans.

A case says which of two proteins each of two texts is right for; a scan says which of two mutants scored higher, and
its two texts what a high and a low score mean. Families of a set are drawn alike, whatever their size, and sets as
often as the root of their number. The loss is the logistic one of the preference; of controls, whose two proteins do
the same work, its square.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import softplus

from protrek_hm.data.schema import missing_column
from protrek_hm.data.twins.texts import wordings
from protrek_hm.errors import NothingFoundError
from protrek_hm.files import new_folder
from protrek_hm.homology.lookup import Lookup
from protrek_hm.model.changes import Changes, FeatureConfig
from protrek_hm.model.encoder import Encoder, unit_vectors
from protrek_hm.model.reader import packaged_reader
from protrek_hm.model.twin_head import Change, HeadConfig, TwinHead
from protrek_hm.train.config import HeadTrainConfig

Report = Callable[[int, float, float | None], None]
"""Called with the step, the loss, and the validation's accuracy where there is one."""


@dataclass(frozen=True)
class Pairs:
    """Cases as numbers: changes (rows of what `Table` describes) and texts of both sides.

    a, b: the change from the reference to each; where there is no reference, from each to the other. scale: 1, or ½
    without one. group: set and family; cases of one are drawn alike. sign: 1; 0 for controls.
    """

    a: Int[np.ndarray, " cases"]
    b: Int[np.ndarray, " cases"]
    text_a: Int[np.ndarray, " cases"]
    text_b: Int[np.ndarray, " cases"]
    scale: Float[np.ndarray, " cases"]
    sign: Float[np.ndarray, " cases"]
    group: Sequence[tuple[str, str]]
    kind: Sequence[str]

    def take(self, rows: Bool[np.ndarray, " cases"]) -> "Pairs":
        """Return the cases of some rows."""
        kept = np.flatnonzero(rows).tolist()
        return Pairs(
            *(self.a[kept], self.b[kept], self.text_a[kept], self.text_b[kept], self.scale[kept], self.sign[kept]),
            group=[self.group[row] for row in kept],
            kind=[self.kind[row] for row in kept],
        )


class Table:
    """Distinct changes and texts, numbered as they come."""

    def __init__(self) -> None:
        self.changes: dict[Change, int] = {}
        self.texts: dict[str, int] = {}

    def change(self, reference: str, variant: str, *, related: bool) -> int:
        """Return the number of a change."""
        return self.changes.setdefault(Change(reference, variant, related), len(self.changes))

    def text(self, text: str) -> int:
        """Return the number of a text."""
        return self.texts.setdefault(text, len(self.texts))

    def pairs(self, cases: pl.DataFrame) -> Pairs:
        """Give numbers to the rows of a case table; its column `reference`, if there is one, may be null."""
        if "reference" not in cases.columns:
            cases = cases.with_columns(reference=pl.lit(None, pl.String))
        rows = cases.select("a", "b", "reference").rows()
        ends = [
            tuple(self.change(r or other, own, related=bool(r)) for own, other in ((a, b), (b, a))) for a, b, r in rows
        ]
        first, second = np.array(ends, dtype=np.int64).reshape(-1, 2).T
        text_a, text_b = (
            np.array([self.text(each) for each in cases[name]], dtype=np.int64) for name in ("text_a", "text_b")
        )
        scale = np.array([1.0 if reference else 0.5 for *_, reference in rows])
        sign = (cases["control"] == "no").cast(pl.Float64).to_numpy()
        return Pairs(
            first, second, text_a, text_b, scale, sign, cases.select("set", "family").rows(), cases["kind"].to_list()
        )


@dataclass(frozen=True)
class Scan:
    """Mutants of one assay: their changes, ranks of their scores in [-1, 1], and the texts of a high and a low one."""

    family: str
    changes: Int[np.ndarray, " mutants"]
    ranks: Float[np.ndarray, " mutants"]
    high: Int[np.ndarray, " wordings"]
    low: Int[np.ndarray, " wordings"]


def number_scans(proteins: pl.DataFrame, table: Table, *, names: int = 0) -> list[Scan]:
    """Give numbers to the mutants of deep mutational scans, assay by assay.

    Parameters
    ----------
    proteins
        A table of twins, as `data twins dms` writes it: wild types, and mutants with assay, score and level. Rows of
        other sets are passed over, and so are assays without a mutant of either level. Where there is a column `split`,
        those for training are read alone; `family` says which assays are of one, else the wild type does.
    names
        Proteins of other assays whose names the texts are told with, too; at least 0.

    Raises
    ------
    MissingColumnError
        If the table is none of twins.
    """
    for name in ("id", "sequence", "wild_type", "assay", "score", "level"):
        if name not in proteins.columns:
            raise missing_column("scans", name, proteins.columns, "give a table that `protrek-hm data twins dms` wrote")
    wild = dict(proteins.filter(pl.col("wild_type").is_null()).select("id", "sequence").iter_rows())
    mutants = proteins.filter(pl.col("wild_type").is_not_null(), pl.col("score").is_not_null())
    if "split" in mutants.columns:
        mutants = mutants.filter(split="train")
    family = "family" if "family" in mutants.columns else "wild_type"
    found = []
    mutants = mutants.drop_nulls("assay")
    spoken = mutants["protein"].drop_nulls().unique().sort().to_list() if "protein" in mutants.columns else []
    for number, (_, rows) in enumerate(mutants.group_by("assay", maintain_order=True)):
        others = [each for each in spoken if each != rows["protein"][0]]
        told = [others[(number * names + each) % len(others)] for each in range(min(names, len(others)))]
        texts = [
            np.array([table.text(each) for row in _renamed(one, told) for each in wordings(row)[:-1]], dtype=np.int64)
            for level in ("high", "low")
            for one in rows.filter(level=level).head(1).iter_rows(named=True)
        ]
        if len(texts) < 2:
            continue
        pairs = rows.select("wild_type", "sequence").iter_rows()
        changes = [table.change(wild[name], sequence, related=True) for name, sequence in pairs]
        ranks = rows["score"].rank("average").to_numpy()
        scaled = 2 * (ranks - 1) / max(len(ranks) - 1, 1) - 1
        found.append(Scan(rows[family][0], np.array(changes, dtype=np.int64), scaled, *texts))
    return found


def _renamed(row: dict[str, object], names: Sequence[str]) -> list[dict[str, object]]:
    """Return a row, and the same with other proteins' names."""
    return [row, *({**row, "protein": name} for name in names)]


def train_head(
    cases: pl.DataFrame,
    config: HeadTrainConfig | None = None,
    *,
    scans: pl.DataFrame | None = None,
    valid: pl.DataFrame | None = None,
    model: Encoder | None = None,
    relatives: Lookup | None = None,
    report: Report | None = None,
) -> TwinHead:
    """Train a twin head.

    Parameters
    ----------
    cases
        A case table (`data.twins.case_table`), with `reference` where the protein is known that both are variants of.
    scans
        A table of twins with scores, as `number_scans` takes.
    valid
        Cases that choose the step to keep, and the weight beside the model's cosines. Never the test's.
    model
        Whose cosines these are; without one the weight is 1.
    relatives
        Proteins among which relatives are looked for.

    Raises
    ------
    NothingFoundError
        If there is neither a case nor a scan.
    """
    config = config or HeadTrainConfig()
    table = Table()
    pairs, checked = table.pairs(cases), None if valid is None else table.pairs(valid)
    held = [] if scans is None else number_scans(scans, table, names=config.names)
    if not (len(pairs.a) or held):
        raise NothingFoundError("no case and no scan to train the head on")
    texts = TwinHead.read([*table.texts])
    torch.manual_seed(config.seed)
    head = TwinHead(
        _shape(config), dimension=texts.shape[1], reader=packaged_reader().fingerprint(), dropout=config.dropout
    )
    described = [head.describe([*table.changes], pool) for pool in ([relatives, None] if relatives else [None])]
    _standardise(head, described[0])
    inputs = _Inputs([_Sites.of(each, config.most_changes) for each in described], torch.from_numpy(texts))
    head.of_changes.copy_(learn_subject(texts, *_subjects(cases, held, table)))
    pairs = pairs.take(inputs.sites[0].told(pairs))
    _fit(head, inputs, (pairs, held), config, valid=checked, report=report)
    if valid is not None and checked is not None and model is not None:
        head.weight = _choose_weight(head, model, valid, inputs, checked)
    return head.eval()


def learn_subject(
    texts: Float[np.ndarray, "texts dimension"], of_changes: Int[np.ndarray, " some"], others: Int[np.ndarray, " more"]
) -> Float[Tensor, " dimension_plus_1"]:
    """Learn to tell texts of changes (1) from others (-1), by ridge regression. Both kinds weigh alike.

    of_changes, others: numbers of the texts. The offset stands last. Where one kind has none, the other decides.

    >>> texts = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> [round(each, 2) + 0.0 for each in learn_subject(texts, np.array([0]), np.array([1])).tolist()]
    [0.99, -0.99, 0.0]
    """
    if not (len(of_changes) and len(others)):
        return torch.tensor([*[0.0] * texts.shape[1], -1.0 if len(others) else 1.0])
    rows = np.concatenate([of_changes, others])
    wanted = np.repeat([1.0, -1.0], [len(of_changes), len(others)])
    weight = np.repeat([0.5 / len(of_changes), 0.5 / len(others)], [len(of_changes), len(others)])[:, None]
    known = np.hstack([texts[rows].astype(np.float64), np.ones((len(rows), 1))])
    penalty = np.diag([*[_SUBJECT_PENALTY] * texts.shape[1], 0.0])
    found = np.linalg.solve(known.T @ (weight * known) + penalty, known.T @ (weight[:, 0] * wanted))
    return torch.from_numpy(found).float()


_SUBJECT_PENALTY = 0.003


def _subjects(
    cases: pl.DataFrame, scans: Sequence[Scan], table: Table
) -> tuple[Int[np.ndarray, " some"], Int[np.ndarray, " more"]]:
    """Return the numbers of texts of mutants, and of wild types and natural proteins; what is both is left out."""
    mutants: set[int] = {number for scan in scans for each in (scan.high, scan.low) for number in each.tolist()}
    others: set[int] = set()
    if "reference" in cases.columns:
        for protein, text, reference in (
            row for x in "ab" for row in cases.select(x, f"text_{x}", "reference").iter_rows()
        ):
            (mutants if reference and protein != reference else others).add(table.text(text))
    return np.array(sorted(mutants - others), dtype=np.int64), np.array(sorted(others - mutants), dtype=np.int64)


def _standardise(head: TwinHead, changes: Changes) -> None:
    """Keep mean and deviation of the features; a constant one stays as it is."""
    features = torch.from_numpy(changes.features).double()
    head.mean.copy_(features.mean(0))
    deviation = features.std(0, correction=0)
    head.deviation.copy_(torch.where(deviation > 1e-6, deviation, 1.0))


@dataclass(frozen=True)
class _Sites:
    """Changed sites: those of variant v are rows starts[v] to starts[v + 1]. few: whether it has few enough."""

    features: Tensor
    starts: Int[np.ndarray, " variants_plus_1"]
    few: Bool[np.ndarray, " variants"]

    @classmethod
    def of(cls, changes: Changes, most: int) -> "_Sites":
        starts = np.searchsorted(changes.variant, np.arange(len(changes.sites) + 1))
        return cls(torch.from_numpy(changes.features), starts, changes.sites <= most)

    def sums(self, head: TwinHead, variants: Int[np.ndarray, " some"]) -> Tensor:
        """Return d of some variants, members × variants × directions."""
        lengths = self.starts[variants + 1] - self.starts[variants]
        owner = np.repeat(np.arange(len(variants)), lengths)
        inside = np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - lengths, lengths)
        rows = np.repeat(self.starts[variants], lengths) + inside
        effects = head.effects(self.features[torch.from_numpy(rows)])
        found = torch.zeros(effects.shape[0], len(variants), effects.shape[2])
        scale = torch.from_numpy(np.sqrt(np.maximum(lengths, 1))).float()
        return found.index_add(1, torch.from_numpy(owner), effects) / scale[:, None]

    def differences(self, head: TwinHead, first: Int[np.ndarray, " some"], second: Int[np.ndarray, " some"]) -> Tensor:
        """Return d of some variants less that of others, members × pairs × directions."""
        sums = self.sums(head, np.concatenate([first, second]))
        return sums[:, : len(first)] - sums[:, len(first) :]

    def told(self, pairs: Pairs) -> Bool[np.ndarray, " cases"]:
        """Say which cases have few enough changes for the head."""
        return np.asarray(self.few[pairs.a] & self.few[pairs.b])


def _fit(
    head: TwinHead,
    inputs: "_Inputs",
    data: tuple[Pairs, Sequence[Scan]],
    config: HeadTrainConfig,
    *,
    valid: Pairs | None,
    report: Report | None,
) -> None:
    """Train, and give the head the weights that validate best; it is measured ten times."""
    (pairs, scans), texts = data, inputs.texts
    rng = np.random.default_rng(config.seed)
    optimizer = torch.optim.AdamW(head.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=config.steps + 1)
    draw_cases, draw_scans = _Draw.of(pairs.group), _Draw.of([("", scan.family) for scan in scans])
    best, kept = -1.0, None
    for step in range(1, config.steps + 1):
        head.train()
        seen = inputs.sites[-1 if rng.random() < config.alone else 0]
        losses = []
        if len(pairs.a):
            losses.append(_loss_of_cases(head, seen, texts, pairs, draw_cases(rng, config.batch_size), config))
        if scans:
            measured = _loss_of_scans(head, seen, texts, scans, draw_scans(rng, 16), config, rng)
            losses.append(config.scan_weight * measured)
        loss = torch.stack(losses).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % max(config.steps // 10, 1) == 0 or step == config.steps:
            accuracy = None if valid is None else measure(preferences(head, inputs.sites[0], texts, valid), valid)
            if accuracy is not None and accuracy > best:
                best, kept = accuracy, {name: each.clone() for name, each in head.state_dict().items()}
            if report is not None:
                report(step, loss.item(), accuracy)
    if kept is not None:
        head.load_state_dict(kept)


@dataclass(frozen=True)
class _Inputs:
    """Changed sites as relatives have them, then without any; and the texts' vectors."""

    sites: Sequence[_Sites]
    texts: Tensor


class _Draw:
    """Draws cases: a set as often as the root of its number of families, in a set every family as often."""

    def __init__(self, members: dict[str, list[Int[np.ndarray, " cases"]]]) -> None:
        self.members = [*members.values()]
        weights = np.sqrt([len(families) for families in self.members])
        self.shares = weights / weights.sum()

    @classmethod
    def of(cls, groups: Sequence[tuple[str, str]]) -> "_Draw":
        rows: dict[str, dict[str, list[int]]] = {}
        for row, (name, family) in enumerate(groups):
            rows.setdefault(name, {}).setdefault(family, []).append(row)
        return cls({name: [np.array(each) for each in families.values()] for name, families in rows.items()})

    def __call__(self, rng: np.random.Generator, count: int) -> Int[np.ndarray, " count"]:
        drawn = []
        for chosen in rng.choice(len(self.members), size=count, p=self.shares).tolist():
            family = self.members[chosen][rng.integers(len(self.members[chosen]))]
            drawn.append(family[rng.integers(len(family))])
        return np.array(drawn, dtype=np.int64)


def _loss_of_cases(
    head: TwinHead, sites: _Sites, texts: Tensor, pairs: Pairs, rows: Int[np.ndarray, " some"], config: HeadTrainConfig
) -> Tensor:
    difference = _differences(head, sites, pairs, rows)
    sign = torch.from_numpy(pairs.sign[rows]).float()
    total = torch.zeros(())
    for numbers, side in ((pairs.text_a, 1.0), (pairs.text_b, -1.0)):
        preferred = side * (head.readings(texts[torch.from_numpy(numbers[rows])]) * difference).sum(-1)
        total = total + (sign * softplus(-preferred) + config.control * (1 - sign) * preferred.square()).mean()
    return total / 2


def _loss_of_scans(
    head: TwinHead,
    sites: _Sites,
    texts: Tensor,
    scans: Sequence[Scan],
    chosen: Int[np.ndarray, " some"],
    config: HeadTrainConfig,
    rng: np.random.Generator,
) -> Tensor:
    changes, ranks, high, low = [], [], [], []
    each = config.scan_pairs // len(chosen)
    for number in chosen.tolist():
        scan = scans[number]
        mutants = rng.integers(len(scan.changes), size=(2, each))
        wording = rng.integers(len(scan.high))
        changes.append(scan.changes[mutants])
        ranks.append(scan.ranks[mutants[0]] - scan.ranks[mutants[1]])
        high.append(np.full(each, scan.high[wording]))
        low.append(np.full(each, scan.low[wording]))
    first, second = np.concatenate(changes, axis=1)
    difference = sites.differences(head, first, second)
    gap = torch.from_numpy(np.concatenate(ranks)).float()
    total = torch.zeros(())
    for numbers, side in ((high, 1.0), (low, -1.0)):
        read = head.readings(texts[torch.from_numpy(np.concatenate(numbers))])
        preferred = side * (read * difference).sum(-1)
        total = total + (gap.abs() * softplus(-gap.sign() * preferred)).mean() / gap.abs().mean().clamp_min(1e-6)
    return total / 2


def _differences(head: TwinHead, sites: _Sites, pairs: Pairs, rows: Int[np.ndarray, " some"]) -> Tensor:
    scale = torch.from_numpy(pairs.scale[rows]).float()[:, None]
    return sites.differences(head, pairs.a[rows], pairs.b[rows]) * scale


@torch.inference_mode()
def preferences(
    head: TwinHead, sites: _Sites, texts: Tensor, pairs: Pairs
) -> tuple[Float[np.ndarray, " cases"], Float[np.ndarray, " cases"]]:
    """Return, of each case, how much text a is for a, and text b for b."""
    head.eval()
    difference = _differences(head, sites, pairs, np.arange(len(pairs.a)))
    difference = difference * torch.from_numpy(sites.told(pairs))[:, None]
    by_a, by_b = (head.readings(texts[torch.from_numpy(each)]) for each in (pairs.text_a, pairs.text_b))
    return ((by_a * difference).sum(-1).mean(0).numpy(), -(by_b * difference).sum(-1).mean(0).numpy())


def measure(margins: Sequence[Float[np.ndarray, " cases"]], pairs: Pairs) -> float:
    """Return the share of right preferences; controls do not count.

    In a set, families weigh alike; sets (and in them kinds of twins) weigh as they are drawn, by the root of their
    number of families. margins: for either text, above 0 where the preference is right; 0 counts half.
    """
    right = np.mean([np.where(each == 0, 0.5, each > 0) for each in margins], axis=0)
    frame = pl.DataFrame(pairs.group, schema=["set", "family"], orient="row")
    told = frame.with_columns(right=right, kind=pl.Series(pairs.kind, dtype=pl.String)).filter(pairs.sign > 0)
    families = told.group_by("set", "kind", "family").agg(pl.col("right").mean()).sort("set", "kind", "family")
    sets = families.group_by("set", "kind").agg(pl.col("right").mean(), weight=pl.len().sqrt()).sort("set", "kind")
    return float(np.average(sets["right"].to_numpy(), weights=sets["weight"].to_numpy()))


def _choose_weight(head: TwinHead, model: Encoder, valid: pl.DataFrame, inputs: _Inputs, pairs: Pairs) -> float:
    """Return the weight beside a difference of cosines that validates best; of equals the largest."""
    distinct = list(dict.fromkeys([*valid["a"], *valid["b"]]))
    vectors = unit_vectors(model, distinct, task="sequence").astype(np.float64)
    place = {each: row for row, each in enumerate(distinct)}
    a, b = (vectors[[place[each] for each in valid[name]]] for name in ("a", "b"))
    by_head = preferences(head, inputs.sites[0], inputs.texts, pairs)
    text_a, text_b = (unit_vectors(model, valid[name].to_list(), task="text") for name in ("text_a", "text_b"))
    known = pairs.scale == 1
    votes = [
        np.where(known, 1.0, head.speaks(inputs.texts[torch.from_numpy(each)].numpy())) * one
        for each, one in zip((pairs.text_a, pairs.text_b), by_head, strict=True)
    ]
    by_cosine = [((a - b) * text_a).sum(axis=1), ((b - a) * text_b).sum(axis=1)]
    weights = [0.0, *(2.0**power for power in range(-12, 7))]
    found = [
        measure([one + weight * other for one, other in zip(by_cosine, votes, strict=True)], pairs)
        for weight in weights
    ]
    return max(zip(found, weights, strict=True))[1]


def save_with_head(place: Path, head: TwinHead, folder: Path, *, force: bool = False) -> None:
    """Write a copy of the model in `place`, with its head, as `folder`; whole or not at all."""
    with new_folder(folder, force=force) as temporary:
        shutil.copytree(place, temporary, dirs_exist_ok=True)
        head.save(temporary)


def _shape(config: HeadTrainConfig) -> HeadConfig:
    features = FeatureConfig(config.substitution, config.neighbours, config.conservation)
    return HeadConfig(features, config.hidden, config.directions, config.members, config.most_changes)
