"""Sets of twins, read from samples of the originals and checked against loops over the files' own cells."""

import csv
import gzip
import io
import re
import tarfile
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from protrek_hm.data import read_proteins, write_proteins
from protrek_hm.data.twins import SCHEMA, SETS, TwinsConfig, read_twins, wordings
from protrek_hm.data.twins.dms import deciles, levels
from protrek_hm.data.twins.texts import templates
from protrek_hm.errors import FileFormatError, MissingColumnError, MissingFileError, NothingFoundError, OptionError

READ = [name for name in SETS if name != "labels"]


def rows_of(path, delimiter):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def differing(a, b):
    assert len(a) == len(b)
    return [(place, one, other) for place, (one, other) in enumerate(zip(a, b, strict=True), 1) if one != other]


@pytest.mark.parametrize("name", READ)
def test_every_table_keeps_the_promises_of_its_columns(name, sample, tmp_path):
    table = read_twins(name, sample(name))
    frame, report = table.frame, table.report
    assert frame.columns[: len(SCHEMA)] == list(SCHEMA)
    assert dict(list(frame.schema.items())[: len(SCHEMA)]) == SCHEMA
    assert frame["id"].n_unique() == frame.height == report.proteins
    assert set(frame["set"]) == {name}
    assert set(frame["control"]) <= {"yes", "no"}
    by_id = {row["id"]: row for row in frame.iter_rows(named=True)}
    for row in by_id.values():
        assert (row["wild_type"] is None) == (row["mutation"] is None)
        assert row["text"] == next(iter(wordings(row)), None)
        assert row["label"] is None or row["label"] == "|".join(sorted(set(row["label"].split("|"))))
        if row["wild_type"]:
            wild_type = by_id[row["wild_type"]]
            assert wild_type["wild_type"] is None
            changes = differing(wild_type["sequence"], row["sequence"])
            assert ":".join(f"{old}{place}{new}" for place, old, new in changes) == row["mutation"]
    write_proteins(frame, tmp_path / "table.tsv")
    again = read_proteins(tmp_path / "table.tsv")
    assert again["id"].to_list() == frame["id"].to_list()
    assert again["text"].to_list() == frame["text"].to_list()
    for read, row in zip(again.iter_rows(named=True), frame.iter_rows(named=True), strict=True):
        assert wordings(read) == wordings(row), "a table read back has the same texts"


@pytest.mark.parametrize("name", READ)
def test_nothing_is_dropped_without_a_word(name, sample):
    report = read_twins(name, sample(name)).report
    left_out = sum(map(len, report.left_out.values()))
    if report.mutants:
        assert report.records == report.mutants + left_out
    else:
        files = [row for path in sample(name) for row in rows_of(path, "\t" if path.suffix == ".txt" else ",")]
        column = next(each for each in ("Amino acid sequence", "sequence") if each in files[0])
        assert report.records == len(files)
        unknown = {row[column] for row in files if row.get("SMILES_product_canonical_no_stereo") == "Unknown"}
        assert report.proteins == len({row[column] for row in files} - unknown)


@pytest.mark.parametrize("name", READ)
def test_compressed_files_hold_the_same(name, sample, tmp_path):
    given = sample(name)
    if name == "dms":
        with tarfile.open(tmp_path / "assays.tar.gz", "w:gz") as archive:
            archive.add(given[0], "assays")
        packed = [tmp_path / "assays.tar.gz"]
    else:
        packed = [tmp_path / f"{path.name}.gz" for path in given]
        for path, copy in zip(given, packed, strict=True):
            copy.write_bytes(gzip.compress(path.read_bytes()))
    assert_frame_equal(read_twins(name, packed).frame, read_twins(name, given).frame)


