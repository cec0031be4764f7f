"""One call to a language model: its words as they come, and never a wait without an end.

The model is read in a thread of its own, so that whoever waits for it can stop
waiting: at the end of their patience, or because a user called the question off.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llama_index.core.llms import LLM, ChatMessage, ChatResponse

from assistant.llm.http import LINE, Line

TICK = 0.2  # seconds after which somebody who waits hears that there is nothing yet
MOST_CHARACTERS = 12_000  # a longer reply is no answer
_WAITING = 64  # pieces read ahead
_TOO_MANY = 429

# What a status code of the model's server means, for the reader of a note.
_STATUS = {
    401: "refused the key",
    403: "refused the key",
    404: "does not know the model",
    413: "found the question too long",
    _TOO_MANY: "is too busy",
}


@dataclass(frozen=True)
class Limits:
    """How long to wait, in seconds: for the first word, between words, for the whole.

    `again` is how long a server that is too busy may ask us to wait.
    """

    first: float = 60.0
    between: float = 15.0
    total: float = 120.0
    again: float = 5.0


class CallFailed(Exception):  # the answerer falls back on it: no user meets it
    """A call did not bring a whole reply. The message says why, and holds nothing secret."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


@dataclass
class Call:
    """A question to a model. `pieces` asks it; the rest is known afterwards."""

    llm: LLM
    messages: Sequence[ChatMessage]
    limits: Limits = field(default_factory=Limits)
    tokens: dict[str, int] = field(default_factory=dict, init=False)
    finish: str = field(default="", init=False)
    _tells_its_end: bool = field(default=False, init=False)

    def pieces(self) -> Generator[str, None, None]:
        """The reply piece by piece, and "" about five times a second while there is none.

        Closing the generator closes the connection.

        Raises:
            CallFailed: there is no reply, or not the whole of one.
        """
        until = time.monotonic() + self.limits.total
        try:
            yield from self._once(until)
        except CallFailed as failed:
            wait = failed.retry_after
            if wait is None or wait > self.limits.again or time.monotonic() + wait > until:
                raise
            yield from _pause(wait)
            yield from self._once(until)

    def _once(self, until: float) -> Generator[str, None, None]:
        reading = _Reading(self.llm, self.messages)
        limit, silent = min(until, time.monotonic() + self.limits.first), "did not begin to answer"
        characters = 0
        try:
            reading.start()
            while (item := reading.next(limit)) is not None:
                if isinstance(item, Exception):
                    raise _failure(item) from item
                if item is _NOTHING_YET:
                    if time.monotonic() >= limit:
                        raise CallFailed(f"the model {silent} in time")
                    yield ""
                    continue
                limit, silent = min(until, time.monotonic() + self.limits.between), "did not finish"
                piece = self._taken(item)
                characters += len(piece)
                if characters > MOST_CHARACTERS:
                    raise CallFailed("the model went on without an end")
                if time.monotonic() >= until:
                    raise CallFailed("the model did not finish in time")
                yield piece
            if self._tells_its_end and not (self.finish or reading.line.done):
                raise CallFailed("the model's reply was cut off")
        finally:
            reading.line.hang_up()

    def _taken(self, response: ChatResponse) -> str:
        """The text of one piece; its counts and how it ended are kept."""
        counts = tokens_of(response)
        if counts:
            self.tokens = counts
        self.finish = finish_of(response.raw) or self.finish
        self._tells_its_end = self._tells_its_end or is_of_a_server(response.raw)
        # Half of an emoji, as some servers cut them, is no text that anybody could be sent.
        return (response.delta or "").encode("utf-8", "replace").decode()


_NOTHING_YET = object()


class _Reading:
    """A thread that reads a model's reply into a queue; None stands for its end."""

    def __init__(self, llm: LLM, messages: Sequence[ChatMessage]) -> None:
        self.line = Line()
        self._llm = llm
        self._messages = messages
        self._read: queue.Queue[Any] = queue.Queue(_WAITING)

    def start(self) -> None:
        threading.Thread(target=self._run, name="llm", daemon=True).start()

    def next(self, limit: float) -> Any:
        """What was read next, or that there is nothing yet."""
        wait = max(0.0, min(TICK, limit - time.monotonic()))
        try:
            return self._read.get(timeout=wait)
        except queue.Empty:
            return _NOTHING_YET

    def _run(self) -> None:
        LINE.set(self.line)
        last: Exception | None = None
        try:
            stream = self._llm.stream_chat(list(self._messages))
            for response in stream:
                if not self._put(response):
                    break
        except Exception as error:  # whatever it is, the other side falls back
            last = error
        finally:
            self.line.close()
        self._put(last)

    def _put(self, item: Any) -> bool:
        """Hand over what was read; False once nobody waits for it."""
        while not self.line.is_hung_up:
            try:
                self._read.put(item, timeout=TICK)
                return True
            except queue.Full:
                continue
        return False


def _pause(seconds: float) -> Generator[str, None, None]:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        yield ""
        time.sleep(min(TICK, left))


def _failure(error: Exception) -> CallFailed:
    """What went wrong, in our words: those of a server may hold anything."""
    status = getattr(error, "status_code", None)
    if isinstance(error, CallFailed):
        return error
    if isinstance(status, int):
        said = _STATUS.get(status, f"answered with an error ({status})")
        wait = _retry_after(error) if status == _TOO_MANY else None
        return CallFailed(f"the model's server {said}", wait)
    names = {kind.__name__ for one in _causes(error) for kind in type(one).__mro__}
    if any("Timeout" in name for name in names):
        return CallFailed("the model did not answer in time")
    if names & {"ConnectError", "ConnectionError"}:
        return CallFailed("the model's server cannot be reached")
    if names & {"TransportError", "APIConnectionError"}:
        return CallFailed("the connection to the model broke off")
    return CallFailed("the model's reply cannot be read")


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__
    return found


def _retry_after(error: Exception) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", {})
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:  # not said, or as a date: that is no short wait
        return None
    return seconds if seconds >= 0 else None


def finish_of(raw: Any) -> str:
    """Why a reply ended, as the server calls it; "" while it goes on."""
    if isinstance(raw, Mapping):  # Ollama's
        return str(raw.get("done_reason") or "")
    choices = getattr(raw, "choices", None) or [None]
    return str(getattr(choices[0], "finish_reason", None) or "")


def is_of_a_server(raw: Any) -> bool:
    """Whether a piece is one of OpenAI's or of Ollama's form: their last one says why it ended."""
    return hasattr(raw, "choices") or (isinstance(raw, Mapping) and "done" in raw)


def tokens_of(response: ChatResponse) -> dict[str, int]:
    """Tokens read and written so far, where the server says so."""
    raw = response.raw if isinstance(response.raw, Mapping) else {}
    said = {**response.additional_kwargs, **raw}
    names = {
        "read": ("prompt_tokens", "prompt_eval_count"),
        "written": ("completion_tokens", "eval_count"),
    }
    counts = {
        ours: next((said[theirs] for theirs in names[ours] if theirs in said), None)
        for ours in names
    }
    return {name: count for name, count in counts.items() if isinstance(count, int)}
