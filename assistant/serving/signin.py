"""Sign-in: a page for people, HTTP Basic for programs, and a door that all requests pass."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import html
import secrets
from pathlib import Path
from string import Template
from urllib.parse import urlencode

import anyio
import anyio.to_thread
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.errors import TooMany
from assistant.serving.gate import PerMinute
from assistant.serving.problems import problem, response_to
from assistant.serving.sessions import Sessions
from assistant.serving.users import LONGEST_NAME, Users

COOKIE = "diamond_session"
TRIES = 10  # a minute, to sign in from one address or under one name
OPEN = ("/health", "/login")  # what needs no sign-in

_PAGE = Template(Path(__file__).with_name("login.html").read_text(encoding="utf-8"))
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
}
_WRONG = "The name or the password is wrong."


def client_of(connection: HTTPConnection | None) -> str:
    """Who is asking: the user's name, or the address where nobody signs in.

    Of a Gradio request, hand over its `request`.
    """
    name = connection.scope.get("user") if connection else None
    return str(name or _address(connection))


class SignIn:
    """Knows who is behind a request, and lets people in."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self._sessions = Sessions(users)
        self._tries = PerMinute(TRIES)
        self._key = secrets.token_bytes(32)
        # Each check takes 64 MiB for a moment.
        self._threads = anyio.CapacityLimiter(2)

    @property
    def routes(self) -> list[Route]:
        """The page that asks for a name and a password, and the way out."""
        small = Middleware(RequestBodyLimitMiddleware, max_body_size=10_000)
        return [
            Route("/login", self.page, methods=["GET"]),
            Route("/login", self.enter, methods=["POST"], middleware=[small]),
            Route("/logout", self.leave, methods=["GET", "POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """The page to sign in on."""
        return _page(_own_path(request.query_params.get("next", "")))

    async def enter(self, request: Request) -> Response:
        """Begin a session, if name and password are right."""
        form = await request.form(max_files=0, max_fields=10)
        name, password = str(form.get("name", "")), str(form.get("password", ""))
        target = _own_path(str(form.get("next", "")))
        try:
            if not await self._check(request, name, password):
                return _page(target, name, _WRONG, status=401)
        except TooMany as error:
            page = _page(target, name, str(error), status=429)
            page.headers["Retry-After"] = str(error.retry_after)
            return page
        entered = RedirectResponse(target, status_code=303)
        entered.set_cookie(
            COOKIE,
            self._sessions.open(name),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return entered

    async def leave(self, request: Request) -> Response:
        """End the session."""
        self._sessions.close(request.cookies.get(COOKIE, ""))
        left = RedirectResponse("/login", status_code=303)
        left.delete_cookie(COOKIE)
        return left

    async def user(self, connection: HTTPConnection) -> str | None:
        """The user behind a request: from its session, or from its name and password.

        Raises:
            TooMany: too many wrong passwords came from there.
        """
        if name := self._sessions.name(connection.cookies.get(COOKIE, "")):
            return name
        header = connection.headers.get("authorization", "")
        credentials = _basic(header)
        if credentials is None:
            return None
        # Hashing takes long on purpose, and a program sends its password every time.
        token = hmac.new(self._key, header.encode(), hashlib.sha256).hexdigest()
        if name := self._sessions.name(token):
            return name
        name, password = credentials
        if not await self._check(connection, name, password):
            return None
        self._sessions.open(name, token)
        return name

    async def _check(self, connection: HTTPConnection, name: str, password: str) -> bool:
        """Whether the password is right; every try counts, a right one ends the count."""
        counts = f"from {_address(connection)}", f"as {name[:LONGEST_NAME]}"
        if seconds := max(self._tries.wait(count) for count in counts):
            raise TooMany(
                f"Too many tries to sign in. Please try again in {seconds} seconds.",
                retry_after=seconds,
            )
        right = await anyio.to_thread.run_sync(
            self._users.check, name, password, limiter=self._threads
        )
        if right:
            for count in counts:
                self._tries.forget(count)
        return right


class RequireSignIn:
    """Lets nobody in who is not signed in, whatever stands behind; `scope["user"]` is the name."""

    def __init__(self, app: ASGIApp, sign_in: SignIn) -> None:
        self._app = app
        self._sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            name = await self._sign_in.user(connection)
        except TooMany as error:
            await response_to(error)(scope, receive, send)
            return
        if name is not None:
            scope["user"] = name
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refusal(connection)(scope, receive, send)


def _address(connection: HTTPConnection | None) -> str:
    return connection.client.host if connection and connection.client else "this machine"


def _refusal(connection: HTTPConnection) -> Response:
    """Sends a person to the page to sign in on, and tells a program what is missing."""
    path, query = connection.url.path, connection.url.query
    if connection.scope["method"] == "GET" and _for_people(connection.headers):
        target = f"{path}?{query}" if query else path
        login = "/login" if target == "/" else f"/login?{urlencode({'next': target})}"
        return RedirectResponse(login, status_code=303)
    # A browser asks for the password itself where it reads "Basic": for programs only.
    basic = path.startswith(("/api/", "/mcp", "/openapi.json"))
    challenge = f'{"Basic" if basic else "Cookie"} realm="Diamond assistant", charset="UTF-8"'
    sentence = "Sign in first: at /login, or with a name and a password by HTTP Basic."
    return problem(401, sentence, www_authenticate=challenge)


def _for_people(headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "")


def _page(target: str, name: str = "", error: str = "", status: int = 200) -> HTMLResponse:
    alert = f'<p role="alert">{html.escape(error)}</p>' if error else ""
    content = _PAGE.substitute(next=html.escape(target), name=html.escape(name), alert=alert)
    return HTMLResponse(content, status, _HEADERS)


def _own_path(target: str) -> str:
    """Where to go after signing in: never to another site."""
    own = target.startswith("/") and not target.startswith("//")
    return target if own and target.isprintable() and "\\" not in target else "/"


def _basic(header: str) -> tuple[str, str] | None:
    """Name and password from an Authorization header, if it has them."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, password
