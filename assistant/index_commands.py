"""The `index` commands: build, add, remove, look, go back, check, watch, prune."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from assistant.errors import AssistantError, IndexBusy

if TYPE_CHECKING:
    from assistant import shelf
    from assistant.changes import Failure, IngestReport
    from assistant.loading import Corpus
    from assistant.settings import Settings

DONE, DAMAGED, SOME_FAILED = 0, 1, 4

_Command = TypeVar("_Command", bound=Callable[..., Any])
_A_FOLDER: click.Path = click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
_from = click.option(
    "--from",
    "folders",
    type=_A_FOLDER,
    multiple=True,
    help="Read the documents of this folder instead of the corpus. May be repeated.",
)
_keep_failed = click.option(
    "--keep-failed",
    is_flag=True,
    help="Keep the earlier version of a document that can no longer be read.",
)


@click.group()
def index() -> None:
    """Build the index, change what is in it, or see what it holds.

    Readers go on with the generation that is there until a new one is complete,
    and take that one up with their next question.
    """


@index.command()
@_from
@_keep_failed
@click.option("--anew", is_flag=True, help="Trust nothing that is there: read, cut and embed all.")
@_dry_run
@_json
def build(
    folders: tuple[Path, ...], keep_failed: bool, anew: bool, dry_run: bool, as_json: bool
) -> int:
    """Bring the index up to date with the corpus.

    Only new and changed documents are read, and only what was never embedded
    before is embedded. A build that was stopped goes on where it was.

    Exit status: 0 done, 4 some files could not be read (the others went in),
    2 nothing could be built.
    """
    return build_index(_settings(), folders, keep_failed, anew, dry_run, as_json)


@index.command()
@click.argument("sources", nargs=-1, required=True, metavar="PATH|URL...")
@click.option("--title", default="", help="The title of the document.")
@click.option("--publisher", default="", help="Who published it.")
@click.option("--published", default="", help="When, as in 2026-01-31.")
@_dry_run
@_json
def add(
    sources: tuple[str, ...],
    title: str,
    publisher: str,
    published: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Copy files, or fetch web pages, into the corpus, and build the index.

    A folder stands for all files in it. What cannot be read stays out of the
    corpus and is named. Title, publisher and date are kept in a file beside the
    document; they come before what it says of itself.

    Exit status: 0 done, 4 some documents could not be added.
    """
    settings = _settings()
    from assistant import shelf
    from assistant.errors import FetchError

    pages = [source for source in sources if "://" in source]
    paths = _files_of(source for source in sources if "://" not in source)
    said = shelf.said(title, publisher, published)
    results: list[shelf.Added | shelf.Failure] = []
    if paths:
        results += shelf.add_files(settings, paths, said, dry_run)
    for page in pages:
        try:
            results.append(shelf.add_page(settings, page, said, dry_run=dry_run))
        except FetchError as error:
            results.append(shelf.Failure(Path(page), error.reason, page))
    return _follow(settings, results, dry_run, as_json)


@index.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@_dry_run
@_json
def remove(ids: tuple[str, ...], dry_run: bool, as_json: bool) -> int:
    """Take documents out of the corpus, and build the index.

    Their files go to the corpus's hidden folder .removed, from where they can
    be moved back. `index list` shows the ids.

    Exit status: 0 done, 4 some ids are of no document.
    """
    settings = _settings()
    from assistant import shelf

    return _follow(settings, shelf.remove(settings, ids, dry_run), dry_run, as_json)


@index.command()
@_json
def verify(as_json: bool) -> int:
    """Check the generation that answers: every passage, vector, sentence and file of it.

    Exit status: 0 all is well, 1 something is damaged.
    """
    settings = _settings()
    from assistant import index_display
    from assistant.verification import verify

    with index_display.progress(quiet=as_json) as progress:
        problems = verify(settings, progress)
    if as_json:
        _print({"problems": problems})
    elif problems:
        for problem in problems:
            click.echo(problem)
    else:
        click.echo("All is well.")
    return DAMAGED if problems else DONE


@index.command()
@_keep_failed
@click.option(
    "--every",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Seconds that the corpus has to be quiet before a build.",
)
def watch(keep_failed: bool, every: int) -> None:
    """Build the index whenever the corpus changes, until stopped."""
    settings = _settings()
    from assistant.watching import changes_of

    for _ in changes_of(settings.corpus_dir, quiet=every):
        while _is_busy(settings, keep_failed):
            time.sleep(every)


def _is_busy(settings: Settings, keep_failed: bool) -> bool:
    """Build, unless another process does; whether that is so."""
    try:
        build_index(settings, keep_failed=keep_failed)
    except IndexBusy:
        return True
    except AssistantError as error:  # the next change may mend it
        click.echo(f"error: {error}", err=True)
    return False


@index.command()
@_from
@_json
def status(folders: tuple[Path, ...], as_json: bool) -> None:
    """Show what the index holds, what a build would change, and who builds."""
    settings = _settings()
    from assistant import index_display
    from assistant.ingestion import generations_of, pending_changes

    pending = pending_changes(settings, _corpus(settings, folders))
    generations = generations_of(settings)
    if as_json:
        _print(index_display.status_row(pending, generations))
    else:
        index_display.show_status(pending, generations, settings)


