"""Proteins, cases and splits of the board of twins, from the originals of six public sets and three tables of proteins.

    python recipes/board/prepare.py DATA -o OUTPUT

DATA holds `twins/` with the sets as their authors published them, and `swissprot_text.tsv.gz`, `amr_proteins.tsv.gz`
and `mutagenesis_twins.tsv.gz`. One split holds for all of them: components at 50 % identity go whole to training,
validation or test; what `recipes/mini/held_out.json` names stays held out, since the packaged models were trained on
the rest. The split is checked in as `split.tsv.gz` (a row for each wild type and natural protein), and taken from
there; `--anew` makes it again. OUTPUT then holds

- `proteins.parquet`: every protein and mutant, with `family`, `split` and `seen_by_base`;
- `cases/SPLIT/SET.parquet`: case tables, those of training in every wording that may be trained on (column `wording`),
  the others in the first; `unseen_wording/SPLIT/SET.parquet`: the same cases of the tests in the one that never is;
- `beside.parquet`: random pairs of Swiss-Prot's proteins of test families, for easy accuracy and R@1;
- `split.tsv.gz`, and `report.json` with the counts.

`known` is a second test: proteins that are not trained on, of families that are.
"""

import argparse
import sys
from pathlib import Path

import polars as pl

from protrek_hm.data import read_proteins
from protrek_hm.data.tables import write_table
from protrek_hm.data.twins import read_twins, write_cases
from protrek_hm.files import new_folder, read_json, write_json
from protrek_hm.mine.case_split import GivenSplit, read_split
from protrek_hm.mine.cases import MinedCases, in_all_wordings, mine_cases, reworded
from protrek_hm.mine.config import CaseConfig

HERE = Path(__file__).parent
HELD_OUT = HERE.parent / "mini" / "held_out.json"
SPLIT = HERE / "split.tsv.gz"
FILES = {
    "ncbi-point": ("ncbi_point/AMRProt-mutation.tsv.gz", "ncbi_point/AMRProt_mutation.fa.gz"),
    "mutadescribe": ("mutadescribe/mutants.tsv.gz",),
    "dms": ("proteingym_singles/assays.tar.gz",),
    "terpene-synthases": ("terpene_synthases/TPS-Nov19_2023_verified_all_reactions.csv.gz",),
    "adenylation-domains": ("adenylation_domains/parasect_dataset.txt.gz",),
    "catpred": ("catpred/kcat-random_val.csv.gz", "catpred/kcat-random_test.csv.gz"),
}
SEED = 42
BASE_READ = ("swissprot", "amr")  # sources whose texts the packaged models were trained on
UNSPECIFIC = ("Beta-Lactam", "Aminoglycoside")  # a class of drugs, where other proteins' labels name the drugs


