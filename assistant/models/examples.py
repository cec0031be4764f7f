"""Written questions → what the model learns from: texts whose sentences answer or do not.

Our own questions lie in questions/. Those about public texts name the text and
the characters only; the texts, and the public questions, stay where they are.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import BaseNode

from assistant.index import PassageIndex
from assistant.lexical import terms
from assistant.reranking import UNSEEN, Judgement, Reading, reading_of
from assistant.rewriting import standalone_question
from assistant.schema import Turn
from assistant.segmentation import Span, split_blocks, split_sentences

QUESTIONS = Path(__file__).parent / "questions"

# A sentence's label. Unknown ones are left out of the loss: they may well say it, too.
ANSWERS, SILENT, UNKNOWN = 1, 0, -1

OTHER_PASSAGES = 2  # near misses per question
# Of these the hardest are chosen, once there is a model that can tell.
OWN_MISSES, MORE_PASSAGES = 2, 10
HARDEST, HARDEST_WITHOUT_ANSWER = 2, 3
ANSWERING = 3  # passages per question that answer
SAME_TERMS = 0.6  # share of the shorter sentence's terms from which two may say the same
HELD_OUT = 5  # one public text in so many is kept for validation


@dataclass(frozen=True)
class Example:
    """A question, a text, and a label for each sentence of the text."""

    reading: Reading
    labels: Sequence[int]

    @property
    def label(self) -> int:
        """Whether the text as a whole answers."""
        if ANSWERS in self.labels:
            return ANSWERS
        return UNKNOWN if UNKNOWN in self.labels else SILENT


@dataclass(frozen=True)
class Group:
    """One question's texts. It is answerable if any of their sentences answers."""

    name: str
    examples: Sequence[Example]

    @property
    def answerable(self) -> bool:
        return any(example.label == ANSWERS for example in self.examples)


def hardest(group: Group, judgements: Sequence[Judgement]) -> Group:
    """The group with those misses only that a model takes for answers soonest.

    A passage is as hard as its best sentence that is known to say nothing.
    """
    judged = list(zip(group.examples, judgements, strict=True))
    answering = [example for example, _ in judged if example.label == ANSWERS]
    misses = [(_tempting(*pair), pair[0]) for pair in judged if pair[0].label != ANSWERS]
    misses.sort(key=lambda miss: -miss[0])
    most = HARDEST if answering else HARDEST_WITHOUT_ANSWER
    return Group(group.name, [*answering, *(example for _, example in misses[:most])])


def _tempting(example: Example, judgement: Judgement) -> float:
    silent = [
        float(logit)
        for logit, label in zip(judgement.sentences, example.labels, strict=True)
        if label == SILENT
    ]
    return max(silent, default=UNSEEN)


