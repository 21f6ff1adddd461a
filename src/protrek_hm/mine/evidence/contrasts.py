"""Sentences that are alike but for a measured value or an opposite: "Active at 70 °C." and "Active at 40 °C.".

A sentence is read as a frame with values left out: numbers with a unit, and words that have an opposite (active and
dead, promotes and inhibits). Two sentences with the same frame contradict each other where a value differs: numbers by
more than measurements of one thing do, words by being opposites. Numbers without a unit (years, residues, citations)
belong to the frame.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from protrek_hm.data.texts import fold_text
from protrek_hm.mine.evidence.nomenclature import is_name

Value = float | str
Values = tuple[tuple[str, tuple[Value, ...]], ...]
"""By kind, in the order of the sentence; numbers in the kind's first unit."""

Frames = tuple[tuple[str, frozenset[Values]], ...]
"""Each frame of a text with the values of its sentences."""


@dataclass(frozen=True)
class _Quantity:
    """units: pattern → factor. apart: least difference that counts. times: least ratio that counts, if given."""

    units: Mapping[str, float]
    apart: float = 0.0
    times: float = 1.0

    def differs(self, one: float, other: float) -> bool:
        low, high = sorted((one, other))
        return high - low >= self.apart and high >= self.times * low and high > low


_QUANTITIES = {
    "wavelength": _Quantity({"nm": 1.0}, apart=10),
    "temperature": _Quantity({r"(?:°|º|degrees?) ?(?:C|[Cc]elsius)|℃": 1.0}, apart=10),
    "concentration": _Quantity({"pM": 1e-12, "nM": 1e-9, "[uµμ]M": 1e-6, "mM": 1e-3, "M": 1.0}, times=10),
    "voltage": _Quantity({"mV": 1.0}, apart=20),
    "conductance": _Quantity({"pS": 1.0}, times=3),
    "rate": _Quantity({r"s ?\(?[-−]1\)?|/s|per second": 1.0, r"min ?\(?[-−]1\)?|/min|per minute": 1 / 60}, times=10),
    "time": _Quantity(
        {"ms": 1e-3, "s|sec|seconds?": 1.0, "min|minutes?": 60, "h|hours?": 3600, "days?": 86400}, times=3
    ),
    "pH": _Quantity({}, apart=2),
}
_NUMBER = r"\d+(?:\.\d+)?"
_UNITS = [(name, unit, factor) for name, each in _QUANTITIES.items() for unit, factor in each.units.items()]
_MEASURED = re.compile(
    rf"(?<![\w.,/-])(?P<values>[-−]?{_NUMBER}(?: ?/ ?{_NUMBER})*) ?(?:"
    + "|".join(rf"(?P<u{place}>{unit})" for place, (_, unit, _) in enumerate(_UNITS))
    + rf")(?![\w-])|\b(?P<before>pH (?:value )?(?:of |around |about )?)(?P<ph>{_NUMBER})(?![\w-]|\.\d)"
)

