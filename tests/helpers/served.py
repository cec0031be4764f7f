"""The whole server, for real: uvicorn on a free port of this machine."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import uvicorn

from assistant.changes import IngestReport
from assistant.conversation import Conversation
from assistant.ingestion import ingest
from assistant.serving.address import listen, url_of
from assistant.settings import Settings
from assistant.web.server import configure, make_server

# Serves a conversation, some settings changed: `with serve(queue_size=1) as address`.
Serve = Callable[..., AbstractContextManager[str]]


@contextmanager
def served(
    conversation: Conversation,
    settings: Settings,
    build: Callable[..., IngestReport] = ingest,
) -> Iterator[str]:
    """The address of a server over this conversation; it stops at the end."""
    with running(lambda: make_server(conversation, settings, build), settings) as address:
        yield address


@contextmanager
def running(make: Callable[[], Any], settings: Settings) -> Iterator[str]:
    """The address of a server that runs the app that `make` makes."""
    settings = settings.model_copy(update={"port": 0})
    listening = listen(settings)
    address = url_of(listening, settings.host).rstrip("/")
    servers: list[uvicorn.Server] = []

    async def run() -> None:  # Gradio wants an event loop before its app is made
        servers.append(uvicorn.Server(configure(make())))
        await servers[0].serve(sockets=[listening])

    thread = threading.Thread(target=asyncio.run, args=[run()])
    thread.start()
    while thread.is_alive() and not (servers and servers[0].started):
        time.sleep(0.02)
    try:
        yield address
    finally:
        servers[0].should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive()
