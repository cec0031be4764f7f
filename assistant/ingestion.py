"""The document path: corpus → documents → passages → vectors → a new generation."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from llama_index.core.schema import Document, TextNode

from assistant.changes import Failure, IngestReport, Plan, compare
from assistant.chroma_server import server_at
from assistant.chunking import SentenceChunker, sentences_of, split_sections, within
from assistant.documents import Chunk, ChunkedDocument
from assistant.embedding_cache import EmbeddingCache
from assistant.embeddings import Embedder, load_embedder, revision_of
from assistant.errors import (
    EmptyCorpus,
    IndexDamaged,
    IndexNotBuilt,
    IndexOutOfDate,
    SettingsError,
    StoreError,
    UnreadableDocument,
)
from assistant.generations import Generations
from assistant.index import REMEDY, Draft, Manifest, PassageIndex, Recipe, embedding_keys
from assistant.loading import Corpus, CorpusFolders, Found
from assistant.server_generations import ServerGenerations
from assistant.settings import Settings
from assistant.vectors import ChromaFailure, VectorStore, batches

__all__ = ["Failure", "IngestReport", "ingest", "open_index", "pending_changes"]

# Called with a stage's name, how much of it is done and how much there is.
Progress = Callable[[str, int, int], None]
LoadEmbedder = Callable[[str, int], Embedder]

_BATCH = 64
_COUNTED = 64  # texts: cutting a section asks for the same one more than once


def no_progress(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


def ingest(
    settings: Settings,
    progress: Progress = no_progress,
    load: LoadEmbedder | None = None,
    corpus: Corpus | None = None,
    keep_failed: bool = False,
    anew: bool = False,
) -> IngestReport:
    """Bring the index up to date with its corpus and its recipe.

    Unchanged documents are not read again and keep their passages; whatever
    was embedded before is not embedded again. A file that cannot be read is
    reported and the others go in. Where nothing changed, the current generation
    stays and no model is loaded. If it is to be made `anew`, nothing that is
    there is trusted: everything is read, cut and embedded.

    Raises:
        EmptyCorpus: there is no document that can be read; nothing is built.
        IndexBusy: another process is building.
        StoreError: the index cannot be written; the old generation still answers.
        ModelUnavailable: the embedding model cannot be loaded.
    """
    load = load or partial(load_embedder, backend=settings.embedding_backend)
    generations = generations_of(settings)
    corpus = corpus or open_corpus(settings)
    builder = _Builder(settings, generations, corpus, load, progress, keep_failed)
    with _said_plainly(generations.root), generations.building() as directory:
        if anew:
            EmbeddingCache.delete(generations.embeddings)
        report = builder.build(directory, None if anew else _open_old(generations))
        if report.manifest is not None and not report.is_empty:
            generations.publish(directory, report.manifest.generation)
            generations.prune(settings.keep_generations)
            with contextlib.closing(EmbeddingCache.open(generations.embeddings)) as cache:
                cache.keep(_keys_in_use(generations))
    return report


@dataclass(frozen=True)
class _Builder:
    """What a build needs, whether it begins with an old generation or with nothing."""

    settings: Settings
    generations: Generations
    corpus: Corpus
    load: LoadEmbedder
    progress: Progress
    keep_failed: bool

    def build(self, directory: Path, old: PassageIndex | None) -> IngestReport:
        """Write a generation into an empty folder, unless nothing changed.

        An old generation is closed, and its vectors are looked at only where they are
        needed: if they are damaged then, we begin with nothing, and say so.
        """
        if old is None:
            return self._build(directory, None)
        try:
            with contextlib.closing(old):
                return self._build(directory, old)
        except (IndexDamaged, sqlite3.Error, *ChromaFailure):
            for path in directory.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            report = self._build(directory, None)
            note = f"{old.manifest.generation} was damaged, so everything was written anew"
            return replace(report, notes=(*report.notes, note))

    def _build(self, directory: Path, old: PassageIndex | None) -> IngestReport:
        generations, settings = self.generations, self.settings
        plan = _plan(old, settings, self.corpus, self.progress, self.keep_failed)
        report = replace(plan.report, notes=_notes(generations))
        if old is not None and report.is_empty:
            _open_current(generations).close()
            return report
        with contextlib.closing(EmbeddingCache.open(generations.embeddings)) as cache:
            if old is not None:
                _seed(cache, old)
            chunked = _chunk(plan.fresh, settings, self.load, self.progress)
            embedded = chunked.embed(cache, self.progress)
            draft = _draft(plan, chunked.documents, self.corpus.origin, generations, settings)
            manifest = _write(directory, draft, cache, generations.vectors, self.progress)
        passages = sum(len(document.chunks) for document in chunked.documents)
        return replace(report, manifest=manifest, embedded=embedded, reused=passages - embedded)


def pending_changes(
    settings: Settings, corpus: Corpus | None = None, keep_failed: bool = False
) -> IngestReport:
    """What `ingest` would do now, and the manifest of the generation that answers.

    Raises:
        IndexNotBuilt: there is no index yet.
        IndexDamaged: the current generation cannot be read.
    """
    recipe = recipe_of(settings)
    with contextlib.closing(_open_current(generations_of(settings))) as index:
        found = _read(index, recipe, corpus or open_corpus(settings), no_progress)
        return compare(index, recipe, found, keep_failed).report


def planned_changes(
    settings: Settings,
    corpus: Corpus | None = None,
    keep_failed: bool = False,
    anew: bool = False,
) -> IngestReport:
    """What `ingest` would do now, whether there is an index or not.

    Raises:
        EmptyCorpus: there is no document that can be read.
    """
    old = None if anew else _open_old(generations_of(settings))
    with contextlib.closing(old) if old else contextlib.nullcontext():
        corpus = corpus or open_corpus(settings)
        return _plan(old, settings, corpus, no_progress, keep_failed).report


def open_index(settings: Settings, generation: str | None = None) -> PassageIndex:
    """The current generation, or the one that is named, if it was built with the recipe in force.

    Raises:
        IndexNotBuilt: there is no index yet.
        IndexOutOfDate: it was built with another recipe.
        IndexDamaged: it cannot be read.
        NoSuchGeneration: the one that is named is not kept.
    """
    generations = generations_of(settings)
    if generation is None:
        index = _open_current(generations)
    else:
        index = PassageIndex.open(generations.folder(generation), generations.vectors)
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
    """The generations of the index that the settings name: on this machine, or on a server.

    Raises:
        SettingsError: there is no such server, or the index has a name that it cannot have there.
    """
    root = settings.indexes_dir / settings.index
    if settings.chroma is None:
        return Generations(root)
    return ServerGenerations(root, server_at(settings.chroma, settings.chroma_token))


def recipe_of(settings: Settings) -> Recipe:
    """What an index built with these settings holds."""
    # All backends but this one give the same vectors to three digits: see backends.py.
    coarse = "-int8" if settings.embedding_backend == "onnx-int8" else ""
    return Recipe(
        embedding_model=settings.embedding_model,
        embedding_revision=revision_of(settings.embedding_model) + coarse,
        passage_tokens=settings.passage_tokens,
        digests=settings.digests,
    )


def open_corpus(settings: Settings) -> CorpusFolders:
    """The files of the corpus that the settings name.

    Raises:
        EmptyCorpus: there are none.
    """
    return CorpusFolders.open([settings.corpus_dir], settings.digests)


@contextlib.contextmanager
def _said_plainly(root: Path) -> Iterator[None]:
    """Full disks and the like, as errors that say what to do."""
    try:
        yield
    except (OSError, sqlite3.Error, *ChromaFailure) as error:
        said = str(error).splitlines() or [type(error).__name__]
        reason = getattr(error, "strerror", None) or said[0]
        raise StoreError(
            f"cannot write the index at {root}: {reason}; the generation that is there still "
            "answers. Make room or permit writing there, and run `diamond-assistant index build`: "
            "what was embedded is kept"
        ) from error


def _open_current(generations: Generations) -> PassageIndex:
    """Open what the pointer names; it may move, and what it named go, while we do."""
    while True:
        folder = generations.current()
        try:
            return PassageIndex.open(folder, generations.vectors)
        except IndexDamaged:
            if generations.current() == folder:
                raise


def _open_old(generations: Generations) -> PassageIndex | None:
    """The current generation to carry over from; a damaged or outdated one is built anew."""
    try:
        return PassageIndex.open(generations.current(), generations.vectors, whole=False)
    except (IndexNotBuilt, IndexOutOfDate, IndexDamaged):
        return None


def _plan(
    old: PassageIndex | None,
    settings: Settings,
    corpus: Corpus,
    progress: Progress,
    keep_failed: bool,
) -> Plan:
    """Read what is new or changed, and hold it against the old generation."""
    recipe = recipe_of(settings)
    plan = compare(old, recipe, _read(old, recipe, corpus, progress), keep_failed)
    if not plan.fingerprints:
        failures = plan.report.failed
        raise EmptyCorpus(
            f"none of {len(failures):,} files can be read, so nothing is built; the first: "
            f"{failures[0].file}: {failures[0].reason}"
        )
    return plan


def _read(
    old: PassageIndex | None, recipe: Recipe, corpus: Corpus, progress: Progress
) -> Iterator[Found]:
    known: Mapping[str, str] = {}
    if old is not None and _read_alike(old.manifest.recipe, recipe):
        known = old.manifest.fingerprints
    progress("read", 0, len(corpus))
    for done, found in enumerate(_checked(corpus.read(known)), 1):
        yield found
        progress("read", done, len(corpus))


def _read_alike(one: Recipe, other: Recipe) -> bool:
    """Whether both make the same text of a file."""
    return (one.loader_version, one.digests) == (other.loader_version, other.digests)


def _checked(found: Iterator[Found]) -> Iterator[Found]:
    """The same, and documents in which there is nothing to cut are failures."""
    for one in found:
        if one.document and not any(split_sections(one.document.text)):
            reason = UnreadableDocument("there is no sentence under its headings", one.path)
            one = replace(one, document=None, failure=reason)
        yield one


def _notes(generations: Generations) -> tuple[str, ...]:
    if generations.took_over is None:
        return ()
    return (f"a build {generations.took_over} died; what it had embedded is used",)


def _seed(cache: EmbeddingCache, old: PassageIndex) -> None:
    """Put into the cache what only the old generation has, as when the cache was deleted."""
    keys = old.keys()
    missing = cache.missing(keys.values())
    for ids in batches([i for i, key in keys.items() if key in missing], _BATCH):
        vectors = old.vectors(ids)
        if len(vectors) < len(ids):
            raise IndexDamaged(f"generation {old.manifest.generation} lacks vectors: {REMEDY}")
        cache.put({keys[i]: (vectors[i], old.sentence_vectors(i)) for i in ids})


@dataclass(frozen=True)
class Chunked:
    """Documents that are cut, and the model that embeds what of them is not known."""

    documents: Sequence[ChunkedDocument]
    embedder: Embedder | None

    def embed(self, cache: EmbeddingCache, progress: Progress) -> int:
        """Embed the passages that the cache has not; how many these were.

        Each batch is kept at once, so that a build that dies loses one batch.
        """
        chunks = {chunk.key: chunk for document in self.documents for chunk in document.chunks}
        todo = [chunks[key] for key in cache.missing(chunks)]
        todo.sort(key=lambda chunk: len(chunk.text))  # less padding in a batch
        if self.embedder is None or not todo:
            return 0
        progress("embed", 0, len(todo))
        for done, batch in enumerate(batches(todo, _BATCH)):
            vectors, sentences = self.embedder.encode_spans(
                [chunk.text for chunk in batch], [chunk.spans for chunk in batch]
            )
            cache.put(
                {
                    chunk.key: (vector, rows)
                    for chunk, vector, rows in zip(batch, vectors, sentences, strict=True)
                }
            )
            progress("embed", done * _BATCH + len(batch), len(todo))
        return len(todo)


def _chunk(
    documents: Sequence[Document],
    settings: Settings,
    load: LoadEmbedder,
    progress: Progress,
) -> Chunked:
    """Cut documents; no model is loaded where there are none."""
    if not documents:
        return Chunked((), None)
    embedder = load(settings.embedding_model, os.cpu_count() or 1)
    if settings.passage_tokens > embedder.max_tokens:
        raise SettingsError(
            f"passage_tokens is {settings.passage_tokens}, but {settings.embedding_model!r} reads "
            f"{embedder.max_tokens} tokens: set DIAMOND_PASSAGE_TOKENS={embedder.max_tokens}"
        )
    count_tokens = lru_cache(_COUNTED)(embedder.count_tokens)
    chunker = SentenceChunker(count_tokens=count_tokens, max_tokens=settings.passage_tokens)
    recipe = recipe_of(settings)
    model = f"{recipe.embedding_model} {recipe.embedding_revision}"
    cut = []
    for done, document in enumerate(documents, 1):
        cut.append(ChunkedDocument(document, list(_chunks(document, chunker, model))))
        progress("chunk", done, len(documents))
    return Chunked(cut, embedder)


def _chunks(document: Document, chunker: SentenceChunker, model: str) -> Iterator[Chunk]:
    sentences = sentences_of(document.text)
    for node in chunker.get_nodes_from_documents([document]):
        if isinstance(node, TextNode):
            yield Chunk.of(node, within(sentences, node), model)


def _draft(
    plan: Plan,
    chunked: Sequence[ChunkedDocument],
    origin: Sequence[str],
    generations: Generations,
    settings: Settings,
) -> Draft:
    content = json.dumps(dict(plan.fingerprints))
    before = plan.report.manifest.fingerprints if plan.report.manifest else {}
    manifest = Manifest(
        generation=generations.next_id(hashlib.sha256(content.encode()).hexdigest()),
        built_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        recipe=recipe_of(settings),
        folders=list(origin),
        fingerprints=dict(plan.fingerprints),
    )
    return Draft(
        manifest,
        chunked,
        base=generations.current() if plan.carried else None,
        gone=before.keys() - plan.carried,
    )


def _write(
    directory: Path, draft: Draft, cache: EmbeddingCache, store: VectorStore, progress: Progress
) -> Manifest:
    """Write a generation, read it back and see that it answers."""
    total = len(draft.manifest.fingerprints)
    progress("write", 0, total)
    manifest = PassageIndex.write(directory, draft, cache, store)
    progress("write", total, total)
    progress("check", 0, total)
    with contextlib.closing(PassageIndex.open(directory, store)) as written:
        ids = list(written.keys())
        for passage_id in {ids[0], ids[len(ids) // 2], ids[-1]}:
            [(_, cosine)] = written.nearest(written.vectors([passage_id])[passage_id], top_k=1)
            if cosine < 0.999:
                raise IndexDamaged(
                    f"the new generation does not find {passage_id!r} by its own vector: run "
                    "`diamond-assistant index build` again; the old generation still answers"
                )
    progress("check", total, total)
    return manifest


def _keys_in_use(generations: Generations) -> set[bytes]:
    """The keys of all embeddings in the generations that are kept."""
    keys: set[bytes] = set()
    for generation in generations.finished():
        with contextlib.suppress(StoreError):  # one that cannot be had holds nobody up
            keys |= embedding_keys(generations.folder(generation))
    return keys
