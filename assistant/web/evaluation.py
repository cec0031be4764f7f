"""The latest evaluation run, as the page shows it: read from its folder, nothing computed."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from assistant.web import words
from assistant.web.sources import escape


def latest_run(runs: Path) -> Path | None:
    """The folder of the run that was finished last, if there is one."""
    finished = [
        folder
        for folder in runs.glob("*")
        if (folder / "summary.json").is_file() and not (folder / "INCOMPLETE").exists()
    ]
    return max(finished, key=lambda f: (f / "summary.json").stat().st_mtime, default=None)


def evaluation_html(runs: Path) -> str:
    """Headline figures of the latest run, and its whole report below them.

    The report is somebody's file: it is shown in a frame that runs no script.
    """
    folder = latest_run(runs)
    if folder is None:
        return f"<p>{words.NO_RUN}</p>"
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        report = (folder / "report.html").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return f"<p>{words.NO_RUN}</p>"
    if not isinstance(summary, dict):
        return f"<p>{words.NO_RUN}</p>"
    figures = "".join(_figure(label, summary, name) for name, label in words.FIGURES.items())
    lead = words.LATEST_RUN.format(name=folder.name, questions=summary.get("questions", "?"))
    return (
        f'<div class="evaluation"><p>{escape(lead)}</p><dl>{figures}</dl>'
        f'<h2>{words.WHOLE_REPORT}</h2><iframe sandbox title="{words.WHOLE_REPORT}" '
        f'srcdoc="{html.escape(report)}"></iframe></div>'
    )


def _figure(label: str, summary: dict[str, Any], name: str) -> str:
    mean = _mean(summary, name)
    shown = "–" if mean is None else f"{mean:.0f}" if mean > 1 else f"{mean:.2f}"
    return f"<div><dt>{escape(label)}</dt><dd>{shown}</dd></div>"


def _mean(summary: Any, name: str) -> float | None:
    """The mean of a figure over all questions; None where the summary has none."""
    for key in ("means", "all", name, "value"):
        summary = summary.get(key) if isinstance(summary, dict) else None
    return summary if isinstance(summary, (int, float)) else None
