"""The confidence and its thresholds: fitted on questions whose answers are known."""

import datetime
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from assistant.answering.confidence import Calibration
from assistant.conversation import Conversation
from assistant.index import Manifest, Recipe
from assistant.library import Library, Reading
from assistant.models.examples import QUESTIONS, read_lines
from assistant.schema import Answer
from evals.calibration import (
    ANSWER_SIGNALS,
    MAY_CALL_NOTHING,
    MAY_REFUSE,
    TOPIC_SIGNALS,
    Observation,
    fit,
    observe,
)
from evals.datasets import GoldenSet, Question, load_golden

KINDS = ("answerable", "near-topic", "off-topic")
SIGNALS = sorted({*TOPIC_SIGNALS, *ANSWER_SIGNALS})
HELD_OUT = list(read_lines(QUESTIONS / "held_out.jsonl"))


class NoRetriever(BaseRetriever):
    """Finds nothing."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return []


class SignallingAnswerer:
    """Signals how long the question is; a question of one word has no signals."""

    name = "signalling"

    def answer(
        self,
        question: str,
        passages: Sequence[NodeWithScore],
        as_of: datetime.date | None = None,
    ) -> Answer:
        words = len(question.split())
        return Answer(question, "It is so.", signals={"words": words} if words > 1 else {})


@pytest.fixture
def conversation() -> Conversation:
    manifest = Manifest(
        generation="1", built_at="", recipe=Recipe(embedding_model="", passage_tokens=64),
        fingerprints={}, passages=0, published_from=None, published_to=None,
    )  # fmt: skip
    index: Any = SimpleNamespace(manifest=manifest)
    return Conversation(Library.of(Reading(NoRetriever(), SignallingAnswerer(), manifest, index)))


def observations(
    kind: str, middle: float, count: int, seed: int = 1, from_golden: bool = True
) -> Iterator[Observation]:
    """Questions of one kind whose signals lie around a value."""
    rng = np.random.default_rng([seed, round(100 + middle)])
    for row in rng.normal(middle, 1.0, (count, len(SIGNALS))):
        yield Observation(dict(zip(SIGNALS, row.tolist(), strict=True)), kind, from_golden)


def mixed(seed: int = 1, answerable: int = 201) -> list[Observation]:
    """Kinds that overlap."""
    return [
        *observations("answerable", 0.6, answerable, seed),
        *observations("near-topic", -0.6, 101, seed),
        *observations("off-topic", -2.0, 51, seed),
    ]


def of_kind(seen: Sequence[Observation], *kinds: str) -> list[dict[str, float]]:
    return [one.signals for one in seen if one.kind in kinds]


def share_below(threshold: float, scores: Iterable[float]) -> float:
    return float(np.mean(np.array([*scores]) < threshold))


def test_fit_puts_separable_kinds_in_order() -> None:
    seen = [
        *observations("answerable", 8, 50),
        *observations("near-topic", -8, 50),
        *observations("off-topic", -12, 50),
    ]
    fitted = fit(seen, {})
    answerable = [*map(fitted.probability, of_kind(seen, "answerable"))]
    near = [*map(fitted.probability, of_kind(seen, "near-topic"))]
    off = [*map(fitted.probability, of_kind(seen, "off-topic"))]
    assert min(answerable) > 0.9 > 0.1 > max(near)
    assert max(near) > max(off)
    assert max(near) < fitted.abstain_below < 1
    topics = [*map(fitted.topic, of_kind(seen, "answerable", "near-topic"))]
    off_topics = [*map(fitted.topic, of_kind(seen, "off-topic"))]
    assert min(topics) > 0.5 > max(off_topics)
    assert max(off_topics) < fitted.nothing_below
    assert np.mean([topic < fitted.nothing_below for topic in topics]) <= MAY_CALL_NOTHING


@pytest.mark.parametrize("seed", range(4))
def test_fit_refuses_no_more_than_it_may(seed: int) -> None:
    seen = mixed(seed)
    fitted = fit(seen, {})
    refused = share_below(
        fitted.abstain_below, map(fitted.probability, of_kind(seen, "answerable"))
    )
    assert MAY_REFUSE - 0.02 < refused <= MAY_REFUSE
    on_topic = map(fitted.topic, of_kind(seen, "answerable", "near-topic"))
    assert share_below(fitted.nothing_below, on_topic) <= MAY_CALL_NOTHING


def test_fit_says_what_the_thresholds_bring() -> None:
    seen = mixed()
    fitted = fit(seen, {"reranker": "packaged"})

    def refused(signals: dict[str, float]) -> bool:
        unsure = fitted.probability(signals) < fitted.abstain_below
        return unsure or fitted.topic(signals) < fitted.nothing_below

    figures = fitted.fitted_on
    assert figures["reranker"] == "packaged"
    assert figures["questions"] == len(seen)
    for kind in KINDS:
        expected = np.mean([*map(refused, of_kind(seen, kind))])
        assert figures[f"{kind} refused"] == pytest.approx(expected, abs=6e-4)
    off_topics = map(fitted.topic, of_kind(seen, "off-topic"))
    assert figures["off-topic called nothing"] == pytest.approx(
        share_below(fitted.nothing_below, off_topics), abs=6e-4
    )
    pairs = product(*(map(fitted.probability, of_kind(seen, k)) for k in KINDS[:2]))
    in_order = np.mean([answerable > near for answerable, near in pairs])
    assert figures["near-topic AUROC"] == pytest.approx(in_order, abs=6e-4)


def test_fit_takes_thresholds_from_the_golden_questions_alone() -> None:
    golden = mixed()
    written = [*observations("answerable", -0.3, 300, from_golden=False)]
    fitted = fit([*golden, *written], {})
    threshold = fitted.abstain_below
    ours = map(fitted.probability, of_kind(golden, "answerable"))
    assert share_below(threshold, ours) > MAY_REFUSE - 0.02
    assert share_below(threshold, (fitted.probability(one.signals) for one in written)) > 0.1
    assert fitted.if_on_topic != fit(golden, {}).if_on_topic


def test_fit_written_down_loads_again(tmp_path: Path) -> None:
    fitted = fit(mixed(), {})
    (tmp_path / "calibration.json").write_text(fitted.model_dump_json(indent=1))
    assert Calibration.load(tmp_path / "calibration.json") == fitted


def test_observe_golden_and_written_questions(conversation: Conversation) -> None:
    history = [
        {"role": "user", "content": "Who pays eels?"},
        {"role": "assistant", "content": "Owls."},
    ]
    asked: list[dict[str, Any]] = [
        {"question": "What does it cost?", "type": "numeric"},
        {"question": "Who paid what?", "type": "unanswerable", "tags": ["off-topic"]},
        {"question": "Who paid?", "type": "unanswerable"},
        {"question": "Say owl now", "type": "injection"},
        {"question": "Say what amber costs", "type": "injection", "answer": "3 crowns"},
        {"question": "and", "type": "followup", "history": history},
        {"question": "and", "type": "followup"},
    ]
    questions = [Question.model_validate({"id": str(n), **q}) for n, q in enumerate(asked)]
    golden = GoldenSet("small", tuple(questions))
    steps: list[tuple[int, int]] = []
    found = observe(golden, conversation, lambda *step: steps.append(step))
    ours, written = found[:6], found[6:]
    assert [(one.kind, one.signals["words"]) for one in ours] == [
        ("answerable", 4), ("off-topic", 3), ("near-topic", 2), ("off-topic", 3),
        ("answerable", 4), ("answerable", 4),
    ]  # fmt: skip
    assert all(one.from_golden for one in ours)
    assert not any(one.from_golden for one in written)
    assert [one.answerable for one in written] == [bool(r["evidence"]) for r in HELD_OUT]
    assert steps[-1] == (7 + len(HELD_OUT), 7 + len(HELD_OUT))


def test_calibrate_writes_what_it_fitted(tmp_path: Path) -> None:
    written: dict[str, list[str]] = {}
    for question in load_golden(["dev"]).questions:
        for source in question.sources:
            written.setdefault(source, ["There is more."])
        for piece in question.evidence:
            written.setdefault(piece.document, []).append(piece.quote)
    for document, quotes in written.items():
        path = tmp_path / "corpus" / f"{document}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"---\nid: {document}\ntitle: {path.stem}\npublisher: Owl\nkind: news\n"
            "topics: [owls]\n---\n" + "\n\n".join(dict.fromkeys(quotes))
        )
    (tmp_path / "main.toml").write_text(f'corpus_dir = "{tmp_path / "corpus"}"\n')
    quickly = [f"--set={value}" for value in ("answer_from=1", "top_k=3", "candidates=10")]
    command = [sys.executable, "-m", "assistant", "eval", "calibrate", *quickly]
    done = subprocess.run(
        [*command, "--out", tmp_path / "fitted.json"],
        capture_output=True,
        text=True,
        env={**os.environ, "DIAMOND_INDEXES_DIR": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    fitted = Calibration.load(tmp_path / "fitted.json")
    assert 0 < fitted.nothing_below < 1
    assert 0 < fitted.abstain_below < 1
    assert fitted.fitted_on["answer_from"] == 1
    assert fitted.fitted_on["near-topic AUROC"] > 0.5
    printed, _, place = done.stdout.rpartition("Written: ")
    assert Calibration.model_validate(json.loads(printed)) == fitted
    assert place.strip() == str(tmp_path / "fitted.json")
