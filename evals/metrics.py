"""The figures of one question, from its result alone; then their means.

A question on which the assistant raised scores zero and stays in the mean. A
figure that a question does not have (a citation's precision where it abstained)
is missing, not zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import ir_measures
from ir_measures import RR, R, Success, nDCG

from evals.matching import says
from evals.results import Result, Span

RANKED = (R @ 1, R @ 5, R @ 10, nDCG @ 10, RR, Success @ 5)

# A longer answer pastes instead of answering.
MOST_WORDS = 100

Ranking = Sequence[Iterable[str]]


def score(result: Result) -> dict[str, float]:
    """Every figure of one question, by its name.

    Names of retrieval figures are the field's, over documents (`doc R@5`) and
    over the places of the evidence (`span R@5`).
    """
    figures: dict[str, float] = {}
    of_any_answer = (
        words, concise, resolved, groundedness, fell_back, repaired, struck, dropped, tokens,
    )  # fmt: skip
    of_an_expected_one = (accuracy, coverage, false_abstention, citation_precision, citation_recall)
    if result.answerable:
        figures |= _ranked("doc", document_ranking(result), set(result.sources))
        figures |= _ranked("span", span_ranking(result), _names(result.evidence))
    else:
        figures["refused"] = float(result.abstained and result.error is None)
    for metric in (*(of_an_expected_one if result.answerable else ()), *of_any_answer):
        value = metric(result)
        if value is not None:
            figures[metric.__name__] = value
    return figures


def accuracy(result: Result) -> float | None:
    """1 if the answer says everything that it must."""
    return None if not result.must_include else float(coverage(result) == 1.0)


def coverage(result: Result) -> float | None:
    """The share of what must be said that the answer says."""
    if not result.must_include:
        return None
    if result.abstained or result.error is not None:
        return 0.0
    said = [says(_plain(result), wanted) for wanted in result.must_include]
    return sum(said) / len(said)


def false_abstention(result: Result) -> float | None:
    """1 if an answerable question was not answered."""
    return float(result.abstained or result.error is not None)


def words(result: Result) -> float | None:
    """The answer's length, markers left out."""
    return None if _silent(result) else float(len(_plain(result).split()))


def concise(result: Result) -> float | None:
    """1 if the answer has no more than 100 words: more is pasting, not answering."""
    length = words(result)
    return None if length is None else float(length <= MOST_WORDS)


def resolved(result: Result) -> float | None:
    """The share of citations whose quote stands in the document at its place."""
    if result.abstained:
        return None
    if result.error is not None:
        return 0.0
    found = [citation.resolves for citation in result.citations]
    return sum(found) / len(found) if found else 0.0


def citation_precision(result: Result) -> float | None:
    """The share of citations that touch the evidence, or whose document is a source."""
    if result.abstained or not result.sources:
        return None
    if result.error is not None:
        return 0.0
    right = [
        citation.span.document in result.sources
        or any(citation.span.overlaps(place) for place in result.evidence)
        for citation in result.citations
    ]
    return sum(right) / len(right) if right else 0.0


def citation_recall(result: Result) -> float | None:
    """The share of the evidence's documents that the answer cites."""
    documents = {place.document for place in result.evidence}
    if not documents:
        return None
    cited = {citation.span.document for citation in result.citations}
    return len(documents & cited) / len(documents)


def groundedness(result: Result) -> float | None:
    """The share of the answer's statements that are, word for word, a quote that they cite.

    The name of the source may stand before it. A quote counts only if it
    resolves. A statement that a language model wrote was checked already; it
    counts if all that it cites resolves.
    """
    if result.abstained:
        return None
    if result.error is not None:
        return 0.0
    if result.model and not result.fallback:
        there = {c.marker for c in result.citations if c.resolves}
        borne_out = [bool(one.markers) and there >= set(one.markers) for one in result.statements]
        return sum(borne_out) / len(borne_out) if borne_out else 0.0
    quotes = {c.marker: (c.quote, c.named) for c in result.citations if c.resolves}
    supported = [
        any(statement.text in quotes.get(marker, ()) for marker in statement.markers)
        for statement in result.statements
    ]
    return sum(supported) / len(supported) if supported else 0.0


def fell_back(result: Result) -> float | None:
    """1 if a language model was asked and its answer not taken."""
    return float(bool(result.fallback)) if result.model else None


def repaired(result: Result) -> float | None:
    """The share of what a language model wrote that was given other sources."""
    return _share(result, result.checks.get("repaired", 0))


def struck(result: Result) -> float | None:
    """The share of what it wrote that was taken out of an answer: not found in the sources."""
    return _share(result, 0 if result.fallback else result.checks.get("unsupported", 0))


def dropped(result: Result) -> float | None:
    """The share of what it wrote that was passed over with the whole of its answer."""
    return _share(result, sum(result.checks.values()) if result.fallback else 0)


def tokens(result: Result) -> float | None:
    """Tokens read and written for one answer, where that is known."""
    return float(sum(result.tokens.values())) if result.tokens else None


def _share(result: Result, count: int) -> float | None:
    written = sum(result.checks.values())
    return count / written if written else None


def document_ranking(result: Result) -> list[list[str]]:
    """The documents in the order of their best passages."""
    return [[document] for document in dict.fromkeys(span.document for span in result.retrieved)]


def span_ranking(result: Result) -> list[list[str]]:
    """For each passage, the pieces of evidence that it is the first to cover, or itself."""
    ranking: list[list[str]] = []
    found: set[str] = set()
    for passage in result.retrieved:
        covered = [p for p in result.evidence if passage.covers(p) and _name(p) not in found]
        found |= _names(covered)
        ranking.append([_name(place) for place in covered] or [_name(passage)])
    return ranking


def _ranked(kind: str, ranking: Ranking, relevant: set[str]) -> dict[str, float]:
    """Retrieval figures of one question by ir_measures; none where nothing is relevant."""
    if not relevant:
        return {}
    qrels = [ir_measures.Qrel("q", name, 1) for name in sorted(relevant)]
    names = list(dict.fromkeys(name for names in ranking for name in names))
    run = [ir_measures.ScoredDoc("q", name, -float(rank)) for rank, name in enumerate(names)]
    run = run or [ir_measures.ScoredDoc("q", "", 0.0)]
    return {
        f"{kind} {metric.measure}": round(float(metric.value), 6)
        for metric in sorted(
            ir_measures.iter_calc(RANKED, qrels, run), key=lambda m: str(m.measure)
        )
    }


def _silent(result: Result) -> bool:
    return result.abstained or result.error is not None


def _plain(result: Result) -> str:
    """The answer without its markers."""
    return " ".join(statement.text for statement in result.statements)


def _names(spans: Iterable[Span]) -> set[str]:
    return {_name(span) for span in spans}


def _name(span: Span) -> str:
    return f"{span.document}:{span.start}-{span.end}"
