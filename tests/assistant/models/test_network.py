"""The network: its loss on paper, what it starts from, and that it survives its export."""

from __future__ import annotations

from math import exp, log
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from transformers import BertConfig, BertModel

from assistant.models.examples import Example, Group
from assistant.reranking import (
    PACKAGED,
    UNSEEN,
    PackagedReranker,
    Reading,
    encode,
    load_tokenizer,
)
from assistant.segmentation import Span

for package in ("onnx", "onnxscript"):
    pytest.importorskip(package, reason="training needs `pip install '.[train]'`")

from assistant.models.network import EvidenceNetwork, export, loss_of, tensors  # noqa: E402

TOKENIZER = load_tokenizer(PACKAGED / "tokenizer.json")
READINGS = [
    Reading("Who pays?", "Eels pay the toll. Owls watch.", [Span(0, 18), Span(19, 30)]),
    Reading("Who pays the toll of the bridge?", "Gulls fly.", [Span(0, 10)]),
    Reading("Who?", "Lamps are lit at night. It rains. Bread is dear.",
            [Span(0, 23), Span(24, 33), Span(34, 48)]),
]  # fmt: skip


@pytest.fixture
def network(tmp_path: Path) -> EvidenceNetwork:
    """A tiny one with random layers."""
    torch.manual_seed(1)
    config = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        initializer_range=0.3,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path / "bert")
    return EvidenceNetwork(tmp_path / "bert").eval()


def group(*texts: tuple[int, ...]) -> Group:
    """A question whose texts have sentences with these labels."""
    return Group("", [Example(Reading("", "", []), labels) for labels in texts])


def loss(sentences: list[list[float]], texts: list[float], *groups: Group) -> float:
    logits, of_texts = torch.tensor(sentences), torch.tensor(texts, dtype=torch.float)
    return float(loss_of(logits, of_texts, groups))


def softplus(logit: float) -> float:
    return log(1 + exp(logit))


def test_loss_of_one_sentence_that_answers_and_one_that_does_not() -> None:
    # Listwise (2 + 3 + 1) / 2; the sentences on their own; the text on its own.
    expected = log(3) + 0.5 * (softplus(-log(2)) + softplus(log(3))) / 2 + 0.5 * softplus(-1.5)
    assert loss([[log(2), log(3)]], [1.5], group((1, 0))) == pytest.approx(expected, abs=1e-5)


def test_loss_of_a_question_without_an_answer_wants_none() -> None:
    # "None of them" has the weight 1 of 1 + 2 + 3.
    expected = log(6) + 0.5 * (log(3) + log(4)) / 2 + 0.5 * softplus(1.5)
    assert loss([[log(2), log(3)]], [1.5], group((0, 0))) == pytest.approx(expected, abs=1e-5)


def test_loss_of_two_answers_needs_both() -> None:
    listwise = (log(1 + 2 + 5) - log(2) + log(1 + 4 + 5) - log(4)) / 2
    pointwise = (softplus(-log(2)) + softplus(-log(4)) + softplus(log(5))) / 3
    found = loss([[log(2), log(4)], [log(5), 0]], [0, 0], group((1, 1), (0,)))
    assert found == pytest.approx(listwise + 0.5 * pointwise + 0.5 * log(2), abs=1e-5)


def test_loss_of_several_questions_is_their_mean() -> None:
    one, other = [[log(2), log(3)]], [[log(7), log(5)]]
    together = loss(one + other, [0.5, -2], group((1, 0)), group((0, 0)))
    alone = loss(one, [0.5], group((1, 0))), loss(other, [-2], group((0, 0)))
    assert together == pytest.approx(sum(alone) / 2, abs=1e-5)


def test_loss_of_sentences_of_another_question_does_not_compete() -> None:
    # As one question the two texts share a softmax, as two they do not.
    logits, texts = [[3.0], [3.0]], [0.0, 0.0]
    assert loss(logits, texts, group((1,)), group((1,))) < loss(logits, texts, group((1,), (0,)))


