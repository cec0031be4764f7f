"""The question path over the invented corpus."""

import pytest

from assistant.conversation import MAX_QUESTION, Conversation
from assistant.errors import IndexNotBuilt
from assistant.schema import Turn
from assistant.settings import Settings

AMBER = "trade/2030-11-20-amber-post-amber-export"


def test_ask_cites_the_document_that_says_it(conversation: Conversation) -> None:
    answer = conversation.ask("What limit did Kelland put on the export of amber?")
    assert answer.text.startswith("Kelland put a limit of 900 tonnes a year")
    assert answer.citations[0].document == AMBER
    assert answer.citations[0].published == "2030-11-20"
    assert answer.answerer == "extractive"


def test_ask_stamps_the_generation_and_the_time_of_each_stage(conversation: Conversation) -> None:
    answer = conversation.ask("What limit did Kelland put on the export of amber?")
    assert answer.generation == conversation.manifest.generation
    assert set(answer.timings_ms) == {"rewrite", "retrieve", "answer", "total"}


def test_ask_abstains_and_says_what_was_searched(conversation: Conversation) -> None:
    answer = conversation.ask("Who won the snooker tournament?")
    assert answer.abstained
    assert answer.text == (
        "The documents do not say. Searched: 4 documents, dated 2030-11-20 to 2031-03-05 "
        "(5 passages)."
    )
    assert answer.citations == ()
    assert 0 < len(answer.nearest) <= 3


def test_ask_remembers_the_turn(conversation: Conversation) -> None:
    conversation.ask("What did the glass bridge in Velmora cost?")
    follow_up = conversation.ask("and who paid half of it?")
    assert "Velmora" in follow_up.standalone_question
    assert "Lantern Fund" in follow_up.text


def test_fresh_conversation_knows_no_earlier_turn(conversation: Conversation) -> None:
    conversation.ask("What did the glass bridge in Velmora cost?")
    assert conversation.fresh().turns == []
    given = conversation.fresh([Turn("What did the glass bridge in Velmora cost?")])
    assert "Lantern Fund" in given.ask("and who paid half of it?").text
    assert len(conversation.turns) == 1


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   \n\t",
        "?!...",
        "💎💎💎",
        "'; DROP TABLE documents; --",
        "<img src=x onerror=alert(1)>",
        "glass " * 5000,
        "\x00\x01",
        "ガラスの橋はいくらですか",
        "[1] [2] [999]",
        "{}[]()*+?.\\^$|",
    ],
)
def test_ask_anything_gives_an_answer_or_an_abstention(
    question: str, conversation: Conversation
) -> None:
    answer = conversation.ask(question)
    assert answer.text
    assert answer.abstained or answer.citations


def test_ask_reads_no_further_than_a_person_would_write(conversation: Conversation) -> None:
    answer = conversation.ask("amber " * 5000)
    assert len(answer.standalone_question) <= MAX_QUESTION
    assert answer.question == "amber " * 5000


def test_open_without_an_index_names_the_command(settings: Settings) -> None:
    with pytest.raises(IndexNotBuilt, match="index build"):
        Conversation.open(settings)
