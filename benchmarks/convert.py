"""How fast UniProt's files are converted: MB of uncompressed text a second, on one core, in processor time.

    python benchmarks/convert.py [--megabytes 100] [--gold-twins]

Writes synthetic entries into a temporary folder in the four formats, the same entries in each, with about as many
references, cross-references, features and residues as Swiss-Prot's have (7 kB an entry in the flat file), converts
each file and prints its size, the time and the highest memory so far. Each format is also read compressed.
"""

import argparse
import gzip
import json
import resource
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap

import numpy as np

from protrek_hm.data.uniprot import convert

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
WORDS = """binds zinc catalyzes the transfer of a phosphate group from ATP to serine residues in proteins involved in
signal transduction and required for growth at low temperature interacts with membrane subunit complex regulates
transcription during development plays role DNA repair cell division essential early stages""".split()
TAG = "{ECO:0000269|PubMed:1234567, ECO:0000269|PubMed:7654321}"
SECTIONS = ("FUNCTION", "SUBUNIT", "INDUCTION", "PTM", "SIMILARITY")


def make_entry(number: int, rng: np.random.Generator) -> dict[str, object]:
    """Draw what the four writers write."""
    sequence = "".join(rng.choice(LETTERS, size=int(rng.lognormal(5.7, 0.6)) + 20))
    places = sorted(set(rng.integers(1, len(sequence), size=2).tolist()))
    sentence = " ".join(rng.choice(WORDS, size=18)).capitalize()
    return {
        "accession": f"A{number:07d}",
        "sequence": sequence,
        "texts": {section: f"{sentence} (PubMed:1234567). {sentence}" for section in SECTIONS},
        "mutations": [(place, sequence[place - 1], "A" if sequence[place - 1] != "A" else "G") for place in places],
    }


def as_flat(entry: dict) -> str:
    """Write the flat file's form."""
    sequence, accession = entry["sequence"], entry["accession"]
    lines = [
        f"ID   {accession}_BENCH        Reviewed;         {len(sequence)} AA.",
        f"AC   {accession};",
        "DT   01-JAN-2000, integrated into UniProtKB/Swiss-Prot.",
        f"DE   RecName: Full=Benchmark kinase {accession} {{ECO:0000303|PubMed:1234567}};",
        "DE            EC=2.7.11.1 {ECO:0000269|PubMed:1234567};",
        "DE   AltName: Full=Serine kinase of the benchmark;",
        f"GN   Name=bmk{accession[-4:]};",
        "OS   Escherichia coli (strain K12).",
        "OC   Bacteria; Pseudomonadota; Gammaproteobacteria; Enterobacterales;",
        "OX   NCBI_TaxID=83333;",
    ]
    for reference in range(4):
        lines += [
            f"RN   [{reference + 1}]",
            "RP   NUCLEOTIDE SEQUENCE [LARGE SCALE GENOMIC DNA], FUNCTION, AND MUTAGENESIS.",
            "RX   PubMed=1234567; DOI=10.1000/j.bench.2000.01.001;",
            "RA   Author A.B., Bench C.D., Mark E.F., Writer G.H., Reader I.J., Editor K.L.;",
            'RT   "A complete study of the benchmark kinase and its many functions in the";',
            "RL   J. Bench. 100:1234-5678(2000).",
        ]
    for section, text in entry["texts"].items():
        body = wrap(f"-!- {section}: {text}. {TAG}.", 72, subsequent_indent="    ", break_on_hyphens=False)
        lines += [f"CC   {line}" for line in body]
    lines += [
        "CC   -!- CATALYTIC ACTIVITY:",
        "CC       Reaction=ATP + L-seryl-[protein] = ADP + H(+) + O-phospho-L-seryl-",
        "CC         [protein]; Xref=Rhea:RHEA:17989, ChEBI:CHEBI:15378; EC=2.7.11.1;",
        "CC         Evidence={ECO:0000269|PubMed:1234567};",
        "CC   ---------------------------------------------------------------------------",
        "CC   Copyrighted by the UniProt Consortium, see https://www.uniprot.org/terms",
        "CC   Distributed under the Creative Commons Attribution (CC BY 4.0) License",
        "CC   ---------------------------------------------------------------------------",
    ]
    lines += [f"DR   Database{each}; {accession}.{each}; A name of the entry there; -." for each in range(30)]
    lines += [
        f"DR   AlphaFoldDB; {accession}; -.",
        "DR   GO; GO:0005737; C:cytoplasm; IEA:UniProtKB-SubCell.",
        "DR   GO; GO:0005524; F:ATP binding; IEA:UniProtKB-KW.",
        "PE   1: Evidence at protein level;",
    ]
    for each in range(10):
        lines += [
            f"FT   HELIX           {each + 1}..{each + 9}",
            'FT                   /evidence="ECO:0007829|PDB:1ABC"',
        ]
    for place, old, new in entry["mutations"]:
        lines += [
            f"FT   MUTAGEN         {place}",
            f'FT                   /note="{old}->{new}: Loss of kinase activity."',
            'FT                   /evidence="ECO:0000269|PubMed:1234567"',
        ]
    lines.append(f"SQ   SEQUENCE   {len(sequence)} AA;  10000 MW;  0123456789ABCDEF CRC64;")
    for start in range(0, len(sequence), 60):
        row = sequence[start : start + 60]
        lines.append("     " + " ".join(row[at : at + 10] for at in range(0, len(row), 10)))
    return "\n".join([*lines, "//", ""])


