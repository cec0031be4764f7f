"""The documents of one generation, kept word for word beside their passages' spans.

A passage's text is never stored: it is cut from its document, so the two
cannot disagree. SQLite, because a reader needs a few documents of many.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from llama_index.core.schema import Document, TextNode

from assistant.chunking import make_passage
from assistant.segmentation import Span

_SCHEMA = """
CREATE TABLE documents (id TEXT PRIMARY KEY, text TEXT NOT NULL, metadata TEXT NOT NULL);
CREATE TABLE passages (
    row INTEGER PRIMARY KEY,  -- the passage's place in the lexical index
    id TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL REFERENCES documents,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    context TEXT NOT NULL
);
CREATE INDEX passages_of_document ON passages (document);
"""
_PASSAGE = "SELECT document, start, stop, context FROM passages WHERE "


class DocumentStore:
    """The documents and passages of one generation. Safe to read from several threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def build(
        cls, path: Path, documents: Sequence[Document], passages: Sequence[TextNode]
    ) -> DocumentStore:
        """Write a new store; passages keep the order in which they are given."""
        connection = sqlite3.connect(path, check_same_thread=False)
        with connection:
            connection.executescript(_SCHEMA)
            connection.executemany(
                "INSERT INTO documents VALUES (?, ?, ?)",
                ((d.doc_id, d.text, json.dumps(d.metadata)) for d in documents),
            )
            connection.executemany(
                "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (row, p.node_id, p.ref_doc_id, p.start_char_idx, p.end_char_idx,
                     p.metadata["context"])
                    for row, p in enumerate(passages)
                ),
            )  # fmt: skip
        return cls(connection)

    @classmethod
    def open(cls, path: Path) -> DocumentStore:
        """Open a store to read it.

        Raises:
            sqlite3.Error: it is missing or damaged.
        """
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        return cls(sqlite3.connect(uri, uri=True, check_same_thread=False))

    def close(self) -> None:
        self._connection.close()

    def document(self, document_id: str) -> Document:
        """One document.

        Raises:
            KeyError: there is none with this id.
        """
        row = self._connection.execute(
            "SELECT text, metadata FROM documents WHERE id = ?", (document_id,)
        ).fetchone()
        if row is None:
            raise KeyError(document_id)
        return Document(id_=document_id, text=row[0], metadata=json.loads(row[1]))

    def document_ids(self) -> list[str]:
        rows = self._connection.execute("SELECT id FROM documents ORDER BY id")
        return [row[0] for row in rows]

    def passage_count(self) -> int:
        count: int = self._connection.execute("SELECT count(*) FROM passages").fetchone()[0]
        return count

    def passage(self, passage_id: str) -> TextNode:
        """One passage, cut from its document."""
        row = self._connection.execute(_PASSAGE + "id = ?", (passage_id,)).fetchone()
        return self._cut(*row)

    def passage_id(self, row: int) -> str:
        """The id of the passage at a place in the lexical index."""
        found: tuple[str] = self._connection.execute(
            "SELECT id FROM passages WHERE row = ?", (row,)
        ).fetchone()
        return found[0]

    def passages_of(self, document_id: str) -> Iterator[TextNode]:
        """A document's passages in reading order."""
        query = _PASSAGE + "document = ? ORDER BY start"
        for row in self._connection.execute(query, (document_id,)).fetchall():
            yield self._cut(*row)

    def _cut(self, document_id: str, start: int, stop: int, context: str) -> TextNode:
        return make_passage(self.document(document_id), Span(start, stop), context)
