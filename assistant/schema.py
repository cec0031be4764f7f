"""The three nouns of our own that travel between modules: Citation, Answer, Turn.

The others are LlamaIndex's: `Document`, `TextNode` (a passage) and
`NodeWithScore` (a scored passage).
"""

from __future__ import annotations

import hashlib
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
