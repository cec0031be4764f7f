"""The parts of the page and where they stand."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from assistant.index import Manifest
from assistant.loading import LIMITS
from assistant.loading.extracts import MIB
from assistant.schema import Facets, readable_date
from assistant.web import words
from assistant.web.documents import columns
from assistant.web.lists import conversations_html, next_html
from assistant.web.sources import NO_SOURCES, escape

# The script reports clicks on our own HTML through the bridge, and hears of a
# part's new HTML by an event of the window; see page.js.
BRIDGE = "window.diamond = { ...window.diamond, send: (event, data) => trigger(event, data) };"
NEWS = """
watch("value", () => window.dispatchEvent(new CustomEvent("diamond", { detail: element })));
"""
NOTHING = "<i hidden></i>"


@dataclass(frozen=True)
class Filtering:
    """The controls of the filters."""

    topic: gr.Dropdown
    kind: gr.Dropdown
    since: gr.Textbox
    until: gr.Textbox
    as_of: gr.Textbox

    @property
    def all(self) -> list[Any]:
        """In the order of `Filters`."""
        return [self.topic, self.kind, self.since, self.until, self.as_of]


@dataclass(frozen=True)
class Tools:
    """What can be done with the last answer."""

    row: gr.Row
    retry: gr.Button
    edit: gr.Button
    copy: gr.Button
    markdown: gr.Button
    json: gr.Button


@dataclass(frozen=True)
class Feedback:
    """What is wrong with an answer."""

    form: gr.Column
    reason: gr.Radio
    comment: gr.Textbox
    expected: gr.Textbox
    source: gr.Textbox
    send: gr.Button
    cancel: gr.Button


@dataclass(frozen=True)
class AskView:
    """The conversation, and the sources of its answers beside it."""

    chatbot: gr.Chatbot
    following: gr.HTML
    stop: gr.Button
    tools: Tools
    feedback: Feedback
    filters: Filtering
    question: gr.Textbox
    panel: gr.HTML


@dataclass(frozen=True)
class AddView:
    """How documents are added; `refusal` says why they cannot be, where that is so."""

    box: gr.Accordion
    refusal: gr.Markdown
    files: gr.File
    url: gr.Textbox
    title: gr.Textbox
    publisher: gr.Textbox
    published: gr.Textbox
    add: gr.Button
    update: gr.Button
    ask_about: gr.Button
    outcome: gr.HTML

    @property
    def given(self) -> list[Any]:
        """What the user gives."""
        return [self.files, self.url, self.title, self.publisher, self.published]


@dataclass(frozen=True)
class DocumentsView:
    """What the corpus holds."""

    adding: AddView
    search: gr.Textbox
    note: gr.HTML
    table: gr.Dataframe


@dataclass(frozen=True)
class Sidebar:
    """The user's conversations."""

    new: gr.Button
    search: gr.Textbox
    kept: gr.HTML


def sidebar() -> Sidebar:
    """The list at the side, closed until it is wanted."""
    with gr.Sidebar(label=words.CONVERSATIONS, open=False, elem_id="sidebar"):
        return Sidebar(
            new=gr.Button(words.NEW, elem_id="new"),
            search=gr.Textbox(label=words.SEARCH, elem_id="search", max_length=200),
            kept=gr.HTML(conversations_html([], None), elem_id="kept", js_on_load=NEWS),
        )


def ask_view(facets: Facets) -> AskView:
    """The view in which questions are asked."""
    with gr.Row(equal_height=False, elem_id="desk"):
        with gr.Column(scale=3, min_width=320):
            chatbot = _chatbot()
            following = gr.HTML(next_html((), None), elem_id="following")
            stop = gr.Button(words.STOP, size="sm", visible=False, elem_id="stop")
            tools = _tools()
            feedback = _feedback()
            filters = _filters(facets)
            question = _question()
        with gr.Column(scale=2, min_width=320, elem_id="panel"):
            panel = gr.HTML(NO_SOURCES, elem_id="sources", js_on_load=NEWS)
    return AskView(chatbot, following, stop, tools, feedback, filters, question, panel)


def documents_view(table: Sequence[Sequence[Any]]) -> DocumentsView:
    """The view of what the corpus holds: how to add to it, a field to search in, the table."""
    adding = _adding()
    gr.Markdown(words.DOCUMENTS_HINT)
    return DocumentsView(
        adding,
        search=gr.Textbox(label=words.FIND_DOCUMENTS, elem_id="find-documents", max_length=200),
        note=gr.HTML(NOTHING, elem_id="pending"),
        table=gr.Dataframe(
            [list(row) for row in table], headers=list(words.DOCUMENT_COLUMNS), **columns()
        ),
    )


def masthead(manifest: Manifest) -> str:
    """The page's head: what is searched, and as of when it speaks."""
    about = words.ABOUT.format(
        documents=len(manifest.fingerprints), newest=readable_date(manifest.published_to)
    )
    return f"<h1>{words.TITLE}</h1><p>{escape(about)}</p>"


