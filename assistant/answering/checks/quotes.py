"""Quoted phrases: the words between quotation marks stand in the evidence, word for word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.answering.checks.plain import plain, words

_QUOTED = re.compile(r'"([^"]+)"')
_SINGLE = re.compile(r"(?<!\w)'([^']+(?:'\w+[^']*)*)'(?!\w)")
_LEFT_OUT = re.compile(r"\s*(?:\[[^\]]*\]|\.\.\.|…)\s*")


def quoted(sentence: str) -> Iterator[str]:
    """The phrases in quotation marks.

    >>> list(quoted("He spoke of “a huge misjudgment” and 'soft law'."))
    ['a huge misjudgment', 'soft law']
    """
    for marked in (_QUOTED, _SINGLE):
        for match in marked.finditer(plain(sentence)):
            yield sentence[slice(*match.span(1))]


def misquoted(sentence: str, texts: Sequence[str]) -> Iterator[str]:
    """The phrases in quotation marks that no text has word for word.

    A quote may leave words out where it says so, by an ellipsis or brackets.
    """
    known = [f" {' '.join(words(text))} " for text in texts]
    for phrase in quoted(sentence):
        pieces = [" ".join(words(piece)) for piece in _LEFT_OUT.split(phrase)]
        if not any(all(f" {piece} " in text for piece in pieces if piece) for text in known):
            yield phrase
