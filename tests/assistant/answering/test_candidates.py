import datetime
from collections.abc import Sequence

import numpy as np
import pytest
from llama_index.core.schema import Document, NodeWithScore
from sentences import GAZETTE, candidate, digest

from assistant.answering.candidates import (
    COMPILED,
    KIND,
    MEANING,
    NOT_YET_KNOWN,
    PASSAGE,
    WORDS,
    Candidate,
    is_compiled,
    score_candidates,
)
from assistant.answering.moments import Moment
from assistant.answering.questions import AskedFor
from assistant.chunking import make_passage, sentence_spans
from assistant.documents import Sentence
from assistant.reranking import Judgement
from assistant.segmentation import Span

NORTH, EAST = np.eye(2, dtype=np.float32)
NOTHING = AskedFor({}, ())
OWLS = AskedFor({"owl": 3.0, "lamp": 1.0}, ())


def weighed(
    *documents: Document,
    asked: AskedFor = NOTHING,
    moment: Moment | None = None,
    logits: Sequence[float] = (0.0,) * 9,
    vector: np.ndarray = EAST,
    passage_score: float = 0.0,
    context: str = "",
    start: int = 0,
) -> list[Candidate]:
    """The candidates of one passage from each document; the question points north."""
    passages = [make_passage(d, Span(start, len(d.text)), context) for d in documents]
    shelf = {
        passage.node_id: [Sentence(span, vector) for span in sentence_spans(document, passage)]
        for document, passage in zip(documents, passages, strict=True)
    }
    judgements = [
        Judgement(0.0, np.array(logits[: len(sentences)], dtype=np.float32))
        for sentences in shelf.values()
    ]
    found = [NodeWithScore(node=passage, score=passage_score) for passage in passages]
    return score_candidates(NORTH, asked, moment or Moment(), found, shelf.__getitem__, judgements)


def score(document: Document, moment: Moment | None = None) -> float:
    [found] = weighed(document, moment=moment)
    return found.score


def test_score_is_the_logit_and_the_weighed_parts() -> None:
    [found] = weighed(
        digest("isle/owl", "Owls wake."), asked=OWLS, logits=[1.5], vector=NORTH, passage_score=0.5
    )
    assert found.logit == 1.5
    assert found.score == 1.5 + MEANING * 1.0 + WORDS * 0.75 + PASSAGE * 0.5 + KIND * 1.0


def test_score_counts_the_words_of_the_context() -> None:
    owls = digest("isle/owl", "Owls wake.")
    [bare], [lit] = weighed(owls, asked=OWLS), weighed(owls, asked=OWLS, context="Lamps")
    assert lit.score - bare.score == pytest.approx(WORDS * 0.25)


def test_score_counts_the_kind_of_thing_asked_for() -> None:
    asked = AskedFor.of("When?", lambda term: 1.0)
    dated, undated = weighed(digest("isle/owl", "Owls wake. Owls wake in 2031."), asked=asked)
    assert (dated.text, undated.text) == ("Owls wake in 2031.", "Owls wake.")
    assert dated.score - undated.score == pytest.approx(KIND)


@pytest.mark.parametrize(
    ("published", "change"),
    [("2031-03-01", 0.0), ("2031-03-02", NOT_YET_KNOWN), (None, 0.0)],
)
def test_score_of_a_document_younger_than_the_moment(published: str | None, change: float) -> None:
    document = digest("isle/owl", "Owls wake.", published=published)
    then = Moment(until=datetime.date(2031, 3, 1))
    assert score(document, then) - score(document) == change


def test_score_of_our_own_compilation() -> None:
    timeline = digest("isle/timeline", "Owls wake.", kind="reference")
    page = digest("isle/page", "Owls wake.", kind="reference", url=GAZETTE)
    assert score(timeline) - score(page) == COMPILED


@pytest.mark.parametrize(
    ("kind", "url", "expected"),
    [("reference", None, True), ("reference", GAZETTE, False), ("news", None, False)],
)
def test_is_compiled(kind: str, url: str | None, expected: bool) -> None:
    passage = candidate("Owls wake.", kind=kind).passage
    if url:
        passage.metadata["url"] = url
    assert is_compiled(passage) is expected


def test_candidates_come_best_first() -> None:
    found = weighed(digest("isle/owl", "Owls wake. Eels sing. Gulls sail."), logits=[1, 3, 2])
    assert [c.text for c in found] == ["Eels sing.", "Gulls sail.", "Owls wake."]


def test_candidates_of_one_score_keep_the_order_of_the_documents() -> None:
    found = weighed(digest("isle/owl", "Owls wake. Eels sing."), digest("isle/eel", "Eels sing."))
    assert [(c.document, c.span.start) for c in found] == [
        ("isle/eel", 0),
        ("isle/owl", 0),
        ("isle/owl", 11),
    ]


def test_candidates_leave_out_a_sentence_that_only_announces() -> None:
    document = digest("isle/owl", "Owls of the isle:\n\n- Snow owl.\n- Barn owl.")
    found = weighed(document, logits=[3, 2, 1])
    assert [(c.text, c.logit) for c in found] == [("Snow owl.", 2.0), ("Barn owl.", 1.0)]


def test_candidates_of_a_passage_further_down() -> None:
    [found] = weighed(digest("isle/owl", "Owls wake. Eels sing."), start=11)
    assert (found.text, found.span) == ("Eels sing.", Span(11, 21))


def test_candidate_says_where_it_stands() -> None:
    owl = candidate("Owls wake at dusk.", "isle/owl", published="2031-03-02", page=GAZETTE)
    assert (owl.document, owl.page, owl.published) == ("isle/owl", GAZETTE, "2031-03-02")
    assert owl.words == 4
    assert candidate("Owls wake.", published=None).published is None


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (candidate("Owls.", kind="official"), candidate("Owls.", kind="company", score=9)),
        (candidate("Owls.", kind="company"), candidate("Owls.", kind="news", score=9)),
        (candidate("Owls.", kind="news"), candidate("Owls.", kind="analysis", score=9)),
        (candidate("Owls.", kind="analysis"), candidate("Owls.", kind="reference", score=9)),
        (candidate("Owls.", kind="reference"), candidate("Owls.", kind="rumour", score=9)),
        (candidate("Owls."), candidate("Owls.", published=None, score=9)),
        (candidate("Owls.", score=2), candidate("Owls.", score=1)),
    ],
)
def test_standing_sorts_the_better_source_first(better: Candidate, worse: Candidate) -> None:
    assert better.standing < worse.standing


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
