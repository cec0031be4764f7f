import json
import re
import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import HashEmbedder
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle
from parts import with_parts

from assistant.conversation import Conversation
from assistant.errors import HistoryError, IndexDamaged, NoSuchConversation
from assistant.history import ConversationStore
from assistant.index import PassageIndex
from assistant.ingestion import ingest
from assistant.schema import Filters
from assistant.serving.gate import Gate
from assistant.settings import Settings
from assistant.web import words
from assistant.web.chat import Chat, Desk, Step
from assistant.web.sources import NO_SOURCES
from assistant.web.suggestions import Suggestions

BRIDGE = "How much did the bridge of glass in Velmora cost?"
AMBER = "What limit did Kelland put on the export of amber?"
EXPORT = "trade/2030-11-20-amber-post-amber-export"
EVERYTHING = Filters()
NEWS = Filters(kind=("news",))


def asked(
    desk: Desk, *questions: str, chat: Chat | None = None, filters: Filters = EVERYTHING
) -> Chat:
    """The conversation of Ann once these questions are answered."""
    chat = chat or Chat()
    for question in questions:
        *_, last = desk.ask(question, chat, filters, "ann")
        chat = last.chat
    return chat


def saved(store: ConversationStore, chat: Chat) -> list[str]:
    """The questions of a conversation as the store has them."""
    return [answer.question for answer in store.load("ann", chat.id or "").answers]


