"""The file of users: a line `name:argon2 hash` for each.

The file is read again whenever it changes, so a user who is added may sign in
at once, and one who is removed is out at once.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from assistant.errors import SettingsError

LONGEST_NAME = 64  # characters
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1000

_hasher = PasswordHasher()


class Users:
    """Who may sign in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._hashes: dict[str, str] = {}
        # Checked for a name that nobody has, so that its refusal takes as long as another.
        self._nobody = ""

    @classmethod
    def load(cls, path: Path) -> Users:
        """The users of a file, for a server.

        Raises:
            SettingsError: the file is missing, broken or empty.
        """
        users = cls(path)
        if not users.hashes():
            raise SettingsError(f"{path} names no user yet: {_how_to_add(path)}")
        users._nobody = _hasher.hash(secrets.token_hex())
        return users

    def hashes(self) -> Mapping[str, str]:
        """The hash of every user's password, by name.

        Raises:
            SettingsError: the file is missing, or a line is no user.
        """
        try:
            status = self.path.stat()
            seen = status.st_mtime_ns, status.st_size, status.st_ino
            if seen != self._seen:
                self._hashes = dict(self._read())
                self._seen = seen
        except FileNotFoundError as error:
            raise SettingsError(
                f"there is no file of users {self.path}: {_how_to_add(self.path)}"
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"the file of users {self.path} cannot be read: {error}") from error
        return self._hashes

    def check(self, name: str, password: str) -> bool:
        """Whether this is the user's password; as slow for a name that nobody has."""
        known = self.hashes().get(name)
        try:
            _hasher.verify(known or self._nobody, password[:LONGEST_PASSWORD])
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
        return known is not None

    def add(self, name: str, password: str) -> None:
        """Add a user, or give one another password.

        Raises:
            SettingsError: the name or the password cannot be used, or the file not written.
        """
        if not _is_name(name):
            raise SettingsError(
                f"a user cannot be called {name!r}: at most {LONGEST_NAME} characters, "
                "no spaces and no colon"
            )
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise SettingsError(
                f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD:,} characters"
            )
        known = self.hashes() if self.path.exists() else {}
        self._write({**known, name: _hasher.hash(password)})

    def remove(self, name: str) -> None:
        """Remove a user.

        Raises:
            SettingsError: there is none of this name.
        """
        hashes = dict(self.hashes())
        if name not in hashes:
            raise SettingsError(f"{self.path} has no user {name!r}: {', '.join(hashes) or 'none'}")
        del hashes[name]
        self._write(hashes)

    def _read(self) -> list[tuple[str, str]]:
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return [self._user(line, n) for n, line in enumerate(lines, 1) if line.strip()]

    def _user(self, line: str, number: int) -> tuple[str, str]:
        name, _, hashed = line.strip().partition(":")
        try:
            extract_parameters(hashed)
        except InvalidHashError as error:
            raise SettingsError(
                f"{self.path}, line {number}: expected `name:argon2 hash`, "
                "as `diamond-assistant user add` writes it"
            ) from error
        return name, hashed

    def _write(self, hashes: Mapping[str, str]) -> None:
        """Write the file in one step, readable for its owner alone."""
        path = self.path.resolve()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                new = Path(folder) / path.name
                new.touch(mode=0o600)
                new.write_text("".join(f"{n}:{h}\n" for n, h in hashes.items()), encoding="utf-8")
                new.replace(path)
        except OSError as error:
            raise SettingsError(
                f"the file of users {path} cannot be written: {error.strerror}"
            ) from error


def _is_name(name: str) -> bool:
    fits = 0 < len(name) <= LONGEST_NAME
    return fits and name.isprintable() and not set(name) & {" ", ":"}


def _how_to_add(path: Path) -> str:
    return f"run `diamond-assistant user add NAME --users {path}`"
