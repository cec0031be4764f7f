from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fakes import CALIBRATION, FakeReranker
from llama_index.core.schema import Document, NodeWithScore, TextNode
from sentences import GAZETTE, digest

from assistant.answering.extractive import ExtractiveAnswerer
from assistant.answering.selection import MAX_SENTENCES
from assistant.chunking import SentenceChunker, sentence_spans
from assistant.citations import quoted_answer, resolves
from assistant.documents import Sentence
from assistant.embeddings import Embedder
from assistant.reranking import Judgement, Reading
from assistant.schema import Answer
from assistant.segmentation import Span

TOLLS = """
    The bridge toll is 3 crowns for a cart. The bridge toll is 5 crowns for an elephant.
    The bridge toll is 7 crowns for a whale. The bridge toll is 11 crowns for a piano.
    The bridge toll is 13 crowns for a choir. The bridge toll is 17 crowns for a comet.
"""


NEAR = "Is the bridge toll of moons a dream of zeppelins?"


class Attentive:
    """A reranker that remembers what it read, and thinks the world of one sentence."""

    def __init__(self, wanted: str = "") -> None:
        self.wanted = wanted
        self.readings: list[Reading] = []

    def judge(self, readings: Sequence[Reading]) -> list[Judgement]:
        self.readings.extend(readings)
        return [
            Judgement(
                0.0,
                np.array(
                    [9.0 if s.of(reading.text) == self.wanted else -9.0 for s in reading.sentences],
                    dtype=np.float32,
                ),
            )
            for reading in readings
        ]


