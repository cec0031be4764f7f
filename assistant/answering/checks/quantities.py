"""The numbers that a text says, and what each counts.

1,000 = 1000 = one thousand; $33bn = 33 billion dollars; a third = 33 per cent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from assistant.answering.checks.dates import moments
from assistant.answering.checks.plain import plain, stems, without
from assistant.answering.checks.units import AFTER, BEFORE, Unit, unit_of

_MULTIPLES = {
    "hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "mln": 1e6, "m": 1e6,
    "billion": 1e9, "bn": 1e9, "bln": 1e9, "b": 1e9, "trillion": 1e12, "tn": 1e12, "trn": 1e12,
    "lakh": 1e5, "crore": 1e7,
}  # fmt: skip
_SMALL = {
    word: float(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {
    word: 10.0 * tens
    for tens, word in enumerate("thirty forty fifty sixty seventy eighty ninety".split(), 3)
}
_ORDINALS = {
    word: float(value)
    for value, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(),
        1,
    )
}
_PARTS_OF_ONE = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6,
    "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
}  # fmt: skip
_TIMES = {
    "twice": 2.0, "double": 2.0, "doubled": 2.0, "doubles": 2.0, "doubling": 2.0, "twofold": 2.0,
    "triple": 3.0, "tripled": 3.0, "tripling": 3.0, "threefold": 3.0, "thrice": 3.0,
    "quadruple": 4.0, "quadrupled": 4.0, "fourfold": 4.0, "fivefold": 5.0, "tenfold": 10.0,
}  # fmt: skip
_CROWDS = {
    "dozens": 24.0, "scores": 40.0, "hundreds": 200.0, "thousands": 2e3, "millions": 2e6,
    "billions": 2e9, "trillions": 2e12,
}  # fmt: skip

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_WORD = "(?:" + "|".join(sorted(_SMALL, key=len, reverse=True)) + ")"
_SCALE = r"(?:hundred|thousand|million|billion|trillion)"
_WORDED = (
    rf"(?:{_WORD}(?:[ -]{_WORD})?(?: and a half)?"
    rf"(?:[ -]{_SCALE}(?:,? (?:and )?{_WORD}(?:[ -]{_WORD})?)?)*"
    rf"|(?:half a|an?) (?:dozen|{_SCALE})|dozen)"
)
_MAGNITUDE = (
    r"(?:[ -]?(?:thousand|million|mln|mn|billion|bln|bn|trillion|trn|tn|lakh|crore)s?"
    r"|(?<=\d)[kKmMbB])"
)
_PART = r"(?P<part>(?:half|halves|third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth)s?)"
_FORMS = (
    rf"(?P<fraction>\b(?:(?P<over>an?|one|two|three|four|five|seven|nine|\d)[ -])?{_PART}"
    rf"(?! an? (?:dozen|{_SCALE}))(?= (?:of|the|a|an|its|their|as|from|to|in|by|over|stake"
    rf"|share)\b| ?[-,.;)]|$))",
    rf"\b(?P<out>{_WORD}|\d) (?:out of|in) (?P<every>(?:every )?(?:two|three|four|five|six|seven"
    rf"|eight|nine|ten)"
    r"|\d+(?= ))\b(?! (?:years|months|days|weeks|hours))",
    r"(?P<slash>(?<![\d/])\d/\d(?![\d/]))",
    rf"(?P<ordinal>\b(?:{'|'.join(_ORDINALS)}|\d+(?:st|nd|rd|th))\b)",
    rf"(?P<times>\b(?:{'|'.join(_TIMES)})\b)",
    rf"(?P<crowd>\b(?:(?P<many>tens|hundreds) of )?(?:{'|'.join(_CROWDS)})\b(?!-))",
    rf"(?P<currency>(?<!\w){BEFORE} ?)?"
    rf"(?:(?P<digits>(?<![\w.,]){_DIGITS}|(?<=[$¥€£₩₹]){_DIGITS})|(?P<worded>\b{_WORDED}\b))"
    rf"(?P<magnitude>{_MAGNITUDE}(?![^\W_]))?(?P<plus>\+)?"
    rf"(?:[ -]{{0,2}}(?P<unit>{AFTER}|fold\b|times\b))?",
)
_NUMBER = re.compile("|".join(_FORMS), re.IGNORECASE)
_NOT_COUNTING_ONE = re.compile(
    r"\b(?:(?:one (?:of|another|day|by|thing|reason|or)\b|(?:no|the|this|that|any|every|each|which"
    r"|only|another|new|old|other|some|not) one\b)|one(?=[,.;:)]|$)|(?:at|from the) first\b"
    r"|first of all|for the first time)",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|some|nearly|almost|close to|circa|ca\.?|an? "
    r"estimated"
    r"|estimated at|in the region of|on the order of|just (?:under|over|above|below|shy of)|or so"
    r"|well (?:over|under|above|below))|~) ?(?:the |a |an )?$",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"\b(?:more than|over|above|at least|exceed(?:s|ed|ing)?|topp(?:ed|ing)|in excess of|no "
    r"less than"
    r"|upwards? of|minimum of|greater than|not less than|surpass(?:ed|ing|es)?)"
    r" ?(?:the |a |an )?$",
    re.IGNORECASE,
)
_UNDER = re.compile(
    r"\b(?:less than|under|below|fewer than|nearly|almost|smaller than|short of|shy of)"
    r" ?(?:the |a |an )?$",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"\b(?:at most|up to|no more than|as (?:much|many) as|maximum of|not more than"
    r"|not exceed(?:ing)?) ?(?:the |a |an )?$",
    re.IGNORECASE,
)
_TO = re.compile(r" ?(?:-|to|or|and) ?$")
_MINUS = re.compile(r"(?:(?:^|[(\[$¥€£,;:]|(?<![\d%]) )-|\b(?:minus|negative) )$", re.IGNORECASE)
# Words that may stand for a minus.
_FALLS = re.compile(
    r"\b(?:fall|fell|drop|declin|decreas|reduc|cut|lower|less|low|loss|lost|los[ei]|down"
    r"|shr[aiu]nk|contract|slump|plung|slid|slip|deficit|shortfall|below|under|negative|minus"
    r"|recession)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Quantity:
    """A number as a text says it, and what it counts.

    `readings` are (value, unit) pairs: 5m is five million or five metres.
    `bound` is "", "about", "over", "under" or "limit", as the words before it
    say; `of` are the stems of the words after it. `pointing` says that it has
    "the" before it, `in_range` that it is one end of a range. `negative` has a
    minus before it, `falling` words near it that may stand for one.
    """

    text: str
    start: int
    end: int
    readings: tuple[tuple[float, Unit | None], ...]
    digits: int = 0  # significant digits, as far as they can be known
    bound: str = ""
    of: frozenset[str] = frozenset()
    pointing: bool = False
    in_range: bool = False
    negative: bool = False
    falling: bool = False

    @property
    def value(self) -> float:
        return self.readings[0][0]

    @property
    def unit(self) -> Unit | None:
        return self.readings[0][1]

    @property
    def dimension(self) -> str:
        return self.unit[0] if self.unit else ""

    @property
    def size(self) -> float:
        """Value times factor, in the dimension's own unit."""
        return self.value * (self.unit[1] if self.unit else 1.0)


