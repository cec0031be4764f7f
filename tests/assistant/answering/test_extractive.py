from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.schema import Document, NodeWithScore, TextNode

from assistant.answering.extractive import (
    MAX_SENTENCES,
    Candidate,
    ExtractiveAnswerer,
    choose,
)
from assistant.chunking import SentenceChunker, make_passage, sentence_spans
from assistant.citations import quoted_answer, resolves
from assistant.documents import Sentence
from assistant.embeddings import Embedder
from assistant.lexical import terms
from assistant.schema import Answer
from assistant.segmentation import Span

GAZETTE = "https://gazette.example/bridge"
TOLLS = """
    The bridge toll is 3 crowns for a cart. The bridge toll is 5 crowns for an elephant.
    The bridge toll is 7 crowns for a whale. The bridge toll is 11 crowns for a piano.
    The bridge toll is 13 crowns for a choir. The bridge toll is 17 crowns for a comet.
"""


def digest(
    doc_id: str,
    text: str,
    kind: str = "news",
    published: str | None = "2031-03-02",
    url: str | None = None,
) -> Document:
    """A document with the metadata that loading gives it."""
    metadata = {"title": "Bridge", "publisher": "Gazette", "kind": kind, "page": url or doc_id}
    optional = {"published": published, "url": url}
    given = {name: value for name, value in optional.items() if value}
    return Document(id_=doc_id, text=text, metadata={**metadata, **given})


def ask(
    question: str,
    documents: Sequence[Document],
    embedder: Embedder,
    max_words: int = 80,
    backwards: bool = False,
    answer_from: int = 12,
) -> Answer:
    """The answer from every passage of some documents."""
    chunker = SentenceChunker(count_tokens=embedder.count_tokens, max_tokens=64)
    nodes = chunker.get_nodes_from_documents(list(documents))
    passages = [node for node in nodes if isinstance(node, TextNode)]
    shelf = {
        passage.node_id: sentences(source, passage, embedder)
        for source in documents
        for passage in passages
        if passage.ref_doc_id == source.doc_id
    }
    answerer = ExtractiveAnswerer(
        embedder, shelf.__getitem__, lambda term: 1.0, max_words, 0.5, answer_from
    )
    found = [scored(passage, question, embedder) for passage in passages]
    found.sort(key=lambda passage: passage.score or 0.0, reverse=not backwards)
    return answerer.answer(question, found)


def sentences(source: Document, passage: TextNode, embedder: Embedder) -> list[Sentence]:
    spans = sentence_spans(source, passage)
    start = passage.start_char_idx or 0
    inside = [Span(span.start - start, span.end - start) for span in spans]
    _, [vectors] = embedder.encode_spans([passage.text], [inside])
    return [Sentence(span, vector) for span, vector in zip(spans, vectors, strict=True)]


def scored(passage: TextNode, question: str, embedder: Embedder) -> NodeWithScore:
    cosine = float(embedder.encode_query(question) @ embedder.encode_query(passage.text))
    passage.metadata["cosine"] = cosine
    return NodeWithScore(node=passage, score=cosine)


def sources(answer: Answer) -> list[str]:
    return [citation.document for citation in answer.citations]


def quotes(answer: Answer) -> list[str]:
    return [citation.quote for citation in answer.citations]


def candidate(
    words: str,
    document: str = "gull",
    kind: str = "news",
    score: float = 0.0,
    meaning: int = 0,
    page: str | None = None,
) -> Candidate:
    """A sentence; two with one `meaning` are as near as can be, others not at all."""
    source = digest(document, words, kind, url=page)
    passage = make_passage(source, Span(0, len(words)), context="Bridge")
    vector = np.eye(8, dtype=np.float32)[meaning]
    span = Span(0, len(words))
    return Candidate(passage, span, words, frozenset(terms([words])[0]), vector, score)


