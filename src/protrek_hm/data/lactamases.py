"""Alleles of beta-lactamases whose work is known, as a table to tune a model on: `example/lactamases.tsv`.

The showcase's beta-lactamases, and in `lactamases.tsv` further alleles of TEM and SHV: their substitutions in Ambler's
numbering, and the group that Bush and Jacoby (Antimicrob. Agents Chemother. 54, 969, 2010) put such enzymes in, or who
reported the mutant. All texts are our own: a class has some wordings, which the alleles take in turn.
"""

from itertools import count, product
from pathlib import Path

import polars as pl

from protrek_hm.data.showcase import load_showcase, make_sequences, read_own
from protrek_hm.data.tables import write_table

_COLUMNS = ("id", "sequence", "text", "class", "family", "substitutions", "source")
_PENICILLINS = (
    "penicillins such as ampicillin and amoxicillin",
    "penicillins and the first cephalosporins, but no later ones",
    "ampicillin and piperacillin, while cefotaxime and ceftazidime resist it",
    "the older penicillins and cephalosporins",
    "benzylpenicillin, ampicillin and cephaloridine",
)
_LATER = (
    "third-generation cephalosporins such as cefotaxime and ceftazidime",
    "oxyimino-cephalosporins and aztreonam",
    "cefotaxime, ceftazidime and aztreonam in addition to penicillins",
    "the newer cephalosporins, ceftazidime and cefotaxime among them, and monobactams",
    "penicillins and late cephalosporins with an oxyimino side chain",
    "expanded-spectrum cephalosporins",
    "cephalosporins of the third generation, the parent's penicillins, and aztreonam",
)
_WORDINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "penicillinase": (
        (
            "Broad-spectrum beta-lactamase that hydrolyses {}.",
            "Penicillinase that destroys {}; clavulanic acid inhibits it.",
            "Class A beta-lactamase of narrow range: it cleaves {}.",
            "Enzyme that makes bacteria resistant to {}, and is sensitive to clavulanate.",
        ),
        _PENICILLINS,
    ),
    "extended-spectrum": (
        (
            "Extended-spectrum beta-lactamase that hydrolyses {}.",
            "Extended-spectrum enzyme (ESBL) that destroys {}; clavulanic acid inhibits it.",
            "Class A beta-lactamase of extended spectrum: it cleaves {}.",
            "Beta-lactamase with a widened active site, which makes bacteria resistant to {}.",
            "ESBL against which {} are of no use.",
            "Variant with an extended spectrum that opens the ring of {}.",
            "Cephalosporinase of class A that breaks down {}.",
            "Mutant beta-lactamase of broader range than its parent: it turns {} into inactive acids.",
        ),
        _LATER,
    ),
    "inhibitor-resistant": (
        (
            "Inhibitor-resistant beta-lactamase that hydrolyses {}.",
            "Penicillinase that clavulanic acid does not inhibit; it destroys {}.",
            "Class A beta-lactamase that escapes clavulanate and sulbactam and cleaves {}.",
            "Enzyme that makes bacteria resistant to amoxicillin with clavulanic acid as well; it acts on {}.",
            "Inhibitor-resistant penicillinase of class A: no clavulanate stops it from hydrolysing {}.",
            "Variant insensitive to beta-lactamase inhibitors that opens the ring of {}.",
            "Beta-lactamase resistant to inhibitors such as tazobactam, active against {}.",
        ),
        _PENICILLINS,
    ),
    "complex mutant": (
        (
            "Complex mutant: extended-spectrum beta-lactamase that clavulanic acid inhibits little; it cleaves {}.",
            "Inhibitor-resistant extended-spectrum beta-lactamase that hydrolyses {}.",
        ),
        _LATER,
    ),
    "inactive": (("Mutant without its catalytic serine, which hydrolyses no beta-lactam.",), ("",)),
    "acyl-enzyme trap": (
        ("Mutant without its catalytic glutamate: penicillin is bound, and the acyl-enzyme is not hydrolysed.",),
        ("",),
    ),
}


def load_lactamases() -> pl.DataFrame:
    """Load the beta-lactamases; every substitution is checked against its base.

    Returns
    -------
    DataFrame
        Strings: `id`, `sequence`, `text`, `class` (what it does, in a few words, to be compared within a family),
        `family`, `substitutions` (null for a base) and `source`.

    Raises
    ------
    FileFormatError
        If a substitution does not fit its base.

    Examples
    --------
    >>> lactamases = load_lactamases()
    >>> lactamases.row(by_predicate=pl.col("id") == "TEM-52", named=True)["substitutions"]
    'E104K;M182T;G238S'
    """
    known = load_showcase().filter(pl.col("family").str.ends_with("beta-lactamase"))
    alleles = make_sequences(read_own("lactamases.tsv"), "lactamases.tsv")
    texts = _texts(alleles["function"].to_list())
    both = pl.concat([known, alleles.with_columns(text=pl.Series(texts))], how="diagonal")
    return both.rename({"function": "class"}).select(_COLUMNS)


def write_lactamases(path: Path) -> None:
    """Write the beta-lactamases as a table of proteins."""
    write_table(load_lactamases(), path)


def _texts(classes: list[str]) -> list[str]:
    """Word the function of each allele; no two of a class are worded alike as long as its wordings last.

    The sentences take turns, so that alleles that stand side by side differ in words.
    """
    turns = {name: count() for name in _WORDINGS}
    worded = {
        name: sorted(
            ((i - j) % len(sentences), i, sentence.format(substrates))
            for (i, sentence), (j, substrates) in product(enumerate(sentences), enumerate(substrates_of))
        )
        for name, (sentences, substrates_of) in _WORDINGS.items()
    }
    return [worded[name][next(turns[name]) % len(worded[name])][-1] for name in classes]
