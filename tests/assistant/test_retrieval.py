from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from corpora import AMBER, add_glossary, build_index, filters, shelf
from fakes import HashEmbedder
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from assistant.embeddings import Embedder
from assistant.index import PassageIndex
from assistant.ingestion import ingest, open_index
from assistant.retrieval import BLURRED, IN_CONTEXT, LONG_QUERY, HybridRetriever, fuse, search
from assistant.schema import Filters
from assistant.settings import Settings

Retrieve = Callable[..., list[NodeWithScore]]
SCORES = st.dictionaries(st.sampled_from("abcdefg"), st.integers(-50, 50))


@pytest.fixture
def retrieve(index: PassageIndex, embedder: Embedder) -> Retrieve:
    def retrieve(
        query: str, dense_weight: float = 0.5, candidates: int = 100, top_k: int = 12
    ) -> list[NodeWithScore]:
        return HybridRetriever(index, embedder, dense_weight, candidates, top_k).retrieve(query)

    return retrieve


def scores(found: list[NodeWithScore]) -> list[float]:
    return [passage.score or 0.0 for passage in found]


def documents(found: list[NodeWithScore]) -> list[str]:
    return [passage.node.ref_doc_id or "" for passage in found]


def test_retrieve_best_first(retrieve: Retrieve) -> None:
    found = retrieve("Who may export raw amber from Kelland?")
    assert documents(found)[0] == "trade/2030-11-20-amber-post-amber-export"
    assert scores(found) == sorted(scores(found), reverse=True)
    assert len(found) == 5


def test_retrieve_best_of_both_rankings_scores_one(retrieve: Retrieve) -> None:
    assert retrieve("raw amber Kelland licence Guild of Scales")[0].score == pytest.approx(1.0)


def test_retrieve_no_more_than_top_k(retrieve: Retrieve) -> None:
    every = retrieve("bridge of glass")
    assert [p.node.node_id for p in retrieve("bridge of glass", top_k=2)] == [
        p.node.node_id for p in every[:2]
    ]


def test_retrieve_keeps_both_scores(retrieve: Retrieve) -> None:
    best, *_, worst = retrieve("raw amber from the Guild of Scales")
    assert 0 < worst.node.metadata["cosine"] < best.node.metadata["cosine"] <= 1
    assert best.node.metadata["bm25"] > 0


def test_retrieve_candidate_of_one_ranking_has_both_scores(retrieve: Retrieve) -> None:
    few = retrieve("Velmora Oster Tindle", candidates=1)
    every = {found.node.node_id: found for found in retrieve("Velmora Oster Tindle")}
    assert len(few) == 2
    for found in few:
        assert found.node.metadata == every[found.node.node_id].node.metadata
        assert found.node.metadata["cosine"] > 0
        assert found.node.metadata["bm25"] > 0


def test_retrieve_by_meaning_alone(retrieve: Retrieve) -> None:
    found = retrieve("amber licence and the toll for a cart", dense_weight=1)
    cosines = [passage.node.metadata["cosine"] for passage in found]
    assert cosines == sorted(cosines, reverse=True)


def test_retrieve_by_words_alone_and_ties_by_id(retrieve: Retrieve) -> None:
    found = retrieve("ribbon", dense_weight=0)
    ids = [passage.node.node_id for passage in found]
    assert scores(found) == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert "ribbon" in found[0].node.get_content()
    assert ids[1:] == sorted(ids[1:])


def test_retrieve_query_that_shares_no_word(retrieve: Retrieve) -> None:
    found = retrieve("zeppelin")
    assert {passage.node.metadata["bm25"] for passage in found} == {0.0}
    assert len(found) == 5


def test_retrieve_by_an_abbreviation_what_has_the_long_form_alone(
    corpus: Path, settings: Settings, load: Callable[[str, int], Embedder], embedder: Embedder
) -> None:
    add_glossary(corpus, "- **GOS (Guild of Scales)** - it weighs.\n")
    ingest(settings, load=load)
    index = open_index(settings)
    retriever = HybridRetriever(index, embedder, dense_weight=0, candidates=100, top_k=12)
    found = {passage.node.ref_doc_id: passage.node for passage in retriever.retrieve("GOS")}
    index.close()
    amber = found["trade/2030-11-20-amber-post-amber-export"]
    assert "GOS" not in amber.get_content()
    assert amber.metadata["bm25"] > 0
    assert found["works/2031-03-05-velmora-council-bridge-report"].metadata["bm25"] == 0


class Fixed(BaseRetriever):
    """Finds for each query the passages that a test names, with their scores."""

    def __init__(self, found: dict[str, dict[str, float]]) -> None:
        super().__init__()
        self.found = found

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        scores = self.found[query_bundle.query_str]
        return [NodeWithScore(node=TextNode(id_=name), score=scores[name]) for name in scores]


@pytest.mark.parametrize(("words", "share"), [(LONG_QUERY - 1, 1.0), (LONG_QUERY, BLURRED)])
def test_retrieve_by_meaning_less_where_the_query_is_long(
    retrieve: Retrieve, words: int, share: float
) -> None:
    """No passage has its words, so that the farthest in meaning has the other share."""
    worst = retrieve("zeppelin " * words, dense_weight=0.5)[-1]
    assert worst.score == pytest.approx(1 - 0.5 * share)


def test_search_keeps_each_passage_once_with_its_best_score() -> None:
    retriever = Fixed({"q": {"a": 1.0, "b": 0.5, "c": 0.2}, "in context": {"b": 1.0, "a": 0.4}})
    found = search(retriever, ["q", "in context"])
    assert [p.node.node_id for p in found] == ["a", "b", "c"]
    assert scores(found) == pytest.approx([1.0, IN_CONTEXT, 0.2])


