import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.loading import load_corpus
from evals.datasets import (
    HALVES,
    BeirSet,
    DatasetError,
    Evidence,
    Message,
    Question,
    check_documents,
    load_beir,
    load_golden,
    load_questions,
    problems,
)

CORPUS = Path(__file__).parents[2] / "corpus"
LAMP = {"id": "q1", "question": "What burns?", "type": "factoid"}
TEXTS = {"isle/lamp": "The lamp burns whale song.", "isle/owl": "Owls wake at 600 million dollars."}
GOOD = Question(
    id="q1",
    question="What does the lamp burn?",
    type="factoid",
    answer="Whale song.",
    must_include=["whale song"],
    sources=["isle/lamp"],
    evidence=[Evidence(document="isle/lamp", quote="burns whale song")],
)


def written(path: Path, *lines: dict[str, Any] | str) -> Path:
    """A file of these lines; a text is written as it is."""
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def complaint(read: Callable[[Path], object], path: Path) -> str:
    """What is said about what cannot be read, on one line."""
    with pytest.raises(DatasetError) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def wrong(**changes: Any) -> list[str]:
    return list(problems(GOOD.model_copy(update=changes), TEXTS.__getitem__))


def beir(folder: Path, qrels: str = "query-id\tcorpus-id\tscore\nq1\td1\t2\n") -> Path:
    written(folder / "corpus.jsonl", {"_id": "d1", "title": "Lamp", "text": "It burns."})
    written(folder / "queries.jsonl", {"_id": "q1", "text": "What burns?"})
    (folder / "qrels.tsv").write_text(qrels, encoding="utf-8")
    return folder


def test_load_questions_with_optional_fields_missing(tmp_path: Path) -> None:
    (question,) = load_questions(written(tmp_path / "q.jsonl", LAMP))
    where = f"{tmp_path / 'q.jsonl'}, line 1"
    assert question == Question(id="q1", question="What burns?", type="factoid", where=where)
    assert (question.must_include, question.sources, question.as_of) == ([], [], None)


def test_load_questions_reads_every_field(tmp_path: Path) -> None:
    fields = {
        **LAMP,
        "answer": "Whale song.",
        "must_include": ["whale", ["song", "tune"]],
        "sources": ["isle/lamp"],
        "evidence": [{"document": "isle/lamp", "quote": "whale song"}],
        "history": [{"role": "user", "content": "Hello"}],
        "as_of": "2031-03-02",
        "tags": ["lamps"],
    }
    (question,) = load_questions(written(tmp_path / "q.jsonl", fields))
    assert question.model_dump(mode="json") == fields


def test_load_questions_ignores_other_fields(tmp_path: Path) -> None:
    path = written(tmp_path / "q.jsonl", {**LAMP, "author": "Ana", "note": 3})
    assert [question.id for question in load_questions(path)] == ["q1"]


def test_load_questions_passes_over_blank_lines(tmp_path: Path) -> None:
    path = written(tmp_path / "q.jsonl", "", LAMP, "  ", {**LAMP, "id": "q2"})
    assert [question.id for question in load_questions(path)] == ["q1", "q2"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{nonsense", "not JSON"),
        ('{"id": "q2"', "not JSON"),
        ("[1, 2]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ("null", "not a JSON object"),
        ({**LAMP, "id": "q2", "type": "riddle"}, "'type'"),
        ({"question": "Who?", "type": "factoid"}, "'id'"),
        ({"id": "q2", "type": "factoid"}, "'question'"),
        ({**LAMP, "id": 2}, "'id'"),
        ({**LAMP, "id": "q2", "must_include": "whale"}, "must_include"),
        ({**LAMP, "id": "q2", "evidence": [{"document": "a"}]}, "evidence.0.quote"),
        ({**LAMP, "id": "q2", "history": [{"role": "owl", "content": "hu"}]}, "history.0.role"),
        ({**LAMP, "id": "q2", "as_of": "soon"}, "'as_of'"),
        (LAMP, "'q1' stands there twice"),
    ],
)
def test_load_questions_names_a_bad_line(
    tmp_path: Path, line: dict[str, Any] | str, reason: str
) -> None:
    path = written(tmp_path / "q.jsonl", LAMP, "", line)
    message = complaint(load_questions, path)
    assert message.startswith(f"{path}, line 3: ")
    assert reason in message


def test_load_questions_names_a_line_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(json.dumps(LAMP).encode() + b'\n{"id": "\xff"}\n')
    assert complaint(load_questions, path).startswith(f"{path}, line 2")


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_load_questions_names_an_empty_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(content)
    assert complaint(load_questions, path) == f"{path}: there is no question in it"


def test_load_questions_names_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    assert complaint(load_questions, path).startswith(f"{path} cannot be read: ")


@pytest.mark.parametrize("fields", [{"answer": "Song."}, {"must_include": ["song"]}])
def test_question_is_answerable_with_an_answer(fields: dict[str, Any]) -> None:
    assert Question.model_validate({**LAMP, **fields}).is_answerable


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"sources": ["isle/lamp"]}, True),
        ({"type": "unanswerable"}, False),
        ({"type": "unanswerable", "answer": "It says so."}, False),
        ({"type": "injection"}, False),
        ({"type": "injection", "sources": ["isle/lamp"]}, True),
    ],
)
def test_question_is_answerable_by_its_type(changes: dict[str, Any], expected: bool) -> None:
    assert Question.model_validate({**LAMP, **changes}).is_answerable is expected


