"""One generation of an index: vectors in Chroma, words in BM25, documents and vocabulary.

A generation is written once and never changed. generations.py says which one is
the current one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from llama_index.core.schema import Document, TextNode
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from assistant.chunking import CHUNKER_VERSION
from assistant.documents import ChunkedDocument, DocumentStore, Listed, Sentence, Source
from assistant.embedding_cache import EmbeddingCache
from assistant.embeddings import Vectors
from assistant.errors import GenerationGone, IndexDamaged, IndexOutOfDate, ServerError
from assistant.generations import pin
from assistant.lexical import LexicalIndex
from assistant.loading import LOADER_VERSION
from assistant.schema import EVERYTHING, Facets, Filters, topic_of
from assistant.vectors import FOLDER as _CHROMA
from assistant.vectors import FolderVectors, PassageVectors, Row, VectorStore, batches
from assistant.vocabulary import Vocabulary

# Raise it when what is stored changes, so that older indexes ask to be built again.
STORE_VERSION = 5

REMEDY = "run `diamond-assistant index build`"

_HERE = FolderVectors()

MANIFEST = "manifest.json"
_DOCUMENTS = "documents.db"
_LEXICAL = "lexical"
_VOCABULARY = "vocabulary.json"
_GRAPH = ".bin"  # the files of Chroma's graph

# More of Chroma's graph than this is built anew: what was deleted stays in it as a hole.
_MOST_HOLES = 0.1
_REMEMBERED = 16  # filters whose passages are known
_CACHED = 1000  # embeddings held in memory at once


class Recipe(BaseModel):
    """Everything but the documents that decides what an index holds."""

    embedding_model: str
    embedding_revision: str = ""
    passage_tokens: int
    digests: bool = False
    store_version: int = STORE_VERSION
    loader_version: int = LOADER_VERSION
    chunker_version: int = CHUNKER_VERSION


class Manifest(BaseModel):
    """What a generation says about itself. Dates are ISO text.

    `fingerprints` are by document id; `files` has the hash of every file that
    never changes, `holes` the passages deleted from Chroma's graph
    since it was last built whole.
    """

    generation: str
    built_at: str
    recipe: Recipe
    folders: list[str] = Field(default_factory=list)
    fingerprints: dict[str, str]
    passages: int = 0
    holes: int = 0
    published_from: str | None = None
    published_to: str | None = None
    files: dict[str, str] = Field(default_factory=dict)

    @property
    def documents(self) -> int:
        """How many documents the generation holds."""
        return len(self.fingerprints)


@dataclass(frozen=True)
class Draft:
    """What a new generation is written from.

    `base` is the generation before, where anything of it stays; of its
    documents, those that are `gone` do not. `new` are the documents beside it;
    their embeddings are in the cache.
    """

    manifest: Manifest
    new: Sequence[ChunkedDocument]
    base: Path | None = None
    gone: Collection[str] = ()


class PassageIndex:
    """A generation that can be asked. `open` makes one; close it when done."""

    def __init__(
        self,
        manifest: Manifest,
        vectors: PassageVectors,
        lexical: LexicalIndex,
        documents: DocumentStore,
        vocabulary: Vocabulary,
        pinned: int,
    ) -> None:
        self.manifest = manifest
        self.lexical = lexical
        self.vocabulary = vocabulary
        self._vectors = vectors
        self._documents = documents
        self._pinned = pinned

    @classmethod
    def open(cls, directory: Path, store: VectorStore = _HERE, whole: bool = True) -> PassageIndex:
        """Open a finished generation; it is not deleted as long as it is open.

        Its vectors are read, unless it need not be `whole`, as for a builder: then
        it opens sooner, and cannot be asked.

        Raises:
            IndexOutOfDate: an earlier version of this program built it.
            IndexDamaged: a part is missing or the parts disagree.
            ServerError: the server that has the vectors cannot be used.
        """
        undo = contextlib.ExitStack()
        with undo:
            try:
                pinned = pin(directory / MANIFEST)
                undo.callback(os.close, pinned)
                manifest = read_manifest(directory)
                _check_graph(directory, manifest.files)
                documents = DocumentStore.open(directory / _DOCUMENTS)
                undo.callback(documents.close)
                ids = list(documents.keys()) if whole else ()
                vectors = store.open(directory, manifest.generation, ids)
                undo.callback(vectors.close)
                index = cls(
                    manifest,
                    vectors,
                    LexicalIndex.load(directory / _LEXICAL),
                    documents,
                    Vocabulary.from_dict(json.loads((directory / _VOCABULARY).read_bytes())),
                    pinned,
                )
                index._check_counts()
            except (IndexOutOfDate, GenerationGone, ServerError):
                raise
            except Exception as error:  # what a library raises at a damaged file is anybody's guess
                raise damaged(directory, error) from error
            undo.pop_all()
        return index

    @classmethod
    def write(
        cls, directory: Path, draft: Draft, cache: EmbeddingCache, store: VectorStore = _HERE
    ) -> Manifest:
        """Write a generation into an empty folder, where nobody reads yet; what it says of itself.

        Raises:
            KeyError: an embedding is not in the cache.
        """
        documents = DocumentStore.build(
            directory / _DOCUMENTS,
            _with_sentences(draft.new, cache),
            draft.base / _DOCUMENTS if draft.base else None,
            draft.gone,
        )
        holes = _write_vectors(directory, draft, documents, cache, store)
        LexicalIndex.of_terms(list(documents.terms())).save(directory / _LEXICAL)
        vocabulary = Vocabulary.of(documents.texts())
        (directory / _VOCABULARY).write_text(json.dumps(vocabulary.as_dict()))
        dates = sorted(s.published for s in documents.sources() if s.published)
        passages = documents.passage_count()
        documents.close()
        manifest = draft.manifest.model_copy(
            update={
                "passages": passages,
                "holes": holes,
                "published_from": dates[0] if dates else None,
                "published_to": dates[-1] if dates else None,
                "files": file_hashes(directory),
            }
        )
        (directory / MANIFEST).write_text(manifest.model_dump_json(indent=1))
        return manifest

    def close(self) -> None:
        """Let go of the files, so that the folder can be deleted."""
        self._documents.close()
        self._vectors.close()
        if self._pinned >= 0:
            os.close(self._pinned)
            self._pinned = -1

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
        return self._vectors.nearest(vector, top_k, filters, self._rows(filters))

    def best_matches(
        self, query: str, top_k: int, filters: Filters = EVERYTHING
    ) -> list[tuple[str, float]]:
        """The passages that share words with a query as (passage id, BM25), best first."""
        ranked = self.lexical.rank(query, top_k, self._rows(filters))
        ids = self._documents.passage_ids([row for row, _ in ranked])
        return [(ids[row], score) for row, score in ranked]

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

    def passages_by_id(self, passage_ids: Sequence[str]) -> Mapping[str, TextNode]:
        """Some passages, by passage id."""
        return self._documents.passages_by_id(passage_ids)

    def passages_of(self, document_id: str) -> list[TextNode]:
        """A document's passages in reading order."""
        return self._documents.passages_of(document_id)

    def sentences_of(self, passage_id: str) -> list[Sentence]:
        """A passage's sentences in reading order, with their vectors."""
        return self._documents.sentences_of(passage_id)

    def sentence_vectors(self, passage_id: str) -> Vectors:
        """The vectors of a passage's sentences in reading order: shape (n, dimension) or (0, 0)."""
        return self._documents.sentence_vectors(passage_id)

    def document(self, document_id: str) -> Document:
        """A document as it was when this generation was built.

        Raises:
            KeyError: it is not in this generation.
        """
        return self._documents.document(document_id)

    def documents(self) -> list[Listed]:
        """Every document without its text, in the order of their ids."""
        return self._documents.listed()

    def contents(self) -> dict[str, bytes]:
        """The hash of every document's text, by document id."""
        return self._documents.contents()

    def keys(self) -> dict[str, bytes]:
        """The key of every passage's embedding, by passage id."""
        return self._documents.keys()

    def passages(self) -> Iterator[TextNode]:
        """Every passage, in reading order, documents in the order of their ids."""
        return self._documents.passages()

    def vectors(self, passage_ids: Sequence[str]) -> Mapping[str, Vectors]:
        """The vectors of some passages, by passage id."""
        return self._vectors.get(passage_ids)

    def _check_counts(self) -> None:
        """See that every part holds as many passages as the manifest says."""
        said = self.manifest.passages
        counts = len(self._vectors), self.lexical.size, self._documents.passage_count()
        if set(counts) != {said}:
            raise ValueError(
                "it should hold {} passages; its vectors, words and documents "
                "hold {}, {} and {}".format(said, *counts)
            )

    @cached_property
    def _sources(self) -> list[Source]:
        return self._documents.sources()

    def _admitted(self, filters: Filters) -> list[Source]:
        return [s for s in self._sources if filters.admits(s.document, s.kind, s.published)]

    def _rows(self, filters: Filters) -> NDArray[np.bool_] | None:
        """Which passages pass, by their places in the lexical index; None for all of them."""
        return None if filters.is_empty else self._passing(filters)

    @cached_property
    def _passing(self) -> Callable[[Filters], NDArray[np.bool_]]:
        """The same for filters that are set; the last ones asked for are remembered."""
        return lru_cache(maxsize=_REMEMBERED)(self._find_passing)

    def _find_passing(self, filters: Filters) -> NDArray[np.bool_]:
        passing = np.zeros(self.manifest.passages, dtype=np.bool_)
        passing[[row for source in self._admitted(filters) for row in source.rows]] = True
        return passing


