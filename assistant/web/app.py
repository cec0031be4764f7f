"""The page: its parts, and which event leads to which handler of `chat.py`."""

from __future__ import annotations

import datetime
import html
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

# Gradio reads this when it is imported; nothing may leave the machine.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr

from assistant.conversation import Conversation
from assistant.errors import AssistantError, FilterError, HistoryError
from assistant.history import ConversationStore, Verdict
from assistant.index import Manifest, PassageIndex
from assistant.schema import Facets, Filters, iso_date, readable_date
from assistant.segmentation import Span
from assistant.web import words
from assistant.web.chat import Chat, Desk, Step
from assistant.web.documents import columns, matching, rows
from assistant.web.evaluation import evaluation_html
from assistant.web.lists import next_html
from assistant.web.sources import escape
from assistant.web.suggestions import Suggestions
from assistant.web.theme import SCRIPT, STYLE, make_theme

# Questions answered at the same moment; the others wait their turn.
CONCURRENCY = 4

Updates = tuple[Any, ...]

# The script reports clicks on our own HTML through this; see page.js.
BRIDGE = "window.diamond = { ...window.diamond, send: (event, data) => trigger(event, data) };"

FOCUS = "() => document.querySelector('#question textarea').focus()"
COPY = "(text) => window.diamond.copy(text)"
DOWNLOAD = "(text) => window.diamond.download(text, '{name}', '{kind}')"
NEWS = (
    "watch('value', () => window.dispatchEvent(new CustomEvent('diamond', { detail: element })));"
)


def launch_options() -> dict[str, Any]:
    """Options of Gradio's `launch`: our looks, and nothing that talks to anyone else."""
    return {
        "theme": make_theme(),
        "css_paths": STYLE,
        "js": SCRIPT,
        "share": False,
        "quiet": True,
        "run_history": False,
        "footer_links": [],
    }


