"""The nouns of our own that travel between modules: Citation, Answer, Turn, Filters and others.

The others are LlamaIndex's: `Document`, `TextNode` (a passage) and
`NodeWithScore` (a scored passage).
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from assistant.errors import FilterError

if TYPE_CHECKING:
    from llama_index.core.schema import NodeWithScore


Outcome = Literal["answered", "not_stated", "nothing"]
Stage = Literal["search", "ask", "write", "done"]
Status = Literal["supported", "repaired", "gap", "unsupported"]


@dataclass(frozen=True)
class Citation:
    """The exact characters of one document that stand behind a statement.

    `quote` is `document text[start:end]`, counted in characters of the text
    that follows the front matter. `published` is an ISO date, or None where
    the page shows none. `page` is the page on which the quote begins, counted
    from 1, or None where the document has no pages.
    """

    marker: int
    document: str
    title: str
    publisher: str
    published: str | None
    url: str | None
    kind: str
    quote: str
    start: int
    end: int
    page: int | None = None

    @property
    def source(self) -> str:
        """Who published it and when, and on which page, as one names a source in a text."""
        page = f", p. {self.page}" if self.page else ""
        return f"{self.publisher}, {readable_date(self.published)}{page}"

    @property
    def id(self) -> str:
        """Twelve hex digits that stay the same wherever this span is cited again."""
        span = f"{self.document}\0{self.start}\0{self.end}\0{self.quote}"
        return hashlib.sha256(span.encode()).hexdigest()[:12]

    def as_dict(self) -> dict[str, Any]:
        """The citation as `ask --json` prints it."""
        keys = (
            "marker", "id", "document", "title", "publisher", "published", "url",
            "quote", "start", "end",
        )  # fmt: skip
        page = {"page": self.page} if self.page else {}
        return {key: getattr(self, key) for key in keys} | page

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Citation:
        """A citation from its fields; names that are none of them are passed over."""
        return cls(**_fields_of(cls, kept))


@dataclass(frozen=True)
class Filters:
    """Which documents a question is asked of: those that pass every filter that is set.

    `topic` names top-level folders of the corpus and `kind` kinds of source; of
    several, a document needs one. `since` and `until` are the first and the last
    day of publication that pass. With `as_of`, only what was out by that day
    passes, and the answer speaks as of then.

    A document without a date passes no filter on dates: nobody knows when it
    was out.

    >>> Filters(topic=("package",), kind=("news",), as_of=datetime.date(2026, 3, 31)).in_words
    'package, news, as of 31 March 2026'

    Raises:
        FilterError: `since` is later than `until` or `as_of`.
    """

    topic: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    since: datetime.date | None = None
    until: datetime.date | None = None
    as_of: datetime.date | None = None

    def __post_init__(self) -> None:
        for name in ("topic", "kind"):  # in any order, they are the same filters
            object.__setattr__(self, name, tuple(sorted(set(getattr(self, name)))))
        for name, last in (("until", self.until), ("as of", self.as_of)):
            if self.since and last and self.since > last:
                raise FilterError(
                    f"since {self.since} is later than {name} {last}: nothing could pass"
                )

    @property
    def is_empty(self) -> bool:
        """Whether no filter is set: every document passes."""
        return self == EVERYTHING

    @property
    def last_day(self) -> datetime.date | None:
        """The last day of publication that passes: the earlier of `until` and `as_of`."""
        return min((day for day in (self.until, self.as_of) if day), default=None)

    @property
    def in_words(self) -> str:
        """The filters as a person would say them."""
        parts = (
            " or ".join(self.topic),
            " or ".join(self.kind),
            _published(self.since, self.until),
            f"as of {readable_date(str(self.as_of))}" if self.as_of else "",
        )
        return ", ".join(filter(None, parts)) or "all documents"

    def admits(self, document: str, kind: str, published: str | None) -> bool:
        """Whether a document with this id, kind and ISO date passes."""
        return (
            (not self.topic or topic_of(document) in self.topic)
            and (not self.kind or kind in self.kind)
            and self._admits_date(published)
        )

    def as_dict(self) -> dict[str, Any]:
        """The filters that are set, as JSON: lists of names, and dates as ISO text."""
        named = {"topic": list(self.topic), "kind": list(self.kind)}
        days = {name: str(getattr(self, name) or "") for name in ("since", "until", "as_of")}
        return {name: value for name, value in {**named, **days}.items() if value}

    @classmethod
    def from_dict(cls, given: Any) -> Filters:
        """Filters from what `as_dict` makes; one that is missing or null is not set.

        Raises:
            FilterError: which filter is wrong, and what was expected.
        """
        names = [its.name for its in fields(cls)]
        if not isinstance(given, Mapping):
            raise FilterError(f"filters are {given!r}; expected an object of {', '.join(names)}")
        for name in given:
            if name not in names:
                raise FilterError(f"filter {name!r} is unknown; there are {', '.join(names)}")
        read: dict[str, Any] = {
            name: _filter(name, value) for name, value in given.items() if value is not None
        }
        return cls(**read)

    def _admits_date(self, published: str | None) -> bool:
        if self.since is None and self.last_day is None:
            return True
        if published is None:
            return False
        day = datetime.date.fromisoformat(published)
        return (self.since or day) <= day <= (self.last_day or day)


EVERYTHING = Filters()


@dataclass(frozen=True)
class Facets:
    """What there is to search, or what some filters leave of it.

    `topics` and `kinds` say of each name how many documents have it. The dates
    are the first and the last, as ISO text; `undated` documents have none.
    """

    documents: int
    passages: int
    topics: Mapping[str, int]
    kinds: Mapping[str, int]
    published_from: str | None
    published_to: str | None
    undated: int

    def check(self, filters: Filters) -> None:
        """See that there is something of every topic and kind.

        Raises:
            FilterError: the one that no document has, and which ones there are.
        """
        for name, known in (("topic", self.topics), ("kind", self.kinds)):
            for one in getattr(filters, name):
                if one not in known:
                    there_are = ", ".join(known) or "none"
                    raise FilterError(f"no document has the {name} {one!r}; there are {there_are}")


@dataclass(frozen=True)
class Turn:
    """One question of a conversation and the text that answered it, if it was answered."""

    question: str
    answer: str = ""


@dataclass(frozen=True)
class Checked:
    """A sentence that a language model wrote, and what came of checking it.

    `status` is supported, where the sources that it cites say it; repaired,
    where others say it, which it now cites; gap, where it says that the sources
    lack something; or unsupported. `findings` are what spoke against it as the
    model wrote it, each a kind and what it is about; `computed` the figures that
    are sums or differences of cited ones. An unsupported sentence has no
    markers, and is no part of the answer's text.
    """

    text: str
    status: Status
    markers: tuple[int, ...] = ()
    findings: tuple[tuple[str, str], ...] = ()
    computed: tuple[str, ...] = ()
    support: float | None = None

    @property
    def is_shown(self) -> bool:
        """Whether it is part of the answer's text."""
        return self.status != "unsupported"

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Checked:
        """A checked sentence from its fields; names that are none of them are passed over."""
        known = _fields_of(cls, kept)
        for name in ("markers", "computed"):
            known[name] = tuple(known.get(name, ()))
        known["findings"] = tuple((kind, value) for kind, value in known.get("findings", ()))
        return cls(**known)


