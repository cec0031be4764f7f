"""What a question asks for: its telling terms, and the kind of thing that would answer it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from assistant.lexical import terms

# Words that every question may have: finding them in a sentence says nothing.
_ASKING = frozenset(
    terms(
        [
            "what who whom whose when where which how why many much do does did is are was were be "
            "been has have had will would can could should shall may might tell me us please "
            "about say said know explain give"
        ]
    )[0]
)


@dataclass(frozen=True)
class Kind:
    """A kind of question and how to see that a sentence could answer it."""

    asks: re.Pattern[str]
    answers: re.Pattern[str]


def _kind(asks: str, answers: str) -> Kind:
    """Patterns written over several lines; a question's capitals do not count."""
    return Kind(re.compile(asks, re.IGNORECASE | re.VERBOSE), re.compile(answers, re.VERBOSE))


KINDS = {
    "amount": _kind(
        asks=r"""
            \bhow\ (?:much|many|large|big|long|far|high|often|old|fast|wide|deep|heavy)\b
            |\b(?:percent|per\ cent|share|amount|cost|price|value|number|size|rate|total|sum|budget
            |figure|worth|capacity|proportion|fraction|count|revenue|sales)\b
        """,
        answers=r"""
            \d|(?i:\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|half
            |third|quarter|twice|hundreds?|thousands?|millions?|billions?|trillions?)\b)
        """,
    ),
    "date": _kind(
        asks=r"""
            \b(?:when|deadline|date|how\ long|how\ soon)\b
            |\b(?:what|which)\ (?:\w+\ )?(?:day|month|year|quarter)\b
        """,
        answers=r"""
            \b(?:19|20)\d\d\b
            |\b(?:January|February|March|April|May|June|July|August|September|October|November
            |December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b
        """,
    ),
    "name": _kind(
        asks=r"""
            \b(?:who|whom|whose|where|name)\b
            |\b(?:which|what)\ (?:\w+\ )?(?:compan(?:y|ies)|firms?|officials?|persons?|people
            |minister|agency|makers?|banks?|suppliers?|country|countries|body|groups?|nations?
            |city|state|place)\b
        """,
        answers=r"(?<=\s)[A-Z][A-Za-z]+",
    ),
}


# Words of questions that want several things side by side.
_SEVERAL = re.compile(
    r"""
    \b(?:and|or|both|each|either|versus|vs|compared?|against|than|differ\w*|vary|between
    |respectively|list|name|(?:which|what)\ (?:two|three|four|five|other|are)
    |which\ (?!(?:is|was|has|does)\b)\w+s)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class AskedFor:
    """What one question asks for. `weights` says how rare each telling term is."""

    weights: dict[str, float]
    kinds: tuple[Kind, ...]
    several: bool = False

    @classmethod
    def of(cls, question: str, idf: Callable[[str], float]) -> AskedFor:
        """Read a question; `idf` tells how rare a term is in the corpus."""
        telling = [term for term in terms([question])[0] if term not in _ASKING]
        kinds = tuple(kind for kind in KINDS.values() if kind.asks.search(question))
        weights = {term: idf(term) for term in telling}
        return cls(weights, kinds, several=_SEVERAL.search(question) is not None)

    def coverage(self, found: Collection[str]) -> float:
        """The share of the question's telling terms, weighed by rareness, that were found."""
        total = sum(self.weights.values())
        return sum(w for term, w in self.weights.items() if term in found) / total if total else 0.0

    def fits(self, sentence: str) -> float:
        """The share of the kinds asked for that a sentence could answer; 1 if none is known."""
        if not self.kinds:
            return 1.0
        return sum(bool(kind.answers.search(sentence)) for kind in self.kinds) / len(self.kinds)