def test_resistance_is_the_mutants_and_susceptibility_the_wild_types(sample):
    frame = read_twins("ncbi-point", sample("ncbi-point")).frame
    applied, resisted = {}, {}
    for row in rows_of(sample("ncbi-point")[0], "\t"):
        accession, mutation = row["accession_version"], row["standard_mutation_symbol"].split("_")[1]
        if f"{accession}:{mutation}" in set(frame["id"]):
            drugs = {each.lower() for each in row["subclass"].split("/")}
            applied[f"{accession}:{mutation}"] = "|".join(sorted(f"resistant:{drug}" for drug in drugs))
            resisted.setdefault(accession, set()).update(drugs)
    expected = {name: "|".join(sorted(f"susceptible:{drug}" for drug in drugs)) for name, drugs in resisted.items()}
    assert dict(frame.select("id", "label").iter_rows()) == applied | expected
    assert len(applied) == 14


def test_what_ncbi_lists_and_does_not_apply_is_named(sample):
    left_out = read_twins("ncbi-point", sample("ncbi-point")).report.left_out
    assert left_out == {
        "a stop": ["WP_000843414.1 marR_E31STOP"],
        "an insertion, deletion or frameshift": [
            *("WP_002215424.1 rplV_K83KKGPSLK", "WP_002215424.1 rplV_K90KARAK", "WP_014614750.1 rpoB_A473AA"),
        ],
        "another letter in the reference, though it stands at mutation_position": [
            *("WP_033785346.1 gyrA_S83I", "WP_033785346.1 gyrA_S83L"),
        ],
    }


def test_mutants_without_an_effect_are_left_out_and_kept_functions_are_controls(sample):
    table = read_twins("mutadescribe", sample("mutadescribe"))
    rows = rows_of(sample("mutadescribe")[0], "\t")
    assert table.report.left_out == {"no effect told": [row["entry"] for row in rows if not row["effect"]]}
    told = {row["entry"].replace("-", ":"): row["effect"] for row in rows if row["effect"]}
    mutants = table.frame.drop_nulls("wild_type")
    assert dict(mutants.select("id", "text").iter_rows()) == told
    controls = {name for name, effect in told.items() if effect.startswith("No effect")}
    assert set(mutants.filter(control="yes")["id"]) == controls
    assert set(mutants.filter(label="disease")["text"]) == {text for text in told.values() if text.startswith("In ")}
    functions = {row["entry"].partition("-")[0]: row["wt_function"] for row in rows if row["effect"]}
    wild_types = table.frame.filter(pl.col("wild_type").is_null())
    assert dict(wild_types.select("id", "text").iter_rows()) == functions


def test_what_stands_on_several_lines_is_joined_and_what_contradicts_itself_left_out(tmp_path):
    (tmp_path / "point.fa").write_text(">A1 some kinase\nMKVLA*\n>0|B2|1|1|x|x|mutation|2|||DNA_gyrase\nMKV\n")
    header = "#taxgroup\taccession_version\tmutation_position\tstandard_mutation_symbol\tclass\tsubclass\n"
    lines = ["A1\t2\tabc_K2R\tQ\tDRUG_ONE", "A1\t2\tabc_K2R\tQ\tTWO", "B2\t3\tx_V3A\tQ\t", "C3\t3\tx_V3A\tQ\tTWO"]
    (tmp_path / "point.tsv").write_text(header + "".join(f"\t{line}\n" for line in lines))
    table = read_twins("ncbi-point", [tmp_path / "point.tsv", tmp_path / "point.fa"])
    assert table.frame.select("id", "label", "product", "organism").rows() == [
        ("A1", "susceptible:drug one|susceptible:two", "some kinase", "bacteria"),
        ("A1:K2R", "resistant:drug one|resistant:two", "some kinase", "bacteria"),
    ]
    assert table.report.left_out == {"no drug named": ["B2 x_V3A"], "no reference sequence": ["C3 x_V3A"]}
    assert table.report.noted == {"a mutation on several lines, joined": ["A1 abc_K2R"]}

    header = "entry\twt_sequence\tmut_sequence\tprotein_name\twt_function\teffect\n"
    lines = [
        *("P1-K2R\tMKV\tMRV\tA\tWorks.\tNo effect.", "P1-K2R\tMKV\tMRV\tA\tWorks.\tLoss of activity."),
        *("P1-K2A\tMKV\tMRV\tA\tWorks.\tDead.", "P1-K2del\tMKV\tMV\tA\tWorks.\tDead.", "P1-K2K\tMKV\tMKV\tA\t\tDead."),
        *("P1-V3L\tMKVA\tMKLA\tA\t\tNo effect.", "P1-J2A\tMJV\tMAV\tA\t\tDead."),
    ]
    (tmp_path / "mutants.tsv").write_text(header + "\n".join(lines) + "\n")
    table = read_twins("mutadescribe", [tmp_path / "mutants.tsv"])
    assert table.frame.select("id", "text", "label", "control").rows() == [
        ("P1", "Works.", None, "no"),
        ("P1:K2R", "No effect. Loss of activity.", "mixed", "no"),
        ("P1:2", None, None, "no"),
        ("P1:2:V3L", "No effect.", "kept", "yes"),
    ]
    assert table.report.left_out == {
        "sequences that differ otherwise than the name says": ["P1-K2A"],
        "an insertion, deletion or frameshift": ["P1-K2del"],
        "no change": ["P1-K2K"],
        "letter 'J' at position 2 is not an amino acid": ["P1-J2A"],
    }