def as_xml(entry: dict) -> str:
    """Write the form of XML."""
    sequence, accession = entry["sequence"], entry["accession"]
    people = "".join(f'<person name="Author {each}.B."/>\n' for each in "ABCDEF")
    reference = (
        '<reference key="1">\n<citation type="journal article" date="2000" name="J. Bench." volume="100">\n'
        f"<title>A complete study of the benchmark kinase and its many functions.</title>\n<authorList>\n{people}"
        '</authorList>\n<dbReference type="PubMed" id="1234567"/>\n</citation>\n<scope>FUNCTION</scope>\n</reference>\n'
    )
    comments = "".join(
        f'<comment type="{section if section == "PTM" else section.lower()}">\n'
        f'<text evidence="1 2">{escape(text)}.</text>\n</comment>\n'
        for section, text in entry["texts"].items()
    )
    links = "".join(
        f'<dbReference type="Database{each}" id="{accession}.{each}">\n<property type="entry name" value="A name"/>\n'
        "</dbReference>\n"
        for each in range(30)
    )
    helices = "".join(
        f'<feature type="helix" evidence="3">\n<location>\n<begin position="{each + 1}"/>\n'
        f'<end position="{each + 9}"/>\n</location>\n</feature>\n'
        for each in range(10)
    )
    mutations = "".join(
        '<feature type="mutagenesis site" description="Loss of kinase activity." evidence="1">\n'
        f"<original>{old}</original>\n<variation>{new}</variation>\n"
        f'<location>\n<position position="{place}"/>\n</location>\n</feature>\n'
        for place, old, new in entry["mutations"]
    )
    return (
        '<entry dataset="Swiss-Prot" created="2000-01-01" modified="2026-01-01" version="99" '
        'xmlns="https://uniprot.org/uniprot">\n'
        f"<accession>{accession}</accession>\n<name>{accession}_BENCH</name>\n<protein>\n<recommendedName>\n"
        f'<fullName evidence="1">Benchmark kinase {accession}</fullName>\n<ecNumber>2.7.11.1</ecNumber>\n'
        "</recommendedName>\n<alternativeName>\n<fullName>Serine kinase of the benchmark</fullName>\n"
        "</alternativeName>\n</protein>\n"
        f'<gene>\n<name type="primary">bmk{accession[-4:]}</name>\n</gene>\n<organism>\n'
        '<name type="scientific">Escherichia coli (strain K12)</name>\n<dbReference type="NCBI Taxonomy" id="83333"/>\n'
        f"</organism>\n{reference * 4}{comments}"
        '<comment type="catalytic activity">\n<reaction evidence="1">\n<text>ATP + L-seryl-[protein] = ADP + H(+) + '
        'O-phospho-L-seryl-[protein]</text>\n<dbReference type="EC" id="2.7.11.1"/>\n</reaction>\n</comment>\n'
        f'{links}<dbReference type="AlphaFoldDB" id="{accession}"/>\n'
        '<dbReference type="GO" id="GO:0005737">\n<property type="term" value="C:cytoplasm"/>\n</dbReference>\n'
        '<dbReference type="GO" id="GO:0005524">\n<property type="term" value="F:ATP binding"/>\n</dbReference>\n'
        f'<proteinExistence type="evidence at protein level"/>\n{helices}{mutations}'
        '<evidence type="ECO:0000269" key="1">\n<source>\n<dbReference type="PubMed" id="1234567"/>\n</source>\n'
        f'</evidence>\n<sequence length="{len(sequence)}" mass="10000" checksum="0123456789ABCDEF" version="1">'
        f"{sequence}</sequence>\n</entry>\n"
    )


