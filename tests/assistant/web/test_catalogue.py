from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from fakes import HashEmbedder
from files import FILES

from assistant.conversation import Conversation
from assistant.ingestion import ingest
from assistant.settings import Settings
from assistant.shelf import add_files
from assistant.web import words
from assistant.web.adding import MOST_FILES, Adding
from assistant.web.builds import Builds
from assistant.web.catalogue import Catalogue

Load = Callable[[str, int], HashEmbedder]


def request(user: str | None = None) -> Any:
    return SimpleNamespace(username=user)


@pytest.fixture
def make(conversation: Conversation, load: Load) -> Callable[[Settings], Catalogue]:
    def make(settings: Settings) -> Catalogue:
        return Catalogue(
            conversation, Adding(settings, Builds(partial(ingest, settings, load=load)))
        )

    return make


@pytest.fixture
def catalogue(make: Callable[[Settings], Catalogue], settings: Settings) -> Catalogue:
    return make(settings)


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """A file as the page has sent it."""
    path = tmp_path / "sent" / "report.pdf"
    path.parent.mkdir()
    path.write_bytes((FILES / "report.pdf").read_bytes())
    return path


def add(catalogue: Catalogue, *files: Path, url: str = "", user: str | None = None) -> list[Any]:
    return list(catalogue.add(list(map(str, files)), url, "", "", "", "", request(user)))


def test_added_file_is_in_the_table_and_what_was_sent_is_gone(
    catalogue: Catalogue, sent: Path
) -> None:
    first, *_, last = add(catalogue, sent)
    assert words.CHECKING in first[0]
    assert [step["interactive"] for step in first[1:3]] == [False, False]
    assert [step["interactive"] for step in last[1:3]] == [True, True]
    assert words.IN_INDEX in last[0]
    assert last[3]["visible"]
    assert last[4] == ["added"]
    assert last[5:10] == (None, "", "", "", "")
    assert "added/report" in [row[-1] for row in last[10]]
    assert "5 documents" in last[12]
    assert "added" in last[13]["choices"]
    assert not sent.exists()


def test_what_was_typed_stays_where_something_was_not_added(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF")
    *_, last = add(catalogue, tmp_path / "broken.pdf")
    assert last[5] is None
    assert last[6]["__type__"] == "update"
    assert "value" not in last[6]
    assert not last[3]["visible"]


def test_update_takes_in_what_lies_in_the_corpus(
    catalogue: Catalogue, settings: Settings, sent: Path
) -> None:
    add_files(settings, [sent])
    table, note, _ = catalogue.visit("")
    assert words.WAITING.format(count=1) in note.replace("&quot;", '"')
    assert table[0][-2:] == [words.NEW_DOCUMENT, "added/report"]
    *_, last = catalogue.update("", request())
    assert "1 added" in last[0]
    assert catalogue.visit("report")[0][0][-2:] == [words.INDEXED, "added/report"]


def test_other_tab_follows_at_its_next_visit(
    make: Callable[[Settings], Catalogue], settings: Settings, sent: Path
) -> None:
    here, there = make(settings), make(settings)
    before = there.visit("")
    add(here, sent)
    after = there.visit("")
    assert before[2] != after[2] == here.head()
    assert len(after[0]) == len(before[0]) + 1


def test_corpus_that_cannot_be_read_is_told_and_the_table_stays(
    make: Callable[[Settings], Catalogue], settings: Settings, tmp_path: Path
) -> None:
    catalogue = make(settings.model_copy(update={"corpus_dir": tmp_path / "<nowhere>"}))
    table, note, head = catalogue.visit("")
    assert len(table) == 4
    assert "cannot be said: no folder" in note
    assert "&lt;nowhere&gt;" in note
    assert head == catalogue.head()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"host": "0.0.0.0", "allow_anonymous": True}, words.MAY_NOT_ADD),
        ({"users": Path("users"), "curators": "bo"}, words.MAY_NOT_ADD_USER),
    ],
)
def test_who_may_not_add_is_told_and_refused(
    changed: dict[str, Any], why: str, make: Callable[[Settings], Catalogue], settings: Settings,
    sent: Path,
) -> None:  # fmt: skip
    catalogue = make(settings.model_copy(update=changed))
    box, refusal = catalogue.permit(request("anna"))
    assert (box["visible"], refusal["visible"], refusal["value"]) == (False, True, why)
    with pytest.raises(gr.Error, match=why.split("`")[0]):
        add(catalogue, sent, user="anna")
    with pytest.raises(gr.Error, match=why.split("`")[0]):
        next(catalogue.update("", request("anna")))
    assert not (settings.corpus_dir / "added").exists()


def test_who_may_add_sees_how(make: Callable[[Settings], Catalogue], settings: Settings) -> None:
    catalogue = make(settings.model_copy(update={"users": Path("users"), "curators": "anna"}))
    box, refusal = catalogue.permit(request("anna"))
    assert (box["visible"], refusal["visible"]) == (True, False)


def test_nothing_and_too_much_are_refused(catalogue: Catalogue, sent: Path) -> None:
    with pytest.raises(gr.Error, match=words.ADD_NOTHING):
        add(catalogue, url="  ")
    with pytest.raises(gr.Error, match="51 files are more than 50"):
        add(catalogue, *[sent] * (MOST_FILES + 1))
    assert sent.exists()  # and can be sent again


def test_page_of_this_machine_is_not_fetched(catalogue: Catalogue) -> None:
    *_, last = add(catalogue, url="http://127.0.0.1:7860/")
    assert 'class="problem"' in last[0]
    assert "127.0.0.1" in last[0]


def test_ask_about_turns_to_the_questions(catalogue: Catalogue) -> None:
    views, topic = catalogue.ask_about(["added", "web"])
    assert views["selected"] == words.ASK_VIEW
    assert topic["value"] == ["added", "web"]
