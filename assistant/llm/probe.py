"""Is there an Ollama on this machine?"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

OLLAMA = "http://127.0.0.1:11434"
WAIT = 0.2  # seconds: on this machine a port that listens answers at once


def is_listening(address: str) -> bool:
    """Whether something listens at an address of this machine. Nothing is sent to it."""
    parts = urlsplit(address)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), WAIT):
            return True
    except OSError:
        return False
