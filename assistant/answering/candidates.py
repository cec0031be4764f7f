"""Passages → every sentence that might become part of the answer, scored."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from llama_index.core.schema import BaseNode, NodeWithScore

from assistant.answering.moments import Moment
from assistant.answering.questions import AskedFor
from assistant.documents import Sentence
from assistant.embeddings import Vectors
from assistant.lexical import terms
from assistant.reranking import Judgement, relevance
from assistant.segmentation import Span

# A sentence's score is the model's logit plus these parts times their weights:
# fitted by listwise softmax regression on the development half, then rounded.
MEANING, WORDS, PASSAGE, KIND, COMPILED = 2.5, 0.3, 2.5, 0.9, -0.8
NOT_YET_KNOWN = -1.2  # its document is younger than the moment asked about

SAME_TERMS = 0.75  # share of the shorter sentence's terms that the other has too
SAME_FACT = 1.15  # that share plus the cosine, for sentences of two documents

_FIRST_HAND = {"official": 0, "company": 1, "news": 2, "analysis": 3, "reference": 4}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A sentence that may become part of the answer.

    `logit` is what the model thinks of it; `score` orders the candidates of
    one question.
    """

    passage: BaseNode
    span: Span
    text: str
    terms: frozenset[str]
    vector: Vectors = field(repr=False)
    score: float = 0.0
    logit: float = 0.0

    @property
    def document(self) -> str:
        return self.passage.ref_doc_id or ""

    @property
    def page(self) -> str:
        """The page behind the document: two digests of one page are one source."""
        return str(self.passage.metadata.get("page", self.document))

    @property
    def published(self) -> str | None:
        """The document's date as ISO text."""
        date: str | None = self.passage.metadata.get("published")
        return date

    @property
    def numbers(self) -> frozenset[str]:
        return frozenset(_NUMBER.findall(self.text))

    @property
    def words(self) -> int:
        return len(self.text.split())

    @property
    def standing(self) -> tuple[int, bool, float]:
        """Sorts the better source of one fact first: first hand, dated, then score."""
        kind = _FIRST_HAND.get(self.passage.metadata.get("kind", ""), len(_FIRST_HAND))
        return kind, not self.published, -self.score

    def same_fact(self, other: Candidate) -> bool:
        """Whether two sentences say the same: the same numbers, near in words and meaning."""
        if self.numbers != other.numbers:
            return False
        shared = len(self.terms & other.terms) / (min(len(self.terms), len(other.terms)) or 1)
        if self.document == other.document:
            return shared >= SAME_TERMS  # the common context alone brings the vectors near
        return shared >= SAME_TERMS or shared + float(self.vector @ other.vector) >= SAME_FACT


def score_candidates(
    question: Vectors,
    asked: AskedFor,
    moment: Moment,
    passages: Sequence[NodeWithScore],
    sentences_of: Callable[[str], Sequence[Sentence]],
    judgements: Sequence[Judgement],
) -> list[Candidate]:
    """Every sentence of the passages, best first; `question` is its vector."""
    found = []
    for passage, judgement in zip(passages, judgements, strict=True):
        sentences = sentences_of(passage.node.node_id)
        texts = _texts(passage.node, sentences)
        context = set(terms([str(passage.node.metadata.get("context", ""))])[0])
        common = (
            PASSAGE * relevance(passage, judgement)
            + COMPILED * is_compiled(passage.node)
            + NOT_YET_KNOWN * (not moment.knows(passage.node.metadata.get("published")))
        )
        for sentence, text, its_terms, logit in zip(
            sentences, texts, terms(texts), judgement.sentences, strict=True
        ):
            if text.endswith(":"):  # it announces what follows
                continue
            score = (
                float(logit)
                + common
                + MEANING * float(sentence.vector @ question)
                + WORDS * asked.coverage(set(its_terms) | context)
                + KIND * asked.fits(text)
            )
            found.append(
                Candidate(
                    passage.node, sentence.span, text, frozenset(its_terms), sentence.vector,
                    score, float(logit),
                )
            )  # fmt: skip
    return sorted(found, key=lambda c: (-c.score, c.document, c.span))


def is_compiled(passage: BaseNode) -> bool:
    """Whether the document is our own compilation of others, such as the timeline."""
    return passage.metadata.get("kind") == "reference" and "url" not in passage.metadata


def _texts(passage: BaseNode, sentences: Sequence[Sentence]) -> list[str]:
    start = getattr(passage, "start_char_idx", 0) or 0
    text = passage.get_content()
    return [Span(s.span.start - start, s.span.end - start).of(text) for s in sentences]
