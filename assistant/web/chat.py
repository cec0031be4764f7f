"""What the page does: a conversation of one browser tab, and the handlers of its events.

No handler knows a component: each takes values and gives values back, and
`app.py` says which component has which.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from assistant.conversation import Conversation
from assistant.errors import AssistantError, HistoryError
from assistant.exports import answer_markdown, conversation_json, conversation_markdown
from assistant.history import ConversationStore, Verdict
from assistant.schema import Answer, Filters, Progress
from assistant.segmentation import Span
from assistant.serving.gate import Gate
from assistant.web import words
from assistant.web.lists import conversations_html, next_html
from assistant.web.reader import reader_html
from assistant.web.sources import question_html, refusal_html, sources_panel
from assistant.web.suggestions import Suggestions
from assistant.web.writing import progress_html, shown_pieces

Messages = list[dict[str, Any]]


@dataclass(frozen=True)
class Chat:
    """The conversation that a tab shows. `id` is None while nothing of it is kept."""

    id: str | None = None
    title: str = ""
    answers: tuple[Answer, ...] = ()
    editing: bool = False

    def before(self) -> Chat:
        """The conversation without its last answer."""
        return replace(self, answers=self.answers[:-1])


@dataclass(frozen=True)
class Step:
    """What the page shows next. None leaves what is there."""

    chat: Chat
    messages: Messages | None = None
    panel: str | None = None
    following: str | None = None
    conversations: str | None = None
    busy: bool = False


class Desk:
    """Answers what happens on the page, from one index and one store."""

    def __init__(
        self,
        conversation: Conversation,
        store: ConversationStore,
        suggestions: Suggestions,
        gate: Gate,
    ) -> None:
        self._conversation = conversation
        self._gate = gate
        self._library = conversation.library
        self._store = store
        self._suggestions = suggestions

    def ask(
        self, question: str, chat: Chat, filters: Filters, user: str, client: str = ""
    ) -> Iterator[Step]:
        """Answer a question, piece by piece; an edited question takes the last one's place.

        `client` is who the gate counts; it may be somebody without a user name.
        Until there is an answer the conversation stays as it was: a question
        that fails or is called off on the way replaces nothing.
        """
        replaces = chat.editing and bool(chat.answers)
        as_it_was = replace(chat, editing=False)
        chat = as_it_was.before() if replaces else as_it_was
        turn = len(chat.answers)
        asked = _said("user", question_html(question))
        messages = [*self.messages(chat), asked]
        yield Step(as_it_was, messages, following="", busy=True)
        try:
            turns = [answer.turn for answer in chat.answers]
            with self._gate.enter(client):
                steps = self._conversation.fresh(turns).stream(question, filters)
                answer = yield from self._listened(steps, as_it_was, messages, turn)
        except AssistantError as error:
            refusal = _said("assistant", refusal_html(str(error)))
            yield Step(as_it_was, [*self.messages(as_it_was), asked, refusal])
            return
        # A question that was called off ends at this step, before its answer is kept.
        yield Step(as_it_was, panel=self._panel(answer, turn), busy=True)
        chat = self._kept(chat, answer, user, replaces)
        for piece in shown_pieces(answer, turn, self._newest):
            yield Step(chat, [*messages, _said("assistant", piece)], busy=True)
        yield Step(
            chat,
            following=next_html(self._suggestions.after(chat.answers), answer),
            conversations=self.conversations(chat, user),
        )

    def _listened(
        self, steps: Generator[Progress, None, None], chat: Chat, messages: Messages, turn: int
    ) -> Generator[Step, None, Answer]:
        """Show how far an answer is; a step that shows nothing new lets a user leave."""
        seen = ""
        with closing(steps):
            for step in steps:
                if step.stage == "done":
                    return step.answer
                shown = progress_html(step, turn)
                grown = [*messages, _said("assistant", shown)] if shown != seen else None
                seen = shown
                yield Step(chat, grown, busy=True)
        raise AssertionError("an answer has a last step")

    def retry(self, chat: Chat, filters: Filters, user: str, client: str = "") -> Iterator[Step]:
        """Ask the last question again."""
        if chat.answers:
            question = chat.answers[-1].question
            yield from self.ask(question, replace(chat, editing=True), filters, user, client)

    def open(self, conversation: str, user: str) -> Step:
        """Show a conversation that was kept.

        Raises:
            HistoryError: it is not there, or is another user's.
        """
        saved = self._store.load(user, conversation)
        return self.show(Chat(saved.id, saved.title, saved.answers), user)

    def show(self, chat: Chat, user: str) -> Step:
        """The whole of a conversation."""
        last = chat.answers[-1] if chat.answers else None
        return Step(
            chat,
            self.messages(chat),
            self._panel(last, len(chat.answers) - 1),
            next_html(self._suggestions.after(chat.answers), last),
            self.conversations(chat, user),
        )

    def sources(self, chat: Chat, turn: int) -> str:
        """The sources of one of the answers."""
        known = 0 <= turn < len(chat.answers)
        return self._panel(chat.answers[turn] if known else None, turn)

    def read(self, document: str, spans: Sequence[Span], generation: str | None = None) -> str:
        """A document to read, some of it marked, as it was in a generation."""
        with self._library.reading(generation) as reading:
            try:
                return reader_html(reading.index.document(document), spans)
            except KeyError:
                return reader_html(None, [])

    def rename(self, conversation: str, title: str, chat: Chat, user: str) -> Step:
        """Give a conversation another name."""
        if title.strip():
            self._store.rename(user, conversation, title.strip())
            if conversation == chat.id:
                chat = replace(chat, title=title.strip())
        return Step(chat, conversations=self.conversations(chat, user))

    def delete(self, conversation: str, chat: Chat, user: str) -> Step:
        """Delete a conversation; the one that is shown is cleared away."""
        self._store.delete(user, conversation)
        if conversation == chat.id:
            return self.show(Chat(), user)
        return Step(chat, conversations=self.conversations(chat, user))

    def conversations(self, chat: Chat, user: str, search: str = "") -> str:
        """The list of the user's conversations, or that it cannot be read."""
        try:
            found = self._store.conversations(user, search)
        except HistoryError:
            return refusal_html(words.NOT_READ)
        return conversations_html(found, chat.id, searched=bool(search.strip()))

    def give_feedback(
        self, chat: Chat, turn: int, verdict: Verdict, said: Mapping[str, str], user: str
    ) -> None:
        """Keep what the user says of an answer.

        Raises:
            HistoryError: it cannot be kept.
        """
        if chat.id is None or not 0 <= turn < len(chat.answers):
            raise HistoryError(words.NOT_KEPT)
        filters = chat.answers[turn].filters.as_dict()
        self._store.give_feedback(user, chat.id, turn, verdict, filters=filters, **said)

    def markdown(self, chat: Chat) -> str:
        """The whole conversation as Markdown."""
        return conversation_markdown(chat.title, chat.answers)

    def json(self, chat: Chat) -> str:
        """The whole conversation as JSON."""
        return conversation_json(chat.title, chat.answers)

    def quoted(self, chat: Chat) -> str:
        """The last answer with its sources, for the clipboard."""
        return answer_markdown(chat.answers[-1]) if chat.answers else ""

    def messages(self, chat: Chat) -> Messages:
        """A conversation as the chat shows it."""
        shown = []
        for turn, answer in enumerate(chat.answers):
            *_, whole = shown_pieces(answer, turn, self._newest)
            shown.append(_said("user", question_html(answer.question)))
            shown.append(_said("assistant", whole))
        return shown

    @property
    def _newest(self) -> str | None:
        return self._library.manifest.published_to

    def _panel(self, answer: Answer | None, turn: int) -> str:
        """The sources of an answer, in the generation that it was given from."""
        with self._library.reading(answer.generation if answer else None) as reading:
            return sources_panel(answer, turn, reading.index)

    def _kept(self, chat: Chat, answer: Answer, user: str, replaces: bool) -> Chat:
        """The chat with its answer, which is kept; a full disk does not take the answer away.

        Where it does, the whole conversation is kept with the next answer.
        """
        title = chat.title or answer.question
        chat = replace(chat, title=title, answers=(*chat.answers, answer))
        try:
            if chat.id is None:
                return replace(chat, id=self._all_kept(chat, user))
            keep = self._store.replace_last if replaces else self._store.append
            keep(user, chat.id, answer)
            if replaces:  # with its first question a conversation may get another title
                chat = replace(chat, title=self._store.load(user, chat.id).title)
        except HistoryError:
            return replace(chat, id=None)
        return chat

    def _all_kept(self, chat: Chat, user: str) -> str:
        """The id of a new conversation with all the answers."""
        new = self._store.new(user, chat.title)
        for answer in chat.answers:
            self._store.append(user, new, answer)
        return new


def _said(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content}
