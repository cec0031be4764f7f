"""Who may build, where many machines have one server."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from assistant import server_lock
from assistant.chroma_server import Address, ChromaServer
from assistant.errors import IndexBusy
from assistant.server_lock import DEAD_AFTER, ServerLock

OTHER = "by process 7 on owl since 2031-03-02T10:00:00+00:00"


@pytest.fixture
def server(database: str) -> Iterator[ChromaServer]:
    with closing(ChromaServer(Address.of(database))) as server:
        yield server


def left(server: ChromaServer, silent: int) -> None:
    """A lock of somebody who was last heard of some seconds ago."""
    assert server.create("main.lock", {"owner": OTHER, "heard": server.now() - silent})


def test_lock_is_given_back(server: ChromaServer) -> None:
    lock = ServerLock(server, "main")
    for _ in range(2):
        with lock.held("by me"):
            assert lock.holder() == "by me"
            lock.check()
    assert lock.holder() is None
    assert list(server.names()) == []
    assert lock.took_over is None


def test_busy_says_who_builds_and_when_they_were_heard_of(server: ChromaServer) -> None:
    left(server, silent=30)
    with pytest.raises(IndexBusy, match=rf"'main' is being built {OTHER[:24]}.*of 3\d s ago"):
        ServerLock(server, "main").held("by me").__enter__()
    assert ServerLock(server, "main").holder() == OTHER


def test_who_was_not_heard_of_for_a_minute_is_taken_over(server: ChromaServer) -> None:
    left(server, silent=DEAD_AFTER + 1)
    lock = ServerLock(server, "main")
    with lock.held("by me"):
        assert lock.took_over == OTHER
        assert lock.holder() == "by me"


def test_who_is_known_to_be_dead_is_not_waited_for(server: ChromaServer) -> None:
    left(server, silent=0)
    with ServerLock(server, "main").held("by me", dead=OTHER):
        assert ServerLock(server, "main").holder() == "by me"


def test_builder_is_heard_of_while_it_builds(
    server: ChromaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_lock, "_SIGN_OF_LIFE", 0.1)
    with ServerLock(server, "main").held("by me"):
        first = server.find("main.lock")
        for _ in range(100):
            later = server.find("main.lock")
            assert first is not None
            assert later is not None
            if later.metadata["heard"] > first.metadata["heard"]:
                return
            threading.Event().wait(0.1)
    pytest.fail("it was not heard of")


def test_who_wakes_up_after_being_taken_over_does_no_harm(server: ChromaServer) -> None:
    sleeper, successor = ServerLock(server, "main"), ServerLock(server, "main")
    asleep = sleeper.held(OTHER)
    asleep.__enter__()
    with successor.held("by me", dead=OTHER):
        with pytest.raises(IndexBusy, match="taken for dead; nothing of it is published"):
            sleeper.check()
        asleep.__exit__(None, None, None)
        successor.check()


@pytest.mark.parametrize("silent", [None, DEAD_AFTER + 1])
def test_of_many_who_want_it_one_has_it(silent: int | None, server: ChromaServer) -> None:
    """Whether it is free or was left by somebody who died."""
    if silent:
        left(server, silent)
    start, done = threading.Barrier(8, timeout=60), threading.Barrier(8, timeout=60)
    inside = []

    def build(number: int) -> None:
        lock = ServerLock(server, "main")
        start.wait()
        try:
            with lock.held(f"by thread {number}"):
                inside.append(number)
                done.wait()
                lock.check()
        except IndexBusy:
            done.wait()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(build, range(8)))
    assert len(inside) == 1
    assert list(server.names()) == []