@lru_cache(maxsize=4096)
def quantities(text: str) -> tuple[Quantity, ...]:
    """The numbers of a text that belong to no date, in order.

    >>> [(q.size, q.dimension) for q in quantities("$33bn of 550 billion dollars, or a third")]
    [(33000000000.0, 'usd'), (550000000000.0, 'usd'), (33.333333333333336, 'percent')]
    """
    text = plain(text)
    dated = [(m.start, m.end) for m in moments(text) if not m.relative]
    text = without(text, dated)
    text = without(text, [match.span() for match in _NOT_COUNTING_ONE.finditer(text)])
    found = [one for match in _NUMBER.finditer(text) if (one := _read(match, text))]
    return tuple(_inherited(found, text))


def _read(match: re.Match[str], text: str) -> Quantity | None:
    start = match.start() + len(match[0]) - len(match[0].lstrip())
    readings, digits = _readings(match)
    if not readings:
        return None
    before, after = text[max(0, start - 30) : start], text[match.end() : match.end() + 60]
    if match["worded"] and match[0].strip()[0].isupper() and re.search(r"[A-Z]\w* $", before):
        return None  # Element Six
    return Quantity(
        text=match[0].strip(),
        start=start,
        end=match.end(),
        readings=readings,
        digits=digits,
        bound=_bound(before, match),
        of=_counted(after),
        pointing=re.search(r"\b(?:the|these|those) $", before, re.IGNORECASE) is not None,
        negative=_MINUS.search(before) is not None,
        falling=_FALLS.search(text[max(0, start - 80) : match.end() + 60]) is not None,
    )


