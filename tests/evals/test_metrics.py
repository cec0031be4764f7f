import json
from dataclasses import replace
from typing import Any

import pytest

from evals.metrics import (
    accuracy,
    citation_precision,
    citation_recall,
    concise,
    coverage,
    document_ranking,
    false_abstention,
    groundedness,
    resolved,
    score,
    span_ranking,
    words,
)
from evals.results import Cited, Result, Span, Statement, from_dict

LAMP, OWL = Span("lamp", 100, 200), Span("owl", 0, 50)
BASE = Result(
    id="q1",
    type="factoid",
    tags=(),
    question="What burns?",
    history=(),
    expected_answer="Whale song.",
    must_include=("whale song",),
    sources=("lamp",),
    evidence=(LAMP,),
    answerable=True,
)


def result(**changes: Any) -> Result:
    return replace(BASE, **changes)


def cited(
    marker: int = 1,
    span: Span = LAMP,
    quote: str = "q",
    resolves: bool = True,
    published: str | None = None,
) -> Cited:
    return Cited(marker, span, quote, "Gazette", published, "The lamp", None, resolves)


def said(*texts: str, **changes: Any) -> Result:
    """A result that says these, each with its own marker."""
    statements = tuple(Statement(text, (n,)) for n, text in enumerate(texts, 1))
    return result(answer=" ".join(texts), statements=statements, **changes)


def ranked(*documents: str, **changes: Any) -> dict[str, float]:
    """The figures of a ranking of documents."""
    return score(result(retrieved=tuple(Span(name, 0, 10) for name in documents), **changes))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Span("lamp", 100, 200), True),
        (Span("lamp", 199, 300), True),
        (Span("lamp", 0, 101), True),
        (Span("lamp", 120, 130), True),
        (Span("lamp", 200, 300), False),
        (Span("lamp", 0, 100), False),
        (Span("owl", 100, 200), False),
    ],
)
def test_span_overlaps_where_a_character_is_shared(other: Span, expected: bool) -> None:
    assert LAMP.overlaps(other) is expected
    assert other.overlaps(LAMP) is expected


@pytest.mark.parametrize(
    ("passage", "expected"),
    [
        (Span("lamp", 0, 400), True),
        (Span("lamp", 149, 300), True),
        (Span("lamp", 150, 300), False),
        (Span("lamp", 0, 151), True),
        (Span("lamp", 120, 130), False),
        (Span("lamp", 300, 400), False),
        (Span("owl", 0, 400), False),
    ],
)
def test_span_covers_more_than_half(passage: Span, expected: bool) -> None:
    assert passage.covers(LAMP) is expected


@pytest.mark.parametrize(
    ("metrics", "error", "expected"),
    [
        ({"accuracy": 1.0}, None, False),
        ({"accuracy": 0.0}, None, True),
        ({"refused": 1.0}, None, False),
        ({"refused": 0.0}, None, True),
        ({}, None, False),
        ({"accuracy": 1.0}, "ValueError: x", True),
    ],
)
def test_result_failed(metrics: dict[str, float], error: str | None, expected: bool) -> None:
    assert result(metrics=metrics, error=error).failed is expected


def test_result_read_back_is_the_same() -> None:
    full = said(
        "Whale song.",
        citations=(cited(published="2031-03-02"),),
        retrieved=(LAMP, OWL),
        outcome="not_stated",
        signals={"cosine": 0.5},
        metrics={"words": 2.0},
    )
    assert from_dict(json.loads(json.dumps(full.as_dict()))) == full


def test_result_of_an_older_run_is_read_back() -> None:
    """Runs before there were outcomes are still compared with."""
    line = said("Whale song.").as_dict()
    del line["outcome"], line["signals"]
    assert from_dict(line) == said("Whale song.")


def test_cited_named_as_a_text_names_its_source() -> None:
    assert cited(quote="Owls wake.").named == "Gazette, undated: Owls wake."
    dated = cited(quote="Owls wake.", published="2031-03-02")
    assert dated.named == "Gazette, 2 March 2031: Owls wake."


def test_accuracy_everything_is_said() -> None:
    assert accuracy(said("It burns", "WHALE song.")) == 1.0


def test_accuracy_something_is_missing() -> None:
    partial = said("Whale song.", must_include=("whale song", "at night"))
    assert (accuracy(partial), coverage(partial)) == (0.0, 0.5)


def test_coverage_counts_any_of_a_list_once() -> None:
    wanted = (["oil", "whale song"], "$600 million", "never")
    assert coverage(said("Whale song", "for $600m.", must_include=wanted)) == pytest.approx(2 / 3)


def test_coverage_reads_the_answer_without_its_markers() -> None:
    marked = result(answer="Whale [1] song.", statements=(Statement("Whale song.", (1,)),))
    assert coverage(marked) == 1.0


@pytest.mark.parametrize("changes", [{"abstained": True}, {"error": "ValueError: x"}])
def test_accuracy_of_a_failure_is_zero(changes: dict[str, Any]) -> None:
    failure = said("Whale song.", **changes)
    assert (accuracy(failure), coverage(failure)) == (0.0, 0.0)
    assert false_abstention(failure) == 1.0


