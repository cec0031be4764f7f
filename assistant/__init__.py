"""Questions answered from source documents, every sentence with its exact citation.

>>> from assistant import Conversation, load_settings
>>> answer = Conversation.open(load_settings()).ask("Who owns Element Six?")  # doctest: +SKIP
>>> [(citation.document, citation.quote) for citation in answer.citations]  # doctest: +SKIP
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from assistant.errors import AssistantError
from assistant.schema import Answer, Citation, Filters, Turn

# ONNX Runtime keeps a device id and reports what it runs, unless told before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

if TYPE_CHECKING:
    from assistant.conversation import Conversation
    from assistant.engines import as_query_engine, as_retriever
    from assistant.ingestion import ingest
    from assistant.settings import Settings, load_settings

__all__ = [
    "Answer",
    "AssistantError",
    "Citation",
    "Conversation",
    "Filters",
    "Settings",
    "Turn",
    "as_query_engine",
    "as_retriever",
    "ingest",
    "load_settings",
]

# Imported when they are first asked for, so that `diamond-assistant --help` is quick.
_HOMES = {
    "Conversation": "assistant.conversation",
    "Settings": "assistant.settings",
    "as_query_engine": "assistant.engines",
    "as_retriever": "assistant.engines",
    "ingest": "assistant.ingestion",
    "load_settings": "assistant.settings",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
