"""The command that looks whether a language model can be used."""

from __future__ import annotations

import click

OUT_OF_ORDER = 1

llm_option = click.option(
    "--llm",
    metavar="MODEL",
    help="Language model that writes answers: ollama:NAME, openai:NAME, anthropic:NAME or "
    "replay:FILE.  [default: none]",
)


@click.group()
def llm() -> None:
    """Look whether a language model can be used."""


@llm.command()
@click.argument("model", required=False)
def check(model: str | None) -> int:
    """Ask MODEL an invented question; say whether it answers, streams and cites as asked.

    MODEL is DIAMOND_LLM by default. Nothing of the documents is sent.

    Exit status: 0 it does all three, 1 it does not, 2 a configuration error.
    """
    from assistant.settings import load_settings

    settings = load_settings(llm=model)
    from assistant.llm.checking import check as check_up
    from assistant.llm.models import limits_of, load_llm

    checkup = check_up(load_llm(settings), settings.llm, limits_of(settings))
    click.echo(checkup.line)
    return 0 if checkup.is_well else OUT_OF_ORDER
