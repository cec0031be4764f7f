"""A reply in pieces → sentences and ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answering.replies import Reply, Said, cleaned

EVERYTHING = """<think>Hmm, 43? [k7f3] So.</think>**Grit** is made. [k7f3] It costs $6 in the U.S. \
market [m2x9, K7F3]. The [sic] plan [1] is [made](http://x.example/y).[p9q2]
- [b3c4] Third – “one” here. ![x](http://evil.example/a.png)
[d4f5]

Last 【g5h6†source】 one <img src=x> is cut [k7"""
SAID = [
    Said("Grit is made.", ("k7f3",)),
    Said("It costs $6 in the U.S. market.", ("m2x9", "k7f3")),
    Said("The [sic] plan is made.", ("1", "p9q2")),
    Said("Third – “one” here.", ("b3c4", "d4f5")),
    Said("Last one is cut", ("g5h6",)),
]


def said(*pieces: str) -> list[Said]:
    reply = Reply()
    return [one for piece in pieces for one in reply.add(piece)] + list(reply.end())


def test_reply_gives_sentences_with_the_ids_around_them() -> None:
    assert said(EVERYTHING) == SAID


@pytest.mark.parametrize("place", range(len(EVERYTHING)))
def test_reply_is_the_same_wherever_it_is_cut(place: int) -> None:
    assert said(EVERYTHING[:place], EVERYTHING[place:]) == SAID


@given(st.text(alphabet="ab .[]()!<>k7f3\n【】*“”é", max_size=120), st.integers(1, 9))
def test_any_reply_is_the_same_however_it_is_cut(text: str, size: int) -> None:
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert said(*pieces) == said(text)


def test_sentence_is_given_only_when_its_ids_can_be_known() -> None:
    reply = Reply()
    assert list(reply.add("It cost 42 million crowns in all, they say. [k7")) == []
    assert list(reply.add("f3] Half of it came from the Fund.")) == [
        Said("It cost 42 million crowns in all, they say.", ("k7f3",))
    ]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("It is so [k7f3].", ("k7f3",)),
        ("It is so. [k7f3][m2x9]", ("k7f3", "m2x9")),
        ("It is so. [k7f3, m2x9; p4q5]", ("k7f3", "m2x9", "p4q5")),
        ("It is so. [[k7f3]]", ("k7f3",)),
        ("It is so. [^k7f3]", ("k7f3",)),
        ("It is so. [Source: k7f3]", ("k7f3",)),
        ("It is so. [ids k7f3 and m2x9]", ("k7f3", "m2x9")),
        ("[k7f3] It is so.", ("k7f3",)),
        ("It is so.\n[k7f3]", ("k7f3",)),
        ("It is so. [k7f3](http://evil.example)", ("k7f3",)),
        ("It is so. [12]", ("12",)),
        ("It is so. []", ()),
    ],
)
def test_ids_are_read_in_whatever_form(text: str, ids: tuple[str, ...]) -> None:
    assert said(text) == [Said("It is so.", ids)]


@pytest.mark.parametrize(
    "text",
    [
        "It is ![so](http://evil.example/?q=1).",
        "It is [so](javascript:alert(1)).",
        "It is so http://evil.example/a?b=c.",
        "It is so <script>alert(1)</script>.",
        "It is so <img src=x onerror=alert(1).",
        "It is so [a]: https://evil.example .",
        "It is so <https://evil.example>.",
        "It is so data:text/html;base64,PHNjcmlwdD4=.",
        "It is s\u200bo\u202e\U000e0041.",
        "It is so [7].",
        "![](//evil.example/x.png) It is so.",
    ],
)
def test_nothing_in_an_answer_leads_elsewhere_or_acts(text: str) -> None:
    [one] = said(text)
    for part in ("://", "](", "<", "javascript:", "data:", "evil", "\u200b", "\u202e", "[7]"):
        assert part not in one.text


def test_words_with_a_colon_are_no_addresses() -> None:
    assert cleaned("The data: 5 of 7 files: all.") == "The data: 5 of 7 files: all."


@pytest.mark.parametrize("text", ["", " \n", "<think>It is so. [k7f3]", "```", "---", "[k7f3]"])
def test_reply_that_says_nothing_has_no_sentence(text: str) -> None:
    assert said(text) == []
