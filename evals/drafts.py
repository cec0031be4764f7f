"""What users marked as wrong → draft golden questions, for a person to finish."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from evals.datasets import DatasetError, Message, read_json_lines


class Feedback(BaseModel):
    """One mark that a user left on an answer, with what replays the question."""

    model_config = ConfigDict(extra="ignore")

    question: str
    verdict: Literal["right", "wrong", "not_in_source", "out_of_date", "incomplete"]
    history: list[Message] = []
    expected: str = ""
    source: str = ""
    generation: str = ""


def drafts(path: Path) -> Iterator[dict[str, Any]]:
    """A draft for every answer that was marked otherwise than right.

    `type` is a guess; `must_include` and `evidence` are for a person to fill in.

    Raises:
        DatasetError: a line is not feedback.
    """
    for number, fields in read_json_lines(path):
        try:
            feedback = Feedback.model_validate(fields)
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise DatasetError(
                f"{path}, line {number}: field {where!r}: {problem['msg'].lower()}"
            ) from error
        if feedback.verdict != "right":
            yield _draft(feedback, number)


def _draft(feedback: Feedback, number: int) -> dict[str, Any]:
    guess = "followup" if feedback.history else "factoid"
    silent = feedback.verdict == "not_in_source" and not feedback.expected
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
    }
