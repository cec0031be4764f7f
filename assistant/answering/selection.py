"""Scored candidates → the few sentences that are quoted, in the order of reading."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from assistant.answering.candidates import Candidate
from assistant.answering.moments import Moment

MAX_SENTENCES = 4
SAME_THING = 0.6  # cosine from which two sentences are about one thing
SPACE = 2  # characters between two sentences that follow each other
PER_WORD = 0.065  # what a sentence may lack of the best score, for each word of room that it leaves
AS_WELL = 2.0  # how far below a sentence another may score that says the same, to stand for it
SAME_SOURCE = 0.7  # what a sentence gains beside the best one, if it is of the same document
# Another page's sentence needs no such nearness to the best if the model takes it for an answer
# by itself, and it is about what the best one is about: it may give the other figure.
BY_ITSELF, SAME_MATTER = 1.0, 0.5  # the model's logit; the cosine of the two

# Openings that point at the sentence before: alone, the quote would not say who or what.
# "The article" is no such thing: it is what is quoted, and its citation names it.
_POINTS_BACK = re.compile(
    r"(?:it|its|they|their|he|his|she|her|this|that|these|those|both|such|the\ latter|the\ former"
    r"|the\ (?:company|firm|ministry|agency|plant|project|bank|government|country"
    r"|order|law|act|figure|price|deal|two))\b",
    re.IGNORECASE,
)


def choose(
    candidates: Sequence[Candidate], max_words: int, max_sentences: int = MAX_SENTENCES
) -> list[Candidate]:
    """The best sentences that fit, no fact twice and no page in two voices.

    The longer the answer grows, the nearer to the best a sentence must score:
    a clear answer stays short, and an unclear one gets room for a second
    chance. Another page that answers by itself is heard wherever there is room,
    since sources differ and facts change. Of several sentences that say the
    same, the one with the best source is taken. The first is taken even if it
    alone is longer than `max_words`.
    """
    chosen: list[Candidate] = []
    words = 0
    for candidate, lacks in _by_company(candidates):
        if len(chosen) == max_sentences:
            break
        if any(candidate.same_fact(other) for other in chosen):
            continue
        speakers = [
            twin
            for twin in candidates
            if twin.same_fact(candidate)
            and twin.score >= candidate.score - AS_WELL
            and _one_voice(twin, chosen)
            and not any(twin.same_fact(other) for other in chosen)
        ]
        speaker = min(speakers, key=lambda c: c.standing, default=None)
        if speaker is None:
            continue
        left = max_words - words - speaker.words
        if chosen and (
            left < 0 or (lacks > PER_WORD * left and not _is_another_voice(speaker, chosen))
        ):
            continue
        chosen.append(speaker)
        words += speaker.words
    return chosen


def _by_company(candidates: Sequence[Candidate]) -> list[tuple[Candidate, float]]:
    """The best, then the others by their worth beside it, each with what it lacks to be as good.

    The source that answers best knows the rest, too.
    """
    if not candidates:
        return []
    best = candidates[0]
    others = [
        (other, best.score - other.score - SAME_SOURCE * (other.document == best.document))
        for other in candidates[1:]
    ]
    return [(best, 0.0), *sorted(others, key=lambda pair: pair[1])]


def with_antecedents(
    chosen: Sequence[Candidate], candidates: Sequence[Candidate], max_words: int
) -> list[Candidate]:
    """The chosen sentences, each that opens with "it" or the like after the one before it.

    A sentence before is added only where there is room.
    """
    words = sum(candidate.words for candidate in chosen)
    complete: list[Candidate] = []
    for candidate in chosen:
        before = sentence_before(candidate, candidates)
        if (
            _POINTS_BACK.match(candidate.text)
            and before is not None
            and not any(before.same_fact(other) for other in [*chosen, *complete])
            and words + before.words <= max_words
        ):
            complete.append(before)
            words += before.words
        complete.append(candidate)
    return complete


def disagreements(chosen: Sequence[Candidate]) -> list[tuple[int, int]]:
    """The places of sentences of two pages that seem to give other figures for one thing."""
    return [
        (first, second)
        for (first, one), (second, other) in combinations(enumerate(chosen), 2)
        if disagree(one, other)
    ]


def disagree(one: Candidate, other: Candidate) -> bool:
    """Whether sentences of two pages seem to give other figures for one thing."""
    return (
        one.page != other.page
        and bool(one.numbers and other.numbers)
        and one.numbers != other.numbers
        and float(one.vector @ other.vector) >= SAME_THING
    )


def sentence_before(candidate: Candidate, candidates: Sequence[Candidate]) -> Candidate | None:
    """The sentence that ends where another of the same passage begins, if there is one."""
    return next(
        (
            other
            for other in candidates
            if other.passage.node_id == candidate.passage.node_id
            and 0 <= candidate.span.start - other.span.end <= SPACE
        ),
        None,
    )


def reading_order(chosen: Sequence[Candidate], moment: Moment) -> list[Candidate]:
    """Document after document, each in its own order: the best first, or the newest for "now"."""
    documents = list(dict.fromkeys(candidate.document for candidate in chosen))
    if moment.now:
        dates = {c.document: c.published or "" for c in chosen}
        documents.sort(key=lambda document: dates[document], reverse=True)
    return sorted(chosen, key=lambda c: (documents.index(c.document), c.span))


def _is_another_voice(candidate: Candidate, chosen: Sequence[Candidate]) -> bool:
    """Whether a page that has not spoken yet answers by itself, on the matter of the best."""
    return (
        candidate.logit >= BY_ITSELF
        and float(candidate.vector @ chosen[0].vector) >= SAME_MATTER
        and all(candidate.page != other.page for other in chosen)
    )


def _one_voice(candidate: Candidate, chosen: Sequence[Candidate]) -> bool:
    """Whether no other document speaks for the candidate's page already."""
    return all(
        candidate.page != other.page or candidate.document == other.document for other in chosen
    )
