"""Negations, opposites and hedges: whether a sentence turns round what the evidence says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant.answering.checks.plain import plain, stems

_NOT = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|without|none|nobody|nothing|hardly|barely)\b"
    r"|\w+n't\b|\b(?:fail(?:s|ed|ing)?|unable|refus(?:es?|ed|ing)) to\b|\bno longer\b",
    re.IGNORECASE,
)
# Not a negation: "not only", "no less than", "no more than".
_NO_NEGATION = re.compile(
    r"\b(?:not (?:only|just|merely|least)|no (?:less|more|fewer|later|sooner|doubt|matter)"
    r"|No\. ?\d|none other|nothing but|cannot do without|not without)\b",
    re.IGNORECASE,
)
# Words that deny by themselves: the other side may say "not" for them.
_DENYING = re.compile(
    r"\b(?:den(?:y|ies|ied)|reject|refus|declin|lack|absen[ct]|miss(?:ing|ed)|exclud|exempt|unable"
    r"|prohibit|ban(?:s|ned|ning)?\b|forbid|halt|suspend|stop|cancel|withdr|fail|un(?!ited|it|der|ion|iver|til|ique)\w+(?:ed|able)\b"
    r"|only|yet|except|avoid|prevent|rule[sd]? out|instead|rather than|insufficient|impossible"
    r"|doubt|without|free of|free from|no longer|unclear|unknown"
    r"|undecided|zero|non-\w+|unlike|far from|short of|incomplete"
    r"|dis(?:agree|approv|miss|pute)|oppos)",
    re.IGNORECASE,
)
_LITTLE = frozenset(
    "had has have having been being was were would will can could did does do yet also still any"
    " ever longer".split()
)
_CLAUSE = re.compile(r"[,;:()|]|\s-\s|\.\s|\b(?:but|although|though|while|whereas|because)\b", re.I)

_LETTERS = re.compile(r"[^\W\d_]+")
_PREFIXES = ("un", "in", "il", "im", "ir", "dis", "non")
_PREFIX = re.compile(r"^(?:un|in|il|im|ir|dis|non)(?=\w{4})")
_OPPOSITES = (
    ("rise rose risen increas grow grew grown gain climb expand soar surg jump",
     "fall fell fallen decreas declin drop reduc reduct shrink shrank slump plung contract cut"),
    ("higher larger bigger greater", "lower smaller less"), ("more", "less fewer"),
    ("developed", "developing"),
    ("most", "least"), ("major", "minor"), ("approv accept", "reject refus"),
    ("support back favour favor endors", "oppos resist"), ("before", "after"),
    ("earlier", "later"), ("begin began begun start launch open", "end finish close stop halt"),
    ("resum", "suspend"), ("import", "export"), ("buy bought purchas acquir", "sell sold sale"),
    ("win won", "lose lost"), ("allow permit authoris author", "ban prohibit forbid bar"),
    ("includ", "exclud"), ("public", "privat"), ("strengthen", "weaken"),
    ("join", "leav left quit"),
    ("cheap cheaper", "expens costlier dearer"), ("confirm", "deni"),
    ("success succeed", "fail failur"), ("above", "below"), ("short", "long"), ("north", "south"),
    ("east", "west"), ("eastern", "western"), ("northern", "southern"), ("domest", "foreign"),
    ("first", "last"), ("best", "worst"), ("better", "wors"), ("minimum", "maximum"),
    ("lend lent", "borrow"), ("agre", "disagre"), ("synthet artifici", "natur"),
    ("raise rais lift", "lower reduc cut"), ("profit", "loss"), ("surplus", "deficit"),
    ("hard harder", "soft softer easi easier"), ("high", "low"), ("ahead", "behind"),
    ("equal", "unequ"), ("legal", "illeg"), ("possibl", "imposs"), ("like", "unlik"),
    ("tighten", "eas loosen relax"), ("extend prolong", "shorten"),
    ("accelerat speed", "slow delay"),
    ("grant", "deni withhold"), ("majority", "minor"), ("always", "never"), ("all", "none"),
    ("optimist", "pessimist"), ("bind", "nonbind"), ("volunt", "mandatori compulsori"),
    ("maximis maxim", "minimis minim"), ("old older", "new newer"), ("civilian", "militari"),
    ("upheld uphold", "overturn struck strike"), ("praise prais welcom", "criticis critic condemn"),
    ("monocrystallin", "polycrystallin"), ("thick thicker", "thin thinner"),
    ("fast faster quick quicker", "slow slower"), ("light lighter", "heavi heavier"),
    ("widen broaden", "narrow"), ("upper", "lower"), ("encourag", "discourag"),
    ("temporari", "perman"), ("senior", "junior"), ("input", "output"),
    ("eager keen will", "reluct unwil"), ("posit", "negat"), ("improv", "worsen deterior"),
    ("blame blam", "prais"), ("safe", "danger"), ("whole complet entir", "partial part"),
    ("strong stronger", "weak weaker"), ("rich", "poor"), ("hot", "cold"), ("wide wider", "narrow"),
    ("urban", "rural"), ("simpl", "complex complic"), ("smooth", "rough"), ("young", "old"),
    ("voluntarili", "forc"), ("separ", "join togeth"), ("singl", "multipl poly"), ("tall", "short"),
    ("near", "far"), ("stabl", "volatil"), ("optim", "pessim"), ("ally alli", "enemi rival"),
    ("encourag urg", "deter discourag"), ("advantag", "disadvantag"), ("upgrad", "downgrad"),
)  # fmt: skip

_HEDGE = re.compile(
    r"\b(?:(?-i:may)|might|could|would|should|plan(?:s|ned|ning)? (?:to|for)|planned|planning"
    r"|propos\w*|consider\w*|expect\w*|intend\w*|meant to"
    r"|aim(?:s|ed|ing)?|hope[sd]?|hoping|likely|unlikely|possibl[ey]|potential(?:ly)?|perhaps"
    r"|reportedly|alleged(?:ly)?|estimat\w*|forecast\w*|project(?:ed|ions?)|appear(?:s|ed)?|seem(?:s|ed)?|if"
    r"|prospective|tentative\w*|draft|discuss\w*|negotiat\w*|seek(?:s|ing)?|sought|want(?:s|ed)?"
    r"|due to"
    r"|set to|poised|eye[sd]?|eyeing|weigh(?:s|ed|ing)?|explor\w*|candidate|in talks|under study"
    r"|stud(?:y|ies|ied|ying)|envisag\w*|foresee\w*|target\w*|suggest\w*|believ\w*|think|thought"
    r"|scheduled|anticipat\w*|ready|willing|ask(?:s|ed|ing)?|call(?:s|ed|ing) (?:for|on)|can|unless"
    r"|interest(?:ed)?|look(?:s|ed|ing)? (?:at|into)|not yet|says? it will|promis\w*|pledg\w*"
    r"|commit\w*"
    r"|speculat\w*|assum\w*|probabl[ey]|opinion|view|in principle|goal|hypothe\w*)\b",
    re.IGNORECASE,
)
_STRONG_HEDGE = re.compile(
    r"\b(?:(?-i:may)|might|could|plan(?:s|ned|ning)? to|consider(?:s|ed|ing)?"
    r"|propos(?:es?|ed|ing) to|intend(?:s|ed)? to|aim(?:s|ed|ing)? (?:to|at)|hope[sd]? to"
    r"|(?:is|are|was|were) (?:likely"
    r"|expected|due|set|planned|considering) to"
    r"|possibly|perhaps|reportedly|seek(?:s|ing)? to|want(?:s|ed)? to|expect(?:s|ed)? to"
    r"|interested in|interest in|look(?:s|ed|ing) (?:at|into))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Polarity:
    """A text's stems: all, those that a negation reaches, and the first that each reaches."""

    all: frozenset[str]
    denied: frozenset[str]
    first: frozenset[str]
    negates: bool


