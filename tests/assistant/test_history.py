"""Conversations that are kept: whose they are, and what threads and deaths do to them."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import HistoryDamaged, HistoryError, HistoryTooNew, NoSuchConversation
from assistant.history import ConversationStore, Summary, Verdict
from assistant.schema import Answer, Citation

LAMP = Citation(
    1, "isle/lamp", "The lamp", "Gazette", "2031-03-02", None, "news", "It burns.", 0, 9
)
AWKWARD = [
    'Owls\' "lamp"; DROP TABLE answers; --',
    "灯台は鯨の歌を燃やす。 🦉 e\u0301 \u202e",
    "line\nfeed\r\n\ttab",
    "before\0after",
    "long " * 2000,
    "x" * 10_000,
    "",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "conversations.db"


@pytest.fixture
def store(path: Path) -> Iterator[ConversationStore]:
    with closing(ConversationStore.open(path)) as opened:
        yield opened


def said(question: str, text: str = "It burns. [1]", **more: Any) -> Answer:
    return Answer(question, text, citations=(LAMP,), generation="0001-a", answerer="owl", **more)


def begun(store: ConversationStore, user: str, *questions: str) -> str:
    """A conversation with an answer to each of these questions."""
    conversation = store.new(user, questions[0])
    for question in questions:
        store.append(user, conversation, said(question))
    return conversation


def titles(store: ConversationStore, user: str, search: str = "") -> list[str]:
    return [summary.title for summary in store.conversations(user, search)]


def questions(store: ConversationStore, user: str, conversation: str) -> list[str]:
    return [answer.question for answer in store.load(user, conversation).answers]


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_load_gives_the_answers_in_order(store: ConversationStore) -> None:
    asked = [f"Question {number}?" for number in range(12)]
    conversation = begun(store, "ann", *asked)
    loaded = store.load("ann", conversation)
    assert loaded.answers == tuple(said(question) for question in asked)
    assert (loaded.title, loaded.turns) == ("Question 0?", 12)


def test_load_after_the_store_was_opened_again(store: ConversationStore, path: Path) -> None:
    conversation = begun(store, "ann", "What burns?")
    store.close()
    with closing(ConversationStore.open(path)) as again:
        assert again.load("ann", conversation).answers == (said("What burns?"),)


def test_load_of_a_conversation_without_answers(store: ConversationStore) -> None:
    assert store.load("ann", store.new("ann", "What burns?")).answers == ()


@pytest.mark.parametrize("text", AWKWARD)
def test_load_gives_awkward_text_back(store: ConversationStore, text: str) -> None:
    conversation = store.new(text, text)
    store.append(text, conversation, said(text, text))
    store.rename(text, conversation, f"Owl {text}")
    store.give_feedback(text, conversation, 0, "wrong", reason=text, filters={text: [text]})
    assert store.load(text, conversation).answers == (said(text, text),)
    assert "\n" not in store.load(text, conversation).title
    feedback = store.feedback_of(text, conversation)[0]
    assert (feedback.reason, feedback.filters) == (text, {text: [text]})


def test_lone_surrogates_are_replaced(store: ConversationStore) -> None:
    text = "owl \ud800"
    conversation = store.new(text, text)
    store.append(text, conversation, said(text))
    store.give_feedback(text, conversation, 0, "wrong", reason=text, filters={text: text})
    assert questions(store, text, conversation) == ["owl ?"]
    assert titles(store, text, text) == ["owl ?"]
    with pytest.raises(NoSuchConversation):
        store.load("", text)


def test_new_ids_cannot_be_guessed(store: ConversationStore) -> None:
    ids = {store.new("", "What burns?") for _ in range(20)}
    assert len(ids) == 20
    assert all(re.fullmatch(r"[\w-]{43}", one) for one in ids)


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What\n burns? ", "What burns?"),
        ("owl " * 30, " ".join(["owl"] * 20) + " …"),
        ("x" * 10_000, "x" * 80 + " …"),
        (" \n ", "Untitled"),
    ],
)
def test_new_is_called_after_its_question(
    store: ConversationStore, question: str, title: str
) -> None:
    store.new("ann", question)
    assert titles(store, "ann") == [title]


def test_conversations_newest_first(store: ConversationStore) -> None:
    first, second = begun(store, "ann", "First?"), begun(store, "ann", "Second?")
    assert titles(store, "ann") == ["Second?", "First?"]
    store.append("ann", first, said("And then?"))
    assert titles(store, "ann") == ["First?", "Second?"]
    store.replace_last("ann", second, said("Second?", "It does not."))
    assert titles(store, "ann") == ["Second?", "First?"]
    store.rename("ann", first, "Owls")
    assert titles(store, "ann") == ["Second?", "Owls"]


def test_conversations_tell_turns_and_times(store: ConversationStore) -> None:
    conversation = store.new("ann", "What burns?")
    assert [summary.turns for summary in store.conversations("ann")] == [0]
    for question in ("What burns?", "Why?"):
        store.append("ann", conversation, said(question))
    [summary] = store.conversations("ann")
    assert (summary.id, summary.turns) == (conversation, 2)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+\+00:00", summary.created_at)
    assert summary.created_at < summary.changed_at


def test_conversations_of_nobody(store: ConversationStore) -> None:
    assert store.conversations("ann") == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", True),
        ("  ", True),
        ("whale", True),
        ("WHALE  lamps", True),
        ("nächte", True),
        ("whale eel", False),
        ("50%", True),
        ("5%0", False),
        ("%", True),
        ("a_b", True),
        ("a_c", False),
        ("'", False),
        ("\\", False),
        ("owl " * 5000, False),
        ("lamps " * 5000, True),
    ],
)
def test_conversations_with_every_word_of_a_search(
    store: ConversationStore, search: str, found: bool
) -> None:
    """In the title, the question and the answer."""
    conversation = store.new("ann", "Title")
    store.rename("ann", conversation, "Lamps of the NÄCHTE")
    store.append("ann", conversation, said("What burns at a_b?", "Whale song, 50% of it."))
    assert titles(store, "ann", search) == (["Lamps of the NÄCHTE"] if found else [])
    assert store.conversations("bob", search) == []


def test_conversations_search_before_the_first_answer(store: ConversationStore) -> None:
    store.new("ann", "What burns?")
    assert titles(store, "ann", "burns") == ["What burns?"]


def test_replace_last_keeps_the_others(store: ConversationStore) -> None:
    conversation = begun(store, "ann", "What burns?", "What burns?")
    assert store.replace_last("ann", conversation, said("How?")) == 1
    assert questions(store, "ann", conversation) == ["What burns?", "How?"]
    assert titles(store, "ann") == ["What burns?"]


def test_replace_last_of_the_first_question_is_the_new_title(store: ConversationStore) -> None:
    conversation = begun(store, "ann", "What burns?")
    store.replace_last("ann", conversation, said("What sings?"))
    assert titles(store, "ann") == ["What sings?"]


def test_replace_last_leaves_a_title_that_was_given(store: ConversationStore) -> None:
    conversation = begun(store, "ann", "What burns?")
    store.rename("ann", conversation, "Owls")
    store.replace_last("ann", conversation, said("What sings?"))
    assert titles(store, "ann") == ["Owls"]


def test_replace_last_of_none(store: ConversationStore) -> None:
    conversation = store.new("ann", "What burns?")
    with pytest.raises(NoSuchConversation, match="has no turn 0: it has 0"):
        store.replace_last("ann", conversation, said("What burns?"))
    assert store.load("ann", conversation).answers == ()


def test_rename(store: ConversationStore) -> None:
    conversation = begun(store, "ann", "What burns?")
    store.rename("ann", conversation, " Owls\nand  eels ")
    assert titles(store, "ann") == ["Owls and eels"]


def test_delete_leaves_nothing_of_it_and_all_of_the_others(
    store: ConversationStore, path: Path
) -> None:
    kept, gone = begun(store, "ann", "Kept?"), begun(store, "ann", "Gone?", "Why?")
    for conversation in (kept, gone):
        store.give_feedback("ann", conversation, 0, "wrong")
    store.delete("ann", gone)
    assert questions(store, "ann", kept) == ["Kept?"]
    assert [rows(path, table) for table in ("conversations", "answers", "feedback")] == [1, 1, 1]
    with pytest.raises(NoSuchConversation):
        store.load("ann", gone)


CALLS: dict[str, Callable[[ConversationStore, str, str], Any]] = {
    "load": lambda store, user, its: store.load(user, its),
    "append": lambda store, user, its: store.append(user, its, said("Mine?")),
    "replace_last": lambda store, user, its: store.replace_last(user, its, said("Mine?")),
    "rename": lambda store, user, its: store.rename(user, its, "Mine"),
    "delete": lambda store, user, its: store.delete(user, its),
    "give_feedback": lambda store, user, its: store.give_feedback(user, its, 0, "wrong"),
    "feedback_of": lambda store, user, its: store.feedback_of(user, its),
}


@pytest.mark.parametrize("user", ["bob", "", "Ann", "ann ", "%"])
@pytest.mark.parametrize("call", CALLS)
def test_calls_do_not_tell_another_users_id_from_an_unknown_one(
    store: ConversationStore, call: str, user: str
) -> None:
    conversation = begun(store, "ann", "What burns?")
    store.give_feedback("ann", conversation, 0, "right")
    before = store.load("ann", conversation), store.all_feedback()
    messages = set()
    for its in (conversation, "unknown", ""):
        with pytest.raises(NoSuchConversation) as caught:
            CALLS[call](store, user, its)
        messages.add(str(caught.value).replace(its or "''", "…").replace("'", ""))
    assert messages == {"no conversation …: it was deleted, or is another users"}
    assert (store.load("ann", conversation), store.all_feedback()) == before
    assert store.conversations(user) == []


def test_feedback_holds_what_asks_the_question_again(store: ConversationStore) -> None:
    conversation = begun(store, "ann", "What burns?")
    store.append("ann", conversation, said("Who?", "They do not say.", outcome="not_stated"))
    store.append("ann", conversation, said("And why?", "It is dark. [1]"))
    store.give_feedback(
        "ann", conversation, 2, "incomplete",
        reason="Half of it", expected="It is dark and late.", source="isle/owl",
        filters={"kinds": ["news"], "from": "2031-01-01"},
    )  # fmt: skip
    [feedback] = store.all_feedback()
    assert store.feedback_of("ann", conversation) == {2: feedback}
    assert (feedback.conversation, feedback.turn) == (conversation, 2)
    assert (feedback.question, feedback.answer) == ("And why?", "It is dark. [1]")
    assert feedback.history == [
        {"role": "user", "content": "What burns?"},
        {"role": "assistant", "content": "It burns. [1]"},
        {"role": "user", "content": "Who?"},
    ]
    assert feedback.filters == {"kinds": ["news"], "from": "2031-01-01"}
    assert (feedback.generation, feedback.answerer) == ("0001-a", "owl")
    assert (feedback.verdict, feedback.reason) == ("incomplete", "Half of it")
    assert (feedback.expected, feedback.source) == ("It is dark and late.", "isle/owl")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+\+00:00", feedback.created_at)


@pytest.mark.parametrize(
    "verdict", ["right", "wrong", "not_in_source", "out_of_date", "incomplete"]
)
def test_feedback_of_every_verdict(store: ConversationStore, verdict: Verdict) -> None:
    conversation = begun(store, "ann", "What burns?")
    store.give_feedback("ann", conversation, 0, verdict)
    assert store.feedback_of("ann", conversation)[0].verdict == verdict


def test_feedback_given_again_replaces_the_first(store: ConversationStore) -> None:
    conversation = begun(store, "ann", "What burns?")
    store.give_feedback("ann", conversation, 0, "wrong", reason="No")
    store.give_feedback("ann", conversation, 0, "right")
    [feedback] = store.all_feedback()
    assert (feedback.verdict, feedback.reason) == ("right", "")


@pytest.mark.parametrize("new", [said("What burns?", "Whale song. [1]"), said("What sings?")])
def test_feedback_on_a_replaced_answer_is_kept_and_no_longer_shown(
    store: ConversationStore, new: Answer
) -> None:
    conversation = begun(store, "ann", "What burns?")
    store.give_feedback("ann", conversation, 0, "wrong")
    store.replace_last("ann", conversation, new)
    assert store.feedback_of("ann", conversation) == {}
    assert [feedback.answer for feedback in store.all_feedback()] == ["It burns. [1]"]


def test_feedback_on_an_answer_that_came_again_is_shown(store: ConversationStore) -> None:
    conversation = begun(store, "ann", "What burns?")
    store.give_feedback("ann", conversation, 0, "wrong")
    store.replace_last("ann", conversation, said("What burns?"))
    assert list(store.feedback_of("ann", conversation)) == [0]


@pytest.mark.parametrize("turn", [-1, 1, 10**6])
def test_feedback_on_no_turn(store: ConversationStore, turn: int) -> None:
    conversation = begun(store, "ann", "What burns?")
    with pytest.raises(NoSuchConversation, match=f"has no turn {turn}: it has 1"):
        store.give_feedback("ann", conversation, turn, "wrong")


def test_feedback_of_another_verdict(store: ConversationStore) -> None:
    conversation = begun(store, "ann", "What burns?")
    verdict: Any = "awful"
    with pytest.raises(HistoryError, match=r"verdict 'awful': expected right, wrong"):
        store.give_feedback("ann", conversation, 0, verdict)


def test_all_feedback_oldest_first(store: ConversationStore) -> None:
    asked = ["First?", "Second?", "Third?"]
    conversation = begun(store, "ann", *asked)
    other = begun(store, "bob", "Fourth?")
    for turn in (2, 0, 1):
        store.give_feedback("ann", conversation, turn, "wrong")
    store.give_feedback("bob", other, 0, "wrong")
    given = [feedback.question for feedback in store.all_feedback()]
    assert given == ["Third?", "First?", "Second?", "Fourth?"]


def test_threads_that_write_at_once_lose_nothing(store: ConversationStore) -> None:
    """And who reads meanwhile sees answers one after the other, never a gap."""
    shared = begun(store, "ann", "Thread 0, 0?")

    def write(thread: int) -> list[int]:
        own = begun(store, f"user {thread}", "Mine?")
        turns = []
        for number in range(20):
            turns.append(store.append("ann", shared, said(f"Thread {thread}, {number}?")))
            loaded = store.load("ann", shared)
            assert loaded.turns == len(loaded.answers) > turns[-1]
            store.give_feedback("ann", shared, turns[-1], "wrong")
            store.rename(f"user {thread}", own, f"Mine {number}")
        return turns

    with ThreadPoolExecutor(8) as pool:
        turns = [turn for its in pool.map(write, range(8)) for turn in its]
    assert sorted(turns) == list(range(1, 161))
    assert len(set(questions(store, "ann", shared))) == 160  # the first was asked twice
    assert len(store.feedback_of("ann", shared)) == 160
    assert [titles(store, f"user {thread}") for thread in range(8)] == [["Mine 19"]] * 8


def test_threads_that_open_the_same_new_file(path: Path) -> None:
    def use(thread: int) -> None:
        with closing(ConversationStore.open(path)) as store:
            begun(store, "ann", f"Thread {thread}?")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
    with closing(ConversationStore.open(path)) as store:
        assert len(store.conversations("ann")) == 8


WRITER = """
import sys
from pathlib import Path
from assistant.history import ConversationStore
from assistant.schema import Answer