def as_json(entry: dict) -> str:
    """Write the form of the REST service, with everything that it gives when no fields are chosen."""
    sequence, accession = entry["sequence"], entry["accession"]
    known = [{"evidenceCode": "ECO:0000269", "source": "PubMed", "id": "1234567"}]
    comments = [
        {"texts": [{"evidences": known, "value": text}], "commentType": section}
        for section, text in entry["texts"].items()
    ]
    reaction = {
        "name": "ATP + L-seryl-[protein] = ADP + H(+) + O-phospho-L-seryl-[protein]",
        "ecNumber": "2.7.11.1",
        "evidences": known,
    }
    features = [
        {
            "type": "Mutagenesis",
            "location": {"start": {"value": place, "modifier": "EXACT"}, "end": {"value": place, "modifier": "EXACT"}},
            "description": "Loss of kinase activity.",
            "evidences": known,
            "alternativeSequence": {"originalSequence": old, "alternativeSequences": [new]},
        }
        for place, old, new in entry["mutations"]
    ]
    helix = {"start": {"value": 1, "modifier": "EXACT"}, "end": {"value": 9, "modifier": "EXACT"}}
    features += [{"type": "Helix", "location": helix, "evidences": known} for _ in range(10)]
    links = [
        {"database": f"Database{each}", "id": f"{accession}.{each}", "properties": [{"key": "Name", "value": "A name"}]}
        for each in range(30)
    ]
    links.append({"database": "AlphaFoldDB", "id": accession})
    for term, name in (("GO:0005737", "C:cytoplasm"), ("GO:0005524", "F:ATP binding")):
        links.append({"database": "GO", "id": term, "properties": [{"key": "GoTerm", "value": name}]})
    return json.dumps(
        {
            "entryType": "UniProtKB reviewed (Swiss-Prot)",
            "primaryAccession": accession,
            "uniProtkbId": f"{accession}_BENCH",
            "organism": {"scientificName": "Escherichia coli (strain K12)", "taxonId": 83333},
            "proteinDescription": {
                "recommendedName": {
                    "fullName": {"value": f"Benchmark kinase {accession}"},
                    "ecNumbers": [{"value": "2.7.11.1"}],
                },
                "alternativeNames": [{"fullName": {"value": "Serine kinase of the benchmark"}}],
            },
            "genes": [{"geneName": {"value": f"bmk{accession[-4:]}"}}],
            "comments": [*comments, {"commentType": "CATALYTIC ACTIVITY", "reaction": reaction}],
            "features": features,
            "uniProtKBCrossReferences": links,
            "references": [
                {"citation": {"title": "A study of the kinase", "authors": [f"Author {each}.B." for each in "ABCDEF"]}}
            ]
            * 4,
            "sequence": {"value": sequence, "length": len(sequence), "molWeight": 10000},
        },
        separators=(",", ":"),
    )


