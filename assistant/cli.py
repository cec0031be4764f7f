"""The command line: reads options, calls a path, prints what comes back.

Imports that take time stand inside the commands, so that `--help` is quick.
"""

from __future__ import annotations

import datetime
import gc
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import click

from assistant.errors import AssistantError, CorpusError, IndexNotBuilt, QuestionFileError
from assistant.index_commands import build_index, index
from assistant.llm.commands import llm, llm_option
from assistant.schema import Filters, iso_date
from assistant.serving.commands import A_FILE, mcp, user
from evals.cli import evaluate

ANSWERED, FAILED, MISUSED, ABSTAINED, STOPPED = 0, 1, 2, 3, 130


def main() -> None:
    """Run the command line and leave with its exit status."""
    status = run(sys.argv[1:])
    gc.freeze()  # or Python would look through every object once more before it ends
    sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run one command; every error becomes one line on standard error."""
    try:
        return int(commands.main(arguments, "diamond-assistant", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        return MISUSED
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "diamond-assistant"
        return _complain(f"{error.format_message()} (see `{command} --help`)", MISUSED)
    except AssistantError as error:
        return _complain(str(error), MISUSED)
    except (KeyboardInterrupt, click.Abort):
        return _complain("stopped", STOPPED)
    except BrokenPipeError:  # the reader of our output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _complain(str(error), FAILED)
    except Exception as error:  # a bug of ours: the user still gets one line
        if os.environ.get("DIAMOND_TRACEBACK"):
            raise
        name = type(error).__name__
        return _complain(f"{name}: {error} (DIAMOND_TRACEBACK=1 shows where)", FAILED)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88})
@click.version_option(package_name="diamond-assistant", message="%(version)s")
def commands() -> None:
    """Ask the documents on Japan's $550-billion US investment package and on the
    synthetic-diamond supply chain. Every sentence of an answer leads to the words of
    its source.

    Settings come from the environment (DIAMOND_INDEX, DIAMOND_EMBEDDING_MODEL, ...);
    the README lists them.
    """


for command in (evaluate, index, llm, mcp, user):
    commands.add_command(command)


@commands.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 picks one.  [default: 7860]")
@click.option("--users", type=A_FILE, help="File of who may sign in, from `user add`.")
@click.option("--allow-anonymous", is_flag=True, help="Let other machines in without sign-in.")
@llm_option
def chat(
    host: str | None, port: int | None, users: Path | None, allow_anonymous: bool, llm: str | None
) -> None:
    """Serve the chat; build the index first if there is none.

    The server also has an HTTP API (/openapi.json) and MCP tools (/mcp).
    """
    from assistant.settings import load_settings

    settings = load_settings(
        host=host, port=port, users=users, allow_anonymous=allow_anonymous or None, llm=llm
    )
    from assistant import index_display, terminal
    from assistant.conversation import Conversation
    from assistant.ingestion import pending_changes
    from assistant.serving.address import listen
    from assistant.web.server import serve

    listening = listen(settings)
    _mention_ollama(settings)
    try:
        pending = pending_changes(settings)
    except IndexNotBuilt:
        terminal.say("There is no index yet; building it.")
        build_index(settings)
    except CorpusError as error:
        terminal.say(f"{error}. The index answers as it was built.")
    else:
        for failure in pending.failed:
            terminal.say(f"{failure.file}: {failure.reason}")
        if not pending.is_empty:
            terminal.say(index_display.changes(pending) + ": run `diamond-assistant index build`")
    serve(
        Conversation.open(settings),
        settings,
        listening,
        ready=lambda address: terminal.say(f"The chat is at {address} (Ctrl-C stops it)"),
    )


def _mention_ollama(settings: Any) -> None:
    """Say how to use a language model that is there, if none is set. Nothing is sent to it."""
    from assistant import terminal
    from assistant.llm.probe import OLLAMA, is_listening

    if not settings.llm and is_listening(OLLAMA):
        terminal.say("Ollama is running here: `chat --llm ollama:MODEL` has it write the answers.")


class Day(click.ParamType[datetime.date]):
    """A date in its ISO form."""

    name = "date"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime.date:
        try:
            return iso_date(value)
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2026-01-31", param, ctx)


@commands.command()
@click.argument("question", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an answer.")
@click.option(
    "--batch",
    type=click.File("r", encoding="utf-8"),
    help='Read questions from a file of JSON lines, or from "-": {"id", "question", "history"}. '
    "Needs --json.",
)
@click.option("--topic", multiple=True, help="Search this folder of the corpus. May be repeated.")
@click.option(
    "--kind",
    multiple=True,
    help="Search this kind of source: official, company, news, analysis or reference. "
    "May be repeated.",
)
@click.option("--since", type=Day(), help="Search what was published on this day or later.")
@click.option("--until", type=Day(), help="Search what was published on this day or earlier.")
@click.option("--as-of", type=Day(), help="Search what was out on this day, and answer as of then.")
@llm_option
def ask(
    question: str | None, as_json: bool, batch: IO[str] | None, llm: str | None, **chosen: Any
) -> int:
    """Answer QUESTION from the documents.

    Filters hold for every question of a batch. Documents without a date pass no
    filter on dates.

    Exit status: 0 answered, 3 the documents do not say, 2 a usage or
    configuration error. With --batch: 0 once every line has its answer.
    """
    if (question is None) == (batch is None):
        raise click.UsageError("give either a QUESTION or --batch FILE")
    if batch is not None and not as_json:
        raise click.UsageError("--batch prints JSON lines: add --json")
    filters = Filters(**chosen)
    lines = list(_read_batch(batch)) if batch else []
    from assistant.settings import load_settings

    settings = load_settings(llm=llm)
    from assistant import terminal
    from assistant.conversation import Conversation

    conversation = Conversation.open(settings)
    conversation.facets().check(filters)
    if batch:
        for line in lines:
            answer = conversation.fresh(line.turns).ask(line.question, filters)
            _print_json({"id": line.id, **answer.as_dict()})
        return ANSWERED
    answer = conversation.ask(question or "", filters)
    if as_json:
        _print_json(answer.as_dict())
    else:
        terminal.show_answer(answer)
    return ABSTAINED if answer.abstained else ANSWERED


@dataclass(frozen=True)
class BatchLine:
    """One question of a batch file, and the turns before it."""

    id: Any
    question: str
    turns: tuple[Any, ...]


def _read_batch(batch: IO[str]) -> Iterator[BatchLine]:
    """The questions of a batch file; keys that we do not know are ignored.

    Raises:
        QuestionFileError: the file, the line, and what was expected there.
    """
    from assistant.schema import turns_of

    try:
        for number, text in enumerate(batch, 1):
            if text.strip():
                where = f"{batch.name}, line {number}"
                line = _parse(text, where)
                try:
                    turns = turns_of(line.get("history") or [])
                except ValueError as error:
                    raise QuestionFileError(f"{where}: {error}") from error
                yield BatchLine(line.get("id"), line["question"], turns)
    except UnicodeDecodeError as error:
        raise QuestionFileError(f"{batch.name}: it is not UTF-8 text") from error


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise QuestionFileError(f"{where}: not a JSON object: {error}") from error
    if not isinstance(line, dict) or not isinstance(line.get("question"), str):
        raise QuestionFileError(f'{where}: expected an object with a text "question"')
    return line


def _print_json(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def _complain(message: str, status: int) -> int:
    click.echo(f"error: {' '.join(message.split())}", err=True)
    return status
