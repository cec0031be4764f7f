"""A run as a table for the terminal and as a page for the browser; two runs side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from jinja2 import Environment
from markupsafe import Markup
from rich.console import Console
from rich.table import Table
from rich.text import Text

from assistant.schema import shorten
from evals import matching, plots
from evals.results import Result
from evals.summary import OVERALL, Difference, Mean

if TYPE_CHECKING:
    from evals.drafts import Numbered
    from evals.runner import Run

TEMPLATE = Path(__file__).with_name("report.html.j2")

# What the first look should take in, and how it is called there.
HEADLINE = {
    "accuracy": "right answers",
    "doc R@5": "document recall@5",
    "refused": "unanswerable refused",
    "false_abstention": "answerable refused",
    "citation_precision": "citation precision",
    "groundedness": "statements quoted",
    "words": "words an answer",
}
# Figures in the order of the path that a question takes.
ORDER = (
    "doc R@1", "doc R@5", "doc R@10", "doc nDCG@10", "doc RR", "doc Success@5",
    "span R@1", "span R@5", "span R@10", "span nDCG@10", "span RR", "span Success@5",
    "accuracy", "coverage", "words", "concise", "citation_precision", "citation_recall",
    "resolved", "groundedness", "false_abstention", "refused",
    "fell_back", "repaired", "struck", "dropped", "tokens",
)  # fmt: skip
# Columns that hold no numbers.
TEXTS = {"figure", "given", "verdict", "question", "reason", "backend"}
SIGNIFICANT = 0.05
WIDE = 150
SHOWN = 48  # characters of a text in a table


def page(run: Run) -> str:
    """The whole run as one HTML file that needs no other."""
    environment = Environment(autoescape=True, trim_blocks=True)
    means = _means(run)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        run=run,
        results=sorted(run.results, key=lambda result: (not result.failed, result.type, result.id)),
        groups=list(means),
        metrics=[name for name in ORDER if name in means.get(OVERALL, {})],
        headline=[
            (words, _shown(means[OVERALL][name].value))
            for name, words in HEADLINE.items()
            if name in means.get(OVERALL, {})
        ],
        accuracy_plot=_plot(plots.bars_with_intervals(_by_group(means, "accuracy"))),
        refusal_plot=_plot(plots.bars_with_intervals(_by_group(means, "refused"))),
        risk_plot=_plot(plots.curve(run.summary["risk_coverage"])),
        latency_plot=_plot(plots.latencies(run.summary["latency_ms"])),
        auroc=_shown(run.summary["auroc"]),
        ece=_shown(run.summary["calibration_error"]),
        says=_says,
    )


def show_run(run: Run) -> None:
    """Print the means of a run with their intervals, then the headline by type."""
    means = _means(run)
    overall = means.get(OVERALL, {})
    console = _console()
    table = _table("", "mean", "95 % interval", "n")
    for name in (name for name in ORDER if name in overall):
        one = overall[name]
        table.add_row(
            name, _shown(one.value), f"{_shown(one.low)} – {_shown(one.high)}", str(one.n)
        )
    console.print(table)
    names = [name for name in HEADLINE if name in overall]
    table = _table("", "n", *names)
    for group, by_name in means.items():
        values = (_shown(by_name[name].value) if name in by_name else "" for name in names)
        table.add_row(group, str(run.summary["counts"][group]), *values)
    console.print()
    console.print(table)
    summary = run.summary
    milliseconds = summary["latency_ms"].get("total", {}).get("p50", 0)
    console.print(
        f"\nAUROC {_shown(summary['auroc'])}, calibration error "
        f"{_shown(summary['calibration_error'])}, {milliseconds:.0f} ms a question (p50), "
        f"{summary['failed']} of {summary['questions']} went wrong"
    )


def show_comparison(before: Run, after: Run, changes: Sequence[Difference]) -> None:
    """Print paired differences by figure and type, and every question that flipped."""
    console = _console()
    table = _table("", "figure", "n", before.name, after.name, "change", "p")
    shown = [one for one in changes if one.change or one.group == OVERALL]
    for one in sorted(shown, key=lambda d: (d.group != OVERALL, d.group, _position(d.metric))):
        style = "" if one.p >= SIGNIFICANT else "bold"
        table.add_row(
            one.group, one.metric, str(one.n), _shown(one.before), _shown(one.after),
            f"{one.change:+.3f}", f"{one.p:.3f}", style=style,
        )  # fmt: skip
    console.print(table)
    for id_, was, question in flips(before.results, after.results):
        mark = Text("✓ now right  " if was else "✗ now wrong  ", style="green" if was else "red")
        console.print(mark + Text(f"{id_}  {question}", style="default"))


def flips(before: Sequence[Result], after: Sequence[Result]) -> list[tuple[str, bool, str]]:
    """(id, went wrong before, question) of the questions that changed sides."""
    then = {result.id: result.failed for result in before}
    return [
        (result.id, then[result.id], result.question)
        for result in after
        if result.id in then and then[result.id] != result.failed
    ]


def show_sweep(rows: Sequence[tuple[Mapping[str, Any], Run]]) -> None:
    """Print the headline of each setting of a sweep."""
    console = _console()
    knobs = list(rows[0][0])
    table = _table(*knobs, *HEADLINE, "p50 ms")
    for values, run in rows:
        means = _means(run)[OVERALL]
        table.add_row(
            *(str(values[knob]) for knob in knobs),
            *(_shown(means[name].value) if name in means else "" for name in HEADLINE),
            f"{run.summary['latency_ms'].get('total', {}).get('p50', 0):.0f}",
        )
    console.print(table)


def show_rows(rows: Sequence[Mapping[str, str | float | None]], as_json: bool) -> None:
    """Print what a benchmark measured: a table with a column for each name, or JSON.

    A row that says why it was not measured, in `note`, becomes a line below.
    """
    console = _console()
    if as_json:
        console.print(json.dumps(rows), soft_wrap=True)
        return
    measured = [row for row in rows if "note" not in row]
    names = list(dict.fromkeys(name for row in measured for name in row))
    table = _table(*names)
    for row in measured:
        values = (row.get(name) for name in names)
        table.add_row(*(v if isinstance(v, str) else _figure(v) for v in values))
    console.print(table)
    for row in rows:
        if "note" in row:
            name, note = row.values()
            console.print(f"{name}: {note}", soft_wrap=True)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}" if value < 1.1 else f"{value:.2f}"


def show_feedback(marks: Sequence[Numbered]) -> None:
    """Print what users said of answers, a line each, and how often they said what."""
    table = _table("", "given", "verdict", "question", "reason")
    for number, feedback in marks:
        texts = (_cell(text) for text in (feedback.question, feedback.reason))
        row = (f"{number:03d}", feedback.created_at[:16].replace("T", " "), feedback.verdict)
        table.add_row(*(Text(cell) for cell in (*row, *texts)))
    counts = Counter(feedback.verdict for _, feedback in marks)
    console = _console()
    if marks:
        console.print(table)
        console.print()
    console.print(
        ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        or "There is no feedback yet."
    )


def _means(run: Run) -> dict[str, dict[str, Mean]]:
    return {
        group: {name: Mean(**one) for name, one in by_name.items()}
        for group, by_name in run.summary["means"].items()
    }


def _by_group(means: Mapping[str, Mapping[str, Mean]], metric: str) -> dict[str, Mean]:
    return {escape(group): by_name[metric] for group, by_name in means.items() if metric in by_name}


def _plot(svg: str) -> Markup:
    return Markup(svg)


def _says(result: Result, wanted: matching.Wanted) -> bool:
    return matching.says(" ".join(statement.text for statement in result.statements), wanted)


def _console() -> Console:
    """As wide as a table needs: a narrow terminal breaks lines, a file or a pipe has room."""
    console = Console(highlight=False, markup=False)
    console.width = max(console.width, WIDE)
    return console


def _table(*columns: str) -> Table:
    """Numbers to the right, the first column, names and texts to the left."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for number, name in enumerate(columns):
        left = number == 0 or name in TEXTS
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    return table


def _cell(text: str) -> str:
    """The beginning of a text; a user's could hold what a terminal obeys."""
    return shorten("".join(c if c.isprintable() else " " for c in text), SHOWN)


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 10 else f"{value:.3f}".rstrip("0").rstrip(".") or "0"


def _position(metric: str) -> int:
    return ORDER.index(metric) if metric in ORDER else len(ORDER)
