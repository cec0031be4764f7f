"""The bodies of replies: what programs get, and /openapi.json describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from llama_index.core.schema import Document, NodeWithScore
from pydantic import BaseModel, ConfigDict, Field

from assistant.conversation import Conversation
from assistant.schema import Answer, Citation, Outcome


class ReplyBody(BaseModel):
    """An answer to a request; it may have more than is described here."""

    model_config = ConfigDict(extra="allow")


class CitationBody(ReplyBody):
    """The exact characters of one document: `quote` is `text[start:end]` of it."""

    marker: int
    id: str
    document: str
    title: str
    publisher: str
    published: str | None
    url: str | None
    quote: str
    start: int
    end: int

    @classmethod
    def of(cls, citation: Citation) -> CitationBody:
        return cls(**citation.as_dict())


class AnswerBody(ReplyBody):
    """An answer, as `ask --json` prints it: marker `[1]` belongs to the citation whose marker is 1.

    Where the documents do not answer, `abstained` is true, `citations` is
    empty, and `nearest` quotes what comes near.
    """

    question: str
    standalone_question: str
    filters: dict[str, Any] = Field({}, description="The filters, where there were any.")
    answer: str
    outcome: Outcome
    abstained: bool
    confidence: float
    citations: list[CitationBody]
    nearest: list[CitationBody]
    answerer: str
    generation: str
    timings_ms: dict[str, float]

    @classmethod
    def of(cls, answer: Answer) -> AnswerBody:
        return cls(**answer.as_dict())


class StatementBody(ReplyBody):
    """One sentence of an answer, without its markers, and what stands behind it."""

    text: str
    citations: list[CitationBody]


class PassageBody(ReplyBody):
    """A passage that a search found: `text` is `text[start:end]` of its document."""

    document: str
    title: str
    publisher: str
    published: str | None
    url: str | None
    text: str
    start: int
    end: int
    score: float

    @classmethod
    def of(cls, scored: NodeWithScore) -> PassageBody:
        passage = scored.node
        return cls(
            document=passage.ref_doc_id or "",
            **_source(passage.metadata),
            text=passage.get_content(),
            start=getattr(passage, "start_char_idx", None) or 0,
            end=getattr(passage, "end_char_idx", None) or 0,
            score=round(scored.get_score(), 4),
        )


class Found(ReplyBody):
    """What a search found, best first."""

    passages: list[PassageBody]


class DocumentBody(ReplyBody):
    """A document: its text, which citations count in, and where it comes from."""

    id: str
    title: str
    publisher: str
    published: str | None
    url: str | None
    kind: str
    text: str

    @classmethod
    def of(cls, document: Document) -> DocumentBody:
        kind = document.metadata.get("kind", "")
        return cls(id=document.doc_id, **_source(document.metadata), kind=kind, text=document.text)


class Health(ReplyBody):
    """That the server answers, and from what; why not from the newest index, if so."""

    status: Literal["ready"] = "ready"
    generation: str
    answerer: str
    documents: int
    passages: int
    problem: str = ""

    @classmethod
    def of(cls, conversation: Conversation) -> Health:
        with conversation.library.reading() as reading:
            manifest, answerer = reading.manifest, reading.answerer.name
        return cls(
            generation=manifest.generation,
            answerer=answerer,
            documents=len(manifest.fingerprints),
            passages=manifest.passages,
            problem=conversation.library.problem,
        )


class Problem(ReplyBody):
    """What went wrong, in one sentence."""

    error: str


def _source(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Where a document or a passage comes from."""
    source = {name: metadata.get(name) for name in ("title", "publisher", "published", "url")}
    return {**source, "title": source["title"] or "", "publisher": source["publisher"] or ""}
