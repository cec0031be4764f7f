"""What happens on the page → what the desk does → what the page shows.

Every handler is private: none is an endpoint of the API. Parameters are in the
order in which `app.py` connects them; Gradio adds the request and the event.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import gradio as gr

from assistant.errors import AssistantError, FilterError, HistoryError
from assistant.history import Verdict
from assistant.schema import Filters, iso_date
from assistant.segmentation import Span
from assistant.serving.signin import client_of
from assistant.web import words
from assistant.web.chat import Chat, Desk, Step
from assistant.web.sources import escape

Updates = tuple[Any, ...]  # a value for each part in the order of `app.shown_parts`
Names = list[str]
NO_TURN = -1


class Events:
    """The handlers, over one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def ask(
        self, text: str, chat: Chat, topic: Names, kind: Names, since: str, until: str, as_of: str,
        request: gr.Request,
    ) -> Iterator[Updates]:  # fmt: skip
        """Answer what was typed."""
        question = typed(text)
        if not question.strip():
            return
        filters = filters_of(topic, kind, since, until, as_of)
        cleared: str | None = ""  # once: the next question may be typed while this one is answered
        for step in self._desk.ask(question, chat, filters, *who(request)):
            yield updates(step, cleared)
            cleared = None

    def ask_suggested(
        self, chat: Chat, topic: Names, kind: Names, since: str, until: str, as_of: str,
        request: gr.Request, event: gr.EventData,
    ) -> Iterator[Updates]:  # fmt: skip
        """Answer a question that was offered."""
        text = reported(event, "question")
        yield from self.ask(text, chat, topic, kind, since, until, as_of, request)

    def retry(
        self, chat: Chat, topic: Names, kind: Names, since: str, until: str, as_of: str,
        request: gr.Request,
    ) -> Iterator[Updates]:  # fmt: skip
        """Ask the last question again."""
        filters = filters_of(topic, kind, since, until, as_of)
        yield from map(updates, self._desk.retry(chat, filters, *who(request)))

    def widen(self, chat: Chat, request: gr.Request) -> Iterator[Updates]:
        """Ask the last question of all documents, and clear the filters."""
        cleared: Updates = ([], [], "", "", "")  # once: others may be set while this is answered
        for step in self._desk.retry(chat, Filters(), *who(request)):
            yield *updates(step), *cleared
            cleared = (gr.skip(),) * len(cleared)

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
            step = self._desk.open(reported(event, "conversation"), user_of(request))
            return updates(step, question="")

    def rename(self, chat: Chat, event: gr.EventData, request: gr.Request) -> Updates:
        """Give a conversation of the list another name."""
        with told():
            key, title = reported(event, "conversation"), reported(event, "title")
            return updates(self._desk.rename(key, title, chat, user_of(request)))

    def delete(self, chat: Chat, event: gr.EventData, request: gr.Request) -> Updates:
        """Delete a conversation of the list."""
        with told():
            key = reported(event, "conversation")
            return updates(self._desk.delete(key, chat, user_of(request)))

    def find(self, text: str, chat: Chat, request: gr.Request) -> str:
        """The conversations that have some words."""
        return self._desk.conversations(chat, user_of(request), typed(text))

    def sources(self, chat: Chat, event: gr.EventData) -> str:
        """The sources of the answer whose marker was clicked."""
        turn = re.fullmatch(r"\d{1,9}", reported(event, "turn"))
        return self._desk.sources(chat, int(turn[0]) if turn else NO_TURN)

    def read(self, event: gr.EventData) -> str:
        """The document of a card."""
        spans = spans_of(reported(event, "spans"))
        generation = reported(event, "generation") or None
        return self._desk.read(reported(event, "document"), spans, generation)

    def read_row(self, event: gr.SelectData) -> Any:
        """The document of a row of the table; an empty table has a row without one."""
        row = event.row_value
        document = typed(row[-1]) if isinstance(row, list) and row else ""
        return self._desk.read(document, []) if document else gr.skip()

    def judge(self, chat: Chat, event: gr.LikeData, request: gr.Request) -> tuple[Any, ...]:
        """Keep a thumb; a thumb down opens an empty form that asks what is wrong.

        A thumb that is taken back is neither.
        """
        turn = turn_at(event.index)
        if isinstance(event.liked, bool):
            verdict: Verdict = "right" if event.liked else "wrong"
            with told():
                self._desk.give_feedback(chat, turn, verdict, {}, user_of(request))
        return turn, gr.update(visible=event.liked is False), "wrong", "", "", ""

    def say_more(
        self, turn: int, chat: Chat, reason: Verdict, comment: str, expected: str, source: str,
        request: gr.Request,
    ) -> Any:  # fmt: skip
        """Keep what is wrong with an answer."""
        said = {"reason": typed(comment), "expected": typed(expected), "source": typed(source)}
        with told():
            self._desk.give_feedback(chat, turn, reason, said, user_of(request))
        gr.Info(words.THANKS, duration=3)
        return gr.update(visible=False)


def updates(step: Step, question: str | None = None) -> Updates:
    """A step as values for the parts of the page, in the order of `app.shown_parts`."""
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
    day = typed(text).strip()
    if not day:
        return None
    try:
        return iso_date(day)
    except ValueError:
        raise FilterError(words.NO_DAY.format(text=day[:40])) from None


def typed(text: Any) -> str:
    """Text from the page: a field that nobody touched has None, a lone surrogate is no text."""
    return "" if text is None else str(text).encode("utf-8", "replace").decode()


def reported(event: gr.EventData, name: str) -> str:
    """What the page's script says of an event, or "" where it does not say it."""
    data = getattr(event, "_data", None)
    return typed(data.get(name)) if isinstance(data, Mapping) else ""


def turn_at(place: Any) -> int:
    """The turn of a message, by its place in the chat: a question and an answer are two."""
    first = place[0] if isinstance(place, (list, tuple)) and place else place
    return first // 2 if isinstance(first, int) else NO_TURN


def spans_of(text: str) -> list[Span]:
    """Spans as a button carries them: "10-20 30-44". What is no span is passed over."""
    found = re.findall(r"(\d{1,9})-(\d{1,9})", text)
    return [Span(int(start), int(end)) for start, end in found]


def user_of(request: gr.Request) -> str:
    """The user's name; nobody's where there is no sign-in."""
    return getattr(request, "username", None) or ""


def who(request: gr.Request) -> tuple[str, str]:
    """The user, and the client that the gate counts."""
    return user_of(request), client_of(request.request)


@contextmanager
def told() -> Iterator[None]:
    """Tell the user of an error in words, in a corner of the page."""
    try:
        yield
    except AssistantError as error:
        message = escape(str(error))  # it is shown as HTML, and may name what was typed
        raise gr.Error(message, print_exception=False, title=words.SORRY) from error
