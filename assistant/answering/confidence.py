"""How sure it is that the passages answer the question, as one calibrated number.

Two logistic regressions over a few signals: is the question on the documents'
subject, and do they answer it? Weights and thresholds are fitted on questions
with known answers by `diamond-assistant eval calibrate`, which writes
`calibration.json` beside this file with the figures that they were chosen by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.schema import NodeWithScore
from pydantic import BaseModel

from assistant.answering.candidates import Candidate
from assistant.answering.questions import AskedFor
from assistant.chunking import embedding_text
from assistant.errors import SettingsError
from assistant.lexical import terms


class Logistic(BaseModel):
    """A logistic regression: weights by the name of their signal."""

    bias: float
    weights: dict[str, float]

    def probability(self, signals: Mapping[str, float]) -> float:
        """
        >>> Logistic(bias=0.0, weights={"cosine": 1.0}).probability({"cosine": 0.0})
        0.5
        """
        evidence = self.bias + sum(
            weight * signals.get(name, 0.0) for name, weight in self.weights.items()
        )
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, evidence))))


class Calibration(BaseModel):
    """How likely a question is on the documents' subject, and, if so, answered by them.

    `nothing_below`, for the first, and `abstain_below`, for both, divide the
    questions into the three outcomes; `fitted_on` says on which questions, with
    which models, and what the thresholds bring there.
    """

    on_topic: Logistic
    if_on_topic: Logistic
    nothing_below: float
    abstain_below: float
    fitted_on: dict[str, Any]

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read a calibration.

        Raises:
            SettingsError: there is none, or it is not one.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise SettingsError(
                f"calibration {path} cannot be read ({reason}): "
                "run `diamond-assistant eval calibrate`"
            ) from error

    def topic(self, signals: Mapping[str, float]) -> float:
        """How likely the question is on the documents' subject, between 0 and 1."""
        return self.on_topic.probability(signals)

    def probability(self, signals: Mapping[str, float]) -> float:
        """How likely the documents answer the question, between 0 and 1."""
        return self.topic(signals) * self.if_on_topic.probability(signals)


def signals_of(
    asked: AskedFor,
    passages: Sequence[NodeWithScore],
    candidates: Sequence[Candidate],
) -> dict[str, float]:
    """What speaks for an answer. At least one passage and one candidate are needed.

    evidence   the odds that the model gives each sentence, added up, as a logit within ±8:
               one sentence that answers is enough, and several that may are as good
    cosine     of the passage nearest to the question
    together   the share of the question's telling terms, weighed by rareness, that
               stand together in one passage
    """
    texts = terms([embedding_text(passage.node) for passage in passages])
    return {
        "evidence": _bounded(np.logaddexp.reduce([candidate.logit for candidate in candidates])),
        "cosine": max(passage.node.metadata.get("cosine", 0.0) for passage in passages),
        "together": max(asked.coverage(set(found)) for found in texts),
    }


def in_words(confidence: float) -> str:
    """A confidence as people say it.

    >>> in_words(0.95)
    'high'
    """
    return "high" if confidence >= 0.85 else "fair" if confidence >= 0.6 else "low"


def _bounded(logit: float) -> float:
    return max(-8.0, min(8.0, float(logit)))
