"""The commands of serving: users who may sign in, and the tools on standard input and output."""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from assistant.serving.users import Users

A_FILE: click.Path = click.Path(dir_okay=False, resolve_path=True, path_type=Path)

_users = click.option(
    "--users", "path", type=A_FILE, help="The file of users.  [default: DIAMOND_USERS]"
)


@click.group()
def user() -> None:
    """Say who may sign in to the chat."""


@user.command()
@click.argument("name")
@_users
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(name: str, path: Path | None, password_stdin: bool) -> None:
    """Add a user, or give one a new password.

    Of the password, the file holds only a hash. A server that is running needs
    no restart.
    """
    users = _open(path)
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    users.add(name, password)
    click.echo(f"{name} may sign in with this password ({users.path}).")


@user.command()
@click.argument("name")
@_users
def remove(name: str, path: Path | None) -> None:
    """Remove a user, and end what sessions they have."""
    users = _open(path)
    users.remove(name)
    click.echo(f"{name} may no longer sign in ({users.path}).")


@user.command("list")
@_users
def list_users(path: Path | None) -> None:
    """Print the names of the users, one a line."""
    for name in _open(path).hashes():
        click.echo(name)


@click.command()
def mcp() -> None:
    """Serve answers, search and documents to a program, by MCP.

    The program starts this command and speaks to it on its standard input and
    output. A running chat serves the same tools at /mcp.
    """
    from assistant.settings import load_settings

    settings = load_settings()
    import anyio

    from assistant.conversation import Conversation
    from assistant.serving.gate import Gate
    from assistant.serving.tools import make_tools, serve_stdio

    with contextlib.redirect_stdout(sys.stderr):  # the protocol has standard output to itself
        conversation = Conversation.open(settings)
        gate = Gate(settings.requests_per_minute, settings.queue_size)
        tools = make_tools(conversation, gate)
    # A thread waits for the next line of input, and Python would wait for the thread.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(serve_stdio, tools)


def _open(path: Path | None) -> Users:
    """The file of users that is named, or else that of the settings."""
    from assistant.serving.users import Users

    if path is None:
        from assistant.settings import load_settings

        path = load_settings().users
    if path is None:
        raise click.UsageError("name the file of users: --users FILE, or set DIAMOND_USERS")
    return Users(path)
