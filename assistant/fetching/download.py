"""An address → what is there: its redirects followed, its size and its time bounded."""

from __future__ import annotations

import http
import re
import ssl
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import httpcore
import httpx

from assistant.errors import FetchError
from assistant.fetching.content import Fetched, understand
from assistant.fetching.guard import WEB, Deadline, Guard, GuardedBackend
from assistant.loading.extracts import MIB

_LONGEST = 2000  # characters of an address
_SHOWN = 200  # of them in a message
_REDIRECTS = frozenset([301, 302, 303, 307, 308])
_OTHERWISE = "save it from a browser into the corpus"


@dataclass(frozen=True)
class Limits:
    """The most that is fetched for one address. What exceeds it is refused, never cut."""

    content_bytes: int = 20 * MIB  # as sent and as unpacked
    seconds: float = 20  # from the first name looked up to the last byte
    redirects: int = 5


LIMITS = Limits()


@dataclass(frozen=True)
class _Answer:
    """A page, or the address `elsewhere` that a server gives instead of one."""

    content_type: str = ""
    content: bytes = b""
    elsewhere: str | None = None


def fetch(url: str, limits: Limits = LIMITS, guard: Guard = WEB) -> Fetched:
    """What is at an address of the web.

    There are no cookies, no passwords, and no proxy: what the environment says
    of one is not read.

    Raises:
        FetchError: the address cannot be used, leads to where nothing is
            fetched from, or gives nothing that can be read.
    """
    deadline = Deadline(limits.seconds)
    led_to = ""
    try:
        here = _address(url, guard)
        for _ in range(limits.redirects + 1):
            answer = _ask(here, limits, guard, deadline)
            if answer.elsewhere is None:
                suffix, content = understand(answer.content_type, here.path, answer.content)
                return Fetched(str(here), content, suffix, datetime.now(UTC))
            led_to = answer.elsewhere
            here = _next(here, led_to, guard)
            led_to = str(here)
        raise FetchError(f"after {limits.redirects} redirects there is no page yet; {_OTHERWISE}")
    except FetchError as error:
        led = f"it leads to {_shown(led_to)}: " if led_to else ""
        raise FetchError(led + error.reason, _shown(url)) from error
    except (TimeoutError, httpcore.TimeoutException) as error:
        reason = f"no whole answer within {limits.seconds:g} seconds; try again, or {_OTHERWISE}"
        raise FetchError(reason, _shown(url)) from error


def _address(url: str, guard: Guard) -> httpx.URL:
    """An address that may be asked, without the part after #.

    Raises:
        FetchError: it may not be, or is none.
    """
    if len(url) > _LONGEST:
        raise FetchError(f"longer than {_LONGEST:,} characters; {_OTHERWISE}")
    try:
        found = httpx.URL(url).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError("no web address; see that it is right") from error
    if found.scheme not in ("http", "https") or not found.host:
        raise FetchError("no web address; give one that begins with http:// or https://")
    if found.userinfo:
        raise FetchError(
            f"a user name or a password stands in it; give it without, or {_OTHERWISE}"
        )
    if found.port is not None and found.port not in guard.ports:
        raise FetchError(f"port {found.port} is not one of the web's; {_OTHERWISE}")
    return found


def _next(here: httpx.URL, location: str, guard: Guard) -> httpx.URL:
    """Where a redirect leads.

    Raises:
        FetchError: nothing is fetched from there.
    """
    try:
        there = _address(str(here.join(location)), guard)
    except httpx.InvalidURL as error:
        raise FetchError("no web address; see that it is right") from error
    if (here.scheme, there.scheme) == ("https", "http"):
        raise FetchError(f"https:// leads to http://, which anybody could change; {_OTHERWISE}")
    return there


def _ask(url: httpx.URL, limits: Limits, guard: Guard, deadline: Deadline) -> _Answer:
    """The answer to one request, over a connection of its own.

    Raises:
        FetchError: it is none that can be used.
        TimeoutError, httpcore.TimeoutException: it took too long.
    """
    target = httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )
    headers: dict[bytes | str, bytes | str] = {
        "Host": url.netloc,
        "User-Agent": f"diamond-assistant/{version('diamond-assistant')}",
        "Accept": "*/*",
        "Accept-Encoding": "gzip",  # the one that is unpacked no further than it may be
        "Connection": "close",
    }
    backend = GuardedBackend(guard, deadline)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=guard.tls(), network_backend=backend) as pool,
            pool.stream("GET", target, headers=headers) as response,
        ):
            return _read(response.status, httpx.Headers(response.headers), response, limits)
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise FetchError(f"{_what_happened(error)}; try again, or {_OTHERWISE}") from error


def _read(
    status: int, headers: httpx.Headers, response: httpcore.Response, limits: Limits
) -> _Answer:
    if status in _REDIRECTS and "Location" in headers:
        return _Answer(elsewhere=headers["Location"])
    if status != http.HTTPStatus.OK:
        raise FetchError(f"its server answers {_named(status)}; see that the address is right")
    content = _body(response.iter_stream(), headers, limits.content_bytes)
    if not content:
        raise FetchError(f"its server sends nothing; {_OTHERWISE}")
    return _Answer(headers.get("Content-Type", ""), content)


def _body(parts: Iterable[bytes], headers: httpx.Headers, most: int) -> bytes:
    """The content of an answer, unpacked; it is refused as soon as it is too large."""
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise FetchError(f"its server packs it as {encoding!r} though not asked to; {_OTHERWISE}")
    too_large = FetchError(f"more than {most / MIB:.3g} MiB; {_OTHERWISE}")
    if int(headers.get("Content-Length", "0")) > most:
        raise too_large
    unpack = None if encoding == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 16)
    content, received = bytearray(), 0
    try:
        for part in parts:
            received += len(part)
            content += unpack.decompress(part, most + 1 - len(content)) if unpack else part
            if max(received, len(content)) > most:
                raise too_large
            if unpack and unpack.eof:
                break
    except zlib.error as error:
        raise FetchError(f"it is not packed as its server says; {_OTHERWISE}") from error
    if unpack and not unpack.eof:
        raise FetchError(f"it breaks off; try again, or {_OTHERWISE}")
    return bytes(content)


def _named(status: int) -> str:
    """A status as people know it.

    >>> _named(404), _named(299)
    ('404 Not Found', '299')
    """
    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _what_happened(error: Exception) -> str:
    """The cause of a broken connection, which the libraries hand up as an argument."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return "its server does not speak TLS as it should"
    if isinstance(error, httpcore.ConnectError):
        return "its server takes no connection"
    return "its server breaks off, or speaks no HTTP"


def _shown(url: str) -> str:
    """An address on one line of a message, without its password.

    >>> _shown("https://me:secret@agency.example/lamp")
    'https://agency.example/lamp'
    """
    line = ascii(re.sub(r"//[^/?#]*@", "//", url))[1:-1]
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
