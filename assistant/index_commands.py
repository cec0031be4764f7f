"""The `index` commands: build, add, remove, look, go back, check, watch, prune."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from assistant.changes import IngestReport
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
@_dry_run
@_json
def build(folders: tuple[Path, ...], keep_failed: bool, dry_run: bool, as_json: bool) -> int:
    """Bring the index up to date with the corpus.

    Only new and changed documents are read, and only what was never embedded
    before is embedded. A build that was stopped goes on where it was.

    Exit status: 0 done, 4 some files could not be read (the others went in),
    2 nothing could be built.
    """
    return build_index(_settings(), folders, keep_failed, dry_run, as_json)


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
        said = {**pending.as_dict(), "generations": generations.finished()}
        _print({**said, "built_at": pending.manifest.built_at if pending.manifest else None})
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
    dry_run: bool = False,
    as_json: bool = False,
) -> int:
    """Build, with what there is to see; the exit status."""
    from assistant import index_display
    from assistant.ingestion import ingest, planned_changes

    corpus = _corpus(settings, folders)
    if dry_run:
        report = planned_changes(settings, corpus, keep_failed)
    else:
        with index_display.progress(quiet=as_json) as progress:
            report = ingest(settings, progress, corpus=corpus, keep_failed=keep_failed)
    return _reported(report, dry_run, as_json)


def _reported(report: IngestReport, dry_run: bool, as_json: bool) -> int:
    from assistant import index_display

    if as_json:
        _print({**report.as_dict(), "done": not dry_run})
    else:
        index_display.show_report(report, dry_run)
    return SOME_FAILED if report.failed else DONE


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
