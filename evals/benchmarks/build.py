"""Building an index: what it costs beside the embedding, and when little or nothing changed."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer

from assistant import backends
from assistant.changes import IngestReport
from assistant.embeddings import (
    PACKAGED_MODEL,
    Embedder,
    SentenceTransformerEmbedder,
    Vectors,
    load_embedder,
    packaged_folder,
)
from assistant.ingestion import ingest
from assistant.segmentation import Span
from assistant.settings import Settings
from evals.benchmarks import Row
from evals.benchmarks.synthetic import QuickEmbedder, replicate

Progress = Callable[[int, int], None]


def measure(settings: Settings, documents: int, embedded: int, progress: Progress) -> list[Row]:
    """A row for a full build with the model, and rows for rebuilds of a larger index.

    The corpora are copies of the settings' own, each different. In the full
    build of `embedded` documents, every batch is encoded a second time by the
    bare model: sentence-transformers with the same backend, which gives one
    vector a passage. Loading the model counts for neither.

    The index of `documents` that is rebuilt gets random vectors, which take no
    time. What its full build would take is what the bare model needs for its
    passages, at the rate of the first row: less than the real thing, so the
    ratios are rather too high than too low.

    Raises:
        ModelUnavailable: the model is not on this machine.
    """
    threads = os.cpu_count() or 1
    real = load_embedder(settings.embedding_model, threads, settings.embedding_backend)
    with tempfile.TemporaryDirectory() as place:
        first = _settings(settings, Path(place) / "embedded", embedded)
        full, per_passage = _full_build(first, real, progress)
        second = _settings(settings, Path(place) / "rebuilt", documents)
        return [full, *_rebuilds(second, QuickEmbedder(real), per_passage)]


class Twice:
    """An embedder that has the bare model encode every batch as well, and looks at the clock."""

    def __init__(self, real: SentenceTransformerEmbedder, bare: SentenceTransformer) -> None:
        self._real = real
        self._bare = bare
        self.passages = 0
        self.bare_seconds = 0.0

    @property
    def max_tokens(self) -> int:
        return self._real.max_tokens

    def count_tokens(self, text: str) -> int:
        return self._real.count_tokens(text)

    def encode_query(self, query: str) -> Vectors:
        return self._real.encode_query(query)

    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[Vectors, list[Vectors]]:
        begun = time.perf_counter()
        self._bare.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        self.bare_seconds += time.perf_counter() - begun
        self.passages += len(texts)
        return self._real.encode_spans(texts, spans)


def _settings(settings: Settings, place: Path, documents: int) -> Settings:
    """The same settings for a corpus of so many documents, which is written."""
    corpus = place / "corpus"
    replicate(settings.corpus_dir, corpus, documents)
    return settings.model_copy(
        update={"index": "speed", "indexes_dir": place, "corpus_dir": corpus, "digests": True}
    )


def _full_build(
    settings: Settings, real: SentenceTransformerEmbedder, progress: Progress
) -> tuple[Row, float]:
    """The row, and the bare model's seconds a passage."""
    bare = _bare(settings.embedding_model, real.backend)
    embedder = Twice(real, bare)
    for model in (bare.encode, real.encode_query):
        model("The first time is slower.")

    def report(stage: str, done: int, total: int) -> None:
        if stage == "embed":
            progress(done, total)

    seconds, built = _timed(settings, embedder, report)
    seconds -= embedder.bare_seconds
    row = _row("full build", built, seconds, "the bare model's time", embedder.bare_seconds, 1.1)
    return row, embedder.bare_seconds / embedder.passages


def _rebuilds(settings: Settings, embedder: Embedder, per_passage: float) -> list[Row]:
    _, built = _timed(settings, embedder)
    assert built.manifest is not None
    full = built.manifest.passages * per_passage
    nothing, same = _timed(settings, embedder)
    changed = next(settings.corpus_dir.rglob("*.md"))
    changed.write_text(changed.read_text(encoding="utf-8") + "\nA line more.\n", encoding="utf-8")
    one, other = _timed(settings, embedder)
    of = "a full build"
    return [
        _row("rebuild, nothing changed", same, nothing, of, full, 0.02),
        _row("rebuild, one document changed", other, one, of, full, 0.02),
    ]


def _timed(
    settings: Settings, embedder: Embedder, report: Callable[[str, int, int], None] | None = None
) -> tuple[float, IngestReport]:
    given: Any = {"progress": report} if report else {}
    begun = time.perf_counter()
    built = ingest(settings, load=lambda *_: embedder, **given)
    return time.perf_counter() - begun, built


def _bare(name: str, backend: str) -> SentenceTransformer:
    folder = str(packaged_folder()) if name == PACKAGED_MODEL else name
    model = SentenceTransformer(folder, device="cpu", local_files_only=True)
    backends.apply(model, backend, os.cpu_count() or 1)
    return model


def _row(what: str, built: IngestReport, seconds: float, of: str, whole: float, most: float) -> Row:
    assert built.manifest is not None
    return {
        "what": what,
        "documents": str(built.manifest.documents),
        "passages": str(built.manifest.passages),
        "seconds": seconds,
        "÷": of,
        "its seconds": whole,
        "ratio": seconds / whole,
        "at most": most,
        "load": os.getloadavg()[0],
    }
