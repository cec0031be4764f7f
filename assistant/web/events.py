"""What happens on the page → what the desk does → what the page shows.

Every handler is private: none is an endpoint of the API. Parameters are in the
order in which `app.py` connects them; Gradio adds the request and the event.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import gradio as gr

from assistant.errors import AssistantError, FilterError, HistoryError
from assistant.history import Verdict
from assistant.schema import Filters, iso_date
from assistant.segmentation import Span
from assistant.web import words
from assistant.web.chat import Chat, Desk, Step

Updates = tuple[Any, ...]  # a value for each part in the order of `app.shown`
Names = list[str]


class Events:
    """The handlers, over one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def ask(
        self, text: str, chat: Chat, topic: Names, kind: Names, since: str, until: str, as_of: str,
        request: gr.Request,
    ) -> Iterator[Updates]:  # fmt: skip
        """Answer what was typed."""
        filters = filters_of(topic, kind, since, until, as_of)
        steps = self._desk.ask(text, chat, filters, user_of(request)) if text.strip() else ()
        for step in steps:
            yield updates(step, question="")

    def ask_suggested(
        self, chat: Chat, topic: Names, kind: Names, since: str, until: str, as_of: str,
        request: gr.Request, event: gr.EventData,
    ) -> Iterator[Updates]:  # fmt: skip
        """Answer a question that was offered."""
        text = str(event.question)
        yield from self.ask(text, chat, topic, kind, since, until, as_of, request)

    def retry(
        self, chat: Chat, topic: Names, kind: Names, since: str, until: str, as_of: str,
        request: gr.Request,
    ) -> Iterator[Updates]:  # fmt: skip
        """Ask the last question again."""
        filters = filters_of(topic, kind, since, until, as_of)
        yield from map(updates, self._desk.retry(chat, filters, user_of(request)))

    def widen(self, chat: Chat, request: gr.Request) -> Iterator[Updates]:
        """Ask the last question of all documents, and clear the filters."""
        for step in self._desk.retry(chat, Filters(), user_of(request)):
            yield *updates(step), [], [], "", "", ""

    def edit(self, chat: Chat) -> tuple[Chat, str]:
        """Take up the last question; the next one asked takes its place."""
        last = chat.answers[-1].question if chat.answers else ""
        return replace(chat, editing=bool(last)), last

    def stopped(self, chat: Chat, request: gr.Request) -> Updates:
        """Show what there is, after a question was called off."""
        return updates(self._desk.show(chat, user_of(request)))

    def arrive(self, request: gr.Request) -> Updates:
        """Show the conversation that the page's address names, if it is the user's."""
        user = user_of(request)
        try:
            return updates(self._desk.open(request.query_params.get("c", ""), user))
        except HistoryError:
            return updates(self._desk.show(Chat(), user))

    def start_anew(self, request: gr.Request) -> Updates:
        """Show an empty conversation."""
        return updates(self._desk.show(Chat(), user_of(request)), question="")

    def open(self, event: gr.EventData, request: gr.Request) -> Updates:
        """Show a conversation of the list."""
        with told():
            return updates(self._desk.open(str(event.conversation), user_of(request)), question="")

    def rename(self, chat: Chat, event: gr.EventData, request: gr.Request) -> Updates:
        """Give a conversation of the list another name."""
        with told():
            key, title = str(event.conversation), str(event.title)
            return updates(self._desk.rename(key, title, chat, user_of(request)))

    def delete(self, chat: Chat, event: gr.EventData, request: gr.Request) -> Updates:
        """Delete a conversation of the list."""
        with told():
            return updates(self._desk.delete(str(event.conversation), chat, user_of(request)))

    def find(self, text: str, chat: Chat, request: gr.Request) -> str:
        """The conversations that have some words."""
        return self._desk.conversations(chat, user_of(request), text)

    def sources(self, chat: Chat, event: gr.EventData) -> str:
        """The sources of the answer whose marker was clicked."""
        return self._desk.sources(chat, int(event.turn))

    def read(self, event: gr.EventData) -> str:
        """The document of a card."""
        return self._desk.read(str(event.document), spans_of(str(event.spans)))

    def read_row(self, event: gr.SelectData) -> str:
        """The document of a row of the table."""
        return self._desk.read(str(event.row_value[-1]), [])

    def judge(self, chat: Chat, event: gr.LikeData, request: gr.Request) -> tuple[int, Any, str]:
        """Keep a thumb; a thumb down asks what is wrong."""
        place = event.index if isinstance(event.index, int) else event.index[0]
        turn = place // 2  # a question and an answer are two messages
        verdict: Verdict = "right" if event.liked else "wrong"
        with told():
            self._desk.give_feedback(chat, turn, verdict, {}, user_of(request))
        return turn, gr.update(visible=not event.liked), "wrong"

    def say_more(
        self, turn: int, chat: Chat, reason: Verdict, comment: str, expected: str, source: str,
        request: gr.Request,
    ) -> Any:  # fmt: skip
        """Keep what is wrong with an answer."""
        said = {"reason": comment, "expected": expected, "source": source}
        with told():
            self._desk.give_feedback(chat, turn, reason, said, user_of(request))
        gr.Info(words.THANKS, duration=3)
        return gr.update(visible=False)


def updates(step: Step, question: str | None = None) -> Updates:
    """A step as values for the parts of the page, in the order of `app.shown`."""
    idle = bool(step.chat.answers) and not step.busy
    return (
        step.chat,
        *map(_or_as_it_is, (step.messages, step.panel, step.following, step.conversations)),
        gr.update(visible=idle),
        gr.update(visible=step.busy),
        _or_as_it_is(question),
    )


def _or_as_it_is(value: Any) -> Any:
    return gr.skip() if value is None else value


def filters_of(topic: Names, kind: Names, since: str, until: str, as_of: str) -> Filters:
    """What the controls say.

    Raises:
        gr.Error: a date is none, or they contradict each other; in words for the page.
    """
    with told():
        return Filters(
            topic=tuple(topic or ()), kind=tuple(kind or ()),
            since=date_of(since), until=date_of(until), as_of=date_of(as_of),
        )  # fmt: skip


def date_of(text: str | None) -> datetime.date | None:
    """A day as people type it into a field, or nothing.

    Raises:
        FilterError: it is no day.
    """
    if not text or not text.strip():
        return None
    try:
        return iso_date(text.strip())
    except ValueError:
        raise FilterError(words.NO_DAY.format(text=text.strip()[:40])) from None


def spans_of(text: str) -> list[Span]:
    """Spans as a button carries them: "10-20 30-44". What is no span is passed over."""
    found = re.findall(r"(\d{1,9})-(\d{1,9})", text)
    return [Span(int(start), int(end)) for start, end in found]


def user_of(request: gr.Request) -> str:
    """The user's name; nobody's where there is no sign-in."""
    return getattr(request, "username", None) or ""


@contextmanager
def told() -> Iterator[None]:
    """Tell the user of an error in words, in a corner of the page."""
    try:
        yield
    except AssistantError as error:
        raise gr.Error(str(error), print_exception=False, title=words.SORRY) from error