def ask(
    question: str,
    documents: Sequence[Document],
    embedder: Embedder,
    backwards: bool = False,
    **more: Any,
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
    arguments: dict[str, Any] = {
        "reranker": FakeReranker(),
        "calibration": CALIBRATION,
        "max_words": 80,
        "abstain_below": CALIBRATION.abstain_below,
        "nothing_below": CALIBRATION.nothing_below,
    }
    answerer = ExtractiveAnswerer(
        embedder, sentences_of=shelf.__getitem__, idf=lambda term: 1.0, **{**arguments, **more}
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
    assert answer.confidence == CALIBRATION.probability(answer.signals)
    assert len(answer.passages) == 1
    assert answer.nearest == ()


@pytest.mark.parametrize(
    ("question", "outcome"),
    [
        ("What is the bridge toll?", "answered"),
        (NEAR, "not_stated"),
        ("Do zeppelins dream?", "nothing"),
    ],
)
def test_answer_has_one_of_three_outcomes(embedder: Embedder, question: str, outcome: str) -> None:
    """All of the telling terms stand in the document, two fifths of them, or none."""
    answer = ask(question, [digest("works/a", TOLLS)], embedder)
    assert answer.outcome == outcome
    assert (len(answer.citations), len(answer.nearest)) == {
        "answered": (MAX_SENTENCES, 0), "not_stated": (0, 2), "nothing": (0, 1),
    }[outcome]  # fmt: skip


@pytest.mark.parametrize(
    ("abstain_below", "nothing_below", "outcome"),
    [(0.32, 0.99, "answered"), (0.34, 0.99, "not_stated"), (0.34, 0.999, "nothing")],
)
def test_answer_outcome_is_decided_by_the_thresholds(
    embedder: Embedder, abstain_below: float, nothing_below: float, outcome: str
) -> None:
    answer = ask(
        NEAR,
        [digest("works/a", TOLLS)],
        embedder,
        abstain_below=abstain_below,
        nothing_below=nothing_below,
    )
    assert answer.confidence == pytest.approx(0.331, abs=1e-4)  # -3.9 + 8 · 2/5, on topic: 0.9975
    assert answer.outcome == outcome


def test_answer_quotes_what_the_reranker_finds(embedder: Embedder) -> None:
    text = "The bridge toll is 3 crowns. Eels dislike violins. Owls wake in Oster."
    owls = Attentive("Owls wake in Oster.")
    answer = ask("What is the bridge toll?", [digest("works/a", text)], embedder, reranker=owls)
    assert quotes(answer) == ["Owls wake in Oster."]


def test_answer_has_each_passage_read_as_it_was_embedded(embedder: Embedder) -> None:
    """With its context, and without the scores that a search leaves in the metadata."""
    question, reranker = "What is the bridge toll?", Attentive()
    text = "# Tolls\n\nThe bridge toll is 3 crowns. Owls wake in Oster."
    ask(question, [digest("works/a", text)], embedder, reranker=reranker)
    [reading] = reranker.readings
    assert reading.question == question
    assert reading.text == (
        "Bridge. 2031-03-02. Tolls\n\nThe bridge toll is 3 crowns. Owls wake in Oster."
    )
    assert [sentence.of(reading.text) for sentence in reading.sentences] == [
        "The bridge toll is 3 crowns.",
        "Owls wake in Oster.",
    ]


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


def test_answer_from_one_document_names_no_source(embedder: Embedder) -> None:
    answer = ask("What is the bridge toll?", [digest("works/a", TOLLS)], embedder)
    assert answer.text.startswith("The bridge toll is 3 crowns for a cart. [1] The bridge")


def test_answer_from_several_documents_names_its_sources(embedder: Embedder) -> None:
    documents = [
        digest("works/a", "The bridge toll is 3 crowns."),
        digest("works/z", "The bridge toll is 5 crowns at night.", published=None),
    ]
    answer = ask("What is the bridge toll?", documents, embedder)
    assert answer.text == (
        "Gazette, 2 March 2031: The bridge toll is 3 crowns. [1] "
        "Gazette, undated: The bridge toll is 5 crowns at night. [2]"
    )


def test_answer_about_now_says_how_old_its_source_is(embedder: Embedder) -> None:
    documents = [digest("works/a", "The bridge toll is 3 crowns.")]
    answer = ask("What is the bridge toll now?", documents, embedder)
    assert answer.text == "Gazette, 2 March 2031: The bridge toll is 3 crowns. [1]"


def test_answer_about_now_begins_with_the_newest_source(embedder: Embedder) -> None:
    documents = [
        digest("works/a", "The bridge toll is 3 crowns.", published="2030-12-31"),
        digest("works/z", "The bridge toll is 5 crowns.", published="2031-01-01"),
    ]
    assert sources(ask("What is the bridge toll?", documents, embedder)) == ["works/a", "works/z"]
    assert sources(ask("What is the bridge toll now?", documents, embedder)) == [
        "works/z",
        "works/a",
    ]


def test_answer_as_of_a_day_begins_with_what_was_known(embedder: Embedder) -> None:
    documents = [
        digest("works/a", "The bridge toll is 3 crowns.", published="2031-03-03"),
        digest("works/z", "The bridge toll is 5 crowns.", published="2031-03-01"),
    ]
    question = "As of 2 March 2031, what is the bridge toll?"
    assert sources(ask(question, documents, embedder, abstain_below=0))[0] == "works/z"
    assert sources(ask("What is the bridge toll?", documents, embedder))[0] == "works/a"


def test_answer_says_what_a_sentence_points_back_at(embedder: Embedder) -> None:
    text = "Eels dislike violins. Brask built the gate. It pays a toll of 3 crowns in summer."
    answer = ask("What toll in summer?", [digest("works/a", text)], embedder)
    assert quotes(answer) == ["Brask built the gate.", "It pays a toll of 3 crowns in summer."]
    tight = ask("What toll in summer?", [digest("works/a", text)], embedder, max_words=12)
    assert quotes(tight) == ["It pays a toll of 3 crowns in summer."]


@pytest.mark.parametrize(("max_words", "count"), [(17, 1), (18, 2), (26, 2), (27, 3)])
def test_answer_is_no_longer_than_asked_for(embedder: Embedder, max_words: int, count: int) -> None:
    """Every sentence about tolls has nine words."""
    answer = ask(
        "What is the bridge toll?", [digest("works/a", TOLLS)], embedder, max_words=max_words
    )
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


def test_answer_orders_the_passages_that_it_read(embedder: Embedder) -> None:
    """The one that answers comes first, whatever the search thought; the unread stay behind."""
    documents = [
        digest("works/a", "The bridge toll, the bridge toll: gulls sail over it at noon."),
        digest("works/b", "For the bridge, carts pay a toll of 3 crowns."),
        digest("works/c", "Owls wake in Oster."),
    ]
    answer = ask(
        "What is the bridge toll?",
        documents,
        embedder,
        answer_from=2,
        reranker=Fixed({"3 crowns": 9.0}),
    )
    assert [p.node.ref_doc_id for p in answer.passages] == ["works/b", "works/a", "works/c"]


class Fixed:
    """Likes a text, and its sentences, if it holds one of some words."""

    def __init__(self, likes: dict[str, float]) -> None:
        self.likes = likes

    def judge(self, readings: Sequence[Reading]) -> list[Judgement]:
        return [
            Judgement(self._of(r.text), np.array([self._of(s.of(r.text)) for s in r.sentences]))
            for r in readings
        ]

    def _of(self, text: str) -> float:
        return next((logit for words, logit in self.likes.items() if words in text), -9.0)


def test_answer_does_not_depend_on_the_order_of_passages(embedder: Embedder) -> None:
    documents = [digest(f"works/{name}", TOLLS) for name in "abc"]
    question = "What is the bridge toll?"
    one, other = (ask(question, documents, embedder, backwards=b) for b in (False, True))
    assert one.citations == other.citations
    assert one.text == other.text


def test_abstain_where_no_word_is_shared(embedder: Embedder) -> None:
    answer = ask("Do zeppelins dream?", [digest("works/a", TOLLS)], embedder)
    assert answer.outcome == "nothing"
    assert (answer.text, answer.citations) == ("", ())
    assert 0 < answer.confidence < 0.15
    assert answer.confidence == CALIBRATION.probability(answer.signals)
    assert answer.answerer == "extractive"
    assert len(answer.passages) == 1


def test_abstain_on_a_question_that_tells_nothing(embedder: Embedder) -> None:
    answer = ask("What is it?", [digest("works/a", TOLLS)], embedder)
    assert (answer.outcome, answer.confidence, answer.signals) == ("nothing", 0.0, {})


def test_abstain_without_passages(embedder: Embedder) -> None:
    answer = ask("What is the bridge toll?", [], embedder)
    assert answer.outcome == "nothing"
    assert (answer.confidence, answer.nearest) == (0.0, ())


@pytest.mark.parametrize(
    "text", ["The bridge toll in crowns is:", "| Bridge toll | Crowns |\n|---|---|"]
)
def test_abstain_where_no_sentence_can_be_quoted(embedder: Embedder, text: str) -> None:
    answer = ask("What is the bridge toll in crowns?", [digest("works/a", text)], embedder)
    assert answer.outcome == "nothing"


def test_not_stated_quotes_the_two_sentences_that_come_nearest(embedder: Embedder) -> None:
    text = f"Eels dislike violins. {TOLLS}"
    answer = ask(NEAR, [digest("works/a", text)], embedder)
    assert (answer.outcome, answer.text, answer.citations) == ("not_stated", "", ())
    assert [citation.marker for citation in answer.nearest] == [1, 2]
    assert all(citation.quote.startswith("The bridge toll") for citation in answer.nearest)
    assert all(resolves(citation, text) for citation in answer.nearest)


def test_not_stated_quotes_nothing_that_is_beside_the_point(embedder: Embedder) -> None:
    text = "The bridge toll is 3 crowns. Eels dislike violins. Owls wake in Oster."
    answer = ask(NEAR, [digest("works/a", text)], embedder)
    assert answer.outcome == "not_stated"
    assert [citation.quote for citation in answer.nearest] == ["The bridge toll is 3 crowns."]


def test_nothing_quotes_the_nearest_passages(embedder: Embedder) -> None:
    texts = {f"works/{name}": f"Owl {name} wakes. It hums." for name in "abcde"}
    documents = [digest(doc_id, text) for doc_id, text in texts.items()]
    answer = ask("Do zeppelins dream?", documents, embedder)
    assert [citation.marker for citation in answer.nearest] == [1, 2, 3]
    assert all(citation.quote == texts[citation.document] for citation in answer.nearest)
    assert all(resolves(citation, texts[citation.document]) for citation in answer.nearest)


def test_nothing_shows_a_page_once(embedder: Embedder) -> None:
    documents = [digest(f"works/{name}", "Owls wake.", url=GAZETTE) for name in "ab"]
    assert len(ask("Do zeppelins dream?", documents, embedder).nearest) == 1


def test_confidence_grows_with_the_words_found(embedder: Embedder) -> None:
    documents = [digest("works/a", "The bridge toll is 3 crowns.")]
    questions = ["zeppelin dream moon", "bridge dream moon", "bridge toll moon", "bridge toll"]
    found = [ask(question, documents, embedder).confidence for question in questions]
    assert found == sorted(set(found))
