"""A desk over the invented corpus, and a real store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from assistant.conversation import Conversation
from assistant.history import ConversationStore
from assistant.index import PassageIndex
from assistant.serving.gate import Gate
from assistant.web.chat import Desk
from assistant.web.suggestions import Suggestion, Suggestions

REPORT = "works/2031-03-05-velmora-council-bridge-report"
SUGGESTED = "Where were the panes cast?"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ConversationStore]:
    with closing(ConversationStore.open(tmp_path / "data" / "conversations.db")) as opened:
        yield opened


@pytest.fixture
def desk(conversation: Conversation, index: PassageIndex, store: ConversationStore) -> Desk:
    suggestions = Suggestions([Suggestion(SUGGESTED, REPORT, "Its panes were cast in Oster.")])
    return Desk(conversation, store, suggestions, Gate(1000, 40))
