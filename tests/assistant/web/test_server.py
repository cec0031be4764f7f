"""Gradio's page inside our server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
import httpx
import pytest
from served import running, served

from assistant.conversation import Conversation
from assistant.index import PassageIndex
from assistant.serving.api import make_api
from assistant.serving.gate import Gate
from assistant.serving.signin import RequireSignIn, SignIn, client_of
from assistant.serving.tools import make_tools
from assistant.serving.users import Users
from assistant.settings import Settings
from assistant.web.app import CONCURRENCY
from assistant.web.server import mount_page

ANNA = ("anna", "correct horse")


@pytest.fixture
def users(tmp_path: Path) -> Users:
    users = Users(tmp_path / "users")
    users.add(*ANNA)
    return Users.load(users.path)


@contextmanager
def asking_page(
    conversation: Conversation, index: PassageIndex, settings: Settings, users: Users | None
) -> Iterator[str]:
    """The address of a page whose one handler says who asks it, by name and as a client."""

    def who(request: gr.Request) -> list[str | None]:
        return [request.username, client_of(request.request)]

    def make() -> object:
        gate = Gate(60, 4)
        api = make_api(conversation, gate, make_tools(conversation, gate))
        with gr.Blocks(analytics_enabled=False) as page:
            page.load(who, None, gr.JSON(), api_name="who")
        mount_page(api, page, settings, signed_in=users is not None)
        return RequireSignIn(api, SignIn(users)) if users else api

    with running(make, settings) as address:
        yield address


def who_am_i(address: str, auth: tuple[str, str] | None = None) -> object:
    with httpx.Client(base_url=address, auth=auth) as client:
        called = client.post("/gradio_api/call/who", json={"data": []}).json()
        said = client.get(f"/gradio_api/call/who/{called['event_id']}").text
    event, data = said.strip().split("\n")
    assert event == "event: complete", said
    return json.loads(data.removeprefix("data: "))[0]


def test_handler_learns_who_the_user_is(
    conversation: Conversation, index: PassageIndex, settings: Settings, users: Users
) -> None:
    with asking_page(conversation, index, settings, users) as address:
        assert who_am_i(address, ANNA) == ["anna", "anna"]


def test_handler_knows_an_address_where_nobody_signs_in(
    conversation: Conversation, index: PassageIndex, settings: Settings
) -> None:
    with asking_page(conversation, index, settings, None) as address:
        assert who_am_i(address) == [None, "127.0.0.1"]


def test_page_takes_no_more_questions_than_may_wait(
    conversation: Conversation, index: PassageIndex, settings: Settings
) -> None:
    async def longest_queue() -> object:  # Gradio wants an event loop
        gate = Gate(60, 4)
        api = make_api(conversation, gate, make_tools(conversation, gate))
        with gr.Blocks(analytics_enabled=False) as page:
            mount_page(api, page, settings, signed_in=False)
        return page._queue.max_size

    assert asyncio.run(longest_queue()) == settings.queue_size + CONCURRENCY


def test_page_is_ours_and_tells_nobody(conversation: Conversation, settings: Settings) -> None:
    with served(conversation, settings) as address:
        config = httpx.get(address + "/config").json()
        page = httpx.get(address + "/").text
    assert config["analytics_enabled"] is False
    assert config["run_history"] is False
    assert config["footer_links"] == []
    assert "Diamond assistant" in page
