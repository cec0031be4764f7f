"""A real server of language models, with a tiny one that has learnt nothing."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from fakes import FakeReranker, HashEmbedder
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from assistant.conversation import Conversation
from assistant.ingestion import ingest
from assistant.settings import Settings

pytest.importorskip("accelerate", reason="transformers serve needs accelerate")

START = 90  # seconds that the server may take
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of one layer, its weights drawn at random."""
    place = tmp_path_factory.mktemp("tiny")
    letters = Tokenizer(models.BPE())
    letters.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    letters.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    letters.train_from_iterator(["The bridge cost 42 million crowns. [k7f3]"], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=letters, bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=8192,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def address(model: Path) -> Iterator[str]:
    """Where `transformers serve` serves it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-c", "from transformers.cli.transformers import main; main()",
        "serve", str(model), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu",
    ]  # fmt: skip
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _wait(f"http://127.0.0.1:{port}/health", server)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.3)
    pytest.fail("transformers serve did not start")


def test_gibberish_of_a_real_server_never_reaches_the_reader(
    address: str,
    model: Path,
    settings: Settings,
    load: Callable[[str, int], HashEmbedder],
    load_judge: Callable[[str, int], FakeReranker],
) -> None:
    ingest(settings, load=load)
    changed = {
        "llm": f"openai:{model}", "llm_base_url": address, "llm_answer_tokens": 60,
    }  # fmt: skip
    conversation = Conversation.open(settings.model_copy(update=changed), load, load_judge)
    answer = conversation.ask("What did the bridge of glass in Velmora cost?")
    assert answer.fallback in (
        "too little of what the model wrote is in the sources", "the model said nothing",
    )  # fmt: skip
    assert answer.answerer == "extractive"
    assert "42 million crowns" in answer.text
    assert answer.tokens["written"] > 0
