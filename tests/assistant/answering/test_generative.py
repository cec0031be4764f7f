"""Answers that a model writes, over real HTTP, from the invented corpus."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import openai.resources.chat.completions  # noqa: F401 – or the first call waits for it
import pytest
from fakes import FakeReranker, HashEmbedder
from scripted_llm import (
    DROP,
    Answering,
    Script,
    ScriptedServer,
    ending,
    event,
    id_of,
    ids_of,
    says,
    scripted,
)

from assistant.conversation import Conversation
from assistant.ingestion import ingest
from assistant.reranking import Judgement, Reading
from assistant.schema import Answer, Filters
from assistant.settings import Settings

COST = "What did the bridge of glass in Velmora cost?"
COST_42 = "It cost 42 million crowns"
KEY = "sk-test-0123456789-secret"

IMPATIENT = {"llm_first_seconds": 0.5, "llm_between_seconds": 0.4, "llm_total_seconds": 1.5}

Ask = Callable[..., tuple[Answer, ScriptedServer]]


@pytest.fixture
def ask(
    settings: Settings,
    load: Callable[[str, int], HashEmbedder],
    load_judge: Callable[[str, int], FakeReranker],
    monkeypatch: pytest.MonkeyPatch,
) -> Ask:
    """Ask a question of a conversation whose model is scripted."""
    ingest(settings, load=load)
    monkeypatch.setenv("DIAMOND_LLM_KEY", KEY)

    def asked(
        *scripts: Answering,
        question: str = COST,
        judge: FakeReranker | None = None,
        **changed: Any,
    ) -> tuple[Answer, ScriptedServer]:
        with scripted(*scripts) as server:
            patched = settings.model_copy(
                update={
                    "llm": "openai:scripted",
                    "llm_base_url": server.address,
                    **changed,
                }
            )
            judging = (lambda name, threads: judge) if judge else load_judge
            answer = Conversation.open(patched, load, judging).ask(question)
        return answer, server

    return asked


def cited(words: str, text: str) -> Answering:
    """A reply that cites the shown sentence with these words, where {id} stands."""
    return lambda body: says(text.replace("{id}", id_of(body, words)))


def test_answer_cites_the_exact_characters(ask: Ask) -> None:
    answer, server = ask(cited(COST_42, "The bridge cost 42 million crowns. [{id}]"))
    assert answer.text == "The bridge cost 42 million crowns. [1]"
    assert answer.answerer == "generative"
    assert answer.fallback == ""
    [citation] = answer.citations
    assert citation.quote.startswith("It cost 42 million crowns")
    assert answer.tokens == {"read": 900, "written": 40}
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


GOOD = "The bridge cost 42 million crowns. [{id}]"
QUOTED = "42 million crowns"  # the offline answer has it, too


def escaped(piece: str) -> bytes:
    """An event in ASCII alone: only so can it carry half an emoji."""
    return (
        f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': piece}}]})}\n\n".encode()
    )


def faulty(name: str) -> Answering:
    """A server with one fault."""
    begun = event("The bridge cost 42 ")
    faults: dict[str, Answering] = {
        "empty": says(""),
        "only spaces": says(" \n \n"),
        "refusal": says("I'm sorry, but I can't help with that."),
        "declined": lambda body: says(
            GOOD.replace("{id}", id_of(body, COST_42)), finish="content_filter"
        ),
        "no citations": says("Bananas are yellow and grow in Ecuador."),
        "wrong ids": says("The bridge was paid for with seven goats. [q9q9] [1] [zz23]"),
        "ordinals": says("Seven goats paid for it [1]. Eight more came later [2][3]."),
        "not json": Script([begun, b"data: {not json\n\n", *ending()]),
        "not an event": Script([b"<html>502</html>\n\n" * 3]),
        "a list": Script([b"data: [1, 2]\n\n", *ending()]),
        "no choices": Script([b'data: {"choices": null}\n\n', *ending()]),
        "error event": Script([begun, f'data: {{"error": {{"message": "{KEY}"}}}}\n\n'.encode()]),
        "not utf-8": Script([begun, b"data: \xff\xfe\xfa\n\n", *ending()]),
        "500": Script([b"{}"], 500, type="application/json"),
        "401": Script([f'{{"error": {{"message": "bad key {KEY}"}}}}'.encode()], 401),
        "404": Script([b"no"], 404),
        "429 long": Script([b"{}"], 429, {"Retry-After": "3600"}),
        "429 no word": Script([b"{}"], 429),
        "429 nonsense": Script([b"{}"], 429, {"Retry-After": "soon"}),
        "redirect": Script([], 302, {"Location": "http://127.0.0.1:9/"}),
        "silent": Script([60.0]),
        "stalls": Script([begun, 60.0]),
        "pings": Script([b": ping\n\n", 0.1] * 600),
        "empty pieces": Script([event(""), 0.05] * 1200),
        "drips": Script([event("a"), 0.1] * 600),
        "cut": Script([begun, DROP]),
        "cut in a marker": Script([event("The bridge cost 42 million crowns. [k7"), DROP]),
        "cut after a sentence": Script([event("It cost 42 million. It cost 43 million."), DROP]),
        "garbage": Script([event("xq%7\x00é" * 100) for _ in range(90)] + ending()),
        "garbage of sentences": Script([event("It cost 7 goats. " * 10)] * 300 + ending()),
        "garbage bytes": Script([bytes(range(256)) * 200]),
        "an endless bracket": says("[" * 5000),
        "an endless thought": says("<think>It cost 43 million crowns. [k7f3] " * 20),
        "half an emoji": Script([escaped("It cost 7 \ud83d goats. "), *ending()]),
        "an endless image": says("![" * 5000, size=10_000),
        "an endless image in lines": says("![\n" * 3500, size=10_500),
        "tool call": Script([event(), *ending("tool_calls")]),
    }  # fmt: skip
    return faults[name]


FAULTS = [
    "empty", "only spaces", "refusal", "declined", "no citations", "wrong ids", "ordinals",
    "not json", "not an event", "a list", "no choices", "error event", "not utf-8", "500", "401",
    "404", "429 long", "429 no word", "429 nonsense", "redirect", "silent", "stalls", "pings",
    "empty pieces", "drips", "cut", "cut in a marker", "cut after a sentence", "garbage",
    "garbage of sentences", "garbage bytes", "an endless bracket", "an endless thought",
    "half an emoji", "an endless image", "an endless image in lines",
    "tool call",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_answer_is_the_offline_one_where_the_model_fails(fault: str, ask: Ask) -> None:
    start = time.monotonic()
    answer, _ = ask(faulty(fault), **IMPATIENT)
    assert time.monotonic() - start < 5
    assert answer.answerer == "extractive"
    assert QUOTED in answer.text
    assert answer.fallback
    assert all(citation.quote for citation in answer.citations)
    told = answer.to_json() + json.dumps(answer.as_dict(), ensure_ascii=False)
    assert KEY not in told
    assert told.encode()  # it can be sent


def test_half_an_emoji_is_a_question_mark(ask: Ask) -> None:
    def reply(body: dict[str, Any]) -> Script:
        text = GOOD.replace("{id}", id_of(body, COST_42)).replace("bridge", "bridge \ud83d")
        return Script([escaped(text), *ending()])

    answer, _ = ask(reply)
    assert answer.text == "The bridge? cost 42 million crowns. [1]"
    assert answer.answerer == "generative"


class Choking(FakeReranker):
    """Cannot read these words."""

    def __init__(self, words: str) -> None:
        self.words = words

    def judge(self, readings: Sequence[Reading]) -> list[Judgement]:
        if any(self.words in reading.question for reading in readings):
            raise ZeroDivisionError
        return super().judge(readings)


def test_answer_is_the_offline_one_where_a_check_fails(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    answer, _ = ask(cited(COST_42, f"{GOOD} It cost 7 goats. [{{id}}]"), judge=Choking("goats"))
    assert answer.fallback == "what the model wrote cannot be checked"
    assert answer.answerer == "extractive"
    assert QUOTED in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_answer_of_a_server_that_is_not_there_is_the_offline_one(ask: Ask) -> None:
    answer, _ = ask(says(""), llm_base_url="http://127.0.0.1:9/v1")
    assert answer.fallback == "the model's server cannot be reached"
    assert QUOTED in answer.text


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("The bridge cost 43 million crowns.", "number"),
        ("The bridge cost 42 billion crowns.", "number"),
        ("The bridge cost 42 million crowns, half of it from the Marble Trust.", "name"),
        ("The bridge cost 42 million crowns, half of it from the Guild of Scales.", "name"),
        ("The bridge cost 42 million crowns, and 900 tonnes of amber.", "number"),
        ("The bridge did not cost 42 million crowns.", "negation"),
        ("“It cost a fortune of 42 million crowns”, half from the Lantern Fund.", "quote"),
    ],
)
def test_altered_sentence_is_struck_and_no_part_of_the_text(
    sentence: str, kind: str, ask: Ask
) -> None:
    answer, _ = ask(cited(COST_42, f"{GOOD} {sentence} [{{id}}]"))
    assert answer.text == "The bridge cost 42 million crowns. [1]"
    first, second = answer.sentences
    assert (first.status, second.status) == ("supported", "unsupported")
    assert kind in {found for found, _ in second.findings}
    assert second.text == sentence
    assert second.markers == ()
    assert answer.struck


@pytest.mark.parametrize("marker", ["", " [q9q9]", " [1]", " [{other}]"])
def test_sentence_with_wrong_ids_is_given_the_right_ones(marker: str, ask: Ask) -> None:
    def reply(body: dict[str, Any]) -> Script:
        other = id_of(body, "Kelland put a limit")
        return says(GOOD.replace(" [{id}]", marker.replace("{other}", other)))

    answer, _ = ask(reply)
    assert answer.text == "The bridge cost 42 million crowns. [1]"
    assert "42 million" in answer.citations[0].quote
    assert answer.sentences[0].status == "repaired"


def test_sentence_that_names_what_the_one_before_names_is_given_that_one_too(ask: Ask) -> None:
    both = "That came from the Lantern Fund, and Mayor Odile Quarn cut the ribbon."
    answer, _ = ask(cited("Odile Quarn", f"{both} [{{id}}]"))
    assert answer.text == f"{both} [1] [2]"
    assert answer.sentences[0].status == "repaired"
    assert answer.citations[0].quote.startswith(COST_42)
    assert answer.citations[1].quote == "Mayor Odile Quarn cut the ribbon."


def test_sentence_that_says_what_the_sources_lack_is_kept(ask: Ask) -> None:
    answer, _ = ask(cited(COST_42, f"{GOOD} The sources do not say what the bridge cost to mend."))
    assert [one.status for one in answer.sentences] == ["supported", "gap"]
    assert answer.text.endswith("[1] The sources do not say what the bridge cost to mend.")


def test_gap_is_found_by_the_rules_alone(ask: Ask) -> None:
    lacking = "The sources do not say what the bridge cost to mend."
    answer, _ = ask(cited(COST_42, f"{GOOD} {lacking}"), judge=Choking("do not say"))
    assert [one.status for one in answer.sentences] == ["supported", "gap"]


@pytest.mark.parametrize(
    "claim",
    [
        "The sources do not say otherwise: it cost 43 million crowns.",
        "The sources do not say that 43 million crowns were paid.",
        "The sources do not mention Lord Byron.",
        "The sources do not say otherwise, as the bridge of glass is old.",
    ],
)
def test_claim_in_the_clothes_of_a_gap_is_no_gap(claim: str, ask: Ask) -> None:
    answer, _ = ask(cited(COST_42, f"{GOOD} {claim}"))
    assert [one.status for one in answer.sentences] == ["supported", "unsupported"]


def test_model_that_finds_nothing_abstains_and_shows_what_is_near(ask: Ask) -> None:
    answer, _ = ask(says("NOT IN THE SOURCES"))
    assert answer.abstained
    assert answer.text.startswith("The documents do not say.")
    assert answer.nearest[0].marker == 1
    assert not answer.fallback


def test_model_is_not_asked_what_the_documents_have_nothing_on(ask: Ask) -> None:
    answer, server = ask(says("It was Ann."), question="Who won the snooker tournament?")
    assert answer.outcome == "nothing"
    assert server.requests == []


def test_server_that_is_busy_for_a_moment_is_asked_once_more(ask: Ask) -> None:
    busy = Script([b"{}"], 429, {"Retry-After": "0.3"})
    answer, server = ask(busy, cited(COST_42, GOOD))
    assert answer.answerer == "generative"
    assert len(server.requests) == 2
    answer, server = ask(busy, busy, says("never"))
    assert answer.fallback == "the model's server is too busy"
    assert len(server.requests) == 2


WHOLE = "It cost 42 million crowns – “half” of it [{id}], says the Gazette’s page. Überlong… [{id}]"


@pytest.mark.parametrize("split", ["bytes", "characters"])
def test_answer_is_the_same_however_the_stream_is_cut(split: str, ask: Ask) -> None:
    """Every byte of the wire in a packet of its own; every character in an event of its own."""

    def reply(body: dict[str, Any]) -> Script:
        text = WHOLE.replace("{id}", id_of(body, COST_42))
        if split == "characters":
            return says(text, size=1)
        stream = b"".join([event(text), *ending()])
        return Script([stream[n : n + 1] for n in range(len(stream))])

    whole, _ = ask(lambda body: says(WHOLE.replace("{id}", id_of(body, COST_42)), size=999))
    cut, _ = ask(reply)
    assert cut.text == whole.text
    assert cut.sentences == whole.sentences


def test_answer_cut_short_by_its_length_loses_the_last_sentence(ask: Ask) -> None:
    def reply(body: dict[str, Any]) -> Script:
        text = f"{GOOD} Half of it came from the Lan".replace("{id}", id_of(body, COST_42))
        return says(text, finish="length")

    answer, _ = ask(reply)
    assert answer.text == "The bridge cost 42 million crowns. [1]"
    assert len(answer.sentences) == 1


def test_links_images_and_html_do_not_reach_the_answer(ask: Ask) -> None:
    text = (
        "The bridge cost ![x](http://evil.example/?q=42) **42 million** "
        "[crowns](http://evil.example/b) <img src=//evil.example onerror=alert(1)>. [{id}]"
    )
    answer, _ = ask(cited(COST_42, text))
    assert answer.text == "The bridge cost 42 million crowns. [1]"
    assert "evil" not in answer.to_json()


def test_answer_of_a_thinking_model_has_none_of_its_thoughts(ask: Ask) -> None:
    text = "<think>Maybe 43 million? [{id}]</think>\n\n" + GOOD
    answer, _ = ask(cited(COST_42, text))
    assert answer.text == "The bridge cost 42 million crowns. [1]"


def test_question_that_does_not_fit_gets_the_offline_answer_and_why(ask: Ask) -> None:
    answer, server = ask(says("x"), llm_window=1024)
    assert "1,024 tokens" in answer.fallback
    assert server.requests == []
    assert QUOTED in answer.text


def test_closing_the_stream_hangs_up(
    ask: Ask, settings: Settings, load: Any, load_judge: Any
) -> None:
    for script in (Script([60.0]), Script([event("The bridge "), 60.0])):
        with scripted(script) as server:
            patched = settings.model_copy(
                update={"llm": "openai:scripted", "llm_base_url": server.address}
            )
            steps = Conversation.open(patched, load, load_judge).stream(COST)
            while not server.requests:
                next(steps)
            for _ in range(5):
                next(steps)
            steps.close()
            assert server.hung_up.wait(2)


def test_killing_the_server_in_mid_answer_gives_the_offline_one(ask: Ask) -> None:
    def reply(body: dict[str, Any]) -> Script:
        return Script([event(GOOD.replace("{id}", id_of(body, COST_42)) + " Half of"), 0.2, DROP])

    answer, _ = ask(reply)
    assert answer.answerer == "extractive"
    assert answer.fallback


Talk = Callable[..., Conversation]


@pytest.fixture
def talk(settings: Settings, load: Any, load_judge: Any) -> Talk:
    """A conversation with the model at an address."""
    ingest(settings, load=load)

    def opened(address: str, **changed: Any) -> Conversation:
        model = {"llm": "openai:scripted", "llm_base_url": address}
        return Conversation.open(settings.model_copy(update={**model, **changed}), load, load_judge)

    return opened


def test_same_question_is_answered_once(talk: Talk) -> None:
    with scripted(cited(COST_42, GOOD)) as server:
        conversation = talk(server.address)
        first, again = conversation.fresh().ask(COST), conversation.fresh().ask(COST)
        assert len(server.requests) == 1
        assert again.text == first.text
        assert again.citations == first.citations
        assert again.tokens == {}
        conversation.fresh().ask(COST, Filters(kind=("official",)))
        assert len(server.requests) == 2


def test_answer_that_failed_is_asked_for_again(talk: Talk) -> None:
    with scripted(Script([], 500), cited(COST_42, GOOD)) as server:
        conversation = talk(server.address)
        assert conversation.fresh().ask(COST).fallback
        assert not conversation.fresh().ask(COST).fallback


def test_follow_up_is_put_as_it_was_asked_after_what_was_said(talk: Talk) -> None:
    with scripted(cited(COST_42, GOOD)) as server:
        conversation = talk(server.address)
        conversation.ask(COST)
        conversation.ask("and who paid half of it?")
        told = server.requests[1]["messages"][-1]["content"]
    assert f"Earlier question: {COST}\nEarlier answer: The bridge cost 42 million crowns.\n" in told
    assert "Question: and who paid half of it?\n" in told


def test_ids_are_the_same_in_the_next_turn(talk: Talk) -> None:
    with scripted(cited(COST_42, GOOD)) as server:
        conversation = talk(server.address)
        conversation.ask(COST)
        conversation.ask("and who paid half of it?")
        first, second = map(ids_of, server.requests)
    assert first.keys() & second.keys()
    assert all(second[text] == id_ for text, id_ in first.items() if text in second)


def test_follow_up_is_rewritten_without_the_thoughts_before_it(talk: Talk) -> None:
    full = "Who paid half of the cost of the bridge \ud83d of glass in Velmora?"
    thinking = [escaped("<think>Which one?\nThat.</think>\n\n"), escaped(f"{full}\n"), *ending()]
    with scripted(cited(COST_42, GOOD), Script(thinking), cited(COST_42, GOOD)) as server:
        conversation = talk(server.address, llm_rewrite=True)
        conversation.ask(COST)
        answer = conversation.ask("and who paid half of it?")
    assert answer.standalone_question == full.replace(" \ud83d", "?")


def test_follow_up_is_rewritten_with_one_more_call_if_that_is_set(talk: Talk) -> None:
    full = "Who paid half of the cost of the bridge of glass in Velmora?"
    with scripted(cited(COST_42, GOOD), says(full), cited(COST_42, GOOD)) as server:
        conversation = talk(server.address, llm_rewrite=True)
        conversation.ask(COST)
        answer = conversation.ask("and who paid half of it?")
        assert answer.standalone_question == full
        assert len(server.requests) == 3
        conversation.ask("What limit did Kelland put on the export of amber?")
        assert len(server.requests) == 4


@pytest.mark.parametrize(
    "script",
    [
        Script([], 500),
        says(""),
        says("x" * 900),
        says("I'm sorry, but I can't help with that."),
        says("<think>The bridge, I think?</think>"),
        says("<think>Who paid half of the bridge?"),
        says("Who paid half of the", finish="length"),
        says("Who paid half of it?", finish="content_filter"),
        says("Who paid half of it?\nThe Lantern Fund did. Is that so?"),
    ],
)
def test_follow_up_that_cannot_be_rewritten_is_understood_as_before(
    script: Script, talk: Talk
) -> None:
    with scripted(cited(COST_42, GOOD), script, cited(COST_42, GOOD)) as server:
        conversation = talk(server.address, llm_rewrite=True)
        conversation.ask(COST)
        answer = conversation.ask("and who paid half of it?")
    assert answer.standalone_question == f"and who paid half of it? {COST}"


def test_answer_says_how_long_each_stage_took_and_what_it_cost(ask: Ask) -> None:
    answer, _ = ask(cited(COST_42, GOOD), llm_prices=(1.0, 2.0))
    assert set(answer.timings_ms) == {
        "rewrite", "retrieve", "answer", "quote", "write", "check", "total",
    }  # fmt: skip
    assert answer.cost == pytest.approx((900 * 1.0 + 40 * 2.0) / 1e6)
    assert answer.as_dict()["tokens"] == {"read": 900, "written": 40}


def test_question_of_middling_confidence_is_put_to_the_model(ask: Ask) -> None:
    near = "Does Kelland limit amber sent by pigeons?"
    reply = cited("Kelland put a limit", "Kelland put a limit of 900 tonnes a year on it. [{id}]")
    answer, server = ask(reply, question=near, llm_abstain_below=0.0)
    assert answer.text == "Kelland put a limit of 900 tonnes a year on it. [1]"
    answer, server = ask(reply, question=near, llm_abstain_below=0.49)
    assert answer.abstained
    assert server.requests == []


def test_written_answer_is_read_back_from_json(ask: Ask) -> None:
    answer, _ = ask(cited(COST_42, f"{GOOD} It cost 43 million crowns. [{{id}}]"))
    again = Answer.from_json(answer.to_json())
    assert again.sentences == answer.sentences
    assert (again.model, again.tokens, again.struck) == (answer.model, answer.tokens, True)