def test_accuracy_missing_where_nothing_must_be_said() -> None:
    free = said("Whale song.", must_include=())
    assert (accuracy(free), coverage(free)) == (None, None)


def test_false_abstention_of_an_answer_is_zero() -> None:
    assert false_abstention(said("Whale song.")) == 0.0


def test_words_of_all_statements() -> None:
    assert words(said("It burns", "whale  song.")) == 4.0


@pytest.mark.parametrize(("count", "expected"), [(1, 1.0), (100, 1.0), (101, 0.0)])
def test_concise_up_to_a_hundred_words(count: int, expected: float) -> None:
    assert concise(said(" ".join(["owl"] * count))) == expected


def test_figures_of_an_answer_missing_without_one() -> None:
    silent = said("Whale song.", citations=(cited(),), abstained=True)
    for metric in (words, concise, resolved, citation_precision, groundedness):
        assert metric(silent) is None


def test_figures_of_an_answer_after_an_error() -> None:
    """The shares are zero and stay in the mean; there is no length."""
    failed = said("Whale song.", citations=(cited(),), error="ValueError: x")
    for metric in (resolved, citation_precision, groundedness):
        assert metric(failed) == 0.0
    assert words(failed) is concise(failed) is None


def test_resolved_is_a_share_of_the_citations() -> None:
    citations = (cited(1), cited(2, resolves=False), cited(3), cited(4))
    assert resolved(said("x", citations=citations)) == 0.75


def test_resolved_without_citations_is_zero() -> None:
    assert resolved(said("x")) == 0.0
    assert citation_precision(said("x")) == 0.0


def test_citation_precision_counts_sources_and_evidence() -> None:
    citations = (
        cited(1, Span("lamp", 0, 5)),  # a source, elsewhere
        cited(2, Span("owl", 49, 60)),  # touches evidence
        cited(3, Span("owl", 50, 60)),  # beside it
        cited(4, Span("fox", 0, 50)),
    )
    assert citation_precision(said("x", citations=citations, evidence=(LAMP, OWL))) == 0.5


def test_citation_precision_missing_without_sources() -> None:
    assert citation_precision(said("x", citations=(cited(),), sources=())) is None


def test_citation_recall_counts_documents_once() -> None:
    citations = (cited(1), cited(2), cited(3, Span("fox", 0, 5)))
    evidence = (LAMP, OWL, Span("owl", 60, 90))
    assert citation_recall(said("x", citations=citations, evidence=evidence)) == 0.5


def test_citation_recall_without_evidence_is_missing() -> None:
    assert citation_recall(said("x", citations=(cited(),), evidence=())) is None


def test_citation_recall_of_a_failure_is_zero() -> None:
    assert citation_recall(result(error="ValueError: x")) == 0.0


def test_groundedness_of_quotes() -> None:
    citations = (cited(1, quote="Owls wake."), cited(2, quote="Lamps burn."))
    assert groundedness(said("Owls wake.", "Lamps burn.", citations=citations)) == 1.0


@pytest.mark.parametrize("text", ["Owls awake.", "owls wake.", "Owls wake", "Owls wake. Not."])
def test_groundedness_of_an_altered_quote(text: str) -> None:
    citations = (cited(1, quote="Lamps burn."), cited(2, quote="Owls wake."))
    assert groundedness(said("Lamps burn.", text, citations=citations)) == 0.5


def test_groundedness_of_a_quote_after_the_name_of_its_source() -> None:
    citations = (cited(1, quote="Owls wake.", published="2031-03-02"),)
    assert groundedness(said("Gazette, 2 March 2031: Owls wake.", citations=citations)) == 1.0


@pytest.mark.parametrize(
    "name",
    [
        "Amber Post, 2 March 2031: ",
        "Gazette, 3 March 2031: ",
        "Gazette, undated: ",
        "Gazette: ",
        "Gazette, 2 March 2031 ",
        "Gazette, 2 March 2031: Gazette, 2 March 2031: ",
    ],
)
def test_groundedness_of_a_quote_after_another_name(name: str) -> None:
    citations = (cited(1, quote="Owls wake.", published="2031-03-02"),)
    assert groundedness(said(f"{name}Owls wake.", citations=citations)) == 0.0


def test_groundedness_of_a_name_alone() -> None:
    citations = (cited(1, quote="Owls wake.", published="2031-03-02"),)
    assert groundedness(said("Gazette, 2 March 2031:", citations=citations)) == 0.0


def test_groundedness_of_a_quote_that_does_not_resolve() -> None:
    citations = (cited(1, quote="Owls wake.", resolves=False),)
    assert groundedness(said("Owls wake.", citations=citations)) == 0.0


def test_groundedness_of_a_quote_under_another_marker() -> None:
    citations = (cited(1, quote="Lamps burn."), cited(2, quote="Owls wake."))
    statements = (Statement("Owls wake.", (1,)), Statement("Owls wake.", (1, 2)))
    assert groundedness(result(statements=statements, citations=citations)) == 0.5


