"""Short lists on the page: the user's conversations, and what to ask next."""

from __future__ import annotations

import html
from collections.abc import Sequence

from assistant.history import Summary
from assistant.schema import Answer
from assistant.web import words
from assistant.web.sources import escape


def conversations_html(
    summaries: Sequence[Summary], current: str | None, searched: bool = False
) -> str:
    """The user's conversations, each to open, rename or delete."""
    here = html.escape(current or "")
    if not summaries:
        note = words.NONE_FOUND if searched else words.NONE_YET
        return f'<nav class="conversations" data-current="{here}"><p>{note}</p></nav>'
    items = "".join(_conversation(summary, summary.id == current) for summary in summaries)
    return (
        f'<nav class="conversations" data-current="{here}" '
        f'aria-label="{words.CONVERSATIONS}"><ul>{items}</ul></nav>'
    )


def _conversation(summary: Summary, is_current: bool) -> str:
    title = escape(summary.title)
    key = html.escape(summary.id)
    here = ' aria-current="page"' if is_current else ""
    return (
        f'<li><a href="?c={key}" data-open="{key}"{here}>{title}</a>'
        f'<button type="button" data-rename="{key}" data-title="{title}" '
        f'aria-label="{words.RENAME}: {title}" title="{words.RENAME}">✎</button>'
        f'<button type="button" data-delete="{key}" data-title="{title}" '
        f'aria-label="{words.DELETE}: {title}" title="{words.DELETE}">✕</button></li>'
    )


def next_html(questions: Sequence[str], answer: Answer | None) -> str:
    """What could be asked next, or, before any answer, to begin with.

    After an abstention under filters, the way to widen comes first.
    """
    if answer is None:
        return _asks(words.FIRST, words.EXAMPLES)
    widen = ""
    if answer.abstained and not answer.filters.is_empty:
        widen = f'<button type="button" class="widen" data-widen>{words.WIDEN}</button>'
    return _asks(words.NEXT, questions, widen)


def _asks(heading: str, questions: Sequence[str], first: str = "") -> str:
    buttons = first + "".join(
        f'<button type="button" data-ask="{escape(question)}">{escape(question)}</button>'
        for question in questions
    )
    title = f"<h2>{heading}</h2>" if questions else ""
    return f'<div class="next">{title}{buttons}</div>' if buttons else ""
