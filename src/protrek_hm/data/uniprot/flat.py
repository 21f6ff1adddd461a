"""Entries of the flat file (.dat, .txt): lines with a code of two letters; the format of Swiss-Prot since 1986.

Only the lines that are needed are looked at, found by their codes, which keep UniProt's order: references, most
cross-references and most features are never taken apart. That makes the difference between 5 and 50 MB/s.
"""

import re

from protrek_hm.data.uniprot.entry import SECTIONS, BrokenRecordError, Entry, Names, check_entry, is_gone, section_of
from protrek_hm.data.uniprot.texts import OLD_TAIL, bare, flat_comment, flat_evidence, make_feature, parse_names

_ID = re.compile(r"ID   (\S+)\s+(\w+);(?:\s+PRT;)?\s+(\d+) AA\.?")
_DE = re.compile(r"DE   ( *)(?:(RecName|AltName|SubName): )?(?:(\w+)=)?([^\n]*)")
_GENE = re.compile(r"\b(Name|OrderedLocusNames|ORFNames)=([^;,{]+)")
_TAXON = re.compile(r"NCBI_TaxID=(\d+)")
_GO = re.compile(r"\nDR   GO; (GO:\d+); ([CFP]:[^;\n]+);")
_ALPHAFOLD = re.compile(r"\nDR   AlphaFoldDB; ([^;\n]+);")
_TOPIC = re.compile(r"([A-Z][A-Z ]+):\s*")
_HYPHEN_BREAK = re.compile(r"-(?<=[^\s-]-)\n(?:CC|FT) {7,}(?!and |or |to )")
_FEATURE = re.compile(r"\nFT   (MUTAGEN|VARIANT) +(\S+)(?: +(\d+) +(?=\S))?([^\n]*(?:\nFT    [^\n]*)*)")
_NOTE = re.compile(r'/note="((?:[^"]|"")*)"')
_REVIEWED = {"Reviewed": True, "STANDARD": True, "Unreviewed": False, "PRELIMINARY": False}
_NO_SPACE = str.maketrans("", "", " \n")


def parse_flat(record: str, *, features: bool = True) -> Entry | None:
    """Parse an entry of the flat file, with or without the line ``//`` at its end; features only if asked for.

    Entries that were deleted or merged give None.

    Raises
    ------
    BrokenRecordError
        If lines are missing, or the sequence has not the length that the ID line says.
    """
    head = _ID.match(record)
    if head is None:
        raise BrokenRecordError("its first line is no ID line")
    if "\nID   " in record:
        raise BrokenRecordError("another ID line stands in it: the line // is missing between two records")
    sequence_at = record.find("\nSQ   ")
    if sequence_at < 0:
        raise BrokenRecordError("no SQ line")
    after = record.find("\n", sequence_at + 1)
    entry = Entry(
        accession=_between(record, "\nAC   ", ";").strip(),
        entry_name=head[1],
        reviewed=_REVIEWED.get(head[2]),
        names=_names(record),
        organism=bare(_lines(record, "OS").removesuffix(".")),
        taxon=int(taxon[1]) if (taxon := _TAXON.search(record)) else None,
        sequence=record[after:].removesuffix("//").translate(_NO_SPACE) if after > 0 else "",
        gene=_gene(record),
        go=_GO.findall(record),
        alphafold=link[1] if (link := _ALPHAFOLD.search(record)) else None,
    )
    if is_gone(entry.sequence, entry.names.name):
        return None
    _add_comments(record, entry)
    if features and ("\nFT   MUTAGEN " in record or "\nFT   VARIANT " in record):
        _add_features(record, entry)
    return check_entry(entry, int(head[3]))


def _between(record: str, start: str, end: str) -> str:
    at = record.find(start)
    return record[at + len(start) : record.find(end, at)] if at >= 0 else ""


def _lines(record: str, code: str) -> str:
    """Join the lines with this code, which stand together."""
    start = record.find(f"\n{code}   ")
    if start < 0:
        return ""
    end = record.find("\n", record.rfind(f"\n{code}   ") + 1)
    return record[start + 6 : end].replace(f"\n{code}   ", " ")


def _names(record: str) -> Names:
    start = record.find("\nDE   ")
    if start < 0:
        return Names()
    end = record.find("\n", record.rfind("\nDE   ") + 1)
    block = record[start + 1 : end]
    if "Name: " not in block:  # before 2008: all names in one text
        return parse_names(_lines(record, "DE").removesuffix("."))
    names, part = Names(), None
    for indent, _, key, value in _DE.findall(block):
        if value in ("Includes:", "Contains:"):
            part = names.domains if value == "Includes:" else names.components
            part.append("")
        elif value.startswith("Flags:"):
            names.fragment = "Fragment" in value
        elif key == "EC":
            names.ec.append(bare(value.removesuffix(";")))
        elif key:
            name = bare(value.removesuffix(";"))
            if part is not None and indent:
                part[-1] = part[-1] or name
            elif names.name:
                names.alternatives.append(name)
            else:
                names.name = name
    return names


def _gene(record: str) -> str | None:
    lines = _lines(record, "GN")
    if not lines:
        return None
    if "=" not in lines:  # before 2004: "A OR B", "(A OR B) AND C"
        return lines.strip(" (.").split(" ")[0].strip("().") or None
    found = dict(reversed(_GENE.findall(lines.split(" and ")[0])))
    return next((found[kind].strip() for kind in ("Name", "OrderedLocusNames", "ORFNames") if kind in found), None)


def _add_comments(record: str, entry: Entry) -> None:
    start = record.find("\nCC   -!- ")
    if start < 0:
        return
    end = record.find("\n", record.rfind("\nCC   ") + 1)
    stop = record.find("\nCC   ---", start)  # the copyright
    for comment in record[start + 10 : stop if stop > 0 else end].split("\nCC   -!- "):
        topic = _TOPIC.match(comment)
        section = section_of(topic[1]) if topic else ""
        if topic and section in SECTIONS:
            body = _joined(comment[topic.end() :])
            entry.say(section, flat_comment(section, body), flat_evidence(section, body))


def _joined(text: str) -> str:
    """Join broken lines; a line that ends in a hyphen was broken behind it, unless "and", "or" or "to" follows."""
    if "-\n" in text:
        text = _HYPHEN_BREAK.sub("-", text)
    return " ".join(text.replace("\nCC  ", " ").replace("\nFT  ", " ").split())


def _add_features(record: str, entry: Entry) -> None:
    for kind, first, old_end, rest in _FEATURE.findall(record):
        text = _joined(rest)
        if old_end:  # before 2019: two numbers, then the note
            position, note = f"{first}..{old_end}", OLD_TAIL.sub("", text.strip())
        else:
            noted = _NOTE.search(text)
            position, note = first, noted[1].replace('""', '"') if noted else ""
        feature = make_feature(kind, position, note)
        if feature:
            entry.features.append(feature)
        entry.unread += feature is None
