import json
import re
from dataclasses import replace
from typing import Any

import pytest

from assistant.schema import Answer, Citation, Outcome, Turn, readable_date, turns_of

CITATION = Citation(
    marker=2,
    document="isle/lamp",
    title="The lamp of Sorrel",
    publisher="Harbour Gazette",
    published="2031-03-02",
    url=None,
    kind="news",
    quote="The lamp burns whale song.",
    start=0,
    end=26,
)


def test_citation_id_is_twelve_hex_digits() -> None:
    assert re.fullmatch(r"[0-9a-f]{12}", CITATION.id)


@pytest.mark.parametrize("changed", [{"marker": 9}, {"title": "A"}, {"published": None}])
def test_citation_id_stays_wherever_it_is_cited(changed: dict[str, Any]) -> None:
    assert replace(CITATION, **changed).id == CITATION.id


@pytest.mark.parametrize(
    "changed", [{"document": "isle/owl"}, {"start": 1}, {"end": 27}, {"quote": "It burns."}]
)
def test_citation_id_of_another_span(changed: dict[str, Any]) -> None:
    assert replace(CITATION, **changed).id != CITATION.id


@pytest.mark.parametrize(
    ("published", "source"),
    [("2031-03-02", "Harbour Gazette, 2 March 2031"), (None, "Harbour Gazette, undated")],
)
def test_citation_source_names_publisher_and_date(published: str | None, source: str) -> None:
    assert replace(CITATION, published=published).source == source


def test_citation_of_a_page() -> None:
    cited = replace(CITATION, page=3)
    assert cited.source == "Harbour Gazette, 2 March 2031, p. 3"
    assert cited.as_dict() == {**CITATION.as_dict(), "page": 3}
    assert cited.id == CITATION.id


def test_citation_as_dict() -> None:
    assert CITATION.as_dict() == {
        "marker": 2,
        "id": CITATION.id,
        "document": "isle/lamp",
        "title": "The lamp of Sorrel",
        "publisher": "Harbour Gazette",
        "published": "2031-03-02",
        "url": None,
        "quote": "The lamp burns whale song.",
        "start": 0,
        "end": 26,
    }


def test_answer_as_dict() -> None:
    answer = Answer(
        question="and it?",
        text="The lamp burns whale song. [2]",
        citations=(CITATION,),
        confidence=0.123456,
        signals={"cosine": 0.5},
        answerer="owl",
        standalone_question="and it? What burns?",
        generation="g1",
        timings_ms={"retrieve": 1.26},
    )
    assert json.loads(json.dumps(answer.as_dict())) == {
        "question": "and it?",
        "standalone_question": "and it? What burns?",
        "answer": "The lamp burns whale song. [2]",
        "outcome": "answered",
        "abstained": False,
        "confidence": 0.1235,
        "citations": [CITATION.as_dict()],
        "nearest": [],
        "answerer": "owl",
        "generation": "g1",
        "timings_ms": {"retrieve": 1.3},
    }


@pytest.mark.parametrize(
    ("outcome", "abstained"), [("answered", False), ("not_stated", True), ("nothing", True)]
)
def test_answer_abstained(outcome: Outcome, abstained: bool) -> None:
    assert Answer("Who?", "Nobody.", outcome=outcome).abstained is abstained


@pytest.mark.parametrize("outcome", ["not_stated", "nothing"])
def test_answer_as_dict_of_an_abstention(outcome: Outcome) -> None:
    answer = Answer("Who?", "The documents do not say.", outcome=outcome, nearest=(CITATION,))
    assert (answer.as_dict()["outcome"], answer.as_dict()["abstained"]) == (outcome, True)
    assert answer.as_dict()["citations"] == []
    assert answer.as_dict()["nearest"] == [CITATION.as_dict()]


@pytest.mark.parametrize(
    ("published", "expected"),
    [("2031-03-02", "2 March 2031"), ("2030-11-20", "20 November 2030"), (None, "undated")],
)
def test_readable_date(published: str | None, expected: str) -> None:
    assert readable_date(published) == expected


def test_turns_of_several_turns() -> None:
    messages = [
        {"role": "user", "content": "What burns?"},
        {"role": "assistant", "content": "Whale song. [1]"},
        {"role": "user", "content": "Why?"},
    ]
    assert turns_of(messages) == (Turn("What burns?", "Whale song. [1]"), Turn("Why?", ""))


def test_turns_of_messages_that_open_with_a_greeting() -> None:
    messages = [{"role": "assistant", "content": "Ahoy."}, {"role": "user", "content": "Why?"}]
    assert turns_of(messages) == (Turn("Why?"),)


def test_turns_of_two_answers_keeps_the_last() -> None:
    messages = [
        {"role": "user", "content": "What burns?"},
        {"role": "assistant", "content": "Wait."},
        {"role": "assistant", "content": "Whale song."},
    ]
    assert turns_of(messages) == (Turn("What burns?", "Whale song."),)


def test_turns_of_no_messages() -> None:
    assert turns_of([]) == ()


@pytest.mark.parametrize("messages", [None, "Ahoy.", {"role": "user", "content": "Why?"}])
def test_turns_of_what_is_no_list(messages: Any) -> None:
    with pytest.raises(ValueError, match='"history" is not a list of messages'):
        turns_of(messages)


@pytest.mark.parametrize(
    "message",
    [
        "Ahoy.",
        None,
        {},
        {"role": "user"},
        {"content": "Why?"},
        {"role": "owl", "content": "Why?"},
        {"role": [], "content": "Why?"},
        {"role": "user", "content": None},
        {"role": "user", "content": [{"type": "text", "text": "Why?"}]},
    ],
)
def test_turns_of_a_message_of_another_form(message: Any) -> None:
    with pytest.raises(ValueError, match='"history" needs messages with "role"'):
        turns_of([{"role": "user", "content": "What burns?"}, message])
