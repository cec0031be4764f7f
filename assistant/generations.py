"""The generations of one index on disk: which is current, who may build, what is kept.

<root>/CURRENT            the id of the generation that answers
<root>/generations/<id>/  finished generations, never changed
<root>/generations/.new   the one being built
<root>/embeddings.db      what was ever embedded for it, see embedding_cache.py
<root>/build.lock         held by the builder
<root>/build.owner        who that is, and since when
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import filelock

from assistant.errors import IndexBusy, IndexNotBuilt, NoSuchGeneration, StoreError
from assistant.vectors import FolderVectors, VectorStore

_ID = re.compile(r"\d{4,}-[0-9a-f]{8}")


class Generations:
    """The generations under one folder.

    server_generations.py has the same for an index that is kept on a server.
    """

    def __init__(self, root: Path, folder: str = "generations") -> None:
        self.root = root
        self.embeddings = root / "embeddings.db"
        self.vectors: VectorStore = FolderVectors()
        self._folder = root / folder
        self._pointer = root / "CURRENT"
        self._lock = root / "build.lock"
        self._owner = root / "build.owner"
        self.took_over: str | None = None  # the builder that died, if the last one did

    def current(self) -> Path:
        """The folder of the generation that answers.

        Raises:
            IndexNotBuilt: there is none yet.
        """
        return self._at_hand(self.pointed())

    def finished(self) -> list[str]:
        """The ids of the generations on disk, oldest first."""
        if not self._folder.is_dir():
            return []
        return sorted(
            (path.name for path in self._folder.iterdir() if _ID.fullmatch(path.name)), key=_number
        )

    def folder(self, generation: str) -> Path:
        """Where a finished generation lies.

        Raises:
            NoSuchGeneration: there is none of this name.
        """
        self._check(generation)
        return self._at_hand(generation)

    def before(self) -> str:
        """The newest generation that is older than the current one.

        Raises:
            NoSuchGeneration: there is none.
        """
        current = self.pointed()
        older = [name for name in self.finished() if _number(name) < _number(current)]
        if not older:
            raise NoSuchGeneration(f"no generation older than {current} is kept")
        return older[-1]

    def next_id(self, content_hash: str) -> str:
        """The id of the generation to build: a running number and what it holds."""
        last = max(map(_number, self.finished()), default=0)
        return f"{last + 1:04d}-{content_hash[:8]}"

    @contextlib.contextmanager
    def building(self) -> Iterator[Path]:
        """An empty folder to build in, for one builder at a time.

        Raises: see `locked`.
        """
        new = self._folder / ".new"
        with self.locked():
            try:
                for left in [new, *self._folder.glob(".old-*")]:
                    shutil.rmtree(left, ignore_errors=True)
                new.mkdir()
                yield new
            finally:
                shutil.rmtree(new, ignore_errors=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else builds, rolls back or prunes in here.

        The lock is the operating system's: it goes with its process, however
        that ends.

        Raises:
            IndexBusy: another process is building: which one, and since when.
            StoreError: the folder cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self._lock)
            lock.acquire(blocking=False)
        except filelock.Timeout as error:
            raise IndexBusy(
                f"index {self.root.name!r} is being built {self._owned() or 'by another process'};"
                " wait until it is done, or stop that process"
            ) from error
        except OSError as error:
            raise StoreError(f"cannot write the index at {self.root}: {error.strerror}") from error
        self.took_over = self._owned()  # whoever ends well takes the name along
        try:
            self._owner.write_text(self.me())
            yield
        finally:
            self._owner.unlink(missing_ok=True)
            lock.release()

    def builder(self) -> str | None:
        """Who builds, or died over it: "by process 7 since …"."""
        return self._owned()

    def publish(self, new: Path, generation: str) -> None:
        """Give a built folder its name and make it the current one, in one step each.

        Everything is on disk before the pointer moves: a power cut leaves the
        old generation or the new one.
        """
        finished = self._folder / generation
        for path in [*new.rglob("*"), new]:
            sync(path)
        new.rename(finished)
        sync(self._folder)
        self.switch(generation)

    def switch(self, generation: str) -> None:
        """Let a finished generation answer from now on.

        Raises:
            NoSuchGeneration: there is none of this name.
        """
        self._check(generation)
        pointer = self._pointer.with_suffix(".new")
        pointer.write_text(generation + "\n")
        sync(pointer)
        pointer.rename(self._pointer)
        sync(self.root)

    def prunable(self, keep: int) -> list[str]:
        """The ids of all but the newest `keep` generations and the current one."""
        current = self.pointed()
        return [name for name in self.finished()[:-keep] if name != current]

    def prune(self, keep: int) -> list[str]:
        """Delete what is prunable and what nobody reads; the ids deleted."""
        return [name for name in self.prunable(keep) if delete_unread(self._folder / name)]

    def me(self) -> str:
        """This process as a builder, in words."""
        return f"by process {os.getpid()} since {_now()}"

    def pointed(self) -> str:
        """The id of the generation that answers."""
        try:
            name = self._pointer.read_text(errors="replace").strip()
        except FileNotFoundError as error:
            raise self._not_built() from error
        except OSError as error:
            raise StoreError(f"cannot read {self._pointer}: {error.strerror}") from error
        return name if _ID.fullmatch(name) else "unnamed"

    def _not_built(self) -> IndexNotBuilt:
        return IndexNotBuilt(
            f"index {self.root.name!r} has not been built: run `diamond-assistant index build`"
        )

    def _check(self, generation: str) -> None:
        if generation not in self.finished():
            there_are = ", ".join(self.finished()) or "none"
            raise NoSuchGeneration(f"no generation {generation!r}; there are {there_are}")

    def _at_hand(self, generation: str) -> Path:
        """The folder of a generation, with its files in it."""
        return self._folder / generation

    def _owned(self) -> str | None:
        """Who builds here, or died over it."""
        try:
            return self._owner.read_text(errors="replace") or None
        except OSError:
            return None


def pin(path: Path) -> int:
    """Hold a generation by a file in it, so that it stays until what comes back is closed.

    The hold is the operating system's, and goes with the process.

    Raises:
        OSError: there is no such file.
    """
    held = os.open(path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)
    return held


def delete_unread(folder: Path) -> bool:
    """Delete a generation unless somebody holds it; whether it was deleted."""
    with contextlib.ExitStack() as held:
        for path in folder.glob("*.json"):
            descriptor = os.open(path, os.O_RDONLY)
            held.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        # Half a generation must never look like one: its name goes first.
        dying = folder.with_name(f".old-{folder.name}")
        folder.rename(dying)
        shutil.rmtree(dying, ignore_errors=True)
    return True


def _number(generation: str) -> int:
    return int(generation.partition("-")[0])


def _now() -> str:
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
