"""Answers of a language model on the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fakes import FakeReranker, HashEmbedder
from scripted_llm import Script, event, id_of, says, scripted

from assistant.conversation import Conversation
from assistant.history import ConversationStore
from assistant.index import PassageIndex
from assistant.schema import EVERYTHING
from assistant.serving.gate import Gate
from assistant.settings import Settings
from assistant.web import words
from assistant.web.chat import Chat, Desk, Step
from assistant.web.suggestions import Suggestions

COST = "What did the bridge of glass in Velmora cost?"
TRUE = "The bridge cost 42 million crowns. [{id}]"
FALSE = "Another <b>7</b> million went to Ann. [{id}]"

Open = Callable[..., Desk]


@pytest.fixture
def open_desk(
    index: PassageIndex,
    store: ConversationStore,
    settings: Settings,
    load: Callable[[str, int], HashEmbedder],
    load_judge: Callable[[str, int], FakeReranker],
) -> Open:
    """A desk whose answers are written by the model at an address."""

    def opened(address: str, **changed: Any) -> Desk:
        model = {"llm": "openai:scripted", "llm_base_url": address, "llm_first_seconds": 5.0}
        patched = settings.model_copy(update={**model, **changed})
        conversation = Conversation.open(patched, load, load_judge, index)
        return Desk(conversation, store, Suggestions([]), Gate(1000, 40))

    return opened


def reply(body: dict[str, Any]) -> Script:
    return says(f"{TRUE} {FALSE}".replace("{id}", id_of(body, "It cost 42 million")), size=3)


def last_message(step: Step) -> str:
    return str((step.messages or [{"content": ""}])[-1]["content"])


def test_ask_shows_a_sentence_once_it_is_checked(open_desk: Open) -> None:
    """No step shows a number that the sources do not have, but for crossed out."""
    with scripted(reply) as server:
        steps = list(open_desk(server.address).ask(COST, Chat(), EVERYTHING, "ann"))
    shown = [message for step in steps if (message := last_message(step))]
    assert any(words.STAGES["ask"] in one for one in shown)
    assert any(words.STAGES["write"] in one and "42 million" in one for one in shown)
    assert words.WRITTEN.format(model="openai:scripted") in shown[-1]
    for one in shown:
        assert "7 million" not in re.sub(r"<del>.*?</del>", "", one)
    assert "<del><bdi>Another 7 million went to Ann.</bdi></del>" in shown[-1]
    assert words.NOT_FOUND in shown[-1]
    assert [step.busy for step in steps][-1] is False


def test_ask_leaves_out_what_is_not_found_if_it_is_to_be_removed(open_desk: Open) -> None:
    with scripted(reply) as server:
        desk = open_desk(server.address, llm_unsupported="remove")
        steps = list(desk.ask(COST, Chat(), EVERYTHING, "ann"))
    assert "42 million" in "".join(map(last_message, steps))
    assert "7 million" not in "".join(map(last_message, steps))


def test_answer_that_was_kept_is_shown_as_it_was(open_desk: Open, store: ConversationStore) -> None:
    with scripted(reply) as server:
        desk = open_desk(server.address)
        *_, last = desk.ask(COST, Chat(), EVERYTHING, "ann")
    before = desk.messages(last.chat)
    again = desk.messages(desk.open(last.chat.id or "", "ann").chat)
    assert [message["content"] for message in again] == [message["content"] for message in before]


def test_ask_says_why_the_models_answer_is_not_there(open_desk: Open) -> None:
    with scripted(Script([b"{}"], 500)) as server:
        *_, last = open_desk(server.address).ask(COST, Chat(), EVERYTHING, "ann")
    [answer] = last.chat.answers
    shown = open_desk(server.address).messages(replace(last.chat))[-1]["content"]
    assert "answered with an error (500)" in shown
    assert "42 million" in shown
    assert answer.answerer == "extractive"


def test_question_that_is_called_off_hangs_up_and_leaves_nothing(
    open_desk: Open, store: ConversationStore
) -> None:
    with scripted(Script([event("The bridge "), 60.0])) as server:
        steps = open_desk(server.address).ask(COST, Chat(), EVERYTHING, "ann")
        while not server.requests:
            next(steps)
        next(steps)
        steps.close()  # type: ignore[attr-defined]
        assert server.hung_up.wait(2)
    assert store.conversations("ann") == []
