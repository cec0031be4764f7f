"""The documents of one generation, word for word, with their passages' and sentences' spans.

A passage's text and a sentence's are never stored: they are cut from their
document, so the two cannot disagree. SQLite, because a reader needs a few
documents of many.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.schema import Document, TextNode

from assistant.chunking import embedding_text, passage_of
from assistant.embedding_cache import embedding_key
from assistant.embeddings import Vectors
from assistant.lexical import terms
from assistant.segmentation import Span

_SCHEMA = """
CREATE TABLE documents (
    id TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    metadata TEXT NOT NULL,
    content BLOB NOT NULL     -- the hash of the text
);
CREATE TABLE passages (
    row INTEGER PRIMARY KEY,  -- the passage's place in the lexical index
    id TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL REFERENCES documents,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    context TEXT NOT NULL,
    key BLOB NOT NULL,        -- what its vectors were kept under when it was embedded
    terms TEXT NOT NULL       -- what the lexical index counts, in order, between spaces
);
CREATE TABLE sentences (
    passage TEXT PRIMARY KEY REFERENCES passages (id),
    spans BLOB NOT NULL,      -- int64, two a sentence
    vectors BLOB NOT NULL     -- float16, one row a sentence
);
CREATE TEMP TABLE cut (
    id TEXT, document TEXT, start INTEGER, stop INTEGER, context TEXT, key BLOB, terms TEXT
);
"""
_CARRY = """
INSERT INTO documents SELECT * FROM old.documents WHERE id NOT IN temp.gone;
INSERT INTO cut SELECT id, document, start, stop, context, key, terms FROM old.passages
    WHERE document NOT IN temp.gone;
INSERT INTO sentences SELECT s.* FROM old.sentences s JOIN old.passages p ON p.id = s.passage
    WHERE p.document NOT IN temp.gone;
"""
_ORDER = """
INSERT INTO passages
    SELECT row_number() OVER (ORDER BY document, start, stop) - 1, * FROM cut;
DROP TABLE cut;
CREATE INDEX passages_of_document ON passages (document);
"""
_SOURCES = """
SELECT d.id, json_extract(d.metadata, '$.kind'), json_extract(d.metadata, '$.published'),
    json_group_array(p.row)
FROM documents d JOIN passages p ON p.document = d.id GROUP BY d.id ORDER BY d.id
"""
_PASSAGE = """
SELECT d.id, d.metadata, p.start, p.stop, substr(d.text, p.start + 1, p.stop - p.start), p.context
FROM passages p JOIN documents d ON d.id = p.document WHERE
"""
_DOCUMENTS = "SELECT id, text, metadata FROM documents "
_PLACES = "SELECT start, stop, context FROM passages WHERE document = ? ORDER BY start, stop"
_LISTED = """
SELECT d.id, d.metadata, count(p.id), length(d.text)
FROM documents d LEFT JOIN passages p ON p.document = d.id GROUP BY d.id ORDER BY d.id
"""


@dataclass(frozen=True)
class Sentence:
    """A sentence's place in its document and its vector, of length 1."""

    span: Span
    vector: Vectors


@dataclass(frozen=True)
class Chunk:
    """A passage to be stored: the sentences in it, what the embedder reads, and under which key."""

    passage: TextNode
    sentences: Sequence[Span]
    text: str
    key: bytes

    @classmethod
    def of(cls, passage: TextNode, sentences: Sequence[Span], model: str) -> Chunk:
        """A passage with its sentences, for a model of this name and revision."""
        text = embedding_text(passage)
        return cls(
            passage, sentences, text, embedding_key(model, text, _in_text(passage, sentences, text))
        )

    @property
    def spans(self) -> list[Span]:
        """The sentences' places in the text."""
        return _in_text(self.passage, self.sentences, self.text)


@dataclass(frozen=True)
class ChunkedDocument:
    """A document to be stored, cut."""

    document: Document
    chunks: Sequence[Chunk]


@dataclass(frozen=True)
class Source:
    """What filters look at in a document, and its passages' places in the lexical index."""

    document: str
    kind: str
    published: str | None
    rows: list[int]


@dataclass(frozen=True)
class Listed:
    """A document as a list shows it, without its text."""

    id: str
    metadata: dict[str, Any]
    passages: int
    characters: int


