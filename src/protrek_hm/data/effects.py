"""What words say that a change does to a protein's function: kept, lost, changed, or what we do not understand.

The one lexicon of curators' words, for the label `neutral` of gold twins and for the evidence of mining. A text is
taken apart into statements, and *kept* it is only if each of them says so in words that are known: a word that no list
knows is never "no effect".
"""

import re
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache

from protrek_hm.data.texts import clean_text


class Effect(Enum):
    """What a text says that a change does to the function.

    UNCLEAR where its words are not known, MIXED where something was kept and something else is said, NOTHING where it
    is not about a change.
    """

    NOTHING = "nothing"
    UNCLEAR = "unclear"
    KEPT = "kept"
    LOST = "lost"
    CHANGED = "changed"
    MIXED = "mixed"


def _words(*patterns: str, start: str = r"\b") -> re.Pattern[str]:
    return re.compile("|".join(rf"{start}(?:{pattern})" for pattern in patterns), re.IGNORECASE)


_TOGETHER = (
    r"(?:only )?(?:when (?:(?:in )?ass?\w{2,6}at(?:ed|ion)|combined)|in combination|together(?= with [A-Z]-\d)) with "
    r"(?:variants? |mutations? )?"
)
_NAMED = r"((?:(?! (?:but|whereas|while|although|however)\b)[^.]|\.(?=\S))+)"
ASSOCIATED = re.compile(rf"(?<=[\w)%'])[;,]?\s+{_TOGETHER}{_NAMED}", re.IGNORECASE)
"""The changes together with which a statement holds, and what leads to them; spelled as curators do, slips included."""

ASSOCIATED_FIRST = re.compile(rf"^{_TOGETHER}(.+?), (?=[a-z])", re.IGNORECASE)
"""The same in front of the statement."""

# How a text is taken apart
_ABBREVIATED = r"(?<!\b[A-Z]\.)(?<!\bvs\.)(?<!\bsp\.)(?<!\bcf\.)(?<!\be\.g\.)(?<!\bi\.e\.)"
_SENTENCE = re.compile(rf"(?:(?<=[.:]){_ABBREVIATED}|(?<=;))\s+|(?<=\b[A-Z]\.)\s+(?=[A-Z])")
_CONTEXT = re.compile(
    r"^(?:in (?!vitro|vivo)(?P<where>.+)|(?:variant|mutant|allele)(?: \S+)?"
    r"|(?:unknown|uncertain) (?:pathological |clinical )?significance|requires? \d+ nucleotide.*)$",
    re.IGNORECASE,
)
_PLACE = re.compile(r"^(?:(?:in|at|upon|under|with|when|after|for|on|like) [^,]*,\s*)+", re.IGNORECASE)
_TURN = re.compile(
    r",?\s+\b(but|while|whilst|whereas|although|though|however|yet|despite|albeit|except|unless|until|instead"
    r"|rather than|other than|apart from|leading to|resulting in|causing|which|because)\b[\s,]*",
    re.IGNORECASE,
)
_DOUBTING = frozenset({"except", "unless", "until", "instead", "rather than", "other than", "apart from"})
_JOINT = re.compile(r",\s+(?:and |or |nor )?|\s+(?:and|or|nor)(?:/or)?\s+|\s+\(", re.IGNORECASE)
_ONE_THING = (
    (re.compile(r"\b(?:presence|absence) (?:and|or|and/or) (?:in )?(?:the )?(?:presence|absence)\b", re.I), "presence"),
    (re.compile(r"\bwith or without\b", re.I), "with"),
    (re.compile(r"\s\(((?:[^()]|\([^()]*\))*)\)"), r", \1,"),
    (re.compile(r"\b(?:little(?:,? if any,?| or no| to no)|no or (?:very )?little)\b", re.I), "little"),
    (re.compile(r"\b(?:increase or decrease|decrease or increase|gain or loss|loss or gain)\b", re.I), "change"),
    (re.compile(r"\bdoes neither ", re.I), "does not "),
    (re.compile(r"\bneither (?:affect|alter|chang|impair|influenc)(?:e?s|ing)? ", re.I), "does not affect "),
    (re.compile(r"\b(?:affects|alters|changes|impairs|influences) neither ", re.I), "does not affect "),
    (re.compile(r"\bneither (.+ nor .+?) (is|are|was|were) ", re.I), r"\1 \2 not "),
    (re.compile(r"\bneither ", re.I), "not "),
    (re.compile(r"\beither ", re.I), ""),
)