_NOT = r"(?:(?:is |are )?(?:not|no longer) |non[- ]?|un|in|im|ir)"
_LEVEL = (
    r"(?=[- ](?:\w+ )?(?:affinity|activity|potency|efficiency|specificity|fidelity|conductance|voltage|toxicity)\b)"
)
_CONTROL = r"(?= (?:[\w-]+ )?(?:regulat|control|modulat|effect|act(?:ing|s)\b|affect|elongation))"
_OPPOSITES: dict[str, tuple[str, ...]] = {
    "activity": (rf"{_NOT}active|{_NOT}functional|dead", "active|functional"),
    "regulation": (
        rf"negative(?:ly)?{_CONTROL}|inhibit(?:s|ing)|repress(?:es|ing)|suppress(?:es|ing)|prevent(?:s|ing)"
        r"|block(?:s|ing)|silenc(?:es|ing)|decreas(?:es|ing)|down-?regulat(?:es|ing|or)",
        rf"positive(?:ly)?{_CONTROL}|activat(?:es|ing)|stimulat(?:es|ing)|promot(?:es|ing)|induc(?:es|ing)"
        r"|enhanc(?:es|ing)|increas(?:es|ing)|up-?regulat(?:es|ing|or)",
    ),
    "resistance": ("(?<!in)sensitive|susceptible", "resistant|tolerant|insensitive"),
    "heat": ("thermolabile|heat-labile", "thermostable|heat-stable"),
    "growth": ("psychrophilic", "mesophilic", "thermophilic|hyperthermophilic"),
    "dependence": ("(?<=-)independent|independent(?= (?:of|from))", "(?<=-)dependent|dependent(?= on)"),
    "acidity": ("acid|acidic", "neutral", "alkaline"),
    "level": (rf"(?:low|weak){_LEVEL}", rf"(?:high|strong){_LEVEL}"),
    "brightness": ("dim", "bright"),
    "speed": ("slow", "fast|rapid"),
    "oxygen": ("anaerobic(?:ally)?", "aerobic(?:ally)?"),
    "signal": ("inhibitory", "excitatory"),
    "expression": ("inducible", "constitutive(?:ly)?"),
    "charge": ("anionic", "cationic"),
    "transport": ("exports?|exporting|efflux", "imports?|importing|uptake|influx"),
    **{
        root: (f"{_NOT}{root}", root)
        for root in (
            "fluorescent luminescent toxic selective specific permeable reversible processive "
            "infectious pathogenic competitive catalytic conducting hemolytic"
        ).split()
    },
    "handedness": (r"(?-i:D)(?=-[a-z])", r"(?-i:L)(?=-[a-z])"),
    "anomer": tuple(rf"(?:{letter})(?=-[a-z]+ases?\b)" for letter in ("alpha|α", "beta|β", "gamma|γ")),
}
_OPPOSITE = re.compile(
    r"(?<![\w])(?:"
    + "|".join(rf"(?P<{axis}{pole}>{words})" for axis, poles in _OPPOSITES.items() for pole, words in enumerate(poles))
    + r")(?!\w)",
    re.IGNORECASE,
)
_CONDITIONS = re.compile(  # numbers of an experiment or a place of living, not of the protein
    r"\b(?:measur|crystal|cultur|gr[eo]w|assay|determin|purif|stor(?:ed|age)|incubat|solved|express|isolat|collect"
    r"|detect|record|monitor|made\b|prepar|diffract|read at|absorbance|living|lives|infect|harvest|sampl|treat)",
    re.IGNORECASE,
)
_PREPOSITION = frozenset("of for to with by from than in on at and or like as via against".split())
_LONGEST = 40  # words of a sentence: longer ones hardly ever have another's frame
_ARTICLE = re.compile(r"\b(?:an?|the|is|are)\b", re.IGNORECASE)


def read_frames(sentences: Iterable[str]) -> Frames:
    """Return the frames of sentences that hold a value, sorted.

    Examples
    --------
    >>> read_frames(["Active at 70 °C.", "Binds zinc."])
    (('Xactivity at Xtemperature', frozenset({(('activity', ('1',)), ('temperature', (70.0,)))})),)
    """
    found: dict[str, set[Values]] = defaultdict(set)
    for sentence in sentences:
        if sentence.count(" ") < _LONGEST and (read := _read_frame(sentence)):
            found[read[0]].add(read[1])
    return tuple((frame, frozenset(found[frame])) for frame in sorted(found))


def contrast(one: Frames, other: Frames) -> str | None:
    """Return the kind of value in which two texts contradict each other, None where they do not.

    Examples
    --------
    >>> cold, warm, hot = (read_frames([f"Active at {degrees} °C."]) for degrees in (37, 40, 70))
    >>> contrast(warm, hot), contrast(cold, warm), contrast(read_frames(["Active form."]), read_frames(["Dead form."]))
    ('temperature', None, 'activity')
    """
    theirs = dict(other)
    kinds = [
        kind for frame, ours in one if frame in theirs and (kind := _contradicted(ours, theirs[frame])) is not None
    ]
    return min(kinds, default=None)


def same_measure(one: str, other: str) -> bool:
    """Tell whether two values with a unit are as near as measurements of one thing.

    Examples
    --------
    >>> same_measure("514 nm", "516 nm"), same_measure("514 nm", "448 nm"), same_measure("514", "516")
    (True, False, False)
    """
    ours, theirs = read_frames([one]), read_frames([other])
    kinds = {"X" + name for name in _QUANTITIES}
    alike = [frame for frame, _ in ours] == [frame for frame, _ in theirs]
    return bool(ours) and alike and ours[0][0] in kinds and contrast(ours, theirs) is None