def test_natural_homologs_have_a_row_a_sequence(sample):
    domains = read_twins("adenylation-domains", sample("adenylation-domains")).frame
    rows = rows_of(sample("adenylation-domains")[0], "\t")
    given = {row["domain_id"]: "|".join(sorted(row["specificity"].split("|"))) for row in rows}
    assert dict(domains.select("id", "label").iter_rows()) == given
    terpenes = read_twins("terpene-synthases", sample("terpene-synthases")).frame
    products = {}
    for row in rows_of(sample("terpene-synthases")[0], ","):
        if row["Name of product"] not in ("", "Unknown"):
            products.setdefault(row["Amino acid sequence"], set()).add(row["SMILES_product_canonical_no_stereo"])
    assert {row["sequence"]: len(row["label"].split("|")) for row in terpenes.iter_rows(named=True)} == {
        sequence: len(structures) for sequence, structures in products.items()
    }
    enzymes = read_twins("catpred", sample("catpred"))
    numbers, highest = {}, {}
    for row in rows_of(sample("catpred")[0], ","):
        numbers.setdefault(row["sequence"], set()).update(set() if "-" in row["ec"] else {row["ec"]})
        highest[row["sequence"]] = max(highest.get(row["sequence"], 0), float(row["value"]))
    found = enzymes.frame.select("sequence", "label", "kcat").rows()
    assert {sequence: label for sequence, label, _ in found} == {
        sequence: "|".join(sorted(each)) or None for sequence, each in numbers.items()
    }
    assert {sequence: kcat for sequence, _, kcat in found} == highest
    assert len(enzymes.report.noted["no complete EC number, so no text"]) == 3


def test_each_template_has_three_wordings_or_more_and_no_two_say_the_same():
    def lists(section):
        for name, value in section.items():
            if name not in ("names", "words", "assays", "classes"):
                yield from [value] if isinstance(value, list) else lists(value)

    found = list(lists(templates()))
    assert set(templates()) == {*SETS, "amr"}
    assert len(found) >= 20
    for wording in found:
        assert len(set(wording)) == len(wording) >= 3
    kinds = {kind for _, kind, _ in templates()["dms"]["assays"].values()}
    kinds |= {kind for kind, _ in templates()["dms"]["words"].values()}
    assert kinds <= set(templates()["dms"]["kinds"])


@pytest.mark.parametrize("name", READ)
def test_every_row_with_a_text_has_several(name, sample):
    for row in read_twins(name, sample(name)).frame.iter_rows(named=True):
        texts = wordings(row)
        assert not texts or (len(texts) >= 3 and min(map(len, texts)) > 1), row["id"]
        assert not any("{" in text or "None" in text for text in texts)