# Noun phrases, which go on with what was said before: "No effect on binding" + "growth"
_PLAIN_WORDS = frozenset(
    "of in to with for by from on at the a an its their it both between toward towards into via under within "
    "during either other all each per as this these those any also after upon vitro vivo degrees celsius type "
    "wild wild-type mutant mutants allele alleles cs ts strain strains background level levels rate rates amount "
    "amounts number content yield abundance half-life km kcat vmax kinetics pattern patterns profile profiles "
    "shape size length width morphology fate fold state states form forms position positions phenotype phenotypes "
    "behavior behaviour function functions protein proteins peptide peptides enzyme enzymes subunit subunits "
    "complex complexes domain domains site sites helix chain chains structure structures assembly substrate "
    "substrates ligand ligands inhibitor inhibitors antagonist agonist hormone antibody drug drugs target targets "
    "partner partners receptor receptors channel channels gene genes promoter promoters chromosome affinity "
    "affinities growth development survival virulence motility chemotaxis mating budding cycle checkpoint stress "
    "response responses export import transport traffic trafficking uptake release exchange turnover repair "
    "synthesis production distribution cell cells membrane membranes surface plasma nucleus mitochondria "
    "mitochondrion cytoplasm cytosol lysosome lysosomes endosome endosomes vacuole vacuoles golgi apparatus "
    "centromere telomere spindle serum blood egg eggs sperm embryo embryos wing eye root roots leaf leaves plant "
    "plants spore spores biofilm host virus viral yeast human mouse bacterial iron zinc calcium copper metal ion "
    "ions heme thioester lipid lipids acid acids phosphate ubiquitin cholesterol nucleotide nucleotides sugar "
    "mrna dna rna trna gtp atp gdp medium condition conditions temperature temperatures light heat salt sole "
    "source carbon nitrogen acetate glucose stress-induced single-stranded double-stranded acetylated "
    "phosphorylated methylated ubiquitinated sumoylated unfolded secreted complete".split()
)
_NOUN = re.compile(
    r"^[a-z0-9'/()+-]*(?:tions?|sions?|ity|ities|ments?|ances?|ences?|ency|ancy|ness|ship|[yoeax]sis|phagy|taxis|ases?"
    r"|ings?|ures?|isms?|ors?|ols?|ides?|ins?|[cst]ine|anine|amine|cytes?|somes?|gens?|mers?|al|ic|ics|ar|ous|ble|ary"
    r"|ant|ent|like|ogy|graphy|metry)$"
)
_NO_NOUN = re.compile(
    r"^(?:causing|leading|resulting|showing|becoming|being|having|lacking|losing|making|requiring|using|giving"
    r"|remaining|accumulating|failing|altering|preventing|blocking|inducing|not|no|none|nor|never|still|more|less"
    r"|only|contains?|remains?|begins?|gains?|joins?|appears?|occurs?|errors?|insures?|measures?|captures?|decreases?"
    r"|increases?|releases?|ceases?|unable|incapable|partial|minimal|residual|marginal)$"
)
_SAID_OF_IT = re.compile(  # adjectives that are a statement of their own at the end: "nuclear", not "nuclear import"
    r"(?:dependent|independent|different|resistant|absent|deficient|transient|sensitive|aberrant|inefficient|functional"
    r"|normal|lethal|toxic|stable|soluble|diffuse|morphic|ectopic|active|negative|detectable|variable|meric|plasmic"
    r"|cytosolic|nuclear|sterile|constitutive|mitochondrial|peroxisomal|visible|silent|abundant|weak|slow)$"
)
_NAME = re.compile(r"[A-Z0-9]")
_ABILITY = re.compile(r"\b(?:ability|capacity|capability) to \w+")
_TITLE = re.compile(r"[A-Z][a-z-]{3,}$")
_HARM_DONE = re.compile(
    r"\b(?:retention|accumulation|aggregation|mislocali[sz]ation|death|sensitivity|lethality|sterility|failure"
    r"|inhibition|inactivation|instability|arrest)\b"
)

