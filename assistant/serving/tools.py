"""The documents as tools of the Model Context Protocol: ask, search, get_document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from pydantic import BaseModel, ValidationError

from assistant.conversation import Conversation
from assistant.errors import AssistantError, NoSuchDocument
from assistant.retrieval import search
from assistant.schema import Answer, Citation, readable_date
from assistant.serving.gate import Gate
from assistant.serving.problems import UNKNOWN, log
from assistant.serving.replies import AnswerBody, DocumentBody, Found, PassageBody
from assistant.serving.requests import Ask, GetDocument, Search, filters_of, in_words
from assistant.serving.signin import client_of

_ASK = """Answer a question from the documents. Every sentence of the answer is a quote, followed \
by a marker such as [1] that leads to its document and its characters there. Where the documents \
do not answer, it says so and quotes what comes near. Send the earlier messages as `history` where \
the question leans on them."""
_SEARCH = """Find the passages of the documents that are nearest to a query, best first, each \
with its document, publisher and date. For answers, use `ask`."""
_GET_DOCUMENT = """Give one whole document with its title, publisher, date and address, by the id \
that `ask` and `search` name."""


@dataclass(frozen=True)
class Tool:
    """A tool: what it takes and gives, and the work between.

    `work` gives the text that a language model reads and the same for programs.
    """

    name: str
    description: str
    takes: type[BaseModel]
    gives: type[BaseModel]
    work: Callable[[Any], tuple[str, BaseModel]]

    def described(self) -> types.Tool:
        """The tool as a client lists it."""
        return types.Tool(
            name=self.name,
            description=self.description,
            input_schema=self.takes.model_json_schema(),
            output_schema=self.gives.model_json_schema(),
            annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
        )


def make_tools(conversation: Conversation, gate: Gate) -> Server[Any]:
    """An MCP server over the index that the conversation answers from."""
    tools = {tool.name: tool for tool in _tools(conversation)}

    async def list_tools(
        context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool.described() for tool in tools.values()])

    async def call_tool(
        context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            return _failed(f"There is no tool {params.name!r}, but {', '.join(tools)}.")
        try:
            wish = tool.takes.model_validate(params.arguments or {})
        except ValidationError as error:
            return _failed(in_words(error.errors()))
        try:
            text, body = await gate.run(client_of(context.request), lambda: tool.work(wish))
        except AssistantError as error:
            return _failed(str(error))
        except Exception as error:
            log(error)
            return _failed(UNKNOWN)
        return types.CallToolResult(
            content=[types.TextContent(text=text)],
            structured_content=body.model_dump(mode="json", exclude_unset=True),
        )

    return Server(
        "diamond-assistant",
        version=version("diamond-assistant"),
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def serve_stdio(tools: Server[Any]) -> None:
    """Serve the tools on standard input and output until the client closes them."""
    async with stdio_server() as (reader, writer):
        await tools.run(reader, writer, tools.create_initialization_options())


def _tools(conversation: Conversation) -> list[Tool]:
    def ask(wish: Ask) -> tuple[str, BaseModel]:
        answer = wish.answer(conversation)
        return _answer_text(answer), AnswerBody.of(answer)

    def find(wish: Search) -> tuple[str, BaseModel]:
        filters = filters_of(wish.filters, conversation)
        with conversation.library.reading() as reading:
            scored = search(reading.retriever, [wish.query], filters)[: wish.top_k]
        found = Found(passages=[PassageBody.of(passage) for passage in scored])
        return "\n\n".join(map(_passage_text, found.passages)), found

    def get_document(wish: GetDocument) -> tuple[str, BaseModel]:
        try:
            with conversation.library.reading() as reading:
                document = DocumentBody.of(reading.index.document(wish.id))
        except KeyError as error:
            raise NoSuchDocument(
                f"There is no document {wish.id!r}; `search` gives the ids of those there are."
            ) from error
        return f"{_source(document)}\n\n{document.text}", document

    return [
        Tool("ask", _ASK, Ask, AnswerBody, ask),
        Tool("search", _SEARCH, Search, Found, find),
        Tool("get_document", _GET_DOCUMENT, GetDocument, DocumentBody, get_document),
    ]


def _answer_text(answer: Answer) -> str:
    cited = answer.nearest if answer.abstained else answer.citations
    lead = "Nearest:\n" if answer.nearest else ""
    return f"{answer.text}\n\n{lead}" + "\n".join(map(_citation_text, cited))


def _citation_text(citation: Citation) -> str:
    where = f"document {citation.document}, characters {citation.start}–{citation.end}"
    return f"[{citation.marker}] {_source(citation)} ({where}): “{citation.quote}”"


def _passage_text(passage: PassageBody) -> str:
    where = f"document {passage.document}, characters {passage.start}–{passage.end}"
    return f"{_source(passage)} ({where}):\n{passage.text}"


def _source(of: Citation | PassageBody | DocumentBody) -> str:
    """Publisher, date, title and address, as one names a source."""
    named = f"{of.publisher}, {readable_date(of.published)}, {of.title}"
    return f"{named}, {of.url}" if of.url else named


def _failed(sentence: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=sentence)], is_error=True)
