"""The view of the documents: what it shows, and what happens when documents are added there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.changes import IngestReport
from assistant.conversation import Conversation
from assistant.errors import AssistantError
from assistant.ingestion import pending_changes
from assistant.schema import topic_of
from assistant.web import words
from assistant.web.adding import (
    MOST_FILES,
    Adding,
    Outcome,
    Wish,
    checking_html,
    may_add,
    outcome_html,
)
from assistant.web.documents import Row, document_rows, matching, unsettled_in
from assistant.web.events import Updates, typed, user_of
from assistant.web.layout import NOTHING, masthead
from assistant.web.sources import escape


@dataclass(frozen=True)
class Pending:
    """What differs between the corpus and the index, or why that cannot be said."""

    report: IngestReport = field(default_factory=IngestReport)
    problem: str = ""

    @property
    def note(self) -> str:
        """One line for the page."""
        if self.problem:
            return words.NOT_COMPARED.format(reason=self.problem)
        count = len(unsettled_in(self.report))
        return words.WAITING.format(count=count) if count else ""


class Catalogue:
    """The handlers of the view, for all tabs of all users."""

    def __init__(self, conversation: Conversation, adding: Adding) -> None:
        self._conversation = conversation
        self._adding = adding
        self._pending = Pending()

    def find(self, search: str) -> list[Row]:
        """The rows that a search leaves, as of the last comparison with the corpus."""
        rows = document_rows(self._conversation.library, self._pending.report)
        return matching(rows, typed(search))

    def visit(self, search: str) -> tuple[list[Row], str, str]:
        """The table, the note above it and the page's head, as things are now."""
        self._pending = self._compared()
        note = f"<p>{escape(self._pending.note)}</p>" if self._pending.note else NOTHING
        return self.find(search), note, self.head()

    def head(self) -> str:
        """The page's head."""
        return masthead(self._conversation.library.manifest)

    def topics_and_kinds(self) -> tuple[Any, Any]:
        """What the filters offer."""
        facets = self._conversation.facets()
        return gr.update(choices=list(facets.topics)), gr.update(choices=list(facets.kinds))

    def permit(self, request: gr.Request) -> tuple[Any, Any]:
        """Show how to add documents, or why this user cannot."""
        settings = self._adding.settings
        may = may_add(settings, user_of(request))
        why = words.MAY_NOT_ADD_USER if settings.users else words.MAY_NOT_ADD
        return gr.update(visible=may), gr.update(visible=not may, value=why)

    def add(
        self, files: Sequence[str] | None, url: str, title: str, publisher: str, published: str,
        search: str, request: gr.Request,
    ) -> Iterator[Updates]:  # fmt: skip
        """Add what was given; the fields are emptied of what went in."""
        self._refuse(request)
        paths = [Path(file) for file in files or ()]
        wish = Wish(paths, typed(url).strip(), typed(title), typed(publisher), typed(published))
        if wish.is_empty:
            raise _sorry(words.ADD_NOTHING)
        if len(paths) > MOST_FILES:
            raise _sorry(words.TOO_MANY_FILES.format(count=len(paths), most=MOST_FILES))
        try:
            yield self._updates(checking_html(), busy=True)
            yield from self._told(self._adding.add(wish), search)
        finally:
            for path in paths:  # they were sent for this alone
                path.unlink(missing_ok=True)

    def update(self, search: str, request: gr.Request) -> Iterator[Updates]:
        """Bring the index up to date with what is in the corpus."""
        self._refuse(request)
        yield from self._told(self._adding.build(), search)

    def ask_about(self, topics: list[str]) -> tuple[Any, Any]:
        """Turn to the questions, among what was added."""
        return gr.update(selected=words.ASK_VIEW), gr.update(value=topics)

    def _refuse(self, request: gr.Request) -> None:
        """See that the user may; the buttons are not there, but who sends events needs none."""
        settings = self._adding.settings
        if not may_add(settings, user_of(request)):
            raise _sorry(words.MAY_NOT_ADD_USER if settings.users else words.MAY_NOT_ADD)

    def _told(self, outcomes: Iterator[Outcome], search: str) -> Iterator[Updates]:
        last = Outcome()
        for last in outcomes:
            yield self._updates(outcome_html(last), busy=True)
        yield self._updates(outcome_html(last), last, self.visit(search))

    def _updates(
        self,
        html: str,
        outcome: Outcome | None = None,
        seen: tuple[list[Row], str, str] | None = None,
        busy: bool = False,
    ) -> Updates:
        """Values for the parts of the view, in the order of `app.adding_parts`."""
        rows, note, head = seen or (gr.skip(), gr.skip(), gr.skip())
        buttons = gr.update(interactive=not busy)
        added = outcome.present if outcome else []
        topics = sorted({topic_of(document.doc_id) for document in added})
        kept = [gr.skip()] * 4  # until all is well, to be sent again
        if added and outcome and not outcome.failed:
            kept = [""] * 4
        files = gr.skip() if outcome is None else None  # they are gone from here
        ready = bool(added and outcome and outcome.report)
        facets = self.topics_and_kinds() if ready else (gr.skip(), gr.skip())
        return (
            html, buttons, buttons, gr.update(visible=ready), topics if ready else gr.skip(),
            files, *kept, rows, note, head, *facets,
        )  # fmt: skip

    def _compared(self) -> Pending:
        try:
            return Pending(pending_changes(self._adding.settings, keep_failed=True))
        except AssistantError as error:
            return Pending(problem=str(error))
        except Exception as error:  # a bug of ours: the table is shown all the same
            return Pending(problem=f"{type(error).__name__}: {error}")


def _sorry(message: str) -> gr.Error:
    return gr.Error(message, print_exception=False, title=words.SORRY)
