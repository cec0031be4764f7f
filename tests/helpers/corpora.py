"""What a test adds to the invented corpus, and a shelf of documents to filter."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from contextlib import closing
from itertools import product
from pathlib import Path

from fakes import HashEmbedder
from hypothesis import strategies as st
from llama_index.core.schema import Document
from sentences import digest

from assistant.chunking import make_passage
from assistant.documents import Chunk, ChunkedDocument
from assistant.embedding_cache import EmbeddingCache
from assistant.index import Draft, Manifest, PassageIndex, Recipe
from assistant.schema import Filters
from assistant.segmentation import Span

AMBER = "trade/2030-11-20-amber-post-amber-export"

FOLDERS = ("trade/", "works/", "")  # the last lie beside the folders
KINDS = ("news", "official", "reference")
DATES = (None, "2031-03-02", "2031-03-05", "2032-02-29")
DAYS = [datetime.date.fromisoformat(date) for date in DATES[1:] if date] + [
    datetime.date(2031, 3, 1),
    datetime.date(2031, 3, 3),
    datetime.date(2033, 1, 1),
]


def add_glossary(corpus: Path, entries: str) -> None:
    """Put a document of glossary entries into a corpus."""
    front_matter = (corpus / f"{AMBER}.md").read_text().partition("\n---\n")[0]
    (corpus / "words.md").write_text(f"{front_matter.replace(AMBER, 'words')}\n---\n{entries}")


def shelf() -> list[Document]:
    """A document of every folder, kind and date, one beside the folders named like a folder."""
    every = [
        digest(f"{folder}owl-{n}", f"Owl {n} has {'amber ' * (n % 5 + 1)}.", kind, date)
        for n, (folder, kind, date) in enumerate(product(FOLDERS, KINDS, DATES))
    ]
    return [*every, digest("trade", "Trade in amber is a trade.", "news", "2031-03-02")]


def build_index(directory: Path, documents: Sequence[Document]) -> PassageIndex:
    """A generation of documents that are one passage each."""
    chunked = [
        ChunkedDocument(d, [Chunk.of(make_passage(d, Span(0, len(d.text)), context=""), [], "")])
        for d in documents
    ]
    chunks = [document.chunks[0] for document in chunked]
    vectors, sentences = HashEmbedder().encode_spans([c.text for c in chunks], [[]] * len(chunks))
    manifest = Manifest(
        generation="0001-00000000",
        built_at="",
        recipe=Recipe(embedding_model="", passage_tokens=64),
        fingerprints={document.doc_id: "" for document in documents},
    )
    directory.mkdir(exist_ok=True)
    with closing(EmbeddingCache.open(directory.with_suffix(".embeddings"))) as cache:
        cache.put({c.key: (v, s) for c, v, s in zip(chunks, vectors, sentences, strict=True)})
        PassageIndex.write(directory, Draft(manifest, chunked), cache)
    return PassageIndex.open(directory)


@st.composite
def filters(draw: st.DrawFn) -> Filters:
    """Any filters on the shelf, some of which leave nothing."""
    days = sorted(draw(st.lists(st.sampled_from(DAYS), min_size=3, max_size=3)))
    since, until, as_of = (day if draw(st.booleans()) else None for day in days)
    topic = draw(st.lists(st.sampled_from(["trade", "works", "isle"]), max_size=2))
    kind = draw(st.lists(st.sampled_from([*KINDS, "company"]), max_size=2))
    return Filters(tuple(topic), tuple(kind), since, until, as_of)