def _readings(match: re.Match[str]) -> tuple[tuple[tuple[float, Unit | None], ...], int]:
    """What a match may mean, and its significant digits."""
    got = {name: text.lower() for name, text in match.groupdict().items() if text}
    if "fraction" in got:
        if "over" not in got and got["part"] not in ("half", "halves", "quarter", "quarters"):
            value = _ORDINALS.get(got["part"])
            return (((value, ("ordinal", 1.0)),), 9) if value else ((), 0)
        return _fraction(got.get("over", "one"), got["part"]), 2
    if "out" in got:
        above, below = _figure(got["out"]), _figure(got["every"].split(" ")[-1])
        return (((100 * above / below, ("percent", 1.0)),), 2) if below else ((), 0)
    if "slash" in got:
        above, below = map(int, got["slash"].split("/"))
        return (((100 * above / below, ("percent", 1.0)),), 2) if below else ((), 0)
    if "ordinal" in got:
        value = _ORDINALS.get(got["ordinal"]) or float(re.sub(r"\D", "", got["ordinal"]))
        return ((value, ("ordinal", 1.0)),), 9
    if "times" in got:
        return ((_TIMES[got["times"]], ("times", 1.0)),), 9
    if "crowd" in got:
        many = {"tens": 10.0, "hundreds": 100.0}.get(got.get("many", ""), 1.0)
        name = got["crowd"].split(" ")[-1]
        return ((_CROWDS[name] * many, ("crowd", 1.0)),), 1
    return _counts(got, match)


def _counts(
    got: dict[str, str], match: re.Match[str]
) -> tuple[tuple[tuple[float, Unit | None], ...], int]:
    """A number in digits or words with its magnitude and unit."""
    value = float(got["digits"].replace(",", "")) if "digits" in got else _in_words(got["worded"])
    written = got.get("digits", "").replace(",", "")
    digits = len(written.replace(".", "").lstrip("0")) if written else 2
    if written and "." not in written:
        digits = max(1, len(written.rstrip("0")))
    letter = got.get("magnitude", "").strip(" -")
    magnitude = _MULTIPLES.get(letter) or _MULTIPLES.get(letter.rstrip("s"), 1.0)
    unit = unit_of(match["currency"].strip()) if match["currency"] else None
    after = match["unit"]
    if after and after.lower() in ("fold", "times"):
        return ((value * magnitude, ("times", 1.0)),), digits
    if after and unit is None:
        unit = unit_of(after)
    readings = [(value * magnitude, unit)]
    if letter == "m" and unit is None:
        readings.append((value, ("length", 1.0)))
    if unit and unit[0] == "pound":
        readings = [(value * magnitude, ("gbp", 1.0)), (value * magnitude, ("weight", 0.45359237))]
    return tuple(readings), digits


