"""Three small pictures as SVG: no library to load, and they take the page's colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evals.summary import Mean

WIDTH, ROW, LEFT, RIGHT = 640, 24, 120, 84


def bars_with_intervals(means: Mapping[str, Mean]) -> str:
    """A bar from 0 to 1 for each row, with its 95 % interval, its value and its count."""
    height = ROW * len(means) + 26
    span = WIDTH - LEFT - RIGHT
    parts = [_grid(LEFT, span, height - 22)]
    for row, (name, one) in enumerate(means.items()):
        y = row * ROW + ROW / 2
        low, high, end = (LEFT + span * value for value in (one.low, one.high, one.value))
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 4}" class="name">{name}</text>'
            f'<rect x="{LEFT}" y="{y - 6}" width="{end - LEFT:.1f}" height="12" class="bar"/>'
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" class="whisker"/>'
            f'<text x="{WIDTH - RIGHT + 6}" y="{y + 4}">{one.value:.2f} <tspan class="quiet">'
            f"{one.n}</tspan></text>"
        )
    return _svg(height, "Means by type with 95 % intervals", parts)


def curve(points: Sequence[tuple[float, float]]) -> str:
    """Risk over coverage, both from 0 to 1."""
    height, span = 220, WIDTH - LEFT - RIGHT
    depth = height - 44
    parts = [_grid(LEFT, span, depth)]
    for share in (0.0, 0.5, 1.0):
        y = 8 + depth * (1 - share)
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" class="name">{share:.1f}</text>')
    path = " ".join(f"{LEFT + span * x:.1f},{8 + depth * (1 - risk):.1f}" for x, risk in points)
    parts.append(f'<polyline points="{path}" class="curve"/>')
    parts.append(
        f'<text x="{LEFT + span / 2}" y="{height - 2}" text-anchor="middle" class="quiet">'
        "share of the questions answered, the most confident first</text>"
        f'<text x="14" y="{8 + depth / 2}" class="quiet">wrong among</text>'
        f'<text x="14" y="{24 + depth / 2}" class="quiet">answered</text>'
    )
    return _svg(height, "Risk over coverage", parts)


def latencies(stages: Mapping[str, Mapping[str, float]]) -> str:
    """For each stage the median as a bar and the 95th percentile as a whisker, in ms."""
    longest = max((stage["p95"] for stage in stages.values()), default=0.0) or 1.0
    span = WIDTH - LEFT - 110
    parts = []
    for row, (name, stage) in enumerate(stages.items()):
        y = row * ROW + ROW / 2
        half, late = (span * stage[key] / longest for key in ("p50", "p95"))
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 4}" class="name">{name}</text>'
            f'<rect x="{LEFT}" y="{y - 6}" width="{half:.1f}" height="12" class="bar"/>'
            f'<line x1="{LEFT + half:.1f}" x2="{LEFT + late:.1f}" y1="{y}" y2="{y}" '
            f'class="whisker"/><text x="{WIDTH - 104}" y="{y + 4}">{stage["p50"]:.1f} ms '
            f'<tspan class="quiet">p95 {stage["p95"]:.1f}</tspan></text>'
        )
    return _svg(ROW * len(stages) + 4, "Milliseconds by stage", parts)


def _grid(left: float, span: float, depth: float) -> str:
    lines = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + span * share
        lines.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{depth + 8:.1f}" class="grid"/>'
            f'<text x="{x:.1f}" y="{depth + 20:.1f}" text-anchor="middle" class="quiet">'
            f"{share:g}</text>"
        )
    return "".join(lines)


def _svg(height: float, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )
