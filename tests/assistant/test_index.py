"""One generation on disk: what goes in comes out."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from corpora import AMBER, add_glossary, build_index, filters, shelf
from fakes import HashEmbedder
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from sentences import digest

from assistant.chunking import embedding_text
from assistant.errors import IndexDamaged
from assistant.index import PassageIndex
from assistant.ingestion import generations_of, ingest, open_index
from assistant.schema import EVERYTHING, Facets, Filters
from assistant.settings import Settings


@pytest.fixture
def index(settings: Settings, load: Callable[[str, int], HashEmbedder]) -> PassageIndex:
    ingest(settings, load=load)
    return open_index(settings)


def test_nearest_finds_a_passage_by_its_own_vector(
    index: PassageIndex, embedder: HashEmbedder
) -> None:
    [passage] = index.passages_of(AMBER)
    vectors, _ = embedder.encode_spans([embedding_text(passage)], [[]])
    [(found, cosine)] = index.nearest(vectors[0], top_k=1)
    assert found == passage.node_id
    assert cosine == pytest.approx(1.0, abs=1e-5)


def test_nearest_gives_no_more_than_there_is(index: PassageIndex, embedder: HashEmbedder) -> None:
    assert len(index.nearest(embedder.encode_query("glass"), top_k=1000)) == 5


def test_best_matches_leaves_out_what_shares_no_word(index: PassageIndex) -> None:
    assert [index.passage(i).ref_doc_id for i, _ in index.best_matches("Kelland amber", 10)] == [
        AMBER
    ]
    assert index.best_matches("quasar", 10) == []
    assert index.best_matches("", 10) == []


def test_passages_are_cut_from_their_document(index: PassageIndex) -> None:
    for document_id in index.manifest.fingerprints:
        text = index.document(document_id).text
        for passage in index.passages_of(document_id):
            assert text[passage.start_char_idx : passage.end_char_idx] == passage.get_content()


def test_sentences_lie_in_their_passage(index: PassageIndex) -> None:
    [passage] = index.passages_of(AMBER)
    text = index.document(AMBER).text
    assert [sentence.span.of(text) for sentence in index.sentences_of(passage.node_id)] == [
        "Kelland put a limit of 900 tonnes a year on the export of amber from 20 November 2030.",
        "Traders in Sorrel had bought twice as much in 2029.",
        "Raw amber needs a licence from the Guild of Scales.",
        "Polished amber is free.",
    ]


def test_vectors_come_back_by_id_in_any_order(index: PassageIndex) -> None:
    ids = [p.node_id for d in index.manifest.fingerprints for p in index.passages_of(d)]
    vectors = index.vectors(ids[::-1])
    for passage_id in ids:
        assert index.nearest(vectors[passage_id], top_k=1)[0][0] == passage_id
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-5) for vector in vectors.values())


def test_open_generation_with_a_passage_missing_says_which_counts_differ(
    index: PassageIndex, settings: Settings
) -> None:
    with sqlite3.connect(generations_of(settings).current() / "documents.db") as connection:
        connection.execute("DELETE FROM passages WHERE row = 0")
    connection.close()
    with pytest.raises(IndexDamaged, match=r"5 passages; its .* hold 5, 5 and 4"):
        open_index(settings)


def test_vocabulary_is_stored(
    corpus: Path, settings: Settings, load: Callable[[str, int], HashEmbedder]
) -> None:
    add_glossary(corpus, "- **GOS (Guild of Scales)** - it is old.\n")
    ingest(settings, load=load)
    path = generations_of(settings).current() / "vocabulary.json"
    assert json.loads(path.read_text())["pairs"] == [["GOS", "Guild of Scales"]]
    assert open_index(settings).vocabulary.expand("Who leads GOS?") == (
        "Who leads GOS? Guild of Scales"
    )


@pytest.mark.parametrize(
    "part",
    [
        "manifest.json",
        "documents.db",
        "lexical/params.index.json",
        "vocabulary.json",
        "chroma/chroma.sqlite3",
    ],
)
def test_open_generation_with_a_part_cut_short_is_refused(
    part: str, index: PassageIndex, settings: Settings
) -> None:
    index.close()
    path = generations_of(settings).current() / part
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(IndexDamaged, match="0001-"):
        open_index(settings)


def test_manifest_holds_a_fingerprint_for_every_document(
    index: PassageIndex, settings: Settings
) -> None:
    stored = json.loads((generations_of(settings).current() / "manifest.json").read_text())
    assert len(stored["fingerprints"]) == 4
    assert stored["recipe"]["embedding_model"] == settings.embedding_model


@pytest.fixture(scope="module")
def shelved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PassageIndex]:
    """An index of the shelf."""
    index = build_index(tmp_path_factory.mktemp("index"), shelf())
    yield index
    index.close()


def admitted(filters: Filters) -> set[str]:
    """The documents of the shelf that pass."""
    return {
        document.doc_id
        for document in shelf()
        if filters.admits(
            document.doc_id, document.metadata["kind"], document.metadata.get("published")
        )
    }


@hypothesis_settings(max_examples=150, deadline=None)
@given(filters())
@example(EVERYTHING)
@example(Filters(topic=("trade",)))
def test_rankings_within_any_filters_hold_what_passes(
    shelved: PassageIndex, filters: Filters
) -> None:
    """Chroma, the words and the counts agree on which documents those are."""
    vector = HashEmbedder().encode_query("amber")
    nearest = shelved.nearest(vector, 100, filters)
    matching = shelved.best_matches("amber", 100, filters)
    for ranking in (nearest, matching):
        assert {shelved.passage(i).ref_doc_id for i, _ in ranking} == admitted(filters)
    assert shelved.facets(filters).documents == len(admitted(filters))
    assert shelved.facets(filters).passages == len(nearest)


def test_topic_leaves_out_a_document_named_like_the_folder(shelved: PassageIndex) -> None:
    vector = HashEmbedder().encode_query("trade in amber")
    assert shelved.passage(shelved.nearest(vector, 1)[0][0]).ref_doc_id == "trade"
    found = shelved.nearest(vector, 100, Filters(topic=("trade",)))
    assert len(found) == 12
    assert all(passage_id.startswith("trade/") for passage_id, _ in found)


@pytest.mark.parametrize("top_k", [1, 100, 1000])
def test_rankings_find_the_one_passage_of_700_that_passes(top_k: int, tmp_path: Path) -> None:
    """It comes last of all: taken after the ranking, the filter would find nothing."""
    owls = [digest(f"works/owl-{n}", f"Owl {n} sells amber in Oster.") for n in range(699)]
    gull = digest("isle/gull", "A gull naps and has seen amber once, far away and long ago.")
    index = build_index(tmp_path / "index", [*owls[:350], gull, *owls[350:]])
    vector = HashEmbedder().encode_query("owl sells amber Oster")
    isle = Filters(topic=("isle",))
    for ranking in (index.nearest(vector, top_k, isle), index.best_matches("amber", top_k, isle)):
        [(found, _)] = ranking
        assert index.passage(found).ref_doc_id == "isle/gull"
    assert index.facets(isle).passages == 1
    index.close()


def test_facets_count_documents(index: PassageIndex) -> None:
    assert index.facets() == Facets(
        documents=4,
        passages=5,
        topics={"trade": 1, "works": 3},
        kinds={"news": 3, "official": 1},
        published_from="2030-11-20",
        published_to="2031-03-05",
        undated=1,
    )


def test_facets_within_filters(index: PassageIndex) -> None:
    facets = index.facets(Filters(kind=("official",)))
    assert (facets.documents, facets.topics) == (1, {"works": 1})
    assert facets.published_from == facets.published_to == "2031-03-05"


def test_facets_of_nothing(index: PassageIndex) -> None:
    assert index.facets(Filters(topic=("isle",))) == Facets(0, 0, {}, {}, None, None, 0)


def test_facets_name_no_topic_for_documents_beside_the_folders(shelved: PassageIndex) -> None:
    facets = shelved.facets()
    assert facets.topics == {"trade": 12, "works": 12}
    assert facets.documents == 37
    assert facets.undated == 9
