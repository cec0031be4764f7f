"""What a document says about itself in YAML: front matter, or a file beside it.

A digest's front matter has every field that it needs and no field that is
unknown. A sidecar file may have any of them. Front matter that another program
wrote is read for what can be used.
"""

from __future__ import annotations

import contextlib
import datetime
import reprlib
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from assistant.errors import UnreadableDocument

try:
    from yaml import CSafeLoader as SafeLoaderInC
except ImportError:  # PyYAML was built without it
    from yaml import SafeLoader as SafeLoaderInC  # type: ignore[assignment]

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Kind = Literal["official", "company", "news", "analysis", "reference"]

OPENING = "---\n"  # how front matter begins

# How other programs call our fields.
_SYNONYMS = {"date": "published", "author": "publisher", "lang": "language", "tags": "topics"}


def _web_address(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise ValueError("not a web address")
    return url


def _iso_date(text: Any) -> datetime.date:
    if not isinstance(text, str) or len(text) != len("2026-01-31"):
        raise ValueError("not a date")
    return datetime.date.fromisoformat(text)


Topics = Annotated[list[Text], Field(min_length=1)]
Date = Annotated[datetime.date, BeforeValidator(_iso_date)]
Url = Annotated[Text, AfterValidator(_web_address)]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class Sidecar(BaseModel):
    """What `NAME.SUFFIX.meta.yaml` may say of the file NAME.SUFFIX."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Text | None = None
    publisher: Text | None = None
    kind: Kind | None = None
    topics: Topics | None = None
    published: Date | None = None
    url: Url | None = None
    language: Language | None = None
    title_note: Text | None = None


class FrontMatter(Sidecar):
    """What a digest says about itself. corpus/README.md explains the fields."""

    id: Text
    title: Text
    publisher: Text
    kind: Kind
    topics: Topics


EXPECTED = {
    "id": "the file's path inside the corpus, without .md",
    "title": "the page's title as a line of text",
    "publisher": "the name of who published the page",
    "kind": "one of official, company, news, analysis, reference",
    "topics": "a list of words such as [jbic, first-batch]",
    "published": "a date such as 2026-01-31, or no such field",
    "url": "an address that begins with http:// or https://, or no such field",
    "language": "a code such as en or pt-BR, or no such field",
    "title_note": "a line of text, or no such field",
}

Fields = TypeVar("Fields", bound=Sidecar)

_NAMES: dict[type[Sidecar], str] = {FrontMatter: "front matter", Sidecar: "sidecar"}

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 100


class _Loader(yaml.SafeLoader):
    """YAML that leaves dates as they are written, for the field to be named if one is wrong."""


class _QuickLoader(SafeLoaderInC):
    """The same in C, ten times faster; at a hundred thousand brackets in each other it crashes."""


_QUICK_UP_TO = 4000  # characters: front matter of digests is a tenth of that

_Loader.yaml_implicit_resolvers = _QuickLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def split_front_matter(text: str) -> tuple[str, str] | None:
    """The lines between two lines of ---, and the text after them; None where there are none."""
    closing = "\n---\n"
    end = text.find(closing, len(OPENING) - 1)
    if not text.startswith(OPENING) or end < 0:
        return None
    return text[len(OPENING) : end], text[end + len(closing) :]


def check(header: str, model: type[Fields]) -> Fields:
    """The fields in some lines of YAML.

    Raises:
        UnreadableDocument: which field, and what was expected.
    """
    fields = _parse(header, model)
    if not isinstance(fields, dict):
        raise UnreadableDocument(f"the {_NAMES[model]} holds no fields")
    try:
        return model.model_validate({str(name): value for name, value in fields.items()})
    except ValidationError as error:
        raise UnreadableDocument(_first_problem(error, model)) from error


def peek(header: str) -> dict[str, Any]:
    """The fields in the front matter of a file that need not have any."""
    try:
        fields = _parse(header, FrontMatter)
    except UnreadableDocument:
        return {}
    if not isinstance(fields, dict):
        return {}
    return {_SYNONYMS.get(str(name), str(name)): value for name, value in fields.items()}


def _parse(header: str, model: type[Sidecar]) -> Any:
    try:
        return _load(header)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        above = 2 if model is FrontMatter else 1  # lines are counted from 1, and --- is one
        line = f", line {mark.line + above}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UnreadableDocument(f"broken {_NAMES[model]}{line}: {problem}") from error


def _load(header: str) -> Any:
    if len(header) <= _QUICK_UP_TO:
        with contextlib.suppress(yaml.YAMLError):  # the other loader says better what is wrong
            return yaml.load(header, _QuickLoader)
    return yaml.load(header, _Loader)


def _first_problem(error: ValidationError, model: type[Sidecar]) -> str:
    problem = error.errors()[0]
    name = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        known = [field for field in EXPECTED if field in model.model_fields]
        return f"field {name!r} is unknown; the fields are {', '.join(known)}"
    if problem["type"] == "missing":
        return f"field {name!r} is missing; expected {EXPECTED[name]}"
    return f"field {name!r} is {_SHORT.repr(problem['input'])}; expected {EXPECTED[name]}"
