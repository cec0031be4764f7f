"""The three nouns of our own that travel between modules: Citation, Answer, Turn.

The others are LlamaIndex's: `Document`, `TextNode` (a passage) and
`NodeWithScore` (a scored passage).
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from llama_index.core.schema import NodeWithScore


Outcome = Literal["answered", "not_stated", "nothing"]


@dataclass(frozen=True)
class Citation:
    """The exact characters of one document that stand behind a statement.

    `quote` is `document text[start:end]`, counted in characters of the text
    that follows the front matter. `published` is an ISO date, or None where
    the page shows none. `page` is the page on which the quote begins, counted
    from 1, or None where the document has no pages.
    """

    marker: int
    document: str
    title: str
    publisher: str
    published: str | None
    url: str | None
    kind: str
    quote: str
    start: int
    end: int
    page: int | None = None

    @property
    def source(self) -> str:
        """Who published it and when, and on which page, as one names a source in a text."""
        page = f", p. {self.page}" if self.page else ""
        return f"{self.publisher}, {readable_date(self.published)}{page}"

    @property
    def id(self) -> str:
        """Twelve hex digits that stay the same wherever this span is cited again."""
        span = f"{self.document}\0{self.start}\0{self.end}\0{self.quote}"
        return hashlib.sha256(span.encode()).hexdigest()[:12]

    def as_dict(self) -> dict[str, Any]:
        """The citation as `ask --json` prints it."""
        keys = (
            "marker", "id", "document", "title", "publisher", "published", "url",
            "quote", "start", "end",
        )  # fmt: skip
        page = {"page": self.page} if self.page else {}
        return {key: getattr(self, key) for key in keys} | page


@dataclass(frozen=True)
class Turn:
    """One question of a conversation and the text that answered it, if it was answered."""

    question: str
    answer: str = ""


@dataclass(frozen=True)
class Answer:
    """What the assistant says to one question, and everything behind it.

    `text` is plain text with `[1]` markers; marker n belongs to the citation
    whose `marker` is n. `passages` are the scored passages the answerer was
    shown, best first. `confidence`, between 0 and 1, is how likely the
    documents answer the question; `signals` is what it was computed from.

    Of an abstention, `text` says what was searched and `citations` is empty.
    Where the documents come near (`not_stated`), `nearest` quotes one or two
    sentences; where they have `nothing` on it, the nearest passages.
    """

    question: str
    text: str
    citations: tuple[Citation, ...] = ()
    passages: tuple[NodeWithScore, ...] = ()
    outcome: Outcome = "answered"
    confidence: float = 0.0
    nearest: tuple[Citation, ...] = ()
    signals: Mapping[str, float] = field(default_factory=dict)
    answerer: str = ""
    standalone_question: str = ""
    generation: str = ""
    timings_ms: dict[str, float] = field(default_factory=dict)

    @property
    def abstained(self) -> bool:
        """Whether the assistant says that the documents do not answer."""
        return self.outcome != "answered"

    @property
    def turn(self) -> Turn:
        """What the next question may lean on."""
        return Turn(self.question, "" if self.abstained else self.text)

    def as_dict(self) -> dict[str, Any]:
        """The answer as `ask --json` prints it."""
        return {
            "question": self.question,
            "standalone_question": self.standalone_question,
            "answer": self.text,
            "outcome": self.outcome,
            "abstained": self.abstained,
            "confidence": round(self.confidence, 4),
            "citations": [citation.as_dict() for citation in self.citations],
            "nearest": [citation.as_dict() for citation in self.nearest],
            "answerer": self.answerer,
            "generation": self.generation,
            "timings_ms": {stage: round(ms, 1) for stage, ms in self.timings_ms.items()},
        }


def readable_date(published: str | None) -> str:
    """
    >>> readable_date("2026-01-27")
    '27 January 2026'
    >>> readable_date(None)
    'undated'
    """
    if published is None:
        return "undated"
    date = datetime.date.fromisoformat(published)
    return f"{date.day} {date:%B %Y}"


def turns_of(messages: Sequence[Mapping[str, Any]]) -> tuple[Turn, ...]:
    """Turns from chat messages with a `role` (user or assistant) and a text `content`.

    >>> turns_of([{"role": "user", "content": "What will it make?"},
    ...           {"role": "assistant", "content": "Grit. [1]"}])
    (Turn(question='What will it make?', answer='Grit. [1]'),)

    Raises:
        ValueError: a message is not of that form.
    """
    turns: list[Turn] = []
    if not isinstance(messages, list):
        raise ValueError('"history" is not a list of messages')
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        if role not in ("user", "assistant") or not isinstance(content, str):
            raise ValueError('"history" needs messages with "role" user or assistant and "content"')
        if role == "user":
            turns.append(Turn(content))
        elif turns:
            turns[-1] = Turn(turns[-1].question, content)
    return tuple(turns)
