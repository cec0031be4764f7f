"""What a change must not make worse: limits in gate.toml, accepted figures in baseline.json."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from evals.datasets import DatasetError
from evals.summary import OVERALL

if TYPE_CHECKING:
    from evals.runner import Run

LIMITS = Path(__file__).with_name("gate.toml")
BASELINE = Path(__file__).with_name("baseline.json")

# For these, less is better.
_COSTS = {"false_abstention", "words"}
_ROUNDING = 1e-6


class Limits(BaseModel):
    """What gate.toml says: limits by group and figure, and how much worse is worse."""

    model_config = ConfigDict(extra="forbid")

    tolerance: float
    at_least: dict[str, dict[str, float]]
    at_most: dict[str, dict[str, float]]


def shortfalls(run: Run, suite: str, limits: Path = LIMITS, baseline: Path = BASELINE) -> list[str]:
    """A line for every figure outside its limit, or worse than the baseline by more than
    the tolerance."""
    rules = read_limits(limits)
    means = {group: {n: one["value"] for n, one in by.items()} for group, by in _means(run).items()}
    found = []
    for group, by_name in rules.at_least.items():
        for name, limit in by_name.items():
            value = means.get(group, {}).get(name)
            if value is None or value < limit:
                found.append(f"{group}: {name} is {_shown(value)}, must be at least {limit:g}")
    for group, by_name in rules.at_most.items():
        for name, limit in by_name.items():
            value = means.get(group, {}).get(name)
            if value is None or value > limit:
                found.append(f"{group}: {name} is {_shown(value)}, must be at most {limit:g}")
    accepted = _baseline(baseline).get(suite, {})
    for name, was in accepted.items():
        value = means.get(OVERALL, {}).get(name)
        worse = None if value is None else (value - was if name in _COSTS else was - value)
        allowed = rules.tolerance * (was if name == "words" else 1) + _ROUNDING
        if worse is None or worse > allowed:
            found.append(f"{OVERALL}: {name} is {_shown(value)}, the baseline has {_shown(was)}")
    return found


def accept(run: Run, suite: str, baseline: Path = BASELINE) -> None:
    """Make a run's overall figures the baseline of its suite."""
    means = _means(run).get(OVERALL, {})
    figures = {name: round(one["value"], 6) for name, one in means.items()}
    accepted = {**_baseline(baseline), suite: figures}
    baseline.write_text(json.dumps(accepted, indent=1, sort_keys=True) + "\n")


def _means(run: Run) -> dict[str, dict[str, dict[str, float]]]:
    means: dict[str, dict[str, dict[str, float]]] = run.summary["means"]
    return means


def read_limits(path: Path) -> Limits:
    """The limits of a gate file.

    Raises:
        DatasetError: it is missing or not of that form.
    """
    try:
        return Limits.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise DatasetError(f"{path}: {where}: {problem['msg'].lower()}") from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be used: {error}") from error


def _baseline(path: Path) -> dict[str, dict[str, float]]:
    if not path.is_file():
        return {}
    try:
        accepted: dict[str, dict[str, float]] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
    return accepted


def _shown(value: float | None) -> str:
    return "missing" if value is None else f"{value:.3f}"