CANDIDATES = st.lists(
    st.builds(
        candidate,
        words=st.lists(
            st.sampled_from("owl gull eel lamp bell 3 7 tide comet whale".split()),
            min_size=1,
            max_size=12,
        ).map(" ".join),
        document=st.sampled_from(["works/a", "works/b", "works/c", "works/d"]),
        kind=st.sampled_from(["official", "company", "news", "reference"]),
        score=st.floats(0, 6),
        meaning=st.integers(0, 7),
        page=st.sampled_from([None, GAZETTE]),
    ),
    max_size=8,
).map(lambda candidates: sorted(candidates, key=lambda c: -c.score))


def test_answer_quotes_the_sentence_that_answers(embedder: Embedder) -> None:
    text = "Gulls sail at noon. The toll of the bridge is 3 crowns. Owls wake in Oster."
    answer = ask("What is the toll of the bridge?", [digest("works/a", text)], embedder)
    assert quotes(answer)[0] == "The toll of the bridge is 3 crowns."
    assert not answer.abstained


def test_answer_says_what_it_is_made_of(embedder: Embedder) -> None:
    answer = ask("What is the bridge toll?", [digest("works/a", TOLLS)], embedder)
    assert answer.question == "What is the bridge toll?"
    assert answer.answerer == "extractive"
    assert 0.5 <= answer.confidence <= 1
    assert len(answer.passages) == 1
    assert answer.nearest == ()


def test_answer_quotes_are_exact(embedder: Embedder) -> None:
    texts = {
        "works/a": f"# Tolls\n\n{TOLLS}",
        "works/b": "|Bridge|Toll|\n|---|---|\n|Glass|19 crowns|\n\n- A bridge toll is 23 crowns.",
        "works/c": "The bridge toll is a toll. The bridge toll is a toll. The bridge toll is.",
    }
    documents = [digest(doc_id, text) for doc_id, text in texts.items()]
    answer = ask("What is the bridge toll in crowns?", documents, embedder)
    assert len(answer.citations) == MAX_SENTENCES
    assert all(resolves(citation, texts[citation.document]) for citation in answer.citations)


def test_answer_markers_count_up_in_the_text(embedder: Embedder) -> None:
    answer = ask("What is the bridge toll?", [digest("works/a", TOLLS)], embedder)
    assert [citation.marker for citation in answer.citations] == [1, 2, 3, 4]
    assert answer.text == quoted_answer(list(answer.citations))


def test_answer_keeps_each_document_together_and_in_its_order(embedder: Embedder) -> None:
    documents = [
        digest("works/a", "The bridge toll is 3 crowns. Whales pay a bridge toll of 7 crowns."),
        digest("works/b", "Pianos pay 11 crowns, a bridge toll. The bridge toll is 5 crowns."),
    ]
    answer = ask("What is the bridge toll in crowns?", documents, embedder)
    places = [(citation.document, citation.start) for citation in answer.citations]
    best = places[0][0]
    assert len(places) == 4
    assert places == sorted(places, key=lambda place: (place[0] != best, place))


@pytest.mark.parametrize(("max_words", "count"), [(17, 1), (18, 2), (26, 2), (27, 3)])
def test_answer_is_no_longer_than_asked_for(embedder: Embedder, max_words: int, count: int) -> None:
    """Every sentence about tolls has nine words."""
    answer = ask("What is the bridge toll?", [digest("works/a", TOLLS)], embedder, max_words)
    assert len(answer.citations) == count


def test_answer_first_sentence_may_be_longer(embedder: Embedder) -> None:
    long = "The bridge toll is 3 crowns, unless the moon is out and the keeper is asleep."
    documents = [digest("works/a", long), digest("works/b", "The toll is 5 crowns.")]
    answer = ask("What bridge toll, unless the moon is out?", documents, embedder, max_words=10)
    assert quotes(answer) == [long]


def test_answer_leaves_out_what_is_far_from_the_question(embedder: Embedder) -> None:
    text = "The bridge toll is 3 crowns. Eels dislike violins. Owls wake in Oster."
    answer = ask("What is the bridge toll?", [digest("works/a", text)], embedder)
    assert quotes(answer) == ["The bridge toll is 3 crowns."]


