import re

import pytest
from answers import abstained, answered
from markup import HOSTILE, assert_tame

from assistant.history import Summary
from assistant.schema import Filters
from assistant.web import words
from assistant.web.lists import conversations_html, next_html

NEWS = Filters(kind=("news",))


def summary(key: str, title: str) -> Summary:
    return Summary(key, title, 1, "2031-03-02T00:00:00+00:00", "2031-03-02T00:00:00+00:00")


def asks(page: str) -> list[str]:
    return re.findall(r'data-ask="([^"]*)"', page)


def test_conversations_each_to_open_rename_and_delete() -> None:
    page = conversations_html([summary("a-1", "Owls & eels"), summary("b_2", "Gulls")], "b_2")
    for name in ("open", "rename", "delete"):
        assert re.findall(f'data-{name}="([^"]*)"', page) == ["a-1", "b_2"]
    assert re.findall(r'data-open="([^"]*)" aria-current="page"', page) == ["b_2"]
    assert 'data-current="b_2"' in page
    assert ">Owls &amp; eels</a>" in page


@pytest.mark.parametrize(("searched", "note"), [(False, words.NONE_YET), (True, words.NONE_FOUND)])
def test_conversations_where_there_are_none(searched: bool, note: str) -> None:
    """The page's address follows the one that is shown, also when no search finds it."""
    page = conversations_html([], "b_2", searched)
    assert f"<p>{note}</p>" in page
    assert 'data-current="b_2"' in page


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_titles_and_questions(text: str) -> None:
    assert_tame(conversations_html([summary(text, text)], text))
    assert_tame(conversations_html([], text))
    assert_tame(next_html([text], answered()))


def test_next_before_any_answer_gives_examples() -> None:
    page = next_html([], None)
    assert page.startswith(f'<div class="next"><h2>{words.FIRST}</h2>')
    assert len(asks(page)) == len(words.EXAMPLES)


def test_next_after_an_answer() -> None:
    page = next_html(["Why & when?"], answered(filters=NEWS))
    assert asks(page) == ["Why &amp; when?"]
    assert "data-widen" not in page
    assert next_html([], answered()) == ""


def test_next_after_an_abstention_under_filters_begins_with_all_documents() -> None:
    page = next_html(["Why?"], abstained(filters=NEWS))
    assert re.findall(r"<button[^>]*>(.*?)</button>", page) == [words.WIDEN, "Why?"]
    assert words.WIDEN in next_html([], abstained(filters=NEWS))
    assert words.WIDEN not in next_html(["Why?"], abstained())
