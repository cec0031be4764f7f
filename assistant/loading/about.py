"""What is known of a document: what it says itself, what a file beside it says, or a default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from assistant.loading.extracts import Extract, clean
from assistant.loading.front_matter import Sidecar

UNKNOWN_PUBLISHER = "unknown publisher"

# Of the kinds, the one that is taken neither for first hand nor for a compilation.
DEFAULT_KIND = "analysis"

_LONGEST = 300  # characters of a title or another field that a file gives itself

# What programs write where their user wrote nothing.
_NOTHING = frozenset(
    "anonymous unknown none untitled user owner admin administrator openpyxl python-docx root"
    " document presentation".split()
) | {"microsoft office user", "windows user", "powerpoint presentation", "word document"}
_PROGRAM = re.compile(r"^Microsoft \w+ - ")
_SUFFIX = re.compile(r"\.(?:docx?|pptx?|xlsx?|indd|qxd|pdf|tex|html?)$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2}")


def describe(
    path: Path, doc_id: str, extract: Extract, sidecar: Mapping[str, Any]
) -> dict[str, Any]:
    """A document's metadata; what the sidecar says comes first.

    `page` names the page behind the document, `pages` says where its own pages
    begin: see `load_document` and `page_of`.
    """
    known = {**usable(extract.declared), **sidecar}
    metadata = {
        "title": path.name,
        "publisher": UNKNOWN_PUBLISHER,
        "kind": DEFAULT_KIND,
        "topics": [],
        **known,
        "page": known.get("url") or doc_id,
    }
    return {**metadata, "pages": list(extract.pages)} if extract.pages else metadata


def usable(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Those fields of what a file says about itself that a document can have, dates as ISO text.

    >>> usable({"title": " The\\nlamp ", "published": "2031-03-02T10:00Z", "url": "lamp.example"})
    {'title': 'The lamp', 'published': '2031-03-02'}
    """
    kept: dict[str, Any] = {}
    for name, value in declared.items():
        try:
            fields = Sidecar.model_validate({name: _tidy(name, value)})
        except ValidationError:
            continue
        kept |= fields.model_dump(mode="json", exclude_none=True)
    return kept


def _tidy(name: str, value: Any) -> Any:
    """A value in the form that a document has it in; None where it says nothing."""
    if name == "topics":
        said = [value] if isinstance(value, str) else value or []
        names = [name for one in said if isinstance(one, str) for name in re.split("[,;]", one)]
        return [_tidy("", name) for name in names if name.strip()]
    if not isinstance(value, str):
        return value
    value = " ".join(clean(value).split())
    if name == "published":
        return value[: len("2026-01-31")]
    if name == "language":
        return value.replace("_", "-")
    if name in ("title", "publisher"):
        value = _SUFFIX.sub("", _PROGRAM.sub("", value))
        if value.casefold() in _NOTHING or not _WORD.search(value):
            return None
    return value[:_LONGEST]
