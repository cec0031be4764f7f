"""One build of the index at a time, in a thread of its own, and how far it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from assistant.changes import IngestReport
from assistant.errors import IndexBusy
from assistant.ingestion import Progress

_PAUSE = 0.25  # seconds between two looks at how far a build is


@dataclass(frozen=True)
class Stage:
    """How far a build is: `seconds` since this stage began."""

    name: str = ""
    done: int = 0
    total: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float | None:
        """How many a second; None until that can be said."""
        return self.done / self.seconds if self.done and self.seconds >= 1 else None

    @property
    def seconds_left(self) -> float | None:
        """How long this stage takes yet; None until that can be said."""
        return (self.total - self.done) / self.rate if self.rate else None


class Builds:
    """The builds that one server makes, one after another.

    `build` brings the index up to date and tells how far it is.
    """

    def __init__(self, build: Callable[[Progress], IngestReport]) -> None:
        self._build = build
        self._running = threading.Lock()

    def start(self) -> Build:
        """Begin to build; that goes on whether anybody looks or not.

        Raises:
            IndexBusy: this server is building already.
        """
        if not self._running.acquire(blocking=False):
            raise IndexBusy(
                "it is being built already; wait until it is done, then bring it up to date"
            )
        return Build(self._build, self._running.release)


class Build:
    """A build in its thread; `at_the_end` is called there."""

    def __init__(
        self, build: Callable[[Progress], IngestReport], at_the_end: Callable[[], None]
    ) -> None:
        self._build = build
        self._at_the_end = at_the_end
        self._stage, self._began = Stage(), time.monotonic()
        self._report: IngestReport | None = None
        self._error: Exception | None = None
        # A server that stops waits for no build: what was embedded is kept.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stages(self) -> Iterator[Stage]:
        """How far it is, a few times a second, until it has ended."""
        while self._thread.is_alive():
            yield self._stage
            self._thread.join(_PAUSE)

    def outcome(self) -> IngestReport:
        """What it found and did, once it has ended.

        Raises: what `ingestion.ingest` raises.
        """
        self._thread.join()
        if self._report is None:
            raise self._error or RuntimeError("the build ended without a report")
        return self._report

    def _run(self) -> None:
        try:
            self._report = self._build(self._see)
        except Exception as error:  # raised again by `outcome`
            self._error = error
        finally:
            self._at_the_end()

    def _see(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage.name:
            self._began = now
        self._stage = Stage(stage, done, total, now - self._began)
