"""Replies kept in a file, and given again: the same question has the same answer twice.

A cassette has a line a reply: {"key", "reply", "tokens"}. The key is a hash of all
that the model was sent, so a changed prompt or source finds no reply.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import LLM, CustomLLM

from assistant.errors import ModelUnavailable
from assistant.llm.calls import CallFailed, finish_of, is_of_a_server, tokens_of

_PIECE = 16  # characters given at a time


class ReplayLLM(CustomLLM):
    """A model that says again what a cassette has."""

    window: int
    name: str
    _replies: dict[str, dict[str, Any]] = PrivateAttr(default_factory=dict)

    @classmethod
    def load(cls, path: Path, window: int) -> ReplayLLM:
        """Read a cassette.

        Raises:
            ModelUnavailable: it is not there, or is none.
        """
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
            replies = {one["key"]: one for one in map(json.loads, filter(str.strip, lines))}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelUnavailable(f"cassette {path} cannot be read: record one anew") from error
        llm = cls(window=window, name=path.stem)
        llm._replies = replies
        return llm

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=self.window, model_name=self.name, is_chat_model=True)

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """The reply that was kept to these messages.

        Raises:
            CallFailed: none was.
        """
        kept = self._replies.get(key_of(messages))
        if kept is None:
            raise CallFailed("the cassette has no reply to this")
        return _spoken(kept["reply"], kept.get("tokens", {}))

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        raise NotImplementedError("a cassette is asked with messages")

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        raise NotImplementedError("a cassette is asked with messages")


class RecordingLLM(CustomLLM):
    """A model whose whole replies are kept in a cassette."""

    path: Path
    _llm: LLM = PrivateAttr()

    @classmethod
    def around(cls, llm: LLM, path: Path) -> RecordingLLM:
        """The same model, recorded; a cassette that is there grows.

        Raises:
            ModelUnavailable: the cassette cannot be written.
        """
        try:
            path.open("a").close()
        except OSError as error:
            reason = f"cassette {path} cannot be written: set DIAMOND_LLM_RECORD to another file"
            raise ModelUnavailable(reason) from error
        recording = cls(path=path)
        recording._llm = llm
        return recording

    @property
    def metadata(self) -> LLMMetadata:
        return self._llm.metadata

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Ask the model, and keep what it says once it has said all."""
        text, finish, ends = "", "", False
        tokens: dict[str, int] = {}
        for response in self._llm.stream_chat(messages, **kwargs):
            text += response.delta or ""
            tokens = tokens_of(response) or tokens
            finish = finish_of(response.raw) or finish
            ends = ends or is_of_a_server(response.raw)
            yield response
        if ends and not finish:  # it was cut off
            return
        line = {"key": key_of(messages), "reply": text, "tokens": tokens}
        with self.path.open("a", encoding="utf-8") as cassette:
            cassette.write(json.dumps(line, ensure_ascii=False) + "\n")

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return self._llm.complete(prompt, formatted, **kwargs)

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        return self._llm.stream_complete(prompt, formatted, **kwargs)


def key_of(messages: Sequence[ChatMessage]) -> str:
    """Sixteen hex digits for all that a model is sent."""
    sent = json.dumps([[message.role.value, message.content] for message in messages])
    return hashlib.sha256(sent.encode()).hexdigest()[:16]


def _spoken(text: str, tokens: dict[str, int]) -> ChatResponseGen:
    said = ""
    counts = {"prompt_tokens": tokens.get("read"), "completion_tokens": tokens.get("written")}
    for start in range(0, len(text), _PIECE):
        piece = text[start : start + _PIECE]
        said += piece
        yield ChatResponse(message=ChatMessage(content=said), delta=piece, additional_kwargs=counts)
