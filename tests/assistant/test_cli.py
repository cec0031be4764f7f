"""The command line as a person or a program meets it: real processes, the real model."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import grpc  # type: ignore[import-untyped]
import pytest
from commands import in_process
from fakes import CALIBRATION
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from scripted_llm import Script, id_of, says, scripted

from assistant.cli import run
from assistant.schema import readable_date

DATA = Path(__file__).parents[1] / "data"
QUESTION = "How much did Velmora's bridge of glass cost?"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of indexes whose `main` has been built from the invented corpus."""
    place = tmp_path_factory.mktemp("indexes")
    (place / "main.toml").write_text(f'corpus_dir = "{DATA / "corpus"}"\n')
    (place / "unbuilt.toml").write_text(f'corpus_dir = "{DATA / "corpus"}"\n')
    (place / "calibration.json").write_text(CALIBRATION.model_dump_json())
    built = assistant(place, "index", "build")
    assert built.returncode == 0, built.stderr
    assert "4 documents (4 added), 5 passages (5 embedded" in built.stdout
    return place


def assistant(
    place: Path, *arguments: str, stdin: str = "", **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "assistant", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **places(place), **environment},
        check=False,
    )


def places(place: Path) -> dict[str, str]:
    """Where the indexes are, and a calibration that does not depend on the model."""
    return {
        "DIAMOND_INDEXES_DIR": str(place),
        "DIAMOND_CALIBRATION": str(place / "calibration.json"),
        "DIAMOND_DATA_DIR": str(place / "data"),
    }


def one_line(completed: "subprocess.CompletedProcess[str]") -> str:
    """The one line of an error; fails if there is more, or a traceback."""
    assert completed.stdout == ""
    [line] = completed.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def test_ask_prints_the_answer_and_its_source(place: Path) -> None:
    asked = assistant(place, "ask", QUESTION)
    assert asked.returncode == 0
    assert "42 million crowns" in " ".join(asked.stdout.split())
    sources = "Velmora Town Council, 2031-03-05", "Harbour Gazette, 2031-03-02"
    assert any(source in asked.stdout for source in sources)
    assert re.search(r"^https://(council|gazette)\.example/", asked.stdout, re.M)
    assert re.search(r"^Confidence (high|fair) \(0\.\d\d\)\. Index 0001-", asked.stdout, re.M)
    assert asked.stderr == ""


def test_ask_json_prints_one_object_that_resolves(place: Path) -> None:
    asked = assistant(place, "ask", "--json", QUESTION)
    [line] = asked.stdout.splitlines()
    answer = json.loads(line)
    assert answer["question"] == QUESTION
    assert answer["outcome"] == "answered"
    assert answer["abstained"] is False
    assert answer["generation"].startswith("0001-")
    assert answer["timings_ms"]["total"] > 0
    assert "filters" not in answer
    first = answer["citations"][0]
    assert set(first) >= {
        "marker", "document", "title", "publisher", "published", "url", "quote", "start", "end",
    }  # fmt: skip
    check_citations(answer)


def check_citations(answer: dict[str, Any]) -> None:
    """Every quote stands at its place, and the answer is the quotes, some after their source."""
    rest = answer["answer"]
    for citation in answer["citations"]:
        source = (DATA / "corpus" / f"{citation['document']}.md").read_text()
        text = source.split("\n---\n", 1)[1]
        assert text[citation["start"] : citation["end"]] == citation["quote"]
        lead, quote, rest = rest.partition(f"{citation['quote']} [{citation['marker']}]")
        name = f"{citation['publisher']}, {readable_date(citation['published'])}:"
        assert quote
        assert lead.strip() in ("", name)
    assert rest == ""


@pytest.mark.parametrize(
    ("question", "text", "heading"),
    [
        ("Who painted the Mona Lisa?", "The documents have nothing on this.", "Nearest passages:"),
        (
            "Does Kelland limit amber sent by pigeons?",
            "The documents do not say.",
            "This comes nearest:",
        ),
    ],
)
def test_ask_what_has_no_answer_exits_with_3(
    question: str, text: str, heading: str, place: Path
) -> None:
    asked = assistant(place, "ask", question)
    assert asked.returncode == 3
    assert asked.stdout.startswith(f"{text} Searched: 4 documents")
    assert heading in asked.stdout.splitlines()
    assert "Confidence" not in asked.stdout


