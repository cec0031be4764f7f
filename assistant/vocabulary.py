"""Abbreviations and what they stand for, so that a question finds a thing by either name.

They are learnt from the glossaries in the corpus. Learning them from any text
that defines one in brackets, too, was measured and made retrieval worse on four
public sets of five: a question in the usual words only loses by the unusual name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from assistant.lexical import terms

Pair = tuple[str, str]  # an abbreviation and its long form

_MOST = 3  # names added to a question: more would drown what it asks
_ABBREVIATION = re.compile(r"(?=.*[A-Z].*[A-Z\d])[^\W_][\w&/-]{1,9}")
_QUOTES = " '\"‘’“”"
_BREAK = re.compile(r"[.?!](?=\s|$)|[;:|()]")  # no long form runs across one
_ITEM = re.compile(r"[,;]| / ")
_SMALL_WORD = re.compile(r"(?<![\w/.-])[a-z]{2,}(?![\w/-])")  # in a sentence, not in an id
# An entry of a glossary, as an item or as a row: **term** - explanation, | term | explanation |.
_BULLET = re.compile(r"\s*[-*+]\s+\*\*")
_TERM = re.compile(r"\*\*([^*]+?):?\*\*(?:\s*[-–—:]\s+)?([^*]*)")
_ROW = re.compile(r"^\s*\|([^|]+)\|([^|\d]{3,})\|")
# British and American, so that vapour is vapor.
_SPELLINGS = (("our", "or"), ("isation", "ization"), ("efence", "efense"), ("entre", "enter"))


@dataclass(frozen=True)
class Vocabulary:
    """Pairs of an abbreviation and its long form.

    `cased` are the abbreviations that are words as well, such as SIP: they are
    only meant where they stand in capitals.

    >>> vocabulary = Vocabulary.of(["- **AGS (Amber Guild of Sorrel)** - it sells lamps."])
    >>> vocabulary.expand("Who leads the AGS?")
    'Who leads the AGS? Amber Guild of Sorrel'
    >>> vocabulary.expand("Who leads the amber guild of Sorrel?")
    'Who leads the amber guild of Sorrel? AGS'
    """

    pairs: tuple[Pair, ...]
    cased: frozenset[str] = frozenset()

    @classmethod
    def of(cls, texts: Iterable[str]) -> Vocabulary:
        """Learn from the glossaries among texts, each a document.

        An abbreviation that two glossaries read differently is left out.
        """
        texts = list(texts)
        pairs = _agreed(chain.from_iterable(map(glossary_pairs, texts)))
        words = set(chain.from_iterable(map(_SMALL_WORD.findall, texts)))
        cased = (short for short in pairs if _may_be_word(short.lower(), words))
        return cls(tuple(sorted(pairs.items())), frozenset(cased))

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Vocabulary:
        """What `as_dict` gave."""
        return cls(tuple((a, b) for a, b in stored["pairs"]), frozenset(stored["cased"]))

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return {"pairs": [list(pair) for pair in self.pairs], "cased": sorted(self.cased)}

    def expand(self, question: str) -> str:
        """The question, and after it up to three other names of what it names.

        A name inside a longer one that the question has is not meant by itself.
        """
        both_ways = [pair for a, b in self.pairs for pair in ((a, b), (b, a))]
        said = {name for name, _ in both_ways if self._says(question, name)}
        keys = {name: self._keys[name] for name in said}
        inside = {a for a in said for b in said if keys[a] != keys[b] and keys[a] in keys[b]}
        parts = [question]
        for name, other in both_ways:
            wanted = name in said - inside and not self._says(" ".join(parts), other)
            if wanted and len(parts) <= _MOST:
                parts.append(other)
        return " ".join(parts)

    def _says(self, text: str, name: str) -> bool:
        """Whether a text has a name, in the plural or the possessive too."""
        if not abbreviation(name):
            return self._keys[name] in _key(text)
        flags = re.NOFLAG if name in self.cased else re.IGNORECASE
        return bool(re.search(rf"(?<!\w){re.escape(name)}(?:['’]?s)?(?!\w)", text, flags))

    @cached_property
    def _keys(self) -> dict[str, str]:
        return {name: _key(name) for name in chain.from_iterable(self.pairs)}


def abbreviation(word: str) -> str:
    """The word without quotation marks and plural s, if it is an abbreviation; or nothing.

    >>> [abbreviation(word) for word in ["“HEMTs”", "cBN", "E6", "Reuters", "US deal"]]
    ['HEMT', 'cBN', 'E6', '', '']
    """
    word = re.sub(r"(?<=[A-Z])s$", "", word.strip(_QUOTES))
    return word if _ABBREVIATION.fullmatch(word) else ""


def long_form(short: str, text: str) -> str:
    """The last words of a text, if an abbreviation can stand for them; or nothing.

    They have its letters in their order, the first letter opens a word, and
    they are no more words than Schwartz and Hearst allow in "A Simple Algorithm
    for Identifying Abbreviation Definitions in Biomedical Text" (2003).

    >>> long_form("AGS", "a letter to the Amber Guild of Sorrel")
    'Amber Guild of Sorrel'
    """
    words = text.split()[-min(len(short) + 5, len(short) * 2) :]
    first, *rest = (letter for letter in short if letter.isalnum())
    letters = first + "".join(f"[^{letter}]*{letter}" for letter in rest)
    last = re.compile(rf"(?:.*\s)?(\S*?(?<![^\W_]){letters}.*)", re.IGNORECASE)
    long = found[1].strip(_QUOTES) if (found := last.fullmatch(" ".join(words))) else ""
    itself = re.search(rf"(?<!\w){re.escape(short)}(?!\w)", long)
    return long if len(long) > len(short) and not itself else ""


def glossary_pairs(text: str) -> set[Pair]:
    """The pairs in a text most of whose lines are entries of a glossary, or none."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    entries = [(_TERM if _BULLET.match(line) else _ROW).findall(line) for line in lines]
    if 2 * sum(map(bool, entries)) <= len(lines):
        return set()
    found = (_pairs_of_entry(term, told) for term, told in chain.from_iterable(entries))
    return {(short, long) for short, long in chain.from_iterable(found) if long}