@pytest.mark.parametrize("logit", [-9.0, 0.0, 9.0])
def test_loss_of_unknown_sentences_is_nothing(logit: float) -> None:
    without = loss([[2.0, -1.0]], [0.5], group((1, 0)))
    assert loss([[2.0, logit, -1.0]], [0.5], group((1, -1, 0))) == pytest.approx(without)
    text_of_unknown = loss([[2.0, -1.0], [logit, 0]], [0.5, logit], group((1, 0), (-1,)))
    assert text_of_unknown == pytest.approx(without)


def test_loss_of_leaves_out_the_padding() -> None:
    one, other = ([[1.0, 2.0], [0.5, padding]] for padding in (UNSEEN, 30.0))
    shown = group((1, 0), (0,))
    assert loss(one, [0, 0], shown) == loss(other, [0, 0], shown)


def test_network_starts_from_the_cosine_of_question_and_sentence(network: EvidenceNetwork) -> None:
    batch = encode(TOKENIZER, READINGS[:1])
    ids, mask, types, members = tensors(batch)
    with torch.no_grad():
        logits, [text] = network(ids, mask, types, members)
        hidden = network.encoder(ids, mask, types).last_hidden_state[0]
    question = hidden[types[0] == 0].mean(0)
    cosines = [torch.cosine_similarity(question, hidden[m == 1].mean(0), dim=0) for m in members[0]]
    expected = [12 * float(cosine) - 5 for cosine in cosines]
    assert logits[0].tolist() == pytest.approx(expected, abs=1e-4)
    assert float(text) == pytest.approx(float(np.log(np.exp(expected).sum())), abs=1e-4)


def test_network_gives_a_sentence_that_it_does_not_see_the_lowest_logit(
    network: EvidenceNetwork,
) -> None:
    with torch.no_grad():
        logits, _ = network(*tensors(encode(TOKENIZER, READINGS)))
    assert (logits == UNSEEN).tolist() == [
        [False, False, True], [False, True, True], [False, False, False],
    ]  # fmt: skip


def test_network_gives_the_same_whatever_the_padding(network: EvidenceNetwork) -> None:
    with torch.no_grad():
        logits, texts = network(*tensors(encode(TOKENIZER, READINGS)))
        alone, [text] = network(*tensors(encode(TOKENIZER, READINGS[1:2])))
    assert float(logits[1, 0]) == pytest.approx(float(alone[0, 0]), abs=1e-3)
    assert float(texts[1]) == pytest.approx(float(text), abs=1e-3)


def test_network_learns_all_but_the_word_vectors(network: EvidenceNetwork) -> None:
    sentences, texts = network(*tensors(encode(TOKENIZER, READINGS)))
    loss_of(sentences, texts, [group((1, 0), (0,), (0, 0, 0))]).backward()  # type: ignore[no-untyped-call]
    unmoved = [n for n, p in network.named_parameters() if p.grad is None]
    assert unmoved == ["encoder.embeddings.word_embeddings.weight"]


@pytest.mark.filterwarnings("ignore")  # PyTorch's exporter, of itself
def test_export_gives_the_same_scores(network: EvidenceNetwork, tmp_path: Path) -> None:
    for name, parameter in network.named_parameters():
        if "head" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    export(network, tmp_path / "evidence.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "evidence.onnx")
    reranker = PackagedReranker(session, TOKENIZER)
    for readings in (READINGS, READINGS[1:2]):
        with torch.no_grad():
            logits, texts = network(*tensors(encode(TOKENIZER, readings)))
        for judgement, row, text in zip(reranker.judge(readings), logits, texts, strict=True):
            size = len(judgement.sentences)
            assert judgement.sentences == pytest.approx(row[:size].numpy(), rel=0.05, abs=0.3)
            assert judgement.passage == pytest.approx(float(text), rel=0.05, abs=0.3)
