"""A sentence that a model wrote → whether the sources say it, and which ones.

A sentence that its own sources do not bear out is given others, if there are
any that do. What is left is unsupported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.answering.checks import Checker, Evidence, Finding, Verdict
from assistant.answering.replies import Said
from assistant.answering.sheet import Sheet, Source
from assistant.lexical import terms
from assistant.schema import Status

OTHERS = 6  # sources that are tried for a sentence that its own do not bear out
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
        for sources in self._others(said.text, cited):
            if self._check(said.text, sources).passed:
                return Reviewed(said.text, "repaired", tuple(sources), verdict)
        return Reviewed(said.text, "unsupported", (), verdict)

    def _check(self, text: str, sources: Sequence[Source]) -> Verdict:
        return self.checker.check(text, [evidence_of(source) for source in sources])

    def _is_gap(self, text: str) -> bool:
        """Whether a sentence says what the sources lack, in the question's words, and no more."""
        if not _GAP.match(text) or _TURNS.search(text):
            return False
        found = self.checker.check(text, [Evidence(self.question)]).findings
        return {finding.kind for finding in found} <= {"support", "negation", "hedge"}

    def _others(self, text: str, cited: Sequence[Source]) -> list[list[Source]]:
        """The nearest other sources: each alone, then beside what the sentence cites."""
        wanted = set(terms([text])[0])
        weights = {term: self.idf(term) for term in wanted}
        shared = {
            source.id: sum(weights[term] for term in wanted & source.terms)
            for source in self.sheet.sources
            if source not in cited
        }
        near = sorted((i for i in shared if shared[i] > 0), key=lambda i: (-shared[i], i))
        others = [self.sheet.by_id[one] for one in near[:OTHERS]]
        together = [[*cited, other] for other in others if cited]
        pairs = [others[:2]] if len(others) > 1 and not cited else []
        return [*([other] for other in others), *together, *pairs]


def evidence_of(source: Source) -> Evidence:
    """A source as the checks see it."""
    metadata = source.passage.metadata
    return Evidence(
        source.text,
        title=str(metadata.get("title", "")),
        publisher=str(metadata.get("publisher", "")),
        published=metadata.get("published"),
    )
