"""Whether the generation that answers is what its build meant it to be: `index verify`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
from llama_index.core.schema import TextNode

from assistant.chunking import embedding_text, sentences_of, within
from assistant.documents import Chunk, Sentence
from assistant.embeddings import Vectors
from assistant.errors import StoreError
from assistant.generations import Generations
from assistant.index import PassageIndex, file_hashes
from assistant.ingestion import Progress, generations_of, no_progress
from assistant.segmentation import Span
from assistant.settings import Settings
from assistant.vectors import ChromaFailure, batches

REMEDY = "run `diamond-assistant index build --anew`"

# How far a length may be from 1: vectors are kept in 32 bits, those of sentences in 16.
_NEARLY = 1e-3
_ROUGHLY = 1e-2
_BATCH = 1000
_MOST = 20  # problems of one kind that are told; the next line says how many more there are


def verify(settings: Settings, progress: Progress = no_progress) -> list[str]:
    """What is wrong with the generation that answers, a line each; nothing, if all is well.

    Everything is read. A line names what is wrong and the command to run.
    """
    generations = generations_of(settings)
    try:
        folder = generations.current()
        index = PassageIndex.open(folder, generations.vectors)
    except StoreError as error:
        return [str(error)]
    with closing(index):
        problems = [
            *_problems("pointer", lambda: _of_pointer(generations, folder)),
            *_problems("files", lambda: _of_files(folder, index)),
            *_problems("documents", lambda: _of_documents(index, progress)),
            *_problems("vectors", lambda: _of_vectors(index, progress)),
            *_problems("search", lambda: _of_search(index)),
        ]
    return [f"generation {folder.name}: {problem}: {REMEDY}" for problem in problems]


def _problems(kind: str, check: Callable[[], Iterator[str]]) -> list[str]:
    """What a check finds; that it cannot be made is a problem as well."""
    found: list[str] = []
    try:
        found += check()
    except (
        OSError, ValueError, KeyError, TypeError, IndexError, sqlite3.Error, StoreError,
        *ChromaFailure,
    ) as error:  # fmt: skip
        reason = (str(error).splitlines() or [""])[0]
        found.append(f"its {kind} cannot be checked ({type(error).__name__}: {reason})")
    more = len(found) - _MOST
    return found if more <= 0 else [*found[:_MOST], f"{more:,} more problems of its {kind}"]


def _of_pointer(generations: Generations, folder: Path) -> Iterator[str]:
    if folder.name not in generations.finished():
        yield "the pointer names it, and it is no finished generation"


def _of_files(folder: Path, index: PassageIndex) -> Iterator[str]:
    manifest = index.manifest
    if manifest.generation != folder.name:
        yield f"its manifest is that of {manifest.generation!r}"
    said, found = manifest.files, file_hashes(folder)
    for name in sorted(said.keys() | found.keys()):
        if name not in found:
            yield f"file {name} is missing"
        elif name not in said:
            yield f"file {name} does not belong to it"
        elif said[name] != found[name]:
            yield f"file {name} is not as it was written"


def _of_documents(index: PassageIndex, progress: Progress) -> Iterator[str]:
    """Problems of documents, of passages' places and texts, and of sentences."""
    recipe = index.manifest.recipe
    model = f"{recipe.embedding_model} {recipe.embedding_revision}"
    keys = index.keys()
    there = [listed.id for listed in index.documents()]
    for document_id in sorted(set(there) ^ index.manifest.fingerprints.keys()):
        yield f"document {document_id!r} is {'unknown' if document_id in there else 'missing'}"
    seen = 0
    for done, document_id in enumerate(there, 1):
        text = index.document(document_id).text
        sentences = sentences_of(text)
        for passage in index.passages_of(document_id):
            seen += 1
            stored = index.sentences_of(passage.node_id)
            yield from _of_passage(passage, text, stored)
            expected = Chunk.of(passage, within(sentences, passage), model).key
            if keys[passage.node_id] != expected:
                yield f"passage {passage.node_id!r} was embedded as another text"
        progress("check documents", done, len(there))
    if seen != index.manifest.passages:
        yield f"{seen:,} passages belong to documents, not {index.manifest.passages:,}"


def _of_passage(passage: TextNode, text: str, sentences: list[Sentence]) -> Iterator[str]:
    start, stop = passage.start_char_idx or 0, passage.end_char_idx or 0
    if not 0 <= start < stop <= len(text) or text[start:stop] != passage.get_content():
        yield f"passage {passage.node_id!r} is not what stands at its place in its document"
    if not embedding_text(passage).strip():
        yield f"passage {passage.node_id!r} is empty"
    for sentence in sentences:
        if not (start <= sentence.span.start < sentence.span.end <= stop):
            yield f"sentence {_place(sentence.span)} is not within passage {passage.node_id!r}"
        if problem := _of_vector(sentence.vector, _ROUGHLY):
            yield f"sentence {_place(sentence.span)} of {passage.node_id!r} {problem}"


def _of_vectors(index: PassageIndex, progress: Progress) -> Iterator[str]:
    ids, dimensions, done = list(index.keys()), set(), 0
    for batch in batches(ids, _BATCH):
        vectors: Mapping[str, Vectors] = index.vectors(batch)
        for passage_id in batch:
            vector = vectors.get(passage_id)
            if vector is None:
                yield f"passage {passage_id!r} has no vector"
                continue
            dimensions.add(len(vector))
            if problem := _of_vector(vector, _NEARLY):
                yield f"passage {passage_id!r} {problem}"
        done += len(batch)
        progress("check vectors", done, len(ids))
    if len(dimensions) > 1:
        yield f"its vectors have {' and '.join(map(str, sorted(dimensions)))} dimensions"


def _of_vector(vector: Vectors, tolerance: float) -> str | None:
    if not np.isfinite(vector).all():
        return "has a vector that is not finite"
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if abs(length - 1) > tolerance:
        return f"has a vector of length {length:.3f}"
    return None


def _of_search(index: PassageIndex) -> Iterator[str]:
    """Whether a first, a middle and a last passage are found by their vectors and words."""
    ids = list(index.keys())
    for passage_id in {ids[0], ids[len(ids) // 2], ids[-1]}:
        vector = index.vectors([passage_id])[passage_id]
        [(_, cosine), *_] = index.nearest(vector, top_k=1)
        if cosine < 1 - _NEARLY:
            yield f"passage {passage_id!r} is not found by its own vector"
        words = embedding_text(index.passage(passage_id))
        scores = index.bm25(words, [passage_id])
        if any(index.lexical.scores(words)) and not scores[passage_id]:
            yield f"passage {passage_id!r} is not found by its own words"


def _place(span: Span) -> str:
    return f"{span.start}-{span.end}"
