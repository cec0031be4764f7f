"""Query → scored passages: nearness of meaning and shared words, fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from assistant.embeddings import Embedder
from assistant.index import PassageIndex
from assistant.schema import EVERYTHING, Facets, Filters

# A question that was taken for a follow-up by mistake should find its own passages first.
IN_CONTEXT = 0.9

# From so many words on, a query has many parts: one vector blurs them, its words do not.
LONG_QUERY = 25
BLURRED = 0.83  # times the weight of nearness of meaning, then


@runtime_checkable
class Filterable(Protocol):
    """What a retriever has besides `retrieve` if it can search some of its documents."""

    def within(self, filters: Filters) -> BaseRetriever:
        """The same retriever over the documents that pass the filters, and no others."""
        ...

    def facets(self, filters: Filters) -> Facets:
        """What the filters leave to search."""
        ...


class HybridRetriever(BaseRetriever):
    """A LlamaIndex retriever over one generation, or over what `filters` leave of it.

    A query is searched together with the other names of what it names. The
    candidates are the best of either ranking, and every one of them gets both
    its scores. Each score is stretched to 0–1 over the candidates; a passage's
    score is `dense_weight` (less for a long query) times the one plus the rest
    times the other: the convex combination of Bruch et al., "An Analysis of
    Fusion Functions for Hybrid Retrieval" (2023). It beats reciprocal rank fusion because it keeps
    how much better one candidate is than the next.

    The passages come best first; their metadata gains `cosine` and `bm25`, the
    two scores before fusion.
    """

    def __init__(
        self,
        index: PassageIndex,
        embedder: Embedder,
        dense_weight: float,
        candidates: int,
        top_k: int,
        filters: Filters = EVERYTHING,
    ) -> None:
        super().__init__()
        self._index = index
        self._embedder = embedder
        self._dense_weight = dense_weight
        self._candidates = candidates
        self._top_k = top_k
        self._filters = filters

    def within(self, filters: Filters) -> HybridRetriever:
        """The same retriever over the documents that pass the filters, and no others."""
        return HybridRetriever(
            self._index, self._embedder, self._dense_weight, self._candidates, self._top_k, filters
        )

    def facets(self, filters: Filters) -> Facets:
        """What the filters leave to search."""
        return self._index.facets(filters)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        query = self._index.vocabulary.expand(query_bundle.query_str)
        vector = self._embedder.encode_query(query)
        nearest = self._index.nearest(vector, self._candidates, self._filters)
        matching = self._index.best_matches(query, self._candidates, self._filters)
        candidates = list({passage_id for passage_id, _ in [*nearest, *matching]})
        cosine = self._index.cosines(vector, candidates)
        bm25 = self._index.bm25(query, candidates)
        fused = fuse(cosine, bm25, self._dense_weight * sharpness(query_bundle.query_str))
        best = sorted(fused, key=lambda passage_id: (-fused[passage_id], passage_id))
        passages = self._index.passages_by_id(best[: self._top_k])
        found = []
        for passage_id in best[: self._top_k]:
            passage = passages[passage_id]
            passage.metadata["cosine"] = cosine[passage_id]
            passage.metadata["bm25"] = bm25[passage_id]
            found.append(NodeWithScore(node=passage, score=fused[passage_id]))
        return found


def search(
    retriever: BaseRetriever, queries: Sequence[str], filters: Filters = EVERYTHING
) -> list[NodeWithScore]:
    """The passages that a query finds, or several queries together, best first.

    Of several, every passage stands once with the best of its scores; those
    from the second query on count `IN_CONTEXT` times. The filters hold for all.

    Raises:
        TypeError: there are filters, and the retriever cannot search within them.
    """
    if not filters.is_empty:
        retriever = filterable(retriever).within(filters)
    rankings = [retriever.retrieve(query) for query in queries]
    best: dict[str, NodeWithScore] = {}
    for place, ranking in enumerate(rankings):
        for passage in ranking:
            passage.score = passage.get_score() * (IN_CONTEXT if place else 1.0)
            known = best.get(passage.node.node_id)
            if known is None or passage.score > known.get_score():
                best[passage.node.node_id] = passage
    ordered = sorted(best.values(), key=lambda p: (-p.get_score(), p.node.node_id))
    return ordered[: max(map(len, rankings), default=0)]


def sharpness(query: str) -> float:
    """How much the vector of a query counts: less where the query is long.

    >>> sharpness("When did the plant open?")
    1.0
    """
    return BLURRED if len(query.split()) >= LONG_QUERY else 1.0


def filterable(retriever: BaseRetriever) -> Filterable:
    """The retriever itself, if it can search within filters.

    Raises:
        TypeError: it cannot.
    """
    if not isinstance(retriever, Filterable):
        raise TypeError(f"{type(retriever).__name__} cannot search within filters")
    return retriever


def fuse(
    dense: Mapping[str, float], lexical: Mapping[str, float], dense_weight: float
) -> dict[str, float]:
    """Scores between 0 and 1 for everything in either ranking.

    >>> fuse({"a": 0.9, "b": 0.5}, {"b": 12.0}, dense_weight=0.5)
    {'a': 0.5, 'b': 0.5}
    """
    dense, lexical = _stretch(dense), _stretch(lexical)
    return {
        key: dense_weight * dense.get(key, 0.0) + (1 - dense_weight) * lexical.get(key, 0.0)
        for key in {**dense, **lexical}
    }


def _stretch(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores mapped onto 0–1; all 1 where they are equal."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high == low:
        return dict.fromkeys(scores, 1.0)
    return {key: (score - low) / (high - low) for key, score in scores.items()}
