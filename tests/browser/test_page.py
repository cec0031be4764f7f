"""What surrounds an answer: the reader, conversations, filters, feedback, and who can use them."""

from collections.abc import Callable

import pytest
from visits import Visit, violations

from assistant.history import ConversationStore
from assistant.web import words

BRIDGE = "How much did the bridge of glass in Velmora cost?"
AMBER = "What limit did Kelland put on the export of amber?"

OpenPage = Callable[..., Visit]


def test_read_the_document_at_the_sentence(visit: OpenPage) -> None:
    page = visit().page
    Visit(page).ask(AMBER)
    page.locator("button.read").first.click()
    page.wait_for_selector("dialog.reader[open]")
    mark = page.locator("dialog.reader mark").first
    assert mark.inner_text().startswith("Kelland put a limit of 900 tonnes a year")
    assert page.evaluate("document.activeElement.tagName") == "MARK"
    assert "Raw amber needs a licence" in page.inner_text("dialog.reader .text")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.reader", state="hidden")
    page.locator("button.read").first.click()  # the same document again
    page.wait_for_selector("dialog.reader[open]")
    page.click("dialog.reader [data-close]")
    page.wait_for_selector("dialog.reader", state="hidden")


def test_conversation_is_there_after_a_reload(visit: OpenPage) -> None:
    page = visit().page
    Visit(page).ask(AMBER)
    before = page.eval_on_selector_all("a.cite", "links => links.map(link => link.id)")
    assert "?c=" in page.url
    page.reload()
    page.wait_for_selector("a.cite")
    assert page.eval_on_selector_all("a.cite", "links => links.map(link => link.id)") == before
    page.locator("a.cite").first.click()
    page.wait_for_selector("mark.lit")
    Visit(page).ask("and who said so?", turn=1)
    assert page.locator(".question").count() == 2


def test_conversation_is_renamed_and_deleted(visit: OpenPage) -> None:
    opened = visit()
    page = opened.page
    opened.ask(AMBER)
    opened.open_sidebar()
    current = page.locator(".conversations a[aria-current]")
    key = current.get_attribute("data-open")
    page.click(f"[data-rename='{key}']")
    page.fill("dialog.small input", "<b>Pigeons</b>")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#kept').innerText.includes('<b>Pigeons</b>')")
    page.click(f"[data-delete='{key}']")
    page.click("dialog.small .primary")
    page.wait_for_selector(f"[data-open='{key}']", state="detached")
    page.wait_for_selector(".sources.empty", state="attached")
    assert "?c=" not in page.url


def test_conversations_are_found_and_opened(visit: OpenPage) -> None:
    opened = visit()
    page = opened.page
    opened.ask(AMBER)
    page.evaluate("document.querySelector('#new').click()")
    page.wait_for_selector(".sources.empty", state="attached")
    opened.ask(BRIDGE)
    opened.open_sidebar()
    page.locator("#search :is(input, textarea)").press_sequentially("kelland")
    page.wait_for_function(
        "[...document.querySelectorAll('.conversations a')].length"
        " && !document.querySelector('#kept').innerText.includes('Velmora')"
    )
    page.locator(".conversations a").first.click()
    page.wait_for_function("document.querySelector('.question').innerText.includes('Kelland')")


def test_edited_question_takes_the_place_of_the_last(visit: OpenPage) -> None:
    opened = visit()
    page = opened.page
    opened.ask(AMBER)
    page.click("#edit")
    page.wait_for_function("document.querySelector('#question textarea').value.includes('Kelland')")
    page.fill("#question textarea", BRIDGE)
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#conversation').innerText.includes('Velmora')")
    page.wait_for_selector("#tools", state="visible")
    assert page.locator(".question").count() == 1
    before = page.locator(".foot").inner_text()
    page.evaluate("document.querySelector('.foot').textContent = 'an old answer'")
    page.click("#retry")
    page.wait_for_function("!document.body.innerText.includes('an old answer')")
    page.wait_for_selector("#tools", state="visible")
    assert before.split(" · ")[0] in page.locator(".foot").inner_text()
    assert page.locator(".question").count() == 1


def test_answer_and_conversation_are_taken_away(visit: OpenPage) -> None:
    opened = visit()
    page = opened.page
    opened.ask(AMBER)
    page.click("#copy")
    page.wait_for_function("document.querySelector('#status').textContent != ''")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "900 tonnes a year" in copied
    assert "Amber Post, 20 November 2030" in copied
    for button, name in (("#as-markdown", "answers.md"), ("#as-json", "answers.json")):
        with page.expect_download() as downloading:
            page.click(button)
        assert downloading.value.suggested_filename == name
        assert "900 tonnes a year" in downloading.value.path().read_text(encoding="utf-8")


