"""`diamond-assistant eval …`: run, compare, sweep, gate, calibrate, checks, speed and more."""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import click

from assistant.errors import SettingsError
from assistant.llm.commands import llm_option

SHORTFALL = 1


@click.group(name="eval", context_settings={"help_option_names": ["-h", "--help"]})
def evaluate() -> None:
    """Measure the assistant on questions with known answers."""


suite_option = click.option(
    "--suite", type=click.Choice(["quick", "full"]), default="full", show_default=True,
    help="Every fourth question, or all.",
)  # fmt: skip
half_option = click.option(
    "--half", type=click.Choice(["dev", "test", "both"]), default="dev", show_default=True,
    help="dev is for working on quality, test only for reporting.",
)  # fmt: skip
questions_option = click.option(
    "--questions", type=click.Path(path_type=Path), help="A file of questions instead of our own."
)
set_option = click.option(
    "--set", "assignments", metavar="NAME=VALUE", multiple=True,
    help="A setting for this run, such as top_k=20. May be given again.",
)  # fmt: skip
runs_option = click.option(
    "--runs", "runs_dir", type=click.Path(path_type=Path, file_okay=False),
    help="Where runs are kept.  [default: evals/runs]",
)  # fmt: skip


@evaluate.command("run")
@suite_option
@half_option
@click.option("--name", help="The run's folder.  [default: SUITE-HALF-GENERATION]")
@questions_option
@click.option(
    "--corpus", type=click.Path(path_type=Path, file_okay=False), help="Documents to ask instead."
)
@llm_option
@set_option
@click.option("--resume", is_flag=True, help="Go on with a run that was interrupted.")
@click.option("--junit", type=click.Path(path_type=Path), help="Also write JUnit XML here.")
@runs_option
def run_command(
    suite: str, half: str, name: str | None, questions: Path | None, corpus: Path | None,
    llm: str | None, assignments: tuple[str, ...], resume: bool, junit: Path | None,
    runs_dir: Path | None,
) -> int:  # fmt: skip
    """Ask golden questions; write a run with a page to look at."""
    from evals import report
    from evals.session import Session

    session = Session.open(parsed(assignments) | ({"llm": llm} if llm else {}), corpus)
    golden = session.golden(suite, half, questions)
    folder = session.folder(name, golden, runs_dir, resume)
    with _progress("Asking") as progress:
        run = session.run(golden, folder, resume, progress)
    report.show_run(run)
    click.echo(f"Page: {folder / 'report.html'}")
    if junit:
        from evals.junit import write

        write(run, junit)
    return 0


@evaluate.command()
@click.argument("before")
@click.argument("after")
@runs_option
def compare(before: str, after: str, runs_dir: Path | None) -> int:
    """Show what changed between two runs.

    Paired differences by figure and type with their p-values, and every question
    that flipped.
    """
    from evals import report
    from evals.runner import RUNS, load_run
    from evals.summary import differences

    one, other = (load_run((runs_dir or RUNS) / name) for name in (before, after))
    changes = differences(one.results, other.results)
    if not changes:
        raise SettingsError(f"runs {before!r} and {after!r} have no question in common")
    report.show_comparison(one, other, changes)
    return 0


@evaluate.command()
@click.argument("grid", type=click.Path(path_type=Path))
@suite_option
@half_option
@questions_option
def sweep(grid: Path, suite: str, half: str, questions: Path | None) -> int:
    """Run a small grid of settings and show the table.

    The file holds a list for each setting: `dense_weight = [0.5, 0.6]`.
    """
    import tempfile

    from evals import report
    from evals.session import Session

    rows = []
    with tempfile.TemporaryDirectory() as place:
        for number, values in enumerate(_combinations(grid)):
            session = Session.open(values, corpus=None)
            golden = session.golden(suite, half, questions)
            with _progress(", ".join(f"{k}={v}" for k, v in values.items())) as progress:
                run = session.run(golden, Path(place) / str(number), False, progress)
            rows.append((values, run))
    report.show_sweep(rows)
    return 0