def script_words() -> str:
    """The words that the script says, where it finds them."""
    told = {
        "cancel": words.CANCEL, "save": words.SAVE, "delete": words.DELETE, "gone": words.GONE,
        "name": words.NEW_NAME, "sure": words.SURE_TO_DELETE, "copied": words.COPIED,
        "complete": words.COMPLETE,
    }  # fmt: skip
    return f'<i id="words" hidden data-words="{html.escape(json.dumps(told))}"></i>'


def _chatbot() -> gr.Chatbot:
    return gr.Chatbot(
        elem_id="conversation",
        label=words.ASK_VIEW,
        show_label=False,
        layout="panel",
        min_height=120,
        placeholder=words.PLACEHOLDER,
        latex_delimiters=[],
        buttons=[],
        feedback_options=("Like", "Dislike"),
    )


def _question() -> gr.Textbox:
    return gr.Textbox(
        elem_id="question",
        label=words.QUESTION,
        show_label=False,
        placeholder=words.ASK_PLACEHOLDER,
        submit_btn=words.ASK,
        max_length=10_000,
        lines=1,
        max_lines=6,
        autofocus=True,
    )


def _tools() -> Tools:
    with gr.Row(visible=False, elem_id="tools") as row:
        return Tools(
            row,
            retry=gr.Button(words.RETRY, size="sm", elem_id="retry"),
            edit=gr.Button(words.EDIT, size="sm", elem_id="edit"),
            copy=gr.Button(words.COPY, size="sm", elem_id="copy"),
            markdown=gr.Button(words.EXPORT_MARKDOWN, size="sm", elem_id="as-markdown"),
            json=gr.Button(words.EXPORT_JSON, size="sm", elem_id="as-json"),
        )


def _feedback() -> Feedback:
    reasons = [(name, verdict) for verdict, name in words.REASONS.items()]
    with gr.Column(visible=False, elem_id="feedback") as form:
        reason = gr.Radio(reasons, value="wrong", label=words.FEEDBACK)
        comment = gr.Textbox(label=words.COMMENT, max_length=2000)
        expected = gr.Textbox(label=words.EXPECTED, max_length=2000)
        source = gr.Textbox(label=words.EXPECTED_SOURCE, max_length=500)
        with gr.Row():
            send = gr.Button(words.SEND, size="sm", variant="primary", elem_id="send")
            cancel = gr.Button(words.CANCEL, size="sm", elem_id="cancel")
    return Feedback(form, reason, comment, expected, source, send, cancel)


def _adding() -> AddView:
    with gr.Accordion(words.ADD_DOCUMENTS, open=False, visible=False, elem_id="adding") as box:
        with gr.Row(equal_height=False):
            with gr.Column(min_width=280):
                files = gr.File(
                    label=words.FILES, file_count="multiple", height=170, elem_id="files"
                )
            with gr.Column(min_width=280):
                url = gr.Textbox(
                    label=words.URL, placeholder=words.URL_HINT, max_length=2000, elem_id="url"
                )
                title = gr.Textbox(label=words.GIVEN_TITLE, max_length=300)
                with gr.Row():
                    publisher = gr.Textbox(
                        label=words.GIVEN_PUBLISHER, max_length=300, min_width=130
                    )
                    published = gr.Textbox(
                        label=words.GIVEN_DATE, placeholder=words.DATE_HINT, max_length=10,
                        min_width=130,
                    )  # fmt: skip
        formats = words.FORMATS.format(most=LIMITS.file_bytes // MIB)
        gr.HTML(f'<p class="hint">{formats}</p>')
        with gr.Row(elem_id="add-buttons"):
            add = gr.Button(words.ADD, size="sm", variant="primary", elem_id="add")
            update = gr.Button(words.UPDATE, size="sm", elem_id="update")
            ask_about = gr.Button(words.ASK_ABOUT, size="sm", visible=False, elem_id="ask-about")
        outcome = gr.HTML(NOTHING, elem_id="outcome")
    refusal = gr.Markdown(visible=False, elem_id="may-not-add")
    return AddView(
        box, refusal, files, url, title, publisher, published, add, update, ask_about, outcome
    )


def _filters(facets: Facets) -> Filtering:
    def date(label: str) -> gr.Textbox:
        return gr.Textbox(label=label, placeholder=words.DATE_HINT, max_length=10)

    with gr.Accordion(words.FILTERS, open=False, elem_id="filters"):
        with gr.Row():
            topic = gr.Dropdown(list(facets.topics), value=[], multiselect=True, label=words.TOPIC)
            kind = gr.Dropdown(list(facets.kinds), value=[], multiselect=True, label=words.KIND)
        with gr.Row():
            since, until, as_of = date(words.SINCE), date(words.UNTIL), date(words.AS_OF)
    return Filtering(topic, kind, since, until, as_of)
