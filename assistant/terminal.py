"""What the command line shows: answers, reports and progress, with colour on a terminal."""

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
from rich.table import Table
from rich.text import Text

from assistant import citations, ingestion
from assistant.answering.confidence import in_words
from assistant.ingestion import IngestReport
from assistant.schema import Answer, Citation, shorten

MAX_WIDTH = 96
_QUOTE = 300  # characters of a nearest passage that are shown

# What stands above the quotes of an abstention.
NEAREST = {"not_stated": "This comes nearest", "nothing": "Nearest passages"}

# Where a sentence is struck; without colour it is all that tells.
NOT_FOUND = "not found in the sources"

_STAGES = {
    "read": "Reading documents",
    "chunk": "Cutting passages",
    "embed": "Embedding passages",
    "write": "Writing the index",
    "check": "Checking it",
}


def show_answer(answer: Answer) -> None:
    """Print an answer and its numbered sources, or what came nearest to one."""
    console = _console()
    if answer.fallback:
        say(f"The answer of {answer.model} is not shown: {answer.fallback}.")
    if answer.abstained:
        console.print(Text(answer.text, style="yellow"))
        if answer.nearest:
            console.print(f"\n{NEAREST[answer.outcome]}:", style="bold")
        for citation in answer.nearest:
            console.print()
            console.print(_source([citation]))
            console.print(Padding(Text(shorten(citation.quote, _QUOTE), style="dim"), (0, 0, 0, 4)))
        return
    console.print(_written(answer) if answer.is_written else _quoted(answer))
    for group in _by_document(answer.citations):
        console.print()
        console.print(_source(group))
    sure = f"Confidence {in_words(answer.confidence)} ({answer.confidence:.2f})"
    writer = f"Written by {answer.model}, checked. " if answer.is_written else ""
    console.print(Text(f"\n{writer}{sure}. Index {answer.generation}", style="dim"))
    if not answer.filters.is_empty:
        console.print(Text(f"Filter: {answer.filters.in_words}", style="dim"))


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


def show_report(report: IngestReport) -> None:
    """Print what a build found and did."""
    console = _console()
    manifest = report.manifest
    if manifest is None:
        return
    if report.is_empty:
        console.print(f"Nothing changed: generation {manifest.generation} is up to date.")
        return
    console.print(Text(f"Generation {manifest.generation} is live.", style="bold green"))
    console.print(
        f"{len(manifest.fingerprints):,} documents ({changes(report)}), "
        f"{manifest.passages:,} passages ({report.embedded:,} embedded)"
    )


def show_status(report: IngestReport) -> None:
    """Print what the current generation holds and what a build would change."""
    manifest = report.manifest
    if manifest is None:
        return
    table = Table.grid(padding=(0, 2))
    recipe = manifest.recipe
    for name, value in (
        ("generation", manifest.generation),
        ("built", manifest.built_at),
        ("documents", f"{len(manifest.fingerprints):,}"),
        ("passages", f"{manifest.passages:,}"),
        ("dated", f"{manifest.published_from or '–'} to {manifest.published_to or '–'}"),
        ("embedding model", f"{recipe.embedding_model}, {recipe.passage_tokens} tokens a passage"),
        ("a build would", "change nothing" if report.is_empty else changes(report)),
    ):
        table.add_row(Text(name, style="dim"), Text(value))
    _console().print(table)


def changes(report: IngestReport) -> str:
    """The counts of a report in words."""
    counts = {
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
    }
    return ", ".join(f"{len(ids):,} {word}" for word, ids in counts.items() if ids)


def say(text: str) -> None:
    """Print a remark that is not output."""
    Console(stderr=True, highlight=False, markup=False).print(text, style="dim", soft_wrap=True)


@contextlib.contextmanager
def progress_bar() -> Iterator[ingestion.Progress]:
    """A bar for each stage of a build; a line for each where there is no terminal."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield (
            lambda stage, done, total: (
                console.print(f"{_STAGES[stage]}: {total:,}") if done == total else None
            )
        )
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as bars:
        tasks = {
            stage: bars.add_task(f"{words:<19}", total=None, visible=False, start=False)
            for stage, words in _STAGES.items()
        }

        def update(stage: str, done: int, total: int) -> None:
            bars.start_task(tasks[stage])
            bars.update(tasks[stage], completed=done, total=total, visible=True)

        yield update


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


def _console() -> Console:
    console = Console(highlight=False, markup=False)
    console.width = min(console.width, MAX_WIDTH)
    return console


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
