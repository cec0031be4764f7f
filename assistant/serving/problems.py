"""What went wrong → a plain response: one sentence, never a traceback."""

from __future__ import annotations

import logging
import os

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.errors import AssistantError, FilterError, Overloaded, TooMany
from assistant.serving.bodies import in_words

UNKNOWN = "Something went wrong in the server; its log says what."

_SENTENCES = {
    404: "There is nothing at this address; /openapi.json lists what there is.",
    405: "This address takes other methods; /openapi.json lists them.",
    413: "The request is too large.",
}

_log = logging.getLogger(__name__)


def problem(status: int, sentence: str, **headers: str) -> JSONResponse:
    """A response that says what went wrong."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"error": sentence}, status, named)


def response_to(error: Exception) -> Response:
    """The response to a request that ended in an error."""
    match error:
        case Overloaded():
            status = 429 if isinstance(error, TooMany) else 503
            return problem(status, str(error), retry_after=str(error.retry_after))
        case RequestValidationError():
            return problem(422, in_words(error.errors()))
        case FilterError():
            return problem(422, str(error))
        case HTTPException(status_code=status):
            sentence = _SENTENCES.get(status, str(error.detail))
            return problem(status, sentence, **(error.headers or {}))
        case AssistantError():
            return problem(500, str(error))
        case _:
            return problem(500, UNKNOWN)


def log(error: Exception) -> None:
    """Tell whoever runs the server, in one line; with DIAMOND_TRACEBACK set, in many."""
    where = bool(os.environ.get("DIAMOND_TRACEBACK"))
    _log.error("error: %s: %s", type(error).__name__, error, exc_info=error if where else None)


class PlainErrors:
    """The outermost layer: an error that arrives here ends as a plain response and a log line."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if scope["type"] == "lifespan":
                raise
            log(error)
            if not started and scope["type"] == "http":
                await response_to(error)(scope, receive, send)