def test_feedback_is_kept_with_what_replays_the_question(
    visit: OpenPage, store: ConversationStore
) -> None:
    opened = visit()
    page = opened.page
    opened.ask(BRIDGE)
    page.locator("#conversation button[aria-label*='dislike' i]").first.click()
    page.wait_for_selector("#feedback", state="visible")
    page.get_by_label(words.REASONS["out_of_date"]).check()
    page.get_by_label(words.EXPECTED).fill("<b>43 million</b>")
    page.click("#send")
    page.wait_for_selector("#feedback", state="hidden")
    kept = store.all_feedback()[-1]
    assert (kept.verdict, kept.question) == ("out_of_date", BRIDGE)
    assert kept.expected == "<b>43 million</b>"
    assert kept.generation


def test_filters_apply_and_an_abstention_offers_to_widen(visit: OpenPage) -> None:
    opened = visit()
    page = opened.page
    page.get_by_role("button", name=words.FILTERS).click()
    page.get_by_label(words.UNTIL).fill("1950-01-01")
    opened.ask(AMBER)
    assert page.locator(".answer").count() == 0
    assert "1 January 1950" in page.inner_text(".refusal")
    page.click("[data-widen]")
    page.wait_for_selector(".answer")
    assert page.get_by_label(words.UNTIL).input_value() == ""
    page.get_by_label(words.UNTIL).fill("soon")
    page.fill("#question textarea", BRIDGE)
    page.keyboard.press("Enter")
    page.get_by_text("“soon” is no day").wait_for()


def test_documents_are_found_and_read(visit: OpenPage) -> None:
    page = visit().page
    page.get_by_role("tab", name=words.DOCUMENTS_VIEW).click()
    page.wait_for_selector("#documents [role=gridcell]:visible")
    page.locator("#find-documents :is(input, textarea)").press_sequentially("amber post")
    page.wait_for_function("document.querySelector('#documents [role=grid]')?.ariaRowCount < 5")
    page.locator("#documents [role=gridcell]:visible").first.click()
    page.wait_for_selector("dialog.reader[open]")


def test_evaluation_view_without_a_run(visit: OpenPage) -> None:
    page = visit().page
    page.get_by_role("tab", name=words.EVALUATION_VIEW).click()
    page.get_by_text("No evaluation has been run yet").wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_page_is_accessible(width: int, scheme: str, visit: OpenPage) -> None:
    """By axe-core: nothing serious, in any view."""
    opened = visit(width=width, scheme=scheme)
    page = opened.page
    assert violations(opened) == []
    opened.ask(AMBER)
    assert violations(opened) == []
    page.locator("a.cite").first.click()
    page.locator("button.read").first.click()
    page.wait_for_selector("dialog.reader[open]")
    assert violations(opened) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    for view in (words.DOCUMENTS_VIEW, words.EVALUATION_VIEW):
        page.get_by_role("tab", name=view).click()
        page.wait_for_timeout(500)
        assert violations(opened) == []


def test_marker_is_reached_and_used_by_keyboard(visit: OpenPage) -> None:
    opened = visit()
    page = opened.page
    opened.ask(AMBER)
    page.locator("a.cite").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("mark.lit")
    assert page.evaluate("document.activeElement.tagName") == "MARK"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # read the document
    page.wait_for_selector("dialog.reader[open]")


def test_sources_are_a_drawer_on_a_narrow_page(visit: OpenPage) -> None:
    opened = visit(width=390, height=844)
    page = opened.page
    opened.ask(AMBER)
    assert not page.is_visible("article.source")
    page.click(".show-sources")
    page.wait_for_selector("article.source", state="visible")
    page.click("#panel [data-close]")
    page.wait_for_selector("article.source", state="hidden")
    page.locator("a.cite").first.click()
    page.wait_for_selector("mark.lit", state="visible")
    page.keyboard.press("Escape")
    page.wait_for_selector("article.source", state="hidden")


def test_screen_reader_hears_that_an_answer_is_complete(visit: OpenPage) -> None:
    opened = visit()
    page = opened.page
    assert page.inner_text("#spoken") == ""
    opened.ask(AMBER)
    page.wait_for_function(f"document.querySelector('#spoken').textContent == '{words.COMPLETE}'")


def test_page_says_that_the_server_is_gone_and_goes_on_when_it_is_back(visit: OpenPage) -> None:
    opened = visit()
    page = opened.page
    opened.ask(AMBER)
    page.context.set_offline(True)
    page.wait_for_function(
        f"document.querySelector('#status').textContent == '{words.GONE}'", timeout=20_000
    )
    page.context.set_offline(False)
    page.wait_for_function("!document.querySelector('#status.stays')", timeout=20_000)
    page.wait_for_selector("a.cite")  # the same conversation
    opened.ask(BRIDGE, turn=1)