def test_a_row_that_lost_its_columns_says_which_is_needed():
    with pytest.raises(OptionError, match="column = 'gene': not in the row"):
        wordings(
            {"set": "ncbi-point", "label": "resistant:quinolone", "wild_type": "A", "product": "B", "organism": "C"}
        )
    with pytest.raises(OptionError, match="one of ncbi-point"):
        wordings({"label": "a"})


# Deep mutational scans.


@pytest.fixture
def scan(tmp_path):
    """Writes a scan and its wild type; returns their folder."""

    def write(rows, *, wild_type="MKVLADERGH", name="P1_HUMAN_Doe_activity_2024", header="mutant,score"):
        folder = tmp_path / "scans"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.csv").write_text("\n".join([header, *rows]) + "\n")
        (folder / f"{name}.fasta").write_text(f">{name}.csv\n{wild_type}\n")
        return folder

    return write


def test_scores_stand_as_published_and_two_assays_share_a_wild_type(sample):
    frame = read_twins("dms", sample("dms")).frame
    folder = sample("dms")[0] / "mutant"
    published = {}
    for path in folder.glob("*.csv"):
        with path.open(newline="") as file:  # two columns of GFP have one name
            published |= {f"{path.stem}:{row[0]}": float(row[1]) for row in list(csv.reader(file))[1:]}
    mutants = frame.drop_nulls("wild_type")
    assert dict(mutants.select("id", "score").iter_rows()) == published
    assert frame.filter(pl.col("wild_type").is_null()).height == 4
    assays = mutants.filter(wild_type="VKOR1_HUMAN")
    assert set(assays["assay"]) == {f"VKOR1_HUMAN_Chiasson_{kind}_2020" for kind in ("abundance", "activity")}
    assert set(assays["kind"]) == {"abundance", "activity"}


