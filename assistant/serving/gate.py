"""Who may ask just now: so many requests a minute each, so many waiting together."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio
import anyio.to_thread
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from assistant.errors import TooBusy, TooMany

# Questions answered at the same moment; the others wait their turn.
CONCURRENCY = 4

PATIENCE = 60.0  # seconds that a question waits, at most
_SOON = 5  # seconds after which it is worth trying again

_Result = TypeVar("_Result")


class PerMinute:
    """Counts what each client does; `amount` a minute is allowed."""

    def __init__(self, amount: int) -> None:
        self._item = RateLimitItemPerMinute(amount)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def wait(self, client: str) -> int:
        """Count one more; 0 if it is allowed, else the seconds until the next one is."""
        if self._limiter.hit(self._item, client):
            return 0
        reset = self._limiter.get_window_stats(self._item, client).reset_time
        return max(1, math.ceil(reset - time.time()))

    def forget(self, client: str) -> None:
        """Begin at 0 again."""
        self._limiter.clear(self._item, client)


class Gate:
    """Lets questions through, a few at a time; the rest wait or are sent away.

    A client is a user's name or an address. Safe to use from many threads.

    >>> gate = Gate(requests_per_minute=60, queue_size=40)
    >>> with gate.enter("anna"):
    ...     answer = "42"
    """

    def __init__(
        self, requests_per_minute: int, queue_size: int, concurrency: int = CONCURRENCY
    ) -> None:
        self._requests_per_minute = requests_per_minute
        self._requests = PerMinute(requests_per_minute)
        self._queue_size = queue_size
        self._concurrency = concurrency
        self._changed = threading.Condition()
        self._waiting = 0
        self._answering = 0
        self._closed = False
        # A thread that waits at the gate must not take one that others need.
        self._threads = anyio.CapacityLimiter(math.inf)

    @contextmanager
    def enter(self, client: str) -> Iterator[None]:
        """Wait for a place and hold it.

        Raises:
            TooMany: the client has used up this minute's requests.
            TooBusy: the queue is full, does not move, or the server stops.
        """
        if seconds := self._requests.wait(client):
            raise TooMany(
                f"That was more than {self._requests_per_minute:,} requests in a minute. "
                f"Please ask again in {seconds} seconds.",
                retry_after=seconds,
            )
        self._take_place()
        try:
            yield
        finally:
            self._leave()

    async def run(self, client: str, work: Callable[[], _Result]) -> _Result:
        """Do some work inside the gate, in a thread of its own; raises what `enter` raises."""

        def inside() -> _Result:
            with self.enter(client):
                return work()

        return await anyio.to_thread.run_sync(inside, limiter=self._threads)

    def close(self) -> None:
        """Send away whoever waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _take_place(self) -> None:
        with self._changed:
            if self._waiting + self._answering >= self._queue_size + self._concurrency:
                raise TooBusy(
                    f"{self._waiting:,} questions are waiting already. "
                    "Please ask again in a moment.",
                    retry_after=_SOON,
                )
            self._waiting += 1
            self._changed.wait_for(lambda: self._closed or self._has_room, PATIENCE)
            self._waiting -= 1
            if self._closed or not self._has_room:
                raise TooBusy(
                    "The server is stopping."
                    if self._closed
                    else "This took too long. Please ask again in a moment.",
                    retry_after=_SOON,
                )
            self._answering += 1

    def _leave(self) -> None:
        with self._changed:
            self._answering -= 1
            self._changed.notify()

    @property
    def _has_room(self) -> bool:
        return self._answering < self._concurrency
