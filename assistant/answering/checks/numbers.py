"""Numbers: which a text says, and whether others bear them out.

1,000 = 1000 = one thousand; $33bn = 33 billion dollars; a third = 33 per cent.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from assistant.answering.checks.dates import Moment, moments
from assistant.answering.checks.plain import plain, stems, without, words
from assistant.answering.checks.units import AFTER, BEFORE, CURRENCIES, Unit, unit_of

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
_INITIAL = frozenset(stems("initial inaugural earliest debut maiden opening original pioneering"))
# What may be counted that the evidence only tells one by one.
_TOLD = frozenset(stems("parts items figures sums amounts sides things steps points reasons cases"))
_LISTED = frozenset(stems(
    "colleagues authors co-authors others researchers scientists people companies firms partners"
    " countries states provinces names sites cities"
))  # fmt: skip
_PROPER = r"[A-Z][\w.'-]*(?: [A-Z][\w.'-]*)*"
_LIST = re.compile(rf"{_PROPER}(?:, {_PROPER})*,? and {_PROPER}")
_SPLIT = frozenset(stems("split share division ratio basis"))
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
    r"(?:[ -]?(?:thousand|million|mln|mn|billion|bln|bn|trillion|trn|tn|lakh|crore)s?|[kKmMbB])"
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
_SUM = re.compile(
    r"\b(?:total|together|combined|sum|altogether|in all|overall|jointly|aggregate|adds? up"
    r"|plus|both|added)",
    re.IGNORECASE,
)
_GAP = re.compile(
    r"\b(?:more|less|fewer|difference|gap|higher|lower|larger|smaller|longer|shorter|rise|rose|risen"
    r"|fall|fell|fallen|increas|decreas|cut|drop|reduc|remain|left|rest|additional|another|balance"
    r"|up|down|shortfall|narrow|widen|short|exceed|grew|grow|growth|gain|declin|slump|jump|climb"
    r"|slip|lost|shr[aiu]nk|later|earlier|apart|between|halv|extra)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Quantity:
    """A number as a text says it, and what it counts.

    `readings` are (value, unit) pairs: 5m is five million or five metres.
    `bound` is "", "about", "over", "under" or "limit", as the words before it
    say; `of` are the stems of the words after it. `pointing` says that it has
    "the" before it, `in_range` that it is one end of a range.
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
        below = _in_words(got["every"].split(" ")[-1]) or float(got["every"].split(" ")[-1])
        above = _SMALL.get(got["out"]) or float(got["out"])
        return ((100 * above / below, ("percent", 1.0)),), 2
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
    above = 1.0 if over in ("a", "an") else _SMALL.get(over) or float(over)
    return ((100 * above / below, ("percent", 1.0)),)


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


def supported(claim: Quantity, known: Sequence[Quantity], text: str) -> bool:
    """Whether a number stands among others; `text` is where those come from."""
    if claim.dimension == "ordinal" and claim.value == 1.0 and _INITIAL & set(stems(text)):
        return True
    if claim.dimension == "ordinal" and claim.text.lower() in words(text):
        return not any(claim.of & one.of for one in known if one.dimension == "ordinal") or any(
            _same(claim, one, text) for one in known
        )
    rivals = any(claim.of & one.of for one in known if not one.unit)
    if not rivals and (_counts_the_said(claim) or _counts_listed(claim, text)):
        return True
    near = [one for one in known if _same(claim, one, text) or _numbered(claim, one)]
    return bool(near) and not _counts_other(claim, near, known)


def _counts_the_said(claim: Quantity) -> bool:
    """Whether it only counts what is told anyway: "one hub", "the two parts"."""
    if claim.unit or not claim.text.isalpha() or claim.value > 4:
        return False
    return claim.value == 1.0 or claim.pointing or bool(claim.of & _TOLD)


def _counts_listed(claim: Quantity, text: str) -> bool:
    """Whether it counts names that the text lists, all or all but the first: three colleagues."""
    if claim.unit or not claim.of & _LISTED:
        return False
    sizes = {1 + len(re.findall(r", (?:and )?| and ", match[0])) for match in _LIST.finditer(text)}
    return bool({claim.value, claim.value + 1} & sizes)


