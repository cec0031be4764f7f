import datetime
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from fakes import HashEmbedder
from files import FILES, HTML

from assistant.changes import IngestReport
from assistant.conversation import Conversation
from assistant.fetching import Fetched
from assistant.ingestion import Progress, generations_of, ingest
from assistant.settings import Settings
from assistant.shelf import Added, Failure
from assistant.web import words
from assistant.web.adding import Adding, Outcome, Wish, checking_html, may_add, outcome_html
from assistant.web.builds import Builds, Stage

REPORT = FILES / "report.pdf"
URL = "https://agency.example/lamp"

Load = Callable[[str, int], HashEmbedder]


@pytest.fixture
def adding(settings: Settings, load: Load) -> Adding:
    build = partial(ingest, settings, load=load)
    return Adding(settings, Builds(build), lambda url: Fetched(
        url, HTML.encode(), ".html", datetime.datetime.now(datetime.UTC)
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "user", "may"),
    [
        ({}, "", True),
        ({"host": "localhost"}, "", True),
        ({"host": "0.0.0.0", "allow_anonymous": True}, "", False),
        ({"users": Path("users")}, "anna", False),
        ({"users": Path("users"), "curators": " bo, anna "}, "anna", True),
        ({"users": Path("users"), "curators": "bo,anna"}, "ann", False),
        ({"users": Path("users"), "curators": "bo,,"}, "", False),
        ({"host": "0.0.0.0", "users": Path("users"), "curators": "anna"}, "anna", True),
    ],
)
def test_who_may_add(changed: dict[str, object], user: str, may: bool, settings: Settings) -> None:
    assert may_add(settings.model_copy(update=changed), user) is may


def test_what_can_be_read_goes_in_and_the_rest_is_told(
    adding: Adding, conversation: Conversation
) -> None:
    *steps, last = adding.add(Wish([REPORT, FILES / "scan.pdf"], URL, publisher="Gazette"))
    assert last.added[0].doc_id == "added/report"
    assert last.added[1].title == "The lamp of Sorrel"
    assert [failure.file.name for failure in last.failed] == ["scan.pdf"]
    assert last.report is not None
    assert set(last.report.added) == {document.doc_id for document in last.added}
    assert steps[0].report is None
    assert set(last.report.added) <= conversation.library.manifest.fingerprints.keys()


def test_nothing_is_built_where_nothing_was_added(adding: Adding, settings: Settings) -> None:
    [only] = adding.add(Wish([FILES / "scan.pdf"]))
    assert (only.added, len(only.failed)) == ((), 1)
    [only] = adding.add(Wish([REPORT], published="soon"))
    assert "'soon'; expected a date" in only.problem
    assert generations_of(settings).finished() == []


def test_builder_that_is_busy_is_told(adding: Adding, settings: Settings) -> None:
    with generations_of(settings).locked():
        *_, last = adding.add(Wish([REPORT]))
    assert "is being built" in last.problem
    assert [document.doc_id for document in last.added] == ["added/report"]
    assert last.report is None


def test_bug_in_a_build_is_one_line(settings: Settings) -> None:
    def build(progress: Progress) -> IngestReport:
        raise ZeroDivisionError("7 / 0")

    *_, last = Adding(settings, Builds(build)).build()
    assert last.problem == words.NOT_BUILT.format(reason="ZeroDivisionError: 7 / 0")


def test_progress_is_told_with_rate_and_time_left() -> None:
    html = outcome_html(Outcome(stage=Stage("embed", 120, 640, 2.0)))
    assert f"<b>{words.STAGES['embed']}</b>" in html
    assert "120 / 640 · 60 a second · about 9 s left" in html
    assert '<progress value="120" max="640">' in html
    assert "role=" not in html
    assert "a second" not in outcome_html(Outcome(stage=Stage("embed", 640, 640, 2.0)))
    assert words.STARTING in outcome_html(Outcome(stage=Stage()))
    assert words.CHECKING in checking_html()


def test_outcome_is_told_and_can_be_read() -> None:
    lamp = Added("added/lamp", Path("lamp.txt"), "The lamp")
    copy = Added("added/copy", Path("copy.txt"), "The copy")
    report = IngestReport(added=("added/copy", "added/lamp"), duplicates=(("added/copy", "owl"),))
    before = outcome_html(Outcome((lamp, copy)))
    assert words.IN_CORPUS in before
    assert "<button" not in before
    html = outcome_html(Outcome((lamp, copy), report=report))
    assert words.IN_INDEX in html
    assert 'data-document="added/lamp"' in html
    assert html.count("Duplicate of owl") == 1
    assert 'role="status"' in html


def test_document_that_the_build_could_not_read_is_not_said_to_be_in_the_index() -> None:
    lamp = Added("added/lamp", Path("lamp.txt"), "The lamp")
    failure = Failure(Path("lamp.txt"), "it changed while it was read", "added/lamp")
    html = outcome_html(Outcome((lamp,), report=IngestReport(failed=(failure,))))
    assert "<bdi>lamp.txt</bdi></b>: it changed while it was read" in html
    assert words.NOT_ADDED in html
    assert words.IN_INDEX not in html


def test_failure_of_one_is_not_that_of_another_with_its_name() -> None:
    lamp = Added("added/lamp", Path("lamp.txt"), "The lamp")
    second = Failure(Path("lamp.md"), "another document has the name", "added/lamp")
    assert Outcome((lamp,), (second,), report=IngestReport()).present == [lamp]


def test_counts_of_a_build_that_nothing_was_added_for() -> None:
    assert words.UP_TO_DATE in outcome_html(Outcome(report=IngestReport()))
    html = outcome_html(Outcome(report=IngestReport(added=("a", "b"), removed=("c",))))
    assert "2 added, 0 changed, 1 removed" in html


def test_names_and_titles_are_text() -> None:
    evil = "<script>hacked()</script>"
    html = outcome_html(Outcome(
        (Added(f'added/"{evil}', Path("x"), evil),),
        (Failure(Path(f"{evil[:8]}.pdf"), evil, "x"),),
        evil,
        report=IngestReport(added=(f'added/"{evil}',)),
    ))  # fmt: skip
    assert "<script" not in html
    assert 'data-document="added/&quot;&lt;script&gt;' in html
