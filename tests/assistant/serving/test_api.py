"""The HTTP API of a real server, as programs meet it."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import httpx
import pytest
from llama_index.core.schema import NodeWithScore
from parts import with_parts
from served import Serve

from assistant.conversation import Conversation
from assistant.errors import IndexDamaged
from assistant.schema import Answer, Filters
from assistant.serving.replies import AnswerBody, CitationBody

QUESTION = "How much did Velmora's bridge of glass cost?"


class Slow:
    """An answerer that waits until it is told to go on."""

    name = "slow"

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.go_on = threading.Event()

    def answer(
        self,
        question: str,
        passages: Sequence[NodeWithScore],
        as_of: datetime.date | None = None,
    ) -> Answer:
        self.asked.release()
        self.go_on.wait(20)
        return Answer(question, "Yes.")


class Broken:
    """An answerer that raises what it is given."""

    name = "broken"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def answer(
        self,
        question: str,
        passages: Sequence[NodeWithScore],
        as_of: datetime.date | None = None,
    ) -> Answer:
        raise self.error


def events(text: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Server-sent events: each with its name and its data."""
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def plain(sent: httpx.Response, status: int) -> str:
    """The one sentence of a refusal."""
    assert sent.status_code == status
    assert list(sent.json()) == ["error"]
    sentence = str(sent.json()["error"])
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    return sentence


def test_health_says_what_is_served(at: str, talk: Conversation) -> None:
    assert httpx.get(at + "/health").json() == {
        "status": "ready",
        "generation": talk.manifest.generation,
        "answerer": "extractive",
        "documents": 4,
        "passages": 5,
        "problem": "",
    }


def test_ask_gives_the_object_of_the_command_line(at: str, talk: Conversation) -> None:
    sent = httpx.post(at + "/api/ask", json={"question": QUESTION})
    expected = talk.fresh().ask(QUESTION).as_dict()
    assert sent.status_code == 200
    assert {**sent.json(), "timings_ms": 0} == {**expected, "timings_ms": 0}
    assert "42 million crowns" in sent.json()["answer"]
    assert sent.json()["citations"]


def test_ask_leans_on_the_history(at: str) -> None:
    history = [
        {"role": "user", "content": "Who built the bridge of glass in Velmora?"},
        {"role": "assistant", "content": "Brask & Daughters. [1]"},
    ]
    question = {"question": "and who cast its panes?", "history": history}
    sent = httpx.post(at + "/api/ask", json=question).json()
    assert sent["standalone_question"] != sent["question"]
    assert "Pell works" in sent["answer"]


def test_ask_searches_within_the_filters(at: str, talk: Conversation) -> None:
    filters = {"topic": ["works"], "kind": ["news"], "as_of": "2031-03-04"}
    sent = httpx.post(at + "/api/ask", json={"question": QUESTION, "filters": filters}).json()
    assert sent["filters"] == filters
    assert {citation["publisher"] for citation in sent["citations"]} == {"Harbour Gazette"}


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        ({"topic": ["gulls"]}, "no document has the topic 'gulls'; there are "),
        ({"since": "yesterday"}, "filter 'since' is 'yesterday'; expected a date"),
        ({"since": "2031-03-02", "until": "2031-03-01"}, "since"),
        ({"colour": "blue"}, '"filters.colour" is not known here.'),
        ({"topic": "works"}, '"filters.topic" cannot be used: input should be a valid list.'),
        ("works", '"filters" cannot be used: '),
    ],
)
def test_filter_that_cannot_be_used_is_one_sentence(
    filters: object, sentence: str, at: str
) -> None:
    for stream in (False, True):
        body = {"question": QUESTION, "filters": filters, "stream": stream}
        assert sentence in plain(httpx.post(at + "/api/ask", json=body), 422)


