"""Golden set × conversation → a run folder.

    <runs>/<name>/settings.json    what was asked of what
    <runs>/<name>/results.jsonl    a line a question, as they are answered
    <runs>/<name>/summary.json     means, intervals, calibration, cost
    <runs>/<name>/report.html      the same to look at
    <runs>/<name>/INCOMPLETE       there until all of that stands

The only module that asks the assistant questions.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llama_index.core.schema import Document

from assistant.conversation import Conversation
from assistant.schema import Turn, turns_of
from evals.datasets import DatasetError, GoldenSet, Question
from evals.metrics import score
from evals.results import Result, expected, from_dict, observed
from evals.summary import latency, summarise

RUNS = Path(__file__).parent / "runs"


@dataclass(frozen=True)
class Run:
    """A run folder read back."""

    name: str
    settings: dict[str, Any]
    results: tuple[Result, ...]
    summary: dict[str, Any]


def run(
    golden: GoldenSet,
    conversation: Conversation,
    document: Callable[[str], Document],
    folder: Path,
    settings: dict[str, Any],
    resume: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Ask every question in a conversation of its own and write down what came.

    A question on which the assistant raises counts as failed, and the run goes
    on. Interrupted, the folder keeps what there is and stays marked INCOMPLETE;
    `resume` answers the questions that are still open.

    Raises:
        DatasetError: the folder is there already, or holds another run.
    """
    done = _open_folder(folder, settings, resume)
    total = len(golden.questions)
    with (folder / "results.jsonl").open("a", encoding="utf-8") as lines:
        for count, question in enumerate(golden.questions, 1):
            if question.id not in done:
                result = ask(question, conversation, document)
                lines.write(json.dumps(result.as_dict(), ensure_ascii=False) + "\n")
                lines.flush()
            progress(count, total)
    return finish(folder)


def ask(
    question: Question, conversation: Conversation, document: Callable[[str], Document]
) -> Result:
    """One question's result, with its figures."""
    result = expected(question, document)
    turns: Sequence[Turn] = turns_of([message.model_dump() for message in question.history])
    try:
        answer = conversation.fresh(turns).ask(question.question)
        answered = replace(result, **observed(answer, document))
        return replace(answered, metrics=score(answered))
    except Exception as error:  # whatever it is, it is this question's result
        failed = replace(result, error=f"{type(error).__name__}: {error}")
        return replace(failed, metrics=score(failed))


def finish(folder: Path) -> Run:
    """Write what follows from the results, and take the mark away."""
    from evals.report import page

    results = list(read_results(folder))
    summary = {
        **summarise(results),
        "latency_ms": latency(results),
        "peak_memory_mb": round(_peak_memory_mb()),
    }
    written = json.dumps(summary, indent=1, ensure_ascii=False)
    (folder / "summary.json").write_text(written, encoding="utf-8")
    settings = json.loads((folder / "settings.json").read_text())
    finished = Run(folder.name, settings, tuple(results), json.loads(written))
    (folder / "report.html").write_text(page(finished), encoding="utf-8")
    (folder / "INCOMPLETE").unlink(missing_ok=True)
    return finished


def load_run(folder: Path) -> Run:
    """A finished run.

    Raises:
        DatasetError: there is none in this folder, or it is incomplete.
    """
    if not (folder / "settings.json").is_file():
        known = sorted(path.name for path in folder.parent.glob("*") if path.is_dir())
        raise DatasetError(f"no run {folder.name!r}: there are {', '.join(known) or 'none'}")
    if (folder / "INCOMPLETE").exists():
        raise DatasetError(f"run {folder.name!r} is incomplete: go on with --resume")
    return Run(
        folder.name,
        json.loads((folder / "settings.json").read_text()),
        tuple(read_results(folder)),
        json.loads((folder / "summary.json").read_text()),
    )


def read_results(folder: Path) -> Iterator[Result]:
    """The results of a run folder, sorted by id."""
    path = folder / "results.jsonl"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    lines = filter(None, text.split("\n"))  # a quote may hold other line breaks
    yield from sorted((from_dict(json.loads(line)) for line in lines), key=lambda r: r.id)


def _open_folder(folder: Path, settings: dict[str, Any], resume: bool) -> set[str]:
    """Make the folder, or take up one that was interrupted; the ids already answered."""
    if (folder / "settings.json").is_file():
        if not resume:
            raise DatasetError(
                f"run {folder.name!r} is there already: give another --name, or --resume it"
            )
        if json.loads((folder / "settings.json").read_text()) != settings:
            raise DatasetError(
                f"run {folder.name!r} asked other questions or had other settings: "
                "it cannot be resumed"
            )
        _drop_half_a_line(folder / "results.jsonl")
        return {result.id for result in read_results(folder)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "INCOMPLETE").touch()
    (folder / "settings.json").write_text(json.dumps(settings, indent=1, ensure_ascii=False))
    return set()


def _drop_half_a_line(path: Path) -> None:
    """A killed run may have written half of its last line."""
    text = path.read_text(encoding="utf-8", errors="ignore") if path.is_file() else ""
    path.write_text(text[: text.rfind("\n") + 1], encoding="utf-8")


def _peak_memory_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes here
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
