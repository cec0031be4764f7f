"""Answers that quote an invented document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.schema import Document, TextNode

from assistant.chunking import make_passage
from assistant.citations import cite, quoted_answer
from assistant.schema import Answer, Citation
from assistant.segmentation import Span

LAMP = "Owls wake at dusk. The lamp burns whale song. Gulls sleep."
EELS = "Eels sing."
OWLS = Document(
    id_="isle/lamp",
    text=f"# Night\n\n{LAMP}\n\n# Day\n\n{EELS}",
    metadata={"title": "The lamp", "publisher": "Gazette", "kind": "news"},
)


class Shelf:
    """The passages of some documents, in place of an index."""

    def __init__(self, passages: Mapping[str, Sequence[TextNode]]) -> None:
        self._passages = passages

    def passages_of(self, document_id: str) -> list[TextNode]:
        return list(self._passages.get(document_id, ()))


def shelf(document: Document, *passages: str) -> Shelf:
    """A shelf of one document, cut into these passages."""
    return Shelf({document.doc_id: [_passage(document, text) for text in passages]})


def document(text: str, id_: str = "isle/owl", **metadata: Any) -> Document:
    """A document that has no metadata but this."""
    return Document(id_=id_, text=text, metadata=metadata)


def cited(marker: int, quote: str, source: Document = OWLS) -> Citation:
    """A quote of a document."""
    passage = _passage(source, quote)
    span = Span(passage.start_char_idx or 0, passage.end_char_idx or 0)
    return cite(marker, passage, span, quote)


def answered(*citations: Citation, **more: Any) -> Answer:
    """An answer of these quotes."""
    given: dict[str, Any] = {
        "question": "What burns?", "text": quoted_answer(citations), "citations": citations,
    }  # fmt: skip
    return Answer(**{**given, **more})


def abstained(*nearest: Citation, **more: Any) -> Answer:
    """No answer, and what comes near."""
    given: dict[str, Any] = {
        "question": "Do eels dream?", "text": "No.", "outcome": "nothing", "nearest": nearest,
    }  # fmt: skip
    return Answer(**{**given, **more})


def _passage(source: Document, text: str) -> TextNode:
    start = source.text.index(text)
    return make_passage(source, Span(start, start + len(text)), context="")
