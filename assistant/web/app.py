"""The page put together: which event leads to which handler, and where its outcome is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from assistant.changes import IngestReport
from assistant.conversation import Conversation
from assistant.history import ConversationStore
from assistant.ingestion import Progress
from assistant.serving.gate import Gate
from assistant.settings import Settings
from assistant.web import words
from assistant.web.adding import Adding
from assistant.web.builds import Builds
from assistant.web.catalogue import Catalogue
from assistant.web.chat import Chat, Desk
from assistant.web.evaluation import evaluation_html
from assistant.web.events import NO_TURN, Events
from assistant.web.layout import (
    BRIDGE,
    NEWS,
    NOTHING,
    AskView,
    DocumentsView,
    Sidebar,
    ask_view,
    documents_view,
    script_words,
    sidebar,
)
from assistant.web.suggestions import Suggestions
from assistant.web.theme import SCRIPT, STYLE, make_theme

# Questions answered at the same moment; the others wait their turn.
CONCURRENCY = 4

_HOUR = 3600  # seconds

FOCUS = "() => document.querySelector('#question textarea').focus()"
COPY = "(text) => window.diamond.copy(text)"
DOWNLOAD = "(text) => window.diamond.download(text, '{name}', '{kind}')"

_PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_QUICK = {**_PRIVATE, "queue": False}
_ADDING = {**_PRIVATE, "concurrency_limit": CONCURRENCY, "concurrency_id": "add"}
_ASKING = {**_PRIVATE, "concurrency_limit": CONCURRENCY, "concurrency_id": "ask"}


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
    conversation: Conversation,
    store: ConversationStore,
    settings: Settings,
    gate: Gate,
    build: Callable[[Progress], IngestReport],
) -> gr.Blocks:
    """The page over the index of a conversation. Each browser tab has a conversation of its own.

    `build` brings the index up to date with what users add.
    """
    with conversation.library.reading() as reading:
        documents_at_start, facets = reading.manifest.fingerprints, reading.index.facets()
    suggestions = Suggestions.load(documents_at_start)
    desk = Desk(conversation, store, suggestions, gate)
    events = Events(desk)
    catalogue = Catalogue(conversation, Adding(settings, Builds(build)))
    app: gr.Blocks
    with gr.Blocks(
        title=words.TITLE,
        analytics_enabled=False,
        fill_height=True,
        fill_width=True,
        delete_cache=(_HOUR, _HOUR),  # of what was sent and never added
    ) as app:
        chat = gr.State(Chat())
        bridge = gr.HTML(script_words(), elem_id="bridge", js_on_load=BRIDGE)
        side = sidebar()
        head = gr.HTML(catalogue.head(), elem_id="masthead")
        with gr.Tabs(elem_id="views") as views:
            with gr.Tab(words.ASK_VIEW, id=words.ASK_VIEW) as ask_tab:
                view = ask_view(facets)
            with gr.Tab(words.DOCUMENTS_VIEW) as documents_tab:
                documents = documents_view(catalogue.find(""))
            with gr.Tab(words.EVALUATION_VIEW) as evaluation_tab:
                evaluation = gr.HTML(NOTHING)
        reader = gr.HTML(NOTHING, elem_id="reader", js_on_load=NEWS)

        shown = shown_parts(chat, side, view)
        connect_asking(events, chat, bridge, view, shown)
        connect_tools(desk, events, chat, view)
        connect_feedback(events, chat, view)
        side.new.click(events.start_anew, None, shown, **_QUICK)
        view.chatbot.clear(events.start_anew, None, shown, **_QUICK)
        side.search.input(events.find, [side.search, chat], side.kept, **_QUICK)
        bridge.click(events.open, None, shown, **_QUICK)
        bridge.edit(events.rename, chat, shown, **_QUICK)
        bridge.delete(events.delete, chat, shown, **_QUICK)
        bridge.select(events.sources, chat, view.panel, **_QUICK)
        bridge.expand(events.read, None, reader, **_QUICK)
        documents.table.select(events.read_row, None, reader, **_QUICK)
        connect_documents(catalogue, documents, documents_tab, head)
        connect_adding(catalogue, documents, head, views, view)
        runs = settings.runs_dir
        evaluation_tab.select(lambda: evaluation_html(runs), None, evaluation, **_QUICK)
        app.load(events.arrive, None, shown, **_QUICK)
        app.load(catalogue.permit, None, [documents.adding.box, documents.adding.refusal], **_QUICK)
        filters = [view.filters.topic, view.filters.kind]
        for arrives in (app.load, ask_tab.select):
            arrives(catalogue.head, None, head, **_QUICK)
            arrives(catalogue.topics_and_kinds, None, filters, **_QUICK)
    return app


def shown_parts(chat: gr.State, side: Sidebar, view: AskView) -> list[Any]:
    """What a step may change, in the order of `events.updates`."""
    return [
        chat, view.chatbot, view.panel, view.following, side.kept, view.tools.row, view.stop,
        view.question,
    ]  # fmt: skip


def connect_asking(
    events: Events, chat: gr.State, bridge: gr.HTML, view: AskView, shown: list[Any]
) -> None:
    """Ask, ask what was offered, ask again, ask without filters, stop."""
    filters = view.filters.all
    asked: list[Any] = [
        view.question.submit(events.ask, [view.question, chat, *filters], shown, **_ASKING),
        bridge.submit(events.ask_suggested, [chat, *filters], shown, **_ASKING),
        view.tools.retry.click(events.retry, [chat, *filters], shown, **_ASKING),
        bridge.clear(events.widen, chat, [*shown, *filters], **_ASKING),
    ]
    view.stop.click(events.stopped, chat, shown, cancels=asked, **_PRIVATE)


def connect_tools(desk: Desk, events: Events, chat: gr.State, view: AskView) -> None:
    """Edit the last question; copy the last answer; take the conversation away."""
    tools = view.tools
    carrier = gr.Textbox(visible=False)  # text on its way to the clipboard or to a file
    tools.edit.click(events.edit, chat, [chat, view.question], **_QUICK).then(js=FOCUS, **_QUICK)
    for button, text, script in (
        (tools.copy, desk.quoted, COPY),
        (tools.markdown, desk.markdown, DOWNLOAD.format(name="answers.md", kind="text/markdown")),
        (tools.json, desk.json, DOWNLOAD.format(name="answers.json", kind="application/json")),
    ):
        button.click(text, chat, carrier, **_QUICK).then(None, carrier, js=script, **_QUICK)


def connect_feedback(events: Events, chat: gr.State, view: AskView) -> None:
    """A thumb, and what is wrong."""
    form = view.feedback
    turn = gr.State(NO_TURN)  # the one that feedback is being given on
    said = [form.reason, form.comment, form.expected, form.source]
    view.chatbot.like(events.judge, chat, [turn, form.form, *said], **_QUICK)
    form.send.click(events.say_more, [turn, chat, *said], form.form, **_PRIVATE)  # it gives thanks
    form.cancel.click(lambda: gr.update(visible=False), None, form.form, **_QUICK)


def connect_documents(
    catalogue: Catalogue, view: DocumentsView, tab: gr.Tab, head: gr.HTML
) -> None:
    """Find documents, and see what became of them since the last visit."""
    found = (catalogue.find, view.search, view.table)
    view.search.input(*found, trigger_mode="always_last", **_QUICK)
    visit = tab.select(catalogue.visit, view.search, [view.table, view.note, head], **_PRIVATE)
    visit.then(*found, **_QUICK)  # whoever typed meanwhile sees what was typed


def connect_adding(
    catalogue: Catalogue, documents: DocumentsView, head: gr.HTML, views: gr.Tabs, ask: AskView
) -> None:
    """Add documents, bring the index up to date, ask about what came in."""
    view, topic = documents.adding, ask.filters.topic
    topics = gr.State([])  # of what was added last
    parts = [
        view.outcome, view.add, view.update, view.ask_about, topics, *view.given,
        documents.table, documents.note, head, topic, ask.filters.kind,
    ]  # fmt: skip
    given = [*view.given, documents.search]
    view.add.click(catalogue.add, given, parts, **_ADDING)
    view.url.submit(catalogue.add, given, parts, **_ADDING)
    view.update.click(catalogue.update, documents.search, parts, **_ADDING)
    asks = view.ask_about.click(catalogue.ask_about, topics, [views, topic], **_QUICK)
    asks.then(js=FOCUS, **_QUICK)
