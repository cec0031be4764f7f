"""The vectors of one generation, in Chroma: passage id → vector, nearest first.

A collection is written once and never changed: a reader in another process that
has it open returns garbage when it changes under it. A generation that differs
little from the last one begins as a copy of that one's files, because building
Chroma's graph is what takes the time.

Up to `EXACT_UP_TO` passages, what Chroma holds is read when it is opened, and a
question is compared with all of it. That is faster at this size, most of all
with filters, and it finds everything: in Chroma's graph, passages that are the
same word for word, as forms and notices are, can hide each other and their
neighbours (seen with 200 short passages, 38 of which did not find themselves).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import chromadb
import chromadb.config
import chromadb.errors
import numpy as np
from chromadb.api.shared_system_client import SharedSystemClient
from numpy.typing import NDArray

from assistant.embeddings import Vectors
from assistant.ranking import highest
from assistant.schema import EVERYTHING, Filters

COLLECTION = "passages"
FOLDER = "chroma"
# Chroma's own breadth of search loses some of the nearest, others at each opening.
HNSW: Any = {"space": "cosine", "ef_construction": 200, "ef_search": 500}
# The graph is written with every call. What is left in Chroma's log, up to 1,000 rows by its own
# setting, goes into the graph anew at each opening (0.8 ms a row), and changes the graph's files.
_WRITTEN_AT_ONCE: Any = {"sync_threshold": 1, "batch_size": 1}
EXACT_UP_TO = 300_000  # 0.5 GB of vectors; see docs/scaling.md
_DATABASE = "chroma.sqlite3"
_PATIENCE = 60  # seconds that a copy waits for those who open what it copies
_BATCH = 5000  # Chroma refuses more than 5461 rows in one call

# Chroma shares what it has open of a folder between the clients of one process, and counts
# them; opening and closing at the same time, it loses count.
_CLIENTS = threading.Lock()

# What Chroma raises where its files are damaged or cannot be written.
ChromaFailure = (chromadb.errors.ChromaError,)


@dataclass(frozen=True)
class Row:
    """A passage as Chroma keeps it: its vector, and what a query may filter on."""

    passage_id: str
    vector: Vectors
    document: str
    kind: str
    published: str | None

    @property
    def metadata(self) -> dict[str, Any]:
        """Chroma orders numbers only, so a date becomes 20260131."""
        said = {
            "document": self.document,
            "kind": self.kind,
            "folder": self.document.split("/")[0],
        }
        return said | ({"published": _as_number(self.published)} if self.published else {})


class VectorStore(Protocol):
    """Where the vectors of an index's generations are kept."""

    mends: bool  # whether a new generation can begin as a copy of the one before

    def open(self, folder: Path, generation: str, ids: Sequence[str]) -> PassageVectors:
        """The vectors of a generation whose other files are in a folder.

        `ids` are its passages in the lexical index's order.

        Raises:
            chromadb.errors.ChromaError: they are missing or damaged.
            KeyError: a passage has no vector.
            ServerError, GenerationGone: where a server keeps them.
        """
        ...

    def write(
        self,
        folder: Path,
        generation: str,
        rows: Iterable[Row],
        base: Path | None = None,
        gone: Collection[str] = (),
    ) -> None:
        """Write the vectors of a generation that nobody reads yet.

        With a `base`, they begin as a copy of those of the generation in that
        folder, without the passages that are `gone`.
        """
        ...


class FolderVectors:
    """In the folder of the generation, by a Chroma inside this process."""

    mends = True

    def open(self, folder: Path, generation: str, ids: Sequence[str]) -> PassageVectors:
        directory = folder / FOLDER
        with contextlib.ExitStack() as undo:
            if not os.access(directory, os.W_OK, effective_ids=True):
                directory = _writable_copy(directory, undo)
            collection = _client(directory, undo).get_collection(
                COLLECTION, embedding_function=None
            )
            vectors = PassageVectors(collection, ids)
            vectors.close = undo.pop_all().close
        return vectors

    def write(
        self,
        folder: Path,
        generation: str,
        rows: Iterable[Row],
        base: Path | None = None,
        gone: Collection[str] = (),
    ) -> None:
        directory = folder / FOLDER
        if base is not None:
            _copy(base / FOLDER, directory)
        directory.mkdir(exist_ok=True)
        with contextlib.ExitStack() as done:
            collection = _client(directory, done).get_or_create_collection(
                COLLECTION,
                embedding_function=None,
                configuration={"hnsw": HNSW | _WRITTEN_AT_ONCE},
            )
            for batch in batches(gone, _BATCH):
                collection.delete(ids=batch)
            add_rows(collection, rows, _BATCH)