class DocumentStore:
    """The documents of one generation. Safe to read from several threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def build(
        cls,
        path: Path,
        documents: Iterable[tuple[ChunkedDocument, Sequence[Vectors]]],
        base: Path | None = None,
        gone: Collection[str] = (),
    ) -> DocumentStore:
        """Write a new store: each document with its passages' sentence vectors.

        With a `base`, it begins with the documents of that store but those that
        are `gone`.
        """
        connection = sqlite3.connect(path, check_same_thread=False, uri=True)
        connection.execute("PRAGMA synchronous = OFF")  # the generation is synced as a whole
        connection.executescript(_SCHEMA)
        if base is not None:
            _carry(connection, base, gone)
        with connection:
            for chunked, vectors in documents:
                _insert(connection, chunked, vectors)
        connection.executescript(_ORDER)
        return cls(connection)

    @classmethod
    def open(cls, path: Path) -> DocumentStore:
        """Open a store to read it.

        Raises:
            sqlite3.Error: it is missing or damaged.
        """
        return cls(sqlite3.connect(_read_only(path), uri=True, check_same_thread=False))

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

    def documents(self) -> Iterator[Document]:
        """Every document, in the order of their ids."""
        for document_id, text, metadata in self._rows():
            yield Document(id_=document_id, text=text, metadata=json.loads(metadata))

    def texts(self) -> Iterator[str]:
        """The text of every document, in the order of their ids."""
        for _, text, _ in self._rows():
            yield text

    def listed(self) -> list[Listed]:
        """Every document without its text, in the order of their ids."""
        return [
            Listed(document_id, json.loads(metadata), passages, characters)
            for document_id, metadata, passages, characters in self._connection.execute(_LISTED)
        ]

    def sources(self) -> list[Source]:
        """What filters look at in every document, in the order of their ids."""
        found = self._connection.execute(_SOURCES).fetchall()
        return [
            Source(document, kind, published, json.loads(rows))
            for document, kind, published, rows in found
        ]

    def contents(self) -> dict[str, bytes]:
        """The hash of every document's text, by document id."""
        return dict(self._connection.execute("SELECT id, content FROM documents"))

    def keys(self) -> dict[str, bytes]:
        """The key of every passage's embedding, by passage id, in the lexical index's order."""
        return dict(self._connection.execute("SELECT id, key FROM passages ORDER BY row"))

    def passage_count(self) -> int:
        count: int = self._connection.execute("SELECT count(*) FROM passages").fetchone()[0]
        return count

    def passage(self, passage_id: str) -> TextNode:
        """One passage, cut from its document."""
        return _passage(self._connection.execute(_PASSAGE + "p.id = ?", (passage_id,)).fetchone())

    def passages_by_id(self, passage_ids: Sequence[str]) -> dict[str, TextNode]:
        """Some passages, by passage id."""
        query = _PASSAGE + "p.id IN (SELECT value FROM json_each(?))"
        found = self._connection.execute(query, (json.dumps(list(passage_ids)),)).fetchall()
        passages = map(_passage, found)
        return {passage.node_id: passage for passage in passages}

    def passage_ids(self, rows: Sequence[int]) -> dict[int, str]:
        """The ids of the passages at some places in the lexical index, by place."""
        query = "SELECT row, id FROM passages WHERE row IN (SELECT value FROM json_each(?))"
        return dict(self._connection.execute(query, (json.dumps(list(rows)),)).fetchall())

    def rows(self, passage_ids: Sequence[str]) -> dict[str, int]:
        """The places of some passages in the lexical index, by passage id."""
        query = "SELECT id, row FROM passages WHERE id IN (SELECT value FROM json_each(?))"
        return dict(self._connection.execute(query, (json.dumps(list(passage_ids)),)).fetchall())

    def passages_of(self, document_id: str) -> list[TextNode]:
        """A document's passages in reading order; none where there is no such document."""
        row = self._connection.execute(_DOCUMENTS + "WHERE id = ?", (document_id,)).fetchone()
        return list(self._cut(*row)) if row else []

    def terms(self) -> Iterator[list[str]]:
        """What the lexical index counts of every passage, in its order."""
        with closing(self._connection.cursor()) as cursor:
            for (counted,) in cursor.execute("SELECT terms FROM passages ORDER BY row"):
                yield counted.split(" ") if counted else []

    def passages(self) -> Iterator[TextNode]:
        """Every passage, in the order of the lexical index."""
        for row in self._rows():
            yield from self._cut(*row)

    def sentence_vectors(self, passage_id: str) -> Vectors:
        """The vectors of a passage's sentences in reading order: shape (n, dimension) or (0, 0)."""
        vectors = [sentence.vector for sentence in self.sentences_of(passage_id)]
        return np.stack(vectors) if vectors else np.empty((0, 0), dtype=np.float32)

    def sentences_of(self, passage_id: str) -> list[Sentence]:
        """A passage's sentences in reading order."""
        row = self._connection.execute(
            "SELECT spans, vectors FROM sentences WHERE passage = ?", (passage_id,)
        ).fetchone()
        spans = np.frombuffer(row[0], np.int64).reshape(-1, 2) if row else ()
        if not len(spans):
            return []
        vectors = np.frombuffer(row[1], np.float16).reshape(len(spans), -1).astype(np.float32)
        return [
            Sentence(Span(int(start), int(stop)), vector)
            for (start, stop), vector in zip(spans, vectors, strict=True)
        ]

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        """Id, text and metadata of every document, in the order of their ids."""
        with closing(self._connection.cursor()) as cursor:
            yield from cursor.execute(_DOCUMENTS + "ORDER BY id")

    def _places(self, document_id: str) -> list[tuple[int, int, str]]:
        """Start, stop and context of a document's passages in reading order."""
        return self._connection.execute(_PLACES, (document_id,)).fetchall()

    def _cut(self, document_id: str, text: str, metadata: str) -> Iterator[TextNode]:
        """A document's passages: cut here, since SQLite would read the whole text for each."""
        said = json.loads(metadata)
        for start, stop, context in self._places(document_id):
            yield passage_of(document_id, said, Span(start, stop), text[start:stop], context)


