"""What was ever embedded for an index, by its content: work done is work kept.

A build looks here before it embeds. So a renamed file keeps its vectors, a build
that was killed goes on where it stopped, and going back to an earlier passage
size costs nothing as long as a generation with it is kept. Safe to delete.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from assistant.embeddings import Vectors
from assistant.segmentation import Span
from assistant.vectors import batches

_SCHEMA = """
CREATE TABLE IF NOT EXISTS embeddings (
    key BLOB PRIMARY KEY,
    vector BLOB NOT NULL,    -- float32, the passage's
    sentences BLOB NOT NULL  -- float16, one row a sentence
)
"""
_BATCH = 500

# A passage's vector, of shape (dimension,), and its sentences', of shape (n, dimension).
Embedding = tuple[Vectors, Vectors]


def embedding_key(model: str, text: str, spans: Sequence[Span]) -> bytes:
    """What decides the vectors of a passage and of its sentences, as a hash.

    `model` names the embedding model and its revision, `text` is what it reads,
    `spans` are the sentences' places in that.
    """
    said = repr((model, [(span.start, span.end) for span in spans]))
    return hashlib.sha256(said.encode() + b"\n" + text.encode()).digest()


class EmbeddingCache:
    """Embeddings by key, in one file. For one builder at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> EmbeddingCache:
        """Open the file, or begin it; one that is damaged is begun anew.

        Raises:
            sqlite3.Error: it cannot be written.
        """
        try:
            return cls(_connect(path))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            cls.delete(path)
            return cls(_connect(path))

    @staticmethod
    def delete(path: Path) -> None:
        """Forget everything, so that it is embedded again."""
        for part in path.parent.glob(path.name + "*"):
            part.unlink()

    def close(self) -> None:
        self._connection.close()

    def missing(self, keys: Iterable[bytes]) -> set[bytes]:
        """Those of the keys that have no embedding here."""
        wanted = set(keys)
        for batch in batches(list(wanted), _BATCH):
            marks = ",".join("?" * len(batch))
            query = f"SELECT key FROM embeddings WHERE key IN ({marks})"
            wanted -= {key for (key,) in self._connection.execute(query, batch)}
        return wanted

    def put(self, embeddings: Mapping[bytes, Embedding]) -> None:
        """Keep some; they are on disk when this returns."""
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
                (
                    (key, vector.astype(np.float32).tobytes(), rows.astype(np.float16).tobytes())
                    for key, (vector, rows) in embeddings.items()
                ),
            )

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Embedding]:
        """Some embeddings, by key.

        Raises:
            KeyError: one of them is not here.
        """
        found: dict[bytes, Embedding] = {}
        for batch in batches(keys, _BATCH):
            marks = ",".join("?" * len(batch))
            query = f"SELECT key, vector, sentences FROM embeddings WHERE key IN ({marks})"
            for key, vector, rows in self._connection.execute(query, batch):
                whole = np.frombuffer(vector, np.float32)
                sentences = np.frombuffer(rows, np.float16).astype(np.float32)
                found[key] = whole, sentences.reshape(-1, len(whole))
        for key in keys:
            if key not in found:
                raise KeyError(key.hex())
        return found

    def keep(self, keys: Iterable[bytes]) -> None:
        """Forget all but these."""
        with self._connection:
            self._connection.execute("CREATE TEMP TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY)")
            self._connection.execute("DELETE FROM kept")
            self._connection.executemany(
                "INSERT OR IGNORE INTO kept VALUES (?)", ((key,) for key in keys)
            )
            self._connection.execute(
                "DELETE FROM embeddings WHERE key NOT IN (SELECT key FROM kept)"
            )


def _connect(path: Path) -> sqlite3.Connection:
    with contextlib.ExitStack() as undo:
        connection = sqlite3.connect(path)
        undo.callback(connection.close)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(_SCHEMA)
        [found] = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        undo.pop_all()
    return connection
