import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "assistant.segmentation",
        "assistant.chunking",
        "assistant.chroma_server",
        "assistant.lexical",
        "assistant.ranking",
        "assistant.vocabulary",
        "assistant.schema",
        "assistant.fetching.download",
        "assistant.fetching.guard",
        "assistant.fetching.saving",
        "assistant.loading.about",
        "assistant.loading.extracts",
        "assistant.loading.markdown",
        "assistant.loading.process",
        "assistant.citations",
        "assistant.exports",
        "assistant.rewriting",
        "assistant.retrieval",
        "assistant.shelf",
        "assistant.answering.checks",
        "assistant.answering.checks.dates",
        "assistant.answering.checks.names",
        "assistant.answering.checks.quantities",
        "assistant.answering.checks.plain",
        "assistant.answering.checks.polarity",
        "assistant.answering.checks.quotes",
        "assistant.answering.checks.units",
        "assistant.answering.confidence",
        "assistant.answering.instructions",
        "assistant.answering.prompts",
        "assistant.answering.replies",
        "assistant.answering.sheet",
        "assistant.answering.moments",
        "assistant.serving.address",
        "assistant.serving.gate",
        "assistant.serving.requests",
    ],
)
def test_examples_in_docstrings(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
