"""Web sites for the station that fetches pages: real servers on free ports of this machine."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Answers one request, with all that a handler of the standard library can do.
Page = Callable[[BaseHTTPRequestHandler], None]


def page(
    content: bytes = b"", content_type: str = "text/html", status: int = 200, **headers: str
) -> Page:
    """A page that is there at once; `_` in a header's name stands for `-`."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        if content_type:
            request.send_header("Content-Type", content_type)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(content)

    return answer


def redirect(location: str, status: int = 302) -> Page:
    """A page that is elsewhere."""
    return page(status=status, Location=location)


@contextmanager
def site(pages: Mapping[str, Page], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server with these pages, by path; it stops at the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(OSError):  # whoever asked has gone
                pages[self.path](self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