def _fraction(over: str, part: str) -> tuple[tuple[float, Unit | None], ...]:
    below = _PARTS_OF_ONE.get(part) or _PARTS_OF_ONE[part.rstrip("s")]
    above = 1.0 if over in ("a", "an") else _figure(over)
    return ((100 * above / below, ("percent", 1.0)),)


def _figure(written: str) -> float:
    """One number, in digits or as one word."""
    return _SMALL[written] if written in _SMALL else float(written)


def _in_words(written: str) -> float:
    """
    >>> [_in_words(text) for text in ("two hundred and fifty", "half a million", "two and a half")]
    [250.0, 500000.0, 2.5]
    """
    written = written.lower().replace(" and a half", " plus-half")
    total, current = 0.0, 0.0
    for word in re.split(r"[ ,]+|-(?!half)", written):
        if word in _SMALL:
            current += _SMALL[word]
        elif word == "plus-half":
            current += 0.5
        elif word == "half":
            current = 0.5
        elif word in ("a", "an"):
            current = current or 1.0
        elif word == "dozen":
            current = (current or 1.0) * 12
        elif word == "hundred":
            current = (current or 1.0) * 100
        elif word in _MULTIPLES:
            total += (current or 1.0) * _MULTIPLES[word]
            current = 0.0
    return total + current


def _bound(before: str, match: re.Match[str]) -> str:
    if _ABOUT.search(before):
        return "about"
    if match.groupdict().get("plus") or _OVER.search(before):
        return "over"
    if _LIMIT.search(before):
        return "limit"
    return "under" if _UNDER.search(before) else ""


def _counted(after: str) -> frozenset[str]:
    """The stems of the words right after a number, up to where something else begins."""
    near = re.split(
        r"[,.;:()|$¥€£\d]| (?:of|in|on|at|for|from|to|by|with|and|or|that|which|as|than|between"
        r"|into|over|under|after|before|since|per|each|but|will|would|is|are"
        r"|was|were|has|have|had|can|could|may)\b",
        after.replace("-", " "),
    )[0]
    return frozenset(stem for stem in stems(" ".join(near.split()[:4])) if stem.isalpha())


def _inherited(found: Sequence[Quantity], text: str) -> Iterator[Quantity]:
    """In a range such as 20-30% or $1 to 2 billion, each end has what the other one says."""
    for number, one in enumerate(found):
        after = found[number + 1] if number + 1 < len(found) else None
        before = found[number - 1] if number else None
        if after and _joined(one, after, text):
            yield replace(_like(one, after), in_range=not _moves(one, text))
        elif before and _joined(before, one, text):
            alike = _like(one, before) if one.unit is None else one
            yield replace(alike, in_range=not _moves(before, text))
        else:
            yield one


def _joined(one: Quantity, other: Quantity, text: str) -> bool:
    between = text[one.end : other.start]
    kinds = {one.dimension, other.dimension} & {"ordinal", "times", "crowd"}
    return not kinds and len(between) <= 5 and bool(_TO.fullmatch(between))


def _moves(one: Quantity, text: str) -> bool:
    """Whether it is where a change begins: from 30% to 15%."""
    return text[: one.start].rstrip().endswith("from")


def _like(one: Quantity, other: Quantity) -> Quantity:
    """A number with the unit of its neighbour, and its magnitude if it has none itself."""
    scaled = re.search(_MAGNITUDE + r"(?![^\W_])", other.text, re.IGNORECASE)
    own = re.search(r"[a-z]", one.text, re.IGNORECASE)
    value = one.value
    if scaled and not own and one.value < 1000:
        value *= _MULTIPLES[scaled[0].strip(" -").lower().rstrip("s")]
    unit = one.unit or other.unit
    same = (value, unit) == one.readings[0]
    return one if same else replace(one, readings=((value, unit),), of=one.of or other.of)