def make_app(
    conversation: Conversation, index: PassageIndex, store: ConversationStore, runs: Path
) -> gr.Blocks:
    """The page over one index. Each browser tab has its own conversation."""
    desk = Desk(conversation, index, store, Suggestions.load(index.manifest.fingerprints))
    app: gr.Blocks
    with gr.Blocks(
        title=words.TITLE, analytics_enabled=False, fill_height=True, fill_width=True
    ) as app:
        chat = gr.State(Chat())
        about = gr.State(-1)  # the turn that feedback is being given on
        bridge = gr.HTML(script_words(), elem_id="bridge", js_on_load=BRIDGE)
        with gr.Sidebar(label=words.CONVERSATIONS, open=False, elem_id="sidebar"):
            new = gr.Button(words.NEW, elem_id="new")
            search = gr.Textbox(
                label=words.SEARCH, placeholder=words.SEARCH, show_label=False, elem_id="search"
            )
            kept = gr.HTML(desk.conversations(Chat(), ""), elem_id="kept", js_on_load=NEWS)
        gr.HTML(masthead(index.manifest), elem_id="masthead")
        with gr.Tabs(elem_id="views"):
            with gr.Tab(words.ASK_VIEW):
                with gr.Row(equal_height=False, elem_id="desk"):
                    with gr.Column(scale=3, min_width=320):
                        chatbot = _chatbot()
                        following = gr.HTML(next_html((), None), elem_id="following")
                        stop = gr.Button(words.STOP, size="sm", visible=False, elem_id="stop")
                        with gr.Row(visible=False, elem_id="tools") as tools:
                            retry = gr.Button(words.RETRY, size="sm", elem_id="retry")
                            edit = gr.Button(words.EDIT, size="sm", elem_id="edit")
                            copy = gr.Button(words.COPY, size="sm", elem_id="copy")
                            as_markdown = gr.Button(words.EXPORT_MARKDOWN, size="sm", elem_id="md")
                            as_json = gr.Button(words.EXPORT_JSON, size="sm", elem_id="json")
                        with gr.Column(visible=False, elem_id="feedback") as feedback:
                            said = _feedback_form()
                            with gr.Row():
                                send = gr.Button(
                                    words.SEND, size="sm", variant="primary", elem_id="send"
                                )
                                cancel = gr.Button(words.CANCEL, size="sm", elem_id="cancel")
                        with gr.Accordion(words.FILTERS, open=False, elem_id="filters"):
                            chosen = _filters(conversation.facets())
                        question = gr.Textbox(
                            elem_id="question",
                            label=words.QUESTION,
                            show_label=False,
                            placeholder=words.ASK_PLACEHOLDER,
                            submit_btn=words.ASK,
                            stop_btn=False,
                            max_length=10_000,
                            lines=1,
                            max_lines=6,
                            autofocus=True,
                        )
                    with gr.Column(scale=2, min_width=320, elem_id="panel"):
                        panel = gr.HTML(
                            desk.sources(Chat(), -1), elem_id="sources", js_on_load=NEWS
                        )
            with gr.Tab(words.DOCUMENTS_VIEW, elem_id="documents-view"):
                gr.Markdown(words.DOCUMENTS_HINT)
                wanted = gr.Textbox(label=words.FIND_DOCUMENTS, elem_id="find-documents")
                table = rows(index)
                documents = gr.Dataframe(
                    table,
                    headers=list(words.DOCUMENT_COLUMNS),
                    **columns(),
                )
            with gr.Tab(words.EVALUATION_VIEW, elem_id="evaluation-view") as evaluation_tab:
                evaluation = gr.HTML("")
        reader = gr.HTML("<i hidden></i>", elem_id="reader", js_on_load=NEWS)
        carrier = gr.Textbox(visible=False)  # text on its way to the clipboard or to a file

        shown = [chat, chatbot, panel, following, kept, tools, stop, question]
        private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        quick = {**private, "queue": False}
        asking = {**private, "concurrency_limit": CONCURRENCY, "concurrency_id": "ask"}
        what = [chat, *chosen]

        def ask(
            text: str, state: Chat, topic: list[str], kind: list[str],
            since: str, until: str, as_of: str, request: gr.Request,
        ) -> Iterator[Updates]:  # fmt: skip
            filters = filters_of(topic, kind, since, until, as_of)
            for step in desk.ask(text, state, filters, user_of(request)) if text.strip() else ():
                yield updates(step, "")

        def ask_again(
            state: Chat, topic: list[str], kind: list[str],
            since: str, until: str, as_of: str, request: gr.Request,
        ) -> Iterator[Updates]:  # fmt: skip
            filters = filters_of(topic, kind, since, until, as_of)
            for step in desk.retry(state, filters, user_of(request)):
                yield updates(step)

        def ask_suggested(
            state: Chat, topic: list[str], kind: list[str],
            since: str, until: str, as_of: str, request: gr.Request, event: gr.EventData,
        ) -> Iterator[Updates]:  # fmt: skip
            yield from ask(str(event.question), state, topic, kind, since, until, as_of, request)

        def widen(state: Chat, request: gr.Request) -> Iterator[Any]:
            for step in desk.retry(state, Filters(), user_of(request)):
                yield *updates(step), [], [], "", "", ""

        def stopped(state: Chat, request: gr.Request) -> Updates:
            return updates(desk.show(state, user_of(request)))

        def open_kept(event: gr.EventData, request: gr.Request) -> Updates:
            with told():
                return updates(desk.open(str(event.conversation), user_of(request)), "")

        def arrive(request: gr.Request) -> Updates:
            wanted = request.query_params.get("c", "")
            try:
                return updates(desk.open(wanted, user_of(request)))
            except HistoryError:
                return updates(desk.show(Chat(), user_of(request)))

        def start_anew(request: gr.Request) -> Updates:
            return updates(desk.show(Chat(), user_of(request)), "")

        def rename(event: gr.EventData, state: Chat, request: gr.Request) -> Updates:
            with told():
                return updates(
                    desk.rename(str(event.conversation), str(event.title), state, user_of(request))
                )

        def delete(event: gr.EventData, state: Chat, request: gr.Request) -> Updates:
            with told():
                return updates(desk.delete(str(event.conversation), state, user_of(request)))

        def begin_edit(state: Chat) -> tuple[Chat, str]:
            last = state.answers[-1].question if state.answers else ""
            return replace(state, editing=bool(last)), last

        def judge(event: gr.LikeData, state: Chat, request: gr.Request) -> tuple[int, Any, str]:
            place = event.index if isinstance(event.index, int) else event.index[0]
            turn = place // 2
            with told():
                verdict: Verdict = "right" if event.liked else "wrong"
                desk.give_feedback(state, turn, verdict, {}, user_of(request))
            return turn, gr.update(visible=not event.liked), "wrong"

        def say_more(
            turn: int, state: Chat, reason: Verdict, comment: str, expected: str, source: str,
            request: gr.Request,
        ) -> Any:  # fmt: skip
            said = {"reason": comment, "expected": expected, "source": source}
            with told():
                desk.give_feedback(state, turn, reason, said, user_of(request))
            gr.Info(words.THANKS, duration=3)
            return gr.update(visible=False)

        def read(event: gr.EventData) -> str:
            return desk.read(str(event.document), spans_of(str(event.spans)))

        def read_row(event: gr.SelectData) -> str:
            return desk.read(str(event.row_value[-1]), [])

        def sources(event: gr.EventData, state: Chat) -> str:
            return desk.sources(state, int(event.turn))

        def find(text: str, state: Chat, request: gr.Request) -> str:
            return desk.conversations(state, user_of(request), text)

        asked: list[Any] = [
            question.submit(ask, [question, *what], shown, **asking),
            retry.click(ask_again, what, shown, **asking),
            bridge.submit(ask_suggested, what, shown, **asking),
            bridge.clear(widen, chat, [*shown, *chosen], **asking),
        ]
        stop.click(stopped, chat, shown, cancels=asked, **private)
        edit.click(begin_edit, chat, [chat, question], **quick).then(js=FOCUS, **quick)
        copy.click(desk.quoted, chat, carrier, **quick).then(None, carrier, js=COPY, **quick)
        as_markdown.click(desk.markdown, chat, carrier, **quick).then(
            None, carrier, js=DOWNLOAD.format(name="conversation.md", kind="text/markdown"), **quick
        )
        as_json.click(desk.json, chat, carrier, **quick).then(
            None, carrier, js=DOWNLOAD.format(name="conversation.json", kind="application/json"),
            **quick,
        )  # fmt: skip
        new.click(start_anew, None, shown, **quick)
        chatbot.clear(start_anew, None, shown, **quick)
        search.input(find, [search, chat], kept, **quick)
        bridge.click(open_kept, None, shown, **quick)
        bridge.edit(rename, chat, shown, **quick)
        bridge.delete(delete, chat, shown, **quick)
        bridge.select(sources, chat, panel, **quick)
        bridge.expand(read, None, reader, **quick)
        wanted.input(lambda text: matching(table, text), wanted, documents, **quick)
        documents.select(read_row, None, reader, **quick)
        chatbot.like(judge, chat, [about, feedback, said[0]], **quick)
        send.click(say_more, [about, chat, *said], feedback, **quick)
        cancel.click(lambda: gr.update(visible=False), None, feedback, **quick)
        evaluation_tab.select(lambda: evaluation_html(runs), None, evaluation, **quick)
        app.load(arrive, None, shown, **quick)
    return app


