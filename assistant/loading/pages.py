"""Places in a text ↔ the pages of the file that it came from."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama_index.core.schema import BaseNode


def page_of(node: BaseNode, offset: int) -> int | None:
    """The page, counted from 1, of a character of a document; None where it has no pages.

    `node` is the document or one of its passages; `offset` counts in the
    document's text in either case.
    """
    pages = node.metadata.get("pages")
    return bisect_right(pages, max(offset, 0)) if pages else None
