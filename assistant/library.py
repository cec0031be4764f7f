"""What answers now: the current generation of an index, and the models that read it.

Readers follow the pointer between questions, without a restart. A question
keeps the generation it began with until it is answered.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from llama_index.core.base.base_retriever import BaseRetriever

from assistant.answering import Answerer
from assistant.errors import NoSuchGeneration, StoreError
from assistant.generations import Generations
from assistant.index import Manifest, PassageIndex

PATIENCE = 2.0  # seconds that one question waits for a new generation to open
AGAIN = 10.0  # seconds after which one that could not be opened is tried again


@dataclass(frozen=True)
class Reading:
    """One generation, and what searches it and answers from it."""

    retriever: BaseRetriever
    answerer: Answerer
    manifest: Manifest
    index: PassageIndex


@dataclass
class _Opened:
    reading: Reading
    users: int = 0


class Library:
    """The generations of one index that are open. Safe to use from many threads.

    `open_index` opens a generation by its id and refuses one that the models
    cannot read; `furnish` puts the models beside it.
    """

    def __init__(
        self,
        generations: Generations | None,
        open_index: Callable[[str], PassageIndex],
        furnish: Callable[[PassageIndex], Reading],
        first: PassageIndex,
        patience: float = PATIENCE,
        again: float = AGAIN,
    ) -> None:
        self._generations = generations
        self._open_index = open_index
        self._furnish = furnish
        self._lock = threading.Lock()
        self._last = first.manifest.generation
        self._opened = {self._last: _Opened(furnish(first))}
        self._pool = ThreadPoolExecutor(1, "opening")
        self._opening: tuple[str, Future[PassageIndex]] | None = None
        self._patience = patience
        self._again = again
        self._refused: tuple[str, StoreError | None, float] = "", None, 0.0
        self.problem = ""  # why the newest generation is not the one that answers, if it is not

    @classmethod
    def of(cls, reading: Reading) -> Library:
        """A library of one generation, which follows nothing."""

        def refuse(generation: str) -> PassageIndex:
            raise NoSuchGeneration(generation)

        return cls(None, refuse, lambda index: reading, reading.index)

    @contextlib.contextmanager
    def reading(self, generation: str | None = None) -> Iterator[Reading]:
        """The current generation, or the one that is named, as long as it is needed.

        Where the one that is named is no longer kept, it is the current one.
        Where the newest cannot be read, or takes long to open, the one that
        answered before goes on.
        """
        opened = self._take(generation)
        try:
            yield opened.reading
        finally:
            self._give_back(opened)

    @property
    def manifest(self) -> Manifest:
        """That of the generation that answers now."""
        with self.reading() as reading:
            return reading.manifest

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            for opened in self._opened.values():
                opened.reading.index.close()
            self._opened.clear()
            self._give_up_opening()
            self._pool.shutdown(wait=False)

    def _take(self, generation: str | None) -> _Opened:
        index = self._named(generation) if generation else None
        with self._lock:
            if index and index.manifest.generation not in self._opened:
                self._furnished(index)
                index = None
            opened = self._opened.get(generation or "") or self._current()
            opened.users += 1
        if index:  # somebody else was quicker
            index.close()
        return opened

    def _give_back(self, opened: _Opened) -> None:
        with self._lock:
            opened.users -= 1
            for name, other in list(self._opened.items()):
                if name != self._last and not other.users:
                    del self._opened[name]
                    other.reading.index.close()

    def _named(self, generation: str) -> PassageIndex | None:
        """One that is not open yet, opened beside the questions; None if it is not kept."""
        with self._lock:
            if generation in self._opened:
                return None
        try:
            return self._open_index(generation)
        except StoreError:
            return None

    def _current(self) -> _Opened:
        if self._generations is None:
            return self._opened[self._last]
        try:
            wanted = self._generations.pointed()
            opened = self._opened.get(wanted) or self._arrived(wanted)
        except StoreError as error:
            self.problem = str(error)
            return self._opened[self._last]
        if opened is None:
            return self._opened[self._last]
        self._last, self.problem = wanted, ""
        return opened

    def _arrived(self, generation: str) -> _Opened | None:
        """A new generation once it is open; None until then.

        It is opened beside the questions. The one that sees it first waits a
        little, which is enough for all but large ones.
        """
        refused, error, again = self._refused
        if error and refused == generation and time.monotonic() < again:
            raise error
        patience = 0.0
        if self._opening is None or self._opening[0] != generation:
            self._give_up_opening()
            self._opening = generation, self._pool.submit(self._open_index, generation)
            patience = self._patience
        _, opening = self._opening
        if not wait([opening], patience).done:
            return None
        self._opening = None
        try:
            return self._furnished(opening.result())
        except StoreError as error:
            self._refused = generation, error, time.monotonic() + self._again
            raise

    def _give_up_opening(self) -> None:
        """What is being opened is closed as soon as it is open."""
        if self._opening is not None:
            self._opening[1].add_done_callback(_close)
            self._opening = None

    def _furnished(self, index: PassageIndex) -> _Opened:
        opened = _Opened(self._furnish(index))
        self._opened[index.manifest.generation] = opened
        return opened


def _close(opening: Future[PassageIndex]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
