"""Documents that are added on the page, and asked about."""

from collections.abc import Callable
from pathlib import Path

import pytest
from files import FILES
from playwright.sync_api import Page
from visits import Visit, violations

from assistant.web import words

REPORT = FILES / "report.pdf"
AMBER = "What limit did Kelland put on the export of amber?"
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
    assert words.IN_INDEX.upper() in outcome(page)  # the style sheet's capitals
    assert page.evaluate("bars.length") > 1
    assert (place / "corpus" / "added" / "report.pdf").read_bytes() == REPORT.read_bytes()
    assert page.inner_text("#masthead") != before
    assert "added/report" in page.inner_text("#documents")
    page.click("#ask-about")
    page.wait_for_selector("#question textarea", state="visible")
    opened.ask(SHIPS)
    assert "412 ships" in page.inner_text(".answer")
    assert "p. 1" in page.inner_text("#sources")
    assert not opened.errors
    assert not opened.outside


def test_dropped_file_that_is_broken_is_named(visit: OpenPage, place: Path) -> None:
    opened = visit()
    page = opened.page
    open_adding(page)
    dropped = page.evaluate_handle(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["%PDF-1.4 and no more"], "lamp <b>7</b>.pdf"));
          data.items.add(new File(["Gulls sleep on the crane of Oster."], "gulls.txt"));
          return data;
        }"""
    )
    page.dispatch_event("#files button", "drop", {"dataTransfer": dropped})
    page.wait_for_function("document.querySelectorAll('#files .file-preview tr').length == 2")
    page.click("#add")
    told = outcome(page)
    assert "not a whole .pdf file" in told
    assert words.NOT_ADDED.upper() in told
    assert "gulls.txt" in told
    assert sorted(path.name for path in (place / "corpus" / "added").glob("*ull*")) == ["gulls.txt"]
    assert not list((place / "corpus").rglob("*lamp*"))
    page.locator("#outcome [data-document]").click()
    page.wait_for_selector("dialog.reader[open]")
    assert "Gulls sleep on the crane" in page.inner_text("dialog.reader")
    assert not opened.errors


def test_taken_name_and_same_file_are_told(visit: OpenPage, place: Path, tmp_path: Path) -> None:
    page = visit().page
    open_adding(page)
    owls = tmp_path / "owls.txt"
    owls.write_text("Owls of Sorrel wake at nine.")
    give(page, owls)
    outcome(page)
    for text, words_told in (
        ("Owls of Sorrel wake at nine.", "the same is there already, as 'added/owls'"),
        ("Owls of Sorrel wake at ten.", "give the file another name"),
    ):
        owls.write_text(text)
        page.evaluate("document.querySelector('#outcome [role=status]').remove()")
        give(page, owls)
        assert words_told in outcome(page)
    assert "nine" in (place / "corpus" / "added" / "owls.txt").read_text()


def test_title_and_date_are_kept(visit: OpenPage, tmp_path: Path) -> None:
    page = visit().page
    open_adding(page)
    tower = tmp_path / "tower.txt"
    tower.write_text("The tower of Oster has nine bells.")
    page.get_by_label(words.GIVEN_TITLE).fill("The <i>bells</i>")
    page.get_by_label(words.GIVEN_PUBLISHER).fill("Oster Post")
    page.get_by_label(words.GIVEN_DATE).fill("soon")
    give(page, tower)
    assert "'soon'; expected a date" in outcome(page)
    page.evaluate("document.querySelector('#outcome [role=status]').remove()")
    page.get_by_label(words.GIVEN_DATE).fill("2031-06-01")
    give(page, tower)
    assert "The <i>bells</i>" in outcome(page)
    assert page.get_by_label(words.GIVEN_TITLE).input_value() == ""
    assert "2031-06-01" in page.inner_text("#documents")


def test_address_of_this_machine_is_refused(visit: OpenPage, chat: str) -> None:
    page = visit().page
    open_adding(page)
    page.fill("#url :is(input, textarea)", chat)
    page.click("#add")
    assert "127.0.0.1" in outcome(page)


def test_questions_are_answered_while_the_index_is_built(
    visit: OpenPage, place: Path, slow: Callable[[], None]
) -> None:
    builder, asker = visit(), visit()
    (place / "corpus" / "bells.txt").write_text("The bells of Kelland ring at noon.")
    slow()
    open_adding(builder.page)
    builder.page.wait_for_function(
        f"document.querySelector('#documents').innerText.includes('{words.NEW_DOCUMENT}')"
    )
    before = asker.page.inner_text("#masthead")
    builder.page.click("#update")
    builder.page.wait_for_selector("#outcome progress")
    asker.ask(AMBER)
    assert builder.page.locator("#outcome progress").count() == 1, "the build is over already"
    assert "1 added" in outcome(builder.page)
    asker.page.get_by_role("tab", name=words.DOCUMENTS_VIEW).click()
    asker.page.wait_for_function("document.querySelector('#documents').innerText.includes('bells')")
    assert asker.page.inner_text("#masthead") != before


@pytest.mark.parametrize(("width", "scheme"), [(1600, "light"), (390, "dark")])
def test_adding_is_accessible(width: int, scheme: str, visit: OpenPage, tmp_path: Path) -> None:
    """By axe-core: nothing serious, before files are chosen, with them and after."""
    opened = visit(width=width, height=844, scheme=scheme)
    page = opened.page
    open_adding(page)
    page.wait_for_timeout(500)  # colours fade
    assert violations(opened) == []
    (tmp_path / "broken.pdf").write_bytes(b"%PDF")
    crane = tmp_path / f"crane-{width}.txt"
    crane.write_text(f"The crane of Oster lifts {width} tonnes.")
    page.set_input_files("#files input[type=file]", [crane, tmp_path / "broken.pdf"])
    page.wait_for_selector("#files .file-preview tr")
    page.wait_for_timeout(500)  # colours fade
    assert violations(opened) == []
    page.click("#add")
    outcome(page)
    page.wait_for_timeout(500)  # colours fade
    assert violations(opened) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
