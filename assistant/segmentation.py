"""A document's text → blocks → sentences, each with its exact place in the text.

Nothing here is ever searched for: a span is made by counting, so that text
that repeats itself cannot lead to the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import sentencex

_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_TABLE_ROW = re.compile(r"\s*\|")
_TABLE_RULE = re.compile(r"(?=[^-]*-)[\s|:-]+")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+")

# Our timeline and glossary end a line with the ids of the digests behind it.
# They are references, not part of what the line says.
_REFERENCES = re.compile(r"\[[a-z]+/[\w-]+(?:,\s*[a-z]+/[\w-]+)*\]\s*$")

_TABLE_EDGE = " \t\r\n|"

# Where sentencex ends a sentence that goes on: after these abbreviations, and
# inside others that a hyphen joins to a word ("the Korea-U.|S. agreement").
_ABBREVIATED = re.compile(r"(?:\b(?i:approx|ca|est|incl|esp|resp|min|max)\.\s*|\b[A-Z]\.)$")
_TAIL = 40  # more characters than any of these has: a long sentence is not searched again
_CLOCK = re.compile(r"\b[ap]\.m\.\s*$")
_TIME_ZONE = re.compile(r"\s*(?:\w+ )?\w+ [Tt]ime\b")

BlockKind = Literal["heading", "table", "item", "paragraph"]


@dataclass(frozen=True, order=True)
class Span:
    """The characters from `start` up to, not including, `end`."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The characters themselves."""
        return text[self.start : self.end]


@dataclass(frozen=True)
class Block:
    """Lines that belong together: a heading, a table, a list item or a paragraph."""

    kind: BlockKind
    span: Span


def split_blocks(text: str) -> list[Block]:
    """The blocks of a Markdown text, in order; blank lines belong to none.

    >>> [(b.kind, b.span.of("# A\\nOne.\\n- Two.")) for b in split_blocks("# A\\nOne.\\n- Two.")]
    [('heading', '# A'), ('paragraph', 'One.'), ('item', '- Two.')]
    """
    blocks: list[Block] = []
    previous: BlockKind | None = None
    for line in _lines(text):
        kind = _kind(line.of(text), previous)
        if kind is not None:
            if (kind == previous and kind in ("table", "paragraph")) or kind == "continued":
                last = blocks.pop()
                blocks.append(Block(last.kind, Span(last.span.start, line.end)))
            else:
                blocks.append(Block(kind, line))
        previous = blocks[-1].kind if kind is not None else None
    return blocks


def trimmed(text: str, span: Span) -> Span:
    """A span without the white space at its ends."""
    return _trim(text, span.start, span.end)


def heading_text(text: str, block: Block) -> str:
    """A heading without its marks."""
    return block.span.of(text).strip().strip("#").strip()


def split_sentences(text: str, block: Block) -> list[Span]:
    """The sentences of a block, without the white space and marks around them.

    A table gives its rows without the header, a heading nothing.
    """
    if block.kind == "heading":
        return []
    if block.kind == "table":
        return table_rows(text, block)
    body = block.span
    marker = _ITEM.match(body.of(text)) if block.kind == "item" else None
    start = body.start + (marker.end() if marker else 0)
    end = body.end
    if references := _REFERENCES.search(text, start, end):
        end = references.start()
    return list(_prose_sentences(text, start, end))


def table_rows(text: str, block: Block) -> list[Span]:
    """The rows of a table without their outer bars, its header (see `table_header`) left out."""
    header = table_header(text, block)
    lines = _lines(text, block.span.start if header is None else header.end, block.span.end)
    rows = (_trim(text, line.start, line.end, _TABLE_EDGE) for line in lines)
    return [row for row in rows if _has_words(row.of(text))]


def table_header(text: str, block: Block) -> Span | None:
    """The lines above a table's first row, rule included; None where there is no rule."""
    lines = list(_lines(text, block.span.start, block.span.end))
    if len(lines) < 2 or not _TABLE_RULE.fullmatch(lines[1].of(text)):
        return None
    return Span(lines[0].start, lines[1].end)


def _kind(line: str, previous: BlockKind | None) -> BlockKind | Literal["continued"] | None:
    if not line.strip():
        return None
    if _HEADING.match(line):
        return "heading"
    if _TABLE_ROW.match(line):
        return "table"
    if _ITEM.match(line):
        return "item"
    return "continued" if previous == "item" else "paragraph"


def _lines(text: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
    end = len(text) if end is None else end
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        yield Span(start, stop)
        start = stop + 1


def _prose_sentences(text: str, start: int, end: int) -> Iterator[Span]:
    """sentencex's sentences, those put together that it cut within one sentence."""
    sentence, has_words, marks = Span(start, start), False, 0
    for boundary in sentencex.get_sentence_boundaries("en", text[start:end]):
        piece = Span(start + boundary["start_index"], start + boundary["end_index"])
        words = piece.of(text)
        in_bold = marks % 2 == 1  # a bold label that ends with a full stop
        if not has_words or in_bold or _goes_on(text, sentence, words):
            sentence = Span(sentence.start, piece.end)
        else:
            yield from _trimmed(text, sentence)
            sentence, has_words, marks = piece, False, 0
        has_words = has_words or _has_words(words)
        marks += words.count("**")
    yield from _trimmed(text, sentence)


def _goes_on(text: str, sentence: Span, following: str) -> bool:
    end = text[max(sentence.start, sentence.end - _TAIL) : sentence.end]
    return (
        not _has_words(following)
        or _ABBREVIATED.search(end) is not None
        or bool(_CLOCK.search(end) and _TIME_ZONE.match(following))
    )


def _has_words(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _trimmed(text: str, span: Span) -> Iterator[Span]:
    if _has_words(span.of(text)):
        yield _trim(text, span.start, span.end)


def _trim(text: str, start: int, end: int, edge: str | None = None) -> Span:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip(edge))
    return Span(start + left, start + max(left, len(piece.rstrip(edge))))