def read_manifest(directory: Path) -> Manifest:
    """What a generation says about itself.

    Raises:
        IndexOutOfDate: an earlier version of this program built it.
        OSError, ValueError: it cannot be read.
    """
    said = json.loads((directory / MANIFEST).read_bytes())
    built = said["recipe"]["store_version"]
    if built != STORE_VERSION:
        raise IndexOutOfDate(
            f"generation {directory.name} has store_version={built}, this program "
            f"{STORE_VERSION}: {REMEDY}"
        )
    return Manifest.model_validate(said)


def embedding_keys(directory: Path) -> set[bytes]:
    """The keys of the embeddings that a generation holds; none, where it cannot be read."""
    try:
        documents = DocumentStore.open(directory / _DOCUMENTS)
        keys = set(documents.keys().values())
    except sqlite3.Error:
        return set()
    documents.close()
    return keys


def file_hashes(directory: Path) -> dict[str, str]:
    """The hash of every file of a generation that never changes: not of Chroma's database.

    What a server's copies are checked by, `*.sha256`, comes only after this.
    """
    return {
        path.relative_to(directory).as_posix(): _hash(path)
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not _is_changing(path.relative_to(directory))
    }


def _is_changing(file: Path) -> bool:
    database = file.parts[0] == _CHROMA and file.suffix != _GRAPH
    return database or file.name == MANIFEST or file.suffix == ".sha256"


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_graph(directory: Path, files: Mapping[str, str]) -> None:
    """See that Chroma's graph is as it was written.

    What reads it is native code: it takes what it finds for vectors, or ends the process.
    """
    for name, said in files.items():
        if Path(name).suffix == _GRAPH and _hash(directory / name) != said:
            raise ValueError(f"{name} is not as it was written")


