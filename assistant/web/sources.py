"""An answer → HTML: the text with its markers, and the panel of its sources.

Documents, their titles and questions may hold anything, so every piece of text
goes through `escape` before it meets a tag. Gradio cleans what the chat shows
but not what `gr.HTML` shows.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from assistant.answering.confidence import in_words
from assistant.citations import statements
from assistant.schema import Answer, Citation, readable_date

HEADINGS = {
    "answered": "Sources",
    "not_stated": "Not stated; this comes nearest",
    "nothing": "Nearest passages",
}


def escape(text: str) -> str:
    """Text as HTML shows it, on one line: a blank line would let Markdown in again."""
    return html.escape(" ".join(text.split()))


def question_html(question: str) -> str:
    """A question as the chat shows it."""
    return f'<div class="question">{escape(question)}</div>'


def answer_pieces(answer: Answer, turn: int) -> Iterable[str]:
    """The answer's HTML, piece by piece as it is to appear on the page."""
    if answer.abstained:
        yield _refusal(answer, turn)
        return
    so_far = ""
    for text, citations in statements(answer):
        so_far += _statement(text, citations, turn)
        yield f'<div class="answer">{so_far}</div>'
    yield f'<div class="answer">{so_far}</div>{_foot(answer)}'


def _refusal(answer: Answer, turn: int) -> str:
    """What was searched, and the sentences that come near, if there are any."""
    lead, stop, rest = answer.text.partition(". ")
    near = ""
    if answer.outcome == "not_stated":
        quotes = "".join(
            f"<li>{_statement(citation.quote, [citation], turn)}</li>"
            for citation in answer.nearest
        )
        near = f"<p>The nearest that they say:</p><ul>{quotes}</ul>"
    return f'<div class="refusal"><strong>{escape(lead + stop)}</strong> {escape(rest)}{near}</div>'


def _statement(text: str, citations: Sequence[Citation], turn: int) -> str:
    return f"{escape(text)}{''.join(_marker(citation, turn) for citation in citations)} "


def _foot(answer: Answer) -> str:
    """How sure the answer is, in words."""
    return f'<p class="foot">Confidence: {in_words(answer.confidence)}</p>'


def sources_panel(answers: Sequence[Answer]) -> str:
    """The sources of every answer; those of the last are the ones shown."""
    if not answers:
        return '<div class="sources empty"><p>The sources of an answer appear here.</p></div>'
    last = len(answers) - 1
    sections = [_section(answer, turn, turn == last) for turn, answer in enumerate(answers)]
    return f'<div class="sources">{"".join(sections)}</div>'


def _marker(citation: Citation, turn: int) -> str:
    return (
        f'<sup><a class="cite" id="mark-{turn}-{citation.id}" href="#src-{turn}-{citation.id}" '
        f'title="Source {citation.marker}: {escape(citation.source)}">{citation.marker}</a></sup>'
    )


def _section(answer: Answer, turn: int, shown: bool) -> str:
    shown_citations = answer.nearest if answer.abstained else answer.citations
    heading = HEADINGS[answer.outcome]
    cards = "".join(_card(group, answer, turn) for group in _by_passage(shown_citations, answer))
    return (
        f'<section id="turn-{turn}"{"" if shown else " hidden"}>'
        f"<h2>{heading}</h2><p class='asked'>{escape(answer.question)}</p>{cards}</section>"
    )


def _by_passage(citations: Sequence[Citation], answer: Answer) -> list[list[Citation]]:
    """Citations of one passage together, in the order of their first marker."""
    groups: dict[tuple[str, int], list[Citation]] = {}
    for citation in citations:
        start, _ = _passage(citation, answer)
        groups.setdefault((citation.document, start), []).append(citation)
    return list(groups.values())


def _passage(citation: Citation, answer: Answer) -> tuple[int, str]:
    """The passage around a quote: where it starts in the document, and its text."""
    for scored in answer.passages:
        start = getattr(scored.node, "start_char_idx", None)
        text = scored.node.get_content()
        if scored.node.ref_doc_id == citation.document and start is not None:
            inside = slice(citation.start - start, citation.end - start)
            if inside.start >= 0 and text[inside] == citation.quote:
                return start, text
    return citation.start, citation.quote


def _card(citations: list[Citation], answer: Answer, turn: int) -> str:
    first = citations[0]
    start, text = _passage(first, answer)
    whole = answer.outcome == "nothing"  # no sentence of it stands out
    passage = html.escape(text) if whole else _highlighted(text, start, citations, turn)
    page = f", page {first.page}" if first.page else ""
    numbers = "".join(
        f'<a class="number" href="#mark-{turn}-{c.id}" aria-label="Back to marker {c.marker}">'
        f"{c.marker}</a>"
        for c in citations
    )
    return (
        f'<article class="source"><header>{numbers}'
        f'<span class="publisher">{escape(first.publisher)}</span>'
        f'<span class="date">{readable_date(first.published)}</span>'
        f'<span class="kind">{escape(first.kind)}</span></header>'
        f"<h3>{_title(first)}</h3>"
        f"<blockquote>{passage}</blockquote>"
        f"<footer>{escape(first.document)}{page}</footer></article>"
    )


def _title(citation: Citation) -> str:
    if citation.url is None:
        return escape(citation.title)
    return (
        f'<a href="{html.escape(citation.url)}" target="_blank" rel="noopener noreferrer">'
        f"{escape(citation.title)}</a>"
    )


def _highlighted(text: str, start: int, citations: Sequence[Citation], turn: int) -> str:
    """A passage with its cited sentences marked; line breaks kept, for lists and tables."""
    pieces, position = [], 0
    for citation in sorted(citations, key=lambda citation: citation.start):
        begin, end = citation.start - start, citation.end - start
        pieces.append(html.escape(text[position:begin]))
        quote = html.escape(text[begin:end])
        pieces.append(f'<mark id="src-{turn}-{citation.id}" tabindex="-1">{quote}</mark>')
        position = end
    return "".join(pieces) + html.escape(text[position:])
