"""Which words stand around a name, a number or a date: whether two of a kind changed places.

"JBIC guarantees what NEXI lends", where the evidence has it the other way
round: every name is there, and each has the other's words beside it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

from assistant.answering.checks.dates import moments
from assistant.answering.checks.names import (
    country_of,
    is_country,
    key_of,
    names,
    one_word_countries,
)
from assistant.answering.checks.plain import plain, stems
from assistant.answering.checks.quantities import quantities

REACH = 4  # words to either side that are looked at
BEYOND = 0.4  # what a word beyond a comma weighs

PAIR = 1.0  # how much better the other way round must fit, for two that are both said
ALONE = 2.5  # and for one whose place in the evidence is another's

_END = re.compile(r"[;:]|[.]\s")
_WORD = re.compile(r"[^\W\d_]{2,}")
_LITTLE = frozenset(
    "had has have been was were would will can could did does do said say says its their he she "
    "they"
    " also about around than more one two three".split()
)
_PASSIVE = re.compile(
    r"\b(?!need|speed|indeed)\w+(?:ed|en|wn|ne|de|ilt|ought|ut)\s+(?:\w+ly )?by\b"
)

Beside = Mapping[tuple[str, str], float]  # (side, stem) → how near, from 1 down to 0


@dataclass(frozen=True)
class Place:
    """A name, number or date in a text: what it is, as what, and the words beside it."""

    kind: str
    key: str
    text: str
    beside: Beside


@lru_cache(maxsize=4096)
def places(text: str) -> tuple[Place, ...]:
    """The names, numbers and dates of a text, with the words beside each."""
    flat = plain(text)
    found = [
        *(("name", " ".join(map(key_of, n.words)), n.start, n.end) for n in names(text)),
        *(("number", f"{q.size:g} {q.dimension}", q.start, q.end) for q in quantities(text)),
        *(("date", f"{m.first} {m.last}", m.start, m.end) for m in moments(text) if not m.relative),
    ]
    return tuple(
        Place(kind, key, text[start:end], _beside(flat, start, end, _others(found, kind, start)))
        for kind, key, start, end in found
    )


def _others(
    found: Sequence[tuple[str, str, int, int]], kind: str, start: int
) -> list[tuple[int, int]]:
    """Where the others of a kind stand."""
    return [(begin, end) for one, _, begin, end in found if one == kind and begin != start]


def _beside(text: str, start: int, end: int, others: Sequence[tuple[int, int]]) -> Beside:
    """The telling words to the left and right, up to another of its kind or the sentence's end."""
    first = max((stop for _, stop in others if stop <= start), default=0)
    last = min((begin for begin, _ in others if begin >= end), default=len(text))
    near: dict[tuple[str, str], float] = {}
    before = _END.split(text[first:start])[-1].split(",")[::-1]
    after = _END.split(text[end:last])[0].split(",")
    left = [_telling(part)[::-1] for part in before]
    right = [_telling(part) for part in after]
    for side, parts in (("left", left), ("right", right)):
        told = [(stem, BEYOND if n else 1.0) for n, part in enumerate(parts) for stem in part]
        for distance, (stem, weight) in enumerate(told[:REACH]):
            near.setdefault((side, stem), weight * (1 - distance / (REACH + 1)))
    return near


def _telling(text: str) -> list[str]:
    """The stems of a text that say something, a country in one form."""
    flat = one_word_countries(text)
    told = (country_of(word) or "".join(stems(word)[:1]) for word in _WORD.findall(flat))
    return [stem for stem in told if stem and stem not in _LITTLE]


def misplaced(sentence: str, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What stands where the evidence has another of its kind, as (kind, text).

    Each pair of a kind that the sentence has is tried both ways: as it stands,
    and each in the other's place. One that stands alone is tried against those
    of the evidence that the sentence does not have.
    """
    known: dict[str, dict[str, list[Place]]] = defaultdict(lambda: defaultdict(list))
    for text in texts:
        for place in places(text):
            known[place.kind][place.key].append(place)
    here = [
        replace(place, key=key)
        for place in places(sentence)
        if (key := _known_as(place, known[place.kind]))
    ]
    for one, other in combinations(here, 2):
        if one.kind == other.kind and one.key != other.key:
            ours = known[one.kind]
            gains = (
                _fit(one, ours[other.key]) - _fit(one, ours[one.key]),
                _fit(other, ours[one.key]) - _fit(other, ours[other.key]),
            )
            if min(gains) > 0 and sum(gains) >= PAIR and not _other_voice(sentence, texts):
                yield one.kind, f"{one.text} / {other.text}"
    said = {place.key for place in here}
    elsewhere = [
        place for place in places(sentence)
        if place.kind == "name" and is_country(place.key) and not _known_as(place, known["name"])
    ]  # fmt: skip
    for one in [*here, *elsewhere]:
        rivals = [key for key in known[one.kind] if key not in said]
        best = max((_fit(one, known[one.kind][key]) for key in rivals), default=0.0)
        own = known[one.kind].get(one.key)
        if best >= (_fit(one, own) if own else 0.0) + ALONE and not _other_voice(sentence, texts):
            yield one.kind, one.text


def _known_as(place: Place, known: Mapping[str, list[Place]]) -> str:
    """The key under which the evidence has it: the same, or a name with its words in it."""
    if place.key in known or place.kind != "name":
        return place.key if place.key in known else ""
    words = set(place.key.split())
    longer = [key for key in known if words <= set(key.split()) or set(key.split()) <= words]
    return longer[0] if longer else ""


def _fit(place: Place, known: Sequence[Place]) -> float:
    """How well the words beside a place agree with those beside a known one, at best."""
    return max(
        sum(min(near, one.beside.get(word, 0.0)) for word, near in place.beside.items())
        for one in known
    )


def _other_voice(sentence: str, texts: Sequence[str]) -> bool:
    """Whether one side is passive: then left and right say nothing."""
    return bool(_PASSIVE.search(sentence)) != any(_PASSIVE.search(text) for text in texts)
