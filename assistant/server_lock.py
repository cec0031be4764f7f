"""One builder at a time, among all machines that use one Chroma server.

The lock is a collection: of many who create one of the same name, one succeeds.
It says in its metadata who holds it, and when that was last heard of, by the
server's clock. What is done to it goes by its id, so whoever was taken for dead
and wakes up does nothing to the lock of its successor.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import chromadb

from assistant.chroma_server import ChromaServer
from assistant.errors import GenerationGone, IndexBusy, StoreError

DEAD_AFTER = 60  # seconds without a sign of life
_SIGN_OF_LIFE = 5.0


class ServerLock:
    """The lock of one index. `held` takes it."""

    def __init__(self, server: ChromaServer, index: str) -> None:
        self.name = f"{index}.lock"
        self.took_over: str | None = None  # the holder that died, if the last one did
        self._index = index
        self._server = server
        self._mine: chromadb.Collection | None = None

    @contextlib.contextmanager
    def held(self, me: str, dead: str | None = None) -> Iterator[None]:
        """Nobody else holds it. A holder known to be `dead` is not waited for.

        Raises:
            IndexBusy: somebody else holds it: who, since when, last heard of when.
            ServerError: the server cannot be used.
        """
        self._mine = self._take(me, dead)
        done = threading.Event()
        beat = threading.Thread(target=self._beat, args=(self._mine, me, done), daemon=True)
        beat.start()
        try:
            yield
        finally:
            done.set()
            beat.join()
            with contextlib.suppress(StoreError):  # then it is taken over in a minute
                self._bury(self._mine)
            self._mine = None

    def holder(self) -> str | None:
        """Who holds it, or died over it."""
        lock = self._server.find(self.name)
        return _said(lock, "owner") if lock else None

    def check(self) -> None:
        """See that it is still ours.

        Raises:
            IndexBusy: it was taken over, because we were not heard of for too long.
        """
        lock = self._server.find(self.name)
        if self._mine is None or lock is None or lock.id != self._mine.id:
            owner = _said(lock, "owner") if lock else "by somebody else"
            raise IndexBusy(
                f"index {self._index!r} is being built {owner}: this build was not heard of for "
                f"{DEAD_AFTER} seconds and was taken for dead; nothing of it is published"
            )

    def _take(self, me: str, dead: str | None) -> chromadb.Collection:
        self.took_over = None
        for _ in range(3):
            said = {"owner": me, "heard": self._server.now()}
            if mine := self._server.create(self.name, said):
                return mine
            other = self._server.find(self.name)
            if other is None:  # it has just been given back
                continue
            owner, silent = _said(other, "owner"), self._server.now() - int(_said(other, "heard"))
            if owner != dead and silent <= DEAD_AFTER:
                raise IndexBusy(
                    f"index {self._index!r} is being built {owner}, last heard of {silent} s ago; "
                    "wait until it is done, or stop that process"
                )
            self._bury(other)
            self.took_over = owner
        raise IndexBusy(f"index {self._index!r} is being built by several processes; try again")

    def _beat(self, lock: chromadb.Collection, me: str, done: threading.Event) -> None:
        """Give signs of life; where none gets through, the next one may."""
        while not done.wait(_SIGN_OF_LIFE):
            with contextlib.suppress(StoreError), self._server.plainly():
                lock.modify(metadata={"owner": me, "heard": self._server.now()})

    def _bury(self, lock: chromadb.Collection) -> None:
        """Take the name from a lock, then delete it; of two who do so, neither hits a third."""
        grave = f"{self.name}.{lock.id}"
        with contextlib.suppress(GenerationGone), self._server.plainly():
            lock.modify(name=grave)
        self._server.remove(grave)


def _said(lock: chromadb.Collection, what: str) -> str:
    return str((lock.metadata or {}).get(what, 0))