def test_answer_leaves_out_a_sentence_that_only_announces(embedder: Embedder) -> None:
    text = "The bridge toll is:\n\n- The bridge toll is 3 crowns for a cart."
    answer = ask("What is the bridge toll?", [digest("works/a", text)], embedder)
    assert quotes(answer) == ["The bridge toll is 3 crowns for a cart."]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("official", "news"),
        ("official", "company"),
        ("company", "news"),
        ("news", "analysis"),
        ("analysis", "reference"),
    ],
)
def test_answer_one_fact_from_the_better_source(
    embedder: Embedder, better: str, worse: str
) -> None:
    documents = [
        digest("works/a", "The bridge toll is 3 crowns.", kind=worse),
        digest("works/z", "The bridge toll is 3 crowns, by law.", kind=better),
    ]
    answer = ask("What is the bridge toll?", documents, embedder)
    assert sources(answer) == ["works/z"]


def test_answer_one_fact_from_the_dated_source(embedder: Embedder) -> None:
    documents = [
        digest("works/a", "The bridge toll is 3 crowns.", published=None),
        digest("works/z", "The bridge toll is 3 crowns, they say."),
    ]
    assert sources(ask("What is the bridge toll?", documents, embedder)) == ["works/z"]


def test_answer_never_cites_two_digests_of_one_page(embedder: Embedder) -> None:
    documents = [
        digest("works/a", "The bridge toll is 3 crowns for a cart.", url=GAZETTE),
        digest("works/b", "The bridge toll is 5 crowns for an elephant.", url=GAZETTE),
        digest("works/c", "The bridge toll is 7 crowns for a whale.", url=f"{GAZETTE}-2"),
    ]
    cited = set(sources(ask("What is the bridge toll?", documents, embedder)))
    assert "works/c" in cited
    assert len(cited) == 2


def test_answer_prefers_a_source_to_our_own_compilation(embedder: Embedder) -> None:
    documents = [
        digest("works/timeline", "The bridge toll is 3 crowns.", kind="reference"),
        digest("works/z", "The bridge toll is 5 crowns at night.", kind="reference", url=GAZETTE),
    ]
    assert sources(ask("What is the bridge toll?", documents, embedder))[0] == "works/z"


def test_answer_prefers_the_kind_of_thing_that_is_asked_for(embedder: Embedder) -> None:
    documents = [
        digest("works/a", "The bridge toll is paid in amber."),
        digest("works/z", "The bridge toll is paid in 2031."),
    ]
    answer = ask("When is the bridge toll paid?", documents, embedder)
    assert sources(answer)[0] == "works/z"


def test_answer_prefers_the_better_passage(embedder: Embedder) -> None:
    documents = [
        digest("works/a", "The bridge toll is 3 crowns. Eels dislike violins at noon."),
        digest("works/z", "The bridge toll is 5 crowns."),
    ]
    answer = ask("What is the bridge toll?", documents, embedder)
    assert sources(answer) == ["works/z", "works/a"]


def test_answer_quotes_only_the_first_passages(embedder: Embedder) -> None:
    documents = [digest(f"works/{n}", f"The bridge toll is {n} crowns.") for n in (3, 5, 7)]
    answer = ask("What is the bridge toll?", documents, embedder, answer_from=2)
    assert len(answer.citations) == 2


def test_answer_does_not_depend_on_the_order_of_passages(embedder: Embedder) -> None:
    documents = [digest(f"works/{name}", TOLLS) for name in "abc"]
    question = "What is the bridge toll?"
    one, other = (ask(question, documents, embedder, backwards=b) for b in (False, True))
    assert one.citations == other.citations
    assert one.text == other.text


def test_abstain_where_no_word_is_shared(embedder: Embedder) -> None:
    answer = ask("Do zeppelins dream?", [digest("works/a", TOLLS)], embedder)
    assert answer.abstained
    assert (answer.text, answer.citations) == ("", ())
    assert 0 < answer.confidence < 0.5
    assert answer.answerer == "extractive"
    assert len(answer.passages) == 1


def test_abstain_on_a_question_that_tells_nothing(embedder: Embedder) -> None:
    assert ask("What is it?", [digest("works/a", TOLLS)], embedder).abstained


