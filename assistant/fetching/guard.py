"""Which hosts may be asked for a page, and a connection to no other.

A name is looked up once, every address that it has is checked, and the
connection goes to one of those addresses: a name that has another address a
moment later leads nowhere else. TLS still checks the name.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import SOCK_STREAM, getaddrinfo
from threading import Thread
from typing import Any

import httpcore

from assistant.errors import FetchError

Address = IPv4Address | IPv6Address

# Written out, since the lists that Python has differ from release to release.
_WEB = [ip_network("0.0.0.0/0"), ip_network("2000::/3")]
_NOT_THE_WEB = [
    ip_network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' own
        "127.0.0.0/8",  # this machine
        "168.63.129.16/32",  # what a host of virtual machines tells them
        "169.254.0.0/16",  # link-local, and again what such hosts tell
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocols
        "192.0.2.0/24",  # examples
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # examples
        "203.0.113.0/24",  # examples
        "224.0.0.0/3",  # multicast, reserved, broadcast
        "2001::/23",  # protocols; Teredo, which holds an IPv4 address
        "2001:db8::/32",  # examples
        "2002::/16",  # 6to4, which holds an IPv4 address
        "3fff::/20",  # examples
    )
]


def is_public(address: Address) -> bool:
    """Whether an address is a host's on the public internet.

    Of IPv6 that is one block: all that stands for an IPv4 address, or for
    nothing beyond this network, is outside it or excepted.

    >>> [is_public(ip_address(text)) for text in ("9.9.9.9", "2620:fe::9", "::ffff:9.9.9.9")]
    [True, True, False]
    """
    return any(address in block for block in _WEB) and not any(
        address in block for block in _NOT_THE_WEB
    )


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, or of an address however it is written, best first.

    Raises:
        OSError, UnicodeError: it has none.
    """
    found = getaddrinfo(host, port, type=SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


@dataclass(frozen=True)
class Guard:
    """What may be asked for a page. Only tests have one that differs from `WEB`."""

    ports: frozenset[int] = frozenset([80, 443])
    permits: Callable[[Address], bool] = is_public
    resolve: Callable[[str, int], list[str]] = resolve
    tls: Callable[[], ssl.SSLContext] = httpcore.default_ssl_context


WEB = Guard()


class Deadline:
    """The moment by which everything has to be done."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """The seconds until then.

        Raises:
            TimeoutError: there are none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to hosts that a guard permits, by one deadline for all that is sent and read."""

    def __init__(self, guard: Guard, deadline: Deadline) -> None:
        self._guard = guard
        self._deadline = deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first of the host's addresses that takes one.

        Raises:
            FetchError: the host has no address, or one that is not permitted.
            TimeoutError: no time is left.
            httpcore.ConnectError, httpcore.ConnectTimeout: none takes one.
        """
        addresses = self._addresses(host, port)
        for untried in range(len(addresses), 0, -1):
            seconds = self._deadline.left() / untried
            try:
                stream = self._backend.connect_tcp(
                    str(addresses[-untried]), port, seconds, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if untried == 1:
                    raise
            else:
                return _Stream(stream, self._deadline)
        raise FetchError(f"there is no host {host}; see that the address is right")

    def _addresses(self, host: str, port: int) -> list[Address]:
        try:
            found = _within(self._deadline.left(), lambda: self._guard.resolve(host, port))
        except TimeoutError:
            raise
        except (OSError, UnicodeError):
            found = []
        addresses = [ip_address(text) for text in found]
        for address in addresses:
            if not self._guard.permits(address):
                raise FetchError(
                    f"{host} has the address {address}, which is not on the public internet; "
                    "save it from a browser into the corpus"
                )
        return addresses


class _Stream(httpcore.NetworkStream):
    """A connection whose reads and writes share a deadline, so that no drip outlasts it."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left())

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _Stream(secured, self._deadline)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _within(seconds: float, look_up: Callable[[], list[str]]) -> list[str]:
    """What a call gives that nothing can interrupt; it goes on by itself if it takes too long."""
    result: Future[list[str]] = Future()

    def run() -> None:
        try:
            result.set_result(look_up())
        except Exception as error:
            result.set_exception(error)

    Thread(target=run, daemon=True).start()
    return result.result(seconds)