@lru_cache(maxsize=4096)
def polarity(text: str) -> Polarity:
    """
    >>> sorted(polarity("Japan will not pay cash, but it will lend.").denied)
    ['cash', 'pay']
    """
    flat = _NO_NEGATION.sub(lambda match: " " * len(match[0]), plain(text))
    denied: set[str] = set()
    first: set[str] = set()
    negations = list(_NOT.finditer(flat))
    for match in negations:
        reached = _reached(flat[match.end() :])[:4]
        denied.update(reached)
        first.update(reached[:1])
    return Polarity(frozenset(stems(flat)), frozenset(denied), frozenset(first), bool(negations))


def _reached(after: str) -> list[str]:
    """The telling stems that follow a word in its clause."""
    return [stem for stem in stems(_CLAUSE.split(after)[0]) if stem not in _LITTLE]


def _denies(text: str, other: str) -> bool:
    """Whether a text has words that deny by themselves, which the other has not too."""
    shared = set(stems(plain(other)))
    flat = plain(text)
    return any(not set(stems(_word_at(flat, match))) & shared for match in _DENYING.finditer(flat))


def _word_at(text: str, match: re.Match[str]) -> str:
    """The whole words that a match touches."""
    start, end = match.span()
    before = re.split(r"[^\w-]", text[:start])[-1]
    return before + text[start:end] + re.split(r"[^\w-]", text[end:])[0]


