"""A model's reply, piece by piece → whole sentences with the ids that they cite.

What comes out depends on the text alone, never on how it was cut into pieces.
A sentence is held back until the next has begun: its ids may stand behind its
full stop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.answering.invisible import INVISIBLE
from assistant.segmentation import Block, Span, split_sentences

_LOOK = 16  # characters between two looks for a whole sentence; more where many are held
_BEGUN = 12  # characters of the next sentence, after which the one before is whole
_LONGEST_BRACKET = 60
_OPEN_LINK = re.compile(r"!?\[[^\[\]]*\]\([^()\s]*$")
_MAY_LINK = re.compile(r"!?\[[^\[\]]*\]$|!$")

_BRACKET = re.compile(  # an id that was made a link loses its address
    r"\[\[?\^?(?P<id>[^\[\]]{0,60})\]?\](?:\([a-z]+:[^()\s]*\))?|【(?P<other>[^【】]{0,60})】"
)
_WORDS = re.compile(r"[\s,;:|†]+")
_LABELS = {"source", "sources", "id", "ids", "ref", "refs", "see", "cite", "and"}
_ID = re.compile(r"[a-z0-9]{1,6}", re.IGNORECASE)
_THOUGHT = re.compile(r"\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_THINKS = "<thinking>"

# With bounds: a reply may open thousands, and close none.
_IMAGE = re.compile(r"!\[[^\]]{0,200}\](?:\([^)]{0,500}\)|\[[^\]]{0,200}\])?")
_ASIDE = re.compile(f"{_IMAGE.pattern}|{_BRACKET.pattern}")
_LINK = re.compile(r"\[([^\[\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_ADDRESS = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]{1,15}://[^\s)\]>\"']*"
    r"|\b(?:www\.|(?:data|javascript|mailto|file):)[^\s)\]>\"']+)",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[a-z/!?|][^<>]*>", re.IGNORECASE)
_OPEN_TAG = re.compile(r"<(?=[a-z/!?|])", re.IGNORECASE)
_MARKS = re.compile(r"\*\*|__|`+")
_OPENS = re.compile(r"\s+[“‘«(\"']$")
_LINE_MARK = re.compile(r"\s*(?:#{1,6}\s+|>+\s*|[-*+•]\s+|\d{1,2}[.)]\s+)+")
_HOLLOW = re.compile(r"\(\s*\)|\[\s*\]")
_OUR_MARKER = re.compile(r"\[(\d{1,3})\]")
_SPACE_BEFORE = re.compile(r"\s+([.,;:!?])")


@dataclass(frozen=True)
class Said:
    """A sentence of a reply, without its ids, and the ids in their order."""

    text: str
    ids: tuple[str, ...]


class Reply:
    """Takes a reply in pieces and gives its sentences, each once it is whole."""

    def __init__(self) -> None:
        self.text = ""
        self._held = ""  # what no sentence has been made of yet
        self._look_at = _LOOK  # characters of the text

    def add(self, piece: str) -> Iterator[Said]:
        """The sentences that are whole after one more piece."""
        for character in piece:
            self.text += character
            self._held += character
            ends_line = character == "\n" and len(self._held) < _LOOK * _LOOK
            if ends_line or len(self.text) >= self._look_at:
                yield from self._whole()
                self._look_at = len(self.text) + max(_LOOK, len(self._held) // _LOOK)

    def end(self) -> Iterator[Said]:
        """The sentences that are left."""
        held, self._held = without_thought(self._held), ""
        yield from (said for said, _ in _sentences(_closed(held)))

    def _whole(self) -> Iterator[Said]:
        """The sentences after which the next has begun; the rest is held."""
        if _may_think(self._held):
            return
        held = without_thought(self._held)
        begun = _MAY_LINK.sub("", _closed(held))
        whole = [
            (said, end)
            for said, end in _sentences(begun)
            if len(_ASIDE.sub("", begun[end:]).strip()) >= _BEGUN
        ]
        if whole:
            self._held = held[whole[-1][1] :]
        yield from (said for said, _ in whole)


def cleaned(text: str) -> str:
    """A sentence without anything that could lead elsewhere, act, or pass for a marker of ours.

    Links keep their words; addresses, images, HTML and what cannot be seen are gone.

    >>> cleaned("**Grit** is [made](http://x.example/?q=1) here ![](http://x.example/p.png) .")
    'Grit is made here.'
    """
    text = _TAG.sub("", _IMAGE.sub("", INVISIBLE.sub("", text)))
    text = _ADDRESS.sub("", _LINK.sub(r"\1", text))
    text = _MARKS.sub("", _OPEN_TAG.sub("", text))
    text = _HOLLOW.sub("", _OUR_MARKER.sub(r"(\1)", text))
    return _SPACE_BEFORE.sub(r"\1", " ".join(text.split()))


def _may_think(text: str) -> bool:
    """Whether the text is, or may become, a thought that has not ended."""
    start = text.lstrip().lower()
    if len(start) < len(_THINKS):
        return _THINKS.startswith(start) or "<think>".startswith(start)
    return start.startswith(("<think>", _THINKS)) and "</think" not in start


def without_thought(text: str) -> str:
    """A reply without the thought that it begins with, ended or not."""
    return _THOUGHT.sub("", text, count=1) if _THOUGHT.match(text) else text


def _closed(text: str) -> str:
    """The text up to a bracket at its end, or a link's address, that has not closed yet."""
    if link := _OPEN_LINK.search(text):
        return text[: link.start()]
    start = max(text.rfind("["), text.rfind("【"))
    is_open = start >= 0 and not re.search(r"[\]】]", text[start:])
    return text[:start] if is_open and len(text) - start <= _LONGEST_BRACKET else text