@evaluate.command()
@click.option("--suite", type=click.Choice(["quick", "full"]), default="quick", show_default=True)
@click.option("--junit", type=click.Path(path_type=Path), help="Also write JUnit XML here.")
@click.option("--accept", is_flag=True, help="Make the present figures the baseline.")
def gate(suite: str, junit: Path | None, accept: bool) -> int:
    """Exit with 1 if figures fell short of evals/gate.toml."""
    import tempfile

    from evals import gating
    from evals.session import Session

    session = Session.open({}, corpus=None)
    golden = session.golden(suite, "dev", None)
    with tempfile.TemporaryDirectory() as place, _progress("Asking") as progress:
        run = session.run(golden, Path(place) / "gate", False, progress)
    if junit:
        from evals.junit import write

        write(run, junit)
    if accept:
        gating.accept(run, suite)
        click.echo(f"The baseline of the {suite} suite is now generation {session.generation}.")
        return 0
    shortfalls = gating.shortfalls(run, suite)
    for line in shortfalls:
        click.echo(line)
    click.echo(f"{len(shortfalls)} figures fell short" if shortfalls else "The gate is passed.")
    return SHORTFALL if shortfalls else 0


@evaluate.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write here.  [default: the calibration in force]",
)
@set_option
def calibrate(out: Path | None, assignments: tuple[str, ...]) -> int:
    """Fit the confidence and its thresholds on questions with known answers.

    Asks the development half and the held-out questions of assistant/models/.
    Do so after a change of model, reranker or retrieval.
    """
    from evals import calibration
    from evals.session import Session

    session = Session.open(parsed(assignments), corpus=None)
    golden = session.golden("full", "dev", None)
    with _progress("Asking") as progress:
        observations = calibration.observe(golden, session.conversation, progress)
    about = {
        "reranker": session.settings.reranker,
        "embedding_model": session.settings.embedding_model,
        "answer_from": session.settings.answer_from,
    }
    fitted = calibration.fit(observations, about)
    path = out or session.settings.calibration
    path.write_text(fitted.model_dump_json(indent=1) + "\n", encoding="utf-8")
    click.echo(fitted.model_dump_json(indent=1))
    click.echo(f"Written: {path}")
    return 0


@evaluate.command("checks")
@click.option(
    "--half",
    type=click.Choice(["dev", "test"]),
    default="test",
    show_default=True,
    help="dev is for working on the checks, test only for reporting.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--missed", is_flag=True, help="Also show the faults missed and the false alarms.")
@click.option("--fit", is_flag=True, help="First fit the support check on dev, and write it.")
def checks_command(half: str, as_json: bool, missed: bool, fit: bool) -> int:
    """Measure what the checks of generated sentences catch.

    Sentences with known faults, and sound ones, against the sentences of our
    documents that they cite.
    """
    from assistant.answering.checks import Checker
    from assistant.answering.checks.support import PATH, load_support
    from assistant.loading import load_corpus
    from assistant.reranking import load_reranker
    from assistant.settings import load_settings
    from evals import checking, faults

    settings = load_settings()
    judge = load_reranker(settings.reranker, settings.threads)
    documents = {document.doc_id: document for document in load_corpus(settings.corpus_dir)}
    if fit:
        fitted = faults.fit(faults.corpus_of("dev"), judge, documents)
        PATH.write_text(fitted.model_dump_json(indent=1) + "\n", encoding="utf-8")
        load_support.cache_clear()
    with _progress("Checking") as progress:
        outcomes = faults.check_all(faults.corpus_of(half), Checker(judge), documents, progress)
    figures = faults.table(outcomes)
    if as_json:
        click.echo(json.dumps(figures))
        return 0
    for line in checking.lines(figures, half):
        click.echo(line)
    if missed:
        for one in faults.wrongly_judged(outcomes):
            click.echo(f"{one.sample.fault}: {one.sample.sentence}  {'; '.join(one.values)}")
    return 0


