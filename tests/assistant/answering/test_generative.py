"""Answers that a model writes, over real HTTP, from the invented corpus."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fakes import FakeReranker, HashEmbedder
from scripted_llm import (
    DONE,
    DROP,
    Answering,
    Script,
    ScriptedServer,
    ending,
    event,
    id_of,
    says,
    scripted,
)

from assistant.conversation import Conversation
from assistant.ingestion import ingest
from assistant.schema import Answer
from assistant.settings import Settings

COST = "What did the bridge of glass in Velmora cost?"
COST_42 = "It cost 42 million crowns"
KEY = "sk-test-0123456789-secret"

Ask = Callable[..., tuple[Answer, ScriptedServer]]


@pytest.fixture
def ask(
    settings: Settings,
    load: Callable[[str, int], HashEmbedder],
    load_judge: Callable[[str, int], FakeReranker],
    monkeypatch: pytest.MonkeyPatch,
) -> Ask:
    """Ask a question of a conversation whose model is scripted."""
    ingest(settings, load=load)
    monkeypatch.setenv("DIAMOND_LLM_KEY", KEY)

    def asked(
        *scripts: Answering, question: str = COST, **changed: Any
    ) -> tuple[Answer, ScriptedServer]:
        with scripted(*scripts) as server:
            limits = {
                "llm_first_seconds": 0.6, "llm_between_seconds": 0.6, "llm_total_seconds": 3.0,
            }  # fmt: skip
            patched = settings.model_copy(
                update={"llm": "openai:scripted", "llm_base_url": server.address, **limits, **changed}
            )
            answer = Conversation.open(patched, load, load_judge).ask(question)
        return answer, server

    return asked


def cited(words: str, text: str) -> Answering:
    """A reply that cites the shown sentence with these words, where {id} stands."""
    return lambda body: says(text.replace("{id}", id_of(body, words)))


def test_answer_cites_the_exact_characters(ask: Ask) -> None:
    answer, server = ask(cited(COST_42, "The bridge cost 42 million crowns. [{id}]"))
    assert answer.text == "The bridge cost 42 million crowns. [1]"
    assert answer.answerer == "generative"
    assert answer.fallback == ""
    [citation] = answer.citations
    assert citation.quote.startswith("It cost 42 million crowns")
    assert answer.tokens == {"read": 900, "written": 40}
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
