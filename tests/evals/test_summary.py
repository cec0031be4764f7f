from dataclasses import replace
from typing import Any

import pytest

from evals.results import Result
from evals.summary import (
    Mean,
    auroc,
    calibration_error,
    differences,
    groups_of,
    is_right,
    latency,
    mean,
    randomisation_p,
    risk_coverage,
    summarise,
    table,
)

BASE = Result(
    id="q1",
    type="factoid",
    tags=(),
    question="What burns?",
    history=(),
    expected_answer="Whale song.",
    must_include=("whale song",),
    sources=("lamp",),
    evidence=(),
    answerable=True,
)


def result(id_: str = "q1", right: float | None = None, **changes: Any) -> Result:
    metrics = {} if right is None else {"accuracy": float(right)}
    return replace(BASE, **{"id": id_, "metrics": metrics, **changes})


def test_mean_lies_within_its_interval() -> None:
    found = mean([0, 0, 1, 1, 1, 1, 1, 1, 1, 1])
    assert (found.value, found.n) == (0.8, 10)
    assert 0 < found.low < 0.8 < found.high <= 1


def test_mean_of_the_same_values_has_the_same_interval() -> None:
    values = [0.0, 1.0, 0.5, 0.25, 1.0]
    assert mean(values) == mean(values)


def test_mean_interval_narrows_with_more_values() -> None:
    few, many = mean([0, 1] * 5), mean([0, 1] * 100)
    assert many.high - many.low < few.high - few.low


@pytest.mark.parametrize("values", [[0.5, 0.5, 0.5], [0.5]])
def test_mean_without_spread_is_a_point(values: list[float]) -> None:
    assert mean(values) == Mean(0.5, 0.5, 0.5, len(values))


def test_groups_of_are_all_the_type_and_the_tags() -> None:
    assert tuple(groups_of(result(tags=("lamps", "owls")))) == ("all", "factoid", "lamps", "owls")


def test_table_means_by_group() -> None:
    rows = table(
        [
            result("a", 1, type="numeric"),
            result("b", 0, type="date", tags=("lamps",)),
            result("c", 0, type="numeric", tags=("lamps",)),
            result("d", 0, type="numeric"),
        ]
    )
    assert {group: (row["accuracy"].value, row["accuracy"].n) for group, row in rows.items()} == {
        "all": (0.25, 4),
        "date": (0.0, 1),
        "lamps": (0.0, 2),
        "numeric": (pytest.approx(1 / 3), 3),
    }


def test_table_begins_with_all() -> None:
    rows = table([result("a", 1, type="comparison", tags=("aardvark",))])
    assert list(rows) == ["all", "aardvark", "comparison"]


def test_table_counts_a_figure_only_where_it_is() -> None:
    rows = table([result("a", 1), result("b", None), result("c", metrics={"refused": 0.0})])
    assert (rows["all"]["accuracy"].n, rows["all"]["refused"].n) == (1, 1)


def test_table_of_nothing_is_empty() -> None:
    assert table([]) == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"right": 1}, True),
        ({"right": 0}, False),
        ({"right": None}, False),
        ({"right": 1, "abstained": True}, False),
    ],
)
def test_is_right(changes: dict[str, Any], expected: bool) -> None:
    assert is_right(result(**changes)) is expected


def confident(*pairs: tuple[bool, float]) -> list[Result]:
    return [
        result(f"q{n}", answerable=answerable, confidence=confidence)
        for n, (answerable, confidence) in enumerate(pairs)
    ]


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(True, 0.9), (True, 0.8), (False, 0.1)], 1.0),
        ([(True, 0.5), (False, 0.5)], 0.5),
        ([(True, 0.1), (False, 0.9)], 0.0),
        ([(True, 0.9), (True, 0.2), (False, 0.5), (False, 0.1)], 0.75),
        ([(True, 0.9), (True, 0.1)], None),
        ([(False, 0.9)], None),
        ([], None),
    ],
)
def test_auroc_on_paper(pairs: list[tuple[bool, float]], expected: float | None) -> None:
    assert auroc(confident(*pairs)) == expected


def test_risk_coverage_on_paper() -> None:
    results = [
        result("low", 0, confidence=0.1),
        result("top", 1, confidence=0.9),
        result("off", None, confidence=0.6, answerable=False),
        result("mid", 1, confidence=0.5),
        result("silent", 0, confidence=0.95, abstained=True),
    ]
    assert risk_coverage(results) == [
        (1 / 5, 0.0),
        (2 / 5, 1 / 2),
        (3 / 5, 1 / 3),
        (4 / 5, 2 / 4),
    ]


