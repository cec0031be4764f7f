import asyncio
from collections.abc import Callable
from functools import partial

import gradio as gr
from fakes import HashEmbedder
from gradio.block_function import BlockFunction

from assistant.conversation import Conversation
from assistant.history import ConversationStore
from assistant.ingestion import ingest
from assistant.serving.gate import Gate
from assistant.settings import Settings
from assistant.web.app import make_app
from assistant.web.chat import Chat, Step
from assistant.web.events import updates

Load = Callable[[str, int], HashEmbedder]


def test_handlers_meet_the_parts_of_the_page(
    conversation: Conversation, store: ConversationStore, settings: Settings, load: Load
) -> None:
    async def made() -> gr.Blocks:
        gate = Gate(1000, 40)
        return make_app(conversation, store, settings, gate, partial(ingest, settings, load=load))

    app = asyncio.run(made())  # without a running event loop Gradio leaves one open
    handlers = list(app.fns.values())

    def handler(name: str) -> BlockFunction:
        return next(one for one in handlers if one.name == name)

    parts = len(updates(Step(Chat())))
    assert [len(handler(name).outputs) for name in ("arrive", "ask", "open", "stopped")] == [
        parts
    ] * 4
    assert len(handler("widen").outputs) == parts + 5
    assert len(handler("judge").outputs) == 6
    assert len(handler("add").outputs) == len(handler("update").outputs) == 15
    assert {one.api_visibility for one in handlers} == {"private"}
    assert handler("say_more").queue, "Gradio shows a note of thanks only from its queue"
