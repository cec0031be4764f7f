"""Markers in an answer ↔ the exact characters of a document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from llama_index.core.schema import BaseNode

from assistant.loading import page_of
from assistant.schema import Answer, Citation
from assistant.segmentation import Span

_MARKER = re.compile(r"\[(\d{1,3})\]")


def cite(marker: int, passage: BaseNode, span: Span, quote: str) -> Citation:
    """A citation of some characters of the document that a passage belongs to."""
    metadata = passage.metadata
    return Citation(
        marker=marker,
        document=passage.ref_doc_id or "",
        title=metadata.get("title", ""),
        publisher=metadata.get("publisher", ""),
        published=metadata.get("published"),
        url=metadata.get("url"),
        kind=metadata.get("kind", ""),
        quote=quote,
        start=span.start,
        end=span.end,
        page=page_of(passage, span.start),
    )


def resolves(citation: Citation, document_text: str) -> bool:
    """Whether the document has exactly the quote at the place that the citation names."""
    return document_text[citation.start : citation.end] == citation.quote


def quoted_answer(citations: Sequence[Citation], named: bool = False) -> str:
    """The quotes one after the other, each with its marker.

    Where sources are to be `named`, the first quote of each follows its
    publisher and date.

    >>> from assistant.segmentation import Span
    >>> from llama_index.core.schema import TextNode
    >>> page = TextNode(metadata={"publisher": "Gazette", "published": "2031-03-02"})
    >>> quoted_answer([cite(1, page, Span(0, 12), "It costs $6.")])
    'It costs $6. [1]'
    >>> quoted_answer([cite(1, page, Span(0, 12), "It costs $6.")], named=True)
    'Gazette, 2 March 2031: It costs $6. [1]'
    """
    pieces, speaker = [], None
    for citation in citations:
        lead = f"{citation.source}: " if named and citation.document != speaker else ""
        speaker = citation.document
        pieces.append(f"{lead}{citation.quote} [{citation.marker}]")
    return " ".join(pieces)


def statements(answer: Answer) -> Iterator[tuple[str, list[Citation]]]:
    """An answer's text piece by piece, each with the citations whose markers follow it.

    A bracketed number counts as a marker only where the answer has a citation
    of that number: a quote may have brackets of its own. Sentences that were
    written and checked are given as they are, without the unsupported ones.
    """
    known = {citation.marker: citation for citation in answer.citations}
    if answer.is_written:
        for one in answer.sentences:
            if one.is_shown:
                yield one.text, [known[marker] for marker in one.markers]
        return
    pieces: list[tuple[str, list[Citation]]] = []
    position = 0
    for match in _MARKER.finditer(answer.text):
        citation = known.get(int(match[1]))
        if citation is None:
            continue
        text = answer.text[position : match.start()]
        if text.strip() or not pieces:
            pieces.append((text.strip(), [citation]))
        else:
            pieces[-1][1].append(citation)
        position = match.end()
    if tail := answer.text[position:].strip():
        pieces.append((tail, []))
    yield from pieces
