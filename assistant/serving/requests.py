"""The bodies of requests, and what is wrong with one, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from assistant.conversation import Conversation
from assistant.schema import Answer, Filters, turns_of

MAX_QUESTION = 10_000


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("there is nothing in it")
    return text


Question = Annotated[str, Field(max_length=MAX_QUESTION), AfterValidator(_not_blank)]


class RequestBody(BaseModel):
    """A request: a name that it does not have is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Message(RequestBody):
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str = Field(max_length=2 * MAX_QUESTION)


class FiltersBody(RequestBody):
    """What to search. Documents without a date pass no filter on dates."""

    topic: list[str] = Field([], description="Folders of the corpus; none: all of them.")
    kind: list[str] = Field(
        [], description="Kinds of source, such as official or news; none: all of them."
    )
    since: str | None = Field(None, description="The first day of publication: 2026-01-31.")
    until: str | None = Field(None, description="The last day of publication: 2026-01-31.")
    as_of: str | None = Field(None, description="What was out on this day, and as of then.")


def filters_of(given: FiltersBody | None, conversation: Conversation) -> Filters:
    """The filters that are given, if some document can pass them.

    Raises:
        FilterError: which of them cannot be used.
    """
    filters = Filters.from_dict(given.model_dump() if given else {})
    if not filters.is_empty:
        conversation.facets().check(filters)
    return filters


class Ask(RequestBody):
    """A question, and the conversation that it may lean on."""

    question: Question = Field(description="What to ask, in plain words.")
    history: list[Message] = Field(
        [], max_length=200, description="The messages before it, oldest first."
    )
    filters: FiltersBody | None = Field(None, description="What to search; none: everything.")

    def answer(self, conversation: Conversation) -> Answer:
        """Ask it.

        Raises:
            FilterError: a filter cannot be used.
        """
        turns = turns_of([message.model_dump() for message in self.history])
        filters = filters_of(self.filters, conversation)
        return conversation.fresh(turns).ask(self.question, filters)


class Search(RequestBody):
    """A search for passages."""

    query: Question = Field(description="What to look for, in plain words.")
    top_k: int = Field(10, ge=1, le=30, description="How many passages to give.")
    filters: FiltersBody | None = Field(None, description="What to search; none: everything.")


class GetDocument(RequestBody):
    """A wish for one whole document."""

    id: str = Field(max_length=1000, description="The document's id, as citations name it.")


def in_words(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first of pydantic's errors as a sentence.

    >>> in_words([{"loc": ("body", "question"), "type": "missing", "msg": "Field required"}])
    '"question" is missing.'
    """
    error = errors[0]
    where = ".".join(str(part) for part in error["loc"] if part != "body")
    match error["type"]:
        case "json_invalid":
            return "The body is not JSON."
        case "missing" if where:
            return f'"{where}" is missing.'
        case "extra_forbidden":
            return f'"{where}" is not known here.'
        case "string_too_long":
            limit = error["ctx"]["max_length"]
            return f'"{where}" has more than {limit:,} characters.'
        case _ if not where:
            return 'Send a JSON object with a "question", as application/json.'
        case _:
            message = error["msg"].removeprefix("Value error, ")
            return f'"{where}" cannot be used: {message[0].lower()}{message[1:]}.'
