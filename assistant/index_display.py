"""What the `index` commands show: reports, tables and progress."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Table
from rich.text import Text

from assistant import ingestion
from assistant.changes import IngestReport
from assistant.errors import StoreError
from assistant.generations import Generations
from assistant.index import Manifest, PassageIndex, read_manifest
from assistant.settings import Settings
from assistant.terminal import console

_STAGES = {
    "read": ("Reading documents", "files"),
    "chunk": ("Cutting passages", "documents"),
    "embed": ("Embedding passages", "passages"),
    "write": ("Writing the index", "documents"),
    "check": ("Checking it", "documents"),
    "check documents": ("Checking documents", "documents"),
    "check vectors": ("Checking vectors", "passages"),
}
_SHOWN = 10  # ids or files that are named before the rest is counted
_WIDE = 400  # columns of a table that no person looks at
_STEP = 5.0  # seconds between two lines where there is no terminal


def show_report(report: IngestReport, dry_run: bool = False) -> None:
    """Print what a build found and did, or would do."""
    out = console()
    manifest = report.manifest
    if dry_run:
        out.print(
            "A build would change nothing."
            if report.is_empty
            else f"A build would {_todo(report)}."
        )
    elif report.is_empty and manifest is not None:
        out.print(f"Nothing changed: generation {manifest.generation} is up to date.")
    elif manifest is not None:
        out.print(Text(f"Generation {manifest.generation} is live.", style="bold green"))
        out.print(
            f"{manifest.documents:,} documents ({changes(report)}), {manifest.passages:,} passages "
            f"({report.embedded:,} embedded, {report.reused:,} known)"
        )
    _show_details(out, report)


def show_status(report: IngestReport, generations: Generations, settings: Settings) -> None:
    """Print what the current generation holds, what a build would change, and who builds."""
    manifest = report.manifest
    if manifest is None:
        return
    out = console()
    recipe = manifest.recipe
    kept = generations.finished()
    table = Table.grid(padding=(0, 2))
    rows = {
        "generation": f"{manifest.generation}, {len(kept)} kept",
        "built": f"{manifest.built_at}, {age(manifest.built_at)}",
        "from": ", ".join(manifest.folders),
        "documents": f"{manifest.documents:,}",
        "passages": f"{manifest.passages:,}",
        "dated": f"{manifest.published_from or '–'} to {manifest.published_to or '–'}",
        "embedding model": f"{recipe.embedding_model}, {recipe.passage_tokens} tokens a passage",
        "being built": generations.builder() or "",
        "a build would": "change nothing" if report.is_empty else _todo(report),
    }
    for name, value in rows.items():
        if value:
            table.add_row(Text(name, style="dim"), Text(value))
    out.print(table)
    _show_details(out, report)


def status_row(report: IngestReport, generations: Generations) -> dict[str, Any]:
    """The same for a program."""
    said = {**report.as_dict(), "generations": generations.finished()}
    if report.manifest is not None:
        said |= {"built_at": report.manifest.built_at, "built_from": report.manifest.folders}
    return said | {"being_built": generations.builder()}


def changes(report: IngestReport) -> str:
    """The counts of a report in words."""
    counts = {
        "added": report.added,
        "changed": report.changed,
        "renamed": report.renamed,
        "removed": report.removed,
        "unchanged": report.unchanged,
    }
    said = [f"{len(ids):,} {word}" for word, ids in counts.items() if ids]
    if report.failed:
        said.append(f"{len(report.failed):,} not readable")
    return ", ".join(said)


def document_rows(index: PassageIndex) -> list[dict[str, Any]]:
    """A row a document."""
    return [
        {
            "id": document.id,
            "published": document.metadata.get("published"),
            "passages": document.passages,
            "publisher": document.metadata.get("publisher"),
            "title": document.metadata.get("title"),
        }
        for document in index.documents()
    ]


def generation_rows(generations: Generations) -> list[dict[str, Any]]:
    """A row a generation, oldest first."""
    current = generations.current().name
    rows = []
    for name in generations.finished():
        row: dict[str, Any] = {"generation": name, "answers": name == current}
        with contextlib.suppress(StoreError, OSError, ValueError):
            manifest: Manifest = read_manifest(generations.folder(name))
            row |= {
                "built": manifest.built_at,
                "documents": manifest.documents,
                "passages": manifest.passages,
            }
        rows.append(row)
    return rows


def show_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table; the columns are the keys of the rows."""
    out = console()
    if not out.is_terminal:  # a program reads it
        out.width = _WIDE
    table = Table(box=None, pad_edge=False, header_style="dim")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    for place, name in enumerate(columns):
        table.add_column(name, no_wrap=place == 0, overflow="fold" if place else "ignore")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    out.print(table)


