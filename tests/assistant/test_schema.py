import datetime
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from corpora import filters
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.schema import NodeWithScore, TextNode

from assistant.conversation import Conversation
from assistant.errors import FilterError
from assistant.schema import (
    EVERYTHING,
    Answer,
    Citation,
    Facets,
    Filters,
    Outcome,
    Turn,
    iso_date,
    messages_of,
    readable_date,
    shorten,
    topic_of,
    turns_of,
)

SECOND, FIFTH = datetime.date(2031, 3, 2), datetime.date(2031, 3, 5)
CITATION = Citation(
    marker=2,
    document="isle/lamp",
    title="The lamp of Sorrel",
    publisher="Harbour Gazette",
    published="2031-03-02",
    url=None,
    kind="news",
    quote="The lamp burns whale song.",
    start=0,
    end=26,
)


def test_citation_id_is_twelve_hex_digits() -> None:
    assert re.fullmatch(r"[0-9a-f]{12}", CITATION.id)


@pytest.mark.parametrize("changed", [{"marker": 9}, {"title": "A"}, {"published": None}])
def test_citation_id_stays_wherever_it_is_cited(changed: dict[str, Any]) -> None:
    assert replace(CITATION, **changed).id == CITATION.id


@pytest.mark.parametrize(
    "changed", [{"document": "isle/owl"}, {"start": 1}, {"end": 27}, {"quote": "It burns."}]
)
def test_citation_id_of_another_span(changed: dict[str, Any]) -> None:
    assert replace(CITATION, **changed).id != CITATION.id


@pytest.mark.parametrize(
    ("published", "source"),
    [("2031-03-02", "Harbour Gazette, 2 March 2031"), (None, "Harbour Gazette, undated")],
)
def test_citation_source_names_publisher_and_date(published: str | None, source: str) -> None:
    assert replace(CITATION, published=published).source == source


def test_citation_of_a_page() -> None:
    cited = replace(CITATION, page=3)
    assert cited.source == "Harbour Gazette, 2 March 2031, p. 3"
    assert cited.as_dict() == {**CITATION.as_dict(), "page": 3}
    assert cited.id == CITATION.id


def test_citation_as_dict() -> None:
    assert CITATION.as_dict() == {
        "marker": 2,
        "id": CITATION.id,
        "document": "isle/lamp",
        "title": "The lamp of Sorrel",
        "publisher": "Harbour Gazette",
        "published": "2031-03-02",
        "url": None,
        "quote": "The lamp burns whale song.",
        "start": 0,
        "end": 26,
    }


def test_answer_as_dict() -> None:
    answer = Answer(
        question="and it?",
        text="The lamp burns whale song. [2]",
        citations=(CITATION,),
        confidence=0.123456,
        signals={"cosine": 0.5},
        answerer="owl",
        standalone_question="and it? What burns?",
        generation="g1",
        timings_ms={"retrieve": 1.26},
    )
    assert json.loads(json.dumps(answer.as_dict())) == {
        "question": "and it?",
        "standalone_question": "and it? What burns?",
        "answer": "The lamp burns whale song. [2]",
        "outcome": "answered",
        "abstained": False,
        "confidence": 0.1235,
        "citations": [CITATION.as_dict()],
        "nearest": [],
        "answerer": "owl",
        "generation": "g1",
        "timings_ms": {"retrieve": 1.3},
    }


@pytest.mark.parametrize(
    ("outcome", "abstained"), [("answered", False), ("not_stated", True), ("nothing", True)]
)
def test_answer_abstained(outcome: Outcome, abstained: bool) -> None:
    assert Answer("Who?", "Nobody.", outcome=outcome).abstained is abstained


@pytest.mark.parametrize("outcome", ["not_stated", "nothing"])
def test_answer_as_dict_of_an_abstention(outcome: Outcome) -> None:
    answer = Answer("Who?", "The documents do not say.", outcome=outcome, nearest=(CITATION,))
    assert (answer.as_dict()["outcome"], answer.as_dict()["abstained"]) == (outcome, True)
    assert answer.as_dict()["citations"] == []
    assert answer.as_dict()["nearest"] == [CITATION.as_dict()]


