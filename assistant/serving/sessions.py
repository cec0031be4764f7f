"""Who is signed in, until they leave, are away for long, or get another password."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from assistant.serving.users import Users

LIFETIME = 12 * 3600.0  # seconds without a request after which one signs in anew


@dataclass
class _Session:
    name: str
    hashed: str  # of the password that opened it
    seen: float


class Sessions:
    """Sessions by token, in memory: after a restart everybody signs in anew."""

    def __init__(self, users: Users, clock: Callable[[], float] = time.monotonic) -> None:
        self._users = users
        self._clock = clock
        self._sessions: dict[str, _Session] = {}

    def open(self, name: str, token: str | None = None) -> str:
        """Begin a session; its token, random unless it is given."""
        for old in [old for old in self._sessions if self.name(old, touch=False) is None]:
            self.close(old)
        token = token or secrets.token_urlsafe(32)
        self._sessions[token] = _Session(name, self._users.hashes()[name], self._clock())
        return token

    def name(self, token: str, touch: bool = True) -> str | None:
        """Whose session this is; None if it is over or never was."""
        session = self._sessions.get(token)
        if session is None:
            return None
        away = self._clock() - session.seen
        if away > LIFETIME or self._users.hashes().get(session.name) != session.hashed:
            return None
        if touch:
            session.seen = self._clock()
        return session.name

    def close(self, token: str) -> None:
        """End a session."""
        self._sessions.pop(token, None)
