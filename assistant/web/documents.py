"""The documents of an index and of its corpus as a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from assistant.changes import Failure, IngestReport
from assistant.documents import Listed
from assistant.library import Library
from assistant.schema import topic_of
from assistant.web import words

Row = list[Any]


def matching(table: list[Row], search: str) -> list[Row]:
    """The rows that have every word of a search, in whichever of their columns."""
    wanted = search.casefold().split()
    return [row for row in table if all(w in " ".join(map(str, row)).casefold() for w in wanted)]


def document_rows(library: Library, report: IngestReport | None = None) -> list[Row]:
    """A row a document, newest first: `words.DOCUMENT_COLUMNS`.

    `report` says what a build would do now; what is not in the index yet, or
    not as it is there, comes on top.
    """
    report = report or IngestReport()
    states = states_of(report)
    with library.reading() as reading:
        listed = reading.index.documents()
    known = {document.id for document in listed}
    rows = [_row(document, states.get(document.id, words.INDEXED)) for document in listed]
    rows += [_new_row(doc_id, states[doc_id]) for doc_id in states if doc_id not in known]
    unsettled = unsettled_in(report)
    unsettled = unsettled_in(report)
    return sorted(rows, key=lambda row: (row[-1] in unsettled, row[2], row[0]), reverse=True)


def states_of(report: IngestReport) -> dict[str, str]:
    """What there is to say of documents that are not simply in the index, by their ids.

    Of several things, the most telling.
    """
    return {
        **dict.fromkeys(report.added, words.NEW_DOCUMENT),
        **{one: words.DUPLICATE.format(of=other) for one, other in _duplicates(report)},
        **dict.fromkeys(report.changed, words.CHANGED),
        **dict.fromkeys(report.described, words.DESCRIBED),
        **dict.fromkeys(report.removed, words.GONE_SINCE),
        **{before: words.RENAMED.format(now=now) for before, now in report.renamed},
        **dict.fromkeys((now for _, now in report.renamed), words.NEW_DOCUMENT),
        **{doc_id: words.UNREADABLE.format(reason=f.reason) for doc_id, f in _failures(report)},
    }


def unsettled_in(report: IngestReport) -> set[str]:
    """The ids of the documents that are not in the index as they are in the corpus."""
    moved = [doc_id for pair in report.renamed for doc_id in pair]
    failed = [doc_id for doc_id, failure in _failures(report) if not failure.kept]
    return {*report.added, *report.changed, *report.removed, *moved, *failed}


def _duplicates(report: IngestReport) -> Iterator[tuple[str, str]]:
    """Documents and the one that each has the text of: one that was there before, if any."""
    for group in report.duplicates:
        first, *others = sorted(group, key=lambda doc_id: (doc_id in report.added, doc_id))
        yield from ((other, first) for other in others)


def _failures(report: IngestReport) -> Iterator[tuple[str, Failure]]:
    """Failures by their ids; a file whose id another has is called by its name."""
    fine = {*report.added, *report.changed, *report.unchanged}
    for failure in report.failed:
        suffix = failure.file.suffix if failure.doc_id in fine else ""
        yield failure.doc_id + suffix, failure


def _row(document: Listed, state: str) -> Row:
    said = document.metadata
    return [
        str(said.get("title", "")),
        str(said.get("publisher", "")),
        str(said.get("published") or ""),
        str(said.get("kind", "")),
        topic_of(document.id),
        document.passages,
        state,
        document.id,
    ]


def _new_row(doc_id: str, state: str) -> Row:
    return [PurePath(doc_id).name, "", "", "", topic_of(doc_id), 0, state, doc_id]


def columns() -> dict[str, Any]:
    """How the table is shown."""
    return {
        "datatype": ["str", "str", "str", "str", "str", "number", "str", "str"],
        "interactive": False,
        "wrap": True,
        "max_height": 640,
        "column_widths": [
            "340px", "170px", "115px", "95px", "95px", "95px", "170px", "250px",
        ],
        "elem_id": "documents",
    }  # fmt: skip
