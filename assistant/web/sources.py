"""An answer → HTML: the text with its markers, and the panel of its sources.

Documents, their titles and questions may hold anything, so every piece of text
goes through `escape` before it meets a tag. Gradio cleans what the chat shows
but not what `gr.HTML` shows.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from llama_index.core.schema import TextNode

from assistant.answering.confidence import in_words
from assistant.citations import statements
from assistant.schema import Answer, Citation, readable_date
from assistant.segmentation import Span
from assistant.web import words

_WEB = re.compile(r"https?://", re.IGNORECASE)

NO_SOURCES = f'<div class="sources empty"><p>{words.NO_SOURCES}</p></div>'


class Library(Protocol):
    """Where the passages around a quote are found: a `PassageIndex`."""

    def passages_of(self, document_id: str) -> list[TextNode]: ...


def escape(text: str) -> str:
    """Text as HTML shows it, on one line: a blank line would let Markdown in again."""
    return html.escape(" ".join(text.split()))


def isolated(text: str) -> str:
    """Text that cannot turn the direction of what stands next to it."""
    return f"<bdi>{escape(text)}</bdi>"


def is_web(address: str | None) -> bool:
    """Whether an address leads to a page of the web, and not to a script or a file."""
    return bool(address and _WEB.match(address))


def link(text: str, address: str | None) -> str:
    """Text that leads to a page of the web; alone where the address is none."""
    if not address or not is_web(address):
        return escape(text)
    return (
        f'<a href="{html.escape(address)}" target="_blank" rel="noopener noreferrer">'
        f"{escape(text)}</a>"
    )


def question_html(question: str) -> str:
    """A question as the chat shows it."""
    return f'<div class="question">{escape(question)}</div>'


def answer_pieces(answer: Answer, turn: int, newest: str | None = None) -> Iterator[str]:
    """The answer's HTML, piece by piece as it is to appear on the page.

    `newest` is the date of the newest document, as ISO text.
    """
    if answer.abstained:
        yield _refusal(answer, turn) + foot(answer, turn, newest)
        return
    so_far = ""
    for text, citations in statements(answer):
        so_far += statement(text, citations, turn)
        yield f'<div class="answer">{so_far}</div>'
    yield f'<div class="answer">{so_far}</div>{foot(answer, turn, newest)}'


def refusal_html(reason: str) -> str:
    """Why there is no answer, where something went wrong."""
    return f'<div class="refusal"><strong>{words.SORRY}</strong> {escape(reason)}</div>'


def _refusal(answer: Answer, turn: int) -> str:
    """What was searched, and the sentences that come near, if there are any."""
    lead, stop, rest = answer.text.partition(". ")
    near = ""
    if answer.outcome == "not_stated":
        quotes = "".join(
            f"<li>{statement(citation.quote, [citation], turn)}</li>" for citation in answer.nearest
        )
        near = f"<p>{words.NEAREST}</p><ul>{quotes}</ul>"
    return f'<div class="refusal"><strong>{escape(lead + stop)}</strong> {escape(rest)}{near}</div>'


def statement(text: str, citations: Sequence[Citation], turn: int) -> str:
    """A piece of an answer and its markers."""
    return f"{isolated(text)}{''.join(_marker(citation, turn) for citation in citations)} "


def foot(answer: Answer, turn: int, newest: str | None, told: Sequence[str] = ()) -> str:
    """How sure the answer is, as of when and from which index it speaks, how long it took.

    What else is `told` comes first.
    """
    parts = [*told]
    if not answer.abstained:
        parts.append(words.CONFIDENCE.format(words=in_words(answer.confidence)))
    if newest:
        parts.append(words.SPEAKS_AS_OF.format(newest=readable_date(newest)))
    if answer.generation:
        parts.append(words.GENERATION.format(generation=answer.generation))
    if total := answer.timings_ms.get("total"):
        parts.append(words.TOOK.format(seconds=total / 1000))
    facts = " · ".join(map(escape, parts))
    return (
        f'<p class="foot">{facts} '
        f'<a class="show-sources" href="#turn-{turn}">{words.SHOW_SOURCES}</a></p>'
    )


def sources_panel(answer: Answer | None, turn: int, library: Library) -> str:
    """The sources of one answer: a card a document, the cited sentences marked."""
    if answer is None:
        return NO_SOURCES
    cards = "".join(_card(group, answer, turn, library) for group in by_document(shown(answer)))
    return (
        f'<section class="sources" id="turn-{turn}" aria-labelledby="sources-heading">'
        f'<header class="bar"><h2 id="sources-heading">{words.HEADINGS[answer.outcome]}</h2>'
        f'<button type="button" data-close>{words.CLOSE}</button></header>'
        f'<p class="asked">{escape(answer.question)}</p>{cards}</section>'
    )


def shown(answer: Answer) -> Sequence[Citation]:
    """The citations that an answer shows: what it quotes, or what came nearest."""
    return answer.nearest if answer.abstained else answer.citations


def by_document(citations: Sequence[Citation]) -> list[list[Citation]]:
    """Citations of one document together, in the order of their first marker."""
    groups: dict[str, list[Citation]] = {}
    for citation in citations:
        groups.setdefault(citation.document, []).append(citation)
    return list(groups.values())


def _marker(citation: Citation, turn: int) -> str:
    name = words.MARKER.format(marker=citation.marker, source=citation.source)
    return (
        f'<sup><a class="cite" id="mark-{turn}-{citation.id}" href="#src-{turn}-{citation.id}" '
        f'title="{escape(name)}">{citation.marker}</a></sup>'
    )


def _card(citations: list[Citation], answer: Answer, turn: int, library: Library) -> str:
    first = citations[0]
    marked = () if answer.outcome == "nothing" else citations  # then the chat has no markers
    numbers = "".join(
        f'<a class="number" href="#mark-{turn}-{c.id}" '
        f'aria-label="{words.BACK_TO_MARKER.format(marker=c.marker)}">{c.marker}</a>'
        for c in marked
    )
    quotes = "".join(
        f"<blockquote>{_passage(span, text, group, answer, turn)}</blockquote>"
        for span, text, group in _by_passage(citations, library)
    )
    places = " ".join(f"{c.start}-{c.end}" for c in citations)
    return (
        f'<article class="source"><header>{numbers}'
        f'<span class="publisher">{escape(first.publisher)}</span>'
        f'<span class="date">{readable_date(first.published)}</span>'
        f'<span class="kind">{escape(first.kind)}</span></header>'
        f"<h3>{link(first.title, first.url)}</h3>{_differing(first, answer)}{quotes}"
        f'<footer><button type="button" class="read" data-document="{html.escape(first.document)}" '
        f'data-spans="{places}" data-generation="{html.escape(answer.generation)}">'
        f"{words.READ}</button>"
        f'<span class="id">{escape(_place(citations))}</span></footer></article>'
    )


def _place(citations: Sequence[Citation]) -> str:
    """A document's id, and the pages on which its quotes begin."""
    pages = sorted({citation.page for citation in citations if citation.page})
    shown = words.PAGES.format(pages=", ".join(map(str, pages)))
    return f"{citations[0].document}, {shown}" if pages else citations[0].document


