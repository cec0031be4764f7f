"""What is taken away, read as a program reads Markdown: nothing is markup but what we wrote."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from assistant.exports import answer_markdown, conversation_json, conversation_markdown, escape
from assistant.schema import Answer, Citation, Outcome

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

LAMP = Citation(
    marker=1,
    document="isle/lamp",
    title="The lamp",
    publisher="Gazette",
    published="2031-03-02",
    url="https://gazette.example/lamp",
    kind="news",
    quote="The lamp burns whale song.",
    start=0,
    end=26,
)
OWLS = replace(LAMP, marker=2, publisher="Owls & Co", published=None, url=None, quote="Owls wake.")

HOSTILE = [
    "# Heading", "Heading\n===", "Heading\n---", "a\n\n# b", "***", "---", "- - -", "* item",
    "+ item", "- [x] done", "1. item", "1) item", "> quote", "    code", "a\n\n    code",
    "```\ncode\n```", "~~~\ncode",
    "`code`", "**bold**", "__bold__", "*a* _b_", "~~gone~~", "<b>bold</b>",
    "<script>hoot()</script>", "<!-- hidden", "<https://evil.example>", "<eel@evil.example>",
    "[link](https://evil.example)", "[link](javascript:hoot())", "![picture](https://evil.example)",
    "[1]: https://evil.example", "[1]", "[1](https://evil.example)", "(https://evil.example)",
    ": https://evil.example", "[x][1]", "]", "](https://evil.example)", "[", "![", "\\", "\\\\*a*",
    "a\\", "a  \nb", "&amp; &#35; &lt;b&gt; &copy", "a | b\n--- | ---\nc | d", "| a |\n|---|",
    "a\r# b", "a\u2028# b", "\u00a0# b", "\u00a0- b", "\t- b", "`` ` ``", "C # #", "#", "\0# b",
    "琥珀\u3000の道 🦉", "", " ",
]  # fmt: skip
# Marks of Markdown close together, as chance alone would seldom put them.
MARKED = st.lists(
    st.sampled_from([*HOSTILE, *"\\`*_~[]()<>#|&;:!=+-.1 \n\ta", "\n\n", "    ", "&#", "://"]),
    max_size=12,
).map("".join)
TEXTS = st.one_of(MARKED, st.text(max_size=40))

OURS = {
    "heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text",
    "blockquote_open", "blockquote_close", "link_open", "link_close", "softbreak",
}  # fmt: skip


def answered(*citations: Citation, text: str = "", question: str = "What burns?") -> Answer:
    said = " ".join(f"{citation.quote} [{citation.marker}]" for citation in citations)
    return Answer(question, text or said, citations=citations)


def abstained(outcome: Outcome, *nearest: Citation) -> Answer:
    text = "The documents do not say. Searched: 4 documents (9 passages)."
    return Answer("Do eels dream?", text, outcome=outcome, nearest=nearest)


def hostile_answers(text: str) -> list[Answer]:
    """Answers in which everything that a document or a person can set is this text."""
    citation = replace(LAMP, title=text, publisher=text, quote=text, document=text, url=text)
    linked = replace(citation, marker=2, url=f"https://evil.example/{text}")
    answer = answered(citation, linked, question=text)
    refusal = replace(abstained("not_stated", citation, linked), question=text, text=text)
    return [answer, refusal]


def tokens(markdown: str) -> Iterator[Token]:
    for token in READER.parse(markdown):
        yield token
        yield from token.children or ()


def words(token: Token) -> str:
    """What is read of a line."""
    return "".join("\n" if t.type == "softbreak" else t.content for t in token.children or ())


def lines(markdown: str, block: str) -> list[str]:
    """What is read in every block of a kind."""
    parsed = READER.parse(markdown)
    return [
        words(token)
        for before, token in pairwise(parsed)
        if before.type == f"{block}_open" and token.type == "inline"
    ]


def links(markdown: str) -> list[Any]:
    return [token.attrs["href"] for token in tokens(markdown) if token.type == "link_open"]


def on_one_line(text: str) -> str:
    """A text as it is read, wherever its lines break."""
    return " ".join(text.replace("\0", "\ufffd").split())


def assert_only_ours(markdown: str, headings: Sequence[str], linked: int) -> None:
    assert {token.type for token in tokens(markdown)} <= OURS
    assert list(map(on_one_line, lines(markdown, "heading"))) == list(map(on_one_line, headings))
    found = links(markdown)
    assert len(found) == linked
    assert all(href.startswith("https://evil.example/") for href in found)


@pytest.mark.parametrize("text", HOSTILE)
def test_escape_of_hostile_text_is_that_text(text: str) -> None:
    read = READER.parse(escape(text))
    assert [token.type for token in read][1:-1] == (["inline"] if text.strip("\0 ") else [])
    assert on_one_line("".join(words(token) for token in read)) == on_one_line(text)


@given(TEXTS)
def test_escape_of_any_text_is_that_text(text: str) -> None:
    read = READER.parse(escape(text))
    assert {t.type for token in read for t in token.children or ()} <= {"text"}
    assert on_one_line("".join(words(token) for token in read)) == on_one_line(text)


def test_escape_of_a_rule_that_makes_a_table_of_the_line_above() -> None:
    """Of one column, without a bar: not every reader takes it for one."""
    assert escape(":--") == "\\:--"


def test_escape_leaves_plain_text_alone() -> None:
    text = "Brask & Co (a sub-unit) paid $5.3 million; 40 % of it - they say: “now!” 琥珀\u3000の"
    assert escape(text) == text


def assert_conversation_is_ours(text: str) -> None:
    page = conversation_markdown(text, hostile_answers(text))
    addressed = 4 if re.match("https?://", text, re.IGNORECASE) else 2
    assert_only_ours(page, [text, text, text, "Sources"], addressed)


@pytest.mark.parametrize("text", HOSTILE)
def test_conversation_of_hostile_text(text: str) -> None:
    assert_conversation_is_ours(text)


@given(TEXTS)
def test_conversation_of_any_text(text: str) -> None:
    assert_conversation_is_ours(text)


@given(TEXTS)
def test_answer_of_any_text(text: str) -> None:
    for answer in hostile_answers(text):
        assert_only_ours(answer_markdown(answer), [], 1)


@given(TEXTS)
def test_quote_of_any_text_is_whole(text: str) -> None:
    page = answer_markdown(answered(replace(LAMP, quote=text), text="It burns. [1]"))
    paragraphs = lines(page, "paragraph")
    assert on_one_line(" ".join(paragraphs[2:])) == on_one_line(text)


def test_quote_keeps_its_lines() -> None:
    page = answer_markdown(answered(replace(LAMP, quote="| a | b |\n|---|---|\n\n- c\n")))
    assert page.endswith("\n> \\| a \\| b \\|\n> \\|---\\|---\\|\n>\n> \\- c\n")


def test_answer_with_its_sources() -> None:
    assert answer_markdown(answered(LAMP, OWLS)) == (
        "The lamp burns whale song. [1] Owls wake. [2]\n\n"
        "[1] Gazette, 2 March 2031. [The lamp](https://gazette.example/lamp)\n\n"
        "> The lamp burns whale song.\n\n"
        "[2] Owls & Co, undated. The lamp\n\n"
        "> Owls wake.\n"
    )


def test_answer_with_two_markers_behind_one_sentence() -> None:
    page = answer_markdown(answered(LAMP, OWLS, text="It burns. [2] [1] And that is all."))
    assert page.startswith("It burns. [2] [1] And that is all.\n\n[1] Gazette")


def test_answer_with_a_bracketed_number_of_a_quote() -> None:
    page = answer_markdown(answered(LAMP, text="Owls [7] wake. [1]"))
    assert page.startswith("Owls \\[7\\] wake. [1]\n")


def test_conversation_with_references_numbered_through() -> None:
    answers = [
        answered(LAMP, OWLS),
        abstained("nothing", LAMP, OWLS),
        abstained("not_stated", LAMP, OWLS),
        answered(LAMP, question="Why?"),
    ]
    page = conversation_markdown("Lamps", answers)
    assert lines(page, "heading") == [
        "Lamps", "What burns?", "Do eels dream?", "Do eels dream?", "Why?", "Sources",
    ]  # fmt: skip
    assert [token.tag for token in tokens(page) if token.type == "heading_open"] == [
        "h1", *["h2"] * 5
    ]  # fmt: skip
    said, sources = page.split("## Sources\n")
    assert re.findall(r"\[(\d+)\]", said) == ["1", "2", "3", "4", "5"]
    assert re.findall(r"(?m)^\[(\d+)\]", sources) == ["1", "2", "3", "4", "5"]
    assert "The lamp burns whale song. [5]" in said


def test_conversation_of_an_abstention_says_what_was_searched() -> None:
    page = conversation_markdown("Eels", [abstained("not_stated", LAMP)])
    assert page == (
        "# Eels\n\n## Do eels dream?\n\n"
        "The documents do not say. Searched: 4 documents (9 passages).\n\n"
        "This comes nearest: [1]\n\n"
        "## Sources\n\n"
        "[1] Gazette, 2 March 2031. [The lamp](https://gazette.example/lamp)\n\n"
        "> The lamp burns whale song.\n"
    )


def test_conversation_without_sources() -> None:
    page = conversation_markdown("Eels", [abstained("nothing", LAMP)])
    assert page.endswith("Searched: 4 documents (9 passages).\n")
    assert conversation_markdown("Eels", []) == "# Eels\n"


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/x?a=1&b=2#c",
        "HTTP://a.example/",
        "https://a.example/%E7%90%A5_*~/[1]",
        "https://a.example/?a&copy;=1",
    ],
)
def test_link_leads_to_the_address(url: str) -> None:
    [href] = links(answer_markdown(answered(replace(LAMP, url=url))))
    assert href.replace("%5B", "[").replace("%5D", "]") == url


@pytest.mark.parametrize(
    ("url", "href"),
    [
        ("https://a.example/a b", "https://a.example/a%20b"),
        ("https://a.example/(a)(", "https://a.example/%28a%29%28"),
        ("https://a.example/<a>\\\n`", "https://a.example/%3Ca%3E%5C%0A%60"),
        ("https://a.example/琥珀", "https://a.example/%E7%90%A5%E7%8F%80"),
        ("https://a.example/\ud800", "https://a.example/?"),
    ],
)
def test_link_with_what_would_end_it(url: str, href: str) -> None:
    assert links(answer_markdown(answered(replace(LAMP, url=url)))) == [href]


@pytest.mark.parametrize(
    "url",
    ["javascript:hoot()", "https:evil.example", "data:text/html,<b>", "//evil.example",
     " https://evil.example", "/etc", "file:///etc", "vbscript:https://evil.example"],
)  # fmt: skip
def test_link_that_leads_to_no_page_of_the_web_is_text(url: str) -> None:
    page = answer_markdown(answered(replace(LAMP, url=url)))
    assert links(page) == []
    assert f"The lamp ({url.strip()})" in lines(page, "paragraph")[1]


@pytest.mark.parametrize("text", ["What burns?", *HOSTILE])
def test_conversation_as_json(text: str) -> None:
    answers = hostile_answers(text)
    assert json.loads(conversation_json(text, answers)) == {
        "title": text,
        "answers": [answer.as_dict() for answer in answers],
    }


def test_conversation_of_long_text() -> None:
    question = "owl " * 2500
    page = conversation_markdown("Owls", [answered(LAMP, question=question)])
    assert lines(page, "heading")[1] == question.strip()
