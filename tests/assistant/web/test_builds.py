import threading
import time

import pytest

from assistant.changes import IngestReport
from assistant.errors import IndexBusy, StoreError
from assistant.ingestion import Progress
from assistant.web.builds import Builds, Stage


def test_rate_and_time_left() -> None:
    assert Stage("embed", 20, 100, 4.0).rate == 5
    assert Stage("embed", 20, 100, 4.0).seconds_left == 16
    for early in (Stage(), Stage("embed", 0, 100, 4.0), Stage("embed", 20, 100, 0.5)):
        assert early.rate is early.seconds_left is None


def test_build_says_how_far_it_is_and_what_it_did() -> None:
    seen = threading.Event()

    def build(progress: Progress) -> IngestReport:
        progress("read", 4, 4)
        progress("embed", 3, 8)
        seen.wait(10)
        return IngestReport(added=("owl",))

    running = Builds(build).start()
    for stage in running.stages():
        if stage.name == "embed":
            assert (stage.done, stage.total) == (3, 8)
            assert stage.seconds < 5
            seen.set()
    assert seen.is_set()
    assert running.outcome().added == ("owl",)


def test_one_build_at_a_time_and_the_next_after_it() -> None:
    finish = threading.Event()

    def build(progress: Progress) -> IngestReport:
        finish.wait(10)
        return IngestReport()

    builds = Builds(build)
    first = builds.start()
    with pytest.raises(IndexBusy, match="being built already"):
        builds.start()
    finish.set()
    first.outcome()
    builds.start().outcome()


def test_build_that_fails_says_why_and_lets_the_next_one_begin() -> None:
    def build(progress: Progress) -> IngestReport:
        raise StoreError("no room")

    builds = Builds(build)
    for _ in range(2):
        with pytest.raises(StoreError, match="no room"):
            builds.start().outcome()


def test_build_goes_on_where_nobody_looks() -> None:
    done = threading.Event()

    def build(progress: Progress) -> IngestReport:
        time.sleep(0.1)
        done.set()
        return IngestReport()

    stages = Builds(build).start().stages()
    next(stages)
    stages.close()  # type: ignore[attr-defined]
    assert done.wait(10)
