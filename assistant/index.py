"""One generation of an index: vectors in Chroma, words in BM25, documents and vocabulary.

A generation is written once and never changed: a reader in another process
that has a Chroma collection open returns garbage when it changes under it.
generations.py says which generation is the current one.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import chromadb
import chromadb.config
import chromadb.errors
import numpy as np
from llama_index.core.schema import Document, TextNode
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from assistant.chunking import CHUNKER_VERSION, embedding_text
from assistant.documents import DocumentStore, Sentence, Source
from assistant.embeddings import Vectors
from assistant.errors import IndexDamaged, IndexOutOfDate
from assistant.lexical import LexicalIndex
from assistant.loading import LOADER_VERSION
from assistant.schema import EVERYTHING, Facets, Filters, topic_of
from assistant.vocabulary import Vocabulary

# Raise it when what is stored changes, so that older indexes ask to be built again.
STORE_VERSION = 2

REMEDY = "run `diamond-assistant index build`"

_COLLECTION = "passages"
_VOCABULARY = "vocabulary.json"
# Chroma's own breadth of search loses some of the nearest, others at each opening.
HNSW: Any = {"space": "cosine", "ef_construction": 200, "ef_search": 500}
_BATCH = 5000  # Chroma refuses more than 5461 rows in one call


class Recipe(BaseModel):
    """Everything but the documents that decides what an index holds."""

    embedding_model: str
    passage_tokens: int
    store_version: int = STORE_VERSION
    loader_version: int = LOADER_VERSION
    chunker_version: int = CHUNKER_VERSION


class Manifest(BaseModel):
    """What a generation says about itself. Dates are ISO text."""

    generation: str
    built_at: str
    recipe: Recipe
    fingerprints: dict[str, str]
    passages: int
    published_from: str | None
    published_to: str | None

    @property
    def documents(self) -> int:
        """How many documents the generation holds."""
        return len(self.fingerprints)


class PassageIndex:
    """A generation that can be asked. `open` and `build` make one; close it when done."""

    def __init__(
        self,
        manifest: Manifest,
        client: chromadb.api.ClientAPI,
        lexical: LexicalIndex,
        documents: DocumentStore,
        vocabulary: Vocabulary,
    ) -> None:
        self.manifest = manifest
        self.lexical = lexical
        self.vocabulary = vocabulary
        self._client = client
        self._collection = client.get_collection(_COLLECTION, embedding_function=None)
        self._documents = documents

    @classmethod
    def open(cls, directory: Path) -> PassageIndex:
        """Open a finished generation.

        Raises:
            IndexOutOfDate: an earlier version of this program built it.
            IndexDamaged: a part is missing or the parts disagree.
        """
        try:
            manifest = Manifest.model_validate_json((directory / "manifest.json").read_bytes())
            _check_version(manifest, directory.name)
            documents = DocumentStore.open(directory / "documents.db")
            lexical = LexicalIndex.load(directory / "lexical")
            vocabulary = Vocabulary.from_dict(json.loads((directory / _VOCABULARY).read_bytes()))
            client = _client(directory / "chroma")
            index = cls(manifest, client, lexical, documents, vocabulary)
            counts = index._collection.count(), lexical.size, documents.passage_count()
        except (
            OSError, ValueError, KeyError, TypeError, ValidationError, sqlite3.Error,
            chromadb.errors.ChromaError,
        ) as error:  # fmt: skip
            reason = str(error).splitlines()[0]
            raise IndexDamaged(
                f"generation {directory.name} cannot be read ({reason}): {REMEDY}"
            ) from error
        if set(counts) != {manifest.passages}:
            raise IndexDamaged(
                f"generation {directory.name} should hold {manifest.passages} passages; its "
                "vectors, words and documents hold {}, {} and {}: ".format(*counts)
                + REMEDY
            )
        return index

    @classmethod
    def build(
        cls,
        directory: Path,
        manifest: Manifest,
        documents: Sequence[Document],
        passages: Sequence[TextNode],
        vectors: Vectors,
        sentences: Mapping[str, Sequence[Sentence]],
    ) -> PassageIndex:
        """Write a generation into an empty folder, where nobody reads yet.

        Row i of `vectors`, of shape (len(passages), dimension), belongs to
        passage i; `sentences` are by passage id.
        """
        client = _client(directory / "chroma")
        collection = client.create_collection(
            _COLLECTION, embedding_function=None, configuration={"hnsw": HNSW}
        )
        for start in range(0, len(passages), _BATCH):
            batch = passages[start : start + _BATCH]
            collection.add(
                ids=[passage.node_id for passage in batch],
                embeddings=vectors[start : start + _BATCH],
                metadatas=[_filterable(passage) for passage in batch],
            )
        lexical = LexicalIndex.build([embedding_text(passage) for passage in passages])
        lexical.save(directory / "lexical")
        store = DocumentStore.build(directory / "documents.db", documents, passages, sentences)
        vocabulary = Vocabulary.of(document.text for document in documents)
        (directory / _VOCABULARY).write_text(json.dumps(vocabulary.as_dict()))
        (directory / "manifest.json").write_text(manifest.model_dump_json(indent=1))
        return cls(manifest, client, lexical, store, vocabulary)

    def close(self) -> None:
        """Let go of the files, so that the folder can be renamed or deleted."""
        self._documents.close()
        self._client.close()  # type: ignore[attr-defined]

    def facets(self, filters: Filters = EVERYTHING) -> Facets:
        """What there is to search, or what the filters leave of it."""
        left = self._admitted(filters)
        dates = sorted(source.published for source in left if source.published)
        return Facets(
            documents=len(left),
            passages=sum(len(source.rows) for source in left),
            topics=_counted(topic_of(source.document) for source in left),
            kinds=_counted(source.kind for source in left),
            published_from=dates[0] if dates else None,
            published_to=dates[-1] if dates else None,
            undated=len(left) - len(dates),
        )

    def nearest(
        self, vector: Vectors, top_k: int, filters: Filters = EVERYTHING
    ) -> list[tuple[str, float]]:
        """The passages nearest to a vector as (passage id, cosine), best first."""
        found = self._collection.query(
            query_embeddings=vector,
            n_results=min(top_k, self.manifest.passages),
            where=_where(filters),
            include=["distances"],
        )
        distances = (found["distances"] or [[]])[0]
        return [
            (passage_id, 1.0 - distance)
            for passage_id, distance in zip(found["ids"][0], distances, strict=True)
        ]

    def best_matches(
        self, query: str, top_k: int, filters: Filters = EVERYTHING
    ) -> list[tuple[str, float]]:
        """The passages that share words with a query as (passage id, BM25), best first."""
        return [
            (self._documents.passage_id(row), score)
            for row, score in self.lexical.rank(query, top_k, self._rows(filters))
        ]

    def cosines(self, vector: Vectors, passage_ids: Sequence[str]) -> dict[str, float]:
        """How near some passages are to a vector, by passage id."""
        return {i: float(v @ vector) for i, v in self.vectors(passage_ids).items()}

    def bm25(self, query: str, passage_ids: Sequence[str]) -> dict[str, float]:
        """The BM25 scores of some passages, by passage id; 0 where no word is shared."""
        scores = self.lexical.scores(query)
        return {i: float(scores[row]) for i, row in self._documents.rows(passage_ids).items()}

    def passage(self, passage_id: str) -> TextNode:
        """A passage with its document's metadata."""
        return self._documents.passage(passage_id)

    def passages_of(self, document_id: str) -> list[TextNode]:
        """A document's passages in reading order."""
        return self._documents.passages_of(document_id)

    def sentences_of(self, passage_id: str) -> list[Sentence]:
        """A passage's sentences in reading order, with their vectors."""
        return self._documents.sentences_of(passage_id)

    def document(self, document_id: str) -> Document:
        """A document as it was when this generation was built.

        Raises:
            KeyError: it is not in this generation.
        """
        return self._documents.document(document_id)

    def vectors(self, passage_ids: Sequence[str]) -> Mapping[str, Vectors]:
        """The vectors of some passages, by passage id."""
        vectors: dict[str, Vectors] = {}
        for start in range(0, len(passage_ids), _BATCH):
            batch = list(passage_ids[start : start + _BATCH])
            found = self._collection.get(ids=batch, include=["embeddings"])
            rows = np.asarray(found["embeddings"], dtype=np.float32)
            vectors.update(zip(found["ids"], rows, strict=True))
        return vectors

    @cached_property
    def _sources(self) -> list[Source]:
        return self._documents.sources()

    def _admitted(self, filters: Filters) -> list[Source]:
        return [s for s in self._sources if filters.admits(s.document, s.kind, s.published)]

    def _rows(self, filters: Filters) -> NDArray[np.bool_] | None:
        """Which passages pass, by their places in the lexical index; None for all of them."""
        if filters.is_empty:
            return None
        passing = np.zeros(self.manifest.passages, dtype=np.bool_)
        passing[[row for source in self._admitted(filters) for row in source.rows]] = True
        return passing


def _check_version(manifest: Manifest, name: str) -> None:
    built = manifest.recipe.store_version
    if built != STORE_VERSION:
        raise IndexOutOfDate(
            f"generation {name} has store_version={built}, this program {STORE_VERSION}: {REMEDY}"
        )


def _client(directory: Path) -> chromadb.api.ClientAPI:
    directory.mkdir(exist_ok=True)
    return chromadb.PersistentClient(
        str(directory), settings=chromadb.config.Settings(anonymized_telemetry=False)
    )


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


def _filterable(passage: TextNode) -> dict[str, Any]:
    """What a query may filter on. Chroma orders numbers only, so a date becomes 20260131."""
    metadata: dict[str, Any] = {
        "document": passage.ref_doc_id,
        "kind": passage.metadata["kind"],
        "folder": str(passage.ref_doc_id).split("/")[0],
    }
    if published := passage.metadata.get("published"):
        metadata["published"] = _as_number(published)
    return metadata


def _as_number(date: str) -> int:
    return int(date.replace("-", ""))


def _counted(names: Iterable[str]) -> dict[str, int]:
    """How often each name comes, in alphabetical order; documents without one do not count."""
    return dict(sorted(Counter(filter(None, names)).items()))