def _in_text(passage: TextNode, sentences: Sequence[Span], text: str) -> list[Span]:
    offset = (passage.end_char_idx or 0) - len(text)  # the context stands before it
    return [Span(span.start - offset, span.end - offset) for span in sentences]


def content_hash(text: str) -> bytes:
    """What tells whether two documents have the same text."""
    return hashlib.sha256(text.encode()).digest()


def _carry(connection: sqlite3.Connection, base: Path, gone: Collection[str]) -> None:
    connection.execute("CREATE TEMP TABLE gone (id TEXT PRIMARY KEY)")
    connection.executemany("INSERT INTO gone VALUES (?)", ((document_id,) for document_id in gone))
    connection.commit()
    connection.execute("ATTACH ? AS old", (_read_only(base),))
    connection.executescript(f"BEGIN; {_CARRY} COMMIT;")
    connection.execute("DETACH old")


def _insert(
    connection: sqlite3.Connection, chunked: ChunkedDocument, vectors: Sequence[Vectors]
) -> None:
    document = chunked.document
    metadata = json.dumps(document.metadata)
    connection.execute(
        "INSERT INTO documents VALUES (?, ?, ?, ?)",
        (document.doc_id, document.text, metadata, content_hash(document.text)),
    )
    counted = terms([chunk.text for chunk in chunked.chunks])
    for chunk, its_vectors, its_terms in zip(chunked.chunks, vectors, counted, strict=True):
        passage = chunk.passage
        place = passage.start_char_idx, passage.end_char_idx
        connection.execute(
            "INSERT INTO cut VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                passage.node_id,
                document.doc_id,
                *place,
                passage.metadata["context"],
                chunk.key,
                " ".join(its_terms),
            ),
        )
        spans = np.array([(s.start, s.end) for s in chunk.sentences], dtype=np.int64)
        connection.execute(
            "INSERT INTO sentences VALUES (?, ?, ?)",
            (passage.node_id, spans.tobytes(), its_vectors.astype(np.float16).tobytes()),
        )


def _passage(row: tuple[str, str, int, int, str, str]) -> TextNode:
    document_id, metadata, start, stop, text, context = row
    return passage_of(document_id, json.loads(metadata), Span(start, stop), text, context)


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro&immutable=1"