def main() -> None:
    """Read, split, make cases, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--anew", action="store_true", help=f"make the split again instead of reading {SPLIT.name}")
    asked = parser.parse_args()
    proteins = pl.concat([*read_sets(asked.data / "twins"), *read_others(asked.data)], how="diagonal_relaxed")
    seen = seen_by_base(proteins)
    given = held_out(proteins, seen) if asked.anew else read_split(SPLIT)
    mined = mine_cases(proteins, CaseConfig(), given=given)
    listed = split_list(mined, seen)
    with new_folder(asked.output, force=True) as folder:
        write_all(mined, listed, folder)
    print(mined.report, file=sys.stderr)  # noqa: T201
    print(counts(mined, listed))  # noqa: T201


def read_sets(folder: Path) -> list[pl.DataFrame]:
    """Return the six sets; what was left out of them goes to stderr."""
    tables = []
    for name, files in FILES.items():
        table = read_twins(name, [folder / file for file in files])
        print(name, *table.report.lines(), sep="\n  ", file=sys.stderr)  # noqa: T201
        tables.append(table.frame)
    return tables


def read_others(data: Path) -> list[pl.DataFrame]:
    """Return Swiss-Prot, AMR and mutagenesis in the columns of twins.

    AMR's labels are the substrates; a class alone says nothing where others of the class have drugs (`UNSPECIFIC`), and
    is no other substrate than a drug of that class (column `class`).
    Swiss-Prot has no labels, and so no cases: it takes part in families and split.
    """

    def read(name: str) -> pl.DataFrame:
        return read_proteins(data / f"{name}.tsv.gz").unique("id", keep="first", maintain_order=True)

    substrates = pl.col("subclass").str.replace_all("/", "|").str.to_lowercase()
    amr = read("amr_proteins").with_columns(
        **{"set": pl.lit("amr"), "control": pl.lit("no"), "class": pl.col("resistance_class").str.to_lowercase()},
        label=pl.when(~pl.col("subclass").is_in(UNSPECIFIC)).then(substrates),
    )
    mutants = read("mutagenesis_twins").with_columns(
        set=pl.lit("mutagenesis"),
        control=pl.when(pl.col("neutral") == "1").then(pl.lit("yes")).otherwise(pl.lit("no")),
        protein=pl.col("protein_name").str.replace(r" \(.*", ""),
        effect=pl.when(pl.col("wild_type").is_not_null()).then("text"),
        function=pl.when(pl.col("wild_type").is_null()).then("text"),
    )
    swissprot = read("swissprot_text").with_columns(set=pl.lit("swissprot"), control=pl.lit("no"))
    return [swissprot, amr, mutants]


def seen_by_base(proteins: pl.DataFrame) -> set[str]:
    """Return the sequences that the packaged models were trained on: of Swiss-Prot and AMR, but those put aside."""
    aside = {each for part in read_json(HELD_OUT).values() for ids in part.values() for each in ids}
    read = proteins.filter(pl.col("set").is_in(BASE_READ))
    return set(read.filter(~pl.col("id").is_in(list(aside)))["sequence"])


def held_out(proteins: pl.DataFrame, seen: set[str]) -> GivenSplit:
    """Return the split that is decided: what the packaged models' test and validation are, and AMR's unseen alleles."""
    named = read_json(HELD_OUT)
    parts = {"components_test": "test", "components_valid": "valid", "alleles_test": "known", "alleles_valid": "known"}
    rows = [
        {"set": source, "id": each.removeprefix("WT_"), "split": split}
        for part, split in parts.items()
        for source, ids in named[part].items()
        for each in ids
    ]
    return GivenSplit(pl.DataFrame(rows).unique(maintain_order=True), frozenset(seen))


def split_list(mined: MinedCases, seen: set[str]) -> pl.DataFrame:
    """Return a row for each wild type and natural protein: its set, id, family and split, and whether the base read it.

    `seen_by_base` speaks of the family: `yes` if the packaged models were trained on one of its members.
    """
    wild = mined.proteins.filter(pl.col("wild_type").is_null())
    read = pl.col("sequence").is_in(list(seen)).any().over("family")
    return wild.with_columns(seen_by_base=pl.when(read).then(pl.lit("yes")).otherwise(pl.lit("no"))).select(
        "set", "id", "family", "split", "seen_by_base"
    )


def write_all(mined: MinedCases, listed: pl.DataFrame, folder: Path) -> None:
    """Write proteins, case tables, the split and the counts."""
    families = listed.select("family", "seen_by_base").unique()
    proteins = mined.proteins.join(families, on="family", how="left", maintain_order="left")
    write_table(proteins, folder / "proteins.parquet")
    write_table(listed, folder / "split.tsv.gz")
    write_table(
        random_pairs(proteins.filter(set="swissprot", split="test", seen_by_base="no")), folder / "beside.parquet"
    )
    parts = (
        ("cases", in_all_wordings(mined), ("train",)),
        ("cases", mined.cases, ("valid", "test", "known")),
        ("unseen_wording", reworded(mined, wording=-1), ("test", "known")),
    )
    for part, cases, splits in parts:
        for (split, name), rows in cases.group_by("split", "set", maintain_order=True):
            if split in splits:
                path = folder / part / str(split) / f"{name}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_cases(rows, path)
    content = {"format_version": 1, "counts": counts(mined, listed).to_dicts(), "torn_families": mined.torn}
    write_json(folder / "report.json", content)


def random_pairs(proteins: pl.DataFrame) -> pl.DataFrame:
    """Pair each protein with another at random, as triplets both ways; pairs of one family or one text are left out."""
    ends = proteins.filter(pl.col("text") != "").unique("sequence").sort("id")
    ends = ends.select("sequence", "text", "family", component=pl.col("family").rank("dense").cast(pl.Int64))
    others = ends.sample(fraction=1.0, shuffle=True, seed=SEED)
    pairs = pl.concat(
        [ends.rename(lambda name: f"a_{name}"), others.rename(lambda name: f"b_{name}")], how="horizontal"
    )
    pairs = pairs.filter(pl.col("a_family") != pl.col("b_family"), pl.col("a_text") != pl.col("b_text"))
    both = [
        pairs.select(
            anchor_seq=f"{one}_sequence",
            anchor_text=f"{one}_text",
            hard_neg_seq=f"{other}_sequence",
            hard_neg_text=f"{other}_text",
            component=f"{one}_component",
        )
        for one, other in ("ab", "ba")
    ]
    return pl.concat(both)


def counts(mined: MinedCases, listed: pl.DataFrame) -> pl.DataFrame:
    """Count cases, controls and families of each set, kind and split, and the families that the base did not read."""
    unseen = set(listed.filter(seen_by_base="no")["family"])
    real = pl.col("control") == "no"
    family = pl.col("family").filter(real)
    return (
        mined.cases.group_by("set", "kind", "split")
        .agg(
            cases=real.sum(),
            controls=(~real).sum(),
            families=family.n_unique(),
            unseen_by_base=family.filter(family.is_in(list(unseen))).n_unique(),
        )
        .sort("set", "kind", "split")
    )


if __name__ == "__main__":
    main()
