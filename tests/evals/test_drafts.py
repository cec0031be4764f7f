import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import HistoryDamaged
from assistant.history import ConversationStore, Verdict
from assistant.schema import Answer
from evals.datasets import DatasetError, Question
from evals.drafts import drafts, feedback_in_database, feedback_in_file

MARK = {"question": "What burns?", "verdict": "wrong"}


def drafted(folder: Path, *lines: dict[str, Any] | str) -> list[dict[str, Any]]:
    """The drafts from a file of these lines; a text is written as it is."""
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / "marks.jsonl").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return list(drafts(feedback_in_file(folder / "marks.jsonl")))


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


def test_drafts_show_a_person_what_helps_them(tmp_path: Path) -> None:
    (draft,) = drafted(tmp_path, {**MARK, "reason": "It is owls.", "filters": {"kinds": ["news"]}})
    assert (draft["reason"], draft["filters"]) == ("It is owls.", {"kinds": ["news"]})
    assert Question.model_validate(draft).question == "What burns?"


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
        list(feedback_in_file(tmp_path / "none.jsonl"))


def marked(path: Path, *verdicts: Verdict, **more: Any) -> None:
    """A conversation of which the answers were marked, one with each verdict."""
    with closing(ConversationStore.open(path)) as store:
        conversation = store.new("ann", "Question 0?")
        for turn, verdict in enumerate(verdicts):
            store.append("ann", conversation, Answer(f"Question {turn}?", "Owls. [1]"))
            store.give_feedback("ann", conversation, turn, verdict, **more)


def test_drafts_from_the_database(tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    marked(path, "right", "wrong", expected="Eels.", source="isle/lamp", reason="No owls.")
    assert list(drafts(feedback_in_database(path))) == [
        {
            "id": "draft-002",
            "type": "followup",
            "question": "Question 1?",
            "answer": "Eels.",
            "must_include": [],
            "sources": ["isle/lamp"],
            "evidence": [],
            "history": [
                {"role": "user", "content": "Question 0?"},
                {"role": "assistant", "content": "Owls. [1]"},
            ],
            "tags": ["draft", "wrong"],
            "reason": "No owls.",
        }
    ]


def test_feedback_in_database_is_all_that_was_said(tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    marked(path, "right", "incomplete", filters={"kinds": ["news"]})
    numbers, feedback = zip(*feedback_in_database(path), strict=True)
    assert numbers == (1, 2)
    assert [one.verdict for one in feedback] == ["right", "incomplete"]
    assert [(one.answer, one.filters) for one in feedback] == [
        ("Owls. [1]", {"kinds": ["news"]})
    ] * 2


def test_feedback_in_database_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "data" / "conversations.db"
    with pytest.raises(DatasetError, match=r"no conversations at .*DIAMOND_DATA_DIR"):
        list(feedback_in_database(path))
    assert not path.parent.exists()


def test_feedback_in_a_database_that_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    path.write_text("no database")
    with pytest.raises(HistoryDamaged):
        list(feedback_in_database(path))
