"""HTML: the main content of a page, without its menus and margins."""

from __future__ import annotations

import re
from typing import Any

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import MIB, Extract, Limits
from assistant.loading.markup import parse_html, to_markdown
from assistant.loading.plain import decode

_MOST = 20 * MIB  # more than trafilatura takes

# The date that a page declares: none guessed from its text, and none left out as future.
_DATE = {"original_date": True, "extensive_search": False, "max_date": "2100-01-01"}

_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_DECLARED_WITHIN = 4096  # bytes


def read_html(content: bytes, limits: Limits) -> Extract:
    """A web page, with what its head says: OpenGraph, JSON-LD, its language."""
    import trafilatura

    if len(content) > _MOST:
        raise UnreadableDocument(f"more than {_MOST / MIB:.0f} MiB of HTML; divide it")
    declared = _CHARSET.search(content[:_DECLARED_WITHIN])
    page = decode(content, declared[1].decode() if declared else None)
    root = parse_html(page)
    found = trafilatura.bare_extraction(
        root,
        include_comments=False,
        with_metadata=True,
        date_extraction_params=_DATE,
    )
    if found is None or isinstance(found, dict):
        raise UnreadableDocument("there is no text on this page; save it from a browser")
    return Extract.of(
        to_markdown(found.body),
        title=found.title,
        publisher=found.sitename or found.author or found.hostname,
        published=found.date,
        url=found.url,
        language=_language(root),
        topics=[*(found.tags or []), *(found.categories or [])],
    )


def _language(root: Any) -> str | None:
    """The language that a page declares."""
    language: str | None = root.get("lang") or root.get(
        "{http://www.w3.org/XML/1998/namespace}lang"
    )
    return language
