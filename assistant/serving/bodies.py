"""What goes over the wire: the bodies of requests and of answers, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from llama_index.core.schema import Document, NodeWithScore
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from assistant.conversation import Conversation
from assistant.schema import Answer, Citation, Filters, Outcome, turns_of

MAX_QUESTION = 10_000


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("there is nothing in it")
    return text


Question = Annotated[str, Field(max_length=MAX_QUESTION), AfterValidator(_not_blank)]


class RequestBody(BaseModel):
    """A request: a name that it does not have is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Message(RequestBody):
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str = Field(max_length=2 * MAX_QUESTION)


class FiltersBody(RequestBody):
    """What to search. Documents without a date pass no filter on dates."""

    topic: list[str] = Field([], description="Folders of the corpus; none: all of them.")
    kind: list[str] = Field(
        [], description="Kinds of source, such as official or news; none: all of them."
    )
    since: str | None = Field(None, description="The first day of publication: 2026-01-31.")
    until: str | None = Field(None, description="The last day of publication: 2026-01-31.")
    as_of: str | None = Field(None, description="What was out on this day, and as of then.")


def filters_of(given: FiltersBody | None, conversation: Conversation) -> Filters:
    """The filters that are given, if some document can pass them.

    Raises:
        FilterError: which of them cannot be used.
    """
    filters = Filters.from_dict(given.model_dump() if given else {})
    if not filters.is_empty:
        conversation.facets().check(filters)
    return filters


class Ask(RequestBody):
    """A question, and the conversation that it may lean on."""

    question: Question = Field(description="What to ask, in plain words.")
    history: list[Message] = Field(
        [], max_length=200, description="The messages before it, oldest first."
    )
    filters: FiltersBody | None = Field(None, description="What to search; none: everything.")

    def answer(self, conversation: Conversation) -> Answer:
        """Ask it.

        Raises:
            FilterError: a filter cannot be used.
        """
        turns = turns_of([message.model_dump() for message in self.history])
        filters = filters_of(self.filters, conversation)
        return conversation.fresh(turns).ask(self.question, filters)


class Search(RequestBody):
    """A search for passages."""

    query: Question = Field(description="What to look for, in plain words.")
    top_k: int = Field(10, ge=1, le=30, description="How many passages to give.")
    filters: FiltersBody | None = Field(None, description="What to search; none: everything.")


class GetDocument(RequestBody):
    """A wish for one whole document."""

    id: str = Field(max_length=1000, description="The document's id, as citations name it.")


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
    """That the server answers, and from what."""

    status: Literal["ready"] = "ready"
    generation: str
    answerer: str
    documents: int
    passages: int

    @classmethod
    def of(cls, conversation: Conversation) -> Health:
        manifest = conversation.manifest
        return cls(
            generation=manifest.generation,
            answerer=conversation.answerer.name,
            documents=len(manifest.fingerprints),
            passages=manifest.passages,
        )


class Problem(ReplyBody):
    """What went wrong, in one sentence."""

    error: str


def in_words(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first of pydantic's errors as a sentence.

    >>> in_words([{"loc": ("body", "question"), "type": "missing", "msg": "Field required"}])
    '"question" is missing.'
    """
    error = errors[0]
    where = ".".join(str(part) for part in error["loc"] if part != "body")
    match error["type"]:
        case "json_invalid":
            return "The body is not JSON."
        case "missing" if where:
            return f'"{where}" is missing.'
        case "extra_forbidden":
            return f'"{where}" is not known here.'
        case "string_too_long":
            limit = error["ctx"]["max_length"]
            return f'"{where}" has more than {limit:,} characters.'
        case _ if not where:
            return 'Send a JSON object with a "question", as application/json.'
        case _:
            message = error["msg"].removeprefix("Value error, ")
            return f'"{where}" cannot be used: {message[0].lower()}{message[1:]}.'


def _source(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Where a document or a passage comes from."""
    source = {name: metadata.get(name) for name in ("title", "publisher", "published", "url")}
    return {**source, "title": source["title"] or "", "publisher": source["publisher"] or ""}
