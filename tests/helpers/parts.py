"""A conversation with some of its parts exchanged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from assistant.conversation import Conversation
from assistant.library import Library


def with_parts(conversation: Conversation, **parts: Any) -> Conversation:
    """The same conversation with another retriever or answerer; it follows nothing."""
    with conversation.library.reading() as reading:
        return Conversation(Library.of(replace(reading, **parts)))