@pytest.mark.parametrize(
    ("question", "outcome"),
    [
        ("What did the glass bridge in Velmora cost?", "answered"),
        ("Does Kelland limit amber sent by pigeons?", "not_stated"),
        ("Do eels dream?", "nothing"),
        ("", "nothing"),
    ],
)
def test_answer_that_was_read_back_is_shown_as_before(
    conversation: Conversation, question: str, outcome: Outcome
) -> None:
    answer = conversation.ask(question)
    assert answer.outcome == outcome
    back = Answer.from_json(answer.to_json())
    assert replace(back, passages=()) == replace(answer, passages=())
    assert back.as_dict() == answer.as_dict()
    assert [c.id for c in back.citations + back.nearest] == [
        c.id for c in answer.citations + answer.nearest
    ]


def test_answer_that_was_read_back_knows_its_passages_places(conversation: Conversation) -> None:
    def places(answer: Answer) -> list[tuple[Any, ...]]:
        return [
            (one.node.node_id, one.node.ref_doc_id, one.score, one.node.start_char_idx,
             one.node.end_char_idx)
            for one in answer.passages
            if isinstance(one.node, TextNode)
        ]  # fmt: skip

    answer = conversation.ask("What did the glass bridge in Velmora cost?")
    back = Answer.from_json(answer.to_json())
    assert len(places(back)) > 1
    assert places(back) == places(answer)
    assert {passage.node.get_content() for passage in back.passages} == {""}
    assert back.to_json() == answer.to_json()


def test_answer_with_a_bare_passage() -> None:
    answer = Answer("Who?", "Nobody.", passages=(NodeWithScore(node=TextNode(id_="a", text="b")),))
    [back] = Answer.from_json(answer.to_json()).passages
    assert (back.node.node_id, back.score) == ("a", None)


@given(st.text(), st.text(), st.floats(0, 1))
def test_answer_of_any_text_is_read_back(question: str, quote: str, confidence: float) -> None:
    citation = replace(CITATION, quote=quote, url=question)
    answer = Answer(
        question, quote, (citation,), nearest=(citation, citation), confidence=confidence
    )
    back = Answer.from_json(answer.to_json())
    assert back == answer
    assert back.citations[0].id == citation.id


def test_answer_of_another_version_is_read_back() -> None:
    """A field that is new has its default; one that is gone is passed over."""
    kept = json.loads(Answer("Who?", "Nobody. [2]", (CITATION,)).to_json())
    kept["mood"] = kept["citations"][0]["shelf"] = 3
    del kept["signals"], kept["passages"], kept["nearest"], kept["citations"][0]["page"]
    assert Answer.from_json(json.dumps(kept)) == Answer("Who?", "Nobody. [2]", (CITATION,))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "{}",
        '{"question": "Who?"}',
        '{"question": "Who?", "text": "", "citations": 3}',
        '{"question": "Who?", "text": "", "nearest": [3]}',
        '{"question": "Who?", "text": "", "citations": [{"marker": 1}]}',
        '{"question": "Who?", "text": "", "passages": [{"id": "a"}]}',
    ],
)
def test_answer_from_json_of_something_else(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not an answer: "):
        Answer.from_json(text)


@pytest.mark.parametrize(
    ("published", "expected"),
    [("2031-03-02", "2 March 2031"), ("2030-11-20", "20 November 2030"), (None, "undated")],
)
def test_readable_date(published: str | None, expected: str) -> None:
    assert readable_date(published) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Owls wake.", "Owls wake."),
        (" Owls \n wake. ", "Owls wake."),
        ("Owls wake at dusk.", "Owls wake …"),
        ("Owls-wake-at-dusk.", "Owls-wake- …"),
        ("a Owls-wake-at-dusk.", "a …"),
        ("", ""),
    ],
)
def test_shorten_cuts_at_a_word(text: str, expected: str) -> None:
    assert shorten(text, 10) == expected


@given(st.lists(st.builds(Turn, st.text(), st.text())))
def test_messages_of_turns_are_the_same_turns_again(turns: list[Turn]) -> None:
    messages = messages_of(turns)
    assert turns_of(messages) == tuple(turns)
    assert all(message["content"] for message in messages if message["role"] == "assistant")


def test_turns_of_several_turns() -> None:
    messages = [
        {"role": "user", "content": "What burns?"},
        {"role": "assistant", "content": "Whale song. [1]"},
        {"role": "user", "content": "Why?"},
    ]
    assert turns_of(messages) == (Turn("What burns?", "Whale song. [1]"), Turn("Why?", ""))


def test_turns_of_messages_that_open_with_a_greeting() -> None:
    messages = [{"role": "assistant", "content": "Ahoy."}, {"role": "user", "content": "Why?"}]
    assert turns_of(messages) == (Turn("Why?"),)


