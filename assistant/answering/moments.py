"""The moment that a question speaks of: now, or what was known on some day."""

from __future__ import annotations

import calendar
import datetime
import re
from dataclasses import dataclass

_MONTHS = {
    name.lower(): number
    for number in range(1, 13)
    for name in (calendar.month_name[number], calendar.month_abbr[number])
} | {"sept": 9}
_QUARTERS = {"q1": 1, "q2": 2, "q3": 3, "q4": 4, "fi": 1, "se": 2, "th": 3, "fo": 4}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = rf"""
    (?:the\ )?
    (?:(?P<part>end|middle|beginning|start|early|mid|late)[- ](?:of\ )?)?
    (?:
        (?P<quarter>Q[1-4]|(?:first|second|third|fourth)\ quarter)(?:\ of)?
            \ (?P<quarter_year>(?:19|20)\d\d)
        |(?P<iso>(?:19|20)\d\d-\d\d-\d\d)
        |(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\ (?:of\ )?)?
         (?P<month>{_MONTH})\b\.?(?:\ (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b,?)?
         (?:,?\ (?P<year>(?:19|20)\d\d))?
        |(?P<bare>(?:19|20)\d\d)\b
    )
"""
# Words after which a date says until when the answer's knowledge reaches.
_UNTIL = re.compile(
    rf"""
    \b(?:as\ (?:of|at)|as\ things\ stood\ (?:on|in|at)|up\ to|until|till|before|prior\ to|by
        |back\ in|at\ the\ time\ of|known\ (?:on|in))\ {_DATE}
    |^(?:in|on|around|at)?\ ?{_DATE.replace("?P<", "?P<o_")}[,:]
    """,
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)
_NOW = re.compile(
    r"""
    \b(?:now|nowadays|currently|current|latest|newest|today|still|so\ far|at\ present|presently
        |to\ date|these\ days|at\ the\ moment|most\ recent(?:ly)?|up[- ]to[- ]date
        |as\ (?:things|it)\ stands?|any\ ?more)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class Moment:
    """Until when the documents count for a question, and whether the newest counts most.

    `until` is None where the question sets no date.
    """

    until: datetime.date | None = None
    now: bool = False

    @classmethod
    def of(cls, question: str, as_of: datetime.date | None = None) -> Moment:
        """Read a question. Where it names no day, `as_of` is the day; its "now" is then.

        >>> Moment.of("As of 10 October 2025, who needs a licence?")
        Moment(until=datetime.date(2025, 10, 10), now=False)
        >>> Moment.of("Is the plant still planned?")
        Moment(until=None, now=True)
        """
        found = (_last_day(_parts(match)) for match in _UNTIL.finditer(question))
        named = next((day for day in found if day), None)
        return cls(named or as_of, named is None and _NOW.search(question) is not None)

    @property
    def is_set(self) -> bool:
        """Whether the question speaks of a moment at all."""
        return self.now or self.until is not None

    def knows(self, published: str | None) -> bool:
        """Whether a document of that date (ISO) was out at this moment; undated ones count."""
        if self.until is None or published is None:
            return True
        return datetime.date.fromisoformat(published) <= self.until


def _parts(match: re.Match[str]) -> dict[str, str]:
    """The named parts of a date that were found, whichever way it was introduced."""
    return {name.removeprefix("o_"): text for name, text in match.groupdict().items() if text}


def _last_day(parts: dict[str, str]) -> datetime.date | None:
    """The last day of what a date may mean: a month without a day runs to its end."""
    if "iso" in parts:
        return _date(parts["iso"])
    year = int(parts.get("year") or parts.get("bare") or parts.get("quarter_year") or 0)
    if not year:
        return None
    if "quarter" in parts:
        month = 3 * _QUARTERS[parts["quarter"][:2].lower()]
        return datetime.date(year, month, calendar.monthrange(year, month)[1])
    part = parts.get("part", "").lower()
    if "month" not in parts:
        month = {"early": 4, "beginning": 4, "start": 4, "mid": 8, "middle": 8}.get(part, 12)
    else:
        month = _MONTHS[parts["month"].lower()]
    last = calendar.monthrange(year, month)[1]
    day = int(parts.get("day") or parts.get("day2") or 0)
    if not day and "month" in parts:
        day = {"early": 10, "beginning": 10, "start": 10, "mid": 20, "middle": 20}.get(part, last)
    return datetime.date(year, month, min(day or last, last))


def _date(iso: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(iso)
    except ValueError:
        return None
