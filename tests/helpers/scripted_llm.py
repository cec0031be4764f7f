"""An OpenAI-compatible server that says what a test wants, over real HTTP, piece by piece."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# What a script may do: send bytes, wait for seconds, or drop the connection.
DROP = object()
Step = bytes | float | object


@dataclass
class Script:
    """How the server answers one request: a status, headers, then steps of a body."""

    steps: Sequence[Step] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    type: str = "text/event-stream"


# A script, or what makes one of a request's body.
Answering = Script | Callable[[dict[str, Any]], Script]


class ScriptedServer:
    """A server on a free port of this machine. The last script answers all later requests."""

    def __init__(self, scripts: Sequence[Answering]) -> None:
        self.scripts = list(scripts)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.hung_up = threading.Event()
        self._stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def _next(self, body: dict[str, Any]) -> Script:
        script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
        return script if isinstance(script, Script) else script(body)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Handler", (_Handler,), {"of": self})


class _Handler(BaseHTTPRequestHandler):
    of: ScriptedServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.of.requests.append(body)
        self.of.headers.append(dict(self.headers))
        try:
            self._answer(self.of._next(body))
        except OSError:  # the other side has hung up
            self.of.hung_up.set()

    def _answer(self, script: Script) -> None:
        self.send_response(script.status)
        for name, value in {"Content-Type": script.type, **script.headers}.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for step in script.steps:
            if step is DROP:
                return
            if isinstance(step, bytes):
                self.wfile.write(step)
                self.wfile.flush()
            else:
                self._wait(float(step))  # type: ignore[arg-type]

    def _wait(self, seconds: float) -> None:
        """Wait; notice if the other side leaves meanwhile."""
        end = time.monotonic() + seconds
        self.connection.settimeout(0.02)
        while time.monotonic() < end and not self.of._stopped.is_set():
            try:
                if self.connection.recv(1) == b"":
                    raise ConnectionResetError
            except TimeoutError:
                continue
        self.connection.settimeout(None)

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def scripted(*scripts: Answering) -> Iterator[ScriptedServer]:
    """A running server; it stops at the end."""
    server = ScriptedServer(scripts)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def event(piece: str | None = None, finish: str | None = None, **more: Any) -> bytes:
    """One event of a stream: a piece of text, or the end."""
    delta = {} if piece is None else {"content": piece}
    chunk = {
        "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more,
    }  # fmt: skip
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


USAGE = {"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940}
DONE = b"data: [DONE]\n\n"


def ending(finish: str = "stop") -> list[bytes]:
    """The last events of a whole stream: why it ends, the count of tokens, and that it is done."""
    return [event(finish=finish), event(choices=[], usage=USAGE), DONE]


def says(text: str, size: int = 7, finish: str = "stop") -> Script:
    """A reply in pieces of some characters."""
    pieces = [event(text[start : start + size]) for start in range(0, len(text), size)]
    return Script([*pieces, *ending(finish)])


def ids_of(body: dict[str, Any]) -> dict[str, str]:
    """The sentences that a request shows, by their words: their ids."""
    shown: dict[str, str] = {}
    for line in body["messages"][-1]["content"].split("\n"):
        if line.startswith("["):
            id_, _, text = line[1:].partition("] ")
            shown[text] = id_
    return shown


def id_of(body: dict[str, Any], words: str) -> str:
    """The id of the one shown sentence that has these words."""
    [found] = [id_ for text, id_ in ids_of(body).items() if words in text]
    return found
