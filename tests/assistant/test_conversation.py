"""The question path over the invented corpus."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from fakes import FakeReranker, HashEmbedder

from assistant.conversation import MAX_QUESTION, Conversation
from assistant.errors import IndexNotBuilt, SettingsError
from assistant.ingestion import ingest
from assistant.schema import EVERYTHING, Filters, Turn
from assistant.settings import Settings

AMBER = "trade/2030-11-20-amber-post-amber-export"
LIMIT = "What limit did Kelland put on the export of amber?"

Load = Callable[[str, int], HashEmbedder]
LoadJudge = Callable[[str, int], FakeReranker]


def test_ask_cites_the_document_that_says_it(conversation: Conversation) -> None:
    answer = conversation.ask(LIMIT)
    assert answer.text.startswith("Kelland put a limit of 900 tonnes a year")
    assert answer.citations[0].document == AMBER
    assert answer.citations[0].published == "2030-11-20"
    assert answer.answerer == "extractive"


def test_ask_stamps_the_generation_and_the_time_of_each_stage(conversation: Conversation) -> None:
    answer = conversation.ask(LIMIT)
    assert answer.generation == conversation.manifest.generation
    assert set(answer.timings_ms) == {"rewrite", "retrieve", "answer", "total"}


@pytest.mark.parametrize(
    ("question", "outcome", "text"),
    [
        (
            "Who won the snooker tournament?",
            "nothing",
            "The documents have nothing on this. Searched: 4 documents, dated 2030-11-20 to "
            "2031-03-05 (5 passages).",
        ),
        (
            "Does Kelland limit amber sent by pigeons?",
            "not_stated",
            "The documents do not say. Searched: 4 documents, dated 2030-11-20 to "
            "2031-03-05 (5 passages).",
        ),
        (" ", "nothing", "There is no question to answer."),
    ],
)
def test_ask_abstains_and_says_what_was_searched(
    question: str, outcome: str, text: str, conversation: Conversation
) -> None:
    answer = conversation.ask(question)
    assert (answer.outcome, answer.text, answer.citations) == (outcome, text, ())


@pytest.mark.parametrize(
    ("filters", "text"),
    [
        (
            Filters(topic=("works",)),
            "The documents have nothing on this. Searched: 3 documents, dated 2031-03-02 to "
            "2031-03-05 (4 passages). Filter: works.",
        ),
        (
            Filters(kind=("official",)),
            "The documents have nothing on this. Searched: 1 document, dated 2031-03-05 to "
            "2031-03-05 (1 passage). Filter: official.",
        ),
        (
            Filters(since=datetime.date(2031, 3, 1), until=datetime.date(2031, 3, 2)),
            "The documents have nothing on this. Searched: 1 document, dated 2031-03-02 to "
            "2031-03-02 (2 passages). Filter: published 1 March 2031 to 2 March 2031.",
        ),
        (
            Filters(topic=("isle",)),
            "The documents have nothing on this. Searched: 0 documents (0 passages). Filter: isle.",
        ),
    ],
)
def test_ask_within_filters_abstains_and_says_what_was_searched(
    filters: Filters, text: str, conversation: Conversation
) -> None:
    answer = conversation.ask("Who limits raw amber?", filters)
    assert answer.text == text
    assert AMBER not in {citation.document for citation in answer.nearest}
    assert len(answer.passages) == conversation.facets(filters).passages


def test_ask_within_filters_cites_what_passes(conversation: Conversation) -> None:
    cost = "What did the glass bridge over the Tindle cost?"
    for kind in ("news", "official"):
        answer = conversation.ask(cost, Filters(kind=(kind,)))
        assert {citation.kind for citation in answer.citations} == {kind}
        assert answer.filters == Filters(kind=(kind,))


def test_ask_within_filters_once_does_not_filter_the_next_question(
    conversation: Conversation,
) -> None:
    assert conversation.ask(LIMIT, Filters(topic=("works",))).abstained
    answer = conversation.ask(LIMIT)
    assert answer.citations[0].document == AMBER
    assert answer.filters == EVERYTHING


def test_ask_within_filters_searches_a_follow_up_within_them(conversation: Conversation) -> None:
    conversation.ask(LIMIT)
    answer = conversation.ask("and who may export it?", Filters(topic=("works",)))
    assert "Kelland" in answer.standalone_question
    assert {passage.node.ref_doc_id for passage in answer.passages} == {
        document for document in conversation.manifest.fingerprints if document.startswith("works")
    }


def test_ask_as_of_a_day_answers_from_what_was_out_and_names_its_date(
    conversation: Conversation,
) -> None:
    cost = "What did the bridge of glass cost?"
    answer = conversation.ask(cost, Filters(as_of=datetime.date(2031, 3, 2)))
    assert answer.text.startswith("Harbour Gazette, 2 March 2031: ")
    assert {citation.published for citation in answer.citations} == {"2031-03-02"}
    before = conversation.fresh().ask(cost, Filters(as_of=datetime.date(2031, 3, 1)))
    assert before.abstained
    assert {citation.document for citation in before.nearest} == {AMBER}


def test_facets_say_what_there_is_to_search(conversation: Conversation) -> None:
    facets = conversation.facets()
    assert (facets.documents, facets.passages) == (4, conversation.manifest.passages)
    assert conversation.fresh().facets(Filters(topic=("trade",))).kinds == {"news": 1}


def test_ask_shows_what_came_nearest(conversation: Conversation) -> None:
    """A few passages where there is nothing, a sentence or two where something comes near."""
    assert len(conversation.ask("Who won the snooker tournament?").nearest) == 3
    [near] = conversation.ask("Does Kelland limit amber sent by pigeons?").nearest
    assert near.quote.startswith("Kelland put a limit of 900 tonnes a year on the export of amber")


def test_ask_remembers_the_turn(conversation: Conversation) -> None:
    conversation.ask("What did the glass bridge in Velmora cost?")
    follow_up = conversation.ask("and who paid half of it?")
    assert "Velmora" in follow_up.standalone_question
    assert "Lantern Fund" in follow_up.text


def test_ask_remembers_no_answer_where_there_was_none(conversation: Conversation) -> None:
    conversation.ask("Who won the snooker tournament?")
    assert conversation.turns == [Turn("Who won the snooker tournament?", "")]


def test_ask_finds_a_new_subject_that_looks_like_a_follow_up(conversation: Conversation) -> None:
    conversation.ask("Does Kelland limit the export of amber?")
    answer = conversation.ask("and what did the glass bridge cost?")
    assert (answer.passages[0].node.ref_doc_id or "").startswith("works/")


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


@pytest.mark.parametrize(
    ("thresholds", "outcome"),
    [
        ({}, "answered"),
        ({"abstain_below": 1.0}, "not_stated"),
        ({"abstain_below": 1.0, "nothing_below": 1.0}, "nothing"),
    ],
)
def test_open_takes_a_threshold_from_the_settings_before_the_fitted_one(
    thresholds: dict[str, Any],
    outcome: str,
    settings: Settings,
    load: Load,
    load_judge: LoadJudge,
) -> None:
    ingest(settings, load=load)
    strict = settings.model_copy(update=thresholds)
    assert Conversation.open(strict, load, load_judge).ask(LIMIT).outcome == outcome


def test_open_takes_zero_for_a_threshold(
    settings: Settings, load: Load, load_judge: LoadJudge
) -> None:
    ingest(settings, load=load)
    bold = settings.model_copy(update={"abstain_below": 0.0, "nothing_below": 0.0})
    answer = Conversation.open(bold, load, load_judge).ask("Who won the snooker tournament?")
    assert not answer.abstained


def test_open_loads_the_reranker_of_the_settings(settings: Settings, load: Load) -> None:
    ingest(settings, load=load)
    asked_for = []

    def load_judge(name: str, threads: int) -> FakeReranker:
        asked_for.append((name, threads))
        return FakeReranker()

    Conversation.open(
        settings.model_copy(update={"reranker": "owl", "threads": 3}), load, load_judge
    )
    assert asked_for == [("owl", 3)]


def test_open_without_a_calibration_names_the_command(
    settings: Settings, load: Load, load_judge: LoadJudge
) -> None:
    ingest(settings, load=load)
    settings.calibration.unlink()
    with pytest.raises(SettingsError, match="eval calibrate"):
        Conversation.open(settings, load, load_judge)
