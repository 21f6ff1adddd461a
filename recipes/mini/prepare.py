"""Corpus, splits and triplets of protrek-hm-mini, from three tables of real proteins and one of sequences alone.

    python recipes/mini/prepare.py DATA -o OUTPUT

DATA holds `swissprot_text.tsv.gz`, `amr_proteins.tsv.gz`, `mutagenesis_twins.tsv.gz` and `unlabelled.fasta.gz`.
Before anything is trained, whole components (50 % identity, or a text in common) are put aside for validation and
test; among the antimicrobial-resistance (AMR) families that stay, single alleles are put aside, too, and of the pairs
of the alleles that stay, every twentieth. So one model can be tested on unseen families, on unseen alleles of families
it knows, and (leaky, for comparison) on unseen pairs of alleles it knows. `held_out.json` names whatever was put aside.
"""

import argparse
import random
import re
from pathlib import Path

import numpy as np
import polars as pl
from captions import captions, in_other_words, many_captions

from protrek_hm.data import read_proteins, write_proteins
from protrek_hm.data.triplets import write_triplets
from protrek_hm.files import new_folder, write_json
from protrek_hm.homology import connected_components
from protrek_hm.homology.families import find_families
from protrek_hm.mine import MineConfig, mine_hard_negatives
from protrek_hm.mine.split import family_links

SEED = 42
SHARES = {"test": 0.14, "valid": 0.08}  # of each source's proteins; the rest is for training
LARGEST = 0.04  # a component with a larger share of its source than this stays in training
LEAKY = 20  # every so-manyth pair of training alleles is for the leaky test
EASY = 6_000
VALID, AMONG_KNOWN = 600, 2_000  # rows of an unseen allele and a known twin
LESS = "words:(?:one-says-more|other-words)"  # the gate's reasons, which a label that differs overrules
_TAGS = re.compile(r"\s*\{ECO:[^}]*\}|\s*\((?:PubMed|Ref)[^)]*\)|\s*\([^)]*(?:By similarity|Probable|Potential)\)")
SIDES = ("train", "valid", "test")
# Neither the component nor the protein itself is put aside
_MAY_BE_READ = (pl.col("side") == "train") & (pl.col("allele_side").fill_null("train") == "train")


def main() -> None:
    """Read, split, mine, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    swissprot, amr, mutants = read_sources(given.data)
    pool = pl.concat([swissprot, amr, wild_types(mutants)], how="diagonal")
    pool = put_aside(pool)
    mined = mine_hard_negatives(
        pool.filter(pl.col("source") != "mutagenesis").rename({"side": "stage"}),
        MineConfig(evidence=("resistance_class:set", "subclass:set"), easy=EASY, seed=SEED),
    )
    tables = {
        **twin_tables(mined.triplets, pool),
        **easy_tables(mined.easy, pool),
        **mutant_tables(mutants, pool),
    }
    for name in ("hard_valid", "test_proteins", "test_among_known", "easy_test_proteins"):
        tables[f"{name}_asked"] = asked(tables[name], pool)
    with new_folder(given.output, force=True) as folder:
        pretraining_rows(pool).write_csv(folder / "pretrain.tsv", separator="\t")
        for side in ("train", "valid"):
            caption_rows(pool, side).write_csv(folder / f"captions_{side}.tsv", separator="\t", quote_style="never")
        for side, sequences in sequences_alone(given.data, pool).items():
            table = pl.DataFrame({"sequence": sequences}).with_row_index("id").cast(pl.String)
            write_proteins(table, folder / f"sequences_{side}.tsv")
        pool.write_csv(folder / "pool.tsv", separator="\t")
        for name, table in tables.items():
            write_triplets(table, folder / f"{name}.csv")
        write_json(folder / "held_out.json", held_out(pool))
    for name, table in tables.items():
        print(f"{name}: {table.height:,} rows, {table['anchor_id'].n_unique():,} proteins")  # noqa: T201


def read_sources(data: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return Swiss-Prot, AMR and mutagenesis rows with the columns id, sequence, text, source and others."""

    def read(name: str) -> pl.DataFrame:
        table = pl.read_csv(data / f"{name}.tsv.gz", separator="\t", infer_schema_length=0, quote_char=None)
        return table.with_columns(pl.col(pl.String).str.strip_chars())

    swissprot = read("swissprot_text").select(
        "sequence",
        id="accession",
        name=pl.col("protein_name").str.replace(r" \(.*", ""),
        text=pl.col("function").map_elements(cleaned, return_dtype=pl.String),
        ec="ec",
        go="go_terms",
        catalytic_activity="catalytic_activity",
        full_name="protein_name",
        organism="organism",
        source=pl.lit("swissprot"),
    )
    amr = read("amr_proteins").select(
        "resistance_class",
        "subclass",
        "gene_family",
        id="accession",
        sequence="protein_sequence",
        name=pl.col("description").str.replace(r"\. Resistance class:.*", ""),
        text="description",
        source=pl.lit("amr"),
    )
    return swissprot.unique("id", keep="first", maintain_order=True), amr, read("mutagenesis_twins")


