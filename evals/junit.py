"""A run as JUnit XML, for whatever shows test results."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from evals.runner import Run

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(run: Run, path: Path) -> None:
    """A test case a question: failed where the answer is wrong, in error where there is none."""
    suite = ElementTree.Element(
        "testsuite",
        name=run.name,
        tests=str(len(run.results)),
        failures=str(sum(r.failed and r.error is None for r in run.results)),
        errors=str(sum(r.error is not None for r in run.results)),
    )
    for result in run.results:
        seconds = result.timings_ms.get("total", 0.0) / 1000
        case = ElementTree.SubElement(
            suite, "testcase", classname=result.type, name=_clean(result.id), time=f"{seconds:.3f}"
        )
        if result.error is not None:
            ElementTree.SubElement(case, "error", message=_clean(result.error))
        elif result.failed:
            wanted = _clean(result.expected_answer) or "an abstention"
            failure = ElementTree.SubElement(case, "failure", message=f"expected: {wanted}")
            failure.text = _clean(f"{result.question}\n\n{result.answer}")
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def _clean(text: str) -> str:
    """A text without the characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