def test_ask_within_filters(place: Path) -> None:
    chosen = ["--topic", "works", "--topic", "trade", "--kind", "news", "--since", "2031-03-01"]
    asked = assistant(place, "ask", QUESTION, *chosen, "--as-of", "2031-03-04")
    assert asked.returncode == 0, asked.stderr
    assert "Harbour Gazette, 2031-03-02" in asked.stdout
    assert "Velmora Town Council" not in asked.stdout
    assert asked.stdout.splitlines()[-1] == (
        "Filter: trade or works, news, published since 1 March 2031, as of 4 March 2031"
    )


def test_ask_batch_within_filters_asks_every_line_so(place: Path) -> None:
    batch = "\n".join(json.dumps({"question": QUESTION}) for _ in range(2))
    asked = assistant(place, "ask", "--json", "--batch", "-", "--until", "2031-03-01", stdin=batch)
    assert asked.returncode == 0, asked.stderr
    for answer in map(json.loads, asked.stdout.splitlines()):
        assert answer["filters"] == {"until": "2031-03-01"}
        assert answer["abstained"]
        assert "1 document, dated 2030-11-20 to 2030-11-20 (1 passage)." in answer["answer"]


def test_ask_batch_keeps_ids_and_histories(place: Path) -> None:
    lines = [
        {"id": "a", "question": QUESTION, "type": "numeric"},
        {"id": 2, "question": "Who painted the Mona Lisa?", "history": []},
        {
            "id": "c",
            "question": "and who cast its panes?",
            "history": [
                {"role": "user", "content": "Who built the bridge of glass in Velmora?"},
                {"role": "assistant", "content": "Brask & Daughters. [1]"},
            ],
        },
    ]
    batch = "\n".join(json.dumps(line) for line in lines) + "\n\n"
    asked = assistant(place, "ask", "--json", "--batch", "-", stdin=batch)
    assert asked.returncode == 0, asked.stderr
    answers = [json.loads(line) for line in asked.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == ["a", 2, "c"]
    assert [answer["abstained"] for answer in answers] == [False, True, False]
    assert "Pell works" in answers[2]["answer"]
    for answer in answers:
        check_citations(answer) if not answer["abstained"] else None


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{broken", "line 2: not a JSON object"),
        ('"text"', 'line 2: expected an object with a text "question"'),
        ('{"id": 1}', 'line 2: expected an object with a text "question"'),
        ('{"question": 7}', 'line 2: expected an object with a text "question"'),
        ('{"question": "a", "history": "b"}', 'line 2: "history" is not a list'),
        ('{"question": "a", "history": [{"role": "system"}]}', 'line 2: "history" needs'),
    ],
)
def test_ask_batch_with_a_bad_line_answers_none(line: str, complaint: str, tmp_path: Path) -> None:
    batch = tmp_path / "questions.jsonl"
    batch.write_text('{"question": "fine"}\n' + line + "\n")
    asked = assistant(tmp_path, "ask", "--json", "--batch", str(batch))
    assert asked.returncode == 2
    assert f"{batch}, {complaint}" in one_line(asked)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["ask"], "give either a QUESTION or --batch FILE"),
        (["ask", "a", "--batch", "-"], "give either a QUESTION or --batch FILE"),
        (["ask", "--batch", "-"], "add --json"),
        (["ask", "--json", "--batch", "no-such-file"], "no-such-file"),
        (["ask", "--color", "a"], "--color"),
        (["ask", "a", "--topic", "wroks"], "no document has the topic 'wroks'; there are trade, w"),
        (["ask", "a", "--kind", "owl"], "no document has the kind 'owl'; there are news, official"),
        (["ask", "a", "--since", "2031-03-05", "--until", "2031-03-02"], "later than until 2031"),
        (["ask", "a", "--since", "2031-03-05", "--as-of", "2031-03-02"], "later than as of 2031"),
        (["ask", "a", "--as-of", "2031-02-29"], "'2031-02-29' is not a date such as 2026-01-31"),
        (["frobnicate"], "frobnicate"),
        (["chat", "--port", "99999"], "99999"),
    ],
)
def test_misuse_is_one_line_and_exits_with_2(
    arguments: list[str], complaint: str, place: Path
) -> None:
    misused = in_process(arguments, places(place))
    assert misused.returncode == 2
    assert complaint in one_line(misused)


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"DIAMOND_INDEX": "unbuilt"}, "run `diamond-assistant index build`"),
        ({"DIAMOND_INDEX": "nowhere"}, "the indexes known here are main, unbuilt"),
        ({"DIAMOND_TOP_K": "many"}, "DIAMOND_TOP_K"),
        ({"DIAMOND_EMBEDDING_MODEL": "other"}, "was built with embedding_model="),
    ],
)
def test_unusable_settings_are_one_line_and_exit_with_2(
    environment: dict[str, str], complaint: str, place: Path
) -> None:
    asked = in_process(["ask", QUESTION], {**places(place), **environment})
    assert asked.returncode == 2
    assert complaint in one_line(asked)


