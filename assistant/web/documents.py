"""The documents of an index as a table."""

from __future__ import annotations

from typing import Any

from assistant.index import PassageIndex
from assistant.schema import topic_of


def matching(table: list[list[Any]], search: str) -> list[list[Any]]:
    """The rows that have every word of a search, in whichever of their columns."""
    wanted = search.casefold().split()
    return [row for row in table if all(w in " ".join(map(str, row)).casefold() for w in wanted)]


def rows(index: PassageIndex) -> list[list[Any]]:
    """A row a document, newest first; the columns are `words.DOCUMENT_COLUMNS`."""
    found = []
    for document_id in index.manifest.fingerprints:
        metadata = index.document(document_id).metadata
        found.append(
            [
                str(metadata.get("title", "")),
                str(metadata.get("publisher", "")),
                str(metadata.get("published") or ""),
                str(metadata.get("kind", "")),
                topic_of(document_id),
                len(index.passages_of(document_id)),
                document_id,
            ]
        )
    return sorted(found, key=lambda row: (row[2], row[0]), reverse=True)


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