class PassageVectors:
    """One collection. Safe to ask from several threads.

    A `VectorStore` opens it. `batch` is how many rows one call may ask for;
    `plainly` surrounds each call, so that its errors say where they come from.
    """

    def __init__(
        self,
        collection: chromadb.Collection,
        ids: Sequence[str] = (),
        batch: int = _BATCH,
        close: Callable[[], None] = lambda: None,
        plainly: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        self._collection = collection
        self._ids = ids
        self._batch = batch
        self._plainly = plainly
        self.close = close  # lets go of the files, so that the folder can be renamed or deleted
        self._rows: NDArray[np.float32] | None = None
        self._places: Mapping[str, int] = {}
        if 0 < len(ids) <= EXACT_UP_TO:
            self._rows = self._in_order(ids)
            self._places = {passage_id: place for place, passage_id in enumerate(ids)}

    def __len__(self) -> int:
        with self._plainly():
            return self._collection.count()

    def nearest(
        self,
        vector: Vectors,
        top_k: int,
        filters: Filters = EVERYTHING,
        among: NDArray[np.bool_] | None = None,
    ) -> list[tuple[str, float]]:
        """The passages nearest to a vector as (passage id, cosine), best first.

        `among`, of shape (len(ids),), says which passages pass the filters.
        """
        if self._rows is not None:
            cosines = self._rows @ vector
            rows = np.arange(len(cosines)) if among is None else np.flatnonzero(among)
            best = rows[highest(cosines[rows], top_k)]
            return [(self._ids[row], float(cosines[row])) for row in best]
        with self._plainly():
            found = self._collection.query(
                query_embeddings=vector,
                n_results=min(top_k, len(self._ids)),
                where=_where(filters),
                include=["distances"],
            )
        distances = (found["distances"] or [[]])[0]
        return [
            (passage_id, 1.0 - distance)
            for passage_id, distance in zip(found["ids"][0], distances, strict=True)
        ]

    def get(self, passage_ids: Sequence[str]) -> Mapping[str, Vectors]:
        """The vectors of some passages, by passage id; what is not there is left out."""
        if self._rows is not None:
            return {i: self._rows[self._places[i]] for i in passage_ids if i in self._places}
        vectors: dict[str, Vectors] = {}
        for batch in batches(passage_ids, self._batch):
            with self._plainly():
                found = self._collection.get(ids=batch, include=["embeddings"])
            rows = np.asarray(found["embeddings"], dtype=np.float32)
            vectors.update(zip(found["ids"], rows, strict=True))
        return vectors

    def _in_order(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """All vectors, as the rows of a matrix; read in parts, as Chroma takes much memory.

        It lies column by column in memory: so it is multiplied up to twice as fast.
        """
        matrix = np.empty((len(ids), 0), dtype=np.float32)
        first = 0
        for batch in batches(ids, self._batch):
            vectors = self.get(batch)
            rows = np.stack([vectors[passage_id] for passage_id in batch])
            if not first:
                matrix = np.empty((len(ids), rows.shape[1]), dtype=np.float32, order="F")
            matrix[first : first + len(rows)] = rows
            first += len(rows)
        return matrix


def add_rows(collection: chromadb.Collection, rows: Iterable[Row], batch: int) -> None:
    """Write rows into a collection, so many in a call."""
    for some in batches(rows, batch):
        collection.add(
            ids=[row.passage_id for row in some],
            embeddings=np.stack([row.vector for row in some]),
            metadatas=[row.metadata for row in some],
        )


def batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """The items in lists of at most `size`.

    >>> list(batches("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _copy(base: Path, directory: Path) -> None:
    """Copy a collection that others may have open.

    Whoever opens one writes a row into its database; as long as somebody reads
    it, nobody does, and what lies beside it is a note of what is to be written.
    Closing a file, a process lets go of all its locks on it: so nothing else is
    opened or closed here meanwhile.
    """
    with (
        _CLIENTS,
        contextlib.closing(sqlite3.connect(base / _DATABASE, timeout=_PATIENCE)) as held,
    ):
        held.execute("BEGIN")
        held.execute("SELECT count(*) FROM sqlite_master").fetchone()
        shutil.copytree(base, directory, ignore=shutil.ignore_patterns(f"{_DATABASE}-*"))


def _writable_copy(directory: Path, undo: contextlib.ExitStack) -> Path:
    """A collection to open instead of one in a folder where nothing may be written.

    Chroma writes where it is only to read.
    """
    temporary = undo.enter_context(tempfile.TemporaryDirectory(prefix="diamond-"))
    copy = Path(shutil.copytree(directory, f"{temporary}/{directory.name}"))
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o700)
    return copy


def _client(directory: Path, undo: contextlib.ExitStack) -> chromadb.api.ClientAPI:
    """What Chroma opens in a folder; `undo` closes it."""
    with _CLIENTS:
        try:
            client = chromadb.PersistentClient(
                str(directory), settings=chromadb.config.Settings(anonymized_telemetry=False)
            )
        except BaseException:
            # Chroma would hand out what did not start to the next who opens this folder.
            if str(directory) not in SharedSystemClient._identifier_to_refcount:
                SharedSystemClient._identifier_to_system.pop(str(directory), None)
            raise
    undo.callback(_close, client)
    return client


def _close(client: chromadb.api.ClientAPI) -> None:
    with _CLIENTS:
        client.close()  # type: ignore[attr-defined]


def _where(filters: Filters) -> dict[str, Any] | None:
    """The filters in Chroma's words; what was stored without a date passes no comparison."""
    conditions: list[dict[str, Any]] = []
    if filters.topic:
        topics = list(filters.topic)
        conditions.append({"folder": {"$in": topics}})
        conditions.append({"document": {"$nin": topics}})  # beside the folders, not in one
    if filters.kind:
        conditions.append({"kind": {"$in": list(filters.kind)}})
    if filters.since:
        conditions.append({"published": {"$gte": _as_number(str(filters.since))}})
    if filters.last_day:
        conditions.append({"published": {"$lte": _as_number(str(filters.last_day))}})
    if len(conditions) < 2:
        return next(iter(conditions), None)
    return {"$and": conditions}


def _as_number(date: str) -> int:
    return int(date.replace("-", ""))
