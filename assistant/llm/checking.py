"""Does a model answer, does it stream, and does it cite as it is asked to?"""

from __future__ import annotations

import time
from dataclasses import dataclass

from llama_index.core.llms import LLM
from llama_index.core.schema import TextNode

from assistant.answering import prompts
from assistant.answering.replies import Reply, Said
from assistant.answering.sheet import Sheet, Source
from assistant.llm.calls import Call, CallFailed, Limits
from assistant.segmentation import Span

# Invented, so that no model knows the answer; the second is beside the point.
_QUESTION = "What did the glass bridge cost, and who paid half of it?"
_SOURCES = {
    "k7f3": "The glass bridge cost 42 million crowns, half of it from the Lantern Fund.",
    "m2x9": "Raw amber needs a licence from the Guild of Scales.",
}
_PAGE = TextNode(
    metadata={"title": "The bridge", "publisher": "Gazette", "published": "2031-03-02"}
)


@dataclass(frozen=True)
class Checkup:
    """What came of asking a model one invented question."""

    model: str
    failure: str = ""
    streams: bool = False
    cites: bool = False
    first_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def is_well(self) -> bool:
        return not self.failure and self.streams and self.cites

    @property
    def line(self) -> str:
        """The outcome in one line."""
        if self.failure:
            return f"{self.model}: {self.failure}"
        streams = "streams" if self.streams else "does not stream"
        cites = "cites as asked" if self.cites else "does not cite as asked"
        took = f"first word after {self.first_seconds:.1f} s, all after {self.seconds:.1f} s"
        return f"{self.model} answers, {streams}, {cites} ({took})"


def check(llm: LLM, model: str, limits: Limits) -> Checkup:
    """Ask a model about invented sources."""
    sheet = Sheet(tuple(Source(i, _PAGE, Span(0, len(t)), t) for i, t in _SOURCES.items()))
    call, reply, start = Call(llm, prompts.messages(_QUESTION, sheet), limits), Reply(), _now()
    sentences: list[Said] = []
    arrivals: list[float] = []
    try:
        for piece in call.pieces():
            sentences += reply.add(piece)
            arrivals += [_now() - start] if piece else []
        sentences += reply.end()
    except CallFailed as failed:
        return Checkup(model, failure=failed.reason)
    if not arrivals:
        return Checkup(model, failure="the model said nothing")
    return Checkup(
        model,
        streams=len(arrivals) > 1,
        cites=bool(sentences) and all(said.ids and set(said.ids) <= {"k7f3"} for said in sentences),
        first_seconds=arrivals[0],
        seconds=_now() - start,
    )


def _now() -> float:
    return time.perf_counter()