path, conversation, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store = ConversationStore.open(path)
conversation = conversation or store.new("ann", "What burns?")
for number in range(count):
    store.append("ann", conversation, Answer(f"Writer {number}?", "It burns."))
    print(number, flush=True)
"""


def writer(path: Path, conversation: str, count: int) -> "subprocess.Popen[str]":
    """Another process that adds answers and says so after each."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), conversation, str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(*writers: "subprocess.Popen[str]") -> None:
    for one in writers:
        one.communicate(timeout=60)
        assert one.returncode == 0


def test_processes_that_write_at_once_lose_nothing(store: ConversationStore, path: Path) -> None:
    conversation = begun(store, "ann", "What burns?")
    with writer(path, conversation, 50) as one, writer(path, conversation, 50) as other:
        assert one.stdout is not None
        one.stdout.readline()  # it has begun
        for number in range(50):
            store.append("ann", conversation, said(f"Here {number}?"))
        finish(one, other)
    asked = questions(store, "ann", conversation)
    assert len(asked) == 151
    assert [asked.count(f"Writer {number}?") for number in range(50)] == [2] * 50
    assert [q for q in asked if q.startswith("Here")] == [f"Here {n}?" for n in range(50)]


def test_processes_that_open_the_same_new_file(path: Path) -> None:
    with writer(path, "", 5) as one, writer(path, "", 5) as other:
        finish(one, other)
    with closing(ConversationStore.open(path)) as store:
        assert [summary.turns for summary in store.conversations("ann")] == [5, 5]


