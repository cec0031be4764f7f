"""An answer that a language model writes, of which only what the sources say gets through.

The offline answerer goes first. It decides whether the documents can answer at
all, orders the passages, and its answer is there for when the model's is not.
"""

from __future__ import annotations

import datetime
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Generator, Hashable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Literal

from llama_index.core.llms import LLM
from llama_index.core.schema import NodeWithScore

from assistant.answering import prompts
from assistant.answering.checks import Checker
from assistant.answering.drafts import Draft
from assistant.answering.extractive import ExtractiveAnswerer
from assistant.answering.replies import Reply, Said, cleaned, without_thought
from assistant.answering.review import Reviewer
from assistant.answering.sheet import Sheet, make_sheet
from assistant.llm.calls import Call, CallFailed, Limits
from assistant.rewriting import is_follow_up
from assistant.schema import Answer, Progress, Turn

LONGEST_QUESTION = 400  # characters of a question in full words
KEPT = 256  # answers
MOST_SENTENCES = 20  # of a reply: more is no answer to a question
_ID_TOKENS = 8  # an id, its brackets and its line
_OTHER_TOKENS = 400  # fences, titles, publishers, dates

_log = logging.getLogger(__name__)

_CUT_SHORT = {"length", "max_tokens"}
_DECLINED = {"content_filter", "refusal"}