def test_turns_of_two_answers_keeps_the_last() -> None:
    messages = [
        {"role": "user", "content": "What burns?"},
        {"role": "assistant", "content": "Wait."},
        {"role": "assistant", "content": "Whale song."},
    ]
    assert turns_of(messages) == (Turn("What burns?", "Whale song."),)


def test_turns_of_no_messages() -> None:
    assert turns_of([]) == ()


@pytest.mark.parametrize("messages", [None, "Ahoy.", {"role": "user", "content": "Why?"}])
def test_turns_of_what_is_no_list(messages: Any) -> None:
    with pytest.raises(ValueError, match='"history" is not a list of messages'):
        turns_of(messages)


@pytest.mark.parametrize(
    "message",
    [
        "Ahoy.",
        None,
        {},
        {"role": "user"},
        {"content": "Why?"},
        {"role": "owl", "content": "Why?"},
        {"role": [], "content": "Why?"},
        {"role": "user", "content": None},
        {"role": "user", "content": [{"type": "text", "text": "Why?"}]},
    ],
)
def test_turns_of_a_message_of_another_form(message: Any) -> None:
    with pytest.raises(ValueError, match='"history" needs messages with "role"'):
        turns_of([{"role": "user", "content": "What burns?"}, message])


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (Filters(), "all documents"),
        (Filters(topic=("works", "trade")), "trade or works"),
        (Filters(topic=("works",), kind=("news", "official")), "works, news or official"),
        (Filters(since=SECOND), "published since 2 March 2031"),
        (Filters(until=SECOND), "published until 2 March 2031"),
        (Filters(since=SECOND, until=FIFTH), "published 2 March 2031 to 5 March 2031"),
        (Filters(since=SECOND, until=SECOND), "published on 2 March 2031"),
        (Filters(kind=("news",), as_of=FIFTH), "news, as of 5 March 2031"),
        (
            Filters(("works",), ("news",), SECOND, FIFTH, FIFTH),
            "works, news, published 2 March 2031 to 5 March 2031, as of 5 March 2031",
        ),
    ],
)
def test_filters_in_words(filters: Filters, words: str) -> None:
    assert filters.in_words == words


@pytest.mark.parametrize(
    ("filters", "admitted"),
    [
        (Filters(), True),
        (Filters(topic=("works",)), True),
        (Filters(topic=("trade", "works")), True),
        (Filters(topic=("trade",)), False),
        (Filters(topic=("work",)), False),
        (Filters(kind=("official", "news")), True),
        (Filters(kind=("official",)), False),
        (Filters(topic=("works",), kind=("official",)), False),
        (Filters(since=SECOND), True),
        (Filters(since=datetime.date(2031, 3, 3)), False),
        (Filters(until=SECOND), True),
        (Filters(until=datetime.date(2031, 3, 1)), False),
        (Filters(as_of=SECOND), True),
        (Filters(as_of=datetime.date(2031, 3, 1)), False),
        (Filters(until=FIFTH, as_of=datetime.date(2031, 3, 1)), False),
        (Filters(until=datetime.date(2031, 3, 1), as_of=FIFTH), False),
    ],
)
def test_filters_admit(filters: Filters, admitted: bool) -> None:
    assert filters.admits("works/bridge", "news", "2031-03-02") is admitted


@pytest.mark.parametrize("name", ["since", "until", "as_of"])
def test_filters_on_dates_admit_nothing_undated(name: str) -> None:
    filters = Filters(**{name: SECOND})  # type: ignore[arg-type]
    assert not filters.admits("works/bridge", "news", None)
    assert Filters(topic=("works",)).admits("works/bridge", "news", None)


def test_filters_on_topic_admit_nothing_beside_the_folders() -> None:
    assert not Filters(topic=("works",)).admits("works", "news", None)
    assert not Filters(topic=("",)).admits("isle/works", "news", None)


@pytest.mark.parametrize(
    ("document", "topic"),
    [("works/bridge", "works"), ("works/2031/bridge", "works"), ("works", ""), ("", "")],
)
def test_topic_of(document: str, topic: str) -> None:
    assert topic_of(document) == topic


def test_filters_are_the_same_in_any_order() -> None:
    one, other = Filters(topic=("a", "b")), Filters(topic=("b", "a", "b"))
    assert one == other
    assert len({one, other, Filters(topic=("a",))}) == 2


def test_filters_empty() -> None:
    assert EVERYTHING.is_empty
    for name in ("since", "until", "as_of"):
        assert not Filters(**{name: SECOND}).is_empty  # type: ignore[arg-type]
    assert not Filters(topic=("works",)).is_empty
    assert not Filters(kind=("news",)).is_empty