def test_writer_that_is_killed_leaves_what_it_wrote(path: Path) -> None:
    with writer(path, "", 10**6) as killed:
        assert killed.stdout is not None
        for _ in range(20):
            killed.stdout.readline()
        killed.kill()
        written = 20 + len(killed.stdout.read().splitlines())
    with closing(ConversationStore.open(path)) as store:
        [summary] = store.conversations("ann")
        assert summary.turns in (written, written + 1)  # killed before it could say so
        asked = questions(store, "ann", summary.id)
        assert asked == [f"Writer {number}?" for number in range(summary.turns)]
        assert store.append("ann", summary.id, said("And now?")) == summary.turns


def test_writer_that_is_killed_halfway_leaves_no_half(store: ConversationStore, path: Path) -> None:
    conversation = begun(store, "ann", "What burns?")
    program = (
        "import sqlite3, sys\n"
        f"connection = sqlite3.connect({str(path)!r}, isolation_level=None)\n"
        "connection.execute('BEGIN IMMEDIATE')\n"
        "connection.execute(\"UPDATE conversations SET title = 'Half'\")\n"
        "connection.execute('DELETE FROM answers')\n"
        "print('halfway', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as half:
        assert half.stdout is not None
        assert half.stdout.readline() == "halfway\n"
        assert titles(store, "ann") == ["What burns?"]  # readers do not wait for it
        with (
            closing(ConversationStore.open(path, patience=0.1)) as hasty,
            pytest.raises(HistoryError, match=rf"{re.escape(str(path))} cannot be used: .*locked"),
        ):
            hasty.rename("ann", conversation, "Owls")
        half.kill()
    store.append("ann", conversation, said("And now?"))
    assert questions(store, "ann", conversation) == ["What burns?", "And now?"]
    assert titles(store, "ann") == ["What burns?"]


def test_reader_keeps_no_writer_waiting(store: ConversationStore, path: Path) -> None:
    conversation = begun(store, "ann", "What burns?")
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as reader,
        closing(ConversationStore.open(path, patience=0.1)) as hasty,
    ):
        reader.execute("BEGIN")
        before = reader.execute("SELECT title FROM conversations").fetchall()
        hasty.rename("ann", conversation, "Owls")
        assert reader.execute("SELECT title FROM conversations").fetchall() == before
    assert titles(store, "ann") == ["Owls"]


