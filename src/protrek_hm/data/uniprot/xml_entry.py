"""Entries of UniProt's XML, one ``<entry>`` at a time, so that memory holds one and errors have a line."""

import re
from collections.abc import Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from protrek_hm.data.uniprot.entry import (
    SECTIONS,
    BrokenRecordError,
    Entry,
    Feature,
    Names,
    check_entry,
    is_gone,
    section_of,
)
from protrek_hm.data.uniprot.texts import (
    cofactor_text,
    describe,
    disease_text,
    location_text,
    of_molecule,
    sentences,
    tree_evidence,
)

_FEATURES = {"mutagenesis site": "MUTAGEN", "sequence variant": "VARIANT"}
_NAMESPACE = re.compile(r"""^(<entry[^>]*?)\sxmlns=(?:"[^"]*"|'[^']*')""")
_IN_ORGANISM = {"scientific": "{}", "common": "({})", "synonym": "({})"}
_PLACE_PARTS = ("location", "topology", "orientation")
_CAPITAL = re.compile(r"^(?!Golgi|Cajal)[A-Z](?=[a-z])")  # names and letters, as in "Z line", stay
_REVIEWED = {"Swiss-Prot": True, "TrEMBL": False}
_EVIDENCE = re.compile(r"<evidence\s[^>]*>")
_ATTRIBUTE = re.compile(r"""\b(key|type)\s*=\s*["']([^"']*)["']""")
_GENE_KINDS = ("primary", "ordered locus", "ORF")


def parse_xml(record: str, *, features: bool = True) -> Entry | None:
    """Parse the text of one ``<entry>``; features only if asked for. Entries that were deleted or merged give None.

    Raises
    ------
    BrokenRecordError
        If it is not well-formed, or lacks its accession or sequence.
    """
    keys = [dict(_ATTRIBUTE.findall(tag)) for tag in _EVIDENCE.findall(record)]
    codes = {each.get("key", ""): each.get("type", "") for each in keys}
    record = _without(_without(record, "<reference ", "</reference>"), "<evidence ", "<sequence ")
    try:
        return _read(ElementTree.fromstring(_NAMESPACE.sub(r"\1", record, count=1)), codes, features=features)
    except ElementTree.ParseError as error:
        raise BrokenRecordError(f"not well-formed XML ({error.msg.split(':')[0]})") from None
    except BrokenRecordError:
        raise
    except ValueError as error:
        raise BrokenRecordError(f"no number where one belongs ({error})") from None


def _read(root: Element, codes: Mapping[str, str], *, features: bool) -> Entry | None:
    sequence = root.find("sequence")
    names = _names(root.find("protein"))
    if is_gone((sequence.text or "") if sequence is not None else "", names.name):
        return None
    if sequence is None or not sequence.text:
        raise BrokenRecordError("no <sequence>")
    organism = root.find("organism")
    entry = Entry(
        accession=root.findtext("accession") or "",
        entry_name=root.findtext("name") or "",
        reviewed=_REVIEWED.get(root.get("dataset", "")),
        names=names,
        organism=_organism(organism),
        taxon=_taxon(organism),
        sequence="".join(sequence.text.split()),
        gene=_gene(root.find("gene")),
    )
    entry.names.fragment = sequence.get("fragment") is not None
    for child in root:
        if child.tag == "comment":
            _add_comment(child, entry, codes)
        elif child.tag == "dbReference":
            _add_reference(child, entry)
        elif features and child.tag == "feature" and child.get("type") in _FEATURES:
            entry.features.append(_feature(child))
    length = sequence.get("length")
    return check_entry(entry, int(length) if length else None)


def _without(record: str, start: str, end: str) -> str:
    """Cut from the first `start` to the last `end`; the end stays where it is the start of what follows."""
    first, last = record.find(start), record.rfind(end)
    if first < 0 or last < first:
        return record
    return record[:first] + record[last + len(end) * end.startswith("</") :]