def cleaned(text: str) -> str:
    """Return a text without evidence tags.

    >>> cleaned("Cuts DNA (PubMed:1, PubMed:2). Binds zinc {ECO:0000269}.")
    'Cuts DNA. Binds zinc.'
    """
    return _TAGS.sub("", text).strip()


def wild_types(mutants: pl.DataFrame) -> pl.DataFrame:
    """Return the wild types that no row of Swiss-Prot need hold, as proteins of the source `mutagenesis`."""
    return mutants.unique("wt_sequence", keep="first", maintain_order=True).select(
        id=pl.concat_str(pl.lit("WT_"), "accession"),
        sequence="wt_sequence",
        name=pl.col("protein_name").str.replace(r" \(.*", ""),
        text=pl.col("wt_function").map_elements(cleaned, return_dtype=pl.String),
        full_name="protein_name",
        organism="organism",
        source=pl.lit("mutagenesis"),
    )


def put_aside(pool: pl.DataFrame) -> pl.DataFrame:
    """Add `component`, `side` (of whole components) and `allele_side` (of AMR alleles in components for training)."""
    distinct = pool["sequence"].unique(maintain_order=True)
    number = {sequence: i for i, sequence in enumerate(distinct)}
    proteins = pl.Series([number[sequence] for sequence in pool["sequence"]])
    families = find_families(distinct.to_list())
    shared = pool.select(pl.col("text").str.to_lowercase().alias("text"), protein=proteins).filter(pl.col("text") != "")
    by_text = shared.with_columns(before=pl.col("protein").shift(1).over("text")).drop_nulls("before")
    links = np.concatenate([family_links(families), by_text.select("before", "protein").to_numpy().astype(np.int64)])
    components = np.asarray(connected_components(len(distinct), links))[proteins.to_numpy()]
    pool = pool.with_columns(component=pl.Series(components))
    side_of = deal(pool)
    rng = np.random.default_rng(SEED)
    lots = pl.Series(rng.random(pool.height))
    allele = pl.when(lots < SHARES["test"]).then(pl.lit("test")).when(lots < sum(SHARES.values())).then(pl.lit("valid"))
    known_amr = (pl.col("source") == "amr") & (pl.col("side") == "train")
    return pool.with_columns(side=pl.col("component").replace_strict(side_of, default="train")).with_columns(
        allele_side=pl.when(known_amr).then(allele.otherwise(pl.lit("train")))
    )


def deal(pool: pl.DataFrame) -> dict[int, str]:
    """Give components by lot to test and validation, source by source, until each has its share of proteins."""
    side_of: dict[int, str] = {}
    rng = np.random.default_rng(SEED)
    for source in ("amr", "mutagenesis", "swissprot"):
        sizes = pool.filter(source=source).group_by("component").len().sort("component")
        total = sizes["len"].sum()
        taken = dict.fromkeys(SHARES, 0)
        for component, size in sizes.rows():
            if component in side_of:
                taken[side_of[component]] += size
        for place in rng.permutation(sizes.height):
            component, size = sizes.row(int(place))
            filled = {side: taken[side] / (share * total) for side, share in SHARES.items()}
            side = min(filled, key=filled.__getitem__)
            if filled[side] < 1 and component not in side_of and size <= LARGEST * total:
                side_of[component] = side
                taken[side] += size
    return side_of


