"""The generations of an index on a Chroma server, for many machines at once.

<index>.current     its metadata: which generation answers, and which are kept
<index>.<id>        the passages' vectors of a generation
<index>.<id>.files  its other files, packed and cut into pieces
<index>.lock        held by the builder, see server_lock.py

A generation is what is named in the first of them. All of it is written before
it is named there, and it is unnamed before it is deleted. Each machine fetches
the files once:

<root>/server/<id>/  a generation's files
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import shutil
import socket
import tarfile
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import chromadb
import filelock
import numpy as np

from assistant.chroma_server import ChromaServer
from assistant.errors import GenerationGone, IndexDamaged, SettingsError, StoreError
from assistant.generations import Generations, delete_unread
from assistant.server_lock import ServerLock
from assistant.vectors import HNSW, PassageVectors, Row, add_rows, batches

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,400}[A-Za-z0-9])?")  # Chroma's rule
_FILES = ".files"
_CHECKSUM = "files.sha256"  # of the packed files, in the folder that they were unpacked into

# Chroma Cloud takes at most 4,096 characters in one value and 300 rows in one call.
# A document would be cheaper there, but a server of one's own puts every three
# letters of it into an index of words: eleven times the space, and ten the time.
_VALUE = 4000
_VALUES = 4
_PIECE = _VALUE * _VALUES * 3 // 4  # bytes, before base64
_PIECES_A_CALL = 250

_REFUSED_FOR = 5.0  # seconds in which a server that failed is not asked again


class ServerVectors:
    """The vectors of one index's generations, each in a collection."""

    mends = False  # a copy of a collection would go through this machine, as the rows do

    def __init__(self, server: ChromaServer, index: str) -> None:
        self._server = server
        self._index = index

    def open(self, folder: Path, generation: str, ids: Sequence[str]) -> PassageVectors:
        collection = self._server.find(f"{self._index}.{generation}")
        if collection is None:
            raise _gone(generation, self._server)
        return PassageVectors(
            collection, ids, batch=self._server.batch, plainly=self._server.plainly
        )

    def write(
        self,
        folder: Path,
        generation: str,
        rows: Iterable[Row],
        base: Path | None = None,
        gone: Collection[str] = (),
    ) -> None:
        collection = _created(self._server, f"{self._index}.{generation}", HNSW)
        with self._server.plainly():
            add_rows(collection, rows, self._server.batch)


