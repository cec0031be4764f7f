"""A sentence and the spans that it cites → what of it they do not bear out.

Each check is a rule that anyone can follow: a number, date, quoted phrase or
name of the sentence must stand in the evidence, in whatever form; what is
denied, or only possible, there must be so here. A small model adds how well the
evidence supports the sentence as a whole. Nothing is random and nothing is
generated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.answering.checks import arithmetic, bindings, dates, numbers, polarity, support
from assistant.answering.checks.names import unknown_names
from assistant.answering.checks.plain import plain
from assistant.answering.checks.quantities import quantities
from assistant.answering.checks.quotes import misquoted
from assistant.answering.checks.unread import unread
from assistant.reranking import Reranker
from assistant.vocabulary import Vocabulary

Kind = Literal["uncited", "number", "date", "quote", "name", "negation", "hedge", "support"]

# The words around a date that make it the date of a source, not of an event.
_REPORTED = re.compile(
    r"\b(?:as of|as at|reported|reports|report|reporting|wrote|writes|published|publication|article"
    r"|according to|dated|noted|updated)\b[^,;]{0,40}$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Evidence:
    """One cited source sentence, and what is known of its document.

    The title, publisher and date of publication (ISO) bear out only what is
    said of the source itself: "the Gazette reported on 2 March".
    """

    text: str
    title: str = ""
    publisher: str = ""
    published: str | None = None


@dataclass(frozen=True)
class Finding:
    """What of a sentence its evidence does not bear out, as it stands there."""

    kind: Kind
    value: str


@dataclass(frozen=True)
class Verdict:
    """What the checks made of a sentence.

    `computed` are its numbers that are sums, differences or changes of cited
    ones; `support` is how likely the evidence says it all, if a model was given.
    """

    findings: tuple[Finding, ...]
    computed: tuple[str, ...]
    support: float | None

    @property
    def passed(self) -> bool:
        return not self.findings


class Checker:
    """Checks sentences against the spans that they cite.

    `judge` is the model of the offline answerer; without one nothing is said of
    support. `vocabulary` has the abbreviations that the evidence may use for a
    name, or the sentence.

    >>> checker = Checker(None)
    >>> cited = [Evidence("Japan pledged $550 billion on 4 September 2025.")]
    >>> checker.check("Japan pledged 550 billion dollars in September 2025.", cited).passed
    True
    >>> checker.check("Japan pledged $505 billion in September 2025.", cited).findings
    (Finding(kind='number', value='$505 billion'),)
    """

    def __init__(
        self,
        judge: Reranker | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self._judge = judge
        self._vocabulary = vocabulary

    @property
    def rules(self) -> Checker:
        """The same checks without their model."""
        return Checker(None, self._vocabulary)

    def check(self, sentence: str, evidence: Sequence[Evidence]) -> Verdict:
        """Check a sentence, without its markers, against what it cites."""
        if not evidence:
            return Verdict((Finding("uncited", sentence),), (), None)
        wrong, computed = _numbers(sentence, evidence)
        findings = [
            *wrong,
            *_dates(sentence, evidence),
            *(Finding("quote", value) for value in misquoted(sentence, _with_titles(evidence))),
            *(
                Finding("name", value)
                for value in unknown_names(sentence, with_sources(evidence), self._vocabulary)
            ),
            *_turned(sentence, evidence),
            *_misplaced(sentence, evidence),
        ]
        score = self._support(sentence, evidence, self._judge) if self._judge else None
        if score is not None and score < support.load_support().below:
            findings.append(Finding("support", sentence))
        return Verdict(tuple(findings), computed, score)

    @staticmethod
    def _support(sentence: str, evidence: Sequence[Evidence], judge: Reranker) -> float:
        signals = support.signals_of(sentence, with_sources(evidence), judge)
        return support.load_support().model.probability(signals)


def _with_titles(evidence: Sequence[Evidence]) -> list[str]:
    return [f"{one.text}\n{one.title}".strip() for one in evidence]


def with_sources(evidence: Sequence[Evidence]) -> list[str]:
    return [f"{one.text}\n{one.title}\n{one.publisher}".strip() for one in evidence]


def _numbers(sentence: str, evidence: Sequence[Evidence]) -> tuple[list[Finding], tuple[str, ...]]:
    """The numbers that no evidence has, and those that can be worked out from it."""
    text = "\n".join(one.text for one in evidence)
    cited = quantities(text)
    dated = [m for one in evidence for m in dates.known_moments(one.text, one.published)]
    titled = [q for one in evidence for q in quantities(one.title)]
    wrong, computed = [], []
    for claim in quantities(sentence):
        # A title speaks where the text has no number of the kind; it excuses no other.
        rivals = any(one.dimension == claim.dimension for one in cited)
        if numbers.supported(claim, [*cited, *(() if rivals else titled)], text):
            continue
        if arithmetic.computed(claim, cited, sentence, text) or arithmetic.between_dates(
            claim, dated
        ):
            computed.append(claim.text)
        else:
            wrong.append(Finding("number", sentence[claim.start : claim.end].strip()))
    wrong += (Finding("number", value) for value in unread(sentence, with_sources(evidence)))
    return wrong, tuple(computed)


def _dates(sentence: str, evidence: Sequence[Evidence]) -> Iterator[Finding]:
    """The dates that no evidence has; a source's own date serves where the source is named."""
    known = [m for one in evidence for m in dates.known_moments(one.text, one.published)]
    known += [m for one in evidence for m in dates.moments(one.title)]
    published = [m for one in evidence for m in dates.moments(one.published or "")]
    said = dates.moments(sentence)
    for moment in said:
        of_source = _tells_source(sentence, moment, evidence)
        if dates.supported(moment, [*known, *(published if of_source else ())]):
            continue
        if moment.relative and any(dates.supported(moment, [one]) for one in said if one != moment):
            continue
        value = sentence[moment.start : moment.end].rstrip(".")
        if not value.isdigit() or not _is_number(value, evidence):
            yield Finding("date", value)


