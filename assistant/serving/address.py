"""Where the server listens: a socket that is there, or a reason why not."""

from __future__ import annotations

import ipaddress
import socket

from assistant.errors import SettingsError
from assistant.serving.users import Users
from assistant.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def listen(settings: Settings) -> socket.socket:
    """The socket to serve on.

    Raises:
        SettingsError: the address cannot be used, the port is taken, others
            could come in though nobody signs in, or nobody could.
    """
    host, port = settings.host, settings.port
    if settings.users:
        Users.load(settings.users)
    elif not (settings.allow_anonymous or is_loopback(host)):
        raise SettingsError(
            f"{host or 'every address'} can be reached from other machines, and nobody has to "
            "sign in: run `diamond-assistant user add NAME --users FILE`, then set "
            "DIAMOND_USERS=FILE (or give --allow-anonymous, to let everybody in)"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise SettingsError(
            f"port {port} on {host} cannot be used: give another with --port"
        ) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback("chat.example")
    (True, False, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def url_of(listening: socket.socket, host: str) -> str:
    """The address that a browser takes."""
    port = listening.getsockname()[1]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