def damaged(directory: Path, error: BaseException) -> IndexDamaged:
    """What is said of a generation that cannot be read."""
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return IndexDamaged(f"generation {directory.name} cannot be read ({reason}): {REMEDY}")


def _with_sentences(
    new: Iterable[ChunkedDocument], cache: EmbeddingCache
) -> Iterator[tuple[ChunkedDocument, list[Vectors]]]:
    """Each document with the vectors of its passages' sentences."""
    for chunked in new:
        found = cache.get([chunk.key for chunk in chunked.chunks])
        yield chunked, [found[chunk.key][1] for chunk in chunked.chunks]


def _write_vectors(
    directory: Path,
    draft: Draft,
    documents: DocumentStore,
    cache: EmbeddingCache,
    store: VectorStore,
) -> int:
    """The graph of the generation before, mended, or a new one; how many holes there are in it."""
    generation = draft.manifest.generation
    if draft.base is not None and store.mends:
        before = read_manifest(draft.base)
        gone = _passage_ids(draft.base, draft.gone)
        holes = before.holes + len(gone)
        if holes <= _MOST_HOLES * before.passages:
            fresh = [c.passage.node_id for chunked in draft.new for c in chunked.chunks]
            rows = _rows(documents, fresh, cache)
            store.write(directory, generation, rows, draft.base, gone)
            return holes
    store.write(directory, generation, _rows(documents, documents.keys(), cache))
    return 0


def _passage_ids(base: Path, document_ids: Iterable[str]) -> list[str]:
    documents = DocumentStore.open(base / _DOCUMENTS)
    ids = [p.node_id for document_id in document_ids for p in documents.passages_of(document_id)]
    documents.close()
    return ids


def _rows(
    documents: DocumentStore, passage_ids: Iterable[str], cache: EmbeddingCache
) -> Iterator[Row]:
    """What Chroma keeps of some passages."""
    keys = documents.keys()
    sources = {source.document: source for source in documents.sources()}
    for batch in batches(passage_ids, _CACHED):
        embeddings = cache.get([keys[passage_id] for passage_id in batch])
        for passage_id in batch:
            source = sources[passage_id.rpartition(":")[0]]
            vector, _ = embeddings[keys[passage_id]]
            yield Row(passage_id, vector, source.document, source.kind, source.published)


def _counted(names: Iterable[str]) -> dict[str, int]:
    """How often each name comes, in alphabetical order; documents without one do not count."""
    return dict(sorted(Counter(filter(None, names)).items()))