@dataclass(frozen=True)
class Answer:
    """What the assistant says to one question, and everything behind it.

    `text` is plain text with `[1]` markers; marker n belongs to the citation
    whose `marker` is n. `passages` are the scored passages the answerer was
    shown, best first; of an answer read back from JSON, their places without
    their text. `confidence`, between 0 and 1, is how likely the documents
    answer the question; `signals` is what it was computed from. `differing` are
    pairs of markers whose sources seem to give other figures for one thing.
    `filters` say which documents were searched.

    Of an abstention, `text` says what was searched and `citations` is empty.
    Where the documents come near (`not_stated`), `nearest` quotes one or two
    sentences; where they have `nothing` on it, the nearest passages.

    Where a language model was asked, `model` is its name and `sentences` is what
    it wrote, checked. If that was not to be had or not good enough, the rest is
    the offline answer, and `fallback` says why. `tokens` and `cost`, in
    dollars, are there where they are known; `struck` says whether unsupported
    sentences are to be shown, crossed out.
    """

    question: str
    text: str
    citations: tuple[Citation, ...] = ()
    passages: tuple[NodeWithScore, ...] = ()
    outcome: Outcome = "answered"
    confidence: float = 0.0
    nearest: tuple[Citation, ...] = ()
    differing: tuple[tuple[int, int], ...] = ()
    signals: Mapping[str, float] = field(default_factory=dict)
    answerer: str = ""
    standalone_question: str = ""
    filters: Filters = EVERYTHING
    generation: str = ""
    timings_ms: dict[str, float] = field(default_factory=dict)
    model: str = ""
    sentences: tuple[Checked, ...] = ()
    struck: bool = False
    fallback: str = ""
    tokens: Mapping[str, int] = field(default_factory=dict)
    cost: float | None = None

    @property
    def is_written(self) -> bool:
        """Whether the text is a language model's, and not quotes."""
        return bool(self.sentences) and not self.fallback and not self.abstained

    @property
    def abstained(self) -> bool:
        """Whether the assistant says that the documents do not answer."""
        return self.outcome != "answered"

    @property
    def turn(self) -> Turn:
        """What the next question may lean on."""
        return Turn(self.question, "" if self.abstained else self.text)

    def as_dict(self) -> dict[str, Any]:
        """The answer as `ask --json` prints it."""
        return {
            "question": self.question,
            "standalone_question": self.standalone_question,
            **({} if self.filters.is_empty else {"filters": self.filters.as_dict()}),
            "answer": self.text,
            "outcome": self.outcome,
            "abstained": self.abstained,
            "confidence": round(self.confidence, 4),
            "citations": [citation.as_dict() for citation in self.citations],
            "nearest": [citation.as_dict() for citation in self.nearest],
            "answerer": self.answerer,
            "generation": self.generation,
            "timings_ms": {stage: round(ms, 1) for stage, ms in self.timings_ms.items()},
            **(self._of_the_model() if self.model else {}),
        }

    def _of_the_model(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "fallback": self.fallback,
            "tokens": dict(self.tokens),
            "cost": self.cost,
            "sentences": [asdict(sentence) for sentence in self.sentences],
        }

    def to_json(self) -> str:
        """The whole answer, for `from_json` to read back; its passages without their text."""
        kept = {its.name: getattr(self, its.name) for its in fields(self)}
        kept |= {
            "citations": [asdict(citation) for citation in self.citations],
            "nearest": [asdict(citation) for citation in self.nearest],
            "passages": [_place_of(passage) for passage in self.passages],
            "sentences": [asdict(sentence) for sentence in self.sentences],
            "tokens": dict(self.tokens),
            "signals": dict(self.signals),
            "filters": self.filters.as_dict(),
        }
        return json.dumps(kept, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Answer:
        """An answer that `to_json` wrote.

        A field that was not there yet has its default; one that is no longer
        known is passed over.

        Raises:
            ValueError: the text is no such answer.
        """
        try:
            kept = _fields_of(cls, json.loads(text))
            for name in ("citations", "nearest"):
                kept[name] = tuple(Citation.from_dict(one) for one in kept.get(name, ()))
            kept["filters"] = Filters.from_dict(kept.get("filters", {}))
            kept["passages"] = tuple(_passage_at(place) for place in kept.get("passages", ()))
            kept["sentences"] = tuple(Checked.from_dict(one) for one in kept.get("sentences", ()))
            kept["differing"] = tuple(map(tuple, kept.get("differing", ())))
            return cls(**kept)
        except (AttributeError, KeyError, TypeError, ValueError, FilterError) as error:
            raise ValueError(f"not an answer: {error}") from error


@dataclass(frozen=True)
class Progress:
    """How far an answer is.

    `stage` is search, ask (a model that has said nothing yet), write or done;
    `answer` is what of it is checked. The last one is done, and its answer is whole.
    """

    stage: Stage
    answer: Answer


def readable_date(published: str | None) -> str:
    """
    >>> readable_date("2026-01-27")
    '27 January 2026'
    >>> readable_date(None)
    'undated'
    """
    if published is None:
        return "undated"
    date = datetime.date.fromisoformat(published)
    return f"{date.day} {date:%B %Y}"


def topic_of(document: str) -> str:
    """The top-level folder that a document lies in, by its id; "" if it lies in none.

    >>> topic_of("package/2026-01-27-reuters-diamond-plant-exclusive")
    'package'
    """
    return document.partition("/")[0] if "/" in document else ""


def iso_date(text: str) -> datetime.date:
    """A date from text such as 2026-01-31; no other form is read.

    Raises:
        ValueError: it is not one.
    """
    day = datetime.date.fromisoformat(text)
    if str(day) != text:
        raise ValueError(f"{text!r} is not of the form 2026-01-31")
    return day


def shorten(text: str, length: int) -> str:
    """The text on one line; one longer than `length` characters is cut, at a word if it has some.

    >>> shorten("What will the plant in Georgia make?", 20)
    'What will the plant …'
    """
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    space = text.rfind(" ", 0, length)
    return text[: space if space > 0 else length] + " …"


def turns_of(messages: Sequence[Mapping[str, Any]]) -> tuple[Turn, ...]:
    """Turns from chat messages with a `role` (user or assistant) and a text `content`.

    >>> turns_of([{"role": "user", "content": "What will it make?"},
    ...           {"role": "assistant", "content": "Grit. [1]"}])
    (Turn(question='What will it make?', answer='Grit. [1]'),)

    Raises:
        ValueError: a message is not of that form.
    """
    turns: list[Turn] = []
    if not isinstance(messages, list):
        raise ValueError('"history" is not a list of messages')
    for message in messages:
        role = message.get("role") if isinstance(message, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        if role not in ("user", "assistant") or not isinstance(content, str):
            raise ValueError('"history" needs messages with "role" user or assistant and "content"')
        if role == "user":
            turns.append(Turn(content))
        elif turns:
            turns[-1] = Turn(turns[-1].question, content)
    return tuple(turns)


def messages_of(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """Turns as chat messages; `turns_of` makes the same turns of them again.

    >>> messages_of([Turn("What will it make?", "Grit. [1]"), Turn("Why?")])[1:]
    [{'role': 'assistant', 'content': 'Grit. [1]'}, {'role': 'user', 'content': 'Why?'}]
    """
    messages = []
    for turn in turns:
        messages.append({"role": "user", "content": turn.question})
        if turn.answer:
            messages.append({"role": "assistant", "content": turn.answer})
    return messages


def _filter(name: str, value: Any) -> tuple[str, ...] | datetime.date:
    """One filter from its JSON form."""
    several = name in ("topic", "kind")
    try:
        return _names(value) if several else iso_date(value)
    except (TypeError, ValueError) as error:
        expected = "a list of names" if several else "a date such as 2026-01-31"
        raise FilterError(f"filter {name!r} is {value!r}; expected {expected}") from error


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise TypeError("not a list of names")
    return tuple(value)


def _published(since: datetime.date | None, until: datetime.date | None) -> str:
    """The days of publication between two, either of which may be open."""
    first, last = (readable_date(str(day)) if day else "" for day in (since, until))
    if first and last:
        return f"published {first} to {last}" if first != last else f"published on {first}"
    return f"published since {first}" if first else f"published until {last}" if last else ""


def _fields_of(noun: type[Answer | Checked | Citation], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Of what was kept, the fields that the noun has."""
    return {its.name: kept[its.name] for its in fields(noun) if its.name in kept}


def _place_of(passage: NodeWithScore) -> dict[str, Any]:
    return {
        "id": passage.node.node_id,
        "document": passage.node.ref_doc_id or "",
        "start": getattr(passage.node, "start_char_idx", None),
        "end": getattr(passage.node, "end_char_idx", None),
        "score": passage.score,
    }


def _passage_at(place: Mapping[str, Any]) -> NodeWithScore:
    """A scored passage without its text: the index has that, under the passage's id."""
    from llama_index.core.schema import (
        NodeRelationship,
        NodeWithScore,
        RelatedNodeInfo,
        TextNode,
    )

    node = TextNode(
        id_=place["id"],
        start_char_idx=place["start"],
        end_char_idx=place["end"],
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=place["document"])},
    )
    return NodeWithScore(node=node, score=place["score"])
