"""What users come back to: their conversations, and what they said of the answers.

One SQLite file, for any number of threads and processes at once. A
conversation belongs to a user name, "" where nobody signs in. Every call names
the user, and finds only what is theirs.
"""

from __future__ import annotations

import datetime
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from assistant.errors import HistoryDamaged, HistoryError, HistoryTooNew, NoSuchConversation
from assistant.schema import Answer, messages_of, shorten

Verdict = Literal["right", "wrong", "not_in_source", "out_of_date", "incomplete"]

_VERSION = 1
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS conversations (
    id TEXT NOT NULL PRIMARY KEY,
    user TEXT NOT NULL,
    title TEXT NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS conversations_of_user ON conversations (user, changed_at);
CREATE TABLE IF NOT EXISTS answers (
    conversation TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
    turn INTEGER NOT NULL,
    question TEXT NOT NULL,  -- these two are in the whole answer as well; here they are searched
    text TEXT NOT NULL,
    whole TEXT NOT NULL,     -- JSON, see Answer.to_json
    PRIMARY KEY (conversation, turn)
);
CREATE TABLE IF NOT EXISTS feedback (
    conversation TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
    turn INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    history TEXT NOT NULL,   -- JSON
    filters TEXT NOT NULL,   -- JSON
    generation TEXT NOT NULL,
    answerer TEXT NOT NULL,
    reason TEXT NOT NULL,
    expected TEXT NOT NULL,
    source TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (conversation, turn)
);
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_SUMMARY = """
SELECT id, title, (SELECT count(*) FROM answers WHERE conversation = id) AS turns,
       created_at, changed_at
FROM conversations
"""

_TITLE = 80  # characters of a question that make a title
PATIENCE = 30.0  # seconds


@dataclass(frozen=True)
class Summary:
    """A conversation as a list of them shows it. Times are ISO 8601, UTC."""

    id: str
    title: str
    turns: int
    created_at: str
    changed_at: str


@dataclass(frozen=True)
class SavedConversation(Summary):
    """A conversation with its answers, in the order in which they were given."""

    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Feedback:
    """What a user said of one answer, with all that it takes to ask the question again.

    `history` holds the turns before the question as chat messages. `expected`
    and `source` are what the user says the answer and its document should be.
    """

    conversation: str
    turn: int
    verdict: Verdict
    question: str
    answer: str
    history: list[dict[str, str]]
    generation: str
    answerer: str
    created_at: str
    filters: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    expected: str = ""
    source: str = ""


class ConversationStore:
    """The saved conversations of all users.

    Turns count from 0. Every method raises `HistoryError` where the file cannot
    be read or written, and `NoSuchConversation` for an id that is not one of
    the user's.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.Lock()  # one connection, one transaction at a time

    @classmethod
    def open(cls, path: Path, patience: float = PATIENCE) -> ConversationStore:
        """Open the file; the first time, make it and the folder that it is in.

        While another process writes, a call waits for `patience` seconds.

        Raises:
            HistoryTooNew: a newer version of this program wrote it.
            HistoryDamaged: it is not such a file, or no longer.
            HistoryError: it cannot be read or written.
        """
        with _explained(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # not for others to read
            connection = sqlite3.connect(
                path, timeout=patience, isolation_level=None, check_same_thread=False
            )
            try:
                _prepare(connection, path, patience)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def new(self, user: str, question: str) -> str:
        """The id of a new conversation, with the beginning of its first question as its title."""
        conversation = secrets.token_urlsafe()
        now = _now()
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO conversations VALUES (?, ?, ?, ?, ?)",
                (conversation, _plain(user), _title(question), now, now),
            )
        return conversation

    def conversations(self, user: str, search: str = "") -> list[Summary]:
        """The user's conversations, the one that was last added to first.

        Of a `search`, every word must stand in the title, in a question or in
        an answer; capitals and small letters are the same.
        """
        found = """
            WHERE user = :user AND (:search = '' OR says(title || ' ' || coalesce((
                SELECT group_concat(question || ' ' || text, ' ')
                FROM answers WHERE conversation = id
            ), ''), :search))
            ORDER BY changed_at DESC, rowid DESC
        """
        sought = {"user": _plain(user), "search": _plain(search).strip()}
        with self._reading() as connection:
            return [Summary(**row) for row in connection.execute(_SUMMARY + found, sought)]

    def load(self, user: str, conversation: str) -> SavedConversation:
        """A conversation with all its answers."""
        with self._reading():
            summary = self._summary(user, conversation)
            return SavedConversation(**asdict(summary), answers=self._answers(conversation))

    def append(self, user: str, conversation: str, answer: Answer) -> int:
        """Add an answer to a conversation; its turn."""
        with self._writing():
            turn = self._summary(user, conversation).turns
            self._write(conversation, turn, answer)
        return turn

    def replace_last(self, user: str, conversation: str, answer: Answer) -> int:
        """Put an answer in the place of the last one; its turn.

        A conversation that is still called after its first question is called
        after the new one, if that was replaced.
        """
        with self._writing():
            summary = self._summary(user, conversation)
            turn = max(summary.turns - 1, 0)
            replaced = self._up_to(turn, conversation)[-1]
            self._write(conversation, turn, answer)
            if turn == 0 and summary.title == _title(replaced.question):
                self._entitle(conversation, answer.question)
        return turn

    def rename(self, user: str, conversation: str, title: str) -> None:
        """Give a conversation another title."""
        with self._writing():
            self._summary(user, conversation)
            self._entitle(conversation, title)

    def delete(self, user: str, conversation: str) -> None:
        """Delete a conversation, its answers and the feedback on them."""
        with self._writing() as connection:
            self._summary(user, conversation)
            connection.execute("DELETE FROM conversations WHERE id = ?", (conversation,))

    def give_feedback(
        self,
        user: str,
        conversation: str,
        turn: int,
        verdict: Verdict,
        *,
        reason: str = "",
        expected: str = "",
        source: str = "",
        filters: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep what a user says of an answer, in place of what they said before.

        `filters` are those that the question was asked under.
        """
        if verdict not in get_args(Verdict):
            raise HistoryError(f"verdict {verdict!r}: expected {', '.join(get_args(Verdict))}")
        with self._writing() as connection:
            self._summary(user, conversation)
            *before, answer = self._up_to(turn, conversation)
            feedback = Feedback(
                conversation,
                turn,
                verdict,
                question=answer.question,
                answer=answer.text,
                history=messages_of([one.turn for one in before]),
                generation=answer.generation,
                answerer=answer.answerer,
                created_at=_now(),
                filters=dict(filters or {}),
                reason=reason,
                expected=expected,
                source=source,
            )
            connection.execute(*_insertion(feedback))

    def feedback_of(self, user: str, conversation: str) -> dict[int, Feedback]:
        """The feedback on the answers of a conversation, by turn.

        What was said of an answer that has since been replaced is kept, but it
        does not speak of the answer that stands there now, and is left out.
        """
        shown = """
            SELECT feedback.* FROM feedback JOIN answers USING (conversation, turn)
            WHERE conversation = ? AND feedback.question = answers.question AND answer = text
        """
        with self._reading() as connection:
            self._summary(user, conversation)
            rows = connection.execute(shown, (conversation,)).fetchall()
        return {row["turn"]: self._feedback(row) for row in rows}

    def all_feedback(self) -> list[Feedback]:
        """The feedback of all users, oldest first: for who looks after the assistant."""
        with self._reading() as connection:
            rows = connection.execute("SELECT * FROM feedback ORDER BY created_at, rowid")
            return [self._feedback(row) for row in rows]

    def _summary(self, user: str, conversation: str) -> Summary:
        row = self._connection.execute(
            _SUMMARY + "WHERE id = ? AND user = ?", (_plain(conversation), _plain(user))
        ).fetchone()
        if row is None:
            raise NoSuchConversation(
                f"no conversation {conversation!r}: it was deleted, or is another user's"
            )
        return Summary(**row)

    def _answers(self, conversation: str) -> tuple[Answer, ...]:
        rows = self._connection.execute(
            "SELECT whole FROM answers WHERE conversation = ? ORDER BY turn", (conversation,)
        ).fetchall()
        try:
            return tuple(Answer.from_json(row["whole"]) for row in rows)
        except ValueError as error:
            raise _damaged(self.path, error) from error

    def _up_to(self, turn: int, conversation: str) -> tuple[Answer, ...]:
        """The answers of a conversation from its first to that of a turn."""
        answers = self._answers(conversation)
        if not 0 <= turn < len(answers):
            raise NoSuchConversation(
                f"conversation {conversation!r} has no turn {turn}: it has {len(answers)}, "
                "counted from 0"
            )
        return answers[: turn + 1]

    def _entitle(self, conversation: str, text: str) -> None:
        self._connection.execute(
            "UPDATE conversations SET title = ? WHERE id = ?", (_title(text), conversation)
        )

    def _write(self, conversation: str, turn: int, answer: Answer) -> None:
        texts = (answer.question, answer.text, answer.to_json())
        self._connection.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)",
            (conversation, turn, *map(_plain, texts)),
        )
        self._connection.execute(
            "UPDATE conversations SET changed_at = ? WHERE id = ?", (_now(), conversation)
        )

    def _feedback(self, row: sqlite3.Row) -> Feedback:
        fields = dict(row)
        try:
            parsed = {name: json.loads(fields[name]) for name in ("history", "filters")}
        except ValueError as error:
            raise _damaged(self.path, error) from error
        return Feedback(**fields | parsed)

    def _reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """A transaction that sees one state of the file throughout."""
        return self._transaction("BEGIN")

    def _writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """A transaction that nobody else writes during, and that is kept whole or not at all."""
        return self._transaction("BEGIN IMMEDIATE")

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock, _explained(self.path), self._connection:
            self._connection.execute(begin)
            yield self._connection


