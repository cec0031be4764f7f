import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeReranker, HashEmbedder
from llama_index.core.llms import ChatMessage
from scripted_llm import id_of, says, scripted

from assistant.conversation import Conversation
from assistant.errors import ModelUnavailable
from assistant.ingestion import ingest
from assistant.llm.calls import Call, CallFailed
from assistant.llm.cassettes import RecordingLLM, ReplayLLM, key_of
from assistant.schema import Answer
from assistant.settings import Settings

COST = "What did the bridge of glass in Velmora cost?"
ASKED = [ChatMessage(content="What did it cost?")]


def cassette(path: Path, reply: str) -> Path:
    line = {"key": key_of(ASKED), "reply": reply, "tokens": {"read": 5, "written": 2}}
    path.write_text(json.dumps(line) + "\n")
    return path


def test_replay_says_what_was_kept_and_its_tokens(tmp_path: Path) -> None:
    call = Call(
        ReplayLLM.load(cassette(tmp_path / "tape.jsonl", "Six – dollars, it is."), 999), ASKED
    )
    assert "".join(call.pieces()) == "Six – dollars, it is."
    assert call.tokens == {"read": 5, "written": 2}


def test_replay_fails_on_what_was_not_kept(tmp_path: Path) -> None:
    llm = ReplayLLM.load(cassette(tmp_path / "tape.jsonl", "Six."), 999)
    with pytest.raises(CallFailed, match="the cassette has no reply"):
        list(Call(llm, [ChatMessage(content="And now?")]).pieces())


@pytest.mark.parametrize("text", [None, "no json", "[]", '{"reply": "x"}'])
def test_load_says_which_cassette_cannot_be_read(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ModelUnavailable, match="tape"):
        ReplayLLM.load(path, 999)


def test_cassette_that_cannot_be_written_is_told_before_the_model_is_asked(tmp_path: Path) -> None:
    llm = ReplayLLM.load(cassette(tmp_path / "tape.jsonl", "Six."), 999)
    with pytest.raises(ModelUnavailable, match=r"no-folder/new\.jsonl cannot be written"):
        RecordingLLM.around(llm, tmp_path / "no-folder" / "new.jsonl")


def test_recorded_answers_are_given_again_without_a_server(
    settings: Settings,
    load: Callable[[str, int], HashEmbedder],
    load_judge: Callable[[str, int], FakeReranker],
    tmp_path: Path,
) -> None:
    ingest(settings, load=load)
    tape = tmp_path / "tape.jsonl"

    def ask(**changed: object) -> Answer:
        opened = Conversation.open(settings.model_copy(update=changed), load, load_judge)
        return opened.ask(COST)

    text = "It cost 42 million crowns. [{}] It also cost 43 million crowns. [{}]"
    with scripted(
        lambda body: says(text.replace("{}", id_of(body, "It cost 42 million crowns")))
    ) as server:
        asked = ask(llm="openai:scripted", llm_base_url=server.address, llm_record=tape)
    first, second = (ask(llm=f"replay:{tape}") for _ in range(2))
    assert asked.answerer == first.answerer == "generative"
    assert asked.text == first.text == second.text
    assert asked.sentences == first.sentences == second.sentences
    assert first.tokens == asked.tokens


def test_reply_that_was_cut_off_is_not_kept(
    settings: Settings,
    load: Callable[[str, int], HashEmbedder],
    load_judge: Callable[[str, int], FakeReranker],
    tmp_path: Path,
) -> None:
    from scripted_llm import DROP, Script, event

    ingest(settings, load=load)
    tape = tmp_path / "tape.jsonl"
    with scripted(Script([event("It cost"), DROP])) as server:
        changed = {
            "llm": "openai:scripted", "llm_base_url": server.address, "llm_record": tape,
        }  # fmt: skip
        answer = Conversation.open(settings.model_copy(update=changed), load, load_judge).ask(COST)
    assert answer.fallback
    assert tape.read_text() == ""