def questions(step: Step) -> list[str]:
    """The questions that the page shows."""
    found = [said["content"] for said in step.messages or () if said["role"] == "user"]
    return [re.sub("<[^>]*>", "", content) for content in found]


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Broken(BaseRetriever):
    """An index that went bad."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        raise IndexDamaged("part <b>7</b> is missing: build the index")


def test_ask_shows_the_question_then_the_sources_then_the_answer_as_it_grows(desk: Desk) -> None:
    first, second, *growing, last = desk.ask(BRIDGE, Chat(), EVERYTHING, "ann")
    assert (questions(first), len(first.messages or ()), first.following) == ([BRIDGE], 1, "")
    assert "Report on the glass bridge" in (second.panel or "")
    shown = [str((step.messages or [])[-1]["content"]) for step in growing]
    assert len(shown) == 3
    assert "the Lantern Fund" not in shown[0]
    assert "the Lantern Fund" in shown[1]
    assert "Confidence" in shown[2]
    assert [step.busy for step in (first, second, *growing, last)] == [True] * 5 + [False]
    assert "Where were the panes cast?" in (last.following or "")
    assert BRIDGE in (last.conversations or "")


def test_ask_goes_on_from_the_turns_before(desk: Desk, store: ConversationStore) -> None:
    chat = asked(desk, BRIDGE, "and who paid half of it?")
    assert "glass" in chat.answers[1].standalone_question
    assert saved(store, chat) == [BRIDGE, "and who paid half of it?"]
    assert chat.title == BRIDGE


def test_ask_after_an_edit_takes_the_last_answers_place(
    desk: Desk, store: ConversationStore
) -> None:
    chat = asked(desk, AMBER, BRIDGE)
    first, *_, last = desk.ask("Who cut the ribbon?", replace(chat, editing=True), NEWS, "ann")
    assert questions(first) == questions(desk.show(last.chat, "ann"))
    assert questions(first) == [AMBER, "Who cut the ribbon?"]
    assert saved(store, last.chat) == [AMBER, "Who cut the ribbon?"]
    assert last.chat.id == chat.id
    assert not last.chat.editing


def test_retry_asks_the_last_question_again(desk: Desk, store: ConversationStore) -> None:
    chat = asked(desk, AMBER, BRIDGE)
    *_, last = desk.retry(chat, NEWS, "ann")
    assert saved(store, last.chat) == [AMBER, BRIDGE]
    assert [answer.filters for answer in last.chat.answers] == [EVERYTHING, NEWS]
    assert list(desk.retry(Chat(), NEWS, "ann")) == []


def test_question_that_is_called_off_leaves_nothing_behind(
    desk: Desk, store: ConversationStore
) -> None:
    """Gradio lets a step that has begun come to its end, and takes no other."""
    chat = asked(desk, AMBER)
    for steps in (desk.ask(BRIDGE, chat, EVERYTHING, "ann"), desk.retry(chat, NEWS, "ann")):
        assert [next(steps).chat, next(steps).chat] == [chat, chat]
    assert store.load("ann", chat.id or "").answers[0].filters == EVERYTHING
    assert saved(store, chat) == [AMBER]


@pytest.mark.parametrize("editing", [False, True])
def test_question_that_fails_leaves_the_conversation_as_it_was(
    editing: bool,
    desk: Desk,
    conversation: Conversation,
    index: PassageIndex,
    store: ConversationStore,
) -> None:
    chat = asked(desk, AMBER)
    broken = with_parts(conversation, retriever=Broken())
    failing = Desk(broken, store, Suggestions([]), Gate(1000, 40))
    *_, last = failing.ask(BRIDGE, replace(chat, editing=editing), EVERYTHING, "ann")
    assert (last.chat, last.busy) == (chat, False)
    assert questions(last) == [AMBER, BRIDGE]
    assert "part &lt;b&gt;7&lt;/b&gt; is missing" in (last.messages or [])[-1]["content"]
    assert saved(store, chat) == [AMBER]


def test_answer_is_shown_though_it_cannot_be_kept(desk: Desk, store: ConversationStore) -> None:
    """It is kept with the next one; turns in the store are those on the page."""
    with full_disk():
        chat = asked(desk, BRIDGE)
    assert (chat.id, len(chat.answers), store.conversations("ann")) == (None, 1, [])
    assert desk.markdown(chat).startswith(f"# {BRIDGE}\n")
    with pytest.raises(HistoryError, match="not kept"):
        desk.give_feedback(chat, 0, "right", {}, "ann")
    chat = asked(desk, AMBER, chat=chat)
    assert saved(store, chat) == [BRIDGE, AMBER]
    [kept] = store.conversations("ann")
    assert (kept.id, kept.title) == (chat.id, BRIDGE)


def test_answer_is_shown_though_the_store_is_broken(desk: Desk, store: ConversationStore) -> None:
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("DROP TABLE answers")
    *_, last = desk.ask(BRIDGE, Chat(), EVERYTHING, "ann")
    assert (len(last.chat.answers), last.busy) == (1, False)
    assert words.NOT_READ in (last.conversations or "")


def test_open_shows_the_conversation_as_it_was_answered(desk: Desk) -> None:
    _, panel, *_, whole, last = desk.ask(BRIDGE, asked(desk, AMBER), EVERYTHING, "ann")
    opened = desk.open(last.chat.id or "", "ann")
    assert questions(opened) == [AMBER, BRIDGE]
    assert opened.messages == whole.messages
    assert opened.panel == panel.panel
    assert (opened.following, opened.conversations) == (last.following, last.conversations)


def test_conversation_of_another_user(desk: Desk, store: ConversationStore) -> None:
    chat = asked(desk, BRIDGE)
    for forbidden in (
        lambda: desk.open(chat.id or "", "bob"),
        lambda: desk.rename(chat.id or "", "Mine", Chat(), "bob"),
        lambda: desk.delete(chat.id or "", Chat(), "bob"),
        lambda: desk.give_feedback(chat, 0, "wrong", {}, "bob"),
    ):
        with pytest.raises(NoSuchConversation):
            forbidden()
    assert desk.conversations(Chat(), "bob") == desk.conversations(Chat(), "")
    assert [one.title for one in store.conversations("ann")] == [BRIDGE]


def test_rename(desk: Desk, store: ConversationStore) -> None:
    one, other = asked(desk, BRIDGE), asked(desk, AMBER)
    assert desk.rename(one.id or "", " Glass ", one, "ann").chat.title == "Glass"
    step = desk.rename(one.id or "", "Glass & storms", other, "ann")
    assert step.chat == other
    assert ">Glass &amp; storms</a>" in (step.conversations or "")
    desk.rename(one.id or "", "  ", one, "ann")
    assert {one.title for one in store.conversations("ann")} == {"Glass & storms", AMBER}


def test_delete(desk: Desk, store: ConversationStore) -> None:
    shown, other = asked(desk, BRIDGE), asked(desk, AMBER)
    step = desk.delete(other.id or "", shown, "ann")
    assert (step.chat, step.messages) == (shown, None)
    step = desk.delete(shown.id or "", shown, "ann")
    assert (step.chat, step.messages, step.panel) == (Chat(), [], NO_SOURCES)
    assert store.conversations("ann") == []


def test_conversations_search(desk: Desk) -> None:
    chat = asked(desk, BRIDGE)
    assert BRIDGE in desk.conversations(chat, "ann", "crowns LANTERN")
    assert words.NONE_FOUND in desk.conversations(chat, "ann", "snooker")


def test_feedback_is_kept_with_what_it_is_about(desk: Desk, store: ConversationStore) -> None:
    chat = asked(desk, BRIDGE, chat=asked(desk, AMBER), filters=NEWS)
    said = {"reason": "It was more", "expected": "43 million", "source": "The report"}
    desk.give_feedback(chat, 1, "out_of_date", said, "ann")
    [kept] = store.all_feedback()
    assert (kept.turn, kept.question, kept.verdict) == (1, BRIDGE, "out_of_date")
    assert (kept.reason, kept.expected, kept.source) == tuple(said.values())
    assert kept.filters == {"kind": ["news"]}
    assert kept.history[0]["content"] == AMBER
    for turn in (-1, 2):
        with pytest.raises(HistoryError, match="not kept"):
            desk.give_feedback(chat, turn, "wrong", {}, "ann")


def test_exports(desk: Desk) -> None:
    chat = asked(desk, AMBER, BRIDGE)
    assert desk.markdown(chat).startswith(f"# {AMBER}\n\n## {AMBER}\n\nKelland put a limit")
    assert [one["question"] for one in json.loads(desk.json(chat))["answers"]] == [AMBER, BRIDGE]
    assert desk.quoted(chat).startswith("The town of Velmora opened a bridge of glass")
    assert "[1] Harbour Gazette, 2 March 2031." in desk.quoted(chat)
    assert desk.quoted(Chat()) == ""


def test_sources_of_any_turn(desk: Desk) -> None:
    chat = asked(desk, AMBER, BRIDGE)
    assert "Kelland limits" in desk.sources(chat, 0)
    assert "Report on the glass bridge" in desk.sources(chat, 1)
    assert desk.sources(chat, 2) == desk.sources(chat, -1) == NO_SOURCES


def test_document_that_is_gone(
    desk: Desk,
    settings: Settings,
    corpus: Path,
    conversation: Conversation,
    store: ConversationStore,
    load: Callable[[str, int], HashEmbedder],
) -> None:
    """What was answered from it still shows the quote."""
    chat = asked(desk, AMBER)
    assert "Raw amber needs a licence" in desk.read(EXPORT, [])
    (corpus / f"{EXPORT}.md").unlink()
    ingest(settings, load=load)
    assert words.NOT_IN_INDEX in desk.read(EXPORT, [])
    generation = chat.answers[0].generation
    assert "Raw amber needs a licence" in desk.read(EXPORT, [], generation)  # as it was then
    assert "Raw amber needs a licence" in (desk.open(chat.id or "", "ann").panel or "")
    shutil.rmtree(settings.indexes_dir / "main" / "generations" / generation)
    opened = desk.open(chat.id or "", "ann")
    assert "a limit of 900 tonnes" in (opened.panel or "")
    assert "Raw amber needs a licence" not in (opened.panel or "")


def test_ask_too_often_is_told_and_changes_nothing(
    conversation: Conversation, index: PassageIndex, store: ConversationStore
) -> None:
    desk = Desk(conversation, store, Suggestions([]), Gate(1, 40))
    *_, first = desk.ask(AMBER, Chat(), EVERYTHING, "", "192.0.2.7")
    *_, second = desk.ask(BRIDGE, first.chat, EVERYTHING, "", "192.0.2.7")
    assert second.chat == first.chat
    assert "requests in a minute" in (second.messages or [])[-1]["content"]
    *_, other = desk.ask(BRIDGE, Chat(), EVERYTHING, "", "192.0.2.8")
    assert other.chat.answers


def test_edit_of_the_first_question_gives_the_conversation_its_title(desk: Desk) -> None:
    chat = asked(desk, AMBER)
    *_, last = desk.ask(BRIDGE, replace(chat, editing=True), EVERYTHING, "ann")
    assert desk.markdown(last.chat).startswith(f"# {BRIDGE}")