class ServerGenerations(Generations):
    """The same as `Generations`, on a server. `root` is for what this machine keeps."""

    def __init__(self, root: Path, server: ChromaServer) -> None:
        super().__init__(root, folder="server")
        self._server = server
        self._index = root.name
        if not _NAME.fullmatch(self._index):
            raise SettingsError(
                f"an index on a Chroma server cannot be called {self._index!r}: use letters, "
                "digits, '.', '-' and '_'"
            )
        self._lock_of_all = ServerLock(server, self._index)
        self._checked: set[str] = set()
        self._failed: tuple[float, StoreError] | None = None
        self.vectors = ServerVectors(server, self._index)

    def finished(self) -> list[str]:
        """The ids of the generations on the server, oldest first."""
        return str(self._state().get("finished", "")).split()

    @contextlib.contextmanager
    def building(self) -> Iterator[Path]:
        with super().building() as new:
            self._sweep()
            yield new

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else builds, rolls back or prunes, here or on another machine.

        A builder that was not heard of for a minute is taken for dead, one that
        died on this machine at once.

        Raises:
            IndexBusy: who builds, where, since when, last heard of when.
            StoreError: the folder cannot be written, or the server not be used.
        """
        with super().locked(), self._lock_of_all.held(self._owned() or "", self.took_over):
            self.took_over = self._lock_of_all.took_over or self.took_over
            yield

    def builder(self) -> str | None:
        """Who builds, wherever, or died over it."""
        return self._lock_of_all.holder()

    def me(self) -> str:
        return super().me().replace(" since ", f" on {socket.gethostname()} since ")

    def publish(self, new: Path, generation: str) -> None:
        """Bring a generation's files to the server, then let it answer; both in one step.

        Its vectors are there already. Who lost the lock in the meantime
        publishes nothing.
        """
        (new / _CHECKSUM).write_text(self._upload(new, generation))
        _replace(new, self._folder / generation)
        self._checked.add(generation)
        kept = [*self.finished(), generation]
        self._say(current=generation, finished=" ".join(kept))

    def switch(self, generation: str) -> None:
        self._check(generation)
        self._say(current=generation)

    def prune(self, keep: int) -> list[str]:
        """Delete what is prunable; the ids deleted.

        Readers elsewhere may have one of them open. They find it gone, and ask
        the current one.
        """
        gone = self.prunable(keep)
        if gone:
            self._say(finished=" ".join(name for name in self.finished() if name not in gone))
            self._sweep()
            self._forget()
        return gone

    def pointed(self) -> str:
        try:
            return str(self._state()["current"])
        except KeyError as error:
            raise self._not_built() from error

    def _state(self) -> dict[str, Any]:
        """What the server says of this index. A server that has just failed is left in peace.

        Raises:
            ServerError: it cannot be used.
        """
        if self._failed and time.monotonic() < self._failed[0]:
            raise self._failed[1]
        try:
            found = self._server.find(f"{self._index}.current")
        except StoreError as error:
            self._failed = time.monotonic() + _REFUSED_FOR, error
            raise
        return dict(found.metadata or {}) if found else {}

    def _say(self, **changes: str) -> None:
        """Change what the server says of this index, in one step."""
        state = self._state() | changes
        self._lock_of_all.check()
        name = f"{self._index}.current"
        found = self._server.find(name)
        if found is None:
            self._server.create(name, state)
        else:
            with self._server.plainly():
                found.modify(metadata=state)

    def _sweep(self) -> None:
        """Delete what a builder left that died, and generations that are no longer named."""
        kept = {name + end for name in self.finished() for end in ("", _FILES)}
        generation, grave = rf"\d{{4,}}-[0-9a-f]{{8}}({_FILES})?", r"lock\.[0-9a-f-]{36}"
        ours = re.compile(rf"{re.escape(self._index)}\.(?P<what>{generation}|{grave})")
        for name in list(self._server.names()):
            if (found := ours.fullmatch(name)) and found["what"] not in kept:
                self._server.remove(name)

    def _upload(self, new: Path, generation: str) -> str:
        """Pack the files and write them to the server; the checksum of the package."""
        with tempfile.TemporaryFile(dir=self._folder) as package:
            with tarfile.open(fileobj=package, mode="w:gz", compresslevel=1) as archive:
                for path in sorted(new.iterdir()):
                    archive.add(path, path.name)
            package.seek(0)
            checksum = hashlib.file_digest(package, "sha256").hexdigest()
            pieces = -(-package.tell() // _PIECE)
            package.seek(0)
            collection = _created(
                self._server,
                f"{self._index}.{generation}{_FILES}",
                {"space": "l2"},
                {"sha256": checksum, "pieces": pieces},
            )
            with self._server.plainly():
                _write_pieces(collection, package, min(_PIECES_A_CALL, self._server.batch))
        return checksum

    def _at_hand(self, generation: str) -> Path:
        """The folder of a generation, its files fetched if this machine has them not.

        Raises:
            GenerationGone: it is no longer on the server.
            IndexDamaged: what came is not what was sent.
        """
        folder = self._folder / generation
        if generation in self._checked and folder.is_dir():
            return folder
        with self._one_fetches():
            files = self._server.find(f"{self._index}.{generation}{_FILES}")
            if files is None:
                raise _gone(generation, self._server)
            if not _is_of(folder, str((files.metadata or {}).get("sha256"))):
                self._download(files, folder)
            self._checked.add(generation)
        return folder

    @contextlib.contextmanager
    def _one_fetches(self) -> Iterator[None]:
        """The processes of this machine wait for one another, and find the files there."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(self._folder / ".fetching"):
                for left in self._folder.glob(".part-*"):
                    shutil.rmtree(left, ignore_errors=True)
                yield
        except OSError as error:
            raise StoreError(
                f"cannot keep the index in {self._folder}: {error.strerror or error}; make room "
                "or permit writing there"
            ) from error

    def _download(self, files: chromadb.Collection, folder: Path) -> None:
        self._forget()
        said = files.metadata or {}
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=self._folder))
        try:
            with tempfile.TemporaryFile(dir=self._folder) as package:
                batch = min(_PIECES_A_CALL, self._server.batch)
                with self._server.plainly():
                    for piece in _read_pieces(files, int(said["pieces"]), batch):
                        package.write(piece)
                package.seek(0)
                if hashlib.file_digest(package, "sha256").hexdigest() != said["sha256"]:
                    raise ValueError("its files are not those that were sent there")
                package.seek(0)
                with tarfile.open(fileobj=package, mode="r:gz") as archive:
                    archive.extractall(part, filter="data")
            (part / _CHECKSUM).write_text(said["sha256"])
            _replace(part, folder)
        except (ValueError, KeyError, tarfile.TarError) as error:
            raise IndexDamaged(
                f"generation {folder.name} cannot be fetched from Chroma at "
                f"{self._server.address} ({error}): run `diamond-assistant index build`"
            ) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _forget(self) -> None:
        """Delete the files of generations that are gone from the server and that nobody reads."""
        kept = self.finished()
        for path in self._folder.iterdir():
            if not path.name.startswith(".") and path.name not in kept:
                delete_unread(path)


