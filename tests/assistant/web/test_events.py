import datetime
from typing import Any

import gradio as gr
import pytest
from markup import HOSTILE, NO_ADDRESSES

from assistant.errors import FilterError
from assistant.history import ConversationStore
from assistant.schema import Answer, Filters
from assistant.segmentation import Span
from assistant.web import words
from assistant.web.chat import Chat, Desk, Step
from assistant.web.events import Events, Updates, date_of, filters_of, spans_of, typed, updates
from assistant.web.sources import NO_SOURCES, escape

BRIDGE = "How much did the bridge of glass in Velmora cost?"
AMBER = "What limit did Kelland put on the export of amber?"
EXPORT = "trade/2030-11-20-amber-post-amber-export"
ANN, BOB, NOBODY = (gr.Request(username=name, query_params={}) for name in ("ann", "bob", None))
UNFILTERED: tuple[list[str], list[str], str, str, str] = ([], [], "", "", "")
UNTOUCHED: tuple[Any, Any, Any, Any, Any] = (
    None,
    None,
    None,
    None,
    None,
)  # fields and lists that nobody has touched
RUBBISH: list[Any] = [
    None,
    [],
    ["turn", "conversation", "document", "question"],
    "turn conversation document question",
    {},
    {"turn": None, "conversation": None, "document": None, "question": None},
    {"turn": [], "conversation": {}, "document": 7, "spans": {}},
    {"turn": "\ud800", "conversation": "\ud800", "document": "\ud800", "spans": "\ud800"},
    *({"turn": turn} for turn in (-1, 1.5, "9" * 5000, "²", "1e3", 10**30, float("inf"))),
]


@pytest.fixture
def events(desk: Desk) -> Events:
    return Events(desk)


def event(**said: Any) -> gr.EventData:
    """What the page's script reports."""
    return gr.EventData(None, said)


def thumb(place: Any, liked: Any) -> gr.LikeData:
    return gr.LikeData(None, {"index": place, "value": "", "liked": liked})


def row(row_value: Any) -> gr.SelectData:
    return gr.SelectData(None, {"index": [0, 0], "value": "", "row_value": row_value})


def asked(events: Events, question: str, chat: Chat | None = None) -> Chat:
    *_, last = events.ask(question, chat or Chat(), *UNFILTERED, ANN)
    return chat_of(last)


def chat_of(values: Updates) -> Chat:
    chat: Chat = values[0]
    return chat


def skipped(value: Any) -> bool:
    return bool(value == gr.skip())


@pytest.mark.parametrize("text", ["", "  \n", None])
def test_ask_nothing(text: Any, events: Events) -> None:
    assert list(events.ask(text, Chat(), *UNTOUCHED, ANN)) == []


def test_ask_clears_the_field_and_goes_by_the_filters(events: Events) -> None:
    first, *_, last = events.ask(BRIDGE, Chat(), [], ["official"], "2031-03-01", "", "", ANN)
    assert first[-1] == ""
    assert last[-1] == gr.skip()  # the next question may stand there by then
    [answer] = chat_of(last).answers
    assert answer.filters == Filters(kind=("official",), since=datetime.date(2031, 3, 1))
    assert {citation.kind for citation in answer.citations} == {"official"}


def test_ask_text_that_is_none(events: Events) -> None:
    """What the page shows is sent as UTF-8, in which half a surrogate cannot be written."""
    first, *_, last = events.ask("bridge of \ud800 glass", Chat(), *UNFILTERED, ANN)
    assert "bridge of ? glass" in first[1][0]["content"]
    assert str((first, last)).encode()


def test_ask_under_wrong_filters_asks_nothing(events: Events) -> None:
    with pytest.raises(gr.Error, match="is no day"):
        list(events.ask(BRIDGE, Chat(), [], [], "yesterday", "", "", ANN))


def test_ask_suggested(events: Events) -> None:
    *_, last = events.ask_suggested(Chat(), *UNFILTERED, ANN, event(question=AMBER))
    assert chat_of(last).answers[0].question == AMBER


def test_edit_brings_the_last_question_back(events: Events) -> None:
    chat, text = events.edit(asked(events, BRIDGE))
    assert (chat.editing, text) == (True, BRIDGE)
    assert events.edit(Chat()) == (Chat(), "")


