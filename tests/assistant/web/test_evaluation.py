import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from assistant.web import words
from assistant.web.evaluation import evaluation_html, latest_run

REPORT = """<h1 title='a"b'>Owls</h1><script>alert(1)</script></iframe>"""


def run(runs: Path, name: str, age: int, summary: Any = None, report: str | None = REPORT) -> Path:
    """The folder of a run that was finished so many seconds after the others."""
    folder = runs / name
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps(summary))
    os.utime(folder / "summary.json", (age, age))
    if report is not None:
        (folder / "report.html").write_text(report)
    return folder


def means(**values: Any) -> dict[str, Any]:
    return {"questions": 7, "means": {"all": {k: {"value": v} for k, v in values.items()}}}


def figures(page: str) -> dict[str, str]:
    return dict(re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", page))


def test_latest_run_is_the_one_that_was_finished_last(tmp_path: Path) -> None:
    later = run(tmp_path, "a", age=200)
    run(tmp_path, "b", age=100)
    (run(tmp_path, "c", age=300) / "INCOMPLETE").touch()
    (tmp_path / "d").mkdir()
    assert latest_run(tmp_path) == later


def test_evaluation_shows_the_figures_and_the_report(tmp_path: Path) -> None:
    run(tmp_path, "<b>", 1, means(accuracy=0.721, words=68.6, refused=None))
    page = evaluation_html(tmp_path)
    assert "The latest run, &lt;b&gt;: 7 questions." in page
    shown = figures(page)
    assert list(shown) == list(words.FIGURES.values())
    assert shown[words.FIGURES["accuracy"]] == "0.72"
    assert shown[words.FIGURES["words"]] == "69"
    assert shown[words.FIGURES["refused"]] == "–"


def test_evaluation_shows_a_report_that_can_run_nothing(tmp_path: Path) -> None:
    run(tmp_path, "a", 1, means())
    page = evaluation_html(tmp_path)
    [frame] = re.findall("<iframe(.*?)>", page)
    assert frame.startswith(" sandbox title=")
    assert frame.endswith(
        'srcdoc="&lt;h1 title=&#x27;a&quot;b&#x27;&gt;Owls&lt;/h1&gt;&lt;script&gt;alert(1)'
        '&lt;/script&gt;&lt;/iframe&gt;"'
    )


@pytest.mark.parametrize("summary", [{"means": None}, {"means": {"all": [1]}}, means(accuracy="x")])
def test_evaluation_of_a_summary_without_figures(summary: Any, tmp_path: Path) -> None:
    run(tmp_path, "a", 1, summary)
    assert set(figures(evaluation_html(tmp_path)).values()) == {"–"}


def test_evaluation_where_there_is_none(tmp_path: Path) -> None:
    nothing = f"<p>{words.NO_RUN}</p>"
    assert evaluation_html(tmp_path / "runs") == nothing
    run(tmp_path / "list", "a", 1, summary=[1])
    assert evaluation_html(tmp_path / "list") == nothing
    run(tmp_path / "unreported", "a", 1, means(), report=None)
    assert evaluation_html(tmp_path / "unreported") == nothing
    (run(tmp_path / "broken", "a", 1) / "summary.json").write_bytes(b"\xff{")
    assert evaluation_html(tmp_path / "broken") == nothing