def script_words() -> str:
    """The words that the script says, where it finds them."""
    told = {
        "cancel": words.CANCEL, "save": words.SAVE, "delete": words.DELETE, "gone": words.GONE,
        "name": words.NEW_NAME, "sure": words.SURE_TO_DELETE, "copied": words.COPIED,
        "complete": words.COMPLETE,
    }  # fmt: skip
    return f'<i id="words" hidden data-words="{html.escape(json.dumps(told))}"></i>'


def updates(step: Step, question: str | None = None) -> Updates:
    """A step as values for the parts of the page, in the order of `shown`."""

    def new(value: Any) -> Any:
        return gr.skip() if value is None else value

    idle = bool(step.chat.answers) and not step.busy
    return (
        step.chat, new(step.messages), new(step.panel), new(step.following),
        new(step.conversations), gr.update(visible=idle), gr.update(visible=step.busy),
        new(question),
    )  # fmt: skip


def filters_of(topic: list[str], kind: list[str], since: str, until: str, as_of: str) -> Filters:
    """What the controls say; a date that is none is told to the user.

    Raises:
        gr.Error: in words for the page.
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


def _chatbot() -> gr.Chatbot:
    return gr.Chatbot(
        elem_id="conversation",
        label=words.ASK_VIEW,
        show_label=False,
        layout="panel",
        height="calc(100dvh - 292px)",
        min_height=300,
        placeholder=words.PLACEHOLDER,
        latex_delimiters=[],
        buttons=[],
        feedback_options=("Like", "Dislike"),
    )


def _feedback_form() -> list[gr.components.Component]:
    choices = [(name, verdict) for verdict, name in words.REASONS.items()]
    return [
        gr.Radio(choices, value="wrong", label=words.FEEDBACK),
        gr.Textbox(label=words.COMMENT, max_length=2000),
        gr.Textbox(label=words.EXPECTED, max_length=2000),
        gr.Textbox(label=words.EXPECTED_SOURCE, max_length=500),
    ]


def _filters(facets: Facets) -> list[gr.components.Component]:
    with gr.Row():
        topic = gr.Dropdown(list(facets.topics), value=[], multiselect=True, label=words.TOPIC)
        kind = gr.Dropdown(list(facets.kinds), value=[], multiselect=True, label=words.KIND)
    with gr.Row():
        dates = [
            gr.Textbox(label=label, placeholder=words.DATE_HINT, max_length=10)
            for label in (words.SINCE, words.UNTIL, words.AS_OF)
        ]
    return [topic, kind, *dates]


def masthead(manifest: Manifest) -> str:
    """The page's head: what is searched, and as of when it speaks."""
    about = words.ABOUT.format(
        documents=len(manifest.fingerprints), newest=readable_date(manifest.published_to)
    )
    return f"<h1>{words.TITLE}</h1><p>{escape(about)}</p>"