@dataclass
class GenerativeAnswerer:
    """Has a language model write the answer, and checks each sentence as it comes.

    `window` and `answer_tokens` are the language model's, `most_passages` how
    many passages it is shown. Where the offline
    answerer abstains with a confidence below `ask_from`, it is not asked.
    `prices` are dollars per million tokens read and written; `rewrites` allows
    one more call, for a follow-up question.

    An answer is kept for the same question, sources, model and prompt; the
    sources follow from the generation and the filters.
    """

    offline: ExtractiveAnswerer
    llm: LLM
    model: str
    checker: Checker
    limits: Limits
    window: int
    answer_tokens: int
    most_passages: int
    unsupported: Literal["strike", "remove"] = "strike"
    ask_from: float = 0.0
    prices: tuple[float, float] | None = None
    rewrites: bool = False
    name: str = field(default="generative", init=False)
    kept: Kept = field(default_factory=lambda: Kept(KEPT), init=False, repr=False)

    def answer(
        self,
        question: str,
        passages: Sequence[NodeWithScore],
        as_of: datetime.date | None = None,
    ) -> Answer:
        """The checked answer of the model, or the offline one and why."""
        *_, last = self.stream(question, passages, as_of)
        return last.answer

    def stream(
        self,
        question: str,
        passages: Sequence[NodeWithScore],
        as_of: datetime.date | None = None,
        asked: str = "",
        turns: Sequence[Turn] = (),
    ) -> Generator[Progress, None, None]:
        """The answer as far as it is written and checked, again and again; the last is whole.

        `question` can be read alone; `asked`, where it differs, is how it was
        put after these turns. While the model is silent the same is given
        again, so that whoever listens may leave. Closing the generator closes
        the line to the model.
        """
        start = time.perf_counter()
        quoted = self.offline.answer(question, passages, as_of)
        quoted = replace(quoted, timings_ms={"quote": _ms(start)})
        if self._is_hopeless(quoted):
            yield Progress("done", quoted)
            return
        asked = asked or question
        turns = turns if asked != question else ()
        sheet = self._sheet(quoted, asked, turns)
        if not sheet.sources:
            reason = f"question and sources do not fit into the model's {self.window:,} tokens"
            yield Progress("done", self._instead(quoted, reason))
            return
        key = (asked, tuple(turns), as_of, *sheet.by_id, self.model, prompts.VERSION)
        known = self.kept.get(key)
        if known is None:
            sent = prompts.messages(asked, sheet, turns, as_of)
            call = Call(self.llm, sent, self.limits)
            reviewer = Reviewer(self.checker, sheet, question, self.offline.idf)
            known = yield from self._written(quoted, call, reviewer)
            if not known.fallback:
                self.kept.put(key, replace(known, tokens={}, cost=None, timings_ms={}))
        yield Progress(
            "done",
            replace(
                known, passages=quoted.passages, timings_ms=quoted.timings_ms | known.timings_ms
            ),
        )

    def rewritten(self, question: str, turns: Sequence[Turn]) -> Generator[None, None, str]:
        """A follow-up question in full words; "" where it is none, or the model fails.

        Gives None again and again while it waits.
        """
        if not self.rewrites or not turns or not is_follow_up(question):
            return ""
        call, said = Call(self.llm, prompts.rewriting(question, turns), self.limits), ""
        try:
            with closing(call.pieces()) as pieces:
                for piece in pieces:
                    said += piece
                    yield
        except CallFailed:
            return ""
        if call.finish in _CUT_SHORT | _DECLINED:
            return ""
        return _question_in(said)

    def _is_hopeless(self, quoted: Answer) -> bool:
        """Whether the offline answerer is sure that the documents do not answer."""
        return quoted.abstained and (
            quoted.outcome == "nothing" or quoted.confidence < self.ask_from
        )

    def _sheet(self, quoted: Answer, asked: str, turns: Sequence[Turn]) -> Sheet:
        """As many of the sources as the window has room for."""
        told = [asked, *prompts.told(turns)]
        room = self.window - self.answer_tokens - prompts.RULE_TOKENS - _OTHER_TOKENS
        return make_sheet(
            quoted.passages[: self.most_passages],
            self.offline.sentences_of,
            room - sum(map(prompts.tokens, told)),
            lambda text: prompts.tokens(text) + _ID_TOKENS,
        )

    def _written(
        self, quoted: Answer, call: Call, reviewer: Reviewer
    ) -> Generator[Progress, None, Answer]:
        """Check each sentence once it is whole; then judge the answer."""
        draft, reply, watch = Draft(), Reply(), _Watch()
        try:
            with closing(call.pieces()) as pieces:
                yield Progress("ask", draft.over(quoted))
                for piece in pieces:
                    watch.check(draft, reply.add(piece), reviewer)
                    if len(draft.sentences) > MOST_SENTENCES:
                        raise CallFailed("the model went on without an end")
                    yield Progress("write" if reply.text else "ask", draft.over(quoted))
            if call.finish in _DECLINED:
                raise CallFailed("the model declined to answer")
            last = list(reply.end())
            watch.check(draft, last[:-1] if call.finish in _CUT_SHORT else last, reviewer)
        except CallFailed as failed:
            answer = self._instead(quoted, failed.reason, draft)
        except Exception as error:  # replies and sources are anybody's: a rule may have a hole
            name, told = type(error).__name__, _log.isEnabledFor(logging.DEBUG)
            _log.error("a check failed on what %s wrote: %s", self.model, name, exc_info=told)
            answer = self._instead(quoted, "what the model wrote cannot be checked")
        else:
            answer = self._judged(quoted, draft, prompts.NO_ANSWER in reply.text)
        return replace(
            answer, tokens=call.tokens, cost=self._cost(call), timings_ms=watch.timings_ms
        )

    def _judged(self, quoted: Answer, draft: Draft, gave_up: bool) -> Answer:
        """What was written, if enough of it is in the sources."""
        if draft.is_enough:
            return replace(
                draft.over(quoted),
                answerer=self.name,
                model=self.model,
                struck=self.unsupported == "strike",
            )
        if not draft.claims and (gave_up or draft.sentences):
            return replace(draft.abstention(quoted), answerer=self.name, model=self.model)
        if not draft.sentences:
            return self._instead(quoted, "the model said nothing")
        return self._instead(quoted, "too little of what the model wrote is in the sources", draft)

    def _instead(self, quoted: Answer, reason: str, draft: Draft | None = None) -> Answer:
        """The offline answer, why it stands there, and what came of the model's."""
        sentences = draft.checked if draft else ()
        return replace(quoted, model=self.model, fallback=reason, sentences=sentences)

    def _cost(self, call: Call) -> float | None:
        if self.prices is None or not call.tokens:
            return None
        counts = call.tokens.get("read", 0), call.tokens.get("written", 0)
        return sum(n * price for n, price in zip(counts, self.prices, strict=True)) / 1e6


def _question_in(said: str) -> str:
    """The one line of a reply, if it is a question and not too long; else an empty text."""
    line = without_thought(said).strip()
    is_one = "\n" not in line and line.endswith("?") and len(line) <= LONGEST_QUESTION
    return cleaned(line) if is_one else ""


class _Watch:
    """How long the model wrote, and how long its sentences were checked."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._checking = 0.0

    def check(self, draft: Draft, sentences: Iterable[Said], reviewer: Reviewer) -> None:
        """Review sentences into the draft."""
        start = time.perf_counter()
        for said in sentences:
            if prompts.NO_ANSWER.lower() not in said.text.lower():
                draft.add(reviewer.review(said))
        self._checking += _ms(start)

    @property
    def timings_ms(self) -> dict[str, float]:
        return {"write": _ms(self._start) - self._checking, "check": self._checking}


class Kept:
    """The answers asked for last, a bounded number. Safe to share by threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Answer | None:
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: Hashable, answer: Answer) -> None:
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)


def _ms(start: float) -> float:
    return (time.perf_counter() - start) * 1000