@index.command("list")
@click.option("--generations", "kept", is_flag=True, help="List the generations that are kept.")
@_json
def list_(kept: bool, as_json: bool) -> None:
    """List the documents of the index, or its generations."""
    settings = _settings()
    from assistant import index_display
    from assistant.ingestion import generations_of, open_index

    if kept:
        rows = index_display.generation_rows(generations_of(settings))
    else:
        opened = open_index(settings)
        rows = index_display.document_rows(opened)
        opened.close()
    if as_json:
        _print(rows)
    else:
        index_display.show_rows(rows)


@index.command()
@click.argument("generation", required=False)
@_dry_run
@_json
def rollback(generation: str | None, dry_run: bool, as_json: bool) -> None:
    """Let GENERATION answer, or the one before the current one.

    The next build starts from it.
    """
    settings = _settings()
    from assistant.ingestion import generations_of

    generations = generations_of(settings)
    before = generations.current().name
    wanted = generation or generations.before()
    generations.folder(wanted)
    if not dry_run:
        with generations.locked():
            generations.switch(wanted)
    _say(
        f"Generation {wanted} {'would answer' if dry_run else 'answers'} instead of {before}.",
        {"generation": wanted, "before": before, "done": not dry_run},
        as_json,
    )


@index.command()
@click.option("--keep", type=click.IntRange(1), help="How many to keep.  [default: the setting]")
@_dry_run
@_json
def prune(keep: int | None, dry_run: bool, as_json: bool) -> None:
    """Delete all but the newest generations; the one that answers stays, and what is being read."""
    settings = _settings()
    from assistant.ingestion import generations_of

    generations = generations_of(settings)
    keep = keep or settings.keep_generations
    if dry_run:
        gone = generations.prunable(keep)
    else:
        with generations.locked():
            gone = generations.prune(keep)
    verb = "Would delete" if dry_run else "Deleted"
    _say(f"{verb} {', '.join(gone) or 'nothing'}.", {"deleted": gone, "done": not dry_run}, as_json)


def build_index(
    settings: Settings,
    folders: tuple[Path, ...] = (),
    keep_failed: bool = False,
    anew: bool = False,
    dry_run: bool = False,
    as_json: bool = False,
) -> int:
    """Build, with what there is to see; the exit status."""
    corpus = _corpus(settings, folders)
    if dry_run:
        from assistant.ingestion import planned_changes

        report = planned_changes(settings, corpus, keep_failed, anew)
    else:
        report = _built(settings, as_json, corpus=corpus, keep_failed=keep_failed, anew=anew)
    if as_json:
        _print({**report.as_dict(), "done": not dry_run})
    else:
        _show(report, dry_run)
    return SOME_FAILED if report.failed else DONE


def _built(settings: Settings, quiet: bool, **how: Any) -> IngestReport:
    """Build under the eyes of the user."""
    from assistant import index_display
    from assistant.ingestion import ingest

    with index_display.progress(quiet=quiet) as progress:
        return ingest(settings, progress, **how)


def _show(report: IngestReport, dry_run: bool = False) -> None:
    from assistant import index_display

    index_display.show_report(report, dry_run)


def _files_of(paths: Iterable[str]) -> list[Path]:
    """The files at some paths, those in folders included."""
    from assistant.loading.files import SIDECAR, corpus_files

    files: list[Path] = []
    for path in map(Path, paths):
        files += (
            [f for f in corpus_files(path) if not f.name.endswith(SIDECAR)]
            if path.is_dir()
            else [path]
        )
    return files


def _follow(
    settings: Settings,
    results: Sequence[shelf.Added | shelf.Removed | Failure],
    dry_run: bool,
    as_json: bool,
) -> int:
    """Say what became of each document, and let the index follow."""
    from assistant.changes import Failure

    failed = [result for result in results if isinstance(result, Failure)]
    done = [result for result in results if not isinstance(result, Failure)]
    for failure in failed:
        click.echo(f"error: {failure.file}: {failure.reason}", err=True)
    if not as_json:
        for result in done:
            verb = {"Added": "add", "Removed": "remove"}[type(result).__name__]
            said = f"Would {verb}" if dry_run else type(result).__name__
            click.echo(f"{said} {result.doc_id}: {result.path}")
    report = None if dry_run or not done else _built(settings, as_json)
    if as_json:
        rows = [{"id": result.doc_id, "path": str(result.path)} for result in done]
        refused = [{"file": str(failure.file), "reason": failure.reason} for failure in failed]
        built = report.as_dict() if report else None
        _print({"documents": rows, "failed": refused, "build": built, "done": not dry_run})
    elif report:
        _show(report)
    return SOME_FAILED if failed or (report and report.failed) else DONE


def _settings() -> Settings:
    from assistant.settings import load_settings

    return load_settings()


def _corpus(settings: Settings, folders: tuple[Path, ...]) -> Corpus | None:
    """The documents of these folders; None, for the corpus, where there are none."""
    from assistant.loading import CorpusFolders

    return CorpusFolders.open(folders, settings.digests) if folders else None


def _say(sentence: str, said: dict[str, Any], as_json: bool) -> None:
    if as_json:
        _print(said)
    else:
        click.echo(sentence)


def _print(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))
