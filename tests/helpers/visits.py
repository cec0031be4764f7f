"""A browser page on the chat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


@dataclass
class Visit:
    """A page on the chat, and what went on behind it."""

    page: Page
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def ask(self, question: str, turn: int = 0) -> None:
        """Type a question, press Enter and wait for its sources."""
        self.page.fill("#question textarea", question)
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(f"#turn-{turn}", state="attached")
        self.page.wait_for_selector("#tools", state="visible")  # the answer is complete

    def open_sidebar(self) -> None:
        """Show the list of conversations."""
        self.page.locator("#sidebar .toggle-button").click()
        self.page.wait_for_selector("#kept .conversations", state="visible")


def violations(visit: Visit) -> list[Any]:
    """What axe-core finds that is serious or worse."""
    found = Axe().run(visit.page).response["violations"]
    return [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
