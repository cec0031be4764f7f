"""Whether a number stands among others, however it is written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.answering.checks.plain import plain, stems, words
from assistant.answering.checks.quantities import Quantity
from assistant.answering.checks.units import AFTER, CURRENCIES, Unit, unit_of

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
    near = [
        one
        for one in known
        if _same_sign(claim, one) and (_same(claim, one, text) or _numbered(claim, one))
    ]
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


def _same_sign(claim: Quantity, one: Quantity) -> bool:
    """Whether both have a minus, or neither; a word such as "fell" may stand for one."""
    return claim.negative == one.negative or (one if claim.negative else claim).falling


def _same(claim: Quantity, one: Quantity, text: str) -> bool:
    return any(
        _alike(unit, other_unit, claim)
        and _close(*_sizes((value, unit), (other, other_unit)), claim, one)
        for value, unit in claim.readings
        for other, other_unit in readings_with_unit(one, unit, text)
    )


def readings_with_unit(
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
        return rounder and abs(claimed - cited) <= 0.05 * abs(cited) and rounds(cited, claim)
    if claim.bound == "over":
        most = 1.3 if claim.dimension == "percent" and not claim.text[0].isdigit() else 1.15
        return rounder and one.bound != "over" and claimed < cited <= most * claimed
    return claim.bound == "under" and rounder and 0.85 * claimed <= cited < claimed


def rounds(cited: float, claim: Quantity) -> bool:
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
