"""Readers follow the newest generation, and keep the one that they began with."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fakes import HashEmbedder

from assistant.conversation import Conversation
from assistant.errors import IndexDamaged
from assistant.index import PassageIndex
from assistant.ingestion import generations_of, ingest, open_index
from assistant.library import Library, Reading
from assistant.settings import Settings

Load = Callable[[str, int], HashEmbedder]


class Shelf:
    """A library over an index that grows by a document at a time."""

    def __init__(self, settings: Settings, load: Load, corpus: Path, reading: Reading) -> None:
        self.settings, self.load, self.corpus = settings, load, corpus
        self.may_open = threading.Event()
        self.may_open.set()
        self.broken = False
        self.opened = 0

        def furnish(index: PassageIndex) -> Reading:
            return Reading(reading.retriever, reading.answerer, index.manifest, index)

        self.library = Library(
            generations_of(settings),
            self._open,
            furnish,
            open_index(settings),
            patience=0.3,
            again=0.2,
        )

    def grow(self, name: str) -> str:
        """The generation with one document more."""
        (self.corpus / f"{name}.txt").write_text(f"The {name} wakes at nine.")
        manifest = ingest(self.settings, load=self.load).manifest
        assert manifest is not None
        return manifest.generation

    @property
    def current(self) -> str:
        return self.library.manifest.generation

    def _open(self, generation: str) -> PassageIndex:
        self.opened += 1
        assert self.may_open.wait(20)
        if self.broken:
            raise IndexDamaged("part 7 is missing")
        return open_index(self.settings, generation)


@pytest.fixture
def shelf(
    settings: Settings, load: Load, corpus: Path, conversation: Conversation
) -> Iterator[Shelf]:
    with conversation.library.reading() as reading:
        shelf = Shelf(settings, load, corpus, reading)
    with closing(shelf.library):
        yield shelf


def test_next_question_reads_the_newest_generation(shelf: Shelf) -> None:
    first = shelf.current
    with shelf.library.reading() as before:
        second = shelf.grow("owl")
        assert shelf.current == second
        assert before.manifest.generation == first
        assert "owl" not in before.index.manifest.fingerprints
        assert len(before.index.vectors(list(before.index.keys()))) == 5
    with shelf.library.reading() as after:
        assert after.index.document("owl").text == "The owl wakes at nine."


def test_generation_that_opens_slowly_lets_the_old_one_answer(shelf: Shelf) -> None:
    first = shelf.current
    shelf.may_open.clear()
    second = shelf.grow("owl")
    for _ in range(3):
        with shelf.library.reading() as reading:
            assert reading.manifest.generation == first
    shelf.may_open.set()
    for _ in range(200):
        if shelf.current == second:
            break
        threading.Event().wait(0.05)
    assert shelf.current == second


def test_generation_that_is_overtaken_while_it_opens(shelf: Shelf) -> None:
    shelf.may_open.clear()
    shelf.grow("owl")
    assert shelf.current.startswith("0001")
    third = shelf.grow("gull")
    assert shelf.current.startswith("0001")
    shelf.may_open.set()
    for _ in range(200):
        if shelf.current == third:
            break
        threading.Event().wait(0.05)
    assert shelf.current == third


def test_generation_that_cannot_be_read_lets_the_old_one_answer(shelf: Shelf) -> None:
    first = shelf.current
    shelf.broken = True
    second = shelf.grow("owl")
    assert shelf.current == first
    assert shelf.library.problem == "part 7 is missing"
    shelf.broken = False
    opened = shelf.opened
    assert shelf.current == first  # it is not tried again at once
    assert shelf.opened == opened
    time.sleep(0.3)
    assert shelf.current == second
    assert shelf.library.problem == ""


def test_older_generation_by_its_name(shelf: Shelf) -> None:
    first = shelf.current
    second = shelf.grow("owl")
    with shelf.library.reading(first) as old, shelf.library.reading() as new:
        assert (old.manifest.generation, new.manifest.generation) == (first, second)
    with shelf.library.reading("0009-00000000") as instead:
        assert instead.manifest.generation == second
