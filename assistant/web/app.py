"""The Gradio app: a conversation on the left, the sources of its answers on the right."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

# Gradio reads this when it is imported; nothing may leave the machine.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr

from assistant.conversation import Conversation
from assistant.index import Manifest
from assistant.schema import Answer, readable_date
from assistant.web.sources import (
    answer_pieces,
    escape,
    question_html,
    sources_panel,
)
from assistant.web.theme import SCRIPT, STYLE, make_theme

EXAMPLES = (
    "How will profits from the $550 billion be split between Japan and the United States?",
    "How much will JBIC lend to the first three projects?",
    "What did the US Supreme Court decide about IEEPA tariffs?",
    "What will the synthetic diamond plant in Georgia make?",
    "Why are synthetic diamonds needed for making semiconductors?",
)

# Questions answered at the same moment; the others wait their turn.
CONCURRENCY = 4

Messages = list[dict[str, Any]]


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


def make_app(conversation: Conversation) -> gr.Blocks:
    """The page over one index. Each browser tab has its own conversation."""

    def respond(
        question: str, messages: Messages, answers: Sequence[Answer]
    ) -> Iterator[tuple[Any, ...]]:
        if not question.strip():
            yield "", messages, gr.skip(), answers
            return
        messages = [*messages, {"role": "user", "content": question_html(question)}]
        yield "", messages, gr.skip(), answers
        turns = [answer.turn for answer in answers]
        answer = conversation.fresh(turns).ask(question)
        answers = [*answers, answer]
        panel = sources_panel(answers)
        for piece in answer_pieces(answer, turn=len(answers) - 1):
            yield "", [*messages, {"role": "assistant", "content": piece}], panel, answers
            panel = gr.skip()

    def start_again() -> tuple[str, Messages, str, list[Answer]]:
        return "", [], sources_panel([]), []

    def take_example(chosen: gr.SelectData) -> str:
        return str(chosen.value["text"])

    app: gr.Blocks
    with gr.Blocks(
        title="Diamond assistant", analytics_enabled=False, fill_height=True, fill_width=True
    ) as app:
        answers = gr.State([])
        gr.HTML(masthead(conversation.manifest), elem_id="masthead")
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=320):
                chatbot = gr.Chatbot(
                    elem_id="conversation",
                    label="Conversation",
                    show_label=False,
                    layout="panel",
                    height="calc(100dvh - 192px)",
                    min_height=300,
                    placeholder="<b>What would you like to know?</b><br>"
                    "Every sentence of an answer is quoted from a document.",
                    examples=[{"text": example} for example in EXAMPLES],
                    latex_delimiters=[],
                    buttons=["copy"],
                    feedback_options=None,
                )
                with gr.Row(equal_height=True):
                    question = gr.Textbox(
                        elem_id="question",
                        label="Question",
                        show_label=False,
                        placeholder="Ask a question",
                        submit_btn="Ask",
                        max_length=2000,
                        autofocus=True,
                        scale=5,
                    )
                    new = gr.Button("New", elem_id="new", min_width=60, scale=0)
            with gr.Column(scale=2, min_width=320, elem_id="panel"):
                panel = gr.HTML(sources_panel([]))
        outputs = [question, chatbot, panel, answers]
        asking: dict[str, Any] = {
            "fn": respond,
            "inputs": [question, chatbot, answers],
            "outputs": outputs,
            "show_progress": "hidden",
            "concurrency_limit": CONCURRENCY,
            "api_visibility": "private",
        }
        question.submit(**asking)
        chatbot.example_select(
            take_example, None, question, show_progress="hidden", api_visibility="private"
        ).then(**asking)
        chatbot.clear(start_again, None, outputs, api_visibility="private")
        new.click(start_again, None, outputs, show_progress="hidden", api_visibility="private")
    return app


def masthead(manifest: Manifest) -> str:
    """The page's head: what is searched, and as of when it speaks."""
    newest = readable_date(manifest.published_to)
    return (
        f"<h1>Diamond assistant</h1><p>{len(manifest.fingerprints):,} documents on Japan’s "
        f"$550-billion US investment package and synthetic diamond, the newest of {newest}. "
        f"Index {escape(manifest.generation)}.</p>"
    )
