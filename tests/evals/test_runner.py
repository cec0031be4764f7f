"""Runs: the folder they leave, the same twice, and answerers broken on purpose."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.schema import NodeWithScore
from parts import with_parts

from assistant.answering import Answerer
from assistant.citations import cite, quoted_answer
from assistant.conversation import Conversation
from assistant.ingestion import open_index
from assistant.schema import Answer
from assistant.segmentation import Span
from assistant.settings import Settings
from evals.datasets import DatasetError, Evidence, GoldenSet, Message, Question
from evals.runner import Run, load_run, run
from evals.summary import OVERALL

AMBER = "trade/2030-11-20-amber-post-amber-export"
GAZETTE = "works/2031-03-02-harbour-gazette-glass-bridge"
REPORT = "works/2031-03-05-velmora-council-bridge-report"

QUESTIONS = (
    Question(
        id="numeric-1",
        type="numeric",
        question="What limit did Kelland put on the export of amber?",
        answer="900 tonnes a year.",
        must_include=["900 tonnes"],
        sources=[AMBER],
        evidence=[
            Evidence(
                document=AMBER,
                quote="Kelland put a limit of 900 tonnes a year on the export of amber "
                "from 20 November 2030.",
            )
        ],
    ),
    Question(
        id="factoid-1",
        type="factoid",
        question="How much did Velmora's bridge of glass over the Tindle cost?",
        answer="42 million crowns.",
        must_include=["42 million crowns"],
        sources=[GAZETTE, REPORT],
        evidence=[
            Evidence(
                document=REPORT,
                quote="The glass bridge over the Tindle cost 42 million crowns, half of it "
                "from the Lantern Fund.",
            )
        ],
    ),
    Question(
        id="followup-1",
        type="followup",
        question="and who paid half of it?",
        answer="The Lantern Fund.",
        must_include=["Lantern Fund"],
        sources=[GAZETTE, REPORT],
        history=[
            Message(role="user", content="How much did Velmora's bridge of glass cost?"),
            Message(role="assistant", content="42 million crowns."),
        ],
    ),
    Question(id="unanswerable-1", type="unanswerable", question="Who won the snooker tournament?"),
)
GOLDEN = GoldenSet("invented", QUESTIONS)


class Broken:
    """An answerer that spoils what another says."""

    name = "broken"

    def __init__(self, good: Answerer, spoil: Callable[[Answer], Answer]) -> None:
        self._good = good
        self._spoil = spoil

    def answer(
        self,
        question: str,
        passages: Sequence[NodeWithScore],
        as_of: datetime.date | None = None,
    ) -> Answer:
        answer = self._good.answer(question, passages, as_of)
        return self._spoil(replace(answer, passages=tuple(passages)))


def always_abstains(answer: Answer) -> Answer:
    return replace(answer, text="", citations=(), outcome="nothing")


def cites_a_random_passage(answer: Answer) -> Answer:
    """The right words under the last passage's name."""
    other = answer.passages[-1].node
    start = getattr(other, "start_char_idx", 0)
    text = other.get_content()
    cited = tuple(
        cite(c.marker, other, Span(start, start + len(text)), text) for c in answer.citations
    )
    return replace(answer, citations=cited)


def alters_a_number(answer: Answer) -> Answer:
    return replace(answer, text=re.sub(r"(?<!\[)\b\d+(?!\])", "77", answer.text))


def copies_a_whole_document(answer: Answer) -> Answer:
    passages = [passage.node for passage in answer.passages]
    copied = [
        cite(n, p, Span(getattr(p, "start_char_idx", 0), getattr(p, "end_char_idx", 0)),
             p.get_content())
        for n, p in enumerate(passages, 1)
    ]  # fmt: skip
    return replace(answer, text=quoted_answer(copied), citations=tuple(copied), outcome="answered")


def measured(
    conversation: Conversation,
    settings: Settings,
    folder: Path,
    spoil: Callable[[Answer], Answer] | None = None,
    **more: Any,
) -> Run:
    index = open_index(settings)
    if spoil is not None:
        with conversation.library.reading() as reading:
            broken = Broken(reading.answerer, spoil)
        conversation = with_parts(conversation, answerer=broken)
    return run(GOLDEN, conversation, index.document, folder, {"answerer": "x", "n": 4}, **more)


def overall(measured_run: Run) -> dict[str, float]:
    means = measured_run.summary["means"][OVERALL]
    return {name: one["value"] for name, one in means.items()}


def test_run_of_the_real_answerer_is_right(
    conversation: Conversation, settings: Settings, tmp_path: Path
) -> None:
    figures = overall(measured(conversation, settings, tmp_path / "run"))
    for name in ("accuracy", "refused", "resolved", "groundedness", "concise", "doc R@5"):
        assert figures[name] == 1.0, name
    assert figures["false_abstention"] == 0.0
    assert figures["citation_precision"] > 0.6


