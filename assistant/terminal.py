"""What the command line shows: answers and remarks, with colour on a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from assistant import citations
from assistant.answering.confidence import in_words
from assistant.schema import Answer, Citation, shorten

MAX_WIDTH = 96
_QUOTE = 300  # characters of a nearest passage that are shown

# What stands above the quotes of an abstention.
NEAREST = {"not_stated": "This comes nearest", "nothing": "Nearest passages"}

# Where a sentence is struck; without colour it is all that tells.
NOT_FOUND = "not found in the sources"


def show_answer(answer: Answer) -> None:
    """Print an answer and its numbered sources, or what came nearest to one."""
    out = console()
    if answer.fallback:
        say(f"The answer of {answer.model} is not shown: {answer.fallback}.")
    if answer.abstained:
        out.print(Text(answer.text, style="yellow"))
        if answer.nearest:
            out.print(f"\n{NEAREST[answer.outcome]}:", style="bold")
        for citation in answer.nearest:
            out.print()
            out.print(_source([citation]))
            out.print(Padding(Text(shorten(citation.quote, _QUOTE), style="dim"), (0, 0, 0, 4)))
        return
    out.print(_written(answer) if answer.is_written else _quoted(answer))
    for group in _by_document(answer.citations):
        out.print()
        out.print(_source(group))
    sure = f"Confidence {in_words(answer.confidence)} ({answer.confidence:.2f})"
    writer = f"Written by {answer.model}, checked. " if answer.is_written else ""
    out.print(Text(f"\n{writer}{sure}. Index {answer.generation}", style="dim"))
    if not answer.filters.is_empty:
        out.print(Text(f"Filter: {answer.filters.in_words}", style="dim"))


def _quoted(answer: Answer) -> Text:
    line = Text()
    for statement, cited in citations.statements(answer):
        line.append(statement)
        line.append_text(_markers([citation.marker for citation in cited]))
    return line


def _written(answer: Answer) -> Text:
    """The checked sentences; those not found in the sources struck, if they are to be seen."""
    line = Text()
    for sentence in answer.sentences:
        if sentence.is_shown:
            line.append(sentence.text)
            line.append_text(_markers(sentence.markers))
        elif answer.struck:
            line.append(sentence.text, style="strike dim")
            line.append(f" ({NOT_FOUND}) ", style="red")
    return line


def _markers(markers: Sequence[int]) -> Text:
    line = Text()
    for marker in markers:
        line.append(f" [{marker}]", style="bold cyan")
    return line.append(" ")


def say(text: str) -> None:
    """Print a remark that is not output."""
    Console(stderr=True, highlight=False, markup=False).print(text, style="dim", soft_wrap=True)


@contextlib.contextmanager
def one_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A single bar; silent where there is no terminal."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda done, total: None
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def console() -> Console:
    """Standard output, no wider than one reads."""
    out = Console(highlight=False, markup=False)
    out.width = min(out.width, MAX_WIDTH)
    return out


def _by_document(citations: Sequence[Citation]) -> list[list[Citation]]:
    groups: dict[str, list[Citation]] = {}
    for citation in citations:
        groups.setdefault(citation.document, []).append(citation)
    return list(groups.values())


def _span(citation: Citation) -> str:
    page = f" on page {citation.page}" if citation.page else ""
    return f"{citation.start}–{citation.end}{page}"


def _source(citations: Sequence[Citation]) -> Text:
    """A document, under the markers of the quotes that it stands behind."""
    first = citations[0]
    markers = " ".join(f"[{citation.marker}]" for citation in citations)
    spans = ", ".join(map(_span, citations))
    lines = Text()
    lines.append(f"{markers} ", style="bold cyan")
    lines.append(f"{first.publisher}, {first.published or 'undated'}", style="bold")
    lines.append(f"\n{first.title}")
    lines.append(f"\n{first.url or 'no link'}", style="dim")
    lines.append(f"\n{first.document}, characters {spans}", style="dim")
    return lines