def test_groundedness_of_a_statement_without_marker() -> None:
    bare = result(statements=(Statement("Owls wake.", ()),), citations=(cited(quote="Owls wake."),))
    assert groundedness(bare) == 0.0


def test_groundedness_without_statements_is_zero() -> None:
    assert groundedness(result(citations=(cited(),))) == 0.0


def test_document_ranking_takes_the_best_passage() -> None:
    retrieved = (LAMP, OWL, Span("lamp", 0, 50), Span("fox", 0, 5))
    assert document_ranking(result(retrieved=retrieved)) == [["lamp"], ["owl"], ["fox"]]


def test_span_ranking_names_what_a_passage_is_first_to_cover() -> None:
    passages = (Span("lamp", 0, 90), Span("lamp", 90, 210), Span("lamp", 100, 250))
    assert span_ranking(result(retrieved=passages)) == [
        ["lamp:0-90"],
        ["lamp:100-200"],
        ["lamp:100-250"],
    ]


def test_span_ranking_passage_that_covers_two() -> None:
    evidence = (LAMP, Span("lamp", 210, 220))
    ranking = span_ranking(result(retrieved=(Span("lamp", 0, 300),), evidence=evidence))
    assert ranking == [["lamp:100-200", "lamp:210-220"]]


def test_score_relevant_document_third() -> None:
    figures = ranked("owl", "fox", "lamp")
    assert figures["doc RR"] == pytest.approx(1 / 3, abs=1e-6)
    assert figures["doc nDCG@10"] == 0.5  # 1 / log2(3 + 1)
    assert [figures[f"doc {name}"] for name in ("R@1", "R@5", "Success@5")] == [0.0, 1.0, 1.0]


def test_score_two_relevant_documents_first_and_third() -> None:
    figures = ranked("lamp", "fox", "owl", sources=("lamp", "owl"))
    assert figures["doc RR"] == 1.0
    assert [figures[f"doc {name}"] for name in ("R@1", "R@5", "R@10")] == [0.5, 1.0, 1.0]
    # (1 + 0.5) / (1 + 1 / log2(3))
    assert figures["doc nDCG@10"] == pytest.approx(1.5 / 1.63093, abs=1e-5)


def test_score_relevant_document_sixth() -> None:
    figures = ranked("a", "b", "c", "d", "e", "lamp")
    assert [figures[f"doc {name}"] for name in ("R@5", "R@10", "Success@5")] == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("documents", [(), ("owl", "fox")])
def test_score_nothing_relevant_found_is_zero(documents: tuple[str, ...]) -> None:
    figures = ranked(*documents)
    found = {value for name, value in figures.items() if name.startswith(("doc ", "span "))}
    assert found == {0.0}
    assert len([name for name in figures if name.startswith("span ")]) == 6


def test_score_span_beside_the_evidence() -> None:
    """The right document, the wrong place, then the right place."""
    figures = score(result(retrieved=(Span("lamp", 0, 90), Span("lamp", 90, 210))))
    assert (figures["doc RR"], figures["span RR"]) == (1.0, 0.5)
    assert (figures["span R@1"], figures["span R@5"]) == (0.0, 1.0)


def test_score_without_evidence_has_no_span_figures() -> None:
    figures = ranked("lamp", evidence=())
    assert figures["doc RR"] == 1.0
    assert not any(name.startswith("span") or name == "citation_recall" for name in figures)


def test_score_without_sources_has_no_document_figures() -> None:
    figures = ranked("lamp", sources=(), evidence=())
    assert not any(name.startswith("doc") for name in figures)


def test_score_of_an_answer_has_every_figure() -> None:
    figures = score(said("Whale song.", citations=(cited(quote="Whale song."),), retrieved=(LAMP,)))
    plain = {name: value for name, value in figures.items() if " " not in name}
    assert plain == {
        "accuracy": 1.0,
        "coverage": 1.0,
        "false_abstention": 0.0,
        "words": 2.0,
        "concise": 1.0,
        "resolved": 1.0,
        "citation_precision": 1.0,
        "citation_recall": 1.0,
        "groundedness": 1.0,
    }
    assert len(figures) - len(plain) == 12


def test_score_of_an_error_is_zero_and_counts() -> None:
    figures = score(result(error="ValueError: x"))
    assert figures.pop("false_abstention") == 1.0
    assert {"accuracy", "coverage", "citation_recall", "doc R@5", "span R@5"} <= set(figures)
    assert set(figures.values()) == {0.0}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"abstained": True}, 1.0),
        ({"abstained": False, "answer": "Owls."}, 0.0),
        ({"abstained": True, "error": "ValueError: x"}, 0.0),
        ({"error": "ValueError: x"}, 0.0),
    ],
)
def test_score_of_an_unanswerable_question(changes: dict[str, Any], expected: float) -> None:
    assert score(result(answerable=False, **changes))["refused"] == expected


def test_score_of_an_answer_to_an_unanswerable_question_checks_its_citations() -> None:
    figures = score(result(answerable=False, statements=(Statement("Owls.", ()),)))
    assert figures == {
        "refused": 0.0, "words": 1.0, "concise": 1.0, "resolved": 0.0, "groundedness": 0.0,
    }  # fmt: skip
