"""The chat as people use it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from visits import Visit

from assistant.web.words import EXAMPLES

BRIDGE = "How much did the bridge of glass in Velmora cost?"
AMBER = "What limit did Kelland put on the export of amber?"

HOSTILE = Path(__file__).parents[1] / "data" / "hostile.txt"

OpenPage = Callable[..., Visit]


def test_answer_comes_with_its_markers(visit: OpenPage) -> None:
    page = visit()
    page.ask(BRIDGE)
    page.page.wait_for_function("document.querySelectorAll('.answer a.cite').length >= 2")
    assert "42 million crowns" in page.page.inner_text(".answer")
    assert page.errors == []


def test_click_on_a_marker_lights_its_sentence(visit: OpenPage) -> None:
    page = visit(height=420)  # so low that the source is out of view
    page.ask(AMBER)
    marker = page.page.locator(".answer a.cite").first
    marker.click()
    lit = page.page.locator("mark.lit")
    lit.wait_for()
    assert lit.count() == 1
    assert lit.inner_text() == (
        "Kelland put a limit of 900 tonnes a year on the export of amber from 20 November 2030."
    )
    page.page.wait_for_function(
        """() => {
            const box = document.querySelector("mark.lit").getBoundingClientRect();
            return box.top >= 0 && box.bottom <= innerHeight;
        }"""
    )
    card = page.page.locator("article.source", has=lit)
    assert card.locator(".publisher").inner_text() == "Amber Post"
    assert card.locator(".date").inner_text() == "20 November 2030"
    link = card.locator("h3 a")
    assert link.get_attribute("href") == "https://amber.example/limits"
    assert link.get_attribute("rel") == "noopener noreferrer"


def test_number_on_a_card_leads_back_to_its_marker(visit: OpenPage) -> None:
    page = visit()
    page.ask(AMBER)
    page.page.locator("article.source a.number").first.click()
    page.page.wait_for_selector("a.cite.lit")
    assert page.page.evaluate("document.activeElement.classList.contains('cite')")


def test_marker_of_an_earlier_answer_brings_its_sources_back(visit: OpenPage) -> None:
    page = visit()
    page.ask(AMBER)
    page.ask(BRIDGE, turn=1)
    assert page.page.locator("#turn-0").count() == 0
    page.page.locator(".answer a.cite").first.click()
    page.page.wait_for_selector("#turn-0 mark.lit", state="visible")
    assert page.page.locator("#turn-1").count() == 0


def test_follow_up_is_understood(visit: OpenPage) -> None:
    page = visit()
    page.ask(BRIDGE)
    page.ask("and who paid half of it?", turn=1)
    page.page.wait_for_function("document.querySelectorAll('.answer').length == 2")
    assert "Lantern Fund" in page.page.locator(".answer").nth(1).inner_text()


def test_abstention_looks_different_and_shows_what_came_nearest(visit: OpenPage) -> None:
    page = visit()
    page.ask("Who won the snooker tournament?")
    page.page.wait_for_selector(".refusal")
    assert "The documents have nothing on this." in page.page.inner_text(".refusal")
    assert page.page.locator(".answer").count() == 0
    assert page.page.inner_text("#turn-0 h2").lower() == "nearest passages"
    assert page.page.locator("article.source").count() == 3


def test_example_question_is_asked_on_a_click(visit: OpenPage) -> None:
    page = visit()
    page.page.get_by_text(EXAMPLES[0]).click()
    page.page.wait_for_selector("#turn-0", state="attached")
    assert page.page.inner_text(".question") == EXAMPLES[0]


def test_new_starts_a_conversation_without_the_old_one(visit: OpenPage) -> None:
    page = visit()
    page.ask(BRIDGE)
    page.open_sidebar()
    page.page.click("#new")
    page.page.wait_for_selector(".sources.empty")
    page.page.wait_for_function("document.querySelectorAll('.question').length == 0")


def test_two_tabs_have_their_own_conversations(visit: OpenPage) -> None:
    one, other = visit(), visit()
    one.ask(BRIDGE)
    other.ask(AMBER)
    assert "Velmora" not in other.page.inner_text("#conversation")
    assert "Kelland" not in one.page.inner_text("#conversation")


def test_empty_question_is_not_asked(visit: OpenPage) -> None:
    page = visit()
    page.page.fill("#question textarea", "   ")
    page.page.keyboard.press("Enter")
    page.page.wait_for_timeout(500)
    assert page.page.locator(".question").count() == 0
    page.ask(AMBER)
    assert page.errors == []


@pytest.mark.parametrize(
    "question",
    [
        "vermilion merchant crates villainous",
        "vermilion <script>hacked('question')</script><img src=x onerror=hacked('question')>",
        "vermilion ![x](https://evil.example/q.png) [click](javascript:hacked('question'))",
        "vermilion </div></div><style>body{display:none}</style><iframe src=//evil.example>",
    ],
)
def test_hostile_text_is_shown_and_never_run(question: str, visit: OpenPage) -> None:
    page = visit()
    page.ask(question)
    page.page.wait_for_selector(".answer a.cite")
    page.page.wait_for_timeout(300)
    assert page.errors == []
    assert page.outside == []
    assert page.page.is_visible("#question textarea")
    assert "<script>" in page.page.inner_text(".sources")
    assert page.page.inner_text(".question") == question
    for forbidden in ("iframe", "form[action]", "#panel script", "#panel img", "#conversation img"):
        assert page.page.locator(forbidden).count() == 0, forbidden
    hrefs = page.page.eval_on_selector_all("a", "links => links.map(link => link.protocol)")
    assert "javascript:" not in hrefs


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1600])
def test_page_fits_and_asks_nobody_else(width: int, scheme: str, visit: OpenPage) -> None:
    page = visit(width=width, scheme=scheme)
    page.ask(BRIDGE)
    page.page.locator(".answer a.cite").first.click()
    page.page.wait_for_selector("mark.lit")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.outside == []
    assert page.errors == []


def test_handlers_are_not_public_endpoints(visit: OpenPage, chat: str) -> None:
    page = visit()
    info = page.page.request.get(f"{chat.rstrip('/')}/gradio_api/info").json()
    assert info["named_endpoints"] == {}
    assert info["unnamed_endpoints"] == {}


def test_hundred_hostile_questions_are_shown_and_never_run(visit: OpenPage) -> None:
    """One conversation of a hundred turns; it is there after a reload, too, and still works."""
    opened = visit()
    page = opened.page
    payloads = HOSTILE.read_text(encoding="utf-8").splitlines()
    assert len(payloads) >= 100
    for turn, payload in enumerate(payloads):
        opened.ask(f"vermilion {payload}", turn)
    assert page.locator(".question").count() == len(payloads)
    page.reload()
    page.wait_for_selector(".question")
    assert page.locator(".question").count() == len(payloads)
    assert page.locator(".question").nth(3).inner_text() == f"vermilion {payloads[3]}"
    opened.ask(AMBER, turn=len(payloads))
    page.locator("a.cite").last.click()
    page.wait_for_selector("mark.lit")
    assert page.is_visible("#question textarea")
    for forbidden in ("iframe", ".message :is(script, img, svg[onload], form, style)"):
        assert page.locator(forbidden).count() == 0, forbidden
    assert opened.errors == []
    assert opened.outside == []
