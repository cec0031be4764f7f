"""Ollama's own interface, by its real client and over real HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from scripted_llm import Script, Step, scripted

from assistant.llm.calls import Call, CallFailed, Limits
from assistant.llm.models import load_llm
from assistant.settings import Settings

ASKED = [ChatMessage(role="user", content="What burns?")]
QUICK = Limits(first=2, between=0.3, total=5)


def line(text: str, **more: Any) -> bytes:
    said = {"model": "q", "message": {"role": "assistant", "content": text}, "done": False}
    return json.dumps({**said, **more}).encode() + b"\n"


END = line("", done=True, done_reason="stop", prompt_eval_count=9, eval_count=4)


def says(*steps: Step) -> Script:
    return Script(steps, type="application/x-ndjson")


def call(settings: Settings, address: str) -> Call:
    changed = {"llm": "ollama:qwen3", "llm_base_url": address.removesuffix("/v1")}
    return Call(load_llm(settings.model_copy(update=changed), {}), ASKED, QUICK)


def test_reply_comes_in_pieces_and_nobody_is_told_who_asks(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "sk-secret")
    with scripted(says(line("Whale "), line("song."), END)) as server:
        asked = call(settings, server.address)
        assert "".join(asked.pieces()) == "Whale song."
    [headers] = server.headers
    assert "Authorization" not in headers
    assert "ollama" not in headers["User-Agent"]
    assert server.requests[0]["options"]["num_ctx"] == settings.llm_window
    assert asked.finish == "stop"


@pytest.mark.parametrize(
    "script",
    [
        says(line("Whale ")),
        says(line("Whale "), b"not json\n"),
        says(line("Whale "), 10.0),
        Script(status=500),
    ],
    ids=["cut", "garbage", "stall", "error"],
)
def test_reply_that_fails_is_no_reply(script: Script, settings: Settings) -> None:
    with scripted(script) as server, pytest.raises(CallFailed):
        list(call(settings, server.address).pieces())


def test_redirect_is_not_followed(settings: Settings) -> None:
    with scripted(says(line("Gotcha."), END)) as other:
        moved = Script(status=307, headers={"Location": f"{other.address}/api/chat"})
        with scripted(moved) as server, pytest.raises(CallFailed):
            list(call(settings, server.address).pieces())
    assert other.requests == []


def test_closing_hangs_up(settings: Settings) -> None:
    with scripted(says(line("Whale "), 10.0)) as server:
        pieces = call(settings, server.address).pieces()
        assert next(pieces) == "Whale "
        pieces.close()
        assert server.hung_up.wait(5)
