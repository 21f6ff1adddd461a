"""Entries of UniProt's JSON, as its REST service and its website give them."""

from collections.abc import Iterable
from typing import Any

from protrek_hm.data.uniprot.entry import SECTIONS, BrokenRecordError, Entry, Feature, Names, check_entry, section_of
from protrek_hm.data.uniprot.texts import (
    cofactor_text,
    describe,
    disease_text,
    location_text,
    of_molecule,
    sentences,
    tree_evidence,
)

_FEATURES = {"Mutagenesis": "MUTAGEN", "Natural variant": "VARIANT"}
_REVIEWED = {"Swiss-Prot": True, "TrEMBL": False}
_OTHER_NAMES = ("cdAntigenNames", "innNames")
Tree = dict[str, Any]


def parse_json(tree: Tree, *, features: bool = True) -> Entry | None:
    """Read an entry from its tree; features only if asked for. Entries that were deleted or merged give None.

    Raises
    ------
    BrokenRecordError
        If something is missing that each entry has, or is not where it should be.
    """
    if tree.get("entryType") == "Inactive" or "inactiveReason" in tree:
        return None
    try:
        organism = tree.get("organism") or {}
        entry = Entry(
            accession=tree["primaryAccession"],
            entry_name=tree.get("uniProtkbId", ""),
            reviewed=next((told for name, told in _REVIEWED.items() if name in tree.get("entryType", "")), None),
            names=_names(tree.get("proteinDescription") or {}),
            organism=_organism(organism),
            taxon=organism.get("taxonId"),
            sequence=tree["sequence"]["value"],
            gene=_gene(tree.get("genes") or []),
        )
        for reference in tree.get("uniProtKBCrossReferences") or ():
            _add_reference(reference, entry)
        for comment in tree.get("comments") or ():
            _add_comment(comment, entry)
        if features:
            found = (feature for feature in tree.get("features") or () if feature["type"] in _FEATURES)
            entry.features = [_feature(feature) for feature in found]
        return check_entry(entry, tree["sequence"].get("length"))
    except KeyError as error:
        raise BrokenRecordError(f"no {error.args[0]!r} where each entry has one") from None
    except (TypeError, AttributeError):
        raise BrokenRecordError("not laid out as UniProt's entries are") from None


def _values(names: Iterable[Tree] | None) -> list[str]:
    return [name["value"] for name in names or ()]


def _names(description: Tree) -> Names:
    names = Names(fragment="Fragment" in description.get("flag", ""))
    recommended = description.get("recommendedName")
    every = [recommended] if recommended else []
    every += [*description.get("alternativeNames", ()), *description.get("submissionNames", ())]
    called = []
    for each in every:
        called += [each["fullName"]["value"]] if "fullName" in each else []
        called += _values(each.get("shortNames"))
        names.ec += _values(each.get("ecNumbers"))
    for key in ("allergenName", "biotechName"):
        called += _values([description[key]] if key in description else None)
    for key in _OTHER_NAMES:
        called += _values(description.get(key))
    names.name, names.alternatives = (called[0], called[1:]) if called else ("", [])
    for key, parts in (("includes", names.domains), ("contains", names.components)):
        for part in description.get(key, ()):
            name = part.get("recommendedName") or {}
            parts.append(name.get("fullName", {}).get("value", ""))
            for each in (name, *part.get("alternativeNames", ())):
                names.ec += _values(each.get("ecNumbers"))
    return names


def _organism(organism: Tree) -> str:
    others = [organism.get("commonName"), *organism.get("synonyms", ())]
    return " ".join([organism.get("scientificName", ""), *(f"({name})" for name in others if name)])


def _gene(genes: list[Tree]) -> str | None:
    if not genes:
        return None
    first = genes[0]
    names = [first["geneName"]] if "geneName" in first else []
    names += [*first.get("orderedLocusNames", ()), *first.get("orfNames", ())]
    return names[0]["value"] if names else None


def _add_reference(reference: Tree, entry: Entry) -> None:
    if reference["database"] == "GO":
        properties = reference.get("properties", ())
        term = next((each["value"] for each in properties if each["key"] == "GoTerm"), "")
        entry.go.append((reference["id"], term))
    elif reference["database"] == "AlphaFoldDB" and entry.alphafold is None:
        entry.alphafold = reference["id"]


def _add_comment(comment: Tree, entry: Entry) -> None:
    section = section_of(comment["commentType"])
    if section not in SECTIONS:
        return
    notes = _values((comment.get("note") or {}).get("texts"))
    if section == "catalytic_activity" and "reaction" in comment:
        words = sentences([comment["reaction"]["name"]])
    elif section == "cofactor" and ("cofactors" in comment or notes):
        words = cofactor_text([each["name"] for each in comment.get("cofactors", ())], notes)
    elif section == "subcellular_location":
        places = comment.get("subcellularLocations", ())
        parts = ("location", "topology", "orientation")
        words = location_text(([(place.get(part) or {}).get("value") for part in parts] for place in places), notes)
    elif section == "disease":
        disease = comment.get("disease") or {}
        name, acronym, description = (disease.get(key) for key in ("diseaseId", "acronym", "description"))
        words = disease_text(name, acronym, description, notes)
    else:
        words = sentences(_values(comment.get("texts")))
    words = of_molecule(comment.get("molecule"), words)
    texts = [*comment.get("texts", ()), *(comment.get("note") or {}).get("texts", ())]
    untagged = [each["value"] for each in texts if not each.get("evidences")]
    entry.say(section, words, tree_evidence(section, _codes(comment), untagged))


def _codes(tree: Any) -> set[str]:
    """Return the evidence codes anywhere in a tree."""
    if isinstance(tree, list):
        return set[str]().union(*map(_codes, tree))
    if not isinstance(tree, dict):
        return set()
    return _codes(list(tree.values())) | ({tree["evidenceCode"]} if "evidenceCode" in tree else set())


def _feature(feature: Tree) -> Feature:
    kind = _FEATURES[feature["type"]]
    location = feature["location"]
    change = feature.get("alternativeSequence") or {}
    return Feature(
        kind=kind,
        start=_position(location["start"]),
        end=_position(location["end"]),
        original=change.get("originalSequence", ""),
        replacements=tuple(change.get("alternativeSequences", ())),
        description=describe(kind, feature.get("description", "")),
        isoform=location.get("sequence"),
    )


def _position(place: Tree) -> int:
    return 0 + place["value"] if place.get("modifier", "EXACT") == "EXACT" else 0