def _numbered(claim: Quantity, one: Quantity) -> bool:
    """Whether one is the other's place in a row: page two, the second page."""
    kinds = {claim.dimension, one.dimension}
    return kinds == {"", "ordinal"} and claim.value == one.value and not (claim.of and one.of)


def _same(claim: Quantity, one: Quantity, text: str) -> bool:
    return any(
        _alike(unit, other_unit, claim)
        and _close(*_sizes((value, unit), (other, other_unit)), claim, one)
        for value, unit in claim.readings
        for other, other_unit in _with_unit_named(one, unit, text)
    )


def _with_unit_named(
    one: Quantity, unit: Unit | None, text: str
) -> tuple[tuple[float, Unit | None], ...]:
    """The readings of a bare number, also with a unit that its text names elsewhere.

    "The 10 gigawatts, 9.2 of them from gas"; a column of a table, by its heading.
    """
    bare = (
        unit
        and one.unit is None
        and (not one.of or one.value % 1)
        and unit[0] not in ("ordinal", "times", "crowd")
    )
    if not bare or not _names_unit(text, unit):
        return one.readings
    return (*one.readings, (one.value, unit))


def _sizes(one: tuple[float, Unit | None], other: tuple[float, Unit | None]) -> tuple[float, float]:
    """Two readings made comparable: values alone, where one of them has no unit."""
    if one[1] is None or other[1] is None:
        return one[0], other[0]
    return one[0] * one[1][1], other[0] * other[1][1]


def _alike(unit: Unit | None, other: Unit | None, claim: Quantity) -> bool:
    """Whether two units can be meant for one thing."""
    if unit and other:
        return unit[0] == other[0] or {unit[0], other[0]} == {"crowd", ""}
    if unit is None and other:
        if other[0] == "percent":
            return not claim.of - _SPLIT
        return other[0] in CURRENCIES or claim.value >= 100 or not claim.of
    return unit is None or unit[0] == "crowd"


def _names_unit(text: str, unit: Unit | None) -> bool:
    found = {match[0] for match in re.finditer(rf"(?<![^\W_])(?:{AFTER})|[$¥€£%]", plain(text))}
    return any(unit_of(written) == unit for written in found)


def _close(claimed: float, cited: float, claim: Quantity, one: Quantity) -> bool:
    """Whether one value may be said for the other, given the words before it."""
    if "crowd" in (claim.dimension, one.dimension) and claim.dimension != one.dimension:
        low, high = sorted((claimed, cited))
        return high < 50 * low and claim.dimension == "crowd" and cited >= claimed / 2
    same = abs(claimed - cited) <= 1e-9 * max(abs(claimed), abs(cited))
    if same:
        bounds = {claim.bound, one.bound}
        return not ("over" in bounds and bounds & {"under", "limit"})
    fractional = re.search(r"[a-z]", claim.text + one.text, re.I) and claim.dimension == "percent"
    if fractional and abs(claimed - cited) <= 0.5:
        return True  # a third for 33 or 33.3 per cent
    rounder = claim.digits < one.digits or (claim.digits == one.digits == 1)
    if claim.bound == "about":
        return rounder and abs(claimed - cited) <= 0.05 * abs(cited) and _rounds(cited, claim)
    if claim.bound == "over":
        most = 1.3 if claim.dimension == "percent" and not claim.text[0].isdigit() else 1.15
        return rounder and one.bound != "over" and claimed < cited <= most * claimed
    return claim.bound == "under" and rounder and 0.85 * claimed <= cited < claimed


def _rounds(cited: float, claim: Quantity) -> bool:
    """Whether a value rounds to the claimed one, to as many significant digits as this has."""
    factor = claim.unit[1] if claim.unit else 1.0
    return float(f"{cited / factor:.{max(1, claim.digits) - 1}e}") == float(f"{claim.value:.6e}")