def _is_number(value: str, evidence: Sequence[Evidence]) -> bool:
    """Whether four digits that look like a year are a number of the evidence."""
    return any(float(value) == q.value for one in evidence for q in quantities(one.text))


def _tells_source(sentence: str, moment: dates.Moment, evidence: Sequence[Evidence]) -> bool:
    """Whether a date stands beside words of reporting or the name of the publisher."""
    before, after = plain(sentence)[: moment.start], plain(sentence)[moment.end :]
    if _REPORTED.search(before) or re.match(r"\s*(?:report|article|story|piece|post)\b", after):
        return True
    near = f"{before[-40:]} {after[:20]}".lower()
    return any(name in near for one in evidence for name in _publishers(one.publisher))


def _publishers(publisher: str) -> list[str]:
    """The names in a publisher's line, in small letters: "Reuters, via The Star"."""
    parts = re.split(r"[,(/]| via | citing | on ", f" {plain(publisher).lower()} ")
    bare = (part.strip(" )").removeprefix("via ").removeprefix("the ") for part in parts)
    return [name for name in bare if len(name) > 2]


def _turned(sentence: str, evidence: Sequence[Evidence]) -> Iterator[Finding]:
    """Negations, opposites and hedges."""
    text = "\n".join(one.text for one in evidence)
    for value in polarity.turned(sentence, text):
        yield Finding("negation", value)
    for value in polarity.opposites(sentence, text):
        yield Finding("negation", value)
    for value in polarity.hardened(sentence, text):
        yield Finding("hedge", value)


def _misplaced(sentence: str, evidence: Sequence[Evidence]) -> Iterator[Finding]:
    """Names, numbers and dates that have changed places."""
    kinds: dict[str, Kind] = {"name": "name", "number": "number", "date": "date"}
    for kind, value in bindings.misplaced(sentence, [one.text for one in evidence]):
        yield Finding(kinds[kind], value)
