"""The three nouns of our own that travel between modules: Citation, Answer, Turn.

The others are LlamaIndex's: `Document`, `TextNode` (a passage) and
`NodeWithScore` (a scored passage).
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from llama_index.core.schema import NodeWithScore


Outcome = Literal["answered", "not_stated", "nothing"]


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
    def source(self) -> str:
        """Who published it and when, as one names a source in a text."""
        return f"{self.publisher}, {readable_date(self.published)}"

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

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Citation:
        """A citation from its fields; names that are none of them are passed over."""
        return cls(**_fields_of(cls, kept))


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
    shown, best first; of an answer read back from JSON, their places without
    their text. `confidence`, between 0 and 1, is how likely the documents
    answer the question; `signals` is what it was computed from. `differing` are
    pairs of markers whose sources seem to give other figures for one thing.

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
    differing: tuple[tuple[int, int], ...] = ()
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

    def to_json(self) -> str:
        """The whole answer, for `from_json` to read back; its passages without their text."""
        kept = {its.name: getattr(self, its.name) for its in fields(self)}
        kept |= {
            "citations": [asdict(citation) for citation in self.citations],
            "nearest": [asdict(citation) for citation in self.nearest],
            "passages": [_place_of(passage) for passage in self.passages],
            "signals": dict(self.signals),
        }
        return json.dumps(kept, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Answer:
        """An answer that `to_json` wrote.

        A field that was not there yet has its default; one that is no longer
        known is passed over.

        Raises:
            ValueError: the text is no such answer.
        """
        try:
            kept = _fields_of(cls, json.loads(text))
            for name in ("citations", "nearest"):
                kept[name] = tuple(Citation.from_dict(one) for one in kept.get(name, ()))
            kept["passages"] = tuple(_passage_at(place) for place in kept.get("passages", ()))
            kept["differing"] = tuple(map(tuple, kept.get("differing", ())))
            return cls(**kept)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not an answer: {error}") from error


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


def shorten(text: str, length: int) -> str:
    """The text on one line; one longer than `length` characters is cut, at a word if it has some.

    >>> shorten("What will the plant in Georgia make?", 20)
    'What will the plant …'
    """
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    space = text.rfind(" ", 0, length)
    return text[: space if space > 0 else length] + " …"


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


def messages_of(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """Turns as chat messages; `turns_of` makes the same turns of them again.

    >>> messages_of([Turn("What will it make?", "Grit. [1]"), Turn("Why?")])[1:]
    [{'role': 'assistant', 'content': 'Grit. [1]'}, {'role': 'user', 'content': 'Why?'}]
    """
    messages = []
    for turn in turns:
        messages.append({"role": "user", "content": turn.question})
        if turn.answer:
            messages.append({"role": "assistant", "content": turn.answer})
    return messages


def _fields_of(noun: type[Answer | Citation], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Of what was kept, the fields that the noun has."""
    return {its.name: kept[its.name] for its in fields(noun) if its.name in kept}


def _place_of(passage: NodeWithScore) -> dict[str, Any]:
    return {
        "id": passage.node.node_id,
        "document": passage.node.ref_doc_id or "",
        "start": getattr(passage.node, "start_char_idx", None),
        "end": getattr(passage.node, "end_char_idx", None),
        "score": passage.score,
    }


def _passage_at(place: Mapping[str, Any]) -> NodeWithScore:
    """A scored passage without its text: the index has that, under the passage's id."""
    from llama_index.core.schema import (
        NodeRelationship,
        NodeWithScore,
        RelatedNodeInfo,
        TextNode,
    )

    node = TextNode(
        id_=place["id"],
        start_char_idx=place["start"],
        end_char_idx=place["end"],
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=place["document"])},
    )
    return NodeWithScore(node=node, score=place["score"])