def test_ask_sends_a_trace_where_a_collector_is_named_and_no_words(place: Path) -> None:
    received: list[bytes] = []
    spans: dict[str, tuple[str, str]] = {}

    class Collector(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name it needs
            received.append(request.SerializeToString())
            for span in request.resource_spans[0].scope_spans[0].spans:
                spans[span.name] = span.span_id, span.parent_span_id
            return trace_service_pb2.ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2))
    register: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    register(Collector(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    named = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
    asked = assistant(place, "ask", QUESTION, **named)
    server.stop(None)
    assert (asked.returncode, asked.stderr) == (0, "")
    root, none = spans.pop("question")
    assert not none
    assert {name: parent for name, (_, parent) in spans.items()} == dict.fromkeys(
        ["rewrite", "retrieve", "answer"], root
    )
    assert not any(word in b"".join(received) for word in (b"Velmora", b"crowns"))


def test_index_build_again_embeds_nothing(place: Path) -> None:
    assert "Nothing changed" in assistant(place, "index", "build").stdout


def test_index_build_of_a_broken_corpus_names_file_and_field(tmp_path: Path) -> None:
    (tmp_path / "main.toml").write_text(f'corpus_dir = "{tmp_path}/corpus"\n')
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a.md").write_text("---\nid: a\ntitle: A\n---\nText.\n")
    built = assistant(tmp_path, "index", "build")
    assert built.returncode == 2
    *_, error = built.stderr.splitlines()  # after the lines of progress
    assert "a.md: field 'publisher' is missing; expected the name of" in error


def test_index_status_shows_what_a_build_would_change(place: Path, tmp_path: Path) -> None:
    status = assistant(place, "index", "status")
    assert status.returncode == 0
    assert "change nothing" in status.stdout
    other = assistant(place, "index", "status", DIAMOND_PASSAGE_TOKENS="200")
    assert "cut all 4 others anew" in other.stdout
    assert "setting passage_tokens: built with 256, now 200" in other.stdout


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from assistant.cli import run; run(['ask', '--help'])\n"
        "heavy = {'torch', 'gradio', 'chromadb', 'llama_index', 'sentence_transformers', 'numpy'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--batch" in done.stdout


def test_run_without_a_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--help"])
    assert "ask" in capsys.readouterr().out


def test_output_into_a_closed_pipe_is_no_traceback(place: Path) -> None:
    command = f"{sys.executable} -m assistant ask --help | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr


def test_build_and_ask_connect_to_nobody(place: Path, tmp_path: Path) -> None:
    (tmp_path / "main.toml").write_text(f'corpus_dir = "{DATA / "corpus"}"\n')
    program = (
        "import socket, sys\n"
        "def refuse(self, address, *more): sys.exit(f'reached for {address}')\n"
        "socket.socket.connect = socket.socket.connect_ex = refuse\n"
        "socket.getaddrinfo = lambda *a, **k: sys.exit(f'looked up {a}')\n"
        "from assistant.cli import run\n"
        f"sys.exit(run(['index', 'build']) or run(['ask', {QUESTION!r}]))"
    )
    (tmp_path / "calibration.json").write_text(CALIBRATION.model_dump_json())
    environment = {**os.environ, **places(tmp_path)}
    environment.pop("HF_HUB_OFFLINE")  # a user's machine does not set it
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "42 million crowns" in " ".join(done.stdout.split())


@contextmanager
def chatting(
    place: Path, *arguments: str, **environment: str
) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    """A chat that is being served, and its address."""
    command = [sys.executable, "-m", "assistant", "chat", "--port", "0", *arguments]
    environment = {**os.environ, **places(place), **environment}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as chat:
        assert chat.stderr is not None
        try:
            for line in chat.stderr:
                if "The chat is at " in line:
                    yield chat, line.split("The chat is at ")[1].split()[0]
                    return
            pytest.fail("the chat ended before it was served")
        finally:
            chat.kill()


def test_chat_serves_and_says_where(place: Path) -> None:
    with chatting(place) as (_, address):
        with urllib.request.urlopen(address) as page:
            assert b"Diamond assistant" in page.read()
        with urllib.request.urlopen(f"{address}health") as health:
            assert json.load(health)["documents"] == 4
        taken = assistant(place, "chat", "--port", address.rsplit(":", 1)[1].strip("/"))
        assert taken.returncode == 2
        assert "give another with --port" in one_line(taken)


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)])
def test_chat_stops_at_once_and_says_nothing(how: signal.Signals, status: int, place: Path) -> None:
    with (
        chatting(place) as (chat, address),
        urllib.request.urlopen(f"{address}gradio_api/heartbeat/open-page") as heartbeat,
    ):
        heartbeat.read(1)  # a page that is open listens all the time
        stopped = time.monotonic()
        chat.send_signal(how)
        _, said = chat.communicate(timeout=30)
        assert time.monotonic() - stopped < 10
        assert chat.returncode == status
        assert said == ""


