"""Which words of a protein's description name it, and which tell what it does."""

import re
from functools import lru_cache

_CHEMICALS = frozenset(
    "ATP ADP AMP GTP GDP GMP CTP UTP UDP NAD NADH NADP NADPH FAD FADH FMN CoA SAM DNA RNA mRNA tRNA rRNA "
    "cAMP cGMP CO2 O2 H2O2 NO PLP Ca2 Na K Mg2 Zn2 Fe2 Fe3 Cu2 Mn2 H GABA ACTH NMDA AMPA".split()
)
_EMPTY = frozenset(
    """a an and are as at be been both but by can for from had has have how in into is it its itself like may
    might not of on one or other so such than that the their them then these they this those through to two
    upon was were when where which while who with within without also more most very well via between during
    after before under over protein proteins enzyme enzymes family subfamily superfamily member members class
    subclass type group domain containing related putative probable possible hypothetical predicted
    uncharacterized similar homolog homologue ortholog paralog isoform variant allele gene product products
    precursor chain subunit component factor system process processes role function functions functional
    activity active acts act involved involves required essential plays play important key major minor mainly
    mostly specifically specific known shown form forms part able catalyzes catalyses catalyze catalyzing
    catalytic reaction conversion converts formation step first second third responsible participates mediates
    mediate mediated contributes leads results resulting seems appears probably likely some many several
    different various high low level levels cell cells cellular species vitro vivo resistance resistant strain
    organism multiple new novel human mouse yeast bacterial coli""".split()
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
    if core in _CHEMICALS or re.search(r"[a-z]{4}", core):
        return False
    letters = re.findall(r"[A-Z]", core)
    return bool(len(letters) >= 2 or (letters and re.search(r"\d", core)))


def is_telling(word: str) -> bool:
    """Tell whether `word` can carry function: a word of three letters or more, and no filler.

    Examples
    --------
    >>> is_telling("carbapenem"), is_telling("protein"), is_telling("51")
    (True, False, False)
    """
    return (len(word) >= 3 or word in _CHEMICALS) and not word.isdigit() and word.lower() not in _EMPTY


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
