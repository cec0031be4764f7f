"""Answers as the chat shows them while and after a language model writes: what was checked,
what was struck, and what stands in its place."""

from __future__ import annotations

from collections.abc import Iterator

from assistant.schema import Answer, Checked, Progress
from assistant.web import words
from assistant.web.sources import answer_pieces, escape, foot, isolated, statement


def shown_pieces(answer: Answer, turn: int, newest: str | None = None) -> Iterator[str]:
    """The answer's HTML, piece by piece; one that was seen as it was written comes whole.

    `newest` is the date of the newest document, as ISO text.
    """
    if answer.is_written:
        written = f'<div class="answer">{_sentences(answer, turn)}</div>'
        yield written + foot(answer, turn, newest, _told(answer))
        return
    for piece in answer_pieces(answer, turn, newest):
        yield piece + _note(answer)


def progress_html(progress: Progress, turn: int) -> str:
    """What is checked so far, and what is being done."""
    stage = words.STAGES[progress.stage]
    return (
        f'<div class="answer">{_sentences(progress.answer, turn)}'
        f'<span class="stage">{escape(stage)}</span></div>'
    )


def _sentences(answer: Answer, turn: int) -> str:
    by_marker = {citation.marker: citation for citation in answer.citations}
    return "".join(
        statement(one.text, [by_marker[marker] for marker in one.markers], turn) + _computed(one)
        if one.is_shown
        else _struck(one)
        for one in answer.sentences
        if one.is_shown or answer.struck
    )


def _struck(sentence: Checked) -> str:
    return (
        f'<span class="struck"><del>{isolated(sentence.text)}</del> '
        f"<small>{words.NOT_FOUND}</small></span> "
    )


def _computed(sentence: Checked) -> str:
    if not sentence.computed:
        return ""
    figures = ", ".join(sentence.computed)
    return f'<small class="computed">{escape(words.COMPUTED.format(figures=figures))}</small> '


def _note(answer: Answer) -> str:
    """Why the answer is not the language model's, if one was asked."""
    if not answer.fallback:
        return ""
    return f'<p class="note">{escape(words.FALLBACK.format(reason=answer.fallback))}</p>'


def _told(answer: Answer) -> list[str]:
    """Who wrote the answer, and what came of the checks."""
    facts = [words.WRITTEN.format(model=answer.model)]
    for status, said in words.CHECKED.items():
        if count := sum(one.status == status for one in answer.sentences):
            facts.append(said.format(count=count))
    if answer.tokens:
        facts.append(words.TOKENS.format(count=sum(answer.tokens.values())))
    if answer.cost is not None:
        facts.append(words.COST.format(dollars=answer.cost))
    return facts
