"""Which model the settings name, whose key it gets, and that the key is nowhere else."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fakes import FakeReranker, HashEmbedder
from scripted_llm import Answering, Script, id_of, says, scripted

from assistant.cli import commands
from assistant.conversation import Conversation
from assistant.errors import AssistantError, ModelUnavailable, SettingsError
from assistant.ingestion import ingest
from assistant.llm.http import Bearer
from assistant.llm.models import load_llm
from assistant.settings import Settings
from assistant.web.writing import shown_pieces

KEY = "sk-test-0123456789-secret"
COST = "What did the bridge of glass in Velmora cost?"


def with_(settings: Settings, **changed: Any) -> Settings:
    return settings.model_copy(update=changed)


@pytest.mark.parametrize("llm", ["qwen3", "ollama:", ":qwen3", "gemini:pro", "openai"])
def test_load_names_the_forms_where_the_setting_is_none(llm: str, settings: Settings) -> None:
    with pytest.raises(SettingsError, match="ollama:NAME, openai:NAME"):
        load_llm(with_(settings, llm=llm), {})


@pytest.mark.parametrize(
    ("llm", "variable"), [("openai:gpt-x", "OPENAI_API_KEY"), ("anthropic:c", "ANTHROPIC_API_KEY")]
)
def test_load_names_the_variable_of_a_key_that_is_not_there(
    llm: str, variable: str, settings: Settings
) -> None:
    with pytest.raises(ModelUnavailable, match=variable):
        load_llm(with_(settings, llm=llm), {})
    assert load_llm(with_(settings, llm=llm), {variable: KEY})


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel"])
def test_load_refuses_what_is_no_key_and_does_not_repeat_it(key: str, settings: Settings) -> None:
    with pytest.raises(SettingsError) as raised:
        load_llm(with_(settings, llm="openai:x"), {"DIAMOND_LLM_KEY": key})
    assert key not in str(raised.value)


@pytest.mark.parametrize(
    "address",
    ["localhost:8000", "ftp://x/v1", "http://ann:hush@x/v1", "http://x/v1?key=hush", "http://[x"],
)
def test_load_refuses_an_address_and_does_not_repeat_it(address: str, settings: Settings) -> None:
    with pytest.raises(SettingsError, match="llm_base_url") as raised:
        load_llm(with_(settings, llm="openai:x", llm_base_url=address), {})
    assert "hush" not in str(raised.value)


def test_vendors_key_goes_to_the_vendor_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OPENAI_API_KEY is in many environments; a server of somebody else must not see it."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_BASE", "http://127.0.0.1:9/elsewhere")
    with scripted(says("It is so.")) as server:
        changed = with_(settings, llm="openai:x", llm_base_url=server.address)
        assert "".join(one.delta or "" for one in load_llm(changed).stream_chat([])) == "It is so."
    assert "Authorization" not in server.headers[0]
    assert KEY not in str(server.headers)
    assert not [name for name in server.headers[0] if name.lower().startswith("x-stainless")]


def test_key_does_not_follow_a_redirect(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIAMOND_LLM_KEY", KEY)
    with scripted(says("")) as other:
        with scripted(Script([], 307, {"Location": f"{other.address}/chat/completions"})) as server:
            changed = with_(settings, llm="openai:x", llm_base_url=server.address)
            with pytest.raises(Exception, match="307"):
                list(load_llm(changed).stream_chat([]))
        assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
        assert other.requests == []


def test_key_is_in_nothing_that_was_written(
    settings: Settings,
    load: Callable[[str, int], HashEmbedder],
    load_judge: Callable[[str, int], FakeReranker],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Settings, logs, errors, answers, pages, cassettes, whatever the server echoes."""
    monkeypatch.setenv("DIAMOND_LLM_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    ingest(settings, load=load)
    seen = []
    echoes: list[Answering] = [
        Script([json.dumps({"error": {"message": f"bad key {KEY}"}}).encode()], 401),
        Script([f"{KEY} is wrong".encode()], 500),
        Script([f"data: {KEY}\n\n".encode()]),
        lambda body: says(f"It cost 42 million crowns. [{id_of(body, 'It cost 42 million')}]"),
    ]
    for script in echoes:
        with scripted(script) as server:
            changed = with_(
                settings, llm="openai:x", llm_base_url=server.address, llm_record=tmp_path / "t"
            )
            conversation = Conversation.open(changed, load, load_judge)
            answer = conversation.ask(COST)
            assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
        with conversation.library.reading() as reading:
            answerer: Any = reading.answerer
        llm = answerer.llm
        seen += [answer.to_json(), json.dumps(answer.as_dict()), *shown_pieces(answer, 0)]
        seen += [repr(answerer), repr(llm), json.dumps(llm.to_dict(), default=str)]
        seen += [changed.model_dump_json(), repr(changed), repr(Bearer(None))]
    seen += [caplog.text, *capfd.readouterr()]
    seen += [p.read_text(errors="replace") for p in tmp_path.rglob("*") if p.is_file()]
    assert len(seen) > 20
    assert not [text for text in seen if KEY in text]


@pytest.mark.parametrize(
    ("reply", "line", "status"),
    [
        ("It cost 42 million crowns. [k7f3]", "answers, streams, cites as asked", 0),
        ("It cost 42 million crowns.", "streams, does not cite as asked", 1),
        ("It cost 42 million crowns. [1]", "streams, does not cite as asked", 1),
        ("", "the model said nothing", 1),
    ],
)
def test_check_says_in_one_line_what_the_model_can_do(
    reply: str, line: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(says(reply)) as server:
        monkeypatch.setenv("DIAMOND_LLM_BASE_URL", server.address)
        done = CliRunner().invoke(commands, ["llm", "check", "openai:x"], standalone_mode=False)
    assert line in done.output
    assert done.output.count("\n") == 1
    assert done.return_value == status


def test_check_without_a_model_names_the_forms() -> None:
    done = CliRunner().invoke(commands, ["llm", "check"], standalone_mode=False)
    assert isinstance(done.exception, AssistantError)
    assert "ollama:NAME" in str(done.exception)
