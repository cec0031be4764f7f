"""Dates: which a text names, and whether others contain them.

A date is a span of days. What a sentence says is supported by a date of the
evidence that lies within it: "in February 2026" by 17 February 2026, and not
the other way round.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from assistant.answering.checks.plain import plain

Day = tuple[int, int, int]  # year (0 where none is said), month, day

_MONTHS = {
    name: number
    for number in range(1, 13)
    for name in (calendar.month_name[number], calendar.month_abbr[number])
} | {"Sept": 9}
_WEEKDAYS = {calendar.day_name[n].lower(): n for n in range(7)}
_QUARTERS = {"1": 1, "2": 2, "3": 3, "4": 4, "first": 1, "second": 2, "third": 3, "fourth": 4,
             "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "last": 4, "final": 4}  # fmt: skip
_SEASONS = {"spring": (3, 5), "summer": (6, 8), "autumn": (9, 11), "fall": (9, 11)}
# What the parts of a year and of a month may mean, generously.
_OF_YEAR = {"early": (1, 4), "start": (1, 3), "mid": (4, 9), "late": (8, 12), "end": (10, 12)}
_OF_MONTH = {"early": (1, 12), "start": (1, 7), "mid": (8, 23), "late": (18, 31), "end": (24, 31)}
_PART_NAMES = {"beginning": "start", "opening": "start", "middle": "mid", "close": "end"}

_MONTH = "(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_YEAR = r"(?:1[5-9]|20|21)\d\d"
_NUMBERED_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_PARTS = (
    r"(?:(?P<part_{}>[Ee]arly|[Ll]ate|[Mm]id|[Mm]iddle|[Ss]tart|[Bb]eginning|[Oo]pening|[Ee]nd|[Cc]lose)"
    r"(?:[- ]to[- ](?:mid|late))?[- ](?:of )?(?:the )?)?"
)
_TO = r"(?: ?- ?| (?:and|to|or) )"
# Words after which four digits are a number and not a year.
_COUNTED = (
    r"(?! ?(?:%|per ?cent|percent|million|billion|trillion|bn|mn|thousand|dollars|yen|euros|tonnes?"
    r"|tons?|kg|carats?|MW|GW|kW|W/|metres?|meters?|feet|km|mm|degrees|°|jobs|workers|people"
    r"|employees|units|companies|plants|cubic|square|acres|hectares|days|hours|K\b|C\b))"
)
_NO_MONEY = "".join(f"(?<!{code} )" for code in ("USD", "JPY", "EUR", "GBP", "CNY", "RMB", "KRW"))
_FORMS = (
    rf"(?P<iso>{_YEAR}-\d\d-\d\d)",
    rf"(?P<numeric>\d{{1,2}}[./]\d{{1,2}}[./]{_YEAR})",
    r"(?P<quarter>Q[1-4]|(?:first|second|third|fourth|last|final|1st|2nd|3rd|4th)[ -]quarter)"
    rf"(?: of)?(?: (?P<fiscal_q>FY|fiscal(?: year)?))?,?[ ']*(?P<quarter_year>{_YEAR})?",
    rf"(?P<half>H[12]|(?:first|second) half)(?: of)? (?P<half_year>{_YEAR})",
    _PARTS.format("a") + rf"(?P<day>{_NUMBERED_DAY})(?:{_TO}(?P<day_to>{_NUMBERED_DAY}))?"
    rf" (?:of )?(?P<month>{_MONTH})(?:,? (?P<year>{_YEAR})(?!\d))?",
    _PARTS.format("b") + rf"(?P<month_first>{_MONTH})"
    rf"(?: (?P<day_after>{_NUMBERED_DAY})(?![\d,.]?\d| ?(?:%|per ?cent|billion|million))"
    rf"(?:{_TO}(?P<day_after_to>{_NUMBERED_DAY})(?!\d))?)?"
    rf"(?:,? (?:of )?(?P<year_after>{_YEAR})(?!\d))?",
    rf"(?P<season>[Ss]pring|[Ss]ummer|[Aa]utumn|[Ff]all) (?:of )?(?P<season_year>{_YEAR})",
    rf"(?P<fiscal>FY|[Ff]iscal(?: [Yy]ear)?) ?(?P<fiscal_year>{_YEAR})",
    _PARTS.format("c") + r"(?P<decade>(?:1[5-9]|20)\d0)'?s",
    _PARTS.format("d") + rf"{_NO_MONEY}(?P<bare>{_YEAR})(?:[-/](?P<short_to>\d\d)(?![\d-]))?"
    rf"(?![\d%])(?![.,]\d){_COUNTED}",
)
_DATE = re.compile(rf"(?<![\w$¥€£.])(?:{'|'.join(_FORMS)})(?!\w)")
_RELATIVE = re.compile(
    r"\b(yesterday|today|tomorrow|tonight|(?:last|this|next) (?:year|month|week|quarter)"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Moment:
    """A date as a text names it: its first and last day, and where it stands.

    The year is 0 where none is said. `weekday` is the name of a day alone,
    `relative` a word such as "yesterday"; neither has days by itself.
    """

    first: Day
    last: Day
    start: int
    end: int
    fiscal: bool = False
    relative: str = ""

    @property
    def has_year(self) -> bool:
        return self.first[0] > 0

    def is_in(self, year: int) -> bool:
        """Whether a year has its first day: most have no 29 February."""
        return self.first[2] <= _length(year, self.first[1])

    def of_year(self, year: int) -> Moment:
        """The same days of a year, as far as the year has them."""
        _, month, day = self.last
        last = (year, month, min(day, _length(year, month)))
        return replace(self, first=(year, *self.first[1:]), last=last)

    def contains(self, other: Moment) -> bool:
        """Whether the other lies within this one; without a year here, in any year."""
        if self.fiscal and not other.fiscal:
            return False
        if not self.has_year and other.has_year:
            other = other.of_year(0) if other.first[0] == other.last[0] else other
        return self.first <= other.first and other.last <= self.last


@lru_cache(maxsize=4096)
def moments(text: str) -> tuple[Moment, ...]:
    """The dates that a text names, in order, with words such as "Tuesday" and "last year".

    >>> [(m.first, m.last) for m in moments("by mid-February 2026, or on 17 Feb.")]
    [((2026, 2, 8), (2026, 2, 23)), ((0, 2, 17), (0, 2, 17))]
    """
    text = plain(text)
    named = [moment for match in _DATE.finditer(text) for moment in _read(match)]
    taken = [(moment.start, moment.end) for moment in named]
    relative = [
        Moment((0, 0, 0), (0, 0, 0), *match.span(), relative=match[0].lower())
        for match in _RELATIVE.finditer(text)
        if not any(start <= match.start() < end for start, end in taken)
    ]
    return tuple(sorted([*named, *relative], key=lambda moment: moment.start))


def _read(match: re.Match[str]) -> Iterator[Moment]:
    """The dates of one match: two where it is a pair of years or of readings."""
    got = {name: text for name, text in match.groupdict().items() if text}
    span = match.span()
    if "iso" in got:
        year, month, day = map(int, got["iso"].split("-"))
        yield from _days(year, month, day, day, span)
    elif "numeric" in got:
        one, two, year = map(int, re.split(r"[./]", got["numeric"]))
        yield from _days(year, two, one, one, span)
        if one != two:
            yield from _days(year, one, two, two, span)
    elif "quarter" in got:
        quarter = _QUARTERS[got["quarter"].split(" ")[0].removeprefix("Q").lower()]
        year = int(got.get("quarter_year", 0))
        yield _months(year, 3 * quarter - 2, 3 * quarter, span, "fiscal_q" in got)
    elif "half" in got:
        second = got["half"][:2] in ("H2", "se")
        yield _months(int(got["half_year"]), 7 if second else 1, 12 if second else 6, span)
    elif "season" in got:
        yield _months(int(got["season_year"]), *_SEASONS[got["season"].lower()], span)
    elif "fiscal" in got:
        yield _months(int(got["fiscal_year"]), 1, 12, span, fiscal=True)
    elif "decade" in got:
        year = int(got["decade"])
        years = {"early": (0, 4), "mid": (3, 7), "late": (5, 9)}.get(_part(got), (0, 9))
        yield Moment((year + years[0], 1, 1), (year + years[1], 12, 31), *span)
    elif "bare" in got:
        yield from _years(got, span)
    else:
        yield from _of_month(got, span)


def _years(got: dict[str, str], span: tuple[int, int]) -> Iterator[Moment]:
    year = int(got["bare"])
    yield _months(year, *_OF_YEAR.get(_part(got), (1, 12)), span)
    if "short_to" in got:
        yield _months(year // 100 * 100 + int(got["short_to"]), 1, 12, span)


def _of_month(got: dict[str, str], span: tuple[int, int]) -> Iterator[Moment]:
    name = got.get("month") or got["month_first"]
    month = _MONTHS[name.rstrip(".")]
    year = int(got.get("year") or got.get("year_after") or 0)
    day = _number(got.get("day") or got.get("day_after"))
    if day:
        yield from _days(year, month, day, day, span)
        if to := _number(got.get("day_to") or got.get("day_after_to")):
            yield from _days(year, month, to, to, span)
        return
    first, last = _OF_MONTH.get(_part(got), (1, 31))
    yield from _days(year, month, first, min(last, _length(year, month)), span)


def _days(year: int, month: int, first: int, last: int, span: tuple[int, int]) -> Iterator[Moment]:
    if 1 <= month <= 12 and first >= 1 and last <= _length(year, month):
        yield Moment((year, month, first), (year, month, last), *span)


def _months(
    year: int, first: int, last: int, span: tuple[int, int], fiscal: bool = False
) -> Moment:
    return Moment((year, first, 1), (year, last, _length(year, last)), *span, fiscal=fiscal)


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year or 2024, month)[1]


def _number(text: str | None) -> int:
    return int(re.sub(r"\D", "", text)) if text else 0


def _part(got: dict[str, str]) -> str:
    """Which part of a year or a month is meant, in one word, or nothing."""
    told = next((text for name, text in got.items() if name.startswith("part_")), "")
    word = re.split(r"[- ]", told.lower())[0]
    return _PART_NAMES.get(word, word)


def known_moments(text: str, published: str | None) -> list[Moment]:
    """What a text of that day says, with the years that it leaves open and "Tuesday" resolved."""
    day = datetime.date.fromisoformat(published) if published else None
    found = []
    spoken = {moment.first[0] for moment in moments(text) if moment.has_year}
    for moment in moments(text):
        if moment.relative:
            # "Friday 20 February" is no other Friday.
            alone = day and not any(0 <= one.start - moment.end <= 6 for one in moments(text))
            found += [moment, *(_resolved(moment, day) if day and alone else ())]
        elif moment.has_year:
            found.append(moment)
        else:
            years = filter(moment.is_in, spoken | _near(moment, day))
            found += [moment, *map(moment.of_year, years)]
    return found


def _near(moment: Moment, day: datetime.date | None) -> set[int]:
    """The years that a date without one may mean in a text of that day."""
    if day is None:
        return set()
    before = {day.year - 1} if moment.first[1] > day.month else set()
    after = {day.year + 1} if moment.first[1] < day.month else set()
    return {day.year} | before | after


def _resolved(moment: Moment, day: datetime.date) -> Iterator[Moment]:
    """The days that a word such as "Tuesday" or "last month" may mean on that day."""
    word = moment.relative
    if word in _WEEKDAYS:
        back = (day.weekday() - _WEEKDAYS[word]) % 7
        for days in (-back, -back - 7, 7 - back):
            yield _one_day(day + datetime.timedelta(days), moment)
        return
    if word in ("yesterday", "today", "tonight", "tomorrow"):
        shift = {"yesterday": -1, "tomorrow": 1}.get(word, 0)
        yield _one_day(day + datetime.timedelta(shift), moment)
        return
    which, unit = word.split(" ")
    step = {"last": -1, "this": 0, "next": 1}[which]
    if unit == "year":
        yield _months(day.year + step, 1, 12, (moment.start, moment.end))
    elif unit == "month":
        year, month = divmod(day.year * 12 + day.month - 1 + step, 12)
        yield _months(year, month + 1, month + 1, (moment.start, moment.end))


def _one_day(day: datetime.date, moment: Moment) -> Moment:
    as_day = (day.year, day.month, day.day)
    return replace(moment, first=as_day, last=as_day, relative="")


def supported(moment: Moment, known: Sequence[Moment]) -> bool:
    """Whether some known date lies within this one."""
    if moment.relative in _WEEKDAYS:
        return any(
            one.relative == moment.relative or _falls_on(one, _WEEKDAYS[moment.relative])
            for one in known
        )
    if moment.relative:
        return any(one.relative == moment.relative for one in known)
    return any(
        not one.relative and (one.has_year or not moment.has_year) and moment.contains(one)
        for one in known
    )


def _falls_on(moment: Moment, weekday: int) -> bool:
    one_day = moment.has_year and moment.first == moment.last
    return one_day and datetime.date(*moment.first).weekday() == weekday
