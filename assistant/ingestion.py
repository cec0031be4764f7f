"""The document path: corpus → documents → passages → vectors → a new generation."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from llama_index.core.schema import Document, TextNode

from assistant.chunking import SentenceChunker, embedding_text, sentence_spans
from assistant.documents import Sentence
from assistant.embeddings import Embedder, Vectors, load_embedder
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
from assistant.segmentation import Span
from assistant.settings import Settings

# Called with a stage's name, how much of it is done and how much there is.
Progress = Callable[[str, int, int], None]
LoadEmbedder = Callable[[str, int], Embedder]

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


@dataclass(frozen=True)
class Embedded:
    """Passages by document id; their vectors and their sentences by passage id."""

    passages: dict[str, list[TextNode]]
    vectors: dict[str, Vectors]
    sentences: dict[str, list[Sentence]]

    def joined(self, other: Embedded) -> Embedded:
        """Both together."""
        return Embedded(
            self.passages | other.passages,
            self.vectors | other.vectors,
            self.sentences | other.sentences,
        )


def no_progress(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


def ingest(
    settings: Settings,
    progress: Progress = no_progress,
    load: LoadEmbedder = load_embedder,
    read: Callable[[Path], list[Document]] = load_corpus,
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
        documents = read(settings.corpus_dir)
        progress("read", len(documents), len(documents))
        fingerprints = _fingerprints(documents, settings)
        old = _open_old(generations)
        report = _compare(old, fingerprints)
        if old is not None and report.is_empty:
            old.close()
            return report
        batch = _carry_over(old, report.unchanged)
        fresh = [d for d in documents if d.doc_id not in batch.passages]
        if fresh:
            embedder = load(settings.embedding_model, os.cpu_count() or 1)
            passages = _chunk(fresh, embedder, settings, progress)
            new = _embed(fresh, passages, embedder, progress)
            report = replace(report, embedded=len(new.vectors))
            batch = batch.joined(new)
        manifest = _manifest(generations, documents, fingerprints, len(batch.vectors), settings)
        progress("write", 0, len(batch.vectors))
        _write(directory, manifest, documents, batch)
        progress("write", len(batch.vectors), len(batch.vectors))
        generations.publish(directory, manifest.generation)
        generations.prune(settings.keep_generations)
        return replace(report, manifest=manifest)


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
    return Recipe(embedding_model=settings.embedding_model, passage_tokens=settings.passage_tokens)


def _fingerprints(documents: Sequence[Document], settings: Settings) -> dict[str, str]:
    """A hash per document of everything that decides its passages and vectors."""
    recipe = recipe_of(settings).model_dump()

    def fingerprint(document: Document) -> str:
        parts = json.dumps([document.text, document.metadata, recipe], sort_keys=True)
        return hashlib.sha256(parts.encode()).hexdigest()

    return {document.doc_id: fingerprint(document) for document in documents}


def _open_old(generations: Generations) -> PassageIndex | None:
    """The current generation to carry over from; a damaged or outdated one is built anew."""
    try:
        return PassageIndex.open(generations.current())
    except (IndexNotBuilt, IndexOutOfDate, IndexDamaged):
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


def _carry_over(old: PassageIndex | None, document_ids: Sequence[str]) -> Embedded:
    """The passages that unchanged documents have in the old generation."""
    if old is None:
        return Embedded({}, {}, {})
    passages = {document_id: old.passages_of(document_id) for document_id in document_ids}
    ids = [passage.node_id for group in passages.values() for passage in group]
    kept = Embedded(passages, dict(old.vectors(ids)), {i: old.sentences_of(i) for i in ids})
    old.close()
    return kept


def _chunk(
    documents: Sequence[Document],
    embedder: Embedder,
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
    documents: Sequence[Document],
    passages: dict[str, list[TextNode]],
    embedder: Embedder,
    progress: Progress,
) -> Embedded:
    """The vectors of documents' passages and of the sentences in them."""
    todo = [(document, passage) for document in documents for passage in passages[document.doc_id]]
    todo.sort(key=lambda pair: len(embedding_text(pair[1])))  # less padding in a batch
    embedded = Embedded(passages, {}, {})
    for start in range(0, len(todo), _BATCH):
        batch = [passage for _, passage in todo[start : start + _BATCH]]
        spans = [sentence_spans(*pair) for pair in todo[start : start + _BATCH]]
        vectors, sentences = embedder.encode_spans(
            [embedding_text(passage) for passage in batch],
            [_shifted(its, _offset(passage)) for passage, its in zip(batch, spans, strict=True)],
        )
        for row, passage in enumerate(batch):
            embedded.vectors[passage.node_id] = vectors[row]
            embedded.sentences[passage.node_id] = [
                Sentence(span, vector)
                for span, vector in zip(spans[row], sentences[row], strict=True)
            ]
        progress("embed", len(embedded.vectors), len(todo))
    return embedded


def _offset(passage: TextNode) -> int:
    """Where the embedded text would begin in the document if its context stood there too."""
    return (passage.end_char_idx or 0) - len(embedding_text(passage))


def _shifted(spans: Sequence[Span], offset: int) -> list[Span]:
    return [Span(span.start - offset, span.end - offset) for span in spans]


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
    directory: Path, manifest: Manifest, documents: Sequence[Document], batch: Embedded
) -> None:
    """Write a generation, read it back and see that it answers."""
    ordered = [passage for d in documents for passage in batch.passages[d.doc_id]]
    matrix = np.stack([batch.vectors[passage.node_id] for passage in ordered])
    PassageIndex.build(directory, manifest, documents, ordered, matrix, batch.sentences).close()
    written = PassageIndex.open(directory)
    for row in (0, len(ordered) // 2, len(ordered) - 1):
        [(_, cosine)] = written.nearest(matrix[row], top_k=1)
        if cosine < 0.999:
            raise IndexDamaged(
                f"the new generation does not find {ordered[row].node_id!r} by its own vector: "
                "run `diamond-assistant index build` again; the old generation still answers"
            )
    written.close()