def test_abstain_without_passages(embedder: Embedder) -> None:
    answer = ask("What is the bridge toll?", [], embedder)
    assert answer.abstained
    assert (answer.confidence, answer.nearest) == (0.0, ())


@pytest.mark.parametrize(
    "text", ["The bridge toll in crowns is:", "| Bridge toll | Crowns |\n|---|---|"]
)
def test_abstain_where_no_sentence_can_be_quoted(embedder: Embedder, text: str) -> None:
    answer = ask("What is the bridge toll in crowns?", [digest("works/a", text)], embedder)
    assert answer.abstained


def test_abstention_quotes_the_nearest_passages(embedder: Embedder) -> None:
    texts = {f"works/{name}": f"Owl {name} wakes. It hums." for name in "abcde"}
    documents = [digest(doc_id, text) for doc_id, text in texts.items()]
    answer = ask("Do zeppelins dream?", documents, embedder)
    assert [citation.marker for citation in answer.nearest] == [1, 2, 3]
    assert all(citation.quote == texts[citation.document] for citation in answer.nearest)
    assert all(resolves(citation, texts[citation.document]) for citation in answer.nearest)


def test_abstention_shows_a_page_once(embedder: Embedder) -> None:
    documents = [digest(f"works/{name}", "Owls wake.", url=GAZETTE) for name in "ab"]
    assert len(ask("Do zeppelins dream?", documents, embedder).nearest) == 1


def test_confidence_grows_with_the_words_found(embedder: Embedder) -> None:
    documents = [digest("works/a", "The bridge toll is 3 crowns.")]
    questions = ["zeppelin dream moon", "bridge dream moon", "bridge toll moon", "bridge toll"]
    found = [ask(question, documents, embedder).confidence for question in questions]
    assert found == sorted(set(found))


def test_same_fact_in_nearly_the_same_words() -> None:
    assert candidate("The bridge toll is 3 crowns.").same_fact(
        candidate("A toll of 3 crowns, says the bridge keeper of Oster.", meaning=1)
    )


def test_same_fact_in_half_the_same_words() -> None:
    assert not candidate("Owls of Oster wake at dusk.").same_fact(
        candidate("Gulls of Oster sleep at dusk.", meaning=1)
    )


def test_same_fact_with_another_number() -> None:
    assert not candidate("The bridge toll is 3 crowns.").same_fact(
        candidate("The bridge toll is 4 crowns.", document="owl")
    )


def test_same_fact_in_other_words() -> None:
    """Near in meaning counts between documents only: sentences of one are always near."""
    owls = candidate("Owls wake at dusk.")
    other = "Night owls rise late."
    assert owls.same_fact(candidate(other, document="owl"))
    assert not owls.same_fact(candidate(other))
    assert not owls.same_fact(candidate(other, document="owl", meaning=1))


@settings(max_examples=200, deadline=None)
@given(CANDIDATES, st.integers(5, 30))
def test_choose_any_candidates(candidates: list[Candidate], max_words: int) -> None:
    """The best fact is told, none twice, and each page speaks through one document."""
    chosen = choose(candidates, max_words)
    assert bool(chosen) == bool(candidates)
    assert all(chosen[0].same_fact(best) for best in candidates[:1])
    assert len(chosen) <= MAX_SENTENCES
    assert len(chosen) <= 1 or sum(len(c.text.split()) for c in chosen) <= max_words
    for one, other in combinations(chosen, 2):
        assert one.page != other.page or one.passage.ref_doc_id == other.passage.ref_doc_id
        assert not one.same_fact(other)


def test_choose_never_tells_a_fact_twice() -> None:
    """The third sentence says what the first and the second say; the best source says it."""
    candidates = [
        candidate("Amber glows at night.", document="a", kind="official", score=3),
        candidate("Owls count every lamp.", document="b", kind="news", score=2, meaning=1),
        candidate(
            "Amber glows at night, and owls count every lamp.",
            document="c", kind="company", score=1, meaning=2,
        ),
    ]  # fmt: skip
    for one, other in combinations(choose(candidates, 80), 2):
        assert not one.same_fact(other)
