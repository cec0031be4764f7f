"""The generated parts of the README. Run it to write them anew."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path

from assistant.cli import run
from assistant.settings import Settings

README = Path(__file__).parents[2] / "README.md"
EXAMPLE = "Which military uses do artificial diamonds have?"


os.environ["COLUMNS"] = "88"  # as wide as the README's blocks, on any terminal


def help_block() -> str:
    """The help of the commands that people use most."""
    return "\n\n".join(
        f"```\n$ diamond-assistant {' '.join(command)}\n{output(command)}```"
        for command in (["--help"], ["ask", "--help"])
    )


def eval_block() -> str:
    """The commands that measure."""
    return f"```\n$ diamond-assistant eval --help\n{output(['eval', '--help'])}```"


def index_block() -> str:
    """The commands of the index."""
    return f"```\n$ diamond-assistant index --help\n{output(['index', '--help'])}```"


def settings_block() -> str:
    """Every field of the settings as a table."""
    rows = ["| variable | default | what it is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        rows.append(f"| `DIAMOND_{name.upper()}` | `{field.default}` | {field.description} |")
    return "\n".join(rows)


def example_block() -> str:
    """A question and its answer, from the index that the settings name."""
    return f'```\n$ diamond-assistant ask "{EXAMPLE}"\n{output(["ask", EXAMPLE])}```'


def output(command: list[str]) -> str:
    """What a command prints, without the white space that ends its lines."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        run(command)
    return "".join(f"{line.rstrip()}\n" for line in printed.getvalue().splitlines())


def block(readme: str, name: str) -> str:
    """What stands between a generated block's two marks."""
    [found] = re.findall(_pattern(name), readme, re.DOTALL)
    return str(found).strip()


def replaced(readme: str, name: str, content: str) -> str:
    """The README with a block's content changed."""
    marked = f"<!-- generated: {name} -->\n{content}\n<!-- end -->"
    return re.sub(_pattern(name), lambda _: marked, readme, count=1, flags=re.DOTALL)


def _pattern(name: str) -> str:
    return rf"<!-- generated: {name} -->(.*?)<!-- end -->"


if __name__ == "__main__":
    text = README.read_text()
    for name, content in (
        ("help", help_block()),
        ("index", index_block()),
        ("eval", eval_block()),
        ("settings", settings_block()),
        ("example", example_block()),
    ):
        text = replaced(text, name, content)
    README.write_text(text)