def _prepare(connection: sqlite3.Connection, path: Path, patience: float) -> None:
    """Make the tables where there are none."""
    connection.row_factory = sqlite3.Row
    connection.create_function("says", 2, _says, deterministic=True)
    connection.execute("PRAGMA foreign_keys = ON")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > _VERSION:
        raise HistoryTooNew(
            f"{path} was written by a newer version of this program (form {version}, this one "
            f"knows {_VERSION}): update it, or name another folder in DIAMOND_DATA_DIR"
        )
    _write_ahead(connection, patience)
    if version < _VERSION:
        connection.executescript(_SCHEMA)


def _write_ahead(connection: sqlite3.Connection, patience: float) -> None:
    """Switch to WAL; alone of all statements this one does not wait for others by itself."""
    until = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _insertion(feedback: Feedback) -> tuple[str, dict[str, Any]]:
    """The statement that keeps feedback, and its values."""
    values = asdict(feedback)
    for name in ("history", "filters"):
        values[name] = json.dumps(values[name], ensure_ascii=False)
    columns = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    plain = {
        name: _plain(value) if isinstance(value, str) else value for name, value in values.items()
    }
    return f"INSERT OR REPLACE INTO feedback ({columns}) VALUES ({places})", plain


def _says(text: str, search: str) -> bool:
    """Whether every word of a search is somewhere in the text."""
    folded = text.casefold()
    return all(word in folded for word in search.casefold().split())


def _title(text: str) -> str:
    return _plain(shorten(text, _TITLE)) or "Untitled"


def _plain(text: str) -> str:
    """The text as it can be stored: a lone surrogate is no text."""
    return text.encode("utf-8", "replace").decode()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What SQLite and the file system complain of, as errors of ours."""
    try:
        yield
    except OSError as error:
        raise HistoryError(f"{path} cannot be opened: {error.strerror}") from error
    except sqlite3.OperationalError as error:
        raise HistoryError(f"the conversations in {path} cannot be used: {error}") from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise  # a mistake of ours, not the file's
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> HistoryDamaged:
    return HistoryDamaged(f"{path} is damaged ({error}): move it away to begin with an empty one")
