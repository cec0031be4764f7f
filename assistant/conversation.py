"""The question path: a question and the turns so far → an answer with its citations."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

from llama_index.core.llms import LLM
from llama_index.core.schema import NodeWithScore

from assistant import tracing
from assistant.answering import Answerer
from assistant.answering.checks import Checker
from assistant.answering.confidence import Calibration
from assistant.answering.extractive import ExtractiveAnswerer
from assistant.answering.generative import GenerativeAnswerer
from assistant.embeddings import Embedder, load_embedder
from assistant.errors import GenerationGone
from assistant.index import Manifest, PassageIndex
from assistant.ingestion import generations_of, open_index
from assistant.library import Library, Reading
from assistant.llm.models import limits_of, load_llm
from assistant.reranking import Reranker, load_reranker
from assistant.retrieval import HybridRetriever, filterable, search
from assistant.rewriting import search_queries, standalone_question
from assistant.schema import EVERYTHING, Answer, Facets, Filters, Progress, Turn
from assistant.settings import Settings
from assistant.vocabulary import Vocabulary

# How an abstention begins. The first is for documents that come near.
REFUSALS = {
    "not_stated": "The documents do not say.",
    "nothing": "The documents have nothing on this.",
}

# A longer question is cut here: no model reads that far, and no person asks so.
MAX_QUESTION = 2000

# Below this share of the confidence that an answer needs, no model is asked for one.
CLEARLY = 0.5


class Conversation:
    """Questions and answers so far, and what answers the next one.

    `open` loads everything once; `fresh` starts another conversation with the
    same parts, which may go on at the same time in another thread.
    """

    def __init__(self, library: Library, turns: Sequence[Turn] = ()) -> None:
        self.library = library
        self.turns = list(turns)

    @classmethod
    def open(
        cls,
        settings: Settings,
        load: Callable[[str, int], Embedder] | None = None,
        load_judge: Callable[[str, int], Reranker] = load_reranker,
        index: PassageIndex | None = None,
    ) -> Conversation:
        """Load the models, and follow the current generation unless an index is given.

        Raises:
            StoreError: the index is missing, out of date or damaged.
            ModelUnavailable: a model cannot be loaded.
        """
        tracing.start()
        load = load or partial(load_embedder, backend=settings.embedding_backend)
        first = index or open_index(settings)
        embedder = load(settings.embedding_model, settings.threads)
        judge = load_judge(settings.reranker, settings.threads)
        calibration = Calibration.load(settings.calibration)
        llm = load_llm(settings) if settings.llm else None

        def furnish(index: PassageIndex) -> Reading:
            retriever = HybridRetriever(
                index, embedder, settings.dense_weight, settings.candidates, settings.top_k
            )
            offline = ExtractiveAnswerer(
                embedder,
                judge,
                calibration,
                sentences_of=index.sentences_of,
                idf=index.lexical.idf,
                max_words=settings.answer_words,
                abstain_below=_or(settings.abstain_below, calibration.abstain_below),
                nothing_below=_or(settings.nothing_below, calibration.nothing_below),
                answer_from=settings.answer_from,
            )
            answerer: Answerer = offline
            if llm is not None:
                answerer = _written_by(llm, settings, offline, judge, index.vocabulary)
            return Reading(retriever, answerer, index.manifest, index)

        if index is not None:
            return cls(Library.of(furnish(index)))
        following = partial(open_index, settings)
        return cls(Library(generations_of(settings), following, furnish, first))

    def fresh(self, turns: Sequence[Turn] = ()) -> Conversation:
        """Another conversation over the same index, with these turns behind it."""
        return Conversation(self.library, turns)

    @property
    def manifest(self) -> Manifest:
        """That of the generation that answers now."""
        return self.library.manifest

    def facets(self, filters: Filters = EVERYTHING) -> Facets:
        """What there is to search, or what the filters leave of it.

        Raises:
            TypeError: the retriever cannot search within filters.
        """
        with self.library.reading() as reading:
            return filterable(reading.retriever).facets(filters)

    def ask(self, question: str, filters: Filters = EVERYTHING) -> Answer:
        """Answer a question in the light of the turns so far, and remember both.

        The filters are for this question and are not remembered.
        """
        *_, last = self.stream(question, filters)
        return last.answer

    def stream(
        self, question: str, filters: Filters = EVERYTHING
    ) -> Generator[Progress, None, None]:
        """The answer as it comes: what of it was checked so far, and at last the whole.

        The question is remembered with the last step. An answerer that does not
        write piece by piece has no steps but that.
        """
        timings: dict[str, float] = {}
        text = question.encode("utf-8", "replace").decode()  # a lone surrogate is no text
        asked = " ".join(text.split())[:MAX_QUESTION]
        try:
            answer = yield from self._from_current(asked, filters, timings)
        except GenerationGone:  # so the server has a newer one, which is asked the same
            answer = yield from self._from_current(asked, filters, timings)
        timings["total"] = sum(timings.values())
        answer = replace(answer, question=text, timings_ms=answer.timings_ms | timings)
        self.turns.append(replace(answer.turn, question=asked))
        tracing.record(answer, timings)
        yield Progress("done", answer)

    def _from_current(
        self, asked: str, filters: Filters, timings: dict[str, float]
    ) -> Generator[Progress, None, Answer]:
        """What the generation that answers now says; the stages' times go into `timings`."""
        with self.library.reading() as reading:
            with _timed(timings, "rewrite"):
                rewritten = yield from self._rewritten(asked, reading.answerer)
                standalone = rewritten or standalone_question(asked, self.turns)
                queries = [asked, rewritten] if rewritten else search_queries(asked, self.turns)
            with _timed(timings, "retrieve"):
                passages = search(reading.retriever, queries, filters) if asked else []
            with _timed(timings, "answer"):
                answer = yield from self._answer(
                    asked, standalone, passages, filters, reading.answerer
                )
            refusal = _refusal(asked, answer, filters, reading) if answer.abstained else ""
            return replace(
                answer,
                text=refusal or answer.text,
                standalone_question=standalone,
                filters=filters,
                generation=reading.manifest.generation,
            )

    def _rewritten(self, asked: str, answerer: Answerer) -> Generator[Progress, None, str]:
        """A follow-up in full words, if a language model is to write it; else ""."""
        if not asked or not isinstance(answerer, GenerativeAnswerer):
            return ""
        waiting = answerer.rewritten(asked, self.turns)
        with closing(waiting):
            while True:
                try:
                    next(waiting)
                except StopIteration as end:
                    return str(end.value)
                yield Progress("search", Answer(question=asked, text=""))

    def _answer(
        self,
        asked: str,
        standalone: str,
        passages: Sequence[NodeWithScore],
        filters: Filters,
        answerer: Answerer,
    ) -> Generator[Progress, None, Answer]:
        if not isinstance(answerer, GenerativeAnswerer):
            return answerer.answer(standalone, passages, filters.as_of)
        with closing(
            answerer.stream(standalone, passages, filters.as_of, asked, self.turns)
        ) as steps:
            for step in steps:
                if step.stage == "done":
                    return step.answer
                yield step
        raise AssertionError("an answer has a last step")


