"""What stands in for the models, so that most tests need none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from assistant.answering.confidence import Calibration, Logistic
from assistant.embeddings import Vectors
from assistant.lexical import terms
from assistant.reranking import Judgement, Reading
from assistant.segmentation import Span

# Half of a question's telling terms in one passage make an answer, a third
# something near, a quarter nothing: whatever the model, and whatever is fitted.
CALIBRATION = Calibration(
    on_topic=Logistic(bias=-14.0, weights={"together": 50.0}),
    if_on_topic=Logistic(bias=-3.9, weights={"together": 8.0}),
    nothing_below=0.5,
    abstain_below=0.5,
    fitted_on={},
)


class HashEmbedder:
    """Texts that share words have near vectors. Deterministic, and counts what it embeds."""

    dimension = 128

    def __init__(self) -> None:
        self.embedded: list[str] = []

    @property
    def max_tokens(self) -> int:
        return 256

    def count_tokens(self, text: str) -> int:
        return len(text.split()) + 2

    def encode_query(self, query: str) -> Vectors:
        return self._vector(query)

    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[Vectors, list[Vectors]]:
        self.embedded.extend(texts)
        sentences = [
            np.stack([self._vector(span.of(text)) for span in its] or [self._vector("")])[
                : len(its)
            ]
            for text, its in zip(texts, spans, strict=True)
        ]
        return np.stack([self._vector(text) for text in texts]), sentences

    def _vector(self, text: str) -> Vectors:
        vector = np.full(self.dimension, 1e-3, dtype=np.float32)
        for term in terms([text])[0]:
            digest = hashlib.sha256(term.encode()).digest()
            vector[digest[0] % self.dimension] += 1.0
        unit: Vectors = vector / np.linalg.norm(vector)
        return unit


class FakeReranker:
    """The more of a question's terms a text has, the better it answers. Deterministic."""

    def judge(self, readings: Sequence[Reading]) -> list[Judgement]:
        return [
            Judgement(
                self._logit(reading.question, reading.text),
                np.array(
                    [self._logit(reading.question, s.of(reading.text)) for s in reading.sentences],
                    dtype=np.float32,
                ),
            )
            for reading in readings
        ]

    def _logit(self, question: str, text: str) -> float:
        wanted, found = (set(its_terms) for its_terms in terms([question, text]))
        return 12 * len(wanted & found) / (len(wanted) or 1) - 5