def test_ask_what_has_no_answer_is_an_answer(at: str) -> None:
    sent = httpx.post(at + "/api/ask", json={"question": "Who painted the Mona Lisa?"})
    assert sent.status_code == 200
    assert (sent.json()["abstained"], sent.json()["citations"]) == (True, [])


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"question": QUESTION, "stream": True}, {}),
        ({"question": QUESTION}, {"Accept": "text/event-stream"}),
    ],
)
def test_stream_sends_each_statement_and_then_the_whole(
    body: dict[str, object], headers: dict[str, str], at: str
) -> None:
    sent = httpx.post(at + "/api/ask", json=body, headers=headers)
    assert sent.headers["content-type"].startswith("text/event-stream")
    *statements, (last, answer) = events(sent.text)
    assert [name for name, _ in statements] == ["statement"] * 2
    assert last == "answer"
    whole = httpx.post(at + "/api/ask", json={"question": QUESTION}).json()
    assert {**answer, "timings_ms": 0} == {**whole, "timings_ms": 0}
    pieces = [f"{data['text']} [{marker}]" for marker, (_, data) in enumerate(statements, 1)]
    assert " ".join(pieces) == whole["answer"]
    assert [data["citations"] for _, data in statements] == [[c] for c in whole["citations"]]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, '"question" is missing.'),
        ({"question": 7}, '"question" cannot be used: input should be a valid string.'),
        ({"question": " \n"}, '"question" cannot be used: there is nothing in it.'),
        ({"question": "a" * 10_001}, '"question" has more than 10,000 characters.'),
        ({"question": "Who?", "qestion": ""}, '"qestion" is not known here.'),
        ({"question": "Who?", "history": "a"}, '"history" cannot be used: input should be a'),
        ({"question": "Who?", "history": [{"role": "system", "content": ""}]}, '"history.0.role"'),
        ({"question": "Who?", "history": [{"role": "user"}]}, '"history.0.content" is missing.'),
        ([], 'Send a JSON object with a "question", as application/json.'),
    ],
)
def test_bad_body_is_one_sentence(body: object, sentence: str, at: str) -> None:
    assert plain(httpx.post(at + "/api/ask", json=body), 422).startswith(sentence)


@pytest.mark.parametrize(
    ("content", "kind", "sentence"),
    [
        (b"{broken", "application/json", "The body is not JSON."),
        (b"\xff\xfe", "application/json", "The body is not JSON."),
        (b'{"question": "\\ud800"}', "application/json", '"question" cannot be used: input should'),
        (b"", "application/json", 'Send a JSON object with a "question"'),
        (b'{"question": "Who?"}', "text/plain", 'Send a JSON object with a "question"'),
    ],
)
def test_body_that_is_no_json_is_one_sentence(
    content: bytes, kind: str, sentence: str, at: str
) -> None:
    sent = httpx.post(at + "/api/ask", content=content, headers={"Content-Type": kind})
    assert plain(sent, 422).startswith(sentence)


def test_question_as_long_as_it_may_be_is_answered(at: str) -> None:
    question = {"question": (QUESTION + " ") * 222}
    assert httpx.post(at + "/api/ask", json=question).status_code == 200


def test_body_that_is_too_large_is_refused(at: str) -> None:
    assert httpx.post(at + "/api/ask", content=b"a" * 9_000_000).status_code == 413

    def endless() -> Iterator[bytes]:
        for _ in range(9):
            yield b"a" * 1_000_000

    assert httpx.post(at + "/api/ask", content=endless()).status_code == 413


@pytest.mark.parametrize("path", ["/api/ask", "/mcp"])
def test_other_methods_are_told_so(path: str, at: str) -> None:
    sent = httpx.get(at + path)
    assert plain(sent, 405).startswith("This address takes other methods")
    assert sent.headers["allow"] == "POST"


