"""Files → documents.

A document is one Markdown file with YAML front matter. Its id is its path
inside the corpus, without the suffix; its text is everything after the line
that closes the front matter, and that is what every offset counts in.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from llama_index.core.schema import Document
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from assistant.errors import EmptyCorpus, UnreadableDocument

LOADER_VERSION = 1

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Kind = Literal["official", "company", "news", "analysis", "reference"]


def _web_address(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise ValueError("not a web address")
    return url


def _iso_date(text: Any) -> datetime.date:
    if not isinstance(text, str) or len(text) != len("2026-01-31"):
        raise ValueError("not a date")
    return datetime.date.fromisoformat(text)


class FrontMatter(BaseModel):
    """What a document says about itself. corpus/README.md explains the fields."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Text
    title: Text
    publisher: Text
    kind: Kind
    topics: Annotated[list[Text], Field(min_length=1)]
    published: Annotated[datetime.date, BeforeValidator(_iso_date)] | None = None
    url: Annotated[Text, AfterValidator(_web_address)] | None = None
    title_note: Text | None = None


EXPECTED = {
    "id": "the file's path inside the corpus, without .md",
    "title": "the page's title as a line of text",
    "publisher": "the name of who published the page",
    "kind": "one of official, company, news, analysis, reference",
    "topics": "a list of words such as [jbic, first-batch]",
    "published": "a date such as 2026-01-31, or no such field",
    "url": "an address that begins with http:// or https://, or no such field",
    "title_note": "a line of text, or no such field",
}


class _Loader(yaml.SafeLoader):
    """YAML that leaves dates as they are written, for the field to be named if one is wrong."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_corpus(corpus_dir: Path) -> list[Document]:
    """Every document under a folder, in the order of their ids.

    Hidden files and the folder's own README.md are not documents. Nothing else
    is skipped.

    Raises:
        EmptyCorpus: there is no document.
        UnreadableDocument: the first one with a missing or broken part.
    """
    if not corpus_dir.is_dir():
        raise EmptyCorpus(f"no folder {corpus_dir}: set DIAMOND_CORPUS_DIR to where documents are")
    files = sorted(path for path in corpus_dir.rglob("*") if _is_document(path, corpus_dir))
    if not files:
        raise EmptyCorpus(f"no documents under {corpus_dir}: put Markdown files (.md) there")
    return sorted((load_document(path, corpus_dir) for path in files), key=lambda d: d.doc_id)


def load_document(path: Path, corpus_dir: Path) -> Document:
    """One document; its metadata holds the front matter, dates as ISO text.

    `metadata["page"]` names the page behind the digest: its address, or the
    document's id where it has none. Two documents with one page are one source.

    Raises:
        UnreadableDocument: which file, which field, and what was expected.
    """
    header, text = _split_front_matter(path, _read(path))
    fields = _check(path, header)
    expected_id = path.relative_to(corpus_dir).with_suffix("").as_posix()
    if fields.id != expected_id:
        raise UnreadableDocument(f"{path}: field 'id' is {fields.id!r}; expected {expected_id!r}")
    if not text.strip():
        raise UnreadableDocument(f"{path}: there is no text after the front matter")
    metadata = fields.model_dump(mode="json", exclude={"id"}, exclude_none=True)
    return Document(
        id_=fields.id, text=text, metadata={**metadata, "page": fields.url or fields.id}
    )


def _is_document(path: Path, corpus_dir: Path) -> bool:
    inside = path.relative_to(corpus_dir)
    hidden = any(part.startswith(".") for part in inside.parts)
    return path.is_file() and not hidden and inside != Path("README.md")


def _read(path: Path) -> str:
    if path.suffix != ".md":
        raise UnreadableDocument(f"{path}: only Markdown files (.md) can be read; move it away")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableDocument(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from error
    except OSError as error:
        raise UnreadableDocument(f"{path}: {error.strerror}") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _split_front_matter(path: Path, text: str) -> tuple[str, str]:
    opening, closing = "---\n", "\n---\n"
    end = text.find(closing, len(opening) - 1)
    if not text.startswith(opening) or end < 0:
        raise UnreadableDocument(
            f"{path}: no front matter; expected the fields between two lines of ---"
        )
    return text[len(opening) : end], text[end + len(closing) :]


def _check(path: Path, header: str) -> FrontMatter:
    try:
        fields: Any = yaml.load(header, _Loader)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 2}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UnreadableDocument(f"{path}{line}: broken front matter: {problem}") from error
    if not isinstance(fields, dict):
        raise UnreadableDocument(f"{path}: the front matter holds no fields")
    fields = {str(name): value for name, value in fields.items()}
    try:
        return FrontMatter.model_validate(fields)
    except ValidationError as error:
        raise UnreadableDocument(f"{path}: {_first_problem(error)}") from error


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    name = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return f"field {name!r} is unknown; the fields are {', '.join(EXPECTED)}"
    if problem["type"] == "missing":
        return f"field {name!r} is missing; expected {EXPECTED[name]}"
    return f"field {name!r} is {problem['input']!r}; expected {EXPECTED[name]}"
