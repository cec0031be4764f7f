import pytest

from assistant.rewriting import is_follow_up, search_queries, standalone_question
from assistant.schema import Turn

BRIDGE = Turn("What did the bridge of Velmora cost?", "42 million crowns. [1]")


@pytest.mark.parametrize(
    "question",
    [
        "and what will it cost?",
        "And Oster?",
        "What about the Lantern Fund?",
        "So who paid the Lantern Fund?",
        "Why?",
        "How many carts a day?",
        "Who runs it for the Pell works?",
        "When did they sign with Brask?",
        "Is that true of Velmora?",
        "Does the other, in Sorrel, sing?",
        "What did Japan say about its share of the 550 billion dollars in 2026?",
        "What does the US want from them?",
        "What must traders have before amber leaves the island?",
    ],
)
def test_is_follow_up(question: str) -> None:
    assert is_follow_up(question)


@pytest.mark.parametrize(
    "question",
    [
        "What does Brask & Daughters make?",
        "When did JBIC sign its loan contracts?",
        "JBIC lends how much?",
        "Who opened the bridge of Velmora, and what did she say?",
        "What was said that Velmora denies?",
        "What must traders have before raw amber leaves the island?",
        "How long is “Sorrel” in carts?",
        "Android lamps of Velmora",
    ],
)
def test_is_follow_up_question_that_names_its_subject(question: str) -> None:
    assert not is_follow_up(question)


def test_standalone_question_of_a_follow_up() -> None:
    assert (
        standalone_question("And who paid?", [BRIDGE])
        == "And who paid? What did the bridge of Velmora cost?"
    )


def test_standalone_question_without_turns() -> None:
    assert standalone_question("And who paid?", []) == "And who paid?"


def test_standalone_question_that_stands_alone() -> None:
    question = "What does Kelland export?"
    assert standalone_question(question, [BRIDGE]) == question


def test_standalone_question_chain_keeps_its_subject() -> None:
    turns = [BRIDGE, Turn("And who paid?", "The Lantern Fund. [1]")]
    assert (
        standalone_question("Why?", turns)
        == "Why? And who paid? What did the bridge of Velmora cost?"
    )


def test_standalone_question_change_of_subject_ends_the_chain() -> None:
    turns = [BRIDGE, Turn("What does Kelland export?", "Amber. [1]")]
    assert standalone_question("Why?", turns) == "Why? What does Kelland export?"


def test_standalone_question_never_repeats_an_answer() -> None:
    assert "crowns" not in standalone_question("And who paid?", [BRIDGE])


def test_standalone_question_after_thousands_of_follow_ups() -> None:
    """The four turns before it at most."""
    turns = [BRIDGE] + [Turn("And then?", "Nothing.")] * 3000
    assert standalone_question("And why?", turns) == "And why?" + " And then?" * 4


def test_search_queries_of_a_first_question() -> None:
    assert search_queries("and what did it cost?", []) == ["and what did it cost?"]
    assert search_queries("", [BRIDGE]) == [""]


def test_search_queries_with_the_context_and_what_was_told() -> None:
    assert search_queries("and who paid?", [BRIDGE]) == [
        "and who paid?",
        "and who paid? What did the bridge of Velmora cost? 42 million crowns.",
    ]


def test_search_queries_of_a_question_that_stands_alone_follow_up_too() -> None:
    """It may lean on the answer in a way that no rule sees."""
    asked = "How many carts crossed the bridge of Velmora in that year?"
    assert search_queries(asked, [BRIDGE]) == [asked, f"{asked} 42 million crowns."]


def test_search_queries_take_the_opening_of_a_long_answer() -> None:
    told = Turn("What is amber?", "Amber is old. [1] " + "Resin glows. [2] " * 50)
    [_, query] = search_queries("Why?", [told])
    assert query.startswith("Why? What is amber? Amber is old. Resin glows.")
    assert "[" not in query
    assert len(query.split()) == 1 + 3 + 25
