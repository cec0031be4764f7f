"""An answer made of the sentences that answer, quoted word for word. No language model."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from llama_index.core.schema import BaseNode, NodeWithScore

from assistant.answering.questions import AskedFor
from assistant.chunking import embedding_text
from assistant.citations import cite, quoted_answer
from assistant.documents import Sentence
from assistant.embeddings import Embedder, Vectors
from assistant.lexical import terms
from assistant.schema import Answer, Citation
from assistant.segmentation import Span

# A sentence's score is the sum of these parts times their weights. Fitted by
# listwise softmax regression on the development half of the golden questions,
# then rounded; a sentence's vector in its context counts most by far.
MEANING, WORDS, PASSAGE, KIND, COMPILED = 12.0, 5.0, 3.5, 0.8, -2.5

# Confidence is the logistic function of these, fitted by logistic regression
# to tell questions on the corpus from questions on anything else.
COSINE_WEIGHT, COVERAGE_WEIGHT, BIAS = 30.0, 9.0, -17.0

MAX_SENTENCES = 4
WORTH_SAYING = 4.0  # how far below the best sentence another may score
SAME_TERMS = 0.75  # share of the shorter sentence's terms that the other has too
SAME_FACT = 1.15  # that share plus the cosine, for sentences of two documents
NEAREST = 3

_FIRST_HAND = {"official": 0, "company": 1, "news": 2, "analysis": 3, "reference": 4}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True)
class Candidate:
    """A sentence that may become part of the answer."""

    passage: BaseNode
    span: Span
    text: str
    terms: frozenset[str]
    vector: Vectors
    score: float = 0.0

    @property
    def page(self) -> str:
        """The page behind the document: two digests of one page are one source."""
        return str(self.passage.metadata.get("page", self.passage.ref_doc_id))

    @property
    def standing(self) -> tuple[int, bool, float]:
        """Sorts the better source of one fact first: first hand, dated, then score."""
        metadata = self.passage.metadata
        kind = _FIRST_HAND.get(metadata.get("kind", ""), len(_FIRST_HAND))
        return kind, not metadata.get("published"), -self.score

    def same_fact(self, other: Candidate) -> bool:
        """Whether two sentences say the same: the same numbers, near in words and meaning."""
        if set(_NUMBER.findall(self.text)) != set(_NUMBER.findall(other.text)):
            return False
        shared = len(self.terms & other.terms) / (min(len(self.terms), len(other.terms)) or 1)
        if self.passage.ref_doc_id == other.passage.ref_doc_id:
            return shared >= SAME_TERMS  # the common context alone brings the vectors near
        return shared >= SAME_TERMS or shared + float(self.vector @ other.vector) >= SAME_FACT


@dataclass
class ExtractiveAnswerer:
    """Quotes the few sentences that answer a question, in a readable order.

    `sentences_of` gives a passage's sentences with their vectors, `idf` tells
    how rare a term is; both come from the index that the passages come from.
    """

    embedder: Embedder
    sentences_of: Callable[[str], Sequence[Sentence]]
    idf: Callable[[str], float]
    max_words: int
    abstain_below: float
    answer_from: int = 12
    name: str = field(default="extractive", init=False)

    def answer(self, question: str, passages: Sequence[NodeWithScore]) -> Answer:
        """Quote sentences of these passages, or abstain and show the nearest of them.

        The text of an abstention is left to the caller, who knows what was
        searched.
        """
        asked = AskedFor.of(question, self.idf)
        passages = passages[: self.answer_from]
        confidence = _confidence(asked, passages)
        if confidence < self.abstain_below:
            return self._abstention(question, passages, confidence)
        candidates = self._candidates(question, asked, passages)
        citations = _cited(_reading_order(choose(candidates, self.max_words)))
        if not citations:
            return self._abstention(question, passages, confidence=0.0)
        return Answer(
            question=question,
            text=quoted_answer(citations),
            citations=tuple(citations),
            passages=tuple(passages),
            confidence=confidence,
            answerer=self.name,
        )

    def _candidates(
        self, question: str, asked: AskedFor, passages: Sequence[NodeWithScore]
    ) -> list[Candidate]:
        """Every sentence of the passages, best first."""
        vector = self.embedder.encode_query(question)
        candidates = []
        for passage in passages:
            sentences = self.sentences_of(passage.node.node_id)
            context = set(terms([str(passage.node.metadata.get("context", ""))])[0])
            for candidate, sentence in zip(
                _sentences(passage.node, sentences), sentences, strict=True
            ):
                if candidate.text.endswith(":"):  # it announces what follows
                    continue
                score = (
                    MEANING * float(sentence.vector @ vector)
                    + WORDS * asked.coverage(candidate.terms | context)
                    + PASSAGE * (passage.score or 0.0)
                    + KIND * asked.fits(candidate.text)
                    + COMPILED * _is_compiled(passage.node)
                )
                candidates.append(replace(candidate, score=score))
        return sorted(candidates, key=lambda c: (-c.score, c.passage.ref_doc_id, c.span))

    def _abstention(
        self, question: str, passages: Sequence[NodeWithScore], confidence: float
    ) -> Answer:
        nearest: list[BaseNode] = []
        for passage in passages:
            if passage.node.metadata.get("page") not in [n.metadata.get("page") for n in nearest]:
                nearest.append(passage.node)
        return Answer(
            question=question,
            text="",
            passages=tuple(passages),
            abstained=True,
            confidence=confidence,
            nearest=tuple(
                cite(number, node, _span_of(node), node.get_content())
                for number, node in enumerate(nearest[:NEAREST], 1)
            ),
            answerer=self.name,
        )


def choose(candidates: Sequence[Candidate], max_words: int) -> list[Candidate]:
    """The best sentences that fit, no fact twice and no page in two voices.

    Of several sentences that say the same, the one with the best source is
    taken. The first is taken even if it alone is longer than `max_words`.
    """
    chosen: list[Candidate] = []
    words = 0
    for candidate in candidates:
        if len(chosen) == MAX_SENTENCES or candidate.score < candidates[0].score - WORTH_SAYING:
            break
        if any(candidate.same_fact(other) for other in chosen):
            continue
        twins = [c for c in candidates if c.same_fact(candidate)]
        speakers = [
            twin
            for twin in twins
            if _one_voice(twin, chosen) and not any(twin.same_fact(other) for other in chosen)
        ]
        speaker = min(speakers, key=lambda c: c.standing, default=None)
        if speaker is None or (chosen and words + len(speaker.text.split()) > max_words):
            continue
        chosen.append(speaker)
        words += len(speaker.text.split())
    return chosen


def _one_voice(candidate: Candidate, chosen: Sequence[Candidate]) -> bool:
    """Whether no other document speaks for the candidate's page already."""
    return all(
        candidate.page != other.page or candidate.passage.ref_doc_id == other.passage.ref_doc_id
        for other in chosen
    )


