"""The server: the page, the API and the tools behind one door, and how they start and stop."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from functools import partial

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request
from starlette.types import ASGIApp

from assistant.changes import IngestReport
from assistant.conversation import Conversation
from assistant.history import ConversationStore
from assistant.ingestion import ingest
from assistant.loading import LIMITS
from assistant.serving.address import LOOPBACK, is_loopback, url_of
from assistant.serving.api import make_api
from assistant.serving.gate import Gate
from assistant.serving.origins import OwnPagesOnly
from assistant.serving.problems import PlainErrors
from assistant.serving.signin import RequireSignIn, SignIn
from assistant.serving.tools import make_tools
from assistant.serving.users import Users
from assistant.settings import Settings
from assistant.web.app import CONCURRENCY, launch_options, make_app

_LAST_WORDS = 1  # seconds that open connections get when the server stops


def serve(
    conversation: Conversation,
    settings: Settings,
    listening: socket.socket,
    ready: Callable[[str], None],
) -> None:
    """Serve until interrupted; `ready` is told the address.

    Raises:
        SettingsError: the file of users cannot be used.
    """
    config = configure(make_server(conversation, settings))
    server = _Server(config, lambda: ready(url_of(listening, settings.host)))
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:  # how a server is meant to end
        return
    except SystemExit as error:
        raise RuntimeError("the server did not start") from error


def configure(app: ASGIApp) -> uvicorn.Config:
    """How uvicorn runs the app: quietly, and without waiting long for anybody at the end."""
    # Its log has tracebacks of connections that were cut: for those who ask for them.
    level = "info" if os.environ.get("DIAMOND_TRACEBACK") else "critical"
    return uvicorn.Config(
        app,
        log_config=None,
        log_level=level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_LAST_WORDS,
    )


def make_server(
    conversation: Conversation, settings: Settings, build: Callable[..., IngestReport] = ingest
) -> ASGIApp:
    """Everything that is served over the conversation's index, as an ASGI app to be run once.

    `build` is `ingestion.ingest` or the like.

    Raises:
        SettingsError: the file of users cannot be used.
        HistoryError: the file of saved conversations cannot be used.
    """
    sign_in = SignIn(Users.load(settings.users)) if settings.users else None
    gate = Gate(settings.requests_per_minute, settings.queue_size, CONCURRENCY)
    api = make_api(conversation, gate, make_tools(conversation, gate))
    if sign_in:
        api.router.routes.extend(sign_in.routes)
    store = ConversationStore.open(settings.conversations)
    page = make_app(conversation, store, settings, gate, partial(build, settings, keep_failed=True))
    mount_page(api, page, settings, bool(sign_in))
    app: ASGIApp = RequireSignIn(api, sign_in) if sign_in else api
    # What anybody on this machine may read, a page on the web must not.
    local = not sign_in and is_loopback(settings.host)
    return PlainErrors(OwnPagesOnly(app, {*LOOPBACK, settings.host} if local else None))


def mount_page(api: FastAPI, page: gr.Blocks, settings: Settings, signed_in: bool) -> None:
    """Put Gradio's page at `/`, where no path of ours is; it learns who the user is."""
    page.queue(max_size=settings.queue_size + CONCURRENCY)

    def user_of(request: Request) -> str | None:
        name: str | None = request.scope.get("user")
        return name

    options = {k: v for k, v in launch_options().items() if k not in ("share", "quiet")}
    gr.mount_gradio_app(
        api,
        page,
        "/",
        auth_dependency=user_of if signed_in else None,
        show_error=False,
        max_file_size=LIMITS.file_bytes,
        **options,
    )


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()