@evaluate.command()
@click.option(
    "--beir", type=click.Path(path_type=Path), required=True, help="A folder in BEIR's form."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@set_option
def retrieval(beir: Path, as_json: bool, assignments: tuple[str, ...]) -> int:
    """Measure retrieval alone, on a BEIR folder.

    The folder's index is kept, and used again as long as its files do not change.
    """
    from assistant.settings import load_settings
    from evals.retrieval import measure

    with _progress("Embedding") as progress:
        figures = measure(beir, load_settings(**parsed(assignments)), progress)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        for name, value in figures.items():
            click.echo(
                f"{name:<12} {value:.4f}" if isinstance(value, float) else f"{name:<12} {value}"
            )
    return 0


@evaluate.group()
def speed() -> None:
    """Measure how fast the parts are.

    Read the ratios: they come from one run, while times are of one machine.
    """


json_option = click.option("--json", "as_json", is_flag=True, help="Print a JSON list of rows.")


@speed.command("backends")
@click.option(
    "--beir",
    type=click.Path(path_type=Path),
    default=Path("../shared/benchmarks/scifact"),
    show_default=True,
    help="A folder in BEIR's form: its documents are embedded.",
)
@click.option(
    "--passages",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="How many passages are embedded.",
)
@click.option("--no-quality", is_flag=True, help="Leave nDCG@10 out, which takes minutes.")
@json_option
@set_option
def speed_backends(
    beir: Path, passages: int, no_quality: bool, as_json: bool, assignments: tuple[str, ...]
) -> int:  # fmt: skip
    """Compare the ways to compute the embedding model."""
    from assistant.settings import load_settings
    from evals import report
    from evals.benchmarks.backends import measure

    settings = load_settings(**parsed(assignments))
    with _progress("Embedding") as progress:
        rows = measure(beir, settings, passages, not no_quality, progress)
    report.show_rows(rows, as_json)
    return 0


@speed.command("build")
@click.option(
    "--documents",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="How many documents the index has that is rebuilt.",
)
@click.option(
    "--embedded",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="How many documents the index has that is built with the model.",
)
@json_option
@set_option
def speed_build(
    documents: int, embedded: int, as_json: bool, assignments: tuple[str, ...]
) -> int:  # fmt: skip
    """Compare a build with its embedding, and rebuilds with a build.

    The documents are copies of the corpus, each with another title and numbers.
    """
    from assistant.settings import load_settings
    from evals import report
    from evals.benchmarks.build import measure

    settings = load_settings(**parsed(assignments))
    with _progress("Embedding") as progress:
        rows = measure(settings, documents, embedded, progress)
    report.show_rows(rows, as_json)
    return 0


@speed.command("scale")
@click.option(
    "--sizes",
    default="1000,10000,100000",
    show_default=True,
    help="How many passages the indexes have, with commas between.",
)
@json_option
@set_option
def speed_scale(sizes: str, as_json: bool, assignments: tuple[str, ...]) -> int:
    """Compare retrieval from indexes of different sizes, filtered and not."""
    from assistant.settings import load_settings
    from evals import report
    from evals.benchmarks.scale import measure

    if not all(size.strip().isdecimal() and int(size) for size in sizes.split(",")):
        raise SettingsError(f"--sizes {sizes}: expected numbers such as 1000,10000")
    settings = load_settings(**parsed(assignments))
    with _progress("Measuring") as progress:
        rows = measure(settings, [int(size) for size in sizes.split(",")], progress)
    report.show_rows(rows, as_json)
    return 0


@evaluate.command()
@click.argument("feedback", type=click.Path(path_type=Path), required=False)
@click.option("--list", "as_table", is_flag=True, help="Show the feedback, right answers too.")
def draft(feedback: Path | None, as_table: bool) -> int:
    """Turn what users marked as wrong into draft questions.

    FEEDBACK is a file of JSON lines: question, history, verdict, expected, source.
    Without it, the feedback is what users gave in the chat.
    """
    from assistant.settings import load_settings
    from evals import drafts, report

    if feedback is None:
        marks = list(drafts.feedback_in_database(load_settings().conversations))
    else:
        marks = list(drafts.feedback_in_file(feedback))
    if as_table:
        report.show_feedback(marks)
        return 0
    for question in drafts.drafts(marks):
        click.echo(json.dumps(question, ensure_ascii=False))
    return 0


def parsed(assignments: tuple[str, ...]) -> dict[str, Any]:
    """Settings given as NAME=VALUE.

    Raises:
        SettingsError: one has no equals sign or names no setting.
    """
    from assistant.settings import Settings

    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or name not in Settings.model_fields:
            known = ", ".join(Settings.model_fields)
            raise SettingsError(f"--set {assignment}: expected NAME=VALUE with NAME one of {known}")
        values[name] = value
    return values


def _combinations(grid: Path) -> Iterator[Mapping[str, Any]]:
    try:
        lists = tomllib.loads(grid.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{grid} cannot be read: {error}") from error
    for name, values in lists.items():
        if not isinstance(values, list) or not values:
            raise SettingsError(f"{grid}: {name} is {values!r}, expected a list of values")
        parsed((f"{name}=",))
    if not lists:
        raise SettingsError(f"{grid}: there is no setting in it")
    for values in product(*lists.values()):
        yield dict(zip(lists, values, strict=True))


@contextlib.contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    from assistant.terminal import one_bar

    with one_bar(what) as update:
        yield update