@lru_cache(maxsize=1_000_000)
def _read_frame(sentence: str) -> tuple[str, Values] | None:
    values: dict[str, list[Value]] = defaultdict(list)

    def measured(match: re.Match[str]) -> str:
        if match["ph"]:
            values["pH"].append(float(match["ph"]))
            return " XpH "
        name, _, factor = _UNITS[int(str(match.lastgroup)[1:])]
        numbers = re.split(" ?/ ?", match["values"].replace("−", "-"))
        values[name] += [float(number) * factor for number in numbers]
        return " " + f"X{name} " * len(numbers)

    def opposite(match: re.Match[str]) -> str:
        axis = str(match.lastgroup)
        values[axis[:-1]].append(axis[-1])
        return f" X{axis[:-1]} "

    given = sentence if _CONDITIONS.search(sentence) else _MEASURED.sub(measured, sentence)
    frame = _OPPOSITE.sub(opposite, given)
    if not values:
        return None
    words = _without_subject(_ARTICLE.sub(" ", frame).strip(" .;,").split())
    folded = " ".join(word if word.startswith("X") else fold_text(word) for word in words)
    return " ".join(folded.split()), tuple((kind, tuple(values[kind])) for kind in sorted(values))


def _without_subject(words: Sequence[str]) -> list[str]:
    """Leave out names at the ends, which differ from allele to allele; one behind a preposition is an object."""
    kept = list(words)
    while len(kept) > 1 and is_name(kept[0]) and not kept[0].startswith("X"):
        kept.pop(0)
    while len(kept) > 1 and is_name(kept[-1]) and not kept[-1].startswith("X") and kept[-2] not in _PREPOSITION:
        kept.pop()
    return kept


def _contradicted(ours: frozenset[Values], theirs: frozenset[Values]) -> str | None:
    """Return a kind in which every sentence of one text contradicts each of the other with the same frame."""
    kinds = [_differing(dict(one), dict(other)) for one in ours for other in theirs]
    return min((kind for kind in kinds if kind), default=None) if all(kinds) else None


def _differing(one: Mapping[str, tuple[Value, ...]], other: Mapping[str, tuple[Value, ...]]) -> str | None:
    for kind in sorted(one):
        for mine, yours in zip(one[kind], other[kind], strict=True):
            if isinstance(mine, str) or isinstance(yours, str):
                if mine != yours:
                    return kind
            elif _QUANTITIES[kind].differs(mine, yours):
                return kind
    return None


_COLOURS = frozenset("violet purple blue cyan turquoise green yellow orange red infrared ultraviolet uv".split())
_ABSORBS = re.compile(r"^(?:absor|excit|irradiat|take[ns]?$|sensitive$|\w*opsins?$|cone$|photorecep)")
_EMITS = re.compile(r"^(?:fluor|emi(?:t|ssi)|light$|chrom|\w*luminesc|lucifer|glow|shift|photoprot|shin)")
_LINK = frozenset("to and or light bright".split())


def read_colours(words: Sequence[str]) -> set[tuple[str, str]]:
    """Return the colours that words give to light that is absorbed, and to other light; not of algae or blood.

    Examples
    --------
    >>> sorted(read_colours("Green fluorescent protein of a red alga, excited by blue light".split()))
    [('absorbed-colour', 'blue'), ('colour', 'green')]
    """
    pieces = [piece for word in words for piece in word.lower().strip("()'+/,.").split("-")]
    found = set()
    for place, piece in enumerate(pieces):
        if piece not in _COLOURS:
            continue
        before = pieces[max(place - 3, 0) : place]
        behind = next((each for each in pieces[place + 1 : place + 4] if each not in _COLOURS | _LINK), "")
        lit = pieces[place + 1 : place + 2] == ["light"] and behind != "harvesting"
        if any(map(_ABSORBS.match, [*before, behind])):
            found.add(("absorbed-colour", piece))
        elif lit or any(map(_EMITS.match, [*before[-2:], behind])):
            found.add(("colour", piece))
    return found