def test_retry_and_widen(events: Events) -> None:
    """To widen is to ask again without filters, which are cleared."""
    chat = asked(events, BRIDGE)
    *_, last = events.retry(chat, [], ["news"], "", "", "", ANN)
    assert chat_of(last).answers[0].filters == Filters(kind=("news",))
    first, *_, last = events.widen(chat_of(last), ANN)
    assert chat_of(last).answers[0].filters == Filters()
    assert first[-5:] == UNFILTERED
    assert all(map(skipped, last[-5:]))  # others may be set by then


def test_arrive_shows_the_conversation_of_the_address(events: Events) -> None:
    key = asked(events, BRIDGE).id

    def arriving(name: str) -> Chat:
        return chat_of(events.arrive(gr.Request(username=name, query_params={"c": key})))

    assert len(arriving("ann").answers) == 1
    assert arriving("bob") == chat_of(events.arrive(ANN)) == Chat()


def test_open_rename_delete(events: Events, store: ConversationStore) -> None:
    chat = asked(events, BRIDGE)
    assert chat_of(events.open(event(conversation=chat.id), ANN)).id == chat.id
    events.rename(chat, event(conversation=chat.id, title="Glass"), ANN)
    assert [one.title for one in store.conversations("ann")] == ["Glass"]
    assert "Glass" in events.find("glass", chat, ANN)
    assert words.NONE_YET in events.find("", chat, NOBODY)
    with pytest.raises(gr.Error, match="another user"):
        events.delete(chat, event(conversation=chat.id), BOB)
    assert chat_of(events.delete(chat, event(conversation=chat.id), ANN)) == Chat()


def test_stopped_and_start_anew(events: Events) -> None:
    chat = asked(events, BRIDGE)
    assert chat_of(events.stopped(chat, ANN)) == chat
    assert chat_of(events.start_anew(ANN)) == Chat()


def test_read_and_sources(events: Events) -> None:
    page = events.read(event(document=EXPORT, spans="0-7 90-99999"))
    assert '<mark tabindex="-1">Kelland</mark>' in page
    assert "Kelland limits" in events.read_row(row(["Kelland limits", 2, EXPORT]))
    assert "Kelland limits" in events.sources(asked(events, AMBER), event(turn=0))


def test_read_row_of_an_empty_table(events: Events) -> None:
    nothing: list[Any] = [None, [], [None], ["", ""], "x", {}]
    assert all(skipped(events.read_row(row(row_value))) for row_value in nothing)


def test_event_of_rubbish(events: Events) -> None:
    """Words for a person, whatever a broken or hostile script sends."""
    chat = Chat(answers=(Answer("Who?", "Owls."),))
    for rubbish in (gr.EventData(None, data) for data in RUBBISH):
        assert events.sources(chat, rubbish) == NO_SOURCES
        assert words.NOT_IN_INDEX in events.read(rubbish)
        assert list(events.ask_suggested(chat, *UNFILTERED, ANN, rubbish)) == []
        assert chat_of(events.rename(chat, rubbish, ANN)) == chat
        with pytest.raises(gr.Error, match="no conversation"):
            events.open(rubbish, ANN)
        with pytest.raises(gr.Error, match="no conversation"):
            events.delete(chat, rubbish, ANN)


def test_judge_keeps_a_thumb(events: Events, store: ConversationStore) -> None:
    chat = asked(events, AMBER, asked(events, BRIDGE))
    turn, form, *blank = events.judge(chat, thumb(1, True), ANN)
    assert (turn, form["visible"], blank) == (0, False, ["wrong", "", "", ""])
    turn, form, *_ = events.judge(chat, thumb([3, 0], False), ANN)
    assert (turn, form["visible"]) == (1, True)
    assert [one.verdict for one in store.all_feedback()] == ["right", "wrong"]


def test_judge_takes_a_thumb_back_for_no_verdict(events: Events, store: ConversationStore) -> None:
    chat = asked(events, BRIDGE)
    events.judge(chat, thumb(1, True), ANN)
    _, form, *_ = events.judge(chat, thumb(1, ""), ANN)
    assert not form["visible"]
    assert [one.verdict for one in store.all_feedback()] == ["right"]


