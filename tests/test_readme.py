"""The README says what the program does."""

import re
from pathlib import Path

import pytest
from readme_blocks import README, block, eval_block, help_block, index_block, settings_block

from assistant.settings import PROJECT


def test_help_in_the_readme_is_what_the_program_prints() -> None:
    assert block(README.read_text(), "help") == help_block(), "run `make readme`"


def test_eval_help_in_the_readme_is_what_the_program_prints() -> None:
    assert block(README.read_text(), "eval") == eval_block(), "run `make readme`"


def test_index_help_in_the_readme_is_what_the_program_prints() -> None:
    assert block(README.read_text(), "index") == index_block(), "run `make readme`"


def test_settings_in_the_readme_are_the_settings() -> None:
    assert block(README.read_text(), "settings") == settings_block(), "run `make readme`"


@pytest.mark.parametrize(
    "page", ["README.md", "corpus/README.md", "evals/README.md", "indexes/README.md"]
)
def test_links_between_our_pages_lead_somewhere(page: str) -> None:
    path = PROJECT / page
    for target in re.findall(r"\]\((?!http|#)([^)]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_map_in_the_readme_names_every_module() -> None:
    readme = README.read_text()
    modules = {path.name for path in Path(PROJECT / "assistant").glob("*.py")}
    for module in modules - {"__init__.py", "__main__.py"}:
        assert module in readme, module