def _counts_other(claim: Quantity, near: Sequence[Quantity], known: Sequence[Quantity]) -> bool:
    """Whether the number is said of something else, and this has another number.

    "Three plants", where the evidence has three reactors and two plants.
    """
    if claim.unit or not claim.of or any(not one.of or claim.of & one.of for one in near):
        return False
    return any(claim.of & one.of for one in known if one not in near and not one.unit)


def computed(claim: Quantity, known: Sequence[Quantity], sentence: str, text: str) -> bool:
    """Whether a number is the sum, difference or change of cited ones, as the sentence says."""
    known = [replace(one, readings=_with_unit_named(one, claim.unit, text)[-1:]) for one in known]
    near = plain(sentence)[max(0, claim.start - 60) : claim.end + 30]
    ends = {one.size for one in known if one.in_range}
    sizes = sorted({one.size for one in known if _addable(claim, one)})
    if len(sizes) <= 8:
        for low, high in ((a, b) for a in sizes for b in sizes if a < b):
            if _GAP.search(near) and not {low, high} <= ends and _equal(claim, high - low):
                return True
            if _SUM.search(sentence) and any(
                _equal(claim, low + high + more) for more in (0.0, *(s for s in sizes if s > high))
            ):
                return True
        twice = [one.size for one in known if _addable(claim, one)]
        if _SUM.search(sentence) and any(
            twice.count(size) > 1 and _equal(claim, 2 * size) for size in sizes
        ):
            return True
    return _relative(claim, known, near)


def between_dates(claim: Quantity, known: Sequence[Moment]) -> bool:
    """Whether it is the time from one cited day to another: three days later."""
    days = sorted(
        {datetime.date(*m.first) for m in known if m.has_year and m.first == m.last}
    )  # fmt: skip
    years = {m.first[0] for m in known if m.has_year}
    if claim.dimension == "months":
        return any(abs(a - b) * 12 == claim.size for a in years for b in years if a != b)
    gaps = {(b - a).days for a in days for b in days if a < b}
    return claim.dimension == "days" and claim.size in gaps


def _addable(claim: Quantity, one: Quantity) -> bool:
    if one.dimension in ("ordinal", "times", "crowd"):
        return False
    if claim.dimension == "points":
        return one.dimension in ("percent", "points")
    if claim.unit:
        return claim.dimension == one.dimension
    return one.unit is None and (bool(claim.of & one.of) or one.value >= 100)


def _relative(claim: Quantity, known: Sequence[Quantity], near: str) -> bool:
    """Whether it is the change from one cited amount to another in per cent, or their ratio."""
    if claim.dimension not in ("percent", "times"):
        return False
    by_unit: dict[str, set[float]] = {}
    for one in known:
        shares = one.dimension == "percent" and not claim.text.isalpha()
        if one.dimension not in ("ordinal", "times", "crowd") and not shares and one.size > 0:
            by_unit.setdefault(one.dimension, set()).add(one.size)
    pairs = [(a, b) for sizes in by_unit.values() if len(sizes) <= 4 for a in sizes for b in sizes
             if a != b]  # fmt: skip
    if claim.dimension == "times":
        return any(_equal(claim, a / b) for a, b in pairs)
    changes = _GAP.search(near) is not None
    return any(
        (changes and _equal(claim, 100 * abs(b - a) / a)) or (a < b and _equal(claim, 100 * a / b))
        for a, b in pairs
    )


def _equal(claim: Quantity, size: float) -> bool:
    if abs(claim.size - size) <= 1e-6 * max(abs(claim.size), abs(size)):
        return True
    ratio = claim.dimension in ("percent", "times")
    if claim.bound or ratio:
        unit = claim.unit[1] if claim.unit else 1.0
        return f"{size / unit:.{_decimals(claim)}f}" == f"{claim.value:.{_decimals(claim)}f}" or (
            claim.bound == "about" and _rounds(size, claim)
        )
    return False


def _decimals(claim: Quantity) -> int:
    found = re.search(r"\d\.(\d+)", claim.text)
    return len(found[1]) if found else 0
