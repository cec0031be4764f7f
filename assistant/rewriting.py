"""A question and the turns before it → what is searched, and a question that can be read alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.schema import Turn

# Openings that leave half unsaid, and words that point at something said before.
_GOES_ON = re.compile(
    r"\W*(?:and|but|or|so|then|also|what about|how about|what of)\b", re.IGNORECASE
)
_POINTS_BACK = re.compile(
    r"""
    \b(?:it|its|they|them|their|he|him|his|she|her|this|these|those|there|ones?|same)\b
    |\bthe\ (?:other|former|latter|first|second|last)(?=\ ?[?,.]|$)
    |\b(?:is|was|did|does|do|of|for|by|in|on|about|from)\ that\b
    |\bthat[?.!]*$
    """,
    re.IGNORECASE | re.VERBOSE,
)
# A word with a capital or a digit that does not open the text, or an abbreviation that does.
_NAME = re.compile(r"(?<=\s)[\"'“‘(]?[A-Z\d][\w&.’'-]*|^[A-Z]{2,}\b")
# Names that nearly every question here has: they do not say what it is about.
_COMMON_NAME = re.compile(
    r"\W*(?:I|US|U\.S\.|America|Washington|Japan|Tokyo|China|Beijing|Chinese|Japanese|American|"
    r"South|Korean?|Seoul|January|February|March|April|May|June|July|August|September|October|"
    r"November|December|\d+)(?:['’]s)?\W*"
)

_LONG = 10  # words: a question of that many says what it is about
_LONGEST_CHAIN = 4  # turns: further back is another subject
_TOLD = 25  # words of an answer: they say what it is about, more would drown the question
_MARKER = re.compile(r"\[\d+\]")


def search_queries(question: str, turns: Sequence[Turn]) -> list[str]:
    """The question itself and, where turns went before, the question in their context.

    The context is what `standalone_question` finds, and the opening of the last
    answer: it names what "that year" or "the former" is. A change of subject
    that looks like a follow-up, or the reverse, still finds its passages by one
    of the two.

    >>> before = [Turn("What will the plant in Georgia make?", "Diamond grit. [1]")]
    >>> search_queries("and what will it cost?", before)[1]
    'and what will it cost? What will the plant in Georgia make? Diamond grit.'
    """
    if not question or not turns:
        return [question]
    told = _MARKER.sub("", turns[-1].answer).split()[:_TOLD]
    return [question, " ".join([standalone_question(question, turns), *told])]


def standalone_question(question: str, turns: Sequence[Turn]) -> str:
    """The question itself, or, if it leans on an earlier one, the two together.

    A chain of follow-ups is followed back to the question that named its
    subject; a change of subject ends the chain.

    >>> before = [Turn("What will the plant in Georgia make?", "Diamond grit. [1]")]
    >>> standalone_question("and what will it cost?", before)
    'and what will it cost? What will the plant in Georgia make?'
    >>> standalone_question("When did JBIC sign its loan contracts?", before)
    'When did JBIC sign its loan contracts?'
    """
    chain = [question]
    for turn in reversed(turns[-_LONGEST_CHAIN:]):
        if not is_follow_up(chain[-1]):
            break
        chain.append(turn.question)
    return " ".join(chain)


def is_follow_up(question: str) -> bool:
    """Whether a question leans on what was said before.

    It does if it opens as the rest of another, if it points back before it has
    named anything, or if it is short and names nothing at all.
    """
    names = (n for n in _NAME.finditer(question) if not _COMMON_NAME.fullmatch(n[0]))
    name = next(names, None)
    if _GOES_ON.match(question) or (name is None and len(question.split()) < _LONG):
        return True
    return bool(_POINTS_BACK.search(question, 0, name.start() if name else len(question)))