def as_tsv(entry: dict) -> str:
    """Write a line of a table with all columns that are read."""
    features = "; ".join(
        f'MUTAGEN {place}; /note="{old}->{new}: Loss of kinase activity."; /evidence="ECO:0000269|PubMed:1234567"'
        for place, old, new in entry["mutations"]
    )
    accession = entry["accession"]
    cells = [accession, "reviewed", f"{accession}_BENCH"]
    cells.append(f"Benchmark kinase {accession} (EC 2.7.11.1) (Serine kinase of the benchmark)")
    cells += [f"bmk{accession[-4:]}", "Escherichia coli (strain K12)", "83333", str(len(entry["sequence"]))]
    cells += [entry["sequence"], "2.7.11.1", "ATP binding [GO:0005524]", "cytoplasm [GO:0005737]", f"{accession};"]
    cells += [f"{section}: {text}. {TAG}." for section, text in entry["texts"].items()]
    cells.append(
        "CATALYTIC ACTIVITY: Reaction=ATP + L-seryl-[protein] = ADP + H(+) + O-phospho-L-seryl-[protein]; EC=2.7.11.1;"
    )
    return "\t".join([*cells, features]) + "\n"


HEADER = "\t".join(
    [
        *("Entry", "Reviewed", "Entry Name", "Protein names", "Gene Names", "Organism", "Organism (ID)", "Length"),
        *("Sequence", "EC number", "Gene Ontology (molecular function)", "Gene Ontology (cellular component)"),
        *("AlphaFoldDB", "Function [CC]", "Subunit structure", "Induction", "Post-translational modification"),
        *("Sequence similarities", "Catalytic activity", "Mutagenesis"),
    ]
)
Writer = Callable[[dict], str]
FORMATS: dict[str, tuple[str, Writer, str, str]] = {
    "dat": ("", as_flat, "", ""),
    "xml": ('<?xml version="1.0"?>\n<uniprot xmlns="https://uniprot.org/uniprot">\n', as_xml, "", "</uniprot>\n"),
    "json": ('{"results":[', as_json, ",", "]}"),
    "tsv": (HEADER + "\n", as_tsv, "", ""),
}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100, help="size of the flat file")
    parser.add_argument("--gold-twins", action="store_true", help="also make the gold twins")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    entries, size = [], 0
    while size < 1_000_000:
        entries.append(make_entry(len(entries), rng))
        size += len(as_flat(entries[-1]))
    repeats = max(1, arguments.megabytes * 1_000_000 // size)
    say(f"{len(entries) * repeats:,} entries, {size / len(entries):,.0f} bytes each in the flat file")
    say("format      size (MB)   CPU (s)   MB/s   entries/s   memory so far (GB)")
    with TemporaryDirectory() as folder:
        for kind, (start, write, between, end) in FORMATS.items():
            plain = Path(folder) / f"a.{kind}"
            packed = plain.with_suffix(f".{kind}.gz")
            texts = [write(entry) for entry in entries]
            with plain.open("w") as one, gzip.open(packed, "wt", compresslevel=1) as other:
                for number in range(repeats):
                    # another accession in each copy, of the same length: the entries differ in nothing else
                    mark = f"{chr(66 + number % 20)}{number // 20:02d}A0"
                    copy = between.join(texts).replace("A0", mark)
                    for file in (one, other):
                        file.write((between if number else start) + copy + (end if number == repeats - 1 else ""))
            for file in (plain, packed):
                twins = Path(folder) / "twins.parquet" if arguments.gold_twins else None
                begun = time.process_time()
                report = convert([file], Path(folder) / "a.parquet", gold_twins_path=twins, force=True)
                seconds = time.process_time() - begun
                megabytes = plain.stat().st_size / 1e6
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
                say(
                    f"{file.suffixes[0] + (file.suffix if file is packed else ''):8} {megabytes:11,.0f} {seconds:9.1f}"
                    f" {megabytes / seconds:6.0f} {report.proteins / seconds:11,.0f} {memory:18.2f}"
                )
            plain.unlink()
            packed.unlink()


def say(*words: object) -> None:
    """Print at once."""
    print(*words, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
