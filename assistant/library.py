"""What answers now: the current generation of an index, and the models that read it.

Readers follow the pointer between questions, without a restart. A question
keeps the generation it began with until it is answered.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llama_index.core.base.base_retriever import BaseRetriever

from assistant.answering import Answerer
from assistant.errors import NoSuchGeneration, StoreError
from assistant.generations import Generations
from assistant.index import Manifest, PassageIndex


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
    ) -> None:
        self._generations = generations
        self._open_index = open_index
        self._furnish = furnish
        self._lock = threading.Lock()
        self._last = first.manifest.generation
        self._opened = {self._last: _Opened(furnish(first))}
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
        Where the newest cannot be read, the one that answered before goes on.
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

    def _take(self, generation: str | None) -> _Opened:
        with self._lock:
            opened = self._named(generation) if generation else None
            opened = opened or self._current()
            opened.users += 1
            return opened

    def _give_back(self, opened: _Opened) -> None:
        with self._lock:
            opened.users -= 1
            for name, other in list(self._opened.items()):
                if name != self._last and not other.users:
                    del self._opened[name]
                    other.reading.index.close()

    def _named(self, generation: str) -> _Opened | None:
        """A generation that may be an older one; None where it is no longer kept."""
        try:
            return self._open(generation)
        except StoreError:
            return None

    def _current(self) -> _Opened:
        if self._generations is None:
            return self._opened[self._last]
        try:
            wanted = self._generations.current().name
            opened = self._open(wanted)
        except StoreError as error:
            self.problem = str(error)
            return self._opened[self._last]
        self._last, self.problem = wanted, ""
        return opened

    def _open(self, generation: str) -> _Opened:
        if generation not in self._opened:
            self._opened[generation] = _Opened(self._furnish(self._open_index(generation)))
        return self._opened[generation]
