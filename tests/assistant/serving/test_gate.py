import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pytest

from assistant.errors import TooBusy, TooMany
from assistant.serving.gate import Gate


@contextmanager
def inside(gate: Gate, client: str = "anna") -> Iterator[threading.Event]:
    """Somebody who has gone through the gate and stays until told to leave."""
    leave, entered = threading.Event(), threading.Event()

    def stay() -> None:
        with gate.enter(client):
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=stay)
    thread.start()
    assert entered.wait(5)
    try:
        yield leave
    finally:
        leave.set()
        thread.join()


def waiting(gate: Gate, outcomes: list[str]) -> threading.Thread:
    """Somebody who waits at the gate, and what becomes of it."""

    def wait() -> None:
        try:
            with gate.enter("berta"):
                outcomes.append("entered")
        except TooBusy as error:
            outcomes.append(str(error))

    thread = threading.Thread(target=wait)
    thread.start()
    deadline = time.monotonic() + 5
    while gate._waiting == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    return thread


def test_gate_counts_each_client_by_itself() -> None:
    gate = Gate(requests_per_minute=2, queue_size=0)
    for _ in range(2):
        with gate.enter("anna"):
            pass
    with pytest.raises(TooMany, match="more than 2 requests in a minute") as refused:
        gate.enter("anna").__enter__()
    assert 0 < refused.value.retry_after <= 60
    with gate.enter("berta"):
        pass


def test_gate_that_is_full_sends_away_and_its_queue_moves_on() -> None:
    gate = Gate(requests_per_minute=100, queue_size=1, concurrency=1)
    outcomes: list[str] = []
    with inside(gate) as leave:
        thread = waiting(gate, outcomes)
        with pytest.raises(TooBusy, match="1 questions are waiting already") as refused:
            gate.enter("carla").__enter__()
        assert refused.value.retry_after > 0
        assert outcomes == []
        leave.set()
        thread.join(5)
    assert outcomes == ["entered"]


def test_gate_without_a_queue_lets_in_as_many_as_it_may() -> None:
    gate = Gate(requests_per_minute=100, queue_size=0, concurrency=2)
    with inside(gate), inside(gate), pytest.raises(TooBusy):
        gate.enter("carla").__enter__()


def test_gate_that_closes_sends_away_who_waits() -> None:
    gate = Gate(requests_per_minute=100, queue_size=5, concurrency=1)
    outcomes: list[str] = []
    with inside(gate):
        thread = waiting(gate, outcomes)
        gate.close()
        thread.join(5)
    assert outcomes == ["The server is stopping."]


def test_gate_does_not_let_anybody_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.serving.gate.PATIENCE", 0.05)
    gate = Gate(requests_per_minute=100, queue_size=5, concurrency=1)
    with inside(gate), pytest.raises(TooBusy, match="took too long"):
        gate.enter("carla").__enter__()


def test_gate_gives_the_place_back_after_an_error() -> None:
    gate = Gate(requests_per_minute=100, queue_size=0, concurrency=1)
    with pytest.raises(ZeroDivisionError), gate.enter("anna"):
        1 / 0  # noqa: B018
    with gate.enter("anna"):
        pass


def test_gate_runs_a_few_at_a_time() -> None:
    gate = Gate(requests_per_minute=100, queue_size=40, concurrency=3)
    now, most = 0, 0
    lock = threading.Lock()

    def work() -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        return 1

    async def all_at_once() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(gate.run, str(number), work)

    anyio.run(all_at_once)
    assert most == 3
