"""The written training data: what it quotes is there, and nothing we measure by is in it."""

import re
from collections import Counter
from typing import Any

import pytest

from assistant.loading import load_corpus
from assistant.models.examples import QUESTIONS, read_lines
from assistant.settings import PROJECT
from evals.datasets import HALVES, load_golden

OURS = {name: list(read_lines(QUESTIONS / f"{name}.jsonl")) for name in ("corpus", "held_out")}
PUBLIC = list(read_lines(QUESTIONS / "public.jsonl"))
ALL = [*OURS["corpus"], *OURS["held_out"], *PUBLIC]
PUBLIC_SETS = {"clapnq-dev", "musique-100", "squad2-dev-half"}

Record = dict[str, Any]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {document.doc_id: document.text for document in load_corpus(PROJECT / "corpus")}


def documents(record: Record) -> set[str]:
    """The documents that a question is about."""
    return {piece["document"] for piece in record["evidence"]} | (
        {record["near"]} if "near" in record else set()
    )


def normalised(question: str) -> str:
    return " ".join(re.findall(r"\w+", question.casefold()))


@pytest.mark.parametrize("name", OURS)
def test_quotes_stand_in_their_documents(name: str, texts: dict[str, str]) -> None:
    wrong = [
        piece
        for record in OURS[name]
        for piece in record["evidence"]
        if texts.get(piece["document"], "").count(piece["quote"]) != 1
    ]
    assert wrong == []


@pytest.mark.parametrize("name", OURS)
def test_question_has_evidence_or_names_a_near_document(name: str, texts: dict[str, str]) -> None:
    for record in OURS[name]:
        assert record.keys() - {"history", "near"} == {"question", "evidence", "facts"}
        assert bool(record["evidence"]) is ("near" not in record), record["question"]
        assert documents(record) <= texts.keys()


@pytest.mark.parametrize("name", OURS)
def test_facts_are_in_the_quotes(name: str) -> None:
    for record in OURS[name]:
        quotes = " ".join(piece["quote"] for piece in record["evidence"]).casefold()
        assert [fact for fact in record["facts"] if fact.casefold() not in quotes] == []
    without = [record for record in OURS[name] if record["evidence"] and not record["facts"]]
    assert len(without) <= 0.02 * len(OURS[name])


def test_public_question_names_a_text_and_its_spans() -> None:
    for record in PUBLIC:
        assert record.keys() - {"history"} == {"question", "facts", "set", "text", "spans"}
        assert record["set"] in PUBLIC_SETS
        assert all(0 <= start < end for start, end in record["spans"]), record["question"]
        assert record["spans"] or not record["facts"]
    assert 0.3 < sum(not record["spans"] for record in PUBLIC) / len(PUBLIC) < 0.5


def test_history_is_questions() -> None:
    histories = [record["history"] for record in ALL if "history" in record]
    assert histories
    assert all(before.strip() for history in histories for before in history)
    assert all(histories)


def test_question_stands_there_once() -> None:
    asked = Counter(
        (normalised(record["question"]), *record.get("history", ()), record.get("text"))
        for record in ALL
    )
    assert asked.most_common(1)[0][1] == 1, asked.most_common(3)


def test_question_is_none_of_those_we_measure_by() -> None:
    golden = {normalised(question.question) for question in load_golden(HALVES).questions}
    assert len(golden) > 500
    assert [r["question"] for r in ALL if normalised(r["question"]) in golden] == []


def test_document_kept_for_validation_is_no_evidence_in_training() -> None:
    held = set().union(*map(documents, OURS["held_out"]))
    trained = set().union(*map(documents, OURS["corpus"]))
    assert held & trained == set()