def test_run_keeps_outcomes_and_signals(
    conversation: Conversation, settings: Settings, tmp_path: Path
) -> None:
    measured(conversation, settings, tmp_path / "run")
    results = load_run(tmp_path / "run").results
    outcomes = {result.id: (result.outcome, result.abstained) for result in results}
    assert outcomes == {
        "numeric-1": ("answered", False),
        "factoid-1": ("answered", False),
        "followup-1": ("answered", False),
        "unanswerable-1": ("nothing", True),
    }
    for result in results:
        assert set(result.signals) == {"evidence", "cosine", "together"}


def test_run_folder_holds_everything(
    conversation: Conversation, settings: Settings, tmp_path: Path
) -> None:
    finished = measured(conversation, settings, tmp_path / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"settings.json", "results.jsonl", "summary.json", "report.html"}
    assert load_run(tmp_path / "run") == finished


def test_run_twice_gives_the_same_results_but_for_time(
    conversation: Conversation, settings: Settings, tmp_path: Path
) -> None:
    lines = []
    for name in ("one", "two"):
        measured(conversation, settings, tmp_path / name)
        text = (tmp_path / name / "results.jsonl").read_text()
        results = [json.loads(line) for line in text.splitlines()]
        lines.append([{**result, "timings_ms": None} for result in results])
    assert lines[0] == lines[1]
    assert len(lines[0]) == 4


@pytest.mark.parametrize(
    ("spoil", "metric", "good", "broken"),
    [
        (always_abstains, "false_abstention", 0.0, 1.0),
        (always_abstains, "accuracy", 1.0, 0.0),
        (cites_a_random_passage, "groundedness", 1.0, 0.0),
        (alters_a_number, "groundedness", 1.0, 0.5),
        (alters_a_number, "accuracy", 1.0, 0.4),
        (copies_a_whole_document, "concise", 1.0, 0.0),
        (copies_a_whole_document, "refused", 1.0, 0.0),
    ],
)
def test_broken_answerer_falls_on_the_metric_that_should_catch_it(
    spoil: Callable[[Answer], Answer],
    metric: str,
    good: float,
    broken: float,
    conversation: Conversation,
    settings: Settings,
    tmp_path: Path,
) -> None:
    assert overall(measured(conversation, settings, tmp_path / "good"))[metric] == good
    spoiled = overall(measured(conversation, settings, tmp_path / "broken", spoil))[metric]
    assert spoiled >= broken if good == 0.0 else spoiled <= broken


def test_random_passage_falls_on_citation_precision(
    conversation: Conversation, settings: Settings, tmp_path: Path
) -> None:
    good = overall(measured(conversation, settings, tmp_path / "good"))
    bad = overall(measured(conversation, settings, tmp_path / "bad", cites_a_random_passage))
    assert bad["citation_precision"] < good["citation_precision"]
    assert bad["citation_recall"] < good["citation_recall"]


def raises(answer: Answer) -> Answer:
    if "amber" in answer.question:
        raise RuntimeError("the lamp went out")
    return answer


def test_question_on_which_the_assistant_raises_counts_as_failed(
    conversation: Conversation, settings: Settings, tmp_path: Path
) -> None:
    finished = measured(conversation, settings, tmp_path / "run", raises)
    [failed] = [result for result in finished.results if result.error]
    assert failed.id == "numeric-1"
    assert failed.error == "RuntimeError: the lamp went out"
    assert failed.metrics["accuracy"] == 0.0
    assert failed.metrics["doc R@5"] == 0.0
    assert (finished.summary["questions"], finished.summary["errors"]) == (4, 1)


def interrupt_at(count: int) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if done == count:
            raise KeyboardInterrupt

    return progress


def test_interrupted_run_is_marked_and_can_be_resumed(
    conversation: Conversation, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        measured(conversation, settings, folder, progress=interrupt_at(2))
    assert (folder / "INCOMPLETE").exists()
    assert len((folder / "results.jsonl").read_text().splitlines()) == 2
    with pytest.raises(DatasetError, match="incomplete: go on with --resume"):
        load_run(folder)
    with (folder / "results.jsonl").open("a") as lines:
        lines.write('{"id": "half a li')  # a killed run may leave this
    resumed = measured(conversation, settings, folder, resume=True)
    assert len(resumed.results) == 4
    assert not (folder / "INCOMPLETE").exists()
    again = measured(conversation, settings, tmp_path / "again")
    assert overall(resumed) == overall(again)


def test_run_into_a_folder_that_is_there_is_refused(
    conversation: Conversation, settings: Settings, tmp_path: Path
) -> None:
    measured(conversation, settings, tmp_path / "run")
    with pytest.raises(DatasetError, match="there already"):
        measured(conversation, settings, tmp_path / "run")


def test_resume_with_other_settings_is_refused(
    conversation: Conversation, settings: Settings, tmp_path: Path
) -> None:
    measured(conversation, settings, tmp_path / "run")
    described = tmp_path / "run" / "settings.json"
    described.write_text(json.dumps({"answerer": "another"}))
    with pytest.raises(DatasetError, match="cannot be resumed"):
        measured(conversation, settings, tmp_path / "run", resume=True)


def test_load_run_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "tuesday").mkdir()
    with pytest.raises(DatasetError, match="no run 'monday': there are tuesday"):
        load_run(tmp_path / "monday")
