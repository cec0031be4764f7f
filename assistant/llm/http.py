"""The line to a model's server: whose key it carries, and how it is hung up.

The key is written into a request on its way out and is held nowhere else:
LlamaIndex and the vendor's client see none.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Generator, Iterator
from contextvars import ContextVar
from typing import Any

import httpx
from pydantic import SecretStr

_DONE = b"[DONE]"


class Line:
    """The connection of one call. Another thread may hang it up while it is being read."""

    def __init__(self) -> None:
        self.done = False  # the server said that nothing more would come
        self._ended = threading.Event()
        self._sockets: list[socket.socket] = []
        self._responses: list[httpx.Response] = []

    @property
    def is_hung_up(self) -> bool:
        return self._ended.is_set()

    def hang_up(self) -> None:
        """Close the connection at once, whatever it is waiting for."""
        self._ended.set()
        for one in self._sockets:
            with contextlib.suppress(OSError):  # it was closed already
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of what is left of the connection; only for the thread that reads it."""
        for response in self._responses:
            response.close()

    def keep(self, response: httpx.Response) -> None:
        """Take note of a response, to be closed."""
        self._responses.append(response)

    def watch(self, event: str, info: dict[str, Any]) -> None:
        """Take note of the sockets that httpx opens (its `trace` extension)."""
        extra = getattr(info.get("return_value"), "get_extra_info", None)
        if event.endswith(".complete") and extra is not None:
            opened = extra("socket")
            if isinstance(opened, socket.socket):
                self._sockets.append(opened)
                if self.is_hung_up:
                    self.hang_up()


# The line of the call that this thread makes.
LINE: ContextVar[Line | None] = ContextVar("line", default=None)


class Bearer(httpx.Auth):
    """Adds the key to a request, and takes out what a vendor's client says of this machine."""

    def __init__(self, key: SecretStr | None) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        for name in [name for name in request.headers if name.startswith("x-stainless-")]:
            del request.headers[name]
        request.headers.pop("Authorization", None)
        if self._key is not None:
            request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


class Client(httpx.Client):
    """A client whose calls can be hung up. It follows no redirect: the key is for one server."""

    def __init__(self, key: SecretStr | None, timeout: httpx.Timeout) -> None:
        super().__init__(
            auth=Bearer(key),
            timeout=timeout,
            limits=httpx.Limits(max_keepalive_connections=0),  # each call opens a line of its own
        )
        self._timeouts = timeout.as_dict()

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request within our timeouts, whatever the caller's."""
        request.extensions["timeout"] = self._timeouts
        line = LINE.get()
        if line is not None:
            request.extensions["trace"] = line.watch
        options["follow_redirects"] = False
        response = super().send(request, **options)
        if line is not None and isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _Watched(response.stream, line)
            line.keep(response)
        return response


class _Watched(httpx.SyncByteStream):
    """The bytes of a reply until the line is hung up."""

    def __init__(self, stream: httpx.SyncByteStream, line: Line) -> None:
        self._stream = stream
        self._line = line

    def __iter__(self) -> Iterator[bytes]:
        tail = b""
        for chunk in self._stream:
            if self._line.is_hung_up:
                raise httpx.ReadError("hung up")
            tail = (tail + chunk)[-len(chunk) - len(_DONE) :]
            self._line.done = self._line.done or _DONE in tail
            yield chunk

    def close(self) -> None:
        self._stream.close()