def _sentences(text: str) -> list[tuple[Said, int]]:
    """The sentences of a text, each with the place where it ends, ids included.

    Ids belong to the sentence before them; at the beginning of a line, to the
    one after; on a line of their own, to the last one before it.
    """
    found: list[tuple[Said, int]] = []
    start = 0
    for line in text.splitlines(keepends=True):
        bare, origin, markers = _unmarked(line)
        spans = _spans(bare)
        if not spans and found:
            last, _ = found.pop()
            ids = dict.fromkeys([*last.ids, *(one for _, ids in markers for one in ids)])
            found.append((Said(last.text, tuple(ids)), start + len(line)))
        for place, span in enumerate(spans):
            first = origin[span.start] if place else 0
            is_last = place + 1 == len(spans)
            end = len(line) if is_last else origin[spans[place + 1].start]
            ids = dict.fromkeys(one for at, ids in markers if first <= at < end for one in ids)
            found.append((Said(cleaned(span.of(bare)), tuple(ids)), start + end))
        start += len(line)
    return found


def _spans(line: str) -> list[Span]:
    """The sentences of a line; a quotation mark that opens one is its own, not the last one's."""
    spans = split_sentences(line, Block("paragraph", Span(_begin(line), len(line))))
    for place in range(1, len(spans)):
        before, span = spans[place - 1 : place + 1]
        if (mark := _OPENS.search(before.of(line))) and before.end == span.start:
            spans[place - 1] = Span(before.start, before.start + mark.start())
            spans[place] = Span(before.end - 1, span.end)
    return spans


def _begin(line: str) -> int:
    """Where a line's words begin, behind the mark of a list or a heading."""
    mark = _LINE_MARK.match(line)
    return mark.end() if mark else 0


def _unmarked(line: str) -> tuple[str, list[int], list[tuple[int, list[str]]]]:
    """A line without its ids, where each of its characters stood, and the ids by their place."""
    bare = ""
    origin: list[int] = []
    markers: list[tuple[int, list[str]]] = []
    position = 0
    for bracket in _ASIDE.finditer(line):
        inside = bracket["id"] if bracket["id"] is not None else bracket["other"]
        ids = [] if inside is None else _ids_in(inside)
        if ids is None:
            continue
        kept = line[position : bracket.start()].rstrip(" ")
        bare += kept
        origin += range(position, position + len(kept))
        markers.append((bracket.start(), ids))
        position = bracket.end()
    bare += line[position:]
    origin += range(position, len(line))
    return bare, origin, markers


def _ids_in(inside: str) -> list[str] | None:
    """The ids in a bracket; None where it is words, which stay.

    A number counts as an id that nobody gave: it would pass for a marker of ours.
    """
    words = [word for word in _WORDS.split(inside.lower()) if word and word not in _LABELS]
    has_digits = all(any(c.isdigit() for c in word) for word in words)
    if words and has_digits and all(_ID.fullmatch(word) for word in words):
        return words
    return None if inside.strip() else []
