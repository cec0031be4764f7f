"""The documents of an index as a table."""

from __future__ import annotations

from typing import Any

from assistant.documents import Listed
from assistant.library import Library
from assistant.schema import topic_of


def matching(table: list[list[Any]], search: str) -> list[list[Any]]:
    """The rows that have every word of a search, in whichever of their columns."""
    wanted = search.casefold().split()
    return [row for row in table if all(w in " ".join(map(str, row)).casefold() for w in wanted)]


def document_rows(library: Library) -> list[list[Any]]:
    """A row a document of the current generation, newest first: `words.DOCUMENT_COLUMNS`."""
    with library.reading() as reading:
        found = [_row(document) for document in reading.index.documents()]
    return sorted(found, key=lambda row: (row[2], row[0]), reverse=True)


def _row(document: Listed) -> list[Any]:
    said = document.metadata
    return [
        str(said.get("title", "")),
        str(said.get("publisher", "")),
        str(said.get("published") or ""),
        str(said.get("kind", "")),
        topic_of(document.id),
        document.passages,
        document.id,
    ]


def columns() -> dict[str, Any]:
    """How the table is shown."""
    return {
        "datatype": ["str", "str", "str", "str", "str", "number", "str"],
        "interactive": False,
        "wrap": True,
        "max_height": 640,
        "column_widths": ["360px", "190px", "115px", "95px", "95px", "95px", "270px"],
        "elem_id": "documents",
    }