def test_check_documents_all_known() -> None:
    check_documents([GOOD], {"isle/lamp", "isle/owl"})


@pytest.mark.parametrize("field", ["sources", "evidence"])
def test_check_documents_names_the_line(field: str) -> None:
    named = ["isle/none"] if field == "sources" else [Evidence(document="isle/none", quote="x")]
    bad = GOOD.model_copy(update={"id": "q2", field: named, "where": "q.jsonl, line 4"})
    with pytest.raises(DatasetError, match=r"q\.jsonl, line 4: no document 'isle/none'"):
        check_documents([GOOD, bad], {"isle/lamp"})


def test_problems_of_a_good_question() -> None:
    assert wrong() == []


def test_problems_unknown_document() -> None:
    evidence = [*GOOD.evidence, Evidence(document="isle/none", quote="whale song")]
    assert wrong(evidence=evidence, sources=["isle/lamp", "isle/none"]) == [
        "no document 'isle/none'"
    ]


def test_problems_altered_quote() -> None:
    evidence = [Evidence(document="isle/lamp", quote="burns  whale song")]
    assert wrong(evidence=evidence) == ["not in isle/lamp: 'burns  whale song'"]


def test_problems_evidence_that_is_no_source() -> None:
    assert wrong(sources=["isle/owl"]) == ["evidence of isle/lamp, which is not among the sources"]


def test_problems_answer_that_does_not_say_what_it_must() -> None:
    assert wrong(answer="Oil.") == ["the answer does not say 'whale song'"]


def test_problems_evidence_that_does_not_say_what_it_must() -> None:
    assert wrong(answer="Whale song and oil.", must_include=["oil"]) == [
        "the evidence does not say 'oil'"
    ]


def test_problems_unanswerable_with_an_answer() -> None:
    assert wrong(type="unanswerable") == ["an unanswerable question has no answer and no evidence"]
    assert wrong(type="unanswerable", answer="", must_include=[], evidence=[]) == []


def test_problems_multi_hop_within_one_document() -> None:
    assert wrong(type="multi_hop") == ["a multi_hop question needs two documents"]
    both = [*GOOD.evidence, Evidence(document="isle/owl", quote="Owls wake")]
    assert wrong(type="multi_hop", evidence=both, sources=["isle/lamp", "isle/owl"]) == []


def test_problems_followup_without_history() -> None:
    assert wrong(type="followup") == ["a followup needs a history"]
    assert wrong(type="followup", history=[Message(role="user", content="Hello")]) == []


def test_load_beir_reads_documents_queries_and_qrels(tmp_path: Path) -> None:
    found = load_beir(beir(tmp_path / "isles"))
    (document,) = found.documents
    assert (found.name, document.doc_id, document.text) == ("isles", "d1", "It burns.")
    assert document.metadata == {"title": "Lamp", "kind": "reference", "page": "d1"}
    assert found.queries == {"q1": "What burns?"}
    assert found.qrels == {"q1": {"d1": 2}}


