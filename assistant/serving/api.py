"""The HTTP API: health, questions, the MCP tools, and /openapi.json, which describes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.telemetry import TelemetryConfig
from mcp.server import Server
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from assistant.citations import statements
from assistant.conversation import Conversation
from assistant.errors import AssistantError
from assistant.schema import Answer
from assistant.serving.bodies import (
    AnswerBody,
    Ask,
    CitationBody,
    Health,
    Problem,
    StatementBody,
)
from assistant.serving.gate import Gate
from assistant.serving.problems import response_to
from assistant.serving.signin import client_of

MAX_BODY = 8 * 2**20  # bytes; a page sends its whole conversation with a question

_EVENTS = "text/event-stream"
_OTHERS = ["GET", "HEAD", "PUT", "PATCH", "DELETE"]
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": what}
    for status, what in {
        401: "Nobody is signed in",
        422: "The request cannot be understood",
        429: "Too many requests from this client; Retry-After says when to come again",
        503: "Too many questions are waiting; Retry-After says when to come again",
    }.items()
}
_TELLS_NOBODY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


class AskRequest(Ask):
    """A question, and how its answer is to come."""

    stream: bool = Field(False, description="Send server-sent events, sentence by sentence.")


def make_api(conversation: Conversation, gate: Gate, tools: Server[Any]) -> FastAPI:
    """The API over one index. It answers only while its lifespan runs, and only once."""
    mcp = tools.streamable_http_app(
        stateless_http=True,  # nothing to keep between calls, nothing to wait for at the end
        json_response=True,
        # OwnPagesOnly sees to it for every path.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with tools.session_manager.run():
            try:
                yield
            finally:
                gate.close()

    app = FastAPI(
        title="Diamond assistant",
        version=version("diamond-assistant"),
        description="Questions answered from documents, every sentence with its citation.",
        docs_url=None,  # the pages load scripts from elsewhere
        redoc_url=None,
        max_body_size=MAX_BODY,
        telemetry=_TELLS_NOBODY,
        lifespan=lifespan,
    )
    for kind in (RequestValidationError, HTTPException, AssistantError, Exception):
        app.add_exception_handler(kind, _respond)

    @app.get("/health")
    async def health() -> Health:
        """Say that the server answers, and from what."""
        return Health.of(conversation)

    @app.post(
        "/api/ask",
        response_model=AnswerBody,
        responses={200: {"content": {_EVENTS: {"schema": {"type": "string"}}}}, **_PROBLEMS},
    )
    async def ask(body: AskRequest, request: Request) -> Response:
        """Answer a question from the documents, or say that they do not.

        With `stream`, or `Accept: text/event-stream`, the answer comes as
        server-sent events: a `statement` for each sentence with its citations,
        and at last an `answer` with the whole.
        """
        answer = await gate.run(client_of(request), lambda: body.answer(conversation))
        if body.stream or _EVENTS in request.headers.get("accept", ""):
            return StreamingResponse(
                events(answer),
                media_type=_EVENTS,
                headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            )
        return JSONResponse(answer.as_dict(), headers={"Cache-Control": "no-store"})

    app.add_route("/api/ask", _only_post, methods=_OTHERS, include_in_schema=False)
    app.add_route("/mcp", _only_post, methods=_OTHERS, include_in_schema=False)
    app.router.routes.extend(mcp.routes)
    return app


def events(answer: Answer) -> Iterator[str]:
    """An answer as server-sent events."""
    for text, citations in statements(answer):
        cited = [CitationBody.of(citation) for citation in citations]
        yield _event("statement", StatementBody(text=text, citations=cited))
    yield _event("answer", AnswerBody.of(answer))


def _event(name: str, body: BaseModel) -> str:
    return f"event: {name}\ndata: {body.model_dump_json(exclude_unset=True)}\n\n"


async def _only_post(request: Request) -> Response:
    raise HTTPException(405, headers={"Allow": "POST"})


async def _respond(request: Request, error: Exception) -> Response:
    return response_to(error)