def test_the_highest_and_lowest_tenth_have_a_text_and_the_others_none(scan):
    rows = [f"{old}{place}{new}" for place, old in enumerate("MKVLADERGH", 1) for new in "CFWY"]
    folder = scan([f"{name},{number}" for number, name in enumerate(rows)])
    frame = read_twins("dms", [folder]).frame.drop_nulls("wild_type")
    told = frame.select("score", "label", "text").drop_nulls("text").rows()
    assert [score for score, *_ in told] == [0, 1, 2, 3, 36, 37, 38, 39]
    assert [label for _, label, _ in told] == ["activity:low"] * 4 + ["activity:high"] * 4
    assert {text for score, _, text in told if score < 4} == {"Variant of P1 that loses its activity."}
    assert frame["decile"].to_list() == [1 + number // 4 for number in range(40)]
    half = read_twins("dms", [folder], config=TwinsConfig(share=0.5)).frame.drop_nulls("wild_type")
    assert half["text"].null_count() == 0


def test_levels_and_deciles_agree_with_counting():
    scores = [0.5, 0.1, 0.9, 0.9, 0.2, 0.1, 0.7, 0.3, 0.8, 0.9, 0.6, 0.4]
    for share in (0.1, 0.25, 0.5):
        number = max(1, int(len(scores) * share))
        expected = [
            "high" if sum(other > score for other in scores) < number
            else "low" if sum(other < score for other in scores) < number
            else None
            for score in scores
        ]  # fmt: skip
        assert levels(scores, share) == expected
    below = [sum(other < score for other in scores) for score in scores]
    equal = [sum(other == score for other in scores) for score in scores]
    assert deciles(scores) == [
        -(-10 * (2 * low + same) // (2 * len(scores))) for low, same in zip(below, equal, strict=True)
    ]


def test_mutants_with_several_changes_are_read_and_written_in_order(scan):
    frame = read_twins("dms", [scan(["D6E:K2R,1", "K2A,0"])]).frame
    assert frame.filter(mutation="K2R:D6E")["sequence"].to_list() == ["MRVLAEERGH"]


def test_every_mutant_that_cannot_be_used_is_named(scan):
    rows = [
        "K2R,1",
        "K2A,0",
        "V3A,",
        "V3C,nan",
        "V3D,inf",
        "V3E,high",
        "K2R,2",
        "M1*,0",
        "M1M,1",
        "WT,1",
        "L9A,1",
        "G11A,1",
    ]
    rows += ["D6del,1", ",1", "A5G"]
    report = read_twins("dms", [scan(rows)]).report
    named = {reason: [name.rpartition(" ")[2] for name in names] for reason, names in report.left_out.items()}
    (ragged,) = named.pop("a row that does not fit the header")
    assert ragged.endswith("P1_HUMAN_Doe_activity_2024.csv:16")
    assert named == {
        "a stop": ["M1*"],
        "no change": ["M1M"],
        "not written like A12C": ["WT", "nothing"],
        "an insertion, deletion or frameshift": ["D6del"],
        "no score": ["V3A", "V3C", "V3D", "V3E"],
        "a mutant that stands there already": ["K2R"],
        "another letter in the reference": ["L9A"],
        "beyond the reference's end": ["G11A"],
    }
    assert (report.records, report.mutants) == (15, 2)


def test_a_scan_of_another_numbering_or_isoform_is_one_clear_error(scan):
    shifted = [f"{old}{place + 23}A,1" for place, old in enumerate("MKVL", 1)]
    with pytest.raises(FileFormatError, match=r"4 of 4 mutants do not fit .*they fit if 23 is subtracted from all"):
        read_twins("dms", [scan(shifted)])
    with pytest.raises(FileFormatError, match=r"3 of 4 mutants do not fit .*; give the FASTA of the wild type"):
        read_twins("dms", [scan(["W1A,1", "W2A,1", "C3A,1", "L4A,1"])])


def test_scans_that_lack_something_are_clear_errors(scan, tmp_path):
    folder = scan(["K2R,1"], header="mutant,value")
    with pytest.raises(MissingColumnError, match=r"2024\.csv: no column 'score' \(columns: mutant, value\)"):
        read_twins("dms", [folder])
    folder = scan(["K2R,1"], header="variant,score")
    with pytest.raises(MissingColumnError, match="no column 'mutant'"):
        read_twins("dms", [folder])
    (csv_file,) = scan(["K2R,1", "V3A,0"]).glob("*.csv")
    with pytest.raises(FileFormatError, match="no FASTA of the wild type"):
        read_twins("dms", [csv_file])
    with pytest.raises(FileFormatError, match="no scan"):
        read_twins("dms", [csv_file.with_suffix(".fasta")])
    (tmp_path / "other.fasta").write_text(">other\nMKVLADERGH\n")
    assert read_twins("dms", [csv_file, tmp_path / "other.fasta"]).report.mutants == 2, "a single FASTA serves all"
    (tmp_path / "more.fasta").write_text(">more\nMKVLADERGH\n")
    with pytest.raises(
        FileFormatError, match=r"no FASTA of its wild type; put P1_HUMAN_Doe_activity_2024\.fasta beside"
    ):
        read_twins("dms", [csv_file, tmp_path / "other.fasta", tmp_path / "more.fasta"])
    (tmp_path / "P1_HUMAN.fasta").write_text(">P1\nMKVLADERGH\n>P1-2\nMKVL\n")
    with pytest.raises(FileFormatError, match="several sequences"):
        read_twins("dms", [csv_file, tmp_path / "P1_HUMAN.fasta"])
    with pytest.raises(FileFormatError, match="a second scan called P1_HUMAN_Doe_activity_2024"):
        read_twins("dms", [csv_file.parent, csv_file])
    with pytest.raises(NothingFoundError, match=r"no record of dms can be used; left out: 1 \(a stop\)"):
        read_twins("dms", [scan(["K2*,1"])])


def test_archives_may_be_damaged_or_hold_other_files(scan, tmp_path):
    folder = scan(["K2R,1", "V3A,0"])
    (folder / "README.md").write_text("words")
    assert list(read_twins("dms", [folder]).report.noted.values()) == [[str(folder / "README.md")]]
    archive = tmp_path / "a.tar.xz"
    with tarfile.open(archive, "w:xz") as file:
        file.add(folder, "scans")
    table = read_twins("dms", [archive])
    assert (table.report.mutants, len(table.report.noted)) == (2, 1)
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as file:
        file.add(folder, "scans")
    for name in ("a.tar.xz", "b.tar.gz"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(FileFormatError, match=r"truncated|damaged"):
            read_twins("dms", [tmp_path / name])
    (tmp_path / "c.tar").write_bytes(b"no archive")
    with pytest.raises(FileFormatError, match="no tar archive"):
        read_twins("dms", [tmp_path / "c.tar"])
    with tarfile.open(tmp_path / "d.tar", "w") as file:
        packed = gzip.compress(b"mutant,score\n")
        member = tarfile.TarInfo("a.csv.gz")
        member.size = len(packed)
        file.addfile(member, io.BytesIO(packed))
    with pytest.raises(FileFormatError, match=r"holds a\.csv\.gz, which is packed itself"):
        read_twins("dms", [tmp_path / "d.tar"])


# Tables of users.


def test_labels_of_any_table(tmp_path):
    path = tmp_path / "mine.tsv"
    path.write_text("name\tseq\tdrug\tsite\nA\tMKV\tb; a\tx\nB\tMKL\tc\t\nC\tMKJ\tc\ty\nD\tMKI\tNA\t\nA2\tMKV\ta\tx\n")
    table = read_twins("labels", [path], config=TwinsConfig(label=("drug",)))
    assert table.frame.select("id", "label").rows() == [("A", "a|b"), ("B", "c")]
    assert table.frame["text"].to_list() == ["Protein labelled a and b.", "Protein labelled c."]
    (bad, left_out), (none, unlabelled) = table.report.left_out.items()
    assert (bad, none, unlabelled) == ("letter 'J' at position 3 is not an amino acid", "no label", ["D"])
    assert left_out == [f"{path}:4 C"]
    assert table.report.noted == {"one sequence under several ids": ["A, A2"]}
    both = read_twins("labels", [path], config=TwinsConfig(label=("drug", "site")))
    assert both.frame["label"].to_list() == ["drug: a|drug: b|site: x", "drug: c"]
    renamed = read_twins(
        "labels", [path], config=TwinsConfig(label=("drug",)), columns={"id": "site", "sequence": "seq"}
    )
    assert renamed.frame["id"][0] == "x"


def test_labels_that_tell_nothing_apart_are_refused(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("id,sequence,label,ec\nA,MKV,same,1.1.1.1\nB,MKL,same,1.1.1.2\n")
    with pytest.raises(FileFormatError, match=r"all proteins have the same label, 'same', in label; choose another"):
        read_twins("labels", [path], config=TwinsConfig(label=("label",)))
    assert read_twins("labels", [path], config=TwinsConfig(label=("ec",))).report.proteins == 2
    with pytest.raises(OptionError, match="--label COLUMN"):
        read_twins("labels", [path])
    with pytest.raises(MissingColumnError, match="no column 'drug'"):
        read_twins("labels", [path], config=TwinsConfig(label=("drug",)))


@pytest.mark.parametrize("name", SETS)
def test_wrong_files_are_one_clear_error(name, sample, tmp_path):
    config = TwinsConfig(label=("x",)) if name == "labels" else None
    with pytest.raises(MissingFileError):
        read_twins(name, [tmp_path / "none.tsv"], config=config)
    (tmp_path / "empty.tsv").write_text("")
    with pytest.raises(FileFormatError):
        read_twins(name, [tmp_path / "empty.tsv"], config=config)
    (tmp_path / "other.tsv").write_text("a\tb\n1\t2\n")
    files = [tmp_path / "other.tsv"]
    if name in ("ncbi-point", "dms"):
        (tmp_path / "some.fasta").write_text(">A\nMKV\n")
        files += [tmp_path / "some.fasta"]
    with pytest.raises(MissingColumnError, match=r"other\.tsv: no column"):
        read_twins(name, files, config=config)
    with pytest.raises(OptionError, match="give the files of"):
        read_twins(name, [], config=config)


def test_settings_of_another_set_are_refused(sample):
    for name, config in (("dms", TwinsConfig(label=("a",))), ("catpred", TwinsConfig(share=0.2))):
        with pytest.raises(OptionError, match="is for the set"):
            read_twins(name, sample(name), config=config)
    with pytest.raises(OptionError, match="set = 'dns'"):
        read_twins("dns", [Path("a.csv")])
    for bad in ({"share": 0.0}, {"share": 0.6}, {"label": ("a", "a")}):
        with pytest.raises(OptionError):
            TwinsConfig(**bad)


def test_the_python_of_the_document_runs(tmp_path, monkeypatch, capsys):
    page = Path(__file__).parents[3] / "docs" / "twins.md"
    code = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(page), "exec"), {})  # noqa: S102
    out = capsys.readouterr().out
    assert "K2R activity:high" in out
    assert "left out: 1 (another letter in the reference): P1_HUMAN_Doe_activity_2024 L9A" in out


# The originals.


@pytest.mark.realdata
def test_mutations_of_ncbi_apply_as_counted(whole):
    table = read_twins("ncbi-point", whole("ncbi-point"))
    counts = {reason: len(names) for reason, names in table.report.left_out.items()}
    assert table.report.records == 1397
    assert table.report.mutants == 1238
    assert counts.pop("another letter in the reference, though it stands at mutation_position") == 28
    assert counts == {"a stop": 86, "an insertion, deletion or frameshift": 45}
    assert sum(counts.values()) == 131


@pytest.mark.realdata
def test_mutants_of_mutadescribe_as_counted(whole):
    report = read_twins("mutadescribe", whole("mutadescribe")).report
    assert (report.records, report.mutants) == (1448, 963)
    assert {reason: len(names) for reason, names in report.left_out.items()} == {"no effect told": 485}
    assert 77 <= report.controls < 200, "77 effects begin with No"


@pytest.mark.realdata
def test_scans_of_proteingym_as_counted(whole):
    table = read_twins("dms", whole("dms"))
    assert (table.report.mutants, table.report.wild_types, table.report.left_out) == (358_080, 73, {})
    assert table.frame["assay"].n_unique() == 87 + 1, "and none, of wild types"
    known = set(templates()["dms"]["assays"])
    assert set(table.frame["assay"].drop_nulls()) == known
    counts = table.frame.drop_nulls("wild_type").group_by("wild_type").agg(pl.col("assay").n_unique())
    assert counts.filter(pl.col("assay") > 1).height == 10
    ends = table.frame.drop_nulls("label").group_by("assay").agg(pl.len(), pl.col("level").n_unique())
    assert ends.height == 87
    assert (ends["level"] == 2).all()


@pytest.mark.realdata
def test_natural_sets_as_counted(whole):
    terpenes = read_twins("terpene-synthases", whole("terpene-synthases"))
    assert (terpenes.report.records, terpenes.report.proteins) == (2211, 1168 - 11)
    facts = Counter(fact for label in terpenes.frame["label"] for fact in label.split("|"))
    assert len(facts) == 322 - 1, "unknown ones are none"
    domains = read_twins("adenylation-domains", whole("adenylation-domains"))
    assert domains.report.proteins == 3653
    assert len({fact for label in domains.frame["label"] for fact in label.split("|")}) == 278
    enzymes = read_twins("catpred", whole("catpred"))
    assert enzymes.report.proteins == 2809