def test_error_in_a_call_leaves_the_store_usable(store: ConversationStore) -> None:
    conversation = begun(store, "ann", "What burns?")
    unwritable: Any = object()
    with pytest.raises(TypeError):
        store.append("ann", conversation, said("Why?", timings_ms={"total": unwritable}))
    assert store.append("ann", conversation, said("Why?")) == 1


def test_open_of_a_file_that_a_newer_version_wrote(store: ConversationStore, path: Path) -> None:
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")
    before = path.read_bytes()
    with pytest.raises(HistoryTooNew, match=r"newer version .*form 7, .*knows 1.*DIAMOND_DATA_DIR"):
        ConversationStore.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"no database\n" * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_open_of_a_file_that_is_no_database(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(HistoryDamaged, match=rf"{re.escape(str(path))} is damaged .*move it away"):
        ConversationStore.open(path)
    assert path.read_bytes() == content


def test_calls_on_a_damaged_file(store: ConversationStore, path: Path) -> None:
    conversation = begun(store, "ann", *(f"Question {n}? {'owl ' * 500}" for n in range(40)))
    store.close()
    content = bytearray(path.read_bytes())
    content[4096 * 4 :] = b"\xa5" * (len(content) - 4096 * 4)
    path.write_bytes(content)
    with (
        pytest.raises(HistoryDamaged, match="move it away"),
        closing(ConversationStore.open(path)) as damaged,
    ):
        damaged.load("ann", conversation)


@pytest.mark.parametrize("whole", ["", "{", "[]", "{}", '{"question": "Why?", "citations": [1]}'])
def test_load_of_what_is_no_answer(store: ConversationStore, path: Path, whole: str) -> None:
    conversation = begun(store, "ann", "What burns?")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE answers SET whole = ?", (whole,))
    with pytest.raises(HistoryDamaged, match="not an answer"):
        store.load("ann", conversation)


def test_all_feedback_that_is_damaged(store: ConversationStore, path: Path) -> None:
    store.give_feedback("ann", begun(store, "ann", "What burns?"), 0, "wrong")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE feedback SET history = '['")
    with pytest.raises(HistoryDamaged):
        store.all_feedback()


def test_open_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryError, match="cannot be opened"):
        ConversationStore.open(tmp_path / "file" / "conversations.db")
    with pytest.raises(HistoryError, match="cannot be used: unable to open"):
        ConversationStore.open(tmp_path)


def test_open_of_an_empty_file(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    with closing(ConversationStore.open(path)) as store:
        assert isinstance(store.conversations(""), list)


def test_folder_that_open_makes_is_its_owners(store: ConversationStore, path: Path) -> None:
    assert path.parent.stat().st_mode & 0o077 == 0


def test_saved_conversation_is_a_summary(store: ConversationStore) -> None:
    conversation = begun(store, "ann", "What burns?")
    [summary] = store.conversations("ann")
    loaded = store.load("ann", conversation)
    assert isinstance(loaded, Summary)
    assert loaded.id == summary.id
    assert loaded.changed_at == summary.changed_at