def _names(protein: Element | None) -> Names:
    names = Names()
    for child in protein if protein is not None else ():
        if child.tag in ("domain", "component"):
            parts = names.domains if child.tag == "domain" else names.components
            parts.append(child.findtext("*/fullName") or "")
            names.ec += [each.text or "" for each in child.iterfind("*/ecNumber")]
            continue
        for each in child if len(child) else (child,):  # an allergen's name is the element itself
            if each.tag == "ecNumber":
                names.ec.append(each.text or "")
            elif names.name:
                names.alternatives.append(each.text or "")
            else:
                names.name = each.text or ""
    return names


def _organism(organism: Element | None) -> str:
    names = organism.iterfind("name") if organism is not None else ()
    return " ".join(
        _IN_ORGANISM[kind].format(name.text) for name in names if (kind := name.get("type")) in _IN_ORGANISM
    )


def _taxon(organism: Element | None) -> int | None:
    link = organism.find("dbReference[@type='NCBI Taxonomy']") if organism is not None else None
    return int(link.get("id", "")) if link is not None else None


def _gene(gene: Element | None) -> str | None:
    if gene is None:
        return None
    return next((name.text for kind in _GENE_KINDS for name in gene if name.get("type") == kind), None)


def _add_comment(comment: Element, entry: Entry, codes: Mapping[str, str]) -> None:
    section = section_of(comment.get("type", ""))
    if section not in SECTIONS:
        return
    texts = [each.text or "" for each in comment.iterfind("text")]
    if section == "catalytic_activity" and comment.find("reaction") is not None:
        words = sentences([comment.findtext("reaction/text") or ""])
    elif section == "cofactor" and comment.find("cofactor") is not None:
        words = cofactor_text([each.text or "" for each in comment.iterfind("cofactor/name")], texts)
    elif section == "subcellular_location":
        places = comment.iterfind("subcellularLocation")
        words = location_text(([_place(place, part) for part in _PLACE_PARTS] for place in places), texts)
    elif section == "disease" and (disease := comment.find("disease")) is not None:
        name, acronym, description = (disease.findtext(key) for key in ("name", "acronym", "description"))
        words = disease_text(name, acronym, description, texts)
    else:
        words = sentences(texts)
    words = of_molecule(comment.findtext("molecule"), words)
    keys = [key for each in comment.iter() for key in each.get("evidence", "").split()]
    untagged = [each.text or "" for each in comment.iterfind("text") if not each.get("evidence")]
    entry.say(section, words, tree_evidence(section, {codes[key] for key in keys if key in codes}, untagged))


def _place(place: Element, part: str) -> str:
    """Join the steps of a place ("Cytoplasm", "Cytosol") as the other formats do ("Cytoplasm, cytosol")."""
    first, *others = [each.text or "" for each in place.iterfind(part)] or [""]
    lowered = (_CAPITAL.sub(lambda match: match[0].lower(), other) for other in others)
    return ", ".join([first, *lowered])


def _add_reference(reference: Element, entry: Entry) -> None:
    database = reference.get("type")
    if database == "GO":
        term = reference.find("property[@type='term']")
        entry.go.append((reference.get("id", ""), term.get("value", "") if term is not None else ""))
    elif database == "AlphaFoldDB" and entry.alphafold is None:
        entry.alphafold = reference.get("id")


def _feature(feature: Element) -> Feature:
    kind = _FEATURES[feature.get("type", "")]
    location = feature.find("location")
    start = end = 0
    if location is not None:
        ends = [location.find(tag) for tag in ("begin", "end")]
        start, end = (_position(each if each is not None else location.find("position")) for each in ends)
    return Feature(
        kind=kind,
        start=start,
        end=end,
        original=feature.findtext("original") or "",
        replacements=tuple(each.text or "" for each in feature.iterfind("variation")),
        description=describe(kind, feature.get("description", "")),
        isoform=location.get("sequence") if location is not None else None,
    )


def _position(place: Element | None) -> int:
    exact = place is not None and place.get("status", "certain") == "certain"
    return int(place.get("position", "0")) if exact and place is not None else 0
