"""An answer made of the sentences that answer, quoted word for word. No language model."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from llama_index.core.schema import BaseNode, NodeWithScore

from assistant.answering.candidates import Candidate, score_candidates
from assistant.answering.confidence import Calibration, signals_of
from assistant.answering.moments import Moment
from assistant.answering.questions import AskedFor
from assistant.answering.selection import (
    MAX_SENTENCES,
    choose,
    disagreements,
    reading_order,
    with_antecedents,
)
from assistant.citations import cite, quoted_answer
from assistant.documents import Sentence
from assistant.embeddings import Embedder
from assistant.reranking import Judgement, Reranker, best_first, reading_of
from assistant.schema import Answer, Citation, Outcome
from assistant.segmentation import Span

SEVERAL = 1.25  # times the room, where several things are asked for
MORE_SENTENCES = 2  # then, beside it
NAME = 3  # words that the name and date of a source take
NEAREST_SENTENCES = 2
AS_NEAR = 3.0  # how far below the nearest sentence another may score
NEAREST_PASSAGES = 3


@dataclass
class ExtractiveAnswerer:
    """Quotes the few sentences that answer a question, in a readable order.

    It reads the first `answer_from` passages, and orders them anew by what it finds.
    `sentences_of` gives a passage's sentences with their vectors, `idf` tells
    how rare a term is; both come from the index that the passages come from.
    Below a confidence of `abstain_below` the question counts as not answered;
    where the question is on the documents' subject with a probability below
    `nothing_below`, as one that they have nothing on. A question that asks for
    several things gets a little more room than `max_words`.
    """

    embedder: Embedder
    reranker: Reranker
    calibration: Calibration
    sentences_of: Callable[[str], Sequence[Sentence]]
    idf: Callable[[str], float]
    max_words: int
    abstain_below: float
    nothing_below: float
    answer_from: int = 12
    name: str = field(default="extractive", init=False)

    def answer(
        self,
        question: str,
        passages: Sequence[NodeWithScore],
        as_of: datetime.date | None = None,
    ) -> Answer:
        """Quote sentences of these passages, or abstain and show what comes nearest.

        The text of an abstention is left to the caller, who knows what was
        searched.
        """
        asked = AskedFor.of(question, self.idf)
        if not passages or not asked.weights:
            return self._abstention("nothing", question, passages)
        moment = Moment.of(question, as_of)
        read, unread = passages[: self.answer_from], passages[self.answer_from :]
        read, judgements = best_first(read, self._judge(question, read))
        passages = [*read, *unread]
        candidates = score_candidates(
            self.embedder.encode_query(question),
            asked, moment, read, self.sentences_of, judgements,
        )  # fmt: skip
        if not candidates:
            return self._abstention("nothing", question, passages)
        signals = signals_of(asked, read, candidates)
        if self.calibration.topic(signals) < self.nothing_below:
            return self._abstention("nothing", question, passages, signals)
        confidence = self.calibration.probability(signals)
        if confidence < self.abstain_below:
            return self._abstention("not_stated", question, passages, signals, candidates)
        room = int(self.max_words * (SEVERAL if asked.several else 1))
        most = MAX_SENTENCES + (MORE_SENTENCES if asked.several else 0)
        chosen = _complete(candidates, room, most)
        named = moment.is_set or bool(disagreements(chosen))
        if named:  # the names need room, too
            documents = {candidate.document for candidate in chosen}
            chosen = _complete(candidates, room - NAME * len(documents), most)
        chosen = reading_order(chosen, moment)
        citations = _cited(chosen)
        return Answer(
            question=question,
            text=quoted_answer(citations, named=named),
            citations=citations,
            passages=tuple(passages),
            confidence=confidence,
            differing=tuple((one + 1, other + 1) for one, other in disagreements(chosen)),
            signals=signals,
            answerer=self.name,
        )

    def _judge(self, question: str, passages: Sequence[NodeWithScore]) -> list[Judgement]:
        spans = [
            [sentence.span for sentence in self.sentences_of(passage.node.node_id)]
            for passage in passages
        ]
        return self.reranker.judge(
            [
                reading_of(question, passage.node, its_spans)
                for passage, its_spans in zip(passages, spans, strict=True)
            ]
        )

    def _abstention(
        self,
        outcome: Outcome,
        question: str,
        passages: Sequence[NodeWithScore],
        signals: Mapping[str, float] | None = None,
        candidates: Sequence[Candidate] = (),
    ) -> Answer:
        """The sentences that come near, if there are candidates; else the nearest passages."""
        near = _nearest_sentences(candidates, self.max_words) or _nearest_passages(passages)
        return Answer(
            question=question,
            text="",
            passages=tuple(passages),
            outcome=outcome,
            confidence=self.calibration.probability(signals) if signals else 0.0,
            nearest=near,
            signals=signals or {},
            answerer=self.name,
        )


def _nearest_sentences(candidates: Sequence[Candidate], max_words: int) -> tuple[Citation, ...]:
    """The one or two sentences that come nearest to an answer, if there are any."""
    near = [c for c in candidates if c.score >= candidates[0].score - AS_NEAR]
    return _cited(choose(near, max_words, NEAREST_SENTENCES))


def _nearest_passages(passages: Sequence[NodeWithScore]) -> tuple[Citation, ...]:
    """The passages that a search found nearest, each of another page."""
    by_page: dict[str, BaseNode] = {}
    for passage in passages:
        by_page.setdefault(str(passage.node.metadata.get("page")), passage.node)
    return tuple(
        cite(number, node, _span_of(node), node.get_content())
        for number, node in enumerate(list(by_page.values())[:NEAREST_PASSAGES], 1)
    )


def _complete(candidates: Sequence[Candidate], max_words: int, most: int) -> list[Candidate]:
    """The best sentences that fit, with those that they lean on."""
    return with_antecedents(choose(candidates, max_words, most), candidates, max_words)


def _cited(chosen: Sequence[Candidate]) -> tuple[Citation, ...]:
    return tuple(cite(n, c.passage, c.span, c.text) for n, c in enumerate(chosen, 1))


def _span_of(passage: BaseNode) -> Span:
    return Span(
        getattr(passage, "start_char_idx", 0) or 0, getattr(passage, "end_char_idx", 0) or 0
    )