@contextlib.contextmanager
def progress(quiet: bool = False) -> Iterator[ingestion.Progress]:
    """A bar for each stage with its rate and the time left; lines where there is no terminal."""
    out = Console(stderr=True, highlight=False, quiet=quiet)
    if quiet or not out.is_terminal:
        yield Lines(out)
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Pace(), console=out
    ) as bars:
        tasks = {
            stage: bars.add_task(f"{words:<19}", total=None, visible=False, start=False, unit=unit)
            for stage, (words, unit) in _STAGES.items()
        }

        def update(stage: str, done: int, total: int) -> None:
            bars.start_task(tasks[stage])
            bars.update(tasks[stage], completed=done, total=total, visible=True)

        yield update


class Lines:
    """Progress as lines: one when a stage is done, and every few seconds until then."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._stage = ""
        self._began = self._told = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began, self._told = stage, now, now
        if done < total and now - self._told < _STEP:
            return
        self._told = now
        words, unit = _STAGES[stage]
        so_far = f"{total:,}" if done == total else f"{done:,} of {total:,}"
        self._out.print(f"{words}: {so_far}{pace(done, total, now - self._began, unit)}")


def pace(done: int, total: int, seconds: float, unit: str) -> str:
    """How fast it goes, and how long it will take.

    >>> pace(50, 200, 10.0, "passages")
    ' (5 passages/s, 0:30 left)'
    """
    if done == 0 or seconds < 1:
        return ""
    rate = done / seconds
    left = f", {_clock((total - done) / rate)} left" if done < total else ""
    return f" ({rate:,.{0 if rate >= 5 else 1}f} {unit}/s{left})"


def age(moment: str) -> str:
    """How long ago a moment was, given as ISO text; a clock that was moved back says so.

    >>> age("2999-01-01T00:00:00+00:00")
    'by a clock that was ahead of this one'
    """
    seconds = (
        datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(moment)
    ).total_seconds()
    if seconds < 0:
        return "by a clock that was ahead of this one"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


class _Pace(ProgressColumn):
    def render(self, task: Task) -> Text:
        unit = task.fields["unit"]
        said = pace(int(task.completed), int(task.total or 0), task.elapsed or 0, unit)
        return Text(said.strip(" ()"), style="dim")


def _todo(report: IngestReport) -> str:
    """What a build has to do, in words."""
    verbs = {
        "add": report.added,
        "take in what changed of": report.changed,
        "rename": report.renamed,
        "remove": report.removed,
    }
    said = [f"{verb} {_documents(len(ids))}" for verb, ids in verbs.items() if ids]
    if report.recipe:
        said.insert(0, f"cut all {len(report.unchanged):,} others anew")
    return ", ".join(said)


def _documents(count: int) -> str:
    return f"{count:,} document{'' if count == 1 else 's'}"


def _show_details(out: Console, report: IngestReport) -> None:
    """What a person has to know besides the counts."""
    for name, (was, wanted) in report.recipe.items():
        out.print(f"setting {name}: built with {was!r}, now {wanted!r}")
    if report.unchanged:  # else it would be all of them
        _show(out, "added", report.added)
    only_said = set(report.described)
    _show(out, "changed", [d for d in report.changed if d not in only_said])
    _show(out, "changed in its metadata only", report.described)
    _show(out, "renamed", [f"{was} → {now}" for was, now in report.renamed])
    _show(out, "removed", report.removed)
    _show(out, "the same text", [" = ".join(group) for group in report.duplicates], "yellow")
    failures = [
        f"{failure.file}: {failure.reason}{' (its earlier version stays)' if failure.kept else ''}"
        for failure in report.failed
    ]
    _show(out, "not readable", failures, "red", len(failures))
    for note in report.notes:
        out.print(Text(note, style="dim"))


def _show(
    out: Console, heading: str, lines: Iterable[str], style: str = "dim", most: int = _SHOWN
) -> None:
    lines = list(lines)
    for line in lines[:most]:
        out.print(Text.assemble((f"{heading}  ", style), line), soft_wrap=True)
    if len(lines) > most:
        out.print(Text(f"{heading}  … and {len(lines) - most:,} more", style=style))


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"{value:,}" if isinstance(value, int) else str(value or "")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
