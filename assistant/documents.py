"""The documents of one generation, word for word, with their passages' and sentences' spans.

A passage's text and a sentence's are never stored: they are cut from their
document, so the two cannot disagree. SQLite, because a reader needs a few
documents of many.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from llama_index.core.schema import Document, TextNode

from assistant.chunking import make_passage
from assistant.embeddings import Vectors
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
CREATE TABLE sentences (
    passage TEXT NOT NULL REFERENCES passages (id),
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    vector BLOB NOT NULL      -- float16
);
CREATE INDEX passages_of_document ON passages (document);
CREATE INDEX sentences_of_passage ON sentences (passage);
"""
_SOURCES = """
SELECT d.id, json_extract(d.metadata, '$.kind'), json_extract(d.metadata, '$.published'),
    json_group_array(p.row)
FROM documents d JOIN passages p ON p.document = d.id GROUP BY d.id ORDER BY d.id
"""
_PASSAGE = "SELECT document, start, stop, context FROM passages WHERE "


@dataclass(frozen=True)
class Sentence:
    """A sentence's place in its document and its vector, of length 1."""

    span: Span
    vector: Vectors


@dataclass(frozen=True)
class Source:
    """What filters look at in a document, and its passages' places in the lexical index."""

    document: str
    kind: str
    published: str | None
    rows: list[int]


class DocumentStore:
    """The documents of one generation. Safe to read from several threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def build(
        cls,
        path: Path,
        documents: Sequence[Document],
        passages: Sequence[TextNode],
        sentences: Mapping[str, Sequence[Sentence]],
    ) -> DocumentStore:
        """Write a new store; passages keep their order, sentences are by passage id."""
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
            connection.executemany(
                "INSERT INTO sentences VALUES (?, ?, ?, ?)",
                (
                    (passage_id, s.span.start, s.span.end, s.vector.astype(np.float16).tobytes())
                    for passage_id, group in sentences.items()
                    for s in group
                ),
            )
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

    def sources(self) -> list[Source]:
        """Every document without its text, in the order of their ids."""
        found = self._connection.execute(_SOURCES).fetchall()
        return [
            Source(document, kind, published, json.loads(rows))
            for document, kind, published, rows in found
        ]

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

    def rows(self, passage_ids: Sequence[str]) -> dict[str, int]:
        """The places of some passages in the lexical index, by passage id."""
        query = "SELECT id, row FROM passages WHERE id IN (SELECT value FROM json_each(?))"
        return dict(self._connection.execute(query, (json.dumps(list(passage_ids)),)).fetchall())

    def passages_of(self, document_id: str) -> list[TextNode]:
        """A document's passages in reading order."""
        query = _PASSAGE + "document = ? ORDER BY start"
        rows = self._connection.execute(query, (document_id,)).fetchall()
        return [self._cut(*row) for row in rows]

    def sentences_of(self, passage_id: str) -> list[Sentence]:
        """A passage's sentences in reading order."""
        rows = self._connection.execute(
            "SELECT start, stop, vector FROM sentences WHERE passage = ? ORDER BY start",
            (passage_id,),
        )
        return [
            Sentence(Span(start, stop), np.frombuffer(vector, np.float16).astype(np.float32))
            for start, stop, vector in rows.fetchall()
        ]

    def _cut(self, document_id: str, start: int, stop: int, context: str) -> TextNode:
        return make_passage(self.document(document_id), Span(start, stop), context)