def test_judge_what_is_no_answer(events: Events, store: ConversationStore) -> None:
    chat = asked(events, BRIDGE)
    places: list[Any] = [3, -2, None, [], ["x"], "x", {}]
    for place in places:
        with pytest.raises(gr.Error, match="not kept"):
            events.judge(chat, thumb(place, False), ANN)
    assert store.all_feedback() == []


def test_say_more(events: Events, store: ConversationStore, capsys: Any) -> None:
    """Fields that nobody touched say nothing."""
    chat = asked(events, BRIDGE)
    form: Any = events.say_more(0, chat, "incomplete", None, "43 million", None, ANN)  # type: ignore[arg-type]
    assert not form["visible"]
    [kept] = store.all_feedback()
    assert (kept.verdict, kept.reason, kept.expected, kept.source) == (
        "incomplete", "", "43 million", "",
    )  # fmt: skip
    assert words.THANKS in capsys.readouterr().out
    with pytest.raises(gr.Error, match="not kept"):
        events.say_more(-1, chat, "wrong", "", "", "", ANN)
    assert words.THANKS not in capsys.readouterr().out


def test_updates_leaves_what_a_step_does_not_say() -> None:
    chat = Chat(answers=(Answer("Who?", "Owls."),))
    values = updates(Step(chat))
    assert values[0] is chat
    assert all(map(skipped, [*values[1:5], values[7]]))


@pytest.mark.parametrize(
    ("answers", "busy", "tools", "stop"), [(0, False, False, False), (1, False, True, False),
                                           (1, True, False, True), (0, True, False, True)],
)  # fmt: skip
def test_updates_shows_the_tools_or_the_way_to_stop(
    answers: int, busy: bool, tools: bool, stop: bool
) -> None:
    chat = Chat(answers=(Answer("Who?", "Owls."),) * answers)
    step = Step(chat, [], "panel", "following", "conversations", busy)
    _, *said, row, stopping, question = updates(step, question="")
    assert said == [[], "panel", "following", "conversations"]
    assert (row["visible"], stopping["visible"], question) == (tools, stop, "")


def test_filters_of_the_controls() -> None:
    assert filters_of(*UNTOUCHED) == filters_of(*UNFILTERED) == Filters()
    first, last, day = (datetime.date(2031, 3, number) for number in (1, 2, 3))
    given = filters_of(["works", "trade"], ["news"], "2031-03-01", " 2031-03-02", "2031-03-03 ")
    assert given == Filters(("trade", "works"), ("news",), first, last, day)


@pytest.mark.parametrize("text", ["yesterday", "<img src=x onerror=alert(1)>", *HOSTILE])
def test_filters_of_a_date_that_is_none(text: str) -> None:
    """The message is shown as HTML."""
    with pytest.raises(gr.Error) as raised:
        filters_of([], [], text, "", "")
    assert raised.value.message.startswith(f"“{escape(text.strip()[:40])}” is no day")
    assert "<" not in raised.value.message


def test_filters_of_dates_that_contradict_each_other() -> None:
    with pytest.raises(gr.Error, match="since 2031-03-02 is later than until 2031-03-01"):
        filters_of([], [], "2031-03-02", "2031-03-01", "")


@pytest.mark.parametrize(
    "text", ["2031-3-1", "20310301", "2031-W09-6", "2031-02-30", "1 March 2031", "2031-03-01T00:00"]
)
def test_date_of_what_is_no_day(text: str) -> None:
    with pytest.raises(FilterError, match="write it as"):
        date_of(text)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("10-20 30-44", [Span(10, 20), Span(30, 44)]),
        ("", []),
        ("10 -20 --5 7- x-y", []),
        ("1-2'\"><script>3-4", [Span(1, 2), Span(3, 4)]),
        ("-5-7", [Span(5, 7)]),
        *((text, []) for text in NO_ADDRESSES),
    ],
)
def test_spans_of(text: str, spans: list[Span]) -> None:
    assert spans_of(text) == spans


def test_spans_of_numbers_beyond_any_document() -> None:
    assert all(span.end < 10**9 for span in spans_of(f"{'9' * 5000}-{'8' * 5000}"))


def test_typed_text() -> None:
    assert [typed(None), typed("owl 琥珀"), typed("owl\ud83e"), typed(7)] == [
        "", "owl 琥珀", "owl?", "7",
    ]  # fmt: skip