def _pairs_of_entry(term: str, told: str) -> Iterator[Pair]:
    """From **AG / AGS (Amber Guild)**, **Amber Guild (AG)**, or **AG** - Sorrel's Amber Guild."""
    heads, _, brackets = term.strip(" *)").partition(" (")
    for head in heads.split(" / "):
        if short := abbreviation(head):
            yield short, _spelled_out(short, brackets) or _explained(short, told)
        elif short := abbreviation(brackets):
            numbered = re.fullmatch(r"\w\d+", short) and short[0] == head[0]  # Element Six (E6)
            yield short, head if numbered else _spelled_out(short, head)


def _spelled_out(short: str, told: str) -> str:
    """The item of what is told, or the whole of it, that an abbreviation stands for."""
    return _first_whole(short, [*_ITEM.split(told), told])


def _explained(short: str, told: str) -> str:
    """What an abbreviation stands for, in an explanation that opens with it."""
    opening = _BREAK.split(told)[0].split(",")[0].replace("’", "'")
    names = [" ".join(opening.split()[skipped:]) for skipped in range(3)]  # "the US", "China's"
    whose, _, what = opening.strip().partition("'s ")
    # The GACC is China's General Administration of Customs. One word alone is no name.
    turned = f"{what} of {whose}" if " " in what else ""
    return _first_whole(short, [*names, turned]).removesuffix(f" of {whose}")


def _first_whole(short: str, names: Iterable[str]) -> str:
    """The first name all of whose words an abbreviation can stand for, or nothing."""
    bare = (name.strip(_QUOTES) for name in names)
    return next((name for name in bare if name and name == long_form(short, name)), "")


def _agreed(pairs: Iterable[Pair]) -> dict[str, str]:
    """The long form of every abbreviation that has one meaning, in whatever spelling."""
    meanings: dict[str, dict[str, str]] = {}
    for short, long in sorted(set(pairs)):
        meanings.setdefault(short, {}).setdefault(_key(long), long)
    return {short: min(by_key.values()) for short, by_key in meanings.items() if len(by_key) == 1}


def _may_be_word(small: str, words: set[str]) -> bool:
    """Whether small letters are a word of the corpus, or short enough to be one of English."""
    return small in words or (len(small) < 4 and bool(re.fullmatch("[a-z]*[aeiouy][a-z]*", small)))


def _key(text: str) -> str:
    """The terms of a text: a name is in it, whatever its endings, if the name's terms are."""
    text = text.lower()
    for british, american in _SPELLINGS:
        text = text.replace(british, american)
    return f" {' '.join(terms([text])[0])} "