def twin_tables(triplets: pl.DataFrame, pool: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Cut the mined twins into training, validation, and tests.

    Left out are pairs where a label is missing, and those where one text merely says more ("class A beta-lactamase"
    beside "extended-spectrum class A beta-lactamase"): the label of the other is then general, not different. The
    tests `…_unsure` hold the latter, too. Of validation's rows, and of the test `among_known`, the anchor alone is
    unseen, and its twin was trained on: so stands a new allele among those that are known.
    """
    facts = pool.unique("id").select("id", "allele_side", "source", labelled=pl.col("subclass").str.len_chars() > 0)
    for end in ("anchor", "hard_neg"):
        triplets = triplets.join(
            facts.rename({column: f"{end}_{column}" for column in facts.columns}), on=f"{end}_id", how="left"
        )
    amr = triplets.filter(pl.col("anchor_source") == "amr")
    both = pl.col("anchor_labelled") & pl.col("hard_neg_labelled")
    sure = both & ~pl.col("reasons").str.contains(LESS)
    order = pl.min_horizontal("anchor_id", "hard_neg_id") + pl.max_horizontal("anchor_id", "hard_neg_id")
    leaky = order.hash(SEED) % LEAKY == 0  # both directions of a pair go together
    known = amr.filter(pl.col("split") == "train")
    of_anchor, of_twin = pl.col("anchor_allele_side"), pl.col("hard_neg_allele_side")
    inside = {side: known.filter((of_anchor == side) & (of_twin == side)) for side in SIDES}
    beside = {side: known.filter((of_anchor == side) & (of_twin == "train")) for side in SHARES}
    tables = {
        "hard_train": inside["train"].filter(sure & ~leaky),
        "hard_valid": pl.concat([inside["valid"].filter(sure), drawn(beside["valid"].filter(sure), VALID)]),
        "test_pairs": inside["train"].filter(sure & leaky),
        "test_proteins": inside["test"].filter(sure),
        "test_proteins_unsure": inside["test"].filter(both),
        "test_among_known": drawn(beside["test"].filter(sure), AMONG_KNOWN),
        "test_components": amr.filter(sure & (pl.col("split") == "test")),
        "test_components_unsure": amr.filter(both & (pl.col("split") == "test")),
        **{f"swissprot_{side}": triplets.filter(pl.col("anchor_source") == "swissprot", split=side) for side in SIDES},
    }
    helping = [f"{end}_{column}" for end in ("anchor", "hard_neg") for column in facts.columns if column != "id"]
    return {name: table.drop(helping) for name, table in tables.items()}


def asked(triplets: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """Return those triplets that can be said in other words, in these; ways take turns."""
    said = in_other_words(triplets, pool, range(triplets.height))
    return said.filter(
        said["anchor_text"] != triplets["anchor_text"], said["hard_neg_text"] != triplets["hard_neg_text"]
    )


def drawn(triplets: pl.DataFrame, most: int) -> pl.DataFrame:
    """Return so many rows at most, by lot, in their order."""
    rows = np.random.default_rng(SEED).permutation(triplets.height)[:most]
    return triplets[np.sort(rows)]


def easy_tables(easy: pl.DataFrame, pool: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return random pairs of all proteins for training, of each side's components, and of alleles put aside.

    `swissprot_any` pairs every protein of Swiss-Prot's test components with another of them.
    """
    return {
        "easy_train": random_pairs(for_training(pool)),
        **{f"easy_{side}": easy.filter(split=side) for side in ("valid", "test")},
        **{f"easy_{side}_proteins": random_pairs(pool.filter(allele_side=side)) for side in ("valid", "test")},
        "swissprot_any": random_pairs(pool.filter(source="swissprot", side="test")),
    }


def random_pairs(proteins: pl.DataFrame) -> pl.DataFrame:
    """Pair each protein with another by lot, both directions; pairs of one component or one text are left out."""
    ends = proteins.filter(pl.col("text") != "").select("id", "component", seq="sequence", text="text")
    others = ends.sample(fraction=1.0, shuffle=True, seed=SEED)
    sides = [
        table.rename({name: f"{end}_{name}" for name in ends.columns}) for end, table in (("a", ends), ("b", others))
    ]
    pairs = pl.concat(sides, how="horizontal").filter(
        (pl.col("a_component") != pl.col("b_component")) & (pl.col("a_text") != pl.col("b_text"))
    )
    both = [
        pairs.select(
            *(pl.col(f"{one}_{name}").alias(f"anchor_{name}") for name in ("id", "seq", "text")),
            *(pl.col(f"{other}_{name}").alias(f"hard_neg_{name}") for name in ("id", "seq", "text")),
            component=f"{one}_component",
            type=pl.lit("easy"),
        )
        for one, other in ("ab", "ba")
    ]
    return pl.concat(both)


def mutant_tables(mutants: pl.DataFrame, pool: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return twins of wild type and mutant, both directions; `neutral` ones (the same function) are controls."""
    wild = pool.filter(source="mutagenesis").select("sequence", "side", "component")
    rows = mutants.join(wild, left_on="wt_sequence", right_on="sequence", how="left").with_columns(
        effect=pl.col("effect").map_elements(cleaned, return_dtype=pl.String),
        wt_function=pl.col("wt_function").map_elements(cleaned, return_dtype=pl.String),
        mutant=pl.concat_str("accession", "mutation", separator="_"),
    )
    rows = rows.filter((pl.col("effect") != "") & (pl.col("wt_function") != ""))
    rest = {"component": "component", "split": "side", "neutral": "neutral", "type": pl.lit("hard")}
    of_mutant = rows.select(
        anchor_id="mutant", anchor_seq="mut_sequence", anchor_text="effect",
        hard_neg_id="accession", hard_neg_seq="wt_sequence", hard_neg_text="wt_function", **rest,
    )  # fmt: skip
    of_wild = rows.select(
        anchor_id="accession", anchor_seq="wt_sequence", anchor_text="wt_function",
        hard_neg_id="mutant", hard_neg_seq="mut_sequence", hard_neg_text="effect", **rest,
    )  # fmt: skip
    both = pl.concat([of_mutant, of_wild]).with_columns(seq_similarity=pl.lit(None, dtype=pl.Float64))
    kept = {side: both.filter(pl.col("split") == side) for side in SIDES}
    return {
        **{f"mutants_{side}": table.filter(neutral="0").drop("neutral") for side, table in kept.items()},
        "mutants_test_neutral": kept["test"].filter(neutral="1").drop("neutral"),
    }


def pretraining_rows(pool: pl.DataFrame) -> pl.DataFrame:
    """Return the proteins for training, each with its captions one below the other."""
    rows = [
        {"id": row["id"], "sequence": row["sequence"], "text": text}
        for number, row in enumerate(for_training(pool).rows(named=True))
        for text in captions(row, number)
    ]
    return pl.DataFrame(rows)


def caption_rows(pool: pl.DataFrame, side: str) -> pl.DataFrame:
    """Return the proteins for training with all that can be said of them, or those of Swiss-Prot's validation.

    Wild types of mutants are read as well where Swiss-Prot's rows lack them.
    """
    if side == "train":
        elsewhere = for_training(pool)["sequence"].implode()
        wild = (pl.col("source") == "mutagenesis") & pl.col("sequence").is_in(elsewhere)
        rows = pool.filter(_MAY_BE_READ & ~wild)
    else:
        rows = pool.filter(side=side, source="swissprot")
    rng = random.Random(SEED)
    return pl.DataFrame(
        [
            {"id": row["id"], "source": row["source"], "sequence": row["sequence"], "text": " ".join(text.split())}
            for row in rows.rows(named=True)
            for text in many_captions(row, rng)
        ]
    )


def sequences_alone(data: Path, pool: pl.DataFrame) -> dict[str, list[str]]:
    """Return distinct sequences to guess residues in: of training, and of validation's components.

    Training reads its proteins and those of `unlabelled.fasta.gz`, but none of the latter that is in one component
    (50 % identity) with a protein whose component was put aside, and no allele that was put aside.
    """
    aside = pool.filter(pl.col("side") != "train")
    unlabelled = set(read_proteins(data / "unlabelled.fasta.gz")["sequence"]) - {*pool["sequence"]}
    distinct = sorted({*aside["sequence"]}) + sorted(unlabelled)
    families = find_families(distinct)
    held = {*families[: len(distinct) - len(unlabelled)]}
    free = [sequence for sequence, family in zip(distinct, families, strict=True) if family not in held]
    return {
        "train": sorted({*pool.filter(_MAY_BE_READ)["sequence"], *free}),
        "valid": sorted({*pool.filter(side="valid")["sequence"]}),
    }


def for_training(pool: pl.DataFrame) -> pl.DataFrame:
    """Return the proteins whose texts may be read; the wild types' are for the mutants."""
    return pool.filter(_MAY_BE_READ & (pl.col("source") != "mutagenesis"))


def held_out(pool: pl.DataFrame) -> dict[str, dict[str, list[str]]]:
    """Name the proteins of each source that no training reads."""
    aside = {}
    for side in ("valid", "test"):
        whole = pool.filter(side=side)
        aside[f"components_{side}"] = {
            s: sorted(whole.filter(source=s)["id"]) for s in ("swissprot", "amr", "mutagenesis")
        }
        aside[f"alleles_{side}"] = {"amr": sorted(pool.filter(allele_side=side)["id"])}
    return aside


if __name__ == "__main__":
    main()