def _differing(citation: Citation, answer: Answer) -> str:
    """What other sources of the answer say otherwise, and which of them are newer."""
    by_marker = {c.marker: c for c in answer.citations}
    mine = {c.marker for c in answer.citations if c.document == citation.document}
    others = sorted(
        {b for a, b in answer.differing if a in mine}
        | {a for a, b in answer.differing if b in mine}
    )
    notes = "".join(f"<li>{_difference(citation, by_marker[n])}</li>" for n in others)
    return f'<ul class="differs">{notes}</ul>' if notes else ""


def _difference(citation: Citation, other: Citation) -> str:
    note = words.DIFFERS.format(marker=other.marker, source=other.source)
    if citation.published and other.published and citation.published != other.published:
        age = words.NEWER if other.published > citation.published else words.OLDER
        note = f"{note}, {age}"
    return escape(f"{note}.")


def _by_passage(
    citations: Sequence[Citation], library: Library
) -> list[tuple[Span, str, list[Citation]]]:
    """A document's citations by the passage they stand in, in reading order."""
    groups: dict[Span, tuple[str, list[Citation]]] = {}
    passages = library.passages_of(citations[0].document)
    for citation in sorted(citations, key=lambda c: c.start):
        span, text = _around(citation, passages)
        groups.setdefault(span, (text, []))[1].append(citation)
    return [(span, text, group) for span, (text, group) in groups.items()]


def _around(citation: Citation, passages: Sequence[TextNode]) -> tuple[Span, str]:
    """The passage around a quote; the quote alone where the index has changed since."""
    for passage in passages:
        start = passage.start_char_idx or 0
        text = passage.get_content()
        inside = Span(citation.start - start, citation.end - start)
        if inside.start >= 0 and inside.of(text) == citation.quote:
            return Span(start, start + len(text)), text
    return Span(citation.start, citation.end), citation.quote


def _passage(
    span: Span, text: str, citations: Sequence[Citation], answer: Answer, turn: int
) -> str:
    """A passage with its cited sentences marked; line breaks kept, for lists and tables."""
    if answer.outcome == "nothing":  # no sentence of it stands out
        return html.escape(text)
    pieces, position = [], 0
    for citation in citations:
        begin, end = citation.start - span.start, citation.end - span.start
        pieces.append(html.escape(text[position:begin]))
        quote = html.escape(text[begin:end])
        pieces.append(f'<mark id="src-{turn}-{citation.id}" tabindex="-1">{quote}</mark>')
        position = end
    return "".join(pieces) + html.escape(text[position:])
