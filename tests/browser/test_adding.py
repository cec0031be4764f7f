"""Documents that are added on the page, and asked about."""

from collections.abc import Callable
from pathlib import Path

from files import FILES
from playwright.sync_api import Page
from visits import Visit

from assistant.web import words

REPORT = FILES / "report.pdf"
SHIPS = "How many ships did the harbour of Velmora take in?"
NOTE_BARS = """() => {
  window.bars = [];
  const note = () =>
    document.querySelectorAll("#outcome .building").forEach((bar) => bars.push(bar.innerText));
  new MutationObserver(note).observe(document.querySelector("#outcome"), {
    childList: true, subtree: true,
  });
}"""

OpenPage = Callable[..., Visit]


def open_adding(page: Page) -> None:
    """The documents' view, and in it what documents are added with."""
    page.get_by_role("tab", name=words.DOCUMENTS_VIEW).click()
    page.get_by_role("button", name=words.ADD_DOCUMENTS).click()
    page.wait_for_selector("#files", state="visible")


def give(page: Page, *paths: Path) -> None:
    """Choose files and send them."""
    page.set_input_files("#files input[type=file]", list(map(str, paths)))
    page.wait_for_function(
        f"document.querySelectorAll('#files .file-preview tr').length == {len(paths)}"
    )
    page.click("#add")


def outcome(page: Page) -> str:
    """What the page says in the end."""
    page.wait_for_selector("#outcome [role=status]")
    page.wait_for_function("!document.querySelector('#add').disabled")
    return page.inner_text("#outcome")


def test_file_is_added_and_asked_about(visit: OpenPage, place: Path) -> None:
    opened = visit()
    page = opened.page
    open_adding(page)
    page.evaluate(NOTE_BARS)
    before = page.inner_text("#masthead")
    give(page, REPORT)
    assert words.IN_INDEX in outcome(page)
    assert page.evaluate("bars.length") > 1
    assert (place / "corpus" / "added" / "report.pdf").read_bytes() == REPORT.read_bytes()
    assert page.inner_text("#masthead") != before
    assert "added/report" in page.inner_text("#documents")
    page.click("#ask-about")
    page.wait_for_selector("#question textarea", state="visible")
    opened.ask(SHIPS)
    assert "p. " in page.inner_text("#sources")
    assert not opened.errors
    assert not opened.outside
