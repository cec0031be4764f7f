"""A text in one spelling, character for character, so that places in it stay true."""

from __future__ import annotations

import re
from functools import lru_cache

from assistant.lexical import terms

_SAME = str.maketrans(
    {**dict.fromkeys("‐‑‒–—−", "-"), **dict.fromkeys("‘’‛", "'"), **dict.fromkeys("“”„«»", '"'),
     "\u00a0": " ", "\u202f": " ", "\u2009": " ", "≈": "~", "％": "%", "＄": "$", "￥": "¥"}
)  # fmt: skip
_THIN = re.compile(r"(?<=\d)[\u00a0\u202f\u2009](?=\d{3}(?!\d))")
_MARKUP = re.compile(r"[*_`]")
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)?|[^\W_]+")


def plain(text: str) -> str:
    """Dashes, quotation marks and spaces of one kind, no emphasis; as long as the text.

    >>> plain("“10–20 %” of *1000*")
    '"10-20 %" of  1000 '
    """
    return _MARKUP.sub(" ", _THIN.sub(",", text).translate(_SAME))


def without(text: str, places: list[tuple[int, int]]) -> str:
    """The text with these places blanked out."""
    for start, end in places:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


@lru_cache(maxsize=16384)
def stems(text: str) -> tuple[str, ...]:
    """The stems of a text's words, stop words left out.

    >>> stems("What will the two plants cost?")
    ('what', 'two', 'plant', 'cost')
    """
    return tuple(terms([text])[0])


def words(text: str) -> list[str]:
    """The words of a text in small letters, in order."""
    return [word.lower() for word in _WORD.findall(plain(text))]
