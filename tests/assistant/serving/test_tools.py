"""The MCP tools of a real server, through the official client."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import anyio
import httpx
import httpx2
import pytest
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult
from parts import with_parts
from served import Serve

from assistant.conversation import Conversation
from assistant.index import PassageIndex

QUESTION = "How much did Velmora's bridge of glass cost?"
GAZETTE = "works/2031-03-02-harbour-gazette-glass-bridge"


class Broken(BaseRetriever):
    """A retriever with a mistake in it."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        raise ZeroDivisionError("secret")


Result = TypeVar("Result")
Visit = Callable[[Client], Awaitable[Result]]


def visit(
    address: str,
    what: Visit[Result],
    auth: tuple[str, str] | None = None,
    mode: str = "auto",
) -> Result:
    """Connect to the tools and do something with them."""

    async def connected() -> Result:
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(httpx2.AsyncClient(auth=auth, timeout=60))
            transport = streamable_http_client(address + "/mcp", http_client=http)
            client = await stack.enter_async_context(Client(transport, mode=mode))
            return await what(client)

    return anyio.run(connected)


def call(address: str, tool: str, **arguments: Any) -> CallToolResult:
    """What a tool gives."""

    async def called(client: Client) -> CallToolResult:
        result = await client.call_tool(tool, arguments)
        assert isinstance(result, CallToolResult)
        return result

    return visit(address, called)


def text_of(result: CallToolResult) -> str:
    [content] = result.content
    assert content.type == "text"
    return content.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_tools_are_listed_with_what_they_take_and_give(mode: str, at: str) -> None:
    listed = visit(at, lambda client: client.list_tools(), mode=mode).tools
    assert [tool.name for tool in listed] == ["ask", "search", "get_document"]
    takes = {tool.name: set(tool.input_schema["properties"]) for tool in listed}
    assert takes == {
        "ask": {"question", "history", "filters"},
        "search": {"query", "top_k", "filters"},
        "get_document": {"id"},
    }
    for tool in listed:
        assert tool.description
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint
        assert tool.output_schema is not None


def test_ask_quotes_and_names_its_sources(at: str, talk: Conversation) -> None:
    result = call(at, "ask", question=QUESTION)
    answer = talk.fresh().ask(QUESTION)
    assert not result.is_error
    assert {**result.structured_content, "timings_ms": 0} == {**answer.as_dict(), "timings_ms": 0}
    assert text_of(result).startswith(answer.text)
    for citation in answer.citations:
        assert f"[{citation.marker}] {citation.source}, {citation.title}" in text_of(result)
        assert f"document {citation.document}, characters {citation.start}–" in text_of(result)


def test_ask_what_has_no_answer_says_so_and_quotes_what_is_near(at: str) -> None:
    result = call(at, "ask", question="Does Kelland limit amber sent by pigeons?")
    assert not result.is_error
    assert result.structured_content["abstained"] is True
    assert text_of(result).startswith("The documents do not say.")
    assert "\nNearest:\n" in text_of(result)


def test_ask_leans_on_the_history(at: str) -> None:
    history = [{"role": "user", "content": "Who built the bridge of glass in Velmora?"}]
    result = call(at, "ask", question="and who cast its panes?", history=history)
    assert "Velmora" in result.structured_content["standalone_question"]


def test_search_gives_passages_that_stand_in_their_documents(
    at: str, talk_index: PassageIndex
) -> None:
    result = call(at, "search", query="bridge of glass", top_k=3)
    passages = result.structured_content["passages"]
    assert len(passages) == 3
    scores = [passage["score"] for passage in passages]
    assert scores == sorted(scores, reverse=True)
    for passage in passages:
        document = talk_index.document(passage["document"])
        assert document.text[passage["start"] : passage["end"]] == passage["text"]
        assert passage["title"] == document.metadata["title"]
        assert passage["publisher"] == document.metadata["publisher"]
        assert passage["published"] == document.metadata.get("published")
        assert passage["text"] in text_of(result)


