import re
from dataclasses import replace
from html import unescape
from typing import Any
from xml.etree import ElementTree

import pytest

from evals import plots
from evals.drafts import Feedback
from evals.report import (
    HEADLINE,
    flips,
    page,
    show_comparison,
    show_feedback,
    show_run,
    show_sweep,
)
from evals.results import Cited, Result, Span, Statement
from evals.runner import Run
from evals.summary import Mean, differences, latency, summarise

HOSTILE = (
    "<script>alert('x')</script>\"><img src=https://evil.example/a.png onerror=alert(1)>&{{7*7}}"
)
BASE = Result(
    id="q1",
    type="factoid",
    tags=(),
    question="What burns?",
    history=(),
    expected_answer="Whale song.",
    must_include=("whale song",),
    sources=("isle/lamp",),
    evidence=(),
    answerable=True,
    answer="Whale song. [1]",
    confidence=0.75,
    standalone_question="What burns?",
    statements=(Statement("Whale song.", (1,)),),
    citations=(
        Cited(1, Span("isle/lamp", 0, 11), "Whale song.", "Gazette", None, "Lamp", None, True),
    ),
    retrieved=(Span("isle/lamp", 0, 50),),
    timings_ms={"total": 2.0},
    metrics={"accuracy": 1.0, "words": 2.0},
)


def result(**changes: Any) -> Result:
    return replace(BASE, **changes)


def run(*results: Result, name: str = "night") -> Run:
    summary = {**summarise(results), "latency_ms": latency(results), "peak_memory_mb": 512}
    settings = {"questions": "dev", "answerer": "extractive", "generation": "g1"}
    return Run(name, settings, results, summary)


def tags(html: str) -> list[tuple[str, str]]:
    """The name and the attributes of every element."""
    return re.findall(r"<(\w+)([^>]*)>", html)


def text(html: str) -> str:
    """What a reader sees, and the style sheet."""
    return unescape(re.sub(r"<[^>]*>", "", html))


def hostile() -> Result:
    """A wrong answer whose every text would like to be HTML."""
    return result(
        id=HOSTILE,
        type=HOSTILE,
        tags=(HOSTILE + "tag",),
        question=HOSTILE,
        history=({"role": "user", "content": HOSTILE},),
        expected_answer=HOSTILE,
        must_include=(HOSTILE, [HOSTILE, HOSTILE]),
        sources=(HOSTILE,),
        standalone_question=HOSTILE + "?",
        statements=(Statement(HOSTILE, (1,)),),
        citations=(
            Cited(1, Span(HOSTILE, 0, 9), HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, False),
        ),
        retrieved=(Span(HOSTILE, 0, 50),),
        metrics={"accuracy": 0.0},
    )


def texts_of(svg: str) -> list[str]:
    """The texts of a picture, which is well-formed."""
    return ["".join(one.itertext()) for one in ElementTree.fromstring(svg).iter("text")]


def test_page_needs_no_other_file() -> None:
    html = page(run(result(), hostile()))
    assert not {"script", "link", "img", "iframe", "object"} & {name for name, _ in tags(html)}
    attributes = [re.sub(r'"[^"]*"', "", values) for _, values in tags(html)]
    assert not [one for one in attributes if re.search(r"\b(src|href|action|data)=", one)]
    assert not re.search(r"@import|url\(", page(run(result())))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"abstained": True, "answer": HOSTILE},
        {"error": HOSTILE, "statements": (), "citations": ()},
    ],
)
def test_page_escapes_every_text(changes: dict[str, Any]) -> None:
    html = page(run(replace(hostile(), **changes), name=HOSTILE))
    assert "<script" not in html
    assert "<img" not in html
    assert "{{7*7}}" in html
    assert HOSTILE in text(html)


def test_page_escapes_an_id_within_its_attribute() -> None:
    (attributes,) = [values for name, values in tags(page(run(hostile()))) if name == "details"]
    value = re.fullmatch(r' id="([^"]*)"', attributes)
    assert value
    assert unescape(value[1]) == HOSTILE


def test_page_shows_failed_questions_first() -> None:
    results = [
        result(id="a-right"),
        result(id="z-wrong", metrics={"accuracy": 0.0}),
        result(id="b-right"),
        result(id="y-error", error="ValueError: x"),
    ]
    ids = re.findall(r'<details id="([^"]+)">', page(run(*results)))
    assert ids == ["y-error", "z-wrong", "a-right", "b-right"]


def test_page_says_what_an_answer_lacks() -> None:
    html = page(run(result(must_include=("whale song", ["oil", "gas"]))))
    assert '<span class="good">whale song</span>' in html
    assert '<span class="bad">oil / gas</span>' in html


def test_page_of_an_unanswerable_question_expects_an_abstention() -> None:
    html = page(run(result(expected_answer="", must_include=(), metrics={"refused": 0.0})))
    assert "<dd>an abstention</dd>" in html


def test_page_marks_a_quote_that_does_not_resolve() -> None:
    broken = replace(BASE.citations[0], resolves=False)
    assert "does not resolve" in page(run(result(citations=(broken,))))
    assert "does not resolve" not in page(run(result()))


def test_page_shows_the_means_of_each_group() -> None:
    html = page(run(result(), result(id="q2", type="date", metrics={"accuracy": 0.0})))
    row = re.search(r"<tr><td>accuracy</td>(.*?)</tr>", html, re.DOTALL)
    assert row
    assert re.findall(r"<td>(.*?)</td>", row[1]) == ["0.500", "0.000", "1.000"]


def test_page_of_a_run_without_figures() -> None:
    assert "0 questions" in page(run())


