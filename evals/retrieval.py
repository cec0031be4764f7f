"""Retrieval alone, on other people's documents, queries and judgements."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import ir_measures
from ir_measures import RR, R, Success, nDCG

from assistant.embeddings import load_embedder
from assistant.ingestion import ingest, open_index
from assistant.loading import CorpusDocuments
from assistant.retrieval import HybridRetriever
from assistant.settings import Settings
from evals.datasets import DatasetError, load_beir
from evals.session import CACHE, at

MEASURES = (nDCG @ 10, R @ 5, R @ 10, R @ 100, RR @ 10, Success @ 5)
DEPTH = 300  # passages, so that a hundred documents come of them


def measure(
    folder: Path, settings: Settings, progress: Callable[[int, int], None]
) -> dict[str, float | int | str]:
    """Figures of our retriever on a folder in BEIR's form, as means over its judged queries.

    A document's rank is that of its best passage. A query without a judgement
    does not count; one on which nothing is found counts as 0.

    Raises:
        DatasetError: the folder is not of that form, or no query is judged.
    """
    beir = load_beir(folder)
    judged = {query: text for query, text in beir.queries.items() if query in beir.qrels}
    if not judged:
        raise DatasetError(f"{folder}: no query has a relevance judgement")
    key = f"{folder.resolve()} {settings.embedding_backend}"
    place = CACHE / f"beir-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    recipe = {
        "embedding_model": settings.embedding_model,
        "passage_tokens": settings.passage_tokens,
        "corpus_dir": folder.resolve(),
    }
    indexed = at(place, recipe)

    def report(stage: str, done: int, total: int) -> None:
        if stage == "embed":
            progress(done, total)

    load = partial(load_embedder, backend=settings.embedding_backend)
    ingest(indexed, report, load, corpus=CorpusDocuments(beir.documents))
    index = open_index(indexed)
    embedder = load(settings.embedding_model, settings.threads)
    retriever = HybridRetriever(
        index, embedder, settings.dense_weight, max(settings.candidates, DEPTH // 2), DEPTH
    )
    run = [
        ir_measures.ScoredDoc(query, document, -float(rank))
        for query, text in judged.items()
        for rank, document in enumerate(_documents(retriever, text))
    ]
    qrels = [
        ir_measures.Qrel(query, document, relevance)
        for query in judged
        for document, relevance in beir.qrels[query].items()
    ]
    means = ir_measures.calc_aggregate(MEASURES, qrels, run)
    return {
        "set": beir.name,
        "queries": len(judged),
        "documents": len(beir.documents),
        "passages": index.manifest.passages,
        **{str(measure): float(means[measure]) for measure in MEASURES},
    }


def _documents(retriever: HybridRetriever, query: str) -> list[str]:
    passages = retriever.retrieve(query)
    return list(dict.fromkeys(str(passage.node.ref_doc_id) for passage in passages))