@pytest.mark.parametrize(("name", "said"), [("until", "until"), ("as_of", "as of")])
def test_filters_that_contradict_each_other(name: str, said: str) -> None:
    with pytest.raises(FilterError, match=f"since 2031-03-05 is later than {said} 2031-03-02"):
        Filters(since=FIFTH, **{name: SECOND})  # type: ignore[arg-type]


@given(filters())
def test_filters_from_the_dict_of_any(filters: Filters) -> None:
    written = json.loads(json.dumps(filters.as_dict()))
    assert Filters.from_dict(written) == filters
    assert bool(written) is not filters.is_empty


def test_filters_as_dict() -> None:
    assert Filters(("works",), ("news",), SECOND, FIFTH, FIFTH).as_dict() == {
        "topic": ["works"],
        "kind": ["news"],
        "since": "2031-03-02",
        "until": "2031-03-05",
        "as_of": "2031-03-05",
    }
    assert EVERYTHING.as_dict() == {}


def test_filters_from_dict_with_null() -> None:
    assert Filters.from_dict({"topic": None, "kind": [], "since": None}) == EVERYTHING


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ([], r"filters are \[\]; expected an object of topic, kind, since, until, as_of"),
        (None, "filters are None"),
        ({"colour": "red"}, "filter 'colour' is unknown; there are topic, kind"),
        ({"topic": "works"}, "filter 'topic' is 'works'; expected a list of names"),
        ({"kind": [1]}, r"filter 'kind' is \[1\]; expected a list of names"),
        ({"since": 2031}, "filter 'since' is 2031; expected a date such as 2026-01-31"),
        ({"until": "2031-02-29"}, "filter 'until' is '2031-02-29'; expected a date"),
        ({"as_of": "20310302"}, "filter 'as_of' is '20310302'; expected a date"),
        ({"since": "2031-03-05", "until": "2031-03-02"}, "is later than"),
    ],
)
def test_filters_from_a_dict_of_another_form(given: Any, complaint: str) -> None:
    with pytest.raises(FilterError, match=complaint):
        Filters.from_dict(given)


@pytest.mark.parametrize("text", ["", "2031-3-2", "20310302", "2031-W10-7", "2031-02-29", "soon"])
def test_iso_date_of_another_form(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        iso_date(text)
    assert iso_date("2031-03-02") == SECOND


FACETS = Facets(4, 5, {"trade": 1, "works": 3}, {"news": 3, "official": 1}, None, None, 4)


@pytest.mark.parametrize(
    ("filters", "complaint"),
    [
        (
            Filters(topic=("works", "wroks")),
            "no document has the topic 'wroks'; there are trade, w",
        ),
        (Filters(kind=("owl",)), "no document has the kind 'owl'; there are news, official"),
    ],
)
def test_facets_check_names_what_there_is(filters: Filters, complaint: str) -> None:
    with pytest.raises(FilterError, match=complaint):
        FACETS.check(filters)


def test_facets_check_of_what_there_is() -> None:
    FACETS.check(Filters(topic=("trade", "works"), kind=("news",), since=SECOND))
    FACETS.check(EVERYTHING)


def test_facets_check_where_there_are_no_topics() -> None:
    with pytest.raises(FilterError, match="no document has the topic 'a'; there are none"):
        Facets(1, 1, {}, {"news": 1}, None, None, 1).check(Filters(topic=("a",)))


def test_answer_as_dict_has_the_filters_that_are_set() -> None:
    answer = Answer("Who?", "Nobody.", filters=Filters(topic=("works",), as_of=SECOND))
    assert answer.as_dict()["filters"] == {"topic": ["works"], "as_of": "2031-03-02"}
    assert "filters" not in Answer("Who?", "Nobody.").as_dict()


@given(filters())
def test_answer_read_back_has_its_filters(filters: Filters) -> None:
    assert Answer.from_json(Answer("Who?", "Nobody.", filters=filters).to_json()).filters == filters


def test_answer_written_before_there_were_filters_has_none() -> None:
    kept = json.loads(Answer("Who?", "Nobody.").to_json())
    del kept["filters"]
    assert Answer.from_json(json.dumps(kept)).filters == EVERYTHING


def test_answer_with_broken_filters_is_no_answer() -> None:
    kept = json.loads(Answer("Who?", "Nobody.").to_json()) | {"filters": {"since": "soon"}}
    with pytest.raises(ValueError, match="not an answer: filter 'since' is 'soon'"):
        Answer.from_json(json.dumps(kept))