def _refusal(question: str, answer: Answer, filters: Filters, reading: Reading) -> str:
    """What was searched, as the text of an abstention."""
    if not question:
        return "There is no question to answer."
    searched: Manifest | Facets = reading.manifest
    if not filters.is_empty:
        searched = filterable(reading.retriever).facets(filters)
    dates = ""
    if searched.published_from:
        dates = f", dated {searched.published_from} to {searched.published_to}"
    return (
        f"{REFUSALS[answer.outcome]} Searched: {_count(searched.documents, 'document')}{dates} "
        f"({_count(searched.passages, 'passage')})."
        + ("" if filters.is_empty else f" Filter: {filters.in_words}.")
    )


def _written_by(
    llm: LLM,
    settings: Settings,
    offline: ExtractiveAnswerer,
    judge: Reranker,
    vocabulary: Vocabulary,
) -> GenerativeAnswerer:
    """An answerer that has a model write, over the offline one."""
    return GenerativeAnswerer(
        offline,
        llm,
        settings.llm,
        Checker(judge, vocabulary=vocabulary),
        limits_of(settings),
        window=settings.llm_window,
        answer_tokens=settings.llm_answer_tokens,
        most_passages=settings.llm_passages,
        unsupported=settings.llm_unsupported,
        ask_from=_or(settings.llm_abstain_below, offline.abstain_below * CLEARLY),
        prices=settings.llm_prices,
        rewrites=settings.llm_rewrite,
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _or(setting: float | None, fitted: float) -> float:
    return fitted if setting is None else setting


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    """Keep how long a stage took, in milliseconds."""
    start = time.perf_counter()
    yield
    timings[stage] = (time.perf_counter() - start) * 1000
