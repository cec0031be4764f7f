"""A sentence that a model wrote → whether the sources say it, and which ones.

A sentence that its own sources do not bear out is given others, if there are
any that do. What is left is unsupported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from assistant.answering.checks import Checker, Evidence, Finding, Verdict
from assistant.answering.replies import Said
from assistant.answering.sheet import Sheet, Source
from assistant.lexical import terms
from assistant.schema import Status

OTHERS = 6  # sources that are tried for a sentence that its own do not bear out
ALIKE = 0.5  # share of its terms, weighed by rareness, that such a source has
SURE = 0.5  # how likely such a source says it all
MOST_CITED = 4
MOST_CHARACTERS = 800  # of a sentence: nobody writes a longer one

_GAP = re.compile(
    r"\s*(?:however,?\s+|but\s+)?(?:the|these|those|my)?\s*(?:given\s+|available\s+|provided\s+)?"
    r"(?:sources?|documents?|passages?|texts?)\s+(?:do|does|did)\s*(?:not|n['’]t)\s+"
    r"(?:say|state|mention|give|specify|name|tell|report|provide|include|contain|cover|explain"
    r"|indicate|disclose|show)\b",
    re.IGNORECASE,
)
_TURNS = re.compile(r"[:;–—]|\b(?:but|although|though|while|however|yet|because|since|as)\b", re.I)


@dataclass(frozen=True)
class Reviewed:
    """A sentence, what came of it, and the sources that it now cites."""

    text: str
    status: Status
    sources: tuple[Source, ...]
    verdict: Verdict


@dataclass(frozen=True)
class Reviewer:
    """Reviews the sentences of one answer. `idf` tells how rare a term is."""

    checker: Checker
    sheet: Sheet
    question: str
    idf: Callable[[str], float]

    def review(self, said: Said) -> Reviewed | None:
        """What becomes of a sentence; None where it says nothing, as a heading does."""
        if not any(character.isalnum() for character in said.text) or said.text.endswith(":"):
            return None
        if len(said.text) > MOST_CHARACTERS:
            too_long = Verdict((Finding("support", "the whole of it"),), (), None)
            return Reviewed(f"{said.text[:MOST_CHARACTERS]} …", "unsupported", (), too_long)
        cited = [self.sheet.by_id[one] for one in said.ids if one in self.sheet.by_id]
        cited = cited[:MOST_CITED]
        verdict = self._check(said.text, cited)
        if verdict.passed:
            return Reviewed(said.text, "supported", tuple(cited), verdict)
        if not cited and self._is_gap(said.text):
            return Reviewed(said.text, "gap", (), verdict)
        for sources in self._others(said.text, cited, verdict):
            if self._bears_out(said.text, sources):
                return Reviewed(said.text, "repaired", tuple(sources), verdict)
        return Reviewed(said.text, "unsupported", (), verdict)

    def _check(self, text: str, sources: Sequence[Source]) -> Verdict:
        return self.checker.check(text, [evidence_of(source) for source in sources])

    def _is_gap(self, text: str) -> bool:
        """Whether a sentence says what the sources lack, in the question's words, and no more."""
        if not _GAP.match(text) or _TURNS.search(text):
            return False
        found = self.checker.rules.check(text, [Evidence(self.question)]).findings
        return {finding.kind for finding in found} <= {"negation", "hedge"}

    def _bears_out(self, text: str, sources: Sequence[Source]) -> bool:
        """Whether sources that a sentence did not name say it; the rules go first, being quick."""
        evidence = [evidence_of(source) for source in sources]
        if not self.checker.rules.check(text, evidence).passed:
            return False
        verdict = self.checker.check(text, evidence)
        return verdict.passed and (verdict.support is None or verdict.support >= SURE)

    def _others(
        self, text: str, cited: Sequence[Source], verdict: Verdict
    ) -> Iterator[list[Source]]:
        """What else may say it: what it cites after the sentence before; another source, alone.

        Never two that have little to do with each other: of many sentences, one
        has any number.
        """
        kinds = {finding.kind for finding in verdict.findings}
        if cited and kinds <= {"name", "support"}:
            before = [one for source in cited if (one := self.sheet.before(source)) is not None]
            if before:
                yield list(dict.fromkeys([*before, *cited]))
        for other in self._near(text):
            if other not in cited:
                yield [other]

    def _near(self, text: str) -> list[Source]:
        """The sources that have most of a sentence's terms, weighed by rareness; the best first."""
        weights = {term: self.idf(term) for term in set(terms([text])[0])}
        least = ALIKE * sum(weights.values())
        shared = {
            source: sum(weights[term] for term in weights.keys() & source.terms)
            for source in self.sheet.sources
        }
        near = [source for source, weight in shared.items() if weight and weight >= least]
        return sorted(near, key=lambda source: (-shared[source], source.id))[:OTHERS]


def evidence_of(source: Source) -> Evidence:
    """A source as the checks see it."""
    metadata = source.passage.metadata
    return Evidence(
        source.text,
        title=str(metadata.get("title", "")),
        publisher=str(metadata.get("publisher", "")),
        published=metadata.get("published"),
    )