def _reading_order(chosen: Sequence[Candidate]) -> list[Candidate]:
    """Document after document, the best first, each in its own order."""
    documents = list(dict.fromkeys(candidate.passage.ref_doc_id for candidate in chosen))
    return sorted(chosen, key=lambda c: (documents.index(c.passage.ref_doc_id), c.span))


def _cited(chosen: Sequence[Candidate]) -> list[Citation]:
    return [cite(n, c.passage, c.span, c.text) for n, c in enumerate(chosen, 1)]


def _sentences(passage: BaseNode, sentences: Sequence[Sentence]) -> list[Candidate]:
    start = _span_of(passage).start
    texts = [
        Span(s.span.start - start, s.span.end - start).of(passage.get_content()) for s in sentences
    ]
    return [
        Candidate(passage, sentence.span, text, frozenset(its_terms), sentence.vector)
        for sentence, text, its_terms in zip(sentences, texts, terms(texts), strict=True)
    ]


def _confidence(asked: AskedFor, passages: Sequence[NodeWithScore]) -> float:
    """How likely the question is one that the corpus is about, between 0 and 1.

    From the nearest passage's cosine, and from how many of the question's
    telling terms stand together in one passage.
    """
    if not passages or not asked.weights:
        return 0.0
    cosine = max(passage.node.metadata.get("cosine", 0.0) for passage in passages)
    texts = terms([embedding_text(passage.node) for passage in passages])
    coverage = max(asked.coverage(set(found)) for found in texts)
    evidence = COSINE_WEIGHT * cosine + COVERAGE_WEIGHT * coverage + BIAS
    return 1 / (1 + math.exp(-evidence))


def _is_compiled(passage: BaseNode) -> bool:
    """Whether the document is our own compilation of others, such as the timeline."""
    return passage.metadata.get("kind") == "reference" and "url" not in passage.metadata


def _span_of(passage: BaseNode) -> Span:
    return Span(
        getattr(passage, "start_char_idx", 0) or 0, getattr(passage, "end_char_idx", 0) or 0
    )