# What keeps
_DEGREE = (
    r"(?:significant(?:ly)?|substantial(?:ly)?|appreciabl[ey]|detectabl[ey]|measurabl[ey]|notabl[ey]|noticeabl[ey]"
    r"|obvious(?:ly)?|apparent(?:ly)?|visibl[ey]|marked(?:ly)?|clear(?:ly)?|gross(?:ly)?|overt(?:ly)?|major"
    r"|observabl[ey]|observed|discernibl[ey]|evident|seem to|appear to|seems to|appears to|really"
    r"|phenotypic|adverse|deleterious)"
)
_HARM = r"(?:impair|modify|disrupt|disturb|perturb|interfere with|compromise|harm|impact|impede|hamper|destabili[sz]e)"
_HARMED = (
    r"(?:affected|altered|impaired|changed|modified|influenced|disturbed|disrupted|perturbed|compromised|reduced"
    r"|decreased|diminished)"
)
_UNHARMED = r"(?:unaffected|unchanged|unaltered|unimpaired|undisturbed|uncompromised)"
_BY_OTHERS = (  # what no longer answers to a signal is not kept
    r"(?! (?:by|in response|upon|after|following)\b(?! (?:the |this )?(?:mutation|substitution|variant)))"
)
_LESSEN = r"(?:reduce|decrease|diminish|lower|weaken|attenuate)"
_ACTIVITY = (
    r"(?:activit|binding|affinit|function|abilit|capacit|interaction|association|[a-z]*meri[sz]ation|assembl|locali[sz]"
    r"|location|target|secretion|stabilit|expression|abundance|amount|level|structure|folding|conformation|growth"
    r"|viabilit|surviv|fertilit|[a-z]+[ty]lation|[a-z]*ubiquitination|sumoylation|glycosylation|cleavage|processing"
    r"|maturation|degradation|transport|traffick|internali[sz]ation|specificit|selectivit|efficienc|rate|cataly"
    r"|phenotype|formation|recruitment|signaling|signalling|translocation|import|export|turnover|resistance|potency"
    r"|toxicit|permeabilit|conductance|current|k\(?cat|km\b|vmax|solubilit|propert|repression|transactivation"
    r"|transcription)"
)
NAMED_ACTIVITY = rf"(?:[\w'/()+,-]+ ){{0,6}}?[\w'/()+-]*{_ACTIVITY}"
"""Something that a protein does or has, with the words in front of it."""
_WILD_TYPE = r"(?:(?:the |that of |those of |in |for |of )*(?:the )?(?:wild[- ]?type|WT|unmutated|native)\b)"
_ALIKE = r"(?:similar|same|identical|comparable|equal|equivalent|indistinguishable|alike)"
_LEAD = re.compile(
    r"^(?:(?:and|also|still|then|it|mutant|protein|the|a|an|has|have|had|shows?|showed|shown|displays?|displayed"
    r"|exhibits?|exhibited|causes?|caused|produces?|results? in|resulted in|leads? to|with|is|are|was|were|remains?"
    r"|remained|very|but|mutants?|cells?|probably|overall|there|phenotypically|essentially|almost|nearly"
    r"|virtually|practically|near|close to|behaves?|functions?|in vitro|in vivo) )+",
    re.IGNORECASE,
)
_NEARLY_ALL = (
    r"(?:about |around |approximately |nearly |over |more than |> ?)?(?:9\d|10\d|110)(?:\.\d+)?(?:-(?:9\d|10\d|110))?%"
)
_KEPT = _words(
    rf"(?:no|without(?: any)?|little|minimal|negligible) (?:{_DEGREE} )*(?:effects?|influences?|impacts?|consequences?)"
    r"\b(?! of)",
    rf"(?:no|without(?: any)?|little|minimal|negligible) (?:{_DEGREE} )*(?:changes?|differences?|alterations?)\b"
    r"(?! of| between)(?!.*\b(?:in response|upon|after|following|stimulat\w*|induced by)\b)",
    rf"(?:no|without(?: any)?) (?:{_DEGREE} )*(?:[\w-]+ )?(?:defects?|deficits?|phenotypes?|abnormalit(?:y|ies)"
    r"|impairments?|disruption)\b",
    rf"(?:no|without(?: any)?) (?:{_DEGREE} )*loss\b",
    rf"(?:no|without(?: any)?) (?:{_DEGREE} )*(?:reductions?|decreases?)(?: in\b| of (?={NAMED_ACTIVITY})|$)",
    rf"without (?:{_DEGREE} )*(?:affect|alter|chang|impair|influenc|modify|disrupt|disturb|perturb)ing\b",
    rf"(?:does|do|did) not (?:{_DEGREE} )*(?:affect|alter|influence)\b(?! (?:in response|upon|after|following))",
    rf"(?:does|do|did) not (?:{_DEGREE} )*{_HARM}(?:$| (?={NAMED_ACTIVITY}))",
    rf"(?:does|do|did) not (?:{_DEGREE} )*change\b(?!.*\b(?:in response|upon|after|following|stimulat\w*)\b)",
    rf"(?:does|do|did) not (?:{_DEGREE} )*(?:lose|{_LESSEN}) (?={NAMED_ACTIVITY})",
    rf"(?:does|do|did) not (?:have|cause|result in|lead to|show|exhibit|display|produce) (?:an? |any )?(?:{_DEGREE} )*"
    r"(?:effects?|changes?|differences?|alterations?|defects?|phenotypes?|loss|reduction|decrease|impairment"
    r"|impaired)\b"
    r"(?!.*\b(?:in response|upon|after|following)\b)",
    rf"not (?:be )?(?:{_DEGREE} )*(?:{_HARMED}|different from)\b{_BY_OTHERS}",
    r"not (?:be )?(?:essential|required|necessary)\b|silent(?: mutant| mutation| substitution)?$",
    rf"{_UNHARMED}\b{_BY_OTHERS}",
    r"(?:functionally )?neutral(?:$| (?:in|for|mutant|mutation|variant|substitution)\b)",
    r"(?:intact|normal|near-normal|normally|viable|fertile|functional|fully (?:functional|active|viable))\b",
    rf"full (?!loss|lack|inactiv|inhibit|aboli)(?={NAMED_ACTIVITY})",
    rf"wild[- ]type(?:-like)?(?:$| (?={NAMED_ACTIVITY}|behaviou?r|pattern|kinetics))",
    rf"(?:like|as|as in) {_WILD_TYPE}",
    rf"{_ALIKE}\b(?=.*{_WILD_TYPE})",
    rf"as (?:\w+ ){{1,2}}as {_WILD_TYPE}",
    r"(?:retain|maintain|preserve|keep|conserve)(?:s|ed)? (?!.*\b(?:significant|substantial|considerable|detectable"
    rf"|measurable|most|much|half|thirds?|quarters?|fraction|part|little|original)\b)(?={NAMED_ACTIVITY})",
    rf"(?:retains? )?{_NEARLY_ALL} (?:of )?(?:the )?(?:wild[- ]type|normal|active|as active|activity|binding"
    r"|\w+ activity)",
    start="^",
)
_AFTER_NOUN = _words(
    rf"(?:(?:is|are|was|were|remains?|remained|stays?|appears?) )?(?:(?:still|also|{_DEGREE}) )*"
    rf"(?:not (?:{_DEGREE} )*{_HARMED}|{_UNHARMED}|intact|preserved|maintained|retained|conserved|normal)\b{_BY_OTHERS}"
    r"(?! (?:in|at) the\b)(?=$| (?:in|at|to|for|by|with|under|from|during|compared|relative|when|upon|after)\b)",
    rf"(?:(?:is|are|was|were|remains?) )?(?:almost |nearly )?(?:{_ALIKE}|as) (?:\w+ )?(?:to|as|with|like)? ?"
    rf"{_WILD_TYPE}",
    rf"(?:is|was|at|with) {_NEARLY_ALL} (?:of )?(?:the |that of )*(?:wild[- ]type|normal)",
    rf"at (?:levels )?{_ALIKE}(?: levels)? (?:to|with|as) {_WILD_TYPE}",
    start=" ",
)
_VERB_NORMALLY = re.compile(
    r"^(?!does|is|was|has|fails|loses|lacks)\w+(?:s|ed) (?:(?!not|no|never|only|less)\w+ ){0,3}"
    r"(?:normally|like (?:the )?wild[- ]type)\b"
)

