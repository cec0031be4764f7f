"""Proper names: which a sentence has, and whether the evidence has them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from assistant.answering.checks.dates import moments
from assistant.answering.checks.plain import plain, stems, without
from assistant.answering.checks.quantities import quantities
from assistant.vocabulary import Vocabulary

# Words that no name begins or ends with, though they may have a capital.
_TITLES = frozenset(
    "president vice prime minister premier secretary chairman chairwoman chair chief executive "
    "officer ceo cfo mr mrs ms dr prof professor sir lord governor senator representative director "
    "general ambassador king queen pope judge justice former commissioner spokesman spokeswoman "
    "spokesperson".split()
)
_DATES = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may "
    "june "
    "july august september october november december jan feb mar apr jun jul aug sep sept oct nov "
    "dec spring summer autumn winter".split()
)
# One thing by its names: a country, its people, its capital for its government.
_ALIKE = (
    "us usa america american americans unitedstates washington",
    "japan japanese tokyo nippon", "china chinese beijing prc",
    "korea korean koreans seoul rok southkorea southkorean",
    "uk britain british unitedkingdom london greatbritain",
    "eu europe european europeans brussels europeanunion",
    "germany german germans berlin", "france french paris", "russia russian russians moscow",
    "taiwan taiwanese taipei", "india indian indians", "israel israeli israelis", "ireland irish",
    "switzerland swiss", "netherlands dutch", "south africa african", "ukraine ukrainian kyiv",
    "canada canadian canadians ottawa", "australia australian australians canberra",
    "sweden swedish", "norway norwegian", "spain spanish", "italy italian", "iran iranian",
    "vietnam vietnamese", "thailand thai", "indonesia indonesian", "brazil brazilian",
    "mexico mexican",
    "saudi saudis", "emirates uae emirati unitedarabemirates",
    "philippines philippine filipino", "asia asian", "africa african",
    "democrat democrats democratic", "republican republicans", "ltd limited",
    "corp corporation", "co company",
    "inc incorporated", "dept department", "govt government", "univ university",
    "intl international",
)  # fmt: skip
_ROLE = re.compile(
    r"(?:ists?|ers?|ors?|m[ae]n|ians?|ants?|chief|head|boss|firm|unit|giant|group|bank|company|when"
    r"|as|the|if|but|and|in|for|at|by|from|to|on|with|after|before|since|while|under|of|that|both|so"
    r"|once|only|like|because|although|though|then|according|president|premier|envoy|agent)$",
    re.IGNORECASE,
)
_SMALL = frozenset("of for and the on in to a an".split())
_ORDINARY = Path(__file__).parent / "ordinary.txt"

_TOKEN = re.compile(r"[^\W\d_](?:[\w&]|[.](?=\w)|'(?=[A-Z]))*|\d+[A-Za-z]\w*")
_JOINS = re.compile(r"\s+|\s*&\s*|\s+(?:de|van|von|al)\s+")
_COUNTRY = re.compile(
    r"\b(?:U\.S\.A?\.?|United States(?: of America)?|U\.K\.?|United Kingdom|European Union"
    r"|United Arab Emirates|South Korea(?:ns?)?|Great Britain|Republic of Korea)(?!\w)"
)


@dataclass(frozen=True)
class Name:
    """Words with capitals that stand together, and where."""

    words: tuple[str, ...]
    start: int
    end: int


@cache
def ordinary_words() -> frozenset[str]:
    """Stems of words that a sentence may begin with and that name nothing."""
    return frozenset(_ORDINARY.read_text(encoding="utf-8").split())


@lru_cache(maxsize=4096)
def names(text: str) -> tuple[Name, ...]:
    """The names of a text, as runs of words with capitals.

    >>> [name.words for name in names("Officials of Element Six met Mr Akazawa of JBIC.")]
    [('Element', 'Six'), ('Akazawa',), ('JBIC',)]
    """
    counted = [(q.start, q.end) for q in quantities(text)]
    flat = without(plain(text), [*((m.start, m.end) for m in moments(text)), *counted])
    flat = one_word_countries(flat)
    runs: list[list[re.Match[str]]] = []
    for token in _TOKEN.finditer(flat):
        if not _may_name(token, flat):
            continue
        together = runs and _JOINS.fullmatch(flat, runs[-1][-1].end(), token.start())
        if together:
            runs[-1].append(token)
        else:
            runs.append([token])
    found = (Name(tuple(t[0] for t in run), run[0].start(), run[-1].end()) for run in runs)
    return tuple(found)


def one_word_countries(text: str) -> str:
    """U.S. and United States as one word that keeps its length."""
    return _COUNTRY.sub(lambda match: re.sub(r"[\W_]", "", match[0]).ljust(len(match[0])), text)


def _may_name(token: re.Match[str], text: str) -> bool:
    word = token[0]
    small = word.lower().removesuffix("'s")
    if not any(letter.isupper() for letter in word) or small in _TITLES | _DATES or word in "IA":
        return False
    if not _opens(token, text) or not word[1:].islower():
        return True
    return len(word) > 2 and not _is_ordinary(small)


def _opens(token: re.Match[str], text: str) -> bool:
    """Whether a word stands at the beginning of a sentence or a quote."""
    before = text[: token.start()].rstrip(" \"'([#|-")
    return not before or before[-1] in ".?!:" or text[token.start() - 1] in "\"'"


def _is_ordinary(word: str) -> bool:
    stem = stems(word)
    return not stem or stem[0] in ordinary_words()


def unknown_names(
    sentence: str, texts: Sequence[str], vocabulary: Vocabulary | None
) -> Iterator[str]:
    """The names of a sentence that no text has.

    A part of a name is enough ("Akazawa" for "Ryosei Akazawa"); the parts of
    two names do not make a third.
    """
    known = [_keys(text) for text in texts]
    if vocabulary:
        known += [_keys(vocabulary.expand(text)) for text in texts]
    initials = {short for text in texts for short in _initials(text)}
    runs = [tuple(map(key_of, name.words)) for text in texts for name in names(text)]
    for name in names(sentence):
        wanted = [key_of(word) for word in name.words]
        missing = [
            word for word, key in zip(name.words, wanted, strict=True)
            if not any(_has(keys, key) for keys in known) and word.rstrip("s") not in initials
        ]  # fmt: skip
        if missing:
            yield " ".join(missing if len(missing) < len(name.words) else name.words)
        elif _is_of_two(wanted, runs):
            yield " ".join(name.words)
        elif first := _other_first(sentence, name, runs):
            yield first


def _keys(text: str) -> set[str]:
    """The keys of all words of a text, whatever their capitals."""
    flat = one_word_countries(plain(text))
    found = {key_of(token[0]) for token in _TOKEN.finditer(flat)}
    return found | {key_of(part) for token in _TOKEN.finditer(flat) for part in token[0].split(".")}


_GROUPS = {word: group.split(" ")[0] for group in _ALIKE for word in group.split(" ")}


def key_of(word: str) -> str:
    """A word in the form in which it is compared: no possessive, a country for its people."""
    word = re.sub(r"'s$|'$", "", word.lower()).replace(".", "")
    word = _GROUPS.get(word, word)
    return _GROUPS.get(word.rstrip("s"), word.rstrip("s") if len(word) > 3 else word)


def country_of(word: str) -> str:
    """The one name for a country of a word that names it, its people or government, or nothing."""
    return _GROUPS.get(word.lower(), "")


def is_country(key: str) -> bool:
    """Whether a key stands for a country, its people or its government."""
    return key in _GROUPS.values()


def _has(keys: set[str], key: str) -> bool:
    """Whether a text has a name, in another form, or of which it is the beginning: Fed."""
    if key in keys or any(stem in keys for stem in stems(key)):
        return True
    return len(key) in (3, 4) and any(len(one) > 5 and one.startswith(key) for one in keys)


def _initials(text: str) -> Iterator[str]:
    """The abbreviations that words of a text may have: two first letters or more in a row.

    A word that is an abbreviation itself gives all of its letters (US Geological
    Survey, USGS); small words may be passed over.
    """
    flat = one_word_countries(plain(text))
    for part in re.split(r"[.;:()|\n]", flat):
        told = [word for word in re.findall(r"[^\W\d_]+", part) if word.lower() not in _SMALL]
        letters = [word if word.isupper() else word[0].upper() for word in told]
        for start in range(len(letters)):
            for end in range(start + 2, min(len(letters), start + 7) + 1):
                short = "".join(letters[start:end])
                yield short


def _is_of_two(wanted: list[str], runs: Sequence[tuple[str, ...]]) -> bool:
    """Whether each word of a name is known, from different people or things.

    Only where two words of it never stand together, though each stands in a
    longer name.
    """
    if len(wanted) < 2:
        return False
    for one, two in itertools.pairwise(wanted):
        with_one = [run for run in runs if one in run and len(run) > 1]
        with_two = [run for run in runs if two in run and len(run) > 1]
        apart = with_one and with_two and not any(two in run for run in with_one)
        if apart and one not in _GROUPS.values() and two not in _GROUPS.values():
            return True
    return False


def _other_first(sentence: str, name: Name, runs: Sequence[tuple[str, ...]]) -> str:
    """An ordinary word that opens the sentence in the place of a first name: Park Yong-beom.

    That of the evidence is another, each time; a role ("Economist Levashenko") is none.
    """
    opening = re.fullmatch(r"[\"'(]*([A-Z][a-z]+) ", plain(sentence)[: name.start])
    if not opening or _ROLE.search(opening[1]):
        return ""
    last = key_of(name.words[0])
    firsts = {run[run.index(last) - 1] for run in runs if last in run[1:]}
    return opening[1] if firsts and key_of(opening[1]) not in firsts else ""
