"""Pages of other sites may not speak to this server through a visitor's browser.

Two ways lead there: a page sends requests with the visitor's cookies, or it
gives its own name our address (DNS rebinding) and reads what a server without
sign-in tells anybody on the machine.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.serving.problems import problem


class OwnPagesOnly:
    """Refuses requests from pages of another origin, and under another name than `hosts`.

    Without `hosts`, any name will do. Programs send no origin and are let through.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None = None) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._hosts is not None and _name(host) not in self._hosts:
            sentence = (
                f"This server is not called {_name(host) or 'so'}: it answers to "
                f"{', '.join(self._hosts)}, and to other names once users sign in."
            )
            await problem(421, sentence)(scope, receive, send)
        elif origin and origin.partition("://")[2] not in (host, headers.get("x-forwarded-host")):
            sentence = "Only this server's own pages may send this; a proxy must pass Host on."
            await problem(403, sentence)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