# What alters; also what takes a statement of "kept" back again
_LOST = _words(
    r"(?:abolition|abrogation) of\b|(?<!no )(?:loss|lack|inactivation)(?: of)?\b(?! (?:kinetics|gate|rate|curve))",
    r"(?:absence of)\b(?<!in absence of)(?<!the absence of)",
    r"(?:abolish|abrogat|eliminat|ablat)(?:e|es|ed|s|ing)\b",
    r"(?:inactive|inactivates|inactivated|non-?functional|nonviable|non-viable|undetectable|loses|looses|lost"
    r"|lethal|(?:catalytically|\w+ase)[- ]dead)\b",
    r"(?:fails?|failed|failure|unable|inability|incapable|cannot|can no longer|no longer|no more)\b",
    r"(?:lacks|disrupts|disrupted|disruption|prevents|prevented|blocks|blocked)\b",
)
_CHANGED = _words(
    r"(?:reduc|decreas|increas|impair|diminish|weaken|lower|elevat|attenuat|alter|inhibit|delay|suppress|perturb"
    r"|destabili[sz]|stabili[sz]|compromis|interfer)(?:es|ed|s)\b|(?:affects?|affected|enhances|enhanced)\b",
    r"(?:defective|deficient|dominant[- ]negative|hyper-?active|constitutive(?:ly)?|unstable|insoluble"
    r"|mislocali[sz]\w*)\b",
    r"(?:temperature|heat|cold|thermo|salt)[- ]?sensitive\b|retained (?:in|at|by|within)\b",
    r"(?:hypersensitive|sensitive|insensitive|resistant) to\b|hypersensitivity\b",
    r"(?:strong|severe|large|drastic|dramatic|significant|marked|moderate) (?:\w+ )?effects?\b",
    r"(?:arrest|defects?|deficiency|impairment|destabili[sz]ation|attenuation|decrease|increase|gain|shift)"
    rf"(?: (?:in|of|for|at|on|to|with)\b|$)|reduction(?: in\b| of (?={NAMED_ACTIVITY})|$)",
    r"(?:slight|minor|mild|modest|small|subtle) (?:\w+ ){0,2}(?:effects?|changes?|differences?|alterations?|reduction"
    r"|loss|phenotype)\b",
    r"\d+(?:\.\d+)?[- ]?(?:fold|%)|(?:two|three|four|five|six|seven|eight|nine|ten|several)[- ]?fold\b",
    r"(?:slow|slower|partial|partially|weak|weaker|weakly|poor|poorly|less|higher|lower|more \w+ than|faster|stronger"
    r"|greater|fewer|smaller|larger|residual|lesser|abnormal|aberrant|shortened|slightly|limited|half of|third of"
    r"|most of|only|barely)\b",
)
_NEGATED = re.compile(r"(?<![\w-])(?:no|not|never|neither|nor|none|without|cannot)\b", re.IGNORECASE)
_NOT_TOLD = _words(
    rf"no (?:{_DEGREE} |\w+ )?(?:changes?|differences?|increases?|effects?|influences?|impacts?|gains?"
    r"|additional|further)\b",
    r"(?:does|do|did) not (?:\w+ly )?(?:change|increase|enhance|affect|alter|abolish|abrogate|eliminate|prevent|inhibit"
    rf"|block|suppress) (?={NAMED_ACTIVITY})",
    rf"(?:does|do|did) not {_HARM}\b",
    r"(?:does|do|did) not (?:require|further|directly|strongly|greatly|severely|completely|fully|totally"
    r"|drastically)\b",
    r"not (?:be )?(?:\w+ly )?(?:abolished|prevented|inhibited|blocked|affected|increased|enhanced|changed|altered"
    r"|lethal|toxic)\b",
)
_TAKEN_BACK = re.compile(
    r"\b(?:reduces|reduced|decreases|decreased|increases|increased|impairs|impaired|abolish\w+|abrogates?|lethal"
    r"|inactive|fails|unable|cannot|no|not|never|only|partial(?:ly)?|weak(?:ly|er)?|less|lower|higher|slower|poorly"
    r"|defective|deficient|some|half|residual|most of|unlike|mislocali[sz]\w*|loses|lost|lacks|instead|without"
    r"|than (?!the|wild|that)|prevents|disrupts|compromised|delayed|unstable)\b"
    r"|(?<![\d.])(?:[1-8]?\d)(?:\.\d+)?%|\d[- ]?fold\b",
    re.IGNORECASE,
)


