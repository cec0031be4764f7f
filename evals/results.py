"""What one question came to: everything that its figures are computed from.

A result is plain data, a line of results.jsonl, so that every figure can be
computed again from that file alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from llama_index.core.schema import Document

from assistant.citations import resolves, statements
from assistant.schema import Answer, readable_date
from evals.datasets import Question


@dataclass(frozen=True)
class Span:
    """Characters of a document: [start:end] of its text."""

    document: str
    start: int
    end: int

    def overlaps(self, other: Span) -> bool:
        """Whether they share a character."""
        return self.document == other.document and self.start < other.end and other.start < self.end

    def covers(self, other: Span) -> bool:
        """Whether more than half of the other lies in this one."""
        if self.document != other.document:
            return False
        shared = min(self.end, other.end) - max(self.start, other.start)
        return 2 * shared > other.end - other.start


@dataclass(frozen=True)
class Cited:
    """A citation of the answer, and whether the document has the quote at that place."""

    marker: int
    span: Span
    quote: str
    publisher: str
    published: str | None
    title: str
    url: str | None
    resolves: bool

    @property
    def named(self) -> str:
        """The quote after the name of its source, as an answer from several sources has it."""
        return f"{self.publisher}, {readable_date(self.published)}: {self.quote}"


@dataclass(frozen=True)
class Statement:
    """A piece of the answer's text and the markers that follow it."""

    text: str
    markers: tuple[int, ...]


@dataclass(frozen=True)
class Result:
    """One question, what was expected, what came, and the figures (see metrics.py).

    `retrieved` is the ranking of passages, best first; `evidence` the places of
    the expected quotes that the documents really have. Where a language model
    was asked, `checks` counts what came of its sentences, by status, and
    `fallback` says why its answer was not taken.
    """

    id: str
    type: str
    tags: tuple[str, ...]
    question: str
    history: tuple[dict[str, str], ...]
    expected_answer: str
    must_include: tuple[Any, ...]
    sources: tuple[str, ...]
    evidence: tuple[Span, ...]
    answerable: bool
    answer: str = ""
    abstained: bool = False
    outcome: str = "answered"
    confidence: float = 0.0
    signals: dict[str, float] = field(default_factory=dict)
    standalone_question: str = ""
    statements: tuple[Statement, ...] = ()
    citations: tuple[Cited, ...] = ()
    retrieved: tuple[Span, ...] = ()
    error: str | None = None
    model: str = ""
    fallback: str = ""
    checks: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    cost: float | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether it went wrong: an error, a wrong answer, or an answer where there is none."""
        if self.error is not None:
            return True
        right = self.metrics.get("accuracy", 1.0) and self.metrics.get("refused", 1.0)
        return not right or self.metrics.get("false_abstention", 0.0) == 1.0

    def as_dict(self) -> dict[str, Any]:
        """The result as a line of results.jsonl."""
        return asdict(self)


def expected(question: Question, document: Callable[[str], Document]) -> Result:
    """A result before the question is asked."""
    return Result(
        id=question.id,
        type=question.type,
        tags=tuple(question.tags),
        question=question.question,
        history=tuple(message.model_dump() for message in question.history),
        expected_answer=question.answer,
        must_include=tuple(question.must_include),
        sources=tuple(question.sources),
        evidence=tuple(_places(question, document)),
        answerable=question.is_answerable,
    )


def _places(question: Question, document: Callable[[str], Document]) -> list[Span]:
    places = []
    for evidence in question.evidence:
        start = document(evidence.document).text.find(evidence.quote)
        if start >= 0:
            places.append(Span(evidence.document, start, start + len(evidence.quote)))
    return places


def observed(answer: Answer, document: Callable[[str], Document]) -> dict[str, Any]:
    """The fields of a result that an answer fills."""
    return {
        "answer": answer.text,
        "abstained": answer.abstained,
        "outcome": answer.outcome,
        "signals": {name: round(value, 6) for name, value in answer.signals.items()},
        "confidence": round(answer.confidence, 6),
        "standalone_question": answer.standalone_question,
        "statements": tuple(
            Statement(text, tuple(citation.marker for citation in citations))
            for text, citations in ([] if answer.abstained else statements(answer))
        ),
        "citations": tuple(
            Cited(
                marker=c.marker,
                span=Span(c.document, c.start, c.end),
                quote=c.quote,
                publisher=c.publisher,
                published=c.published,
                title=c.title,
                url=c.url,
                resolves=resolves(c, document(c.document).text),
            )
            for c in answer.citations
        ),
        "retrieved": tuple(
            Span(
                str(passage.node.ref_doc_id),
                int(getattr(passage.node, "start_char_idx", 0) or 0),
                int(getattr(passage.node, "end_char_idx", 0) or 0),
            )
            for passage in answer.passages
        ),
        "model": answer.model,
        "fallback": answer.fallback,
        "checks": dict(Counter(sentence.status for sentence in answer.sentences)),
        "tokens": dict(answer.tokens),
        "cost": answer.cost,
        "timings_ms": {stage: round(ms, 2) for stage, ms in answer.timings_ms.items()},
    }


def from_dict(line: dict[str, Any]) -> Result:
    """A result read back from a line of results.jsonl."""

    def span(fields: dict[str, Any]) -> Span:
        return Span(**fields)

    return Result(
        **{
            **line,
            "tags": tuple(line["tags"]),
            "history": tuple(line["history"]),
            "must_include": tuple(line["must_include"]),
            "sources": tuple(line["sources"]),
            "evidence": tuple(span(one) for one in line["evidence"]),
            "statements": tuple(
                Statement(one["text"], tuple(one["markers"])) for one in line["statements"]
            ),
            "citations": tuple(
                Cited(**{**one, "span": span(one["span"])}) for one in line["citations"]
            ),
            "retrieved": tuple(span(one) for one in line["retrieved"]),
        }
    )
