"""The fault table as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def lines(figures: Mapping[str, Any], half: str) -> Iterator[str]:
    """The figures of `faults.table`, line by line, as Markdown tables."""
    yield f"Faults ({half}), share caught by any check [95 %]; by which checks:"
    yield ""
    yield "| fault | n | caught | by |"
    yield "|---|---|---|---|"
    for fault, found in figures["faults"].items():
        by = ", ".join(f"{check} {count}" for check, count in found["by"].items() if count)
        yield f"| {fault} | {found['caught']['n']} | {_shown(found['caught'])} | {by} |"
    yield ""
    yield "| check | recall on its own faults | precision | false alarms on sound sentences |"
    yield "|---|---|---|---|"
    for check, found in figures["checks"].items():
        alarms = figures["false alarms"]["by check"][check]
        yield (
            f"| {check} | {_shown(found['recall'])} | {_shown(found['precision'])} "
            f"| {_shown(alarms)} |"
        )
    alarms = figures["false alarms"]
    yield (
        f"| any check | – | – | {_shown(alarms['sound sentences'])}; "
        f"verbatim quotes {_shown(alarms['quotes'])} |"
    )


def _shown(share: Mapping[str, Any]) -> str:
    if share["share"] is None:
        return "–"
    low, high = share["interval"]
    return f"{share['share']:.3f} [{low:.2f}–{high:.2f}]"