def is_neutral(text: str) -> bool:
    """Say whether a text says that function is kept, and nothing else.

    >>> is_neutral("No effect on kinase activity."), is_neutral("Does not affect binding; normal growth.")
    (True, True)
    >>> is_neutral("Does not affect dimerization. Does not bind DNA."), is_neutral("14% of wild-type activity.")
    (False, False)
    """
    return read_effect(text) is Effect.KEPT


@lru_cache(maxsize=1_000_000)
def read_effect(text: str) -> Effect:
    """Return what a text about a change says that happened to the function.

    KEPT only if every statement says so; beside any other statement, also one that is not understood, it is MIXED.
    LOST outweighs CHANGED, and both outweigh what is not understood. "Retains 90% of activity" and more is kept.

    Examples
    --------
    >>> [read_effect(text).value for text in ("No effect on growth or binding.", "Retains 10% of activity.")]
    ['kept', 'changed']
    >>> [read_effect(text).value for text in ("No effect on growth. Sticks to glass.", "Sticks to glass.")]
    ['mixed', 'unclear']
    """
    said = set(_readings(text))
    if said == {Effect.KEPT}:
        return Effect.KEPT
    if Effect.KEPT in said:
        return Effect.MIXED
    return next((effect for effect in (Effect.LOST, Effect.CHANGED) if effect in said), Effect.UNCLEAR)


