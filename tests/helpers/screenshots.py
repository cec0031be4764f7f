"""The README's pictures, taken of the running chat: `python tests/helpers/screenshots.py ADDRESS`.

Start the chat first (`make chat`); Chromium must be installed.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

PICTURES = Path(__file__).parents[2] / "tests" / "pictures"
QUESTION = "How will profits from the $550 billion be split between Japan and the United States?"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def take(browser: Browser, address: str, name: str, width: int, height: int, dark: bool) -> None:
    """An answer with its sources, one of them lit."""
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
    )
    page.goto(address)
    page.wait_for_selector("#question textarea")
    page.fill("#question textarea", QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_selector("#tools", state="visible")
    page.locator("a.cite").first.click()
    page.wait_for_selector("mark.lit")
    page.wait_for_timeout(700)  # the panel scrolls
    page.screenshot(path=PICTURES / f"{name}.png")
    page.close()


def main(address: str) -> None:
    """Take all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        take(browser, address, "chat-light", 1280, 800, dark=False)
        take(browser, address, "chat-dark", 1280, 800, dark=True)
        take(browser, address, "chat-phone", 390, 780, dark=False)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860")
