from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from evals.junit import write
from evals.results import Result
from evals.runner import Run

BASE = Result(
    id="q1",
    type="factoid",
    tags=(),
    question="What burns?",
    history=(),
    expected_answer="Whale song.",
    must_include=("whale song",),
    sources=(),
    evidence=(),
    answerable=True,
    answer="Oil.",
    metrics={"accuracy": 1.0},
)
WRONG = {"accuracy": 0.0}


def suite(folder: Path, *changes: dict[str, Any], name: str = "night") -> ElementTree.Element:
    """The file of a run with these results, read back."""
    results = tuple(replace(BASE, **one) for one in changes)
    path = folder / "new" / "junit.xml"
    write(Run(name, {}, results, {}), path)
    return ElementTree.parse(path).getroot()


def test_write_counts_failures_and_errors(tmp_path: Path) -> None:
    root = suite(
        tmp_path,
        {},
        {"id": "q2", "metrics": WRONG},
        {"id": "q3", "metrics": WRONG},
        {"id": "q4", "error": "ValueError: x", "metrics": WRONG},
    )
    assert root.tag == "testsuite"
    assert root.attrib == {"name": "night", "tests": "4", "failures": "2", "errors": "1"}
    assert [len(root.findall(f"testcase/{tag}")) for tag in ("failure", "error")] == [2, 1]


def test_write_right_answer_has_no_message(tmp_path: Path) -> None:
    (case,) = suite(tmp_path, {"timings_ms": {"total": 1500.0}})
    assert case.attrib == {"classname": "factoid", "name": "q1", "time": "1.500"}
    assert list(case) == []


def test_write_wrong_answer_says_what_was_expected(tmp_path: Path) -> None:
    ((failure,),) = suite(tmp_path, {"metrics": WRONG})
    assert (failure.tag, failure.get("message")) == ("failure", "expected: Whale song.")
    assert failure.text == "What burns?\n\nOil."


def test_write_answer_to_an_unanswerable_question(tmp_path: Path) -> None:
    ((failure,),) = suite(tmp_path, {"expected_answer": "", "metrics": {"refused": 0.0}})
    assert failure.get("message") == "expected: an abstention"


def test_write_error_is_not_a_failure_too(tmp_path: Path) -> None:
    ((error,),) = suite(tmp_path, {"error": 'ValueError: no <lamp> & no "owl"', "metrics": WRONG})
    assert (error.tag, error.get("message")) == ("error", 'ValueError: no <lamp> & no "owl"')


def test_write_run_without_questions(tmp_path: Path) -> None:
    assert suite(tmp_path).get("tests") == "0"


def test_write_texts_that_look_like_xml(tmp_path: Path) -> None:
    hostile = "</failure>]]> & <b>\"'💎"
    changes = {"id": hostile, "question": hostile, "expected_answer": hostile, "answer": hostile}
    root = suite(tmp_path, {**changes, "metrics": WRONG}, name=hostile)
    case = root[0]
    assert (root.get("name"), case.get("name")) == (hostile, hostile)
    assert case[0].text == f"{hostile}\n\n{hostile}"


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\ufffe", "\ud800"], ids=ascii)
def test_write_texts_with_characters_that_xml_forbids(tmp_path: Path, sign: str) -> None:
    """An answer may quote anything; what reads the file has to get on with it."""
    fields = ("id", "question", "answer", "expected_answer", "error")
    changes = [{"metrics": WRONG, field: f"a{sign}b"} for field in fields]
    root = suite(tmp_path, *changes)
    assert [case[0].tag for case in root] == ["failure"] * 4 + ["error"]