def test_flips_are_the_questions_that_changed_sides() -> None:
    right, wrong = {"accuracy": 1.0}, {"accuracy": 0.0}
    before = [
        result(id="better", metrics=wrong),
        result(id="worse", metrics=right),
        result(id="same", metrics=right),
        result(id="gone", metrics=wrong),
    ]
    after = [
        result(id="better", metrics=right),
        result(id="worse", metrics=wrong, question="Why?"),
        result(id="same", metrics={"accuracy": 1.0, "words": 9.0}),
        result(id="new", metrics=wrong),
    ]
    assert flips(before, after) == [("better", True, "What burns?"), ("worse", False, "Why?")]


def test_show_run_prints_means_and_failures(capsys: pytest.CaptureFixture[str]) -> None:
    show_run(run(result(), result(id="q2", metrics={"accuracy": 0.0})))
    shown = capsys.readouterr().out
    assert re.search(r"accuracy +0\.5 +0 – 1 +2 *\n", shown)
    assert "1 of 2 went wrong" in shown


def test_show_run_cuts_no_name_and_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    """Into a file, or a terminal of 80 columns."""
    show_run(run(result(type="unanswerable", metrics=dict.fromkeys(HEADLINE, 0.123))))
    assert "…" not in capsys.readouterr().out


def test_show_sweep_cuts_no_name_and_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    show_sweep([({"top_k": 5}, run(result(metrics=dict.fromkeys(HEADLINE, 0.123))))])
    assert "…" not in capsys.readouterr().out


def test_show_comparison_prints_changes_and_flips(capsys: pytest.CaptureFixture[str]) -> None:
    before = run(*(result(id=f"q{n}", metrics={"accuracy": 0.0}) for n in range(2)), name="old")
    after = run(result(id="q0"), result(id="q1", metrics={"accuracy": 0.0}), name="new")
    show_comparison(before, after, differences(before.results, after.results))
    shown = capsys.readouterr().out
    assert re.search(r"all +accuracy +2 +0 +0\.5 +\+0\.500 +1\.000", shown)
    assert "✓ now right  q0  What burns?" in shown
    assert "q1" not in shown


def test_show_comparison_prints_texts_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets are no markup of the terminal's."""
    before = run(result(id="q1", metrics={"accuracy": 0.0}))
    after = run(result(id="q1", question="What [bold]burns[/]?"))
    show_comparison(before, after, [])
    assert "What [bold]burns[/]?" in capsys.readouterr().out


def test_show_sweep_prints_a_row_for_each_setting(capsys: pytest.CaptureFixture[str]) -> None:
    show_sweep([({"top_k": 5}, run(result())), ({"top_k": 12}, run(result(timings_ms={})))])
    _, first, second = capsys.readouterr().out.splitlines()
    assert (first.split()[0], first.split()[-1]) == ("5", "2")
    assert (second.split()[0], second.split()[-1]) == ("12", "0")


def test_bars_show_each_value_with_its_count() -> None:
    svg = plots.bars_with_intervals({"all": Mean(0.5, 0.25, 0.75, 8), "date": Mean(1, 1, 1, 3)})
    assert texts_of(svg)[-4:] == ["all", "0.50 8", "date", "1.00 3"]
    bars = [one.get("width") for one in ElementTree.fromstring(svg).iter("rect")]
    assert bars == ["218.0", "436.0"]  # of 640 - 120 - 84


def test_curve_goes_through_its_points() -> None:
    picture = ElementTree.fromstring(plots.curve([(0.5, 0.0), (1.0, 0.5)]))
    line = picture.find("polyline")
    assert line is not None
    assert line.get("points") == "338.0,184.0 556.0,96.0"


def test_latencies_show_median_and_percentile() -> None:
    svg = plots.latencies({"rank": {"p50": 2.0, "p95": 4.0}})
    assert texts_of(svg) == ["rank", "2.0 ms p95 4.0"]


@pytest.mark.parametrize(
    "svg", [plots.bars_with_intervals({}), plots.curve([]), plots.latencies({})]
)
def test_plots_of_nothing_are_well_formed(svg: str) -> None:
    assert ElementTree.fromstring(svg).tag == "svg"


def test_show_feedback_prints_a_line_each_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    marks = [
        Feedback(question="What burns?", verdict="wrong", reason="It is owls.",
                 created_at="2031-03-02T07:08:09.123456+00:00"),
        Feedback(question="Why?", verdict="right"),
        Feedback(question="owl " * 500, verdict="wrong"),
    ]  # fmt: skip
    show_feedback([(number, mark) for number, mark in enumerate(marks, 7)])
    shown = capsys.readouterr().out
    rows = [line.split() for line in shown.splitlines()]
    assert rows[1] == "007 2031-03-02 07:08 wrong What burns? It is owls.".split()
    assert rows[2] == "008 right Why?".split()
    assert rows[3][:3] == "009 wrong owl".split()
    assert len(rows) == 6
    assert shown.endswith("\n2 wrong, 1 right\n")


def test_show_feedback_gives_the_terminal_no_orders(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\x1b]0;owl\x07\x1b[31m[red]\x9b2J\u202e\nwho?"
    show_feedback([(1, Feedback(question=text, verdict="wrong", reason=text))])
    shown = capsys.readouterr().out
    assert "[31m[red] 2J who?" in shown
    assert all(c.isprintable() or c == "\n" for c in shown)


def test_show_feedback_of_none(capsys: pytest.CaptureFixture[str]) -> None:
    show_feedback([])
    assert capsys.readouterr().out == "There is no feedback yet.\n"
