"""The generations of one index on disk: which is current, who may build, what is kept.

<root>/CURRENT            the id of the generation that answers
<root>/generations/<id>/  finished generations, never changed
<root>/generations/.new   the one being built
<root>/build.lock         held by the builder
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import filelock

from assistant.errors import IndexBusy, IndexNotBuilt, StoreError

_ID = re.compile(r"\d{4,}-[0-9a-f]{8}")


class Generations:
    """The generations under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folder = root / "generations"
        self._pointer = root / "CURRENT"
        self._lock = root / "build.lock"
        self._owner = root / "build.owner"

    def current(self) -> Path:
        """The folder of the generation that answers.

        Raises:
            IndexNotBuilt: there is none yet.
        """
        try:
            return self._folder / (self._pointer.read_text().strip() or "unnamed")
        except FileNotFoundError as error:
            raise IndexNotBuilt(
                f"index {self.root.name!r} has not been built: run `diamond-assistant index build`"
            ) from error

    def finished(self) -> list[str]:
        """The ids of the generations on disk, oldest first."""
        if not self._folder.is_dir():
            return []
        return sorted(path.name for path in self._folder.iterdir() if _ID.fullmatch(path.name))

    def next_id(self, content_hash: str) -> str:
        """The id of the generation to build: a running number and what it holds."""
        last = max((int(name.split("-")[0]) for name in self.finished()), default=0)
        return f"{last + 1:04d}-{content_hash[:8]}"

    @contextlib.contextmanager
    def building(self) -> Iterator[Path]:
        """An empty folder to build in, for one builder at a time.

        The lock is the operating system's: it goes with its process, however
        that ends, and what a dead builder left behind is cleared away.

        Raises:
            IndexBusy: another process is building.
            StoreError: the folder cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self._lock)
            lock.acquire(blocking=False)
        except filelock.Timeout as error:
            raise IndexBusy(f"index {self.root.name!r} is being built {self._builder()}") from error
        except OSError as error:
            raise StoreError(f"cannot write the index at {self.root}: {error.strerror}") from error
        new = self._folder / ".new"
        try:
            self._owner.write_text(f"by process {os.getpid()} since {_now()}")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            yield new
        finally:
            shutil.rmtree(new, ignore_errors=True)
            self._owner.unlink(missing_ok=True)
            lock.release()

    def publish(self, new: Path, generation: str) -> None:
        """Give a built folder its name and make it the current one, in one step each.

        Everything is on disk before the pointer moves: a power cut leaves the
        old generation or the new one.
        """
        finished = self._folder / generation
        for path in [*new.rglob("*"), new]:
            _sync(path)
        new.rename(finished)
        _sync(self._folder)
        pointer = self._pointer.with_suffix(".new")
        pointer.write_text(generation + "\n")
        _sync(pointer)
        pointer.rename(self._pointer)
        _sync(self.root)

    def prune(self, keep: int) -> list[str]:
        """Delete the oldest generations but `keep`, never the current one; the ids deleted."""
        current = self.current().name
        old = [name for name in self.finished()[:-keep] if name != current]
        for name in old:
            shutil.rmtree(self._folder / name)
        return old

    def _builder(self) -> str:
        try:
            return self._owner.read_text()
        except FileNotFoundError:
            return "by another process"


def _now() -> str:
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
