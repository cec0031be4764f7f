"""Fit the confidence and choose its thresholds, on questions with known answers.

The weights come from a logistic regression on the development half and on the
written questions about documents that the model was not trained on; the
thresholds from the development half alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from assistant.answering.confidence import Calibration, Logistic
from assistant.conversation import Conversation
from assistant.models.examples import QUESTIONS, read_lines
from assistant.schema import Turn, turns_of
from evals.datasets import GoldenSet

# Answerable questions that may be refused, as a share; the thresholds are the
# highest that keep to it.
MAY_REFUSE = 0.05
MAY_CALL_NOTHING = 0.01

TOPIC_SIGNALS = ("cosine", "together")
ANSWER_SIGNALS = ("evidence",)


@dataclass(frozen=True)
class Observation:
    """What the assistant made of one question, and whether it has an answer.

    `kind` is `answerable`, `near-topic` or `off-topic`.
    """

    signals: dict[str, float]
    kind: str
    from_golden: bool

    @property
    def answerable(self) -> bool:
        return self.kind == "answerable"


def observe(
    golden: GoldenSet, conversation: Conversation, progress: Callable[[int, int], None]
) -> list[Observation]:
    """Ask the golden questions and the held-out written ones."""
    asked: list[tuple[str, Sequence[Turn], str, bool]] = [
        (
            question.question,
            turns_of([message.model_dump() for message in question.history]),
            "answerable" if question.is_answerable
            else "off-topic" if "off-topic" in question.tags or question.type == "injection"
            else "near-topic",
            True,
        )
        for question in golden.questions
    ]  # fmt: skip
    asked += [
        (
            record["question"],
            [Turn(before) for before in record.get("history", ())],
            "answerable" if record["evidence"] else "near-topic",
            False,
        )
        for record in read_lines(QUESTIONS / "held_out.jsonl")
    ]
    found = []
    for count, (question, turns, kind, from_golden) in enumerate(asked, 1):
        answer = conversation.fresh(turns).ask(question)
        if answer.signals:  # a question without a telling word has none
            found.append(Observation(dict(answer.signals), kind, from_golden))
        progress(count, len(asked))
    return found


def fit(observations: Sequence[Observation], about: dict[str, Any]) -> Calibration:
    """The calibration that suits these observations best."""
    on_topic = [o for o in observations if o.kind != "off-topic"]
    fitted = Calibration(
        on_topic=_logistic(
            observations, TOPIC_SIGNALS, [o.kind != "off-topic" for o in observations]
        ),
        if_on_topic=_logistic(on_topic, ANSWER_SIGNALS, [o.answerable for o in on_topic]),
        nothing_below=0.0,
        abstain_below=0.0,
        fitted_on={},
    )
    golden = [o for o in observations if o.from_golden]
    topic = np.array([fitted.topic(o.signals) for o in golden])
    scores = np.array([fitted.probability(o.signals) for o in golden])
    kinds = np.array([o.kind for o in golden])
    nothing = _threshold(topic[kinds != "off-topic"], MAY_CALL_NOTHING)
    abstain = _threshold(scores[kinds == "answerable"], MAY_REFUSE)
    refused = (topic < nothing) | (scores < abstain)
    near = kinds != "off-topic"
    auroc = roc_auc_score(kinds[near] == "answerable", scores[near])
    figures = {
        **about,
        "questions": len(observations),
        "answerable refused": _share(refused[kinds == "answerable"]),
        "near-topic refused": _share(refused[kinds == "near-topic"]),
        "off-topic refused": _share(refused[kinds == "off-topic"]),
        "off-topic called nothing": _share((topic < nothing)[kinds == "off-topic"]),
        "near-topic AUROC": round(float(auroc), 3),
    }
    return fitted.model_copy(
        update={"nothing_below": nothing, "abstain_below": abstain, "fitted_on": figures}
    )


def _logistic(
    observations: Sequence[Observation], names: Sequence[str], truth: Sequence[bool]
) -> Logistic:
    """A regression on signals brought to one scale, its weights brought back."""
    values = np.array([[o.signals[name] for name in names] for o in observations])
    scaler = StandardScaler().fit(values)
    model = LogisticRegression().fit(scaler.transform(values), truth)
    weights = model.coef_[0] / scaler.scale_
    return Logistic(
        bias=round(float(model.intercept_[0] - weights @ scaler.mean_), 4),
        weights={name: round(float(w), 4) for name, w in zip(names, weights, strict=True)},
    )


def _threshold(scores: np.ndarray[Any, np.dtype[np.float64]], share: float) -> float:
    """The highest threshold with no more than this share of the scores below it."""
    return float(np.quantile(scores, share, method="lower"))


def _share(hits: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    return round(float(hits.mean()), 3) if len(hits) else 0.0
