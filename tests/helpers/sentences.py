"""Sentences of invented documents, as an answerer weighs them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from llama_index.core.schema import Document

from assistant.answering.candidates import Candidate
from assistant.chunking import make_passage
from assistant.lexical import terms
from assistant.segmentation import Span

GAZETTE = "https://gazette.example/bridge"


def digest(
    doc_id: str,
    text: str,
    kind: str = "news",
    published: str | None = "2031-03-02",
    url: str | None = None,
) -> Document:
    """A document with the metadata that loading gives it."""
    metadata = {"title": "Bridge", "publisher": "Gazette", "kind": kind, "page": url or doc_id}
    optional = {"published": published, "url": url}
    given = {name: value for name, value in optional.items() if value}
    return Document(id_=doc_id, text=text, metadata={**metadata, **given})


def candidate(
    words: str,
    document: str = "gull",
    kind: str = "news",
    published: str | None = "2031-03-02",
    page: str | None = None,
    score: float = 0.0,
    logit: float = 0.0,
    meaning: int = 0,
) -> Candidate:
    """A sentence; two with one `meaning` are as near as can be, others not at all."""
    source = digest(document, words, kind, published, page)
    span = Span(0, len(words))
    passage = make_passage(source, span, context="Bridge")
    vector = np.eye(8, dtype=np.float32)[meaning]
    its_terms = frozenset(terms([words])[0])
    return Candidate(passage, span, words, its_terms, vector, score, logit)


def neighbours(*sentences: str, document: str = "gull") -> list[Candidate]:
    """Sentences that follow one another in one passage."""
    whole = candidate(" ".join(sentences), document)
    found, start = [], 0
    for words in sentences:
        span = Span(start, start + len(words))
        found.append(replace(candidate(words), passage=whole.passage, span=span))
        start = span.end + 1
    return found
