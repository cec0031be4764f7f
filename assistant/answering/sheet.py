"""Passages → the sheet of sources: every sentence with the id that it can be cited by.

An id is short, is no number in a row, and belongs to its sentence: the same
sentence has it in the next turn, and on any sheet.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from llama_index.core.schema import BaseNode, NodeWithScore

from assistant.answering.instructions import is_instruction
from assistant.documents import Sentence
from assistant.lexical import terms
from assistant.segmentation import Span

ID_LENGTH = 4
_LETTERS, _DIGITS = "bcdfghjkmnpqrstvwxyz", "23456789"  # none that looks like another, no words
_ALPHABET = _LETTERS + _DIGITS
_SPACE = 2  # characters between two sentences that follow each other
MOST_CHARACTERS = 1200  # of one sentence: a longer one is a table run together


@dataclass(frozen=True, eq=False)
class Source:
    """A sentence that may be cited: its id, its place, and its words."""

    id: str
    passage: BaseNode
    span: Span
    text: str

    @property
    def document(self) -> str:
        return self.passage.ref_doc_id or ""

    @cached_property
    def terms(self) -> frozenset[str]:
        """The words that it is searched by."""
        return frozenset(terms([self.text])[0])


@dataclass(frozen=True)
class Sheet:
    """The sources of one question, document by document, the best first."""

    sources: tuple[Source, ...]

    @cached_property
    def by_id(self) -> dict[str, Source]:
        return {source.id: source for source in self.sources}

    def before(self, source: Source) -> Source | None:
        """The sentence that ends where another begins, if it is on the sheet."""
        return next(
            (
                one
                for one in self.sources
                if one.document == source.document
                and 0 <= source.span.start - one.span.end <= _SPACE
            ),
            None,
        )

    @property
    def documents(self) -> Iterator[tuple[BaseNode, list[Source]]]:
        """Each document's sources in its own order, under one of its passages."""
        groups: dict[str, list[Source]] = {}
        for source in self.sources:
            groups.setdefault(source.document, []).append(source)
        for group in groups.values():
            yield group[0].passage, sorted(group, key=lambda source: source.span)


def make_sheet(
    passages: Sequence[NodeWithScore],
    sentences_of: Callable[[str], Sequence[Sentence]],
    room: int,
    cost: Callable[[str], int],
) -> Sheet:
    """The sentences of the first passages that fit into `room` tokens, by `cost`.

    Sentences that read as instructions to a model are left out: they are no
    evidence of anything.
    """
    found: dict[tuple[str, Span], tuple[BaseNode, str]] = {}
    for passage in passages:
        its_own = {
            (passage.node.ref_doc_id or "", span): (passage.node, text)
            for span, text in _texts(passage.node, sentences_of(passage.node.node_id))
            if not is_instruction(text)
        }
        room -= sum(cost(text) for key, (_, text) in its_own.items() if key not in found)
        if room < 0:
            break
        found = {**its_own, **found}
    ids = _ids(
        [f"{document}\0{span.start}\0{text}" for (document, span), (_, text) in found.items()]
    )
    best = {document: place for place, (document, _) in reversed(list(enumerate(found)))}
    ordered = sorted(zip(found.items(), ids, strict=True), key=lambda one: best[one[0][0][0]])
    return Sheet(tuple(Source(id_, node, span, text) for ((_, span), (node, text)), id_ in ordered))


def _texts(passage: BaseNode, sentences: Sequence[Sentence]) -> Iterator[tuple[Span, str]]:
    start = getattr(passage, "start_char_idx", 0) or 0
    text = passage.get_content()
    for sentence in sentences:
        yield sentence.span, Span(sentence.span.start - start, sentence.span.end - start).of(text)


def _ids(keys: Sequence[str]) -> list[str]:
    """An id for each key. The rare key whose id another has gets the next that is free."""
    taken: dict[str, str] = {}
    for key in sorted(keys):
        tries = (_id(f"{key}\0{attempt}") for attempt in range(1_000_000))
        taken[key] = next(one for one in tries if one not in taken.values())
    return [taken[key] for key in keys]


def _id(key: str) -> str:
    """
    >>> _id("a sentence") == _id("a sentence")
    True
    """
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    characters = []
    for _ in range(ID_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[place])
    made = "".join(characters)
    if made.isalpha():  # a digit tells it from a word
        made = made[:1] + _DIGITS[number % len(_DIGITS)] + made[2:]
    if not re.search("[a-z]", made):  # and a letter from a place in a list
        made = _LETTERS[number % len(_LETTERS)] + made[1:]
    return made
