"""The ways to compute the embedding model: how fast, how alike, how good."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from assistant import terminal
from assistant.backends import NEEDS, resolved
from assistant.embeddings import SentenceTransformerEmbedder, Vectors, load_embedder
from assistant.errors import ModelUnavailable
from assistant.loading import load_corpus
from assistant.settings import Settings
from evals import retrieval
from evals.benchmarks import Row
from evals.datasets import load_beir

FIRST = "torch"  # what the others are compared with
QUERIES = 100
BATCH = 25

Progress = Callable[[int, int], None]


def measure(
    folder: Path, settings: Settings, passages: int, quality: bool, progress: Progress
) -> list[Row]:
    """A row for each backend.

    Speed is that of passages of the model's full window, and the median time of
    one query. `min cosine` and `median cosine` compare the passages' vectors
    with those of torch. nDCG@10 is that of `eval retrieval`, by the vectors
    alone and fused. Where the folder is missing, our own corpus is embedded, and
    nDCG@10 is left out; it is said so.

    Raises:
        DatasetError: the folder is not of BEIR's form, or no query is judged.
        ModelUnavailable: the model is not on this machine.
    """
    judged = quality and folder.is_dir()
    documents, queries = _material(folder, settings)
    embedders, absent = _loaded(settings)
    texts = _long(documents, embedders[FIRST], passages)
    rates, vectors = _passages(embedders, texts, progress)
    latencies = _queries(embedders, queries[:QUERIES])
    rows: list[Row] = []
    for name in embedders:
        cosines = np.sum(vectors[name] * vectors[FIRST], axis=1)
        rows.append(
            {
                "backend": name,
                "passages/s": rates[name],
                "÷ torch": rates[name] / rates[FIRST],
                "query ms": latencies[name],
                "query ÷ torch": latencies[name] / latencies[FIRST],
                "min cosine": float(cosines.min()),
                "median cosine": float(np.median(cosines)),
                **(_quality(folder, settings, name, progress) if judged else {}),
            }
        )
    return [*rows, *({"backend": name, "note": why} for name, why in absent.items())]


def _material(folder: Path, settings: Settings) -> tuple[list[str], list[str]]:
    """Texts and queries to embed."""
    if folder.is_dir():
        beir = load_beir(folder)
        return [d.text for d in beir.documents], list(beir.queries.values())
    terminal.say(f"there is no {folder}: our own corpus is embedded, without nDCG@10")
    documents = load_corpus(settings.corpus_dir)
    return [d.text for d in documents], [d.metadata["title"] for d in documents]


def _loaded(settings: Settings) -> tuple[dict[str, SentenceTransformerEmbedder], dict[str, str]]:
    """The backends that load here, torch first, and why the others do not."""
    embedders, absent = {}, {}
    for name in NEEDS:
        try:
            if resolved(name) != name:
                absent[name] = f"this CPU computes it as {resolved(name)}"
                continue
            embedders[name] = load_embedder(settings.embedding_model, settings.threads, name)
        except ModelUnavailable as error:
            if name == FIRST:
                raise
            absent[name] = str(error)
    return embedders, absent


def _long(texts: Sequence[str], embedder: SentenceTransformerEmbedder, most: int) -> list[str]:
    """Texts that fill the model's window; what is too short is repeated until it does."""
    window = embedder.max_tokens
    ordered = sorted(texts[: 4 * most], key=len, reverse=True)[:most]
    return [text * -(-window // max(1, embedder.count_tokens(text) - 2)) for text in ordered]


def _passages(
    embedders: dict[str, SentenceTransformerEmbedder], texts: Sequence[str], progress: Progress
) -> tuple[dict[str, float], dict[str, Vectors]]:
    """Passages a second, the median over batches, and the passages' vectors."""
    rates: dict[str, list[float]] = {name: [] for name in embedders}
    vectors: dict[str, list[Vectors]] = {name: [] for name in embedders}
    for embedder in embedders.values():
        embedder.encode_spans(texts[:2], [[]] * len(texts[:2]))  # the first time is slower
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        for name, embedder in embedders.items():
            begun = time.perf_counter()
            vectors[name].append(embedder.encode_spans(batch, [[]] * len(batch))[0])
            rates[name].append(len(batch) / (time.perf_counter() - begun))
        progress(start + len(batch), len(texts))
    return (
        {name: median(values) for name, values in rates.items()},
        {name: np.concatenate(parts) for name, parts in vectors.items()},
    )


def _queries(
    embedders: dict[str, SentenceTransformerEmbedder], queries: Sequence[str]
) -> dict[str, float]:
    """Milliseconds to encode one query: the median."""
    times: dict[str, list[float]] = {name: [] for name in embedders}
    for query in queries:
        for name, embedder in embedders.items():
            begun = time.perf_counter()
            embedder.encode_query(query)
            times[name].append(1000 * (time.perf_counter() - begun))
    return {name: median(values) for name, values in times.items()}


def _quality(folder: Path, settings: Settings, backend: str, progress: Progress) -> Row:
    """nDCG@10 of passages and queries that this backend embedded."""
    figures = {}
    for column, weight in (("nDCG@10 dense", 1.0), ("nDCG@10 hybrid", settings.dense_weight)):
        changed = settings.model_copy(update={"embedding_backend": backend, "dense_weight": weight})
        figures[column] = float(retrieval.measure(folder, changed, progress)["nDCG@10"])
    return figures
