"""An invented corpus, a fake embedder that needs no model, and what is built from them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

# Before anything imports a library that could reach for a hub.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
for _name in [name for name in os.environ if name.startswith("DIAMOND_")]:
    del os.environ[_name]

import numpy as np
import pytest

from assistant.conversation import Conversation
from assistant.embeddings import Vectors
from assistant.ingestion import ingest
from assistant.lexical import terms
from assistant.segmentation import Span
from assistant.settings import Settings, load_settings

DATA = Path(__file__).parent / "data"


class HashEmbedder:
    """Texts that share words have near vectors. Deterministic, and counts what it embeds."""

    dimension = 128

    def __init__(self) -> None:
        self.embedded: list[str] = []

    @property
    def max_tokens(self) -> int:
        return 256

    def count_tokens(self, text: str) -> int:
        return len(text.split()) + 2

    def encode_query(self, query: str) -> Vectors:
        return self._vector(query)

    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[Vectors, list[Vectors]]:
        self.embedded.extend(texts)
        sentences = [
            np.stack([self._vector(span.of(text)) for span in its] or [self._vector("")])[: len(its)]
            for text, its in zip(texts, spans, strict=True)
        ]
        return np.stack([self._vector(text) for text in texts]), sentences

    def _vector(self, text: str) -> Vectors:
        vector = np.full(self.dimension, 1e-3, dtype=np.float32)
        for term in terms([text])[0]:
            digest = hashlib.sha256(term.encode()).digest()
            vector[digest[0] % self.dimension] += 1.0
        unit: Vectors = vector / np.linalg.norm(vector)
        return unit


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder()


@pytest.fixture
def load(embedder: HashEmbedder) -> Callable[[str, int], HashEmbedder]:
    """What stands in for `load_embedder`."""
    return lambda name, threads: embedder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A copy of the invented corpus, to change at will."""
    return Path(shutil.copytree(DATA / "corpus", tmp_path / "corpus"))


@pytest.fixture
def settings(tmp_path: Path, corpus: Path) -> Settings:
    """Settings for an index in a temporary folder over that copy."""
    indexes = tmp_path / "indexes"
    indexes.mkdir()
    (indexes / "main.toml").write_text(f'corpus_dir = "{corpus}"\n')
    return load_settings(indexes_dir=indexes)


@pytest.fixture
def conversation(
    settings: Settings, load: Callable[[str, int], HashEmbedder]
) -> Iterator[Conversation]:
    """A conversation over a freshly built index."""
    ingest(settings, load=load)
    yield Conversation.open(settings, load)