def test_risk_coverage_does_not_count_errors_as_answered() -> None:
    assert risk_coverage([result("a", 1), result("b", 0, error="ValueError: x")]) == [(0.5, 0.0)]


def test_risk_coverage_without_answers_is_empty() -> None:
    assert risk_coverage([result(abstained=True)]) == []
    assert risk_coverage([]) == []


def test_calibration_error_on_paper() -> None:
    results = [
        result("a", 1, confidence=0.92),  # one bin: 1.86 confident, 1 right
        result("b", 0, confidence=0.94),
        result("c", 0, confidence=0.25),  # another: 0.25 confident, 0 right
        result("d", 1, confidence=1.0),  # in the last bin too: 2.86 confident, 2 right
    ]
    assert calibration_error(results) == pytest.approx((0.86 + 0.25) / 4)


@pytest.mark.parametrize(("right", "confidence"), [(1, 1.0), (0, 0.0)])
def test_calibration_error_of_the_perfect(right: int, confidence: float) -> None:
    assert calibration_error([result(right=right, confidence=confidence)]) == 0.0


def test_calibration_error_leaves_out_what_was_not_answered() -> None:
    silent = result("a", 0, confidence=0.9, abstained=True)
    broken = result("b", 0, confidence=0.9, error="ValueError: x")
    assert calibration_error([silent, broken]) is None
    assert calibration_error([silent, broken, result("c", 1, confidence=0.75)]) == 0.25


def test_latency_on_paper() -> None:
    results = [result(timings_ms={"total": float(ms)}) for ms in range(101)]
    assert latency([*results, result(timings_ms={"rank": 3.0})]) == {
        "total": {"p50": 50.0, "p95": 95.0},
        "rank": {"p50": 3.0, "p95": 3.0},
    }


def test_summarise_counts_failures_and_errors() -> None:
    summary = summarise(
        [result("a", 1), result("b", 0), result("c", 0, error="ValueError: x", answerable=False)]
    )
    assert (summary["questions"], summary["failed"], summary["errors"]) == (3, 2, 1)
    assert summary["means"]["all"]["accuracy"]["value"] == pytest.approx(1 / 3)
    assert summary["means"]["all"]["accuracy"]["n"] == 3


def test_summarise_nothing() -> None:
    summary = summarise([])
    assert (summary["questions"], summary["means"], summary["auroc"]) == (0, {}, None)


def test_differences_pair_only_shared_ids() -> None:
    before = [result("a", 0), result("b", 1), result("gone", 0)]
    after = [result("b", 1), result("new", 0), result("a", 1)]
    overall, by_type = differences(before, after)
    assert (overall.group, overall.metric, overall.n) == ("all", "accuracy", 2)
    assert (overall.before, overall.after, overall.change) == (0.5, 1.0, 0.5)
    assert (by_type.group, by_type.n) == ("factoid", 2)


def test_differences_leave_out_a_figure_that_one_run_lacks() -> None:
    before = [result("a", metrics={"accuracy": 1.0, "words": 9.0}), result("b", 1)]
    after = [result("a", 1), result("b", 1)]
    assert {one.metric for one in differences(before, after)} == {"accuracy"}


def test_differences_of_a_run_with_itself() -> None:
    same = [result("a", 0), result("b", 1)]
    assert [(one.change, one.p) for one in differences(same, same)] == [(0.0, 1.0)] * 2


def test_differences_of_runs_without_shared_questions() -> None:
    assert differences([result("a", 1)], [result("b", 1)]) == []


def test_differences_of_a_single_question() -> None:
    """One change says nothing: its sign could as well have been the other."""
    overall, _ = differences([result("a", 0)], [result("a", 1)])
    assert (overall.n, overall.change, overall.p) == (1, 1.0, 1.0)


@pytest.mark.parametrize("changes", [[0.0], [0.0, 0.0, 0.0], []])
def test_randomisation_p_where_nothing_changed(changes: list[float]) -> None:
    assert randomisation_p(changes) == 1.0


@pytest.mark.parametrize("sign", [1, -1])
def test_randomisation_p_of_a_consistent_change(sign: int) -> None:
    """Of the 1,024 ways to give ten changes a sign, two are as extreme."""
    assert randomisation_p([sign * 0.5] * 10) == pytest.approx(2 / 1024)


def test_randomisation_p_of_changes_that_cancel() -> None:
    assert randomisation_p([0.5, -0.5, 0.5, -0.5]) == 1.0


def test_randomisation_p_is_the_same_each_time() -> None:
    changes = [0.5, -0.25, 0.75, 0.1] * 5
    assert 0 < randomisation_p(changes) < 1
    assert randomisation_p(changes) == randomisation_p(changes)