def test_openapi_describes_what_is_sent(at: str, talk: Conversation) -> None:
    schema = httpx.get(at + "/openapi.json").json()
    assert list(schema["paths"]) == ["/health", "/api/ask"]
    models = schema["components"]["schemas"]
    wanted = {"question", "history", "filters", "stream"}
    assert set(models["AskRequest"]["properties"]) == wanted
    answer = talk.fresh().ask(QUESTION, Filters(kind=("news",))).as_dict()
    assert set(models["AnswerBody"]["properties"]) == set(answer) == set(AnswerBody.model_fields)
    cited = answer["citations"][0]
    assert set(models["CitationBody"]["properties"]) == set(cited) == set(CitationBody.model_fields)
    assert {"401", "422", "429", "503"} <= set(schema["paths"]["/api/ask"]["post"]["responses"])


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/gradio_api/mcp/schema", "/api/nothing"])
def test_nothing_else_is_served(path: str, at: str) -> None:
    assert httpx.get(at + path).status_code == 404


def test_endpoints_of_the_page_are_private(at: str) -> None:
    info = httpx.get(at + "/gradio_api/info").json()
    assert info == {"named_endpoints": {}, "unnamed_endpoints": {}}


def test_ten_clients_at_once_are_answered(at: str, talk: Conversation) -> None:
    questions = [
        QUESTION,
        "What limit did Kelland put on the export of amber?",
        "Who painted the Mona Lisa?",
    ]
    expected = {question: talk.fresh().ask(question).text for question in questions}

    def ask(number: int) -> None:
        question = questions[number % len(questions)]
        with httpx.Client(base_url=at, timeout=60) as client:
            for _ in range(3):
                sent = client.post("/api/ask", json={"question": question})
                assert sent.json()["answer"] == expected[question]

    with ThreadPoolExecutor(10) as clients:
        assert len(list(clients.map(ask, range(10)))) == 10


def test_client_that_asks_too_often_is_told_when_to_come_again(
    serve: Serve,
) -> None:
    with serve(requests_per_minute=2) as address:
        question = {"question": QUESTION, "stream": True}
        sent = [httpx.post(address + "/api/ask", json=question) for _ in range(3)]
        assert [one.status_code for one in sent[:2]] == [200, 200]
        assert "more than 2 requests in a minute" in plain(sent[2], 429)
        assert 0 < int(sent[2].headers["retry-after"]) <= 60
        assert httpx.get(address + "/health").status_code == 200


def test_server_that_is_busy_says_so_and_stays_healthy(talk: Conversation, serve: Serve) -> None:
    slow = Slow()
    talk = with_parts(talk, answerer=slow)
    with serve(talk, queue_size=1) as address, ThreadPoolExecutor(6) as clients:

        def ask(number: int) -> httpx.Response:
            return httpx.post(address + "/api/ask", json={"question": "Who?"}, timeout=30)

        answers = [clients.submit(ask, number) for number in range(6)]
        for _ in range(4):
            assert slow.asked.acquire(timeout=20)
        assert httpx.get(address + "/health").status_code == 200
        refused = next(as_completed(answers)).result()
        assert "questions are waiting already" in plain(refused, 503)
        assert int(refused.headers["retry-after"]) > 0
        slow.go_on.set()
        assert sorted(answer.result().status_code for answer in answers) == [200] * 5 + [503]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ZeroDivisionError("secret"), "Something went wrong in the server; its log says what."),
        (IndexDamaged("the index is damaged: build it"), "the index is damaged: build it"),
    ],
)
def test_error_inside_is_plain(
    error: Exception,
    sentence: str,
    talk: Conversation,
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serve(with_parts(talk, answerer=Broken(error))) as at:
        for stream in (False, True):
            body = {"question": QUESTION, "stream": stream}
            assert plain(httpx.post(at + "/api/ask", json=body), 500) == sentence
        assert httpx.get(at + "/health").status_code == 200
    if isinstance(error, ZeroDivisionError):
        lines = [record.getMessage() for record in caplog.records]
        assert lines.count("error: ZeroDivisionError: secret") == 2
        assert all(record.exc_info is None for record in caplog.records)


def test_body_keeps_what_an_answer_gains(talk: Conversation) -> None:
    answer = {**talk.fresh().ask(QUESTION).as_dict(), "more": 1}
    assert AnswerBody(**answer).model_dump()["more"] == 1
