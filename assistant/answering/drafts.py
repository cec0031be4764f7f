"""Reviewed sentences → the text of an answer, its markers and its citations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from assistant.answering.review import Reviewed
from assistant.answering.sheet import Source
from assistant.citations import cite
from assistant.schema import Answer, Checked, Citation

ENOUGH = 0.5  # share of its claims that must be left for it to be an answer


@dataclass
class Draft:
    """An answer as far as it is written. A source has one marker, given when it is first cited."""

    sentences: list[Reviewed] = field(default_factory=list)

    def add(self, reviewed: Reviewed | None) -> None:
        """One more sentence, if it says something."""
        if reviewed is not None:
            self.sentences.append(reviewed)

    @property
    def claims(self) -> list[Reviewed]:
        """The sentences that say more than what the sources lack."""
        return [one for one in self.sentences if one.status != "gap"]

    @property
    def is_enough(self) -> bool:
        """Whether enough of it is in the sources."""
        borne_out = [one for one in self.claims if one.status != "unsupported"]
        return bool(borne_out) and len(borne_out) >= ENOUGH * len(self.claims)

    @property
    def checked(self) -> tuple[Checked, ...]:
        """Its sentences as an answer carries them."""
        markers = {source.id: n for n, source in enumerate(self._cited, 1)}
        return tuple(
            Checked(
                text=one.text,
                status=one.status,
                markers=tuple(markers[source.id] for source in one.sources),
                findings=tuple((finding.kind, finding.value) for finding in one.verdict.findings),
                computed=tuple(one.verdict.computed),
                support=one.verdict.support,
            )
            for one in self.sentences
        )

    def over(self, quoted: Answer) -> Answer:
        """The offline answer with this one in its place."""
        checked = self.checked
        return replace(
            quoted,
            text=" ".join(_with_markers(one) for one in checked if one.is_shown),
            citations=tuple(
                cite(n, source.passage, source.span, source.text)
                for n, source in enumerate(self._cited, 1)
            ),
            outcome="answered",
            nearest=(),
            differing=(),
            sentences=checked,
        )

    def abstention(self, quoted: Answer) -> Answer:
        """The offline answer turned into the nearest that the documents say."""
        return replace(
            quoted,
            text="",
            citations=(),
            outcome="not_stated",
            nearest=_numbered(quoted.nearest or quoted.citations[:2]),
            differing=(),
            sentences=self.checked,
        )

    @property
    def _cited(self) -> Sequence[Source]:
        """The sources in the order in which they are cited."""
        cited = {source.id: source for one in self.sentences for source in one.sources}
        return list(cited.values())


def _with_markers(sentence: Checked) -> str:
    return " ".join([sentence.text, *(f"[{marker}]" for marker in sentence.markers)])


def _numbered(citations: Sequence[Citation]) -> tuple[Citation, ...]:
    return tuple(replace(citation, marker=n) for n, citation in enumerate(citations, 1))