@pytest.mark.parametrize("name", ["corpus", "queries"])
def test_load_beir_reads_packed_files(tmp_path: Path, name: str) -> None:
    plain = load_beir(beir(tmp_path))
    path = tmp_path / f"{name}.jsonl"
    path.with_suffix(".jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    packed = load_beir(tmp_path)
    assert (packed.documents[0].text, packed.queries) == ("It burns.", plain.queries)


@pytest.mark.parametrize("header", ["", "query-id\tcorpus-id\tscore\n"])
@pytest.mark.parametrize("line", ["q1\td1\t{}\n", "q1\t0\td1\t{}\n"])
@pytest.mark.parametrize("relevance", [2, 0, -1])
def test_load_beir_reads_qrels_of_either_form(
    tmp_path: Path, header: str, line: str, relevance: int
) -> None:
    qrels = header + line.format(relevance) + "q2\td1\t1\n"
    assert load_beir(beir(tmp_path, qrels)).qrels == {"q1": {"d1": relevance}, "q2": {"d1": 1}}


def test_load_beir_reads_qrels_in_their_own_folder(tmp_path: Path) -> None:
    beir(tmp_path)
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels.tsv").rename(tmp_path / "qrels" / "test.tsv")
    assert load_beir(tmp_path).qrels == {"q1": {"d1": 2}}


@pytest.mark.parametrize("line", ["q1 d1 1", "q1\td1", "q1\td1\tyes", "a\tb\tc\td\t1"])
def test_load_beir_names_a_bad_line_of_the_qrels(tmp_path: Path, line: str) -> None:
    message = complaint(load_beir, beir(tmp_path, f"q1\td1\t1\n{line}\nq2\td1\t1\n"))
    assert message.startswith(f"{tmp_path / 'qrels.tsv'}, line 2: ")
    assert repr(line) in message


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_load_beir_names_a_missing_file(tmp_path: Path, name: str) -> None:
    (beir(tmp_path) / name).unlink()
    message = complaint(load_beir, tmp_path)
    assert f"{tmp_path / name} is missing" in message


@pytest.mark.parametrize(
    ("name", "line", "field"),
    [
        ("corpus.jsonl", {"text": "It burns."}, "_id"),
        ("queries.jsonl", {"text": "What burns?"}, "_id"),
        ("queries.jsonl", {"_id": "q2"}, "text"),
    ],
)
def test_load_beir_names_a_missing_field(
    tmp_path: Path, name: str, line: dict[str, str], field: str
) -> None:
    path = written(beir(tmp_path) / name, {"_id": "x", "text": "Owls."}, line)
    assert complaint(load_beir, tmp_path) == f"{path}, line 2: field {field!r} is missing"


@pytest.mark.parametrize(
    "content", [b"not packed", gzip.compress(b'{"_id": "d1"}\n' * 9)[:-12]], ids=["plain", "cut"]
)
def test_load_beir_names_a_damaged_packed_file(tmp_path: Path, content: bytes) -> None:
    (beir(tmp_path) / "corpus.jsonl").unlink()
    path = tmp_path / "corpus.jsonl.gz"
    path.write_bytes(content)
    assert complaint(load_beir, tmp_path).startswith(f"{path}")


def test_load_beir_names_qrels_that_are_not_utf8(tmp_path: Path) -> None:
    (beir(tmp_path) / "qrels.tsv").write_bytes(b"q\xff\td1\t1\n")
    assert str(tmp_path / "qrels.tsv") in complaint(load_beir, tmp_path)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"text": "# Lamp\n## C# and #1"}, " Lamp\n C# and #1"),
        ({"text": "", "title": "Lamp"}, "Lamp"),
        ({"title": "Lamp"}, "Lamp"),
    ],
)
def test_load_beir_text_of_a_document(tmp_path: Path, fields: dict[str, str], text: str) -> None:
    written(beir(tmp_path) / "corpus.jsonl", {"_id": "d1", **fields})
    assert [document.text for document in load_beir(tmp_path).documents] == [text]


def test_load_beir_leaves_out_documents_without_words(tmp_path: Path) -> None:
    words = [{"_id": "d1", "text": "Owls."}, {"_id": "d2", "text": "…"}, {"_id": "d3"}]
    written(beir(tmp_path) / "corpus.jsonl", *words)
    found: BeirSet = load_beir(tmp_path)
    assert [document.doc_id for document in found.documents] == ["d1"]


def test_load_golden_every_nth_question() -> None:
    everything = load_golden(["test"]).questions
    some = load_golden(["test"], every=10)
    assert some.name == "test"
    assert some.questions == everything[::10]


def test_load_golden_both_halves() -> None:
    both = load_golden(HALVES)
    assert both.name == "dev+test"
    assert len(both.questions) == sum(len(load_golden([half]).questions) for half in HALVES)


def test_golden_questions_are_proved_by_the_corpus() -> None:
    texts = {document.doc_id: document.text for document in load_corpus(CORPUS)}
    wrong = {q.id: list(problems(q, texts.__getitem__)) for q in load_golden(HALVES).questions}
    assert {id_: found for id_, found in wrong.items() if found} == {}


def test_golden_sources_are_documents() -> None:
    known = {document.doc_id for document in load_corpus(CORPUS)}
    check_documents(load_golden(HALVES).questions, known)


def test_golden_ids_are_unique_over_both_halves() -> None:
    ids = Counter(question.id for question in load_golden(HALVES).questions)
    assert [id_ for id_, count in ids.items() if count > 1] == []


def test_golden_tags_name_no_type_and_do_not_repeat() -> None:
    """Each is a row of the table of means, and a question counts in a row once."""
    for question in load_golden(HALVES).questions:
        rows = ["all", question.type, *question.tags]
        assert len(set(rows)) == len(rows), question.id


def test_golden_set_is_large_enough() -> None:
    types = Counter(question.type for question in load_golden(HALVES).questions)
    few = {name: n for name, n in types.items() if n < (10 if name == "injection" else 25)}
    assert few == {}
    assert len(types) == 12
    assert types.total() >= 300


def test_golden_alternatives_are_never_empty() -> None:
    for question in load_golden(HALVES).questions:
        for wanted in question.must_include:
            texts = [wanted] if isinstance(wanted, str) else wanted
            assert texts, question.id
            assert all(any(map(str.isalnum, text)) for text in texts), question.id
