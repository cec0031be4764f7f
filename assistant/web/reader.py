"""A whole document as a page to read, its cited sentences marked."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from itertools import count

from llama_index.core.schema import Document

from assistant.answering.instructions import instructions_in
from assistant.schema import readable_date, shorten
from assistant.segmentation import Span
from assistant.web import words
from assistant.web.sources import escape, is_web, isolated, link

_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
MOST, QUOTED = 3, 160  # instructions that are shown, and characters of each
_opened = count(1)  # a dialog that is asked for again must differ, or the browser hears of nothing


def reader_html(document: Document | None, spans: Sequence[Span]) -> str:
    """The dialog in which a document is read; the first marked span is scrolled to.

    `spans` count in the document's text; those outside of it are left out.
    """
    if document is None:
        return _dialog(words.READER, f"<p>{words.NOT_IN_INDEX}</p>")
    metadata = document.metadata
    source = " · ".join(
        isolated(part)
        for part in (
            str(metadata.get("publisher", "")),
            readable_date(metadata.get("published")),
            str(metadata.get("kind", "")),
            document.doc_id,
        )
        if part
    )
    return _dialog(
        str(metadata.get("title", document.doc_id)),
        f'<p class="source-line">{source}{_original(metadata.get("url"))}</p>'
        f"{_spoken_to_a_model(document.text)}"
        f'<div class="text">{marked(document.text, spans)}</div>',
    )


def marked(text: str, spans: Sequence[Span]) -> str:
    """A text as HTML with some spans marked; the style sheet keeps its line breaks.

    Of two spans that overlap, the one that begins first is marked.
    """
    pieces, position = [], 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not position <= span.start < span.end <= len(text):
            continue
        pieces.append(html.escape(text[position : span.start]))
        pieces.append(f'<mark tabindex="-1">{html.escape(span.of(text))}</mark>')
        position = span.end
    whole = "".join(pieces) + html.escape(text[position:])
    return _HEADING.sub(r'<strong class="heading">\1</strong>', whole)


def _spoken_to_a_model(text: str) -> str:
    """What of a document tells a language model what to do; a reader should know."""
    found = [isolated(shorten(sentence, QUOTED)) for sentence in instructions_in(text)[:MOST]]
    if not found:
        return ""
    quotes = "".join(f"<li>{quote}</li>" for quote in found)
    return f'<div class="told" role="note"><p>{words.INSTRUCTIONS}</p><ul>{quotes}</ul></div>'


def _dialog(title: str, body: str) -> str:
    return (
        f'<dialog class="reader" data-opened="{next(_opened)}" aria-labelledby="reader-title">'
        f'<header><h2 id="reader-title">{escape(title)}</h2>'
        f'<button type="button" data-close>{words.CLOSE}</button></header>{body}</dialog>'
    )


def _original(url: str | None) -> str:
    return f" · {link(words.OPEN_ORIGINAL, url)}" if is_web(url) else ""