def test_search_finds_no_more_than_one_query_would() -> None:
    retriever = Fixed({"q": {"a": 1.0, "b": 0.5}, "in context": {"c": 1.0, "d": 0.9}})
    assert [p.node.node_id for p in search(retriever, ["q", "in context"])] == ["a", "c"]
    assert search(retriever, []) == []


def test_search_filters_hold_for_every_query(index: PassageIndex, embedder: Embedder) -> None:
    retriever = HybridRetriever(index, embedder, dense_weight=0.5, candidates=100, top_k=12)
    queries = ["bridge of glass", "bridge of glass Kelland amber licence"]
    assert AMBER in documents(search(retriever, queries))
    found = search(retriever, queries, Filters(topic=("works",)))
    assert len(found) == 4
    assert AMBER not in documents(found)
    assert AMBER in documents(search(retriever, queries))


def test_search_with_filters_needs_a_retriever_that_has_them() -> None:
    with pytest.raises(TypeError, match="Fixed cannot search within filters"):
        search(Fixed({"q": {"a": 1.0}}), ["q"], Filters(topic=("works",)))


@pytest.fixture(scope="module")
def shelved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PassageIndex]:
    """An index of the shelf."""
    index = build_index(tmp_path_factory.mktemp("index"), shelf())
    yield index
    index.close()


@hypothesis_settings(max_examples=150, deadline=None)
@given(filters(), st.sampled_from([0.0, 0.5, 1.0]))
def test_retrieve_within_any_filters_is_what_passes_of_everything(
    shelved: PassageIndex, filters: Filters, dense_weight: float
) -> None:
    """The same passages with the same two scores; of one ranking alone, in the same order."""
    retriever = HybridRetriever(shelved, HashEmbedder(), dense_weight, candidates=100, top_k=100)
    passing = [
        (p.node.node_id, p.node.metadata["cosine"], p.node.metadata["bm25"])
        for p in retriever.retrieve("owl with amber 7")
        if filters.admits(
            p.node.ref_doc_id or "", p.node.metadata["kind"], p.node.metadata.get("published")
        )
    ]
    found = [
        (p.node.node_id, p.node.metadata["cosine"], p.node.metadata["bm25"])
        for p in retriever.within(filters).retrieve("owl with amber 7")
    ]
    assert sorted(found) == sorted(passing)
    if dense_weight != 0.5:  # fused scores depend on which candidates there are
        assert found == passing


def test_retrieve_within_filters_gives_top_k_of_what_comes_last(shelved: PassageIndex) -> None:
    retriever = HybridRetriever(shelved, HashEmbedder(), 0.5, candidates=4, top_k=4)
    query = "owls 0, 1, 2, 3"
    passing = Filters(topic=("works",), kind=("reference",))
    assert not any(
        document.startswith("works") for document in documents(retriever.retrieve(query))
    )
    found = retriever.within(passing).retrieve(query)
    assert len(found) == 4
    assert all(p.node.metadata["kind"] == "reference" for p in found)


def test_retrieve_within_filters_that_nothing_passes(shelved: PassageIndex) -> None:
    retriever = HybridRetriever(shelved, HashEmbedder(), 0.5, candidates=4, top_k=4)
    assert retriever.within(Filters(topic=("isle",))).retrieve("amber") == []


def test_retrieve_passages_cut_from_their_documents(
    retrieve: Retrieve, index: PassageIndex
) -> None:
    for found in retrieve("toll"):
        text = index.document(found.node.ref_doc_id or "").text
        _, _, place = found.node.node_id.rpartition(":")
        start, end = map(int, place.split("-"))
        assert found.node.get_content() == text[start:end]


@hypothesis_settings(max_examples=200, deadline=None)
@given(SCORES, SCORES, st.floats(0, 1))
def test_fuse_any_scores(dense: dict[str, int], lexical: dict[str, int], weight: float) -> None:
    fused = fuse(dense, lexical, weight)
    assert fused.keys() == dense.keys() | lexical.keys()
    assert all(0 <= score <= 1 + 1e-9 for score in fused.values())


@hypothesis_settings(max_examples=200, deadline=None)
@given(SCORES)
def test_fuse_one_ranking_keeps_its_order(dense: dict[str, int]) -> None:
    fused = fuse(dense, {}, 0.5)
    assert sorted(fused, key=lambda key: (fused[key], key)) == sorted(
        dense, key=lambda key: (dense[key], key)
    )


@pytest.mark.parametrize(
    ("weight", "expected"), [(0.0, [0.0, 1.0]), (0.25, [0.25, 0.75]), (1.0, [1.0, 0.0])]
)
def test_fuse_weighs_the_rankings(weight: float, expected: list[float]) -> None:
    fused = fuse({"owl": 0.9, "gull": 0.1}, {"owl": 2.0, "gull": 8.0}, weight)
    assert [fused["owl"], fused["gull"]] == expected


def test_fuse_keeps_how_far_apart_scores_are() -> None:
    fused = fuse({"owl": 1.0, "gull": 0.75, "eel": 0.0}, {}, 1.0)
    assert fused == {"owl": 1.0, "gull": 0.75, "eel": 0.0}


def test_fuse_equal_scores_are_all_the_best() -> None:
    assert fuse({}, {"owl": 3.0, "gull": 3.0}, 0.25) == {"owl": 0.75, "gull": 0.75}


def test_fuse_nothing() -> None:
    assert fuse({}, {}, 0.5) == {}
