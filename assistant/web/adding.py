"""Documents that users add on the page: who may, what happens, and how it is told."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.changes import IngestReport
from assistant.errors import AssistantError
from assistant.fetching import Fetched, fetch
from assistant.serving.address import is_loopback
from assistant.settings import Settings
from assistant.shelf import Added, Failure, add_files, add_page, said
from assistant.web import words
from assistant.web.builds import Builds, Stage
from assistant.web.sources import escape, isolated

MOST_FILES = 50  # that are added together


def may_add(settings: Settings, user: str) -> bool:
    """Whether this user may add documents.

    Where people sign in, those whom the setting `curators` names; where nobody
    does, whoever is on this machine, if the server listens to nobody else.
    """
    if settings.users is None:
        return is_loopback(settings.host)
    return user in {name.strip() for name in settings.curators.split(",") if name.strip()}


@dataclass(frozen=True)
class Wish:
    """What a user wants added: files as they were sent, or a page of the web."""

    files: Sequence[Path] = ()
    url: str = ""
    title: str = ""
    publisher: str = ""
    published: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to add."""
        return not (self.files or self.url)


@dataclass(frozen=True)
class Outcome:
    """What came of it so far. `stage` is None before the build and after it."""

    added: tuple[Added, ...] = ()
    failed: tuple[Failure, ...] = ()
    problem: str = ""
    stage: Stage | None = None
    report: IngestReport | None = None

    @property
    def present(self) -> list[Added]:
        """What was added and could still be read when the index was built."""
        lost = {failure.doc_id for failure in self._lost}
        return [document for document in self.added if document.doc_id not in lost]

    @property
    def failures(self) -> list[Failure]:
        """What was not added, and what was and could then not be read."""
        return [*self.failed, *self._lost]

    @property
    def _lost(self) -> list[Failure]:
        ids = {document.doc_id for document in self.added}
        return [f for f in self.report.failed if f.doc_id in ids] if self.report else []


@dataclass(frozen=True)
class Adding:
    """Takes what users bring into the corpus, and the index after it."""

    settings: Settings
    builds: Builds
    fetch: Callable[[str], Fetched] = fetch

    def add(self, wish: Wish) -> Iterator[Outcome]:
        """Check and copy what can be read, then build; a step each time there is news.

        What cannot be read is told and costs the rest nothing.
        """
        outcome = self._shelve(wish)
        yield outcome
        if outcome.added:
            yield from self.build(outcome)

    def build(self, outcome: Outcome = Outcome()) -> Iterator[Outcome]:
        """Bring the index up to date with the corpus."""
        try:
            build = self.builds.start()
            for stage in build.stages():
                yield replace(outcome, stage=stage)
            yield replace(outcome, report=build.outcome())
        except AssistantError as error:
            yield replace(outcome, problem=words.NOT_BUILT.format(reason=error))
        except Exception as error:  # a bug of ours: the user still gets one line
            reason = f"{type(error).__name__}: {error}"
            yield replace(outcome, problem=words.NOT_BUILT.format(reason=reason))

    def _shelve(self, wish: Wish) -> Outcome:
        results: list[Added | Failure] = []
        problem = ""
        try:
            sidecar = said(wish.title, wish.publisher, wish.published)
            if wish.files:
                results += add_files(self.settings, wish.files, sidecar)
            if wish.url:
                results.append(add_page(self.settings, wish.url, sidecar, self.fetch))
        except AssistantError as error:
            problem = str(error)
        return Outcome(
            tuple(r for r in results if isinstance(r, Added)),
            tuple(r for r in results if isinstance(r, Failure)),
            problem,
        )


def checking_html() -> str:
    """What is told while what was given is read."""
    return f'<div class="outcome">{_bar(words.CHECKING)}</div>'


def outcome_html(outcome: Outcome) -> str:
    """What came of it, for the page."""
    parts = [_progress(outcome.stage)] if outcome.stage else []
    if outcome.problem:
        parts.append(f'<p class="problem">{escape(outcome.problem)}</p>')
    if outcome.failures:
        items = "".join(_failure(failure) for failure in outcome.failures)
        parts.append(f'<h2>{words.NOT_ADDED}</h2><ul class="failed">{items}</ul>')
    if outcome.present:
        heading = words.IN_INDEX if outcome.report else words.IN_CORPUS
        items = "".join(_added(document, outcome) for document in outcome.present)
        parts.append(f'<h2>{heading}</h2><ul class="added">{items}</ul>')
    elif outcome.report and not outcome.added:
        parts.append(f"<p>{_counts(outcome.report)}</p>")
    done = "" if outcome.stage else ' role="status"'  # a bar that moves is not read aloud
    return f'<div class="outcome"{done}>{"".join(parts)}</div>'


def _progress(stage: Stage) -> str:
    name = words.STAGES.get(stage.name, words.STARTING)
    told = [f"{stage.done:,} / {stage.total:,}"] if stage.total else []
    if stage.rate and stage.seconds_left is not None and stage.done < stage.total:
        told.append(words.RATE.format(rate=stage.rate))
        told.append(words.LEFT.format(seconds=round(stage.seconds_left)))
    share = f' value="{stage.done}" max="{stage.total}"' if stage.total else ""
    return _bar(name, " · ".join(told), share)


def _bar(name: str, told: str = "", share: str = "") -> str:
    return (
        f'<label class="building"><b>{name}</b> <span>{told}</span>'
        f"<progress{share}></progress></label>"
    )


def _failure(failure: Failure) -> str:
    return f"<li><b>{isolated(failure.file.name)}</b>: {escape(failure.reason)}</li>"


def _added(document: Added, outcome: Outcome) -> str:
    told = f"<b>{isolated(document.title)}</b> <span>{isolated(document.doc_id)}</span>"
    if outcome.report is None:
        return f"<li>{told}</li>"
    twins = twins_of(document.doc_id, outcome.report)
    note = f" <em>{escape(words.DUPLICATE.format(of=twins[0]))}</em>" if twins else ""
    key = html.escape(document.doc_id)
    return (
        f'<li>{told}{note} <button type="button" class="read" data-document="{key}" data-spans="" '
        f'data-generation="">{words.READ}</button></li>'
    )


def _counts(report: IngestReport) -> str:
    if report.is_empty:
        return words.UP_TO_DATE
    return words.BUILT.format(
        added=len(report.added), changed=len(report.changed), removed=len(report.removed)
    )


def twins_of(doc_id: str, report: IngestReport) -> list[str]:
    """The other documents that have this one's text."""
    return [
        other
        for group in report.duplicates
        if doc_id in group
        for other in group
        if other != doc_id
    ]
