"""The three nouns of our own that travel between modules: Citation, Answer, Turn.

The others are LlamaIndex's: `Document`, `TextNode` (a passage) and
`NodeWithScore` (a scored passage).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llama_index.core.schema import NodeWithScore


@dataclass(frozen=True)
class Citation:
    """The exact characters of one document that stand behind a statement.

    `quote` is `document text[start:end]`, counted in characters of the text
    that follows the front matter. `published` is an ISO date, or None where
    the page shows none.
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
        return {key: getattr(self, key) for key in keys}


@dataclass(frozen=True)
class Answer:
    """What the assistant says to one question, and everything behind it.

    `text` is plain text with `[1]` markers; marker n belongs to the citation
    whose `marker` is n. `passages` are the scored passages the answerer was
    shown, best first. `confidence` is between 0 and 1. Where `abstained` is
    true, `text` says what was searched, `citations` is empty and `nearest`
    quotes the passages that came closest.
    """

    question: str
    text: str
    citations: tuple[Citation, ...] = ()
    passages: tuple[NodeWithScore, ...] = ()
    abstained: bool = False
    confidence: float = 0.0
    nearest: tuple[Citation, ...] = ()
    answerer: str = ""
    standalone_question: str = ""
    generation: str = ""
    timings_ms: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The answer as `ask --json` prints it."""
        return {
            "question": self.question,
            "standalone_question": self.standalone_question,
            "answer": self.text,
            "abstained": self.abstained,
            "confidence": round(self.confidence, 4),
            "citations": [citation.as_dict() for citation in self.citations],
            "nearest": [citation.as_dict() for citation in self.nearest],
            "answerer": self.answerer,
            "generation": self.generation,
            "timings_ms": {stage: round(ms, 1) for stage, ms in self.timings_ms.items()},
        }


@dataclass(frozen=True)
class Turn:
    """One question of a conversation and the text that answered it."""

    question: str
    answer: str = ""


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
