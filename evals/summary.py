"""From the figures of many questions to those of a run: means with intervals, calibration, cost."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score

from evals.results import Result

SEED = 0
RESAMPLES = 2000
BINS = 10
OVERALL = "all"


@dataclass(frozen=True)
class Mean:
    """A mean over n questions with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float
    n: int


def mean(values: Sequence[float]) -> Mean:
    """The mean and its interval, by resampling the questions (percentile bootstrap).

    The same values give the same interval: the resampling is seeded.
    """
    data = np.asarray(values, dtype=float)
    average = float(data.mean())
    if len(data) < 2 or np.ptp(data) == 0:
        return Mean(average, average, average, len(data))
    drawn = stats.bootstrap(
        (data,),
        np.mean,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return Mean(average, float(drawn.low), float(drawn.high), len(data))


def groups_of(result: Result) -> Iterable[str]:
    """The rows of the table that a question counts in: all, its type, its tags."""
    return dict.fromkeys((OVERALL, result.type, *result.tags))


def table(results: Sequence[Result]) -> dict[str, dict[str, Mean]]:
    """The mean of every figure, by group and by name."""
    figures: dict[str, dict[str, list[float]]] = {}
    for result in results:
        for group in groups_of(result):
            for name, value in result.metrics.items():
                figures.setdefault(group, {}).setdefault(name, []).append(value)
    return {
        group: {name: mean(values) for name, values in by_name.items()}
        for group, by_name in sorted(figures.items(), key=lambda item: (item[0] != OVERALL, item))
    }


def is_right(result: Result) -> bool:
    """Whether an answer was given and says everything that it must."""
    return not result.abstained and result.metrics.get("accuracy", 0.0) == 1.0


def _has_verdict(result: Result) -> bool:
    """Whether it can be told if an answer is right: something must be said, or nothing."""
    return not result.answerable or "accuracy" in result.metrics


def auroc(results: Sequence[Result]) -> float | None:
    """How well confidence tells answerable questions from unanswerable ones; 0.5 is chance."""
    answerable = [result.answerable for result in results]
    if len(set(answerable)) < 2:
        return None
    return float(roc_auc_score(answerable, [result.confidence for result in results]))


def risk_coverage(results: Sequence[Result]) -> list[tuple[float, float]]:
    """(coverage, risk) as more and more questions are answered, the most confident first.

    Risk is the share of wrong answers among those answered; an answer to an
    unanswerable question is wrong. Abstentions are never answered (El-Yaniv and
    Wiener 2010).
    """
    results = [result for result in results if _has_verdict(result)]
    answered = sorted(
        (result for result in results if not result.abstained and result.error is None),
        key=lambda result: (-result.confidence, result.id),
    )
    wrong, curve = 0, []
    for count, result in enumerate(answered, 1):
        wrong += not is_right(result)
        curve.append((count / len(results), wrong / count))
    return curve


def calibration_error(results: Sequence[Result]) -> float | None:
    """Expected calibration error over ten bins of confidence (Guo et al. 2017).

    The mean gap between how confident the answers given were and how many of
    them were right.
    """
    answered = [
        result
        for result in results
        if _has_verdict(result) and not result.abstained and result.error is None
    ]
    if not answered:
        return None
    bins: dict[int, list[Result]] = {}
    for result in answered:
        bins.setdefault(min(int(result.confidence * BINS), BINS - 1), []).append(result)
    gaps = (
        abs(sum(r.confidence for r in group) - sum(is_right(r) for r in group))
        for group in bins.values()
    )
    return math.fsum(gaps) / len(answered)


def latency(results: Sequence[Result]) -> dict[str, dict[str, float]]:
    """Milliseconds by stage: the median and the 95th percentile."""
    stages: dict[str, list[float]] = {}
    for result in results:
        for stage, ms in result.timings_ms.items():
            stages.setdefault(stage, []).append(ms)
    return {
        stage: {"p50": float(np.quantile(ms, 0.5)), "p95": float(np.quantile(ms, 0.95))}
        for stage, ms in stages.items()
    }


def summarise(results: Sequence[Result]) -> dict[str, Any]:
    """Everything that summary.json says about a run, costs aside."""
    return {
        "questions": len(results),
        "failed": sum(result.failed for result in results),
        "errors": sum(result.error is not None for result in results),
        "counts": dict(Counter(group for result in results for group in groups_of(result))),
        "means": {
            group: {name: vars(one) for name, one in by_name.items()}
            for group, by_name in table(results).items()
        },
        "auroc": auroc(results),
        "calibration_error": calibration_error(results),
        "risk_coverage": risk_coverage(results),
    }


@dataclass(frozen=True)
class Difference:
    """What a figure changed by between two runs, over the questions that both have."""

    group: str
    metric: str
    before: float
    after: float
    n: int
    p: float

    @property
    def change(self) -> float:
        return self.after - self.before


def differences(before: Sequence[Result], after: Sequence[Result]) -> list[Difference]:
    """Paired differences by group and figure, each with its p-value."""
    pairs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    others: Mapping[str, Result] = {result.id: result for result in after}
    for one in before:
        other = others.get(one.id)
        if other is None:
            continue
        for name in one.metrics.keys() & other.metrics.keys():
            for group in groups_of(one):
                pair = one.metrics[name], other.metrics[name]
                pairs.setdefault((group, name), []).append(pair)
    return [
        Difference(
            group,
            name,
            before=float(np.mean([a for a, _ in both])),
            after=float(np.mean([b for _, b in both])),
            n=len(both),
            p=randomisation_p([b - a for a, b in both]),
        )
        for (group, name), both in sorted(
            pairs.items(), key=lambda item: (item[0][0] != OVERALL, item[0])
        )
    ]


def randomisation_p(changes: Sequence[float]) -> float:
    """The p-value of a paired randomisation test, two-sided: the signs of the changes are
    flipped at random (Smucker et al. 2007). 1 where nothing changed, or for one question."""
    data = np.asarray(changes, dtype=float)
    if len(data) < 2 or not data.any():
        return 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(
            stats.permutation_test(
                (data,),
                np.mean,
                permutation_type="samples",
                vectorized=True,
                n_resamples=9999,
                rng=np.random.default_rng(SEED),
            ).pvalue
        )