def turned(sentence: str, text: str) -> Iterator[str]:
    """Words of a sentence that are denied there and not in the text, or the other way round."""
    said, known = polarity(sentence), polarity(text)
    if said.negates and not known.negates and not _denies(text, sentence):
        yield " ".join(match[0] for match in _NOT.finditer(plain(sentence)))
    elif said.negates and known.negates:
        plainly = (said.first & known.all) - known.denied
        if plainly and not said.denied & known.denied and not _denies(text, sentence):
            yield " ".join(sorted(plainly))
    if known.negates and not said.negates and not _denies(sentence, text):
        dropped = known.first & said.all - _outside(text)
        if dropped:
            yield " ".join(sorted(dropped))


def _outside(text: str) -> set[str]:
    """The stems that a text also has where nothing is denied."""
    return {
        stem for part in _CLAUSE.split(plain(text)) if not _NOT.search(part) for stem in stems(part)
    }


def opposites(sentence: str, text: str) -> Iterator[str]:
    """Words of a sentence whose opposite the text has, and not the word itself."""
    said, known = _compared(sentence), _compared(text)
    denied = polarity(sentence).denied ^ polarity(text).denied
    for one, other in _pairs():
        for here, there in ((one, other), (other, one)):
            turned_round = here & said and not here & known and there & known and not there & said
            if turned_round and not (here | there) & denied:
                yield " ".join(sorted(here & said))
    yield from _prefixed(sentence, text)


def _prefixed(sentence: str, text: str) -> Iterator[str]:
    """Words that the one has plain and the other with a prefix that denies them: legal, illegal."""
    said, known = ({w.lower() for w in _LETTERS.findall(plain(t))} for t in (sentence, text))
    reached = polarity(sentence).denied | polarity(text).denied
    for word in sorted(word for word in said - known if len(word) >= 4):
        bare = _PREFIX.sub("", word)
        denied = {f"{prefix}{word}" for prefix in _PREFIXES} & (known - said)
        if bare != word and bare in known - said:
            denied.add(bare)
        if denied and not reached.intersection(*map(stems, denied)):
            yield word


def _compared(text: str) -> set[str]:
    """The stems of a text, words such as "more than" with a number left out."""
    flat = re.sub(r"\b(?:more|less|fewer) than\b", " ", plain(text))
    return {stem for word in _LETTERS.findall(flat) for stem in (word.lower(), *stems(word))}


@lru_cache(maxsize=1)
def _pairs() -> Sequence[tuple[frozenset[str], frozenset[str]]]:
    return [(frozenset(a.split()), frozenset(b.split())) for a, b in _OPPOSITES]


def hardened(sentence: str, text: str) -> Iterator[str]:
    """What the text only says may be, and the sentence says is so."""
    if _HEDGE.search(plain(sentence)):
        return
    said = set(stems(plain(sentence)))
    flat = plain(text)
    for match in _STRONG_HEDGE.finditer(flat):
        reached = stems(_CLAUSE.split(flat[match.end() :])[0])[:2]
        if set(reached) & said:
            yield f"{match[0]} {' '.join(reached)}"
            return