def test_chat_answers_although_a_new_document_is_broken(place: Path, tmp_path: Path) -> None:
    corpus = Path(shutil.copytree(DATA / "corpus", tmp_path / "corpus"))
    (corpus / "broken.pdf").write_text("no PDF")
    environment = {**os.environ, **places(place), "DIAMOND_CORPUS_DIR": str(corpus)}
    command = [sys.executable, "-m", "assistant", "chat", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as chat:
        assert chat.stderr is not None
        assert "broken.pdf: not a whole .pdf file" in chat.stderr.readline()
        assert "The chat is at" in chat.stderr.readline()
        chat.send_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--host", "0.0.0.0"], "nobody has to sign in: run `diamond-assistant user add"),
        (["--users", "no-such-file"], "no-such-file: run `diamond-assistant user add NAME"),
    ],
)
def test_chat_that_cannot_be_served_is_one_line(
    arguments: list[str], complaint: str, place: Path
) -> None:
    refused = assistant(place, "chat", "--port", "0", *arguments)
    assert refused.returncode == 2
    assert complaint in one_line(refused)


def test_chat_with_users_asks_to_sign_in(place: Path, tmp_path: Path) -> None:
    users = str(tmp_path / "users")
    added = assistant(
        place, "user", "add", "anna", "--users", users, "--password-stdin", stdin="correct horse\n"
    )
    assert added.returncode == 0, added.stderr
    with chatting(place, DIAMOND_USERS=users) as (_, address):
        visit = urllib.request.Request(address, headers={"Accept": "text/html"})
        with urllib.request.urlopen(visit) as page:
            assert page.url.endswith("/login")
        ask = urllib.request.Request(
            f"{address}api/ask",
            data=json.dumps({"question": QUESTION}).encode(),
            headers={
                "Content-Type": "application/json",
                "Authorization": "Basic " + base64.b64encode(b"anna:correct horse").decode(),
            },
        )
        with urllib.request.urlopen(ask) as answered:
            assert "42 million crowns" in json.load(answered)["answer"]


def test_users_come_and_go(place: Path, tmp_path: Path) -> None:
    users = tmp_path / "kept" / "users"

    def user(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return assistant(place, "user", *arguments, stdin=stdin, DIAMOND_USERS=str(users))

    missing = user("list")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert f"user add NAME --users {users}" in one_line(missing)
    for name in ("anna", "berta"):
        added = user("add", name, "--password-stdin", stdin="correct horse\n")
        assert added.returncode == 0, added.stderr
        assert f"{name} may sign in" in added.stdout
    assert user("list").stdout == "anna\nberta\n"
    assert "may no longer sign in" in user("remove", "anna").stdout
    assert user("list").stdout == "berta\n"
    gone = user("remove", "anna")
    assert gone.returncode == 2
    assert "has no user 'anna': berta" in one_line(gone)
    short = user("add", "carla", "--password-stdin", stdin="horse\n")
    assert short.returncode == 2
    assert "a password has 8 to 1,000 characters" in one_line(short)


def test_user_without_a_file_says_how_to_name_one(place: Path) -> None:
    lost = assistant(place, "user", "list")
    assert lost.returncode == 2
    assert "--users FILE, or set DIAMOND_USERS" in one_line(lost)


def test_user_add_asks_twice_for_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter(["correct horse", "another horse", "correct horse", "correct horse"])
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: pytest.fail("it is shown"))
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _: next(typed))
    assert run(["user", "add", "anna", "--users", str(tmp_path / "users")]) == 0
    assert next(typed, None) is None
    assert (tmp_path / "users").read_text().startswith("anna:$argon2id$")


def test_mcp_answers_on_standard_input_and_output(place: Path) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "assistant", "mcp"],
        env={**os.environ, **places(place)},
    )

    async def ask() -> None:
        async with Client(stdio_client(server)) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == [
                "ask", "search", "get_document",
            ]  # fmt: skip
            answered = await client.call_tool("ask", {"question": QUESTION})
            assert "42 million crowns" in answered.structured_content["answer"]
            check_citations(answered.structured_content)
            found = await client.call_tool("search", {"query": QUESTION, "top_k": 1})
            [passage] = found.structured_content["passages"]
            whole = await client.call_tool("get_document", {"id": passage["document"]})
            assert passage["text"] in whole.structured_content["text"]
            wrong = await client.call_tool("search", {})
            assert wrong.is_error

    anyio.run(ask)


