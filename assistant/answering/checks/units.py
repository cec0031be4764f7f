"""What numbers count: units of money, share, weight, length, power, time and more."""

from __future__ import annotations

import re
from collections.abc import Mapping

# A unit is a dimension and a factor: a tonne is a weight of 1000 kilograms. Two
# amounts are the same if their dimensions are, and value times factor is.
Unit = tuple[str, float]

_WRITTEN: Mapping[str, str] = {
    # dimension, factor: spellings in small letters; a plural s may follow a word of 3 letters
    "usd 1": "$|dollar|usd|us$|us dollar|u.s. dollar",
    "usd 0.01": "us cent|cent",
    "jpy 1": "¥|yen|jpy",
    "eur 1": "€|euro|eur",
    "gbp 1": "£|sterling|gbp",
    "krw 1": "₩|won|krw",
    "cny 1": "yuan|renminbi|rmb|cny",
    "inr 1": "₹|rupee|inr",
    "chf 1": "franc|chf",
    "twd 1": "nt$|twd",
    "aud 1": "a$|aud",
    "cad 1": "c$|cad",
    "percent 1": "%|percent|per cent|pct|per-cent",
    "points 1": "percentage point|percentage-point|pp|ppt|ppts",
    "points 0.01": "basis point|basis-point|bp|bps",
    "weight 1000": "tonne|ton|metric ton|metric tonne|mt",
    "weight 1": "kilogram|kilo|kg|kgs",
    "weight 0.001": "gram|gramme",
    "weight 0.000001": "milligram|mg",
    "weight 0.45359237": "lb|lbs",
    "weight 0.0002": "carat|ct|cts",
    "length 1000": "kilometre|kilometer|km",
    "length 1": "metre|meter",
    "length 0.01": "centimetre|centimeter|cm",
    "length 0.001": "millimetre|millimeter|mm",
    "length 0.000001": "micrometre|micrometer|micron|µm|μm|um",
    "length 0.000000001": "nanometre|nanometer|nm",
    "length 0.0254": "inch|inches",
    "length 0.3048": "foot|feet|ft",
    "length 1609.344": "mile",
    "area 1": "square metre|square meter|m²|m2|sq m",
    "area 1000000": "square kilometre|square kilometer|km²",
    "area 0.0001": "square centimetre|square centimeter|cm²|cm2",
    "area 0.000001": "square millimetre|square millimeter|mm²|mm2",
    "area 0.09290304": "square foot|square feet|sq ft",
    "area 10000": "hectare|ha",
    "area 4046.8564224": "acre",
    "volume 1": "cubic metre|cubic meter|m³|m3",
    "volume 0.000001": "cubic centimetre|cubic centimeter|cm³|cm3",
    "volume 0.000000001": "cubic millimetre|cubic millimeter|mm³|mm3",
    "volume 0.001": "litre|liter",
    "barrels 1": "barrel|bbl",
    "power 1": "watt",
    "power 1000": "kilowatt|kw",
    "power 1000000": "megawatt|mw",
    "power 1000000000": "gigawatt|gw",
    "power 1000000000000": "terawatt|tw",
    "energy 1000": "kilowatt hour|kilowatt-hour|kwh",
    "energy 1000000": "megawatt hour|megawatt-hour|mwh",
    "energy 1000000000": "gigawatt hour|gigawatt-hour|gwh",
    "energy 1000000000000": "terawatt hour|terawatt-hour|twh",
    "conductivity 1": "w/(m·k)|w/(m*k)|w/m·k|w/mk|w/m-k|w/m/k|w/(mk)|w/(m-k)|w/m k"
    "|watts per metre kelvin|watts per meter kelvin|watts per metre-kelvin"
    "|watts per meter-kelvin|watts per metre per kelvin|watts per meter per kelvin",
    "conductivity 100": "w/cm·k|w/(cm·k)|w/cmk",
    "celsius 1": "°c|℃|degrees celsius|degree celsius|degrees centigrade|celsius",
    "fahrenheit 1": "°f|degrees fahrenheit|degree fahrenheit|fahrenheit",
    "kelvin 1": "kelvin|kelvins",
    "pressure 1000000000": "gigapascal|gpa",
    "pressure 1000000": "megapascal|mpa",
    "pressure 1000": "kilopascal|kpa",
    "pressure 100000": "bar|bars",
    "pressure 100000000": "kbar|kilobar",
    "pressure 101325": "atmosphere|atm",
    "frequency 1": "hertz|hz",
    "frequency 1000000": "megahertz|mhz",
    "frequency 1000000000": "gigahertz|ghz",
    "volt 1": "volt",
    "volt 1000": "kilovolt|kv",
    "seconds 1": "second|sec",
    "seconds 60": "minute|min",
    "seconds 3600": "hour|hr",
    "days 1": "day",
    "days 7": "week",
    "months 1": "month",
    "months 12": "year|yr",
    "months 120": "decade",
    "months 1200": "century|centuries",
}
CURRENCIES = frozenset("usd jpy eur gbp krw cny inr chf twd aud cad".split())
# In capitals only: a small "w" or "k" is a letter, "mt" or "ct" may be one of a name.
_CASED: Mapping[str, Unit] = {
    "W": ("power", 1.0), "K": ("kelvin", 1.0), "V": ("volt", 1.0), "t": ("weight", 1000.0),
    "g": ("weight", 0.001), "m": ("length", 1.0), "kt": ("weight", 1e6), "Mt": ("weight", 1e9),
    "GW": ("power", 1e9), "Å": ("length", 1e-10), "eV": ("energy-ev", 1.0), "l": ("volume", 0.001),
}  # fmt: skip


def _spellings() -> dict[str, Unit]:
    found: dict[str, Unit] = {}
    for key, written in _WRITTEN.items():
        dimension, factor = key.split(" ")
        for name in written.split("|"):
            found[name] = (dimension, float(factor))
            if len(name) > 2 and name[-1].isalpha() and name[-1] != "s":
                found.setdefault(f"{name}s", found[name])
    return found


UNITS = _spellings() | {"pound": ("pound", 1.0), "pounds": ("pound", 1.0)}
_LONGEST = sorted(UNITS, key=len, reverse=True)
# A unit after a number, and a sign of money before one.
AFTER = (
    r"(?i:" + "|".join(map(re.escape, _LONGEST)) + r")(?![^\W_])"
    r"|(?-i:" + "|".join(map(re.escape, sorted(_CASED, key=len, reverse=True))) + r")(?![^\W_])"
)
BEFORE = (
    r"(?:U\.?S\.? ?\$|US ?\$|NT\$|A\$|C\$|\$|¥|€|£|₩|₹"
    r"|(?:USD|JPY|EUR|GBP|RMB|CNY|KRW|US dollars)(?= ?\d))"
)
_SIGNS = {"u.s.$": "usd", "us$": "usd", "u.s$": "usd", "usdollars": "usd"}


def unit_of(written: str) -> Unit | None:
    """The unit of a spelling, or nothing.

    >>> [unit_of(text) for text in ("US$", "metric tons", "W/(m·K)", "m")]
    [('usd', 1.0), ('weight', 1000.0), ('conductivity', 1.0), ('length', 1.0)]
    """
    if written in _CASED:
        return _CASED[written]
    small = " ".join(written.lower().split())
    if small.replace(" ", "") in _SIGNS:
        return _SIGNS[small.replace(" ", "")], 1.0
    return UNITS.get(small)