def _created(
    server: ChromaServer,
    name: str,
    hnsw: dict[str, Any],
    metadata: dict[str, Any] | None = None,
) -> chromadb.Collection:
    """A new collection; one of this name was left by a builder that died."""
    server.remove(name)
    collection = server.create(name, metadata, hnsw)
    if collection is None:
        raise StoreError(f"Chroma at {server.address} will not replace {name!r}: try again")
    return collection


def _write_pieces(collection: chromadb.Collection, package: IO[bytes], batch: int) -> None:
    pieces = enumerate(iter(lambda: package.read(_PIECE), b""))
    for some in batches(pieces, batch):
        collection.add(
            ids=[str(number) for number, _ in some],
            embeddings=np.array([[number] for number, _ in some], dtype=np.float32),  # it must
            metadatas=[_as_values(piece) for _, piece in some],
        )


def _read_pieces(collection: chromadb.Collection, pieces: int, batch: int) -> Iterator[bytes]:
    for numbers in batches(range(pieces), batch):
        found = collection.get(ids=[str(number) for number in numbers], include=["metadatas"])
        values = dict(zip(found["ids"], found["metadatas"] or [], strict=True))
        for number in numbers:
            yield _of_values(values[str(number)])


def _as_values(piece: bytes) -> dict[str, Any]:
    text = base64.b64encode(piece).decode()
    return {str(n): text[n * _VALUE : (n + 1) * _VALUE] for n in range(-(-len(text) // _VALUE))}


def _of_values(values: Any) -> bytes:
    return base64.b64decode("".join(str(values[str(n)]) for n in range(len(values))))


def _is_of(folder: Path, checksum: str) -> bool:
    """Whether a folder has the files of this checksum; it was whole when it got its name."""
    try:
        return (folder / _CHECKSUM).read_text() == checksum
    except OSError:
        return False


def _replace(new: Path, folder: Path) -> None:
    """Give a folder its name; what has it, from another server or another process, goes."""
    if folder.exists():
        folder.rename(tempfile.mkdtemp(prefix=".old-", dir=folder.parent))
    new.rename(folder)


def _gone(generation: str, server: ChromaServer) -> GenerationGone:
    return GenerationGone(
        f"generation {generation} is no longer on Chroma at {server.address}: run "
        "`diamond-assistant index build`"
    )