def is_held_out(name: str) -> bool:
    """Whether a public text is kept for validation; the same on every machine."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % HELD_OUT == 0


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a JSONL file, packed or not."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        yield from map(json.loads, file)


class CorpusExamples:
    """Our questions about our corpus, each with its passage and with near misses.

    `without` are documents that no example may show: those kept for validation.
    """

    def __init__(
        self, index: PassageIndex, retriever: BaseRetriever, without: Iterable[str] = ()
    ) -> None:
        self._index = index
        self._retriever = retriever
        self._without = frozenset(without)

    def group(
        self, record: dict[str, Any], own_misses: int = 1, others: int = OTHER_PASSAGES
    ) -> Group:
        """One written question → its passages that answer and some that do not."""
        question = standalone(record)
        evidence = evidence_spans(self._index, record)
        near = [record["near"]] if "near" in record else list(evidence)
        own = [passage for document in near for passage in self._index.passages_of(document)]
        found = [
            scored.node
            for scored in self._retriever.retrieve(question)
            if scored.node.ref_doc_id not in self._without
        ]
        own_ids = {passage.node_id for passage in own}
        foreign = [passage for passage in found if passage.node_id not in own_ids]
        examples = [self._example(question, record, evidence, passage) for passage in own]
        examples.sort(key=lambda example: -example.label)
        answering = [example for example in examples if example.label == ANSWERS]
        silent = [example for example in examples if example.label != ANSWERS]
        misses = [self._example(question, record, evidence, p) for p in foreign[:others]]
        return Group("corpus", [*answering[:ANSWERING], *silent[:own_misses], *misses])

    def _example(
        self,
        question: str,
        record: dict[str, Any],
        evidence: dict[str, list[Span]],
        passage: BaseNode,
    ) -> Example:
        spans = self._spans(passage)
        reading = reading_of(question, passage, spans)
        mine = evidence.get(passage.ref_doc_id or "", [])
        labels = [
            ANSWERS
            if any(span.start < quote.end and quote.start < span.end for quote in mine)
            else UNKNOWN
            if evidence and may_say_it(own.of(reading.text), record)
            else SILENT
            for span, own in zip(spans, reading.sentences, strict=True)
        ]
        return Example(reading, labels)

    def _spans(self, passage: BaseNode) -> list[Span]:
        return [sentence.span for sentence in self._index.sentences_of(passage.node_id)]


def documents_of(records: Iterable[Mapping[str, Any]]) -> set[str]:
    """The documents that questions are about, or near to where these have no answer."""
    named: set[str] = set()
    for record in records:
        named |= {piece["document"] for piece in record["evidence"]}
        named |= {record["near"]} if "near" in record else set()
    return named


def evidence_spans(index: PassageIndex, record: Mapping[str, Any]) -> dict[str, list[Span]]:
    """Where the evidence of a question stands, by document."""
    spans: dict[str, list[Span]] = {}
    for piece in record["evidence"]:
        text = index.document(piece["document"]).text
        start = text.index(piece["quote"])
        span = Span(start, start + len(piece["quote"]))
        spans.setdefault(piece["document"], []).append(span)
    return spans


def standalone(record: Mapping[str, Any]) -> str:
    """The question in the light of those before it."""
    turns = [Turn(asked) for asked in record.get("history", ())]
    return standalone_question(record["question"], turns)


def may_say_it(sentence: str, record: dict[str, Any]) -> bool:
    """Whether a sentence that was not marked may give the same answer.

    It does if it holds a key string of the answer, or most words of a sentence
    that was marked: the corpus tells many things more than once.
    """
    if any(fact.casefold() in sentence.casefold() for fact in record["facts"]):
        return True
    mine, *others = (
        set(found) for found in terms([sentence, *(e["quote"] for e in record["evidence"])])
    )
    return any(
        len(mine & other) >= SAME_TERMS * max(1, min(len(mine), len(other))) for other in others
    )


class PublicExamples:
    """Questions about public texts: our own, and those that come with the texts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts: dict[str, dict[str, dict[str, Any]]] = {}

    def ours(self) -> Iterator[tuple[str, Group]]:
        """Our questions, each with the name of its text."""
        for record in read_lines(QUESTIONS / "public.jsonl"):
            text = self._text(record["set"], record["text"])["text"]
            spans = [Span(*span) for span in record["spans"]]
            group = Group("public", [_marked(standalone(record), text, spans)])
            yield f"{record['set']}/{record['text']}", group

    def squad(self) -> Iterator[tuple[str, Group]]:
        """SQuAD 2.0: the sentence around the answer; half of the questions have none."""
        for query in read_lines(self._folder / "squad2-dev-half" / "queries.jsonl"):
            record = self._text("squad2-dev-half", query["context_id"])
            spans = [
                Span(a["start"], a["start"] + len(a["text"])) for a in query.get("answers") or []
            ]
            example = _marked(query["text"], record["text"], spans)
            yield record["title"], Group("squad", [example])

    def clapnq(self) -> Iterator[tuple[str, Group]]:
        """ClapNQ: the sentences that ground a long answer; half have none."""
        for query in read_lines(self._folder / "clapnq-dev" / "queries.jsonl"):
            text = self._text("clapnq-dev", query["context_id"])["text"]
            spans = []
            for sentence in {s for by in query.get("selected_sentences") or [] for s in by}:
                start = text.find(sentence.strip())
                if start >= 0:
                    spans.append(Span(start, start + len(sentence.strip())))
            if query["type"] == "answerable" and not spans:
                continue
            yield query["context_id"], Group("clapnq", [_marked(query["text"], text, spans)])

    def scifact(self) -> Iterator[tuple[str, Group]]:
        """SciFact's training claims: the sentences that support or contradict them."""
        folder = self._folder / "scifact"
        for query in read_lines(folder / "train_queries.jsonl"):
            examples = []
            for document in query["cited_doc_ids"][:2]:
                sentences = self._text("scifact", document)["metadata"]["sentences"]
                chosen = {n for group in query["evidence"].get(document, []) for n in group}
                text, spans = _joined(sentences)
                labels = [ANSWERS if n in chosen else SILENT for n in range(len(sentences))]
                examples.append(Example(Reading(query["text"], text, spans), labels))
            yield query["_id"], Group("scifact", examples)

    def _text(self, name: str, text_id: str) -> dict[str, Any]:
        if name not in self._texts:
            corpus = read_lines(self._folder / name / "corpus.jsonl.gz")
            self._texts[name] = {record["_id"]: record for record in corpus}
        return self._texts[name][text_id]


def _marked(question: str, text: str, answers: Sequence[Span]) -> Example:
    spans = [s for block in split_blocks(text) for s in split_sentences(text, block)]
    labels = [
        ANSWERS if any(s.start < a.end and a.start < s.end for a in answers) else SILENT
        for s in spans
    ]
    return Example(Reading(question, text, spans), labels)


def _joined(sentences: Sequence[str]) -> tuple[str, list[Span]]:
    text, spans = "", []
    for sentence in (s.strip() for s in sentences):
        spans.append(Span(len(text), len(text) + len(sentence)))
        text += sentence + " "
    return text.rstrip(), spans


def split_groups(
    named: Iterable[tuple[str, Group]],
) -> tuple[list[Group], list[Group]]:
    """Groups for training and for validation, no text in both."""
    train: list[Group] = []
    held: list[Group] = []
    for name, group in named:
        (held if is_held_out(name) else train).append(group)
    return train, held


def batches(groups: Sequence[Group], texts: int, rng: random.Random) -> list[list[Group]]:
    """Groups in random order, in batches of about `texts` texts of like length."""
    order = sorted(groups, key=lambda g: _length(g) + rng.uniform(-60, 60))
    result: list[list[Group]] = [[]]
    for group in order:
        if result[-1] and sum(len(g.examples) for g in result[-1]) >= texts:
            result.append([])
        result[-1].append(group)
    rng.shuffle(result)
    return result


def _length(group: Group) -> float:
    return max(len(example.reading.text) for example in group.examples) / 4
