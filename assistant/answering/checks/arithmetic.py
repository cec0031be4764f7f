"""Whether a number can be worked out from cited ones: a sum, a difference, a change, a time."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import replace

from assistant.answering.checks.dates import Moment
from assistant.answering.checks.numbers import readings_with_unit, rounds
from assistant.answering.checks.plain import plain
from assistant.answering.checks.quantities import Quantity

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


def computed(claim: Quantity, known: Sequence[Quantity], sentence: str, text: str) -> bool:
    """Whether a number is the sum, difference or change of cited ones, as the sentence says."""
    known = [replace(one, readings=readings_with_unit(one, claim.unit, text)[-1:]) for one in known]
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
            claim.bound == "about" and rounds(size, claim)
        )
    return False


def _decimals(claim: Quantity) -> int:
    found = re.search(r"\d\.(\d+)", claim.text)
    return len(found[1]) if found else 0
