"""Figures that are read as no number: they must stand in the evidence as they are written.

"cost43 million", ".5", "½", "10⁹", "42.000.000", "四十三万": what such a figure
says cannot be compared, and what cannot be compared is not borne out.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence

from assistant.answering.checks.dates import moments
from assistant.answering.checks.plain import plain
from assistant.answering.checks.quantities import quantities

# A word with the points and commas that may belong to its figures.
_WORD = re.compile(r"[.,]?[^\W_]+(?:[.,][^\W_]+)*")
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_SCALE = f"(?:{'|'.join(_SCALES)})"
_SCALED = re.compile(rf"\b{_SCALE}(?:[ -]{_SCALE})*\b", re.IGNORECASE)


def unread(sentence: str, texts: Sequence[str]) -> Iterator[str]:
    """The words with such figures that no text has, as they stand in the sentence.

    >>> list(unread("It cost43 million, or ½ of 5 million.", ["It cost 43 million."]))
    ['cost43', '½']
    """
    read = _read(sentence)
    known = {_form(word[0]) for text in texts for word in _WORD.finditer(plain(text))}
    for word in _WORD.finditer(plain(sentence)):
        figures = (at for at in range(*word.span()) if _is_figure(sentence[at]))
        if not read.issuperset(figures) and _form(word[0]) not in known:
            yield sentence[slice(*word.span())].lstrip(",")
    for scaled in _SCALED.finditer(plain(sentence)):
        if scaled.start() not in read and not _is_of_size(scaled[0], texts):
            yield sentence[slice(*scaled.span())]


def _read(text: str) -> set[int]:
    """The places of a text that are part of a number or of a date."""
    spans = [(one.start, one.end) for one in quantities(text)]
    spans += [(one.start, one.end) for one in moments(text) if not one.relative]
    return {at for span in spans for at in range(*span)}


def _is_figure(character: str) -> bool:
    return unicodedata.numeric(character, None) is not None


def _form(word: str) -> str:
    """A word in one spelling, so that CO₂ is CO2."""
    return unicodedata.normalize("NFKC", word).casefold()


def _is_of_size(words: str, texts: Sequence[str]) -> bool:
    """Whether a text has such words, or a number that they may be said for: several million."""
    parts = re.split("[ -]", words.lower())
    least = math.prod(_SCALES[part] for part in parts)
    most = least * (10 if parts[0] == "hundred" else 1000)
    return any(
        re.search(rf"\b{re.escape(words)}\b", plain(text), re.IGNORECASE)
        or any(least <= one.value < most for one in quantities(text))
        for text in texts
    )
