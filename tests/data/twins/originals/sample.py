"""Take the samples in this folder from the originals: python sample.py FOLDER_OF_ORIGINALS."""

import csv
import gzip
import io
import re
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
ROWS = 20
ASSAYS = (
    *("IF1_ECOLI_Kelsic_2016", "CCDB_ECOLI_Tripathi_2016", "GFP_AEQVI_Sarkisyan_2016"),
    *("VKOR1_HUMAN_Chiasson_abundance_2020", "VKOR1_HUMAN_Chiasson_activity_2020"),
)


def lines_of(path):
    """The lines of a gzipped text, their ends kept."""
    return gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)


def records_of(text):
    """The records of a CSV file, whose cells may hold line breaks, each as its text."""
    records = []
    for row in csv.reader(io.StringIO(text, newline="")):
        record = io.StringIO(newline="")
        csv.writer(record, lineterminator="\n").writerow(row)
        records.append(record.getvalue())
    return records


def shortest(lines, wanted, *, by=len):
    """The header and the shortest lines that each pattern finds, then the shortest of all, `ROWS` in their order."""
    header, *rows = lines
    ordered = sorted(range(len(rows)), key=lambda number: (by(rows[number]), number))
    chosen = []
    for pattern, count in wanted.items():
        fitting = (number for number in ordered if number not in chosen and re.search(pattern, rows[number]))
        chosen += [number for number, _ in zip(fitting, range(count), strict=False)]
    chosen += [number for number in ordered if number not in chosen][: ROWS - len(chosen)]
    return [header, *(rows[number] for number in sorted(chosen))]


def write(name, lines):
    """Write a sample under the original's name."""
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8", newline="")


def point(folder):
    """Twenty resistance mutations of nine proteins, among them a stop, indels, and one that does not fit."""
    header, *rows = lines_of(folder / "AMRProt-mutation.tsv.gz")
    symbols = ("soxS_A12S", "marR_", "gyrA_S83I\tgyrA_S83I", "rpsL_", "rplV_", "rpoB_A473AA", "acrR_R45C", "pmrA_E8D")
    counts = (1, 3, 3, 3, 3, 1, 1, 1)
    chosen = []
    for symbol, count in zip(symbols, counts, strict=True):
        chosen += [number for number, row in enumerate(rows) if f"\t{symbol}" in row][:count]
    chosen += [number for number, row in enumerate(rows) if "WP_033785346.1\t" in row and number not in chosen][:2]
    chosen += [number for number, row in enumerate(rows) if "marR_" in row and number not in chosen]
    rows = [rows[number] for number in sorted(chosen[:ROWS])]
    write("ncbi_point/AMRProt-mutation.tsv", [header, *rows])
    accessions = {row.split("\t")[1] for row in rows}
    records = re.split(r"(?m)^(?=>)", "".join(lines_of(folder / "AMRProt_mutation.fa.gz")))
    write("ncbi_point/AMRProt_mutation.fa", [each for each in records if each and each.split("|")[1] in accessions])


def scans(path):
    """The first mutants of each assay, and its FASTA."""
    with tarfile.open(path) as archive:
        for assay in ASSAYS:
            rows = archive.extractfile(f"mutant/{assay}.csv").read().decode().splitlines(keepends=True)
            every = (len(rows) - 1) // ROWS
            write(f"proteingym_singles/mutant/{assay}.csv", [rows[0], *rows[1::every][:ROWS]])
            fasta = archive.extractfile(f"fasta/{assay}.fasta").read().decode()
            write(f"proteingym_singles/fasta/{assay}.fasta", [fasta])


def main(folder):
    """Write all samples."""
    point(folder / "ncbi_point")
    wanted = {r"\t\r?\n$": 4, r"\tNo effect": 3, r"\tIn ": 3, r"\tDoes not": 1, r"\tAbolishes": 2}
    write("mutadescribe/mutants.tsv", shortest(lines_of(folder / "mutadescribe" / "mutants.tsv.gz"), wanted))
    scans(folder / "proteingym_singles" / "assays.tar.gz")
    name = "TPS-Nov19_2023_verified_all_reactions.csv"
    lines = records_of("".join(lines_of(folder / "terpene_synthases" / f"{name}.gz")))
    wanted = {"Unknown,Unknown": 1, "^Q9UWR6,": 3, "pinene": 4}
    write(f"terpene_synthases/{name}", shortest(lines, wanted))
    lines = lines_of(folder / "adenylation_domains" / "parasect_dataset.txt.gz")
    write("adenylation_domains/parasect_dataset.txt", shortest(lines, {r"\t[^\t]*\|[^\t]*$": 4}))
    lines = lines_of(folder / "catpred" / "kcat-random_test.csv.gz")
    write("catpred/kcat-random_test.csv", shortest(lines, {r",\d\.\d+\.\d+\.-,": 2}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
