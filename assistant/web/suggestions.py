"""Questions that the documents can answer, to go on with after an answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.lexical import terms
from assistant.models.examples import QUESTIONS, read_lines
from assistant.schema import Answer

MOST = 3
LONGEST = 110  # characters
SAME_TERMS = 0.5  # share of the shorter question's terms from which two ask the same


@dataclass(frozen=True)
class Suggestion:
    """A question, and the document and the characters that answer it."""

    question: str
    document: str
    quote: str


class Suggestions:
    """Written questions by the document that answers them.

    They are those that the model was trained with: each was written for a
    sentence, so that sentence answers it. Only questions about documents that
    the index has are kept; another corpus has none.
    """

    def __init__(self, suggestions: Iterable[Suggestion]) -> None:
        self._by_document: dict[str, list[Suggestion]] = {}
        for suggestion in suggestions:
            self._by_document.setdefault(suggestion.document, []).append(suggestion)

    @classmethod
    def load(cls, documents: Collection[str]) -> Suggestions:
        """Those about some documents."""
        records = read_lines(QUESTIONS / "corpus.jsonl")
        return cls(
            Suggestion(record["question"], piece["document"], piece["quote"])
            for record in records
            if is_presentable(record)
            for piece in record["evidence"][:1]
            if piece["document"] in documents
        )

    def after(self, answers: Sequence[Answer]) -> list[str]:
        """Up to three questions about the documents of the last answer, none asked before.

        None about a sentence that the answers have quoted, and no two alike.
        """
        if not answers:
            return []
        last = answers[-1]
        quoted = {citation.quote for answer in answers for citation in answer.citations}
        avoid = [set(found) for found in terms([answer.question for answer in answers])]
        chosen: list[str] = []
        for document in dict.fromkeys(c.document for c in (*last.citations, *last.nearest)):
            for suggestion in self._by_document.get(document, ()):
                mine = set(terms([suggestion.question])[0])
                if suggestion.quote in quoted or any(_alike(mine, other) for other in avoid):
                    continue
                chosen.append(suggestion.question)
                avoid.append(mine)
                break
        return chosen[:MOST]


def is_presentable(record: dict[str, Any]) -> bool:
    """Whether a written question can stand on a button: whole, short, and on its own feet."""
    question: str = record["question"]
    return (
        bool(record["evidence"])
        and "history" not in record
        and question.endswith("?")
        and question[0].isupper()
        and len(question) <= LONGEST
        and len({piece["document"] for piece in record["evidence"]}) == 1
    )


def _alike(one: set[str], other: set[str]) -> bool:
    return len(one & other) >= SAME_TERMS * max(1, min(len(one), len(other)))
