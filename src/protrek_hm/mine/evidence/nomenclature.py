"""The nomenclature of biology: which words name a gene, and which say what a protein works on or does.

Chemistry and enzymology name things by endings (kin*ase*, gluc*ose*, carba*penem*), so a few endings and
short lists tell which words are names, and which fill a slot of function. The lists were written for this project
from general knowledge of the fields' nomenclature.
"""

import re
from functools import lru_cache

_FORMULAS = frozenset(
    "ATP ADP AMP GTP GDP GMP CTP UTP UDP NAD NADH NADP NADPH FAD FADH FMN CoA SAM DNA RNA mRNA tRNA rRNA "
    "cAMP cGMP CO2 O2 H2O2 NO PLP Ca2 Na K Mg2 Zn2 Fe2 Fe3 Cu2 Mn2 GABA NMDA AMPA".split()
)
_SUBSTANCES = frozenset(
    "zinc copper iron nickel cobalt manganese mercury silver cadmium arsenic heme biotin water oxygen "
    "ammonia urea glucose starch cellulose chitin lignin pectin heparin insulin glucagon "
    "collagen elastin".split()
)
_ROLES = frozenset(
    "activator repressor inhibitor transporter permease channel receptor hormone cytokine chemokine toxin "
    "antitoxin chaperone symporter antiporter uniporter porin exporter importer agonist antagonist "
    "hemolysin efflux uptake import export".split()
)
_NO_ENZYME = re.compile(r"^(?:ph|b|datab|rele|incr?e|decre|dise|c|ph?r|ch|le|er|cre|gre|ple|e|purch)ases?$")
_ENZYME = re.compile(r"^[a-z]{3,}ases?$")
_NO_SUBSTANCE = re.compile(
    r"^(?:determine|machine|line|combine|examine|routine|define|murine|intestine|spine|online|baseline|decline"
    r"|control|protocol|symbol|side|wide|inside|outside|provide|divide|guide|widespread|coincide|decide|reside"
    r"|proteins?|domains?|within|contain|obtain|maintain|chains?|certain|origin|begin|remain|retain|explain|strains?"
    r"|sustain|margin|bone|alone|zone|clone|done|none|cone|hormone|stone|gene|membrane|scene|plane|hygiene|medium"
    r"|equilibrium|bacterium|endothelium|epithelium|purpose|those|whose|close|loose|dose|nose|expose|compose|propose"
    r"|suppose|choose|impose|oppose|diagnose|transpose|peptides?|nucleotides?|nucleosides?|cytokines?|chemokines?"
    r"|amides?|amines?|polypeptides?|plasmids?)$"
)
_SUBSTANCE = re.compile(
    r"^[a-z]{2,}(?:ose|ine|ium|ide|one|ol|ene|ane|mycin|micin|cillin|sporin|floxacin|oxacin|penem|bactam|trexate"
    r"|phenicol|prim)s?$"
    r"|^[a-z]{3,}[^a]ins?$"
    r"|^[a-z]*(?:phosph|sulf|nitr|acet|carbon|glutam|aspart|pyruv|lact|citr|fumar|succin|mal|oxal|form|fol|glycol"
    r"|benzo|cyan|chlor|arsen|selen|molybd|palmit|stear|tartr|gluconate|ascorb|shikim|chorism)ates?$"
)
_COMPOUND = re.compile(
    r"^([A-Za-z]{4,})-(hydroly[sz]ing|spectrum|binding|specific|dependent|resistant|sensitive|selective|forming"
    r"|transporting|degrading|converting|metaboli[sz]ing|gated|activated|inducible|type)$"
)
_SUFFIXES = (
    "ations", "ation", "izing", "izes", "ized", "ize", "ysis", "yzing", "yzes", "yze", "ases", "ase",
    "ings", "ing", "ions", "ion", "ors", "or", "ers", "er", "ates", "ated", "ate",
    "ies", "es", "ed", "s", "y", "e",
)  # fmt: skip


@lru_cache(maxsize=200_000)
def is_name(word: str) -> bool:
    """Tell whether `word` looks like the name of a gene, an allele or a family: a digit, or two capitals.

    Well-known cofactors and small molecules are not names.

    Examples
    --------
    >>> words = ["TEM-1", "OXA-51", "AadA", "NADPH", "Carbapenem-hydrolyzing", "6'-N-acetyl"]
    >>> [word for word in words if is_name(word)]
    ['TEM-1', 'OXA-51', 'AadA']
    """
    core = word.strip("()'+-/")
    if core in _FORMULAS or re.search(r"[a-z]{4}", core):
        return False
    letters = re.findall(r"[A-Z]", core)
    return bool(len(letters) >= 2 or (letters and re.search(r"\d", core)))


@lru_cache(maxsize=200_000)
def slots(word: str) -> tuple[tuple[str, str], ...]:
    """Return what `word` says about function: pairs of a slot and the stem that fills it.

    A compound such as "carbapenem-hydrolyzing" fills the slot of its second part, and its parts may fill
    their own.

    Examples
    --------
    >>> slots("Carbapenem-hydrolyzing")
    (('-hydrolyzing', 'carbapenem'), ('substance', 'carbapenem'))
    >>> slots("kinase"), slots("increase"), slots("NADPH"), slots("binds")
    ((('enzyme', 'kinase'),), (), (('substance', 'nadph'),), ())
    """
    filled = []
    compound = _COMPOUND.match(word)
    if compound:
        filled.append((f"-{compound[2].lower().replace('ys', 'yz')}", stem(compound[1])))
    for part in word.split("-"):
        folded = part.lower()
        if part in _FORMULAS:
            filled.append(("substance", folded))
        elif _ENZYME.match(folded) and not _NO_ENZYME.match(folded):
            filled.append(("enzyme", folded.removesuffix("s")))
        elif folded.rstrip("s") in _ROLES:
            filled.append(("role", folded.rstrip("s")))
        elif folded in _SUBSTANCES or (_SUBSTANCE.match(folded) and not _NO_SUBSTANCE.match(folded)):
            filled.append(("substance", folded.removesuffix("s")))
    return tuple(filled)


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Cut the ending of a word, so that forms of one word are one.

    Examples
    --------
    >>> stem("hydrolyzing") == stem("hydrolysis") == stem("hydrolyzes")
    True
    """
    folded = word.lower()
    for suffix in _SUFFIXES:
        if folded.endswith(suffix) and len(folded) - len(suffix) >= 4:
            return folded[: -len(suffix)]
    return folded
