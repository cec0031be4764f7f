"""The document path: corpus → documents → passages → vectors → a new generation."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from llama_index.core.schema import Document, TextNode

from assistant.chunking import SentenceChunker, embedding_text
from assistant.embeddings import SentenceTransformerEmbedder, Vectors, load_embedder
from assistant.errors import (
    IndexDamaged,
    IndexNotBuilt,
    IndexOutOfDate,
    SettingsError,
    UnreadableDocument,
)
from assistant.generations import Generations
from assistant.index import Manifest, PassageIndex, Recipe
from assistant.loading import load_corpus
from assistant.settings import Settings

# Called with a stage's name, how much of it is done and how much there is.
Progress = Callable[[str, int, int], None]
LoadEmbedder = Callable[[str, int], SentenceTransformerEmbedder]

_BATCH = 64


@dataclass(frozen=True)
class IngestReport:
    """What a build found and did. The first four hold document ids."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    manifest: Manifest | None = None
    embedded: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to build."""
        return not (self.added or self.changed or self.removed)


def no_progress(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


def ingest(
    settings: Settings, progress: Progress = no_progress, load: LoadEmbedder = load_embedder
) -> IngestReport:
    """Bring the index up to date with its corpus and its recipe.

    Unchanged documents keep their passages and vectors. Where nothing changed,
    the current generation stays and no model is loaded.

    Raises:
        CorpusError: a document cannot be read; nothing is built.
        IndexBusy: another process is building.
        ModelUnavailable: the embedding model cannot be loaded.
    """
    generations = generations_of(settings)
    with generations.building() as directory:
        documents = load_corpus(settings.corpus_dir)
        progress("read", len(documents), len(documents))
        fingerprints = _fingerprints(documents, settings)
        old = _open_old(generations)
        report = _compare(old, fingerprints)
        if report.is_empty:
            return report
        passages, vectors = _carry_over(old, report.unchanged)
        fresh = [document for document in documents if document.doc_id not in passages]
        embedded = 0
        if fresh:
            embedder = load(settings.embedding_model, os.cpu_count() or 1)
            new_passages = _chunk(fresh, embedder, settings, progress)
            new_vectors = _embed(new_passages, embedder, progress)
            passages, vectors = passages | new_passages, vectors | new_vectors
            embedded = len(new_vectors)
        manifest = _manifest(generations, documents, fingerprints, len(vectors), settings)
        progress("write", 0, len(vectors))
        _write(directory, manifest, documents, passages, vectors)
        progress("write", len(vectors), len(vectors))
        generations.publish(directory, manifest.generation)
        generations.prune(settings.keep_generations)
        return IngestReport(
            report.added, report.changed, report.removed, report.unchanged, manifest, embedded
        )


def pending_changes(settings: Settings) -> IngestReport:
    """What `ingest` would do now, and the manifest of the generation that answers.

    Raises:
        IndexNotBuilt: there is no index yet.
        IndexDamaged: the current generation cannot be read.
    """
    index = PassageIndex.open(generations_of(settings).current())
    index.close()
    documents = load_corpus(settings.corpus_dir)
    return _compare(index, _fingerprints(documents, settings))


def open_index(settings: Settings) -> PassageIndex:
    """The current generation, if it was built with the recipe in force.

    Raises:
        IndexNotBuilt: there is no index yet.
        IndexOutOfDate: it was built with another recipe.
        IndexDamaged: it cannot be read.
    """
    index = PassageIndex.open(generations_of(settings).current())
    built, wanted = index.manifest.recipe.model_dump(), recipe_of(settings).model_dump()
    for name, value in wanted.items():
        if built[name] != value:
            index.close()
            raise IndexOutOfDate(
                f"index {settings.index!r} was built with {name}={built[name]!r}, the settings "
                f"say {value!r}: run `diamond-assistant index build`"
            )
    return index


def generations_of(settings: Settings) -> Generations:
    """The generations of the index that the settings name."""
    return Generations(settings.indexes_dir / settings.index)


def recipe_of(settings: Settings) -> Recipe:
    """What an index built with these settings holds."""
    return Recipe(
        embedding_model=settings.embedding_model, passage_tokens=settings.passage_tokens
    )


def _fingerprints(documents: Sequence[Document], settings: Settings) -> dict[str, str]:
    """A hash per document of everything that decides its passages and vectors."""
    recipe = recipe_of(settings).model_dump()

    def fingerprint(document: Document) -> str:
        parts = json.dumps([document.text, document.metadata, recipe], sort_keys=True)
        return hashlib.sha256(parts.encode()).hexdigest()

    return {document.doc_id: fingerprint(document) for document in documents}


def _open_old(generations: Generations) -> PassageIndex | None:
    """The current generation to carry over from; a damaged one is built anew."""
    try:
        return PassageIndex.open(generations.current())
    except (IndexNotBuilt, IndexDamaged):
        return None


def _compare(old: PassageIndex | None, fingerprints: Mapping[str, str]) -> IngestReport:
    before = old.manifest.fingerprints if old else {}
    return IngestReport(
        added=tuple(sorted(fingerprints.keys() - before.keys())),
        changed=tuple(d for d, f in fingerprints.items() if d in before and before[d] != f),
        removed=tuple(sorted(before.keys() - fingerprints.keys())),
        unchanged=tuple(d for d, f in fingerprints.items() if before.get(d) == f),
        manifest=old.manifest if old else None,
    )


def _carry_over(
    old: PassageIndex | None, document_ids: Sequence[str]
) -> tuple[dict[str, list[TextNode]], dict[str, Vectors]]:
    """The old passages of some documents, by document, and their vectors, by passage."""
    if old is None:
        return {}, {}
    passages = {document_id: old.passages_of(document_id) for document_id in document_ids}
    vectors = old.vectors([p.node_id for group in passages.values() for p in group])
    old.close()
    return passages, dict(vectors)


def _chunk(
    documents: Sequence[Document],
    embedder: SentenceTransformerEmbedder,
    settings: Settings,
    progress: Progress,
) -> dict[str, list[TextNode]]:
    """The passages of each document, by document id."""
    if settings.passage_tokens > embedder.max_tokens:
        raise SettingsError(
            f"passage_tokens is {settings.passage_tokens}, but {settings.embedding_model!r} reads "
            f"{embedder.max_tokens} tokens: set DIAMOND_PASSAGE_TOKENS={embedder.max_tokens}"
        )
    chunker = SentenceChunker(
        count_tokens=embedder.count_tokens, max_tokens=settings.passage_tokens
    )
    passages: dict[str, list[TextNode]] = {}
    for done, document in enumerate(documents, 1):
        nodes = chunker.get_nodes_from_documents([document])
        passages[document.doc_id] = [node for node in nodes if isinstance(node, TextNode)]
        if not nodes:
            raise UnreadableDocument(f"{document.doc_id}: there is no sentence under its headings")
        progress("chunk", done, len(documents))
    return passages


def _embed(
    passages: Mapping[str, Sequence[TextNode]],
    embedder: SentenceTransformerEmbedder,
    progress: Progress,
) -> dict[str, Vectors]:
    """The vector of each passage, by passage id."""
    todo = [passage for group in passages.values() for passage in group]
    todo.sort(key=lambda passage: len(embedding_text(passage)))  # less padding in a batch
    vectors: dict[str, Vectors] = {}
    for start in range(0, len(todo), _BATCH):
        batch = todo[start : start + _BATCH]
        rows = embedder.encode([embedding_text(passage) for passage in batch])
        vectors.update(zip([passage.node_id for passage in batch], rows, strict=True))
        progress("embed", len(vectors), len(todo))
    return vectors


def _manifest(
    generations: Generations,
    documents: Sequence[Document],
    fingerprints: Mapping[str, str],
    passages: int,
    settings: Settings,
) -> Manifest:
    content = json.dumps(dict(sorted(fingerprints.items())))
    dates = sorted(d.metadata["published"] for d in documents if "published" in d.metadata)
    return Manifest(
        generation=generations.next_id(hashlib.sha256(content.encode()).hexdigest()),
        built_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        recipe=recipe_of(settings),
        fingerprints=dict(fingerprints),
        passages=passages,
        published_from=dates[0] if dates else None,
        published_to=dates[-1] if dates else None,
    )


def _write(
    directory: Path,
    manifest: Manifest,
    documents: Sequence[Document],
    passages: Mapping[str, Sequence[TextNode]],
    vectors: Mapping[str, Vectors],
) -> None:
    """Write a generation, read it back and see that it answers."""
    ordered = [passage for document in documents for passage in passages[document.doc_id]]
    matrix = np.stack([vectors[passage.node_id] for passage in ordered])
    PassageIndex.build(directory, manifest, documents, ordered, matrix).close()
    written = PassageIndex.open(directory)
    for row in (0, len(ordered) // 2, len(ordered) - 1):
        [(_, cosine)] = written.nearest(matrix[row], top_k=1)
        if cosine < 0.999:
            raise IndexDamaged(
                f"the new generation does not find {ordered[row].node_id!r} by its own vector: "
                "run `diamond-assistant index build` again; the old generation still answers"
            )
    written.close()
