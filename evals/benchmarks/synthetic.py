"""Corpora and vectors to measure with, as large as one likes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from llama_index.core.schema import Document

from assistant.chunking import make_passage
from assistant.documents import Chunk, ChunkedDocument
from assistant.embedding_cache import EmbeddingCache
from assistant.embeddings import Embedder, Vectors
from assistant.index import Draft, Manifest, PassageIndex, Recipe
from assistant.loading.files import corpus_files
from assistant.segmentation import Span
from assistant.vectors import batches

PER_DOCUMENT = 5  # passages
WORDS = 100  # a passage
VOCABULARY = 50_000
DIMENSION = 384

_ID = re.compile(r"^id: ", re.MULTILINE)
_TITLE = re.compile(r'^title: "?', re.MULTILINE)
_NUMBER = re.compile(r"\d+")


def replicate(corpus: Path, folder: Path, documents: int) -> None:
    """Write a corpus of so many digests: those of another again and again, each time different.

    Every copy has another title and other numbers, so no passage comes twice.
    """
    digests = sorted(path for path in corpus_files(corpus) if path.suffix == ".md")
    for number, path in enumerate(islice(cycle(digests), documents)):
        copy = f"copy-{number // len(digests):04d}"
        written = folder / copy / path.relative_to(corpus)
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(_varied(path.read_text(encoding="utf-8"), copy), encoding="utf-8")


def _varied(digest: str, copy: str) -> str:
    """The digest as another document: its id and title begin with the copy's name."""
    number = int(copy.rpartition("-")[2])
    header, _, body = digest.partition("\n---\n")
    header = _ID.sub(rf"\g<0>{copy}/", header, count=1)
    header = _TITLE.sub(rf"\g<0>{copy} ", header, count=1)
    return f"{header}\n---\n" + _NUMBER.sub(lambda found: str(int(found[0]) + number), body)


class QuickEmbedder:
    """Cuts documents as the real model does, and gives them random vectors at once."""

    def __init__(self, real: Embedder) -> None:
        self._real = real
        self._random = np.random.default_rng(0)
        self._dimension = len(real.encode_query("size"))

    @property
    def max_tokens(self) -> int:
        return self._real.max_tokens

    def count_tokens(self, text: str) -> int:
        return self._real.count_tokens(text)

    def encode_query(self, query: str) -> Vectors:
        vector: Vectors = random_units(self._random, 1, self._dimension)[0]
        return vector

    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[Vectors, list[Vectors]]:
        vectors = random_units(self._random, len(texts), self._dimension)
        return vectors, [random_units(self._random, len(its), self._dimension) for its in spans]


def random_units(random: np.random.Generator, count: int, dimension: int) -> Vectors:
    """Vectors of length 1: shape (count, dimension)."""
    vectors = random.standard_normal((count, dimension), dtype=np.float32)
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def write_index(directory: Path, passages: int) -> None:
    """Write a generation of invented text, in an empty folder.

    The words come as often as words do, stop words left out. The vectors lie in
    clusters. One document of 70 is in the folder `few`, 30 % are in `some`.
    """
    random = np.random.default_rng(passages)
    documents = _documents(random, passages)
    with closing(EmbeddingCache.open(directory.with_suffix(".embeddings"))) as cache:
        for some in batches(documents, 1000):
            chunks = [chunk for document in some for chunk in document.chunks]
            vectors = clustered(random, len(chunks))
            sentences = np.empty((0, DIMENSION), dtype=np.float32)
            cache.put({c.key: (v, sentences) for c, v in zip(chunks, vectors, strict=True)})
        manifest = Manifest(
            generation="0001-00000000",
            built_at="",
            recipe=Recipe(embedding_model="", passage_tokens=256),
            fingerprints={document.document.doc_id: "" for document in documents},
        )
        directory.mkdir()
        PassageIndex.write(directory, Draft(manifest, documents), cache)


def _documents(random: np.random.Generator, passages: int) -> list[ChunkedDocument]:
    words = _Words(random)
    written = []
    for number in range(-(-passages // PER_DOCUMENT)):
        left = passages - number * PER_DOCUMENT
        parts = [words.text(WORDS) for _ in range(min(PER_DOCUMENT, left))]
        text = "\n".join(parts)
        folder = "few" if number % 70 == 0 else "some" if number % 10 < 3 else "rest"
        metadata = {"title": f"Report {number}", "kind": "news", "published": None}
        document = Document(id_=f"{folder}/{number:07}", text=text, metadata=metadata)
        start = 0
        chunks = []
        for part in parts:
            span = Span(start, start + len(part))
            chunks.append(Chunk.of(make_passage(document, span, ""), [], f"{number}"))
            start = span.end + 1
        written.append(ChunkedDocument(document, chunks))
    return written


class _Words:
    """Invented words, the n-th as often as 1 / (n + 50)."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        letters = random.integers(97, 123, (VOCABULARY, 8), dtype=np.uint8)
        self._words = [bytes(row[: 4 + n % 5]).decode() for n, row in enumerate(letters)]
        shares = 1 / (np.arange(VOCABULARY) + 50)
        self._bounds = np.cumsum(shares / shares.sum())

    def text(self, words: int) -> str:
        places = np.searchsorted(self._bounds[:-1], self._random.random(words))
        return " ".join([self._words[place] for place in places])


def clustered(random: np.random.Generator, count: int) -> Vectors:
    """Vectors of length 1, twenty around each centre: shape (count, DIMENSION)."""
    centres = np.repeat(random_units(random, -(-count // 20), DIMENSION), 20, axis=0)[:count]
    vectors = centres + 0.8 * random_units(random, count, DIMENSION)
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