def test_tools_search_within_the_filters(at: str) -> None:
    filters = {"kind": ["news"], "until": "2031-03-04"}
    found = call(at, "search", query="bridge of glass", filters=filters).structured_content
    assert {passage["publisher"] for passage in found["passages"]} <= {
        "Harbour Gazette", "Amber Post",
    }  # fmt: skip
    answer = call(at, "ask", question=QUESTION, filters=filters).structured_content
    assert answer["filters"] == filters
    wrong = call(at, "search", query="bridge", filters={"kind": ["gulls"]})
    assert wrong.is_error
    assert text_of(wrong).startswith("no document has the kind 'gulls'")


def test_get_document_gives_the_text_that_citations_count_in(
    at: str, talk_index: PassageIndex
) -> None:
    result = call(at, "get_document", id=GAZETTE)
    assert result.structured_content == {
        "id": GAZETTE,
        "title": "Velmora opens a bridge of glass over the Tindle",
        "publisher": "Harbour Gazette",
        "published": "2031-03-02",
        "url": "https://gazette.example/glass-bridge",
        "kind": "news",
        "text": talk_index.document(GAZETTE).text,
    }
    assert text_of(result).endswith(talk_index.document(GAZETTE).text)


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("ask", {}, '"question" is missing.'),
        ("ask", {"question": "a" * 10_001}, '"question" has more than 10,000 characters.'),
        ("ask", {"question": "Who?", "stream": True}, '"stream" is not known here.'),
        ("search", {"query": ""}, '"query" cannot be used: there is nothing in it.'),
        ("search", {"query": "a", "top_k": 99}, '"top_k" cannot be used: input should be less'),
        ("get_document", {"id": "gone"}, "There is no document 'gone'; `search` gives"),
        ("frobnicate", {}, "There is no tool 'frobnicate', but ask, search, get_document."),
    ],
)
def test_mistake_is_a_tool_error_of_one_sentence(
    tool: str, arguments: dict[str, Any], sentence: str, at: str
) -> None:
    result = call(at, tool, **arguments)
    assert result.is_error
    assert text_of(result).startswith(sentence)
    assert "\n" not in text_of(result)


def test_error_inside_is_a_plain_tool_error(
    talk: Conversation, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    broken = with_parts(talk, retriever=Broken())
    with serve(broken) as address:
        result = call(address, "search", query="glass")
    assert result.is_error
    assert text_of(result) == "Something went wrong in the server; its log says what."
    ours = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert [record.getMessage() for record in ours] == ["error: ZeroDivisionError: secret"]


def test_client_that_calls_too_often_is_told_so(
    serve: Serve,
) -> None:
    with serve(requests_per_minute=1) as address:
        assert not call(address, "search", query="glass").is_error
        refused = call(address, "search", query="glass")
    assert refused.is_error
    assert "more than 1 requests in a minute" in text_of(refused)


def test_tools_are_behind_the_sign_in(locked: str) -> None:
    refused = httpx.post(
        locked + "/mcp",
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
        headers={"Accept": "application/json, text/event-stream"},
    )
    assert refused.status_code == 401
    for auth in (None, ("anna", "wrong"), ("berta", "correct horse")):
        with pytest.raises(ExceptionGroup) as failed:
            visit(locked, lambda client: client.list_tools(), auth)
        assert failed.group_contains(MCPError, match="Server returned an error response")
    listed = visit(locked, lambda client: client.list_tools(), auth=("anna", "correct horse"))
    assert len(listed.tools) == 3


def test_ten_clients_call_at_once(at: str, talk: Conversation) -> None:
    expected = talk.fresh().ask(QUESTION).text

    async def ask(client: Client) -> None:
        result = await client.call_tool("ask", {"question": QUESTION})
        assert result.structured_content["answer"] == expected

    async def ten() -> None:
        async def one() -> None:
            async with Client(at + "/mcp") as client:
                await ask(client)

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(one)

    anyio.run(ten)