def test_mcp_keeps_standard_output_to_itself(place: Path) -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    done = assistant(place, "mcp", stdin=json.dumps(hello) + "\nno JSON\n")
    assert done.returncode == 0
    for line in done.stdout.splitlines():
        assert json.loads(line)["jsonrpc"] == "2.0"
    assert json.loads(done.stdout.splitlines()[0])["result"]["serverInfo"]["name"]
    assert "Traceback" not in done.stderr


def test_mcp_without_an_index_is_one_line(place: Path) -> None:
    lost = assistant(place, "mcp", DIAMOND_INDEX="unbuilt")
    assert lost.returncode == 2
    assert "run `diamond-assistant index build`" in one_line(lost)


def test_ask_has_a_language_model_write_the_answer(place: Path) -> None:
    """In its own process, over HTTP, and its key is in nothing that it prints."""
    key = "sk-test-0123456789-secret"

    def reply(body: dict[str, Any]) -> Script:
        id_ = id_of(body, "It cost 42 million crowns")
        return says(f"It cost 42 million crowns. [{id_}] It cost 7 million more. [{id_}]")

    with scripted(reply) as server:
        model = {"DIAMOND_LLM_BASE_URL": server.address, "DIAMOND_LLM_KEY": key}
        asked = assistant(place, "ask", QUESTION, "--llm", "openai:scripted", **model)
    assert asked.returncode == 0, asked.stderr
    said = " ".join(asked.stdout.split())
    assert said.startswith(
        "It cost 42 million crowns. [1] It cost 7 million more. (not found in the sources)"
    )
    assert "Written by openai:scripted, checked." in said
    assert server.headers[0]["Authorization"] == f"Bearer {key}"
    assert key not in asked.stdout + asked.stderr


def test_ask_of_a_model_that_is_not_there_answers_and_says_so(place: Path) -> None:
    model = {"DIAMOND_LLM_BASE_URL": "http://127.0.0.1:9/v1"}
    asked = assistant(place, "ask", QUESTION, "--llm", "openai:scripted", **model)
    assert asked.returncode == 0
    assert "42 million crowns" in " ".join(asked.stdout.split())
    [line] = asked.stderr.splitlines()
    assert line == (
        "The answer of openai:scripted is not shown: the model's server cannot be reached."
    )


@pytest.mark.parametrize(
    ("llm", "words"),
    [
        ("qwen3", "ollama:NAME"),
        ("openai:gpt", "OPENAI_API_KEY"),
        ("replay:none.jsonl", "none.jsonl"),
    ],
)
def test_ask_with_an_unusable_model_is_one_line(llm: str, words: str, place: Path) -> None:
    asked = assistant(place, "ask", QUESTION, "--llm", llm, OPENAI_API_KEY="")
    assert asked.returncode == 2
    assert words in one_line(asked)


def test_eval_run_over_a_cassette_gives_the_same_figures_twice(place: Path, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    line = {
        "id": "q-1", "type": "factoid", "question": QUESTION, "answer": "42 million crowns",
        "must_include": ["42 million crowns"], "sources": [], "evidence": [],
    }  # fmt: skip
    questions.write_text(json.dumps(line) + "\n")
    tape = tmp_path / "tape.jsonl"

    def evaluate(name: str, llm: str, **more: str) -> dict[str, Any]:
        options = ["--questions", str(questions), "--runs", str(tmp_path), "--name", name]
        done = assistant(place, "eval", "run", *options, "--llm", llm, **more)
        assert done.returncode == 0, done.stderr
        means: dict[str, Any] = json.loads((tmp_path / name / "summary.json").read_text())["means"]
        everything: dict[str, Any] = means["all"]
        return everything

    def reply(body: dict[str, Any]) -> Script:
        id_ = id_of(body, "It cost 42 million crowns")
        return says(f"It cost 42 million crowns. [{id_}] It cost 7 million more. [{id_}]")

    with scripted(reply) as server:
        recorded = {"DIAMOND_LLM_BASE_URL": server.address, "DIAMOND_LLM_RECORD": str(tape)}
        first = evaluate("live", "openai:scripted", **recorded)
    again, once_more = (evaluate(name, f"replay:{tape}") for name in ("one", "two"))
    assert first == again == once_more
    assert again["struck"]["value"] == 0.5
    assert again["tokens"]["value"] == 940
    assert str(tmp_path) not in (tmp_path / "one" / "settings.json").read_text()