def _readings(text: str) -> Iterator[Effect]:
    """Yield what each statement says; what only tells of circumstances is passed over."""
    text = clean_text(text).replace('"', "")
    text = text.lower() if text.isupper() else text
    for sentence in _SENTENCE.split(ASSOCIATED.sub("", text)):
        statement = ASSOCIATED_FIRST.sub("", sentence).strip(" .;:,")
        if re.match(r"[A-Z][a-z-]+(?:\s|$)", statement):  # its capital is the sentence's
            statement = statement[0].lower() + statement[1:]
        context = _CONTEXT.match(statement)
        if not statement or (context and is_noun_phrase(context["where"] or "mutant")):
            continue
        place = _PLACE.match(statement)
        if place and read_part(place[0]) is Effect.UNCLEAR:
            statement = statement[place.end() :]
        yield from _read_sentence(statement)


def _read_sentence(sentence: str) -> Iterator[Effect]:
    for pattern, plain in _ONE_THING:
        sentence = pattern.sub(plain, sentence)
    first, *turns = _TURN.split(sentence)
    last: Effect | None = None
    nouns = False
    for turn, clause in zip(["", *turns[::2]], [first, *turns[1::2]], strict=True):
        doubted = turn.lower() in _DOUBTING
        for number, part in enumerate(filter(None, (each.strip(" ,.;()") for each in _JOINT.split(clause)))):
            effect = Effect.UNCLEAR if doubted else read_part(part)
            goes_on = not (turn and number == 0) and (last is None or not _HARM_DONE.search(part))
            if effect is Effect.UNCLEAR and not doubted and goes_on and is_noun_phrase(part):
                nouns |= last is None  # a subject that waits for its verb, or one more object
                continue
            last = effect
            yield effect
    if nouns and last is None:
        yield Effect.UNCLEAR


def read_part(part: str) -> Effect:
    """Return what one clause says; UNCLEAR if its words are not known.

    Examples
    --------
    >>> [read_part(part).value for part in ("does not affect binding", "does not bind DNA", "abolishes binding")]
    ['kept', 'lost', 'lost']
    >>> [read_part(part).value for part in ("does not abolish binding", "binds DNA")]
    ['unclear', 'unclear']
    """
    if (rest := _after_kept(part)) is not None:
        if not _TAKEN_BACK.search(rest):
            return Effect.KEPT
        part = rest
    told = _NOT_TOLD.sub(" ", part)
    if _LOST.search(told):
        return Effect.LOST
    if _CHANGED.search(told):
        return Effect.CHANGED
    return Effect.LOST if _NEGATED.search(told) else Effect.UNCLEAR


def _after_kept(part: str) -> str | None:
    """Return what stands behind words that say "kept", if the part begins with them or with their subject."""
    stripped = _LEAD.sub("", part)
    said = _KEPT.match(stripped) or _VERB_NORMALLY.match(part)
    if said:
        return said.string[said.end() :]
    for said in _AFTER_NOUN.finditer(stripped):
        if is_noun_phrase(stripped[: said.start()]):
            return stripped[said.end() :]
    return None


def is_noun_phrase(part: str) -> bool:
    """Tell whether a part has no verb, as far as one can tell from endings, so that it goes on with what was said.

    >>> [is_noun_phrase(part) for part in ("nuclear localization", "SQSTM1", "localizes to mitochondria", "nuclear")]
    [True, True, False, False]
    """
    part = _ABILITY.sub("ability", part)
    words = [word.lower() if _TITLE.match(word) else word for word in part.strip(" .").replace(",", " ").split()]
    return (
        bool(words)
        and not _SAID_OF_IT.search(words[-1])
        and all(
            word in _PLAIN_WORDS or _NAME.search(word) or (_NOUN.match(word) and not _NO_NOUN.match(word))
            for word in words
        )
    )
