"""Whether a text says something, however it is written.

Case does not count; numbers match by value and unit (`$600m`, `600 million
dollars`), dates by day, month and year (`17 Feb 2026`, `February 17, 2026`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

# What a right answer must contain: a text, or a list of which any one will do.
Wanted = str | list[str]

_MULTIPLES = {
    "hundred": 1e2, "thousand": 1e3, "million": 1e6, "mn": 1e6,
    "billion": 1e9, "bn": 1e9, "trillion": 1e12, "tn": 1e12,
}  # fmt: skip
_WORDS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_TENS = {20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0}
_UNITS = {
    "$": "dollar", "dollar": "dollar", "dollars": "dollar", "usd": "dollar",
    "¥": "yen", "yen": "yen", "jpy": "yen", "€": "euro", "euro": "euro", "euros": "euro",
    "£": "pound", "pound": "pound", "pounds": "pound", "won": "won", "yuan": "yuan",
    "%": "percent", "percent": "percent", "pct": "percent",
}  # fmt: skip
_MONTHS = {
    name: month
    for month, names in enumerate(
        "january/jan february/feb march/mar april/apr may june/jun july/jul august/aug "
        "september/sep/sept october/oct november/nov december/dec".split(),
        start=1,
    )
    for name in names.split("/")
}
_MONTH_NAMES = {name: list(_MONTHS)[list(_MONTHS.values()).index(m)] for name, m in _MONTHS.items()}
_UNIT_AT_END = re.compile(r"\d\s?(?:percent|per cent|[kmb]|mn|bn|tn)$|^us$")

# Spellings that mean the same: US$ and $, 17th and 17, per cent and percent.
_SAME = (
    (re.compile(r"\bU\.?S\.?\s?\$"), "$"),
    (re.compile(r"\bU\.S\.?"), "US"),
    (re.compile(r"(?<=\d)k\b", re.IGNORECASE), " thousand"),
    (re.compile(r"(?<=\d)m\b", re.IGNORECASE), " million"),
    (re.compile(r"(?<=\d)b\b", re.IGNORECASE), " billion"),
    (re.compile(r"(?<=\d)(?:st|nd|rd|th)\b(?:\s+of\b)?", re.IGNORECASE), ""),
    (re.compile(r"\bper\s+cent\b", re.IGNORECASE), "percent"),
)
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_TOKEN = re.compile(r"\d{4}-\d{2}-\d{2}|[$¥€£%]|\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|[^\W\d_]+")


@dataclass(frozen=True)
class Number:
    """A number and what it counts, if that is said."""

    value: float
    unit: str | None = None


@dataclass(frozen=True)
class Date:
    """A day of a month, of a year if that is said."""

    day: int
    month: int
    year: int | None = None


Token = str | Number | Date


def says(text: str, wanted: Wanted) -> bool:
    """Whether a text contains what is wanted.

    >>> says("It will cost $600m.", "600 million dollars")
    True
    >>> says("It will cost $600m.", ["600 billion", "600 million"])
    True
    >>> says("It will cost $1,600 million.", "600 million")
    False
    """
    if isinstance(wanted, list):
        return any(says(text, one) for one in wanted)
    if not wanted.strip():
        return False
    if _contains(text, wanted):
        return True
    found, needed = tokens(text), tokens(wanted)
    return bool(needed) and any(
        all(_matches(a, b) for a, b in zip(found[i:], needed, strict=False))
        for i in range(len(found) - len(needed) + 1)
    )


def _contains(text: str, wanted: str) -> bool:
    """Whether the characters stand there, and no number or unit is cut in two."""
    wanted = " ".join(wanted.casefold().split())
    before = r"(?<!\d)(?<!\d[.,])" if wanted[0].isdigit() else ""
    if wanted[0].isalpha():
        before = r"(?<!\w)"  # a word may go on ("bond", "bonds"), not begin earlier
    after = ""
    if wanted[-1].isdigit():
        after = rf"(?!\d)(?![.,]\d)(?!\s?(?:{'|'.join(_MULTIPLES)})\b)"
    elif _UNIT_AT_END.search(wanted):
        after = r"(?![^\W\d_])"
    pattern = before + re.escape(wanted) + after
    return re.search(pattern, " ".join(text.casefold().split())) is not None


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[Token, ...]:
    """A text as words, numbers and dates.

    >>> tokens("By Feb. 17, 2026 it was ¥3 million")
    ('by', Date(day=17, month=2, year=2026), 'it', 'was', Number(value=3000000.0, unit='yen'))
    >>> tokens("four per cent")
    (Number(value=4.0, unit='percent'),)
    """
    for spelling, plain in _SAME:
        text = spelling.sub(plain, text)
    words = [word.casefold() for word in _TOKEN.findall(text)]
    read: list[Token] = []
    position = 0
    while position < len(words):
        token, position = _date(words, position) or _number(words, position)
        read.append(token)
    return tuple(read)


def _date(words: Sequence[str], at: int) -> tuple[Token, int] | None:
    one, two, three = (*words[at : at + 3], "", "", "")[:3]
    if iso := _ISO_DATE.fullmatch(one):
        return Date(int(iso[3]), int(iso[2]), int(iso[1])), at + 1
    if one in _MONTHS and _is_day(two):
        month, day = _MONTHS[one], int(two)
    elif two in _MONTHS and _is_day(one):
        month, day = _MONTHS[two], int(one)
    else:
        return None
    if re.fullmatch(r"(?:19|20)\d\d", three):
        return Date(day, month, int(three)), at + 3
    return Date(day, month), at + 2


def _is_day(word: str) -> bool:
    return word.isdecimal() and len(word) <= 2 and 1 <= int(word) <= 31


def _number(words: Sequence[str], at: int) -> tuple[Token, int]:
    """A number with its unit before or after, or else the word as it is."""
    unit = _UNITS.get(words[at]) if words[at] in "$¥€£" else None
    start = at + 1 if unit else at
    if start >= len(words):
        return words[at], at + 1
    value = _value(words[start])
    if value is None:
        return _MONTH_NAMES.get(words[at], words[at]), at + 1
    end = start + 1
    if value in _TENS and end < len(words) and 1 <= (_value(words[end]) or 0) <= 9:
        value += _value(words[end]) or 0  # twenty-five
        end += 1
    while end < len(words) and words[end] in _MULTIPLES:
        value *= _MULTIPLES[words[end]]
        end += 1
    if unit is None and end < len(words) and words[end] in _UNITS and words[end] not in "$¥€£":
        unit = _UNITS[words[end]]
        end += 1
    return Number(value, unit), end


def _value(word: str) -> float | None:
    if word[0].isdecimal() and not _ISO_DATE.fullmatch(word):
        return float(word.replace(",", ""))
    return float(_WORDS[word]) if word in _WORDS else None


def _matches(found: Token, wanted: Token) -> bool:
    """Whether one token says the other; what is wanted may leave the unit or the year open."""
    if isinstance(found, Number) and isinstance(wanted, Number):
        same_unit = wanted.unit in (None, found.unit)
        return same_unit and abs(found.value - wanted.value) <= 1e-9 * abs(wanted.value)
    if isinstance(found, Date) and isinstance(wanted, Date):
        same_year = wanted.year in (None, found.year)
        return same_year and (found.day, found.month) == (wanted.day, wanted.month)
    return found == wanted
