import json
from pathlib import Path
from typing import Any

import pytest

from evals.datasets import DatasetError, Question
from evals.drafts import drafts

MARK = {"question": "What burns?", "verdict": "wrong"}


def drafted(folder: Path, *lines: dict[str, Any] | str) -> list[dict[str, Any]]:
    """The drafts from a file of these lines; a text is written as it is."""
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / "marks.jsonl").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return list(drafts(folder / "marks.jsonl"))


def test_drafts_leave_out_what_was_right(tmp_path: Path) -> None:
    found = drafted(tmp_path, {**MARK, "verdict": "right"}, MARK, {**MARK, "verdict": "right"})
    assert [draft["id"] for draft in found] == ["draft-002"]


@pytest.mark.parametrize("verdict", ["wrong", "not_in_source", "out_of_date", "incomplete"])
def test_drafts_keep_every_other_verdict_as_a_tag(tmp_path: Path, verdict: str) -> None:
    (draft,) = drafted(tmp_path, {**MARK, "verdict": verdict})
    assert draft["tags"] == ["draft", verdict]


def test_drafts_carry_over_what_the_user_said(tmp_path: Path) -> None:
    history = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hu."}]
    mark = {**MARK, "expected": "Whale song.", "source": "isle/lamp", "history": history}
    assert drafted(tmp_path, mark) == [
        {
            "id": "draft-001",
            "type": "followup",
            "question": "What burns?",
            "answer": "Whale song.",
            "must_include": [],
            "sources": ["isle/lamp"],
            "evidence": [],
            "history": history,
            "tags": ["draft", "wrong"],
        }
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"expected": "Whale song."}, "factoid"),
        ({}, "factoid"),
        ({"verdict": "not_in_source"}, "unanswerable"),
        ({"history": [{"role": "user", "content": "Hello"}]}, "followup"),
    ],
)
def test_drafts_guess_the_type(tmp_path: Path, fields: dict[str, Any], expected: str) -> None:
    (draft,) = drafted(tmp_path, {**MARK, **fields})
    assert (draft["type"], draft["sources"]) == (expected, [])


def test_drafts_are_questions_of_a_golden_set(tmp_path: Path) -> None:
    found = drafted(tmp_path, MARK, "", {**MARK, "expected": "Song.", "generation": "g1", "x": 1})
    questions = [Question.model_validate(draft) for draft in found]
    assert [(one.id, one.answer) for one in questions] == [
        ("draft-001", ""),
        ("draft-003", "Song."),
    ]


def test_drafts_of_an_empty_file(tmp_path: Path) -> None:
    assert drafted(tmp_path) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{nonsense", "not JSON"),
        ("[]", "not a JSON object"),
        ({"verdict": "wrong"}, "'question'"),
        ({"question": "Who?"}, "'verdict'"),
        ({**MARK, "verdict": "bad"}, "'verdict'"),
        ({**MARK, "question": 3}, "'question'"),
        ({**MARK, "expected": None}, "'expected'"),
        ({**MARK, "history": [{"role": "user"}]}, "history.0.content"),
        ({**MARK, "history": [{"role": "owl", "content": "hu"}]}, "history.0.role"),
    ],
)
def test_drafts_name_a_bad_line(tmp_path: Path, line: dict[str, Any] | str, reason: str) -> None:
    with pytest.raises(DatasetError) as caught:
        drafted(tmp_path, {**MARK, "verdict": "right"}, line)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'marks.jsonl'}, line 2: ")
    assert reason in message


def test_drafts_name_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"none\.jsonl cannot be read"):
        list(drafts(tmp_path / "none.jsonl"))
