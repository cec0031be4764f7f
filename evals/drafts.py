"""What users marked as wrong → draft golden questions, for a person to finish."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from assistant.history import ConversationStore, Verdict
from evals.datasets import DatasetError, Message, read_json_lines


class Feedback(BaseModel):
    """One mark that a user left on an answer, with what replays the question."""

    model_config = ConfigDict(extra="ignore")

    question: str
    verdict: Verdict
    history: list[Message] = []
    filters: dict[str, Any] = {}
    answer: str = ""
    reason: str = ""
    expected: str = ""
    source: str = ""
    generation: str = ""
    created_at: str = ""


# Feedback with its number: its line in a file, its place in the database.
Numbered = tuple[int, Feedback]


def feedback_in_file(path: Path) -> Iterator[Numbered]:
    """The feedback in a file of JSON lines.

    Raises:
        DatasetError: a line is not feedback.
    """
    for number, fields in read_json_lines(path):
        try:
            yield number, Feedback.model_validate(fields)
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise DatasetError(
                f"{path}, line {number}: field {where!r}: {problem['msg'].lower()}"
            ) from error


def feedback_in_database(path: Path) -> Iterator[Numbered]:
    """The feedback that users gave in the chat, oldest first.

    Raises:
        DatasetError: there is no such file.
        HistoryError: it cannot be read.
    """
    if not path.is_file():
        raise DatasetError(
            f"no conversations at {path}: nobody has used the chat, or DIAMOND_DATA_DIR is another"
        )
    with closing(ConversationStore.open(path)) as store:
        for number, feedback in enumerate(store.all_feedback(), 1):
            yield number, Feedback.model_validate(asdict(feedback))


def drafts(marks: Iterable[Numbered]) -> Iterator[dict[str, Any]]:
    """A draft for every answer that was marked otherwise than right.

    `type` is a guess; `must_include` and `evidence` are for a person to fill in.
    `reason` and `filters` help them and are no part of a golden question.
    """
    for number, feedback in marks:
        if feedback.verdict != "right":
            yield _draft(feedback, number)


def _draft(feedback: Feedback, number: int) -> dict[str, Any]:
    guess = "followup" if feedback.history else "factoid"
    silent = feedback.verdict == "not_in_source" and not feedback.expected
    helps = {"reason": feedback.reason, "filters": feedback.filters}
    return {
        "id": f"draft-{number:03d}",
        "type": "unanswerable" if silent else guess,
        "question": feedback.question,
        "answer": feedback.expected,
        "must_include": [],
        "sources": [feedback.source] if feedback.source else [],
        "evidence": [],
        "history": [message.model_dump() for message in feedback.history],
        "tags": ["draft", feedback.verdict],
        **{name: value for name, value in helps.items() if value},
    }
