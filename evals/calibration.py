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

from assistant.answering.confidence import Calibration
from assistant.conversation import Conversation
from assistant.models.examples import QUESTIONS, read_lines
from assistant.schema import Turn, turns_of
from evals.datasets import GoldenSet

# Answerable questions that may be refused, as a share; the thresholds are the
# highest that keep to it.
MAY_REFUSE = 0.06
MAY_CALL_NOTHING = 0.01

SIGNALS = ("sentence", "text", "cosine", "together", "said", "kind")


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
    values = np.array([[o.signals[name] for name in SIGNALS] for o in observations])
    truth = np.array([o.answerable for o in observations])
    scaler = StandardScaler().fit(values)
    model = LogisticRegression(C=1.0).fit(scaler.transform(values), truth)
    weights = model.coef_[0] / scaler.scale_
    bias = float(model.intercept_[0] - weights @ scaler.mean_)
    fitted = Calibration(
        bias=round(bias, 4),
        weights={name: round(float(w), 4) for name, w in zip(SIGNALS, weights, strict=True)},
        abstain_below=0.5,
        nothing_below=0.0,
        fitted_on={},
    )
    golden = [o for o in observations if o.from_golden]
    scores = np.array([fitted.probability(o.signals) for o in golden])
    kinds = np.array([o.kind for o in golden])
    abstain = _threshold(scores[kinds == "answerable"], MAY_REFUSE)
    nothing = min(abstain, _threshold(scores[kinds != "off-topic"], MAY_CALL_NOTHING))
    thresholds = {"abstain_below": abstain, "nothing_below": nothing}
    near = kinds != "off-topic"
    auroc = roc_auc_score(kinds[near] == "answerable", scores[near])
    figures = {
        **about,
        "questions": len(observations),
        "answerable refused": _share(scores[kinds == "answerable"] < abstain),
        "near-topic refused": _share(scores[kinds == "near-topic"] < abstain),
        "off-topic refused": _share(scores[kinds == "off-topic"] < abstain),
        "off-topic called nothing": _share(scores[kinds == "off-topic"] < nothing),
        "near-topic AUROC": round(float(auroc), 3),
    }  # fmt: skip
    return fitted.model_copy(update={**thresholds, "fitted_on": figures})


def _threshold(scores: np.ndarray[Any, np.dtype[np.float64]], share: float) -> float:
    """The highest threshold with no more than this share of the scores below it."""
    return round(float(np.quantile(scores, share, method="lower")), 4)


def _share(hits: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    return round(float(hits.mean()), 3) if len(hits) else 0.0
